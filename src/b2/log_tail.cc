#include "b2/log_tail.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace ghost::b2 {

namespace {

/// Takes "<N>" off the front of `line`; info without one. Syslog's priorities 0 to 3 are errors.
LogLevel take_level(std::string_view& line) {
  if (line.size() < 3 || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>') return LogLevel::info;
  const char priority = line[1];
  line.remove_prefix(3);
  if (priority <= '3') return LogLevel::error;
  if (priority == '4') return LogLevel::warning;
  return priority == '7' ? LogLevel::debug : LogLevel::info;
}

}  // namespace

void LogTail::add(std::string_view output, const OnLine& on_line) {
  while (!output.empty()) {
    const std::size_t end = output.find('\n');
    const std::string_view part = output.substr(0, end);
    const std::size_t room = most_line_ - std::min(most_line_, partial_.size());
    if (part.size() > room) cut_ = true;
    partial_ += part.substr(0, room);
    if (end == std::string_view::npos) return;
    take_line(on_line);
    output.remove_prefix(end + 1);
  }
}

void LogTail::finish(const OnLine& on_line) {
  if (!partial_.empty()) take_line(on_line);
}

void LogTail::take_line(const OnLine& on_line) {
  const std::string raw = std::exchange(partial_, {});
  std::string_view rest = raw;
  const LogLevel level = take_level(rest);
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  std::string line = printable(rest);
  if (std::exchange(cut_, false)) line += "…";
  on_line(level, line);
  bytes_ += line.size() + 1;
  lines_.push_back(std::move(line));
  while (bytes_ > most_bytes_ && !lines_.empty()) {
    bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
  }
}

std::string LogTail::text() const {
  std::string all;
  all.reserve(bytes_);
  for (const std::string& line : lines_) all.append(line).push_back('\n');
  return all;
}

}  // namespace ghost::b2
