#pragma once
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/log.h"

namespace ghost::b2 {

/// The last lines a child wrote, fit to be shown. A line may begin with its level as the journal wants it, "<4>" (sd-daemon(3)).
class LogTail {
 public:
  using OnLine = std::function<void(LogLevel level, std::string_view line)>;

  /// @param most_bytes  of all lines kept
  /// @param most_line   longer lines are cut, and end in "…"
  explicit LogTail(std::size_t most_bytes = 8192, std::size_t most_line = 1024) : most_bytes_(most_bytes), most_line_(most_line) {}

  /// Takes output as it comes; calls `on_line` for each line that is complete.
  void add(std::string_view output, const OnLine& on_line);
  /// The writer is gone: what it wrote last is a line.
  void finish(const OnLine& on_line);

  /// The lines, oldest first, each ended by "\n".
  std::string text() const;

 private:
  void take_line(const OnLine& on_line);

  std::size_t most_bytes_, most_line_;
  std::string partial_;
  bool cut_ = false;  ///< the rest of the line under way is dropped
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace ghost::b2
