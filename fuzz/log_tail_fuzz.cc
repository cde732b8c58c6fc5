#include <cstdlib>
#include <string>

#include "b2/log_tail.h"
#include "base/bytes.h"
#include "base/text.h"

using ghost::LogLevel;
using ghost::b2::LogTail;

// However a child's output comes in pieces, the lines are the same, fit to be shown, and no more is kept than was said.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view output = ghost::as_text({data, size});
  const auto lines_of = [&](std::size_t piece) {
    LogTail tail(200, 50);
    std::string lines;
    const auto note = [&](LogLevel level, std::string_view line) {
      if (ghost::printable(line) != line) std::abort();
      lines.append(name(level)).append(" ").append(line).append("\n");
    };
    for (std::size_t at = 0; at < output.size(); at += piece) {
      tail.add(output.substr(at, piece), note);
      if (tail.text().size() > 200) std::abort();
    }
    tail.finish(note);
    return lines + tail.text();
  };
  const std::string whole = lines_of(output.size() + 1);
  if (lines_of(1) != whole || lines_of(7) != whole) std::abort();
  return 0;
}
