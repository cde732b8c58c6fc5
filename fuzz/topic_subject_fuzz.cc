#include <cstdlib>
#include <string>
#include <vector>

#include "b2/topic_subject.h"
#include "base/bytes.h"

namespace {

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens(1);
  for (const char c : text) {
    if (c == '.') tokens.emplace_back();
    else tokens.back() += c;
  }
  return tokens;
}

/// What the specification says, put plainly.
bool stands_for(const std::vector<std::string>& pattern, const std::vector<std::string>& subject) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i == subject.size()) return false;
    if (pattern[i] == ">") return true;
    if (pattern[i] != "*" && pattern[i] != subject[i]) return false;
  }
  return pattern.size() == subject.size();
}

void require(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

// The lines are patterns and subjects. Each subject is a pattern that stands for itself; matching is what the specification says; and a
// pattern that covers another stands for each subject the other does.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost::b2;
  std::vector<std::string> patterns, subjects;
  std::string_view rest = ghost::as_text({data, size});
  while (!rest.empty() && patterns.size() < 16) {
    const std::string line(rest.substr(0, rest.find('\n')));
    rest = rest.substr(std::min(rest.size(), line.size() + 1));
    const bool is_pattern = check_pattern(line).has_value(), is_subject = check_subject(line).has_value();
    require(!is_subject || is_pattern);
    if (is_pattern) patterns.push_back(line);
    if (is_subject) subjects.push_back(line);
  }
  for (const std::string& subject : subjects) require(matches(subject, subject) && matches(">", subject));
  for (const std::string& pattern : patterns) {
    for (const std::string& subject : subjects) require(matches(pattern, subject) == stands_for(tokens_of(pattern), tokens_of(subject)));
    for (const std::string& other : patterns) {
      if (!covers(pattern, other)) continue;
      for (const std::string& subject : subjects) require(!matches(other, subject) || matches(pattern, subject));
    }
  }
  return 0;
}
