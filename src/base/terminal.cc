#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "base/units.h"

namespace ghost {

Terminal Terminal::of(int fd, const Environment& environment) {
  Terminal terminal;
  terminal.is_terminal = ::isatty(fd) == 1;
  if (!terminal.is_terminal) return terminal;
  const bool refused = !environment("NO_COLOR").value_or("").empty();  // no-color.org: set and not empty
  terminal.colours = !refused && environment("TERM").value_or("dumb") != "dumb";
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.width = size.ws_col;
  return terminal;
}

std::string coloured(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.colours) return std::string(text);
  constexpr std::array<std::string_view, 6> kCodes = {"31", "32", "33", "34", "2", "1"};
  return "\x1b[" + std::string(kCodes[static_cast<std::size_t>(colour)]) + "m" + std::string(text) + "\x1b[0m";
}

// ---- Table ----

namespace {

constexpr std::size_t kGap = 2, kNarrowest = 8;

std::string padded(const std::string& cell, std::size_t width, bool right) {
  const std::size_t shown = display_width(cell);
  const std::string space(width > shown ? width - shown : 0, ' ');
  return right ? space + cell : cell + space;
}

// "12", "-3.5", "1.5 GiB", "98 %", "250 ms", "-".
bool is_number(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  const std::size_t digit = cell[0] == '-' || cell[0] == '+' ? 1 : 0;
  if (digit >= cell.size() || cell[digit] < '0' || cell[digit] > '9') return false;
  const std::size_t end = std::min(cell.find_first_not_of("0123456789.,", digit), cell.size());
  if (std::count(cell.begin(), cell.begin() + static_cast<std::ptrdiff_t>(end), '.') > 1) return false;  // an address
  const std::string_view unit = std::string_view(cell).substr(end);
  return unit.empty() || unit == "%" || (unit[0] == ' ' && unit.size() <= 6);
}

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::add(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::vector<bool> Table::right_aligned() const {
  std::vector<bool> right(headings_.size(), false), text(headings_.size(), false);
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (!is_number(row[column])) text[column] = true;
      if (!row[column].empty() && row[column] != "-") right[column] = true;
    }
  }
  for (std::size_t column = 0; column < right.size(); ++column) right[column] = right[column] && !text[column];
  return right;
}

std::vector<std::size_t> Table::widths(std::size_t limit, const std::vector<bool>& right) const {
  std::vector<std::size_t> widths;
  std::size_t all = 0;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    std::size_t width = display_width(headings_[column]);
    for (const auto& row : rows_) width = std::max(width, display_width(row[column]));
    widths.push_back(width);
    all += width + (column == 0 ? 0 : kGap);
  }
  for (; all > limit; --all) {
    std::size_t* widest = nullptr;
    for (std::size_t column = 0; column < widths.size(); ++column) {
      if (!right[column] && widths[column] > kNarrowest && (!widest || widths[column] > *widest)) widest = &widths[column];
    }
    if (!widest) break;
    --*widest;
  }
  return widths;
}

std::string Table::text(std::size_t width) const {
  const auto right = right_aligned();
  const auto column_widths = widths(width, right);
  std::string text;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column != 0) line += std::string(kGap, ' ');
      line += padded(cut_to_width(cells[column], column_widths[column]), column_widths[column], right[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add_line(headings_);
  for (const auto& row : rows_) add_line(row);
  return text;
}

// ---- Progress ----

Progress::Progress(Terminal terminal, std::string what, Unit unit, std::uint64_t total, TimePoint now)
    : terminal_(terminal), what_(printable(what)), unit_(unit), total_(total), start_(now), estimated_(now), shown_(now) {}

// Half of the rate is that of the last second or more: quick to follow, slow enough to read.
void Progress::estimate(TimePoint now) {
  const Duration passed = now - estimated_;
  if (passed < kEstimate) return;
  const double seconds = std::chrono::duration<double>(passed).count();
  const double latest = static_cast<double>(done_ - done_at_estimate_) / seconds;
  rate_ = estimated_ == start_ ? latest : (rate_ + latest) / 2;
  estimated_ = now;
  done_at_estimate_ = done_;
}

std::optional<Duration> Progress::time_left() const {
  if (total_ == 0 || rate_ <= 0 || done_ > total_) return std::nullopt;
  const double seconds = static_cast<double>(total_ - done_) / rate_;
  constexpr double kTooLong = 100.0 * 86400;  // a guess of months is no guess
  if (seconds > kTooLong) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::ceil(seconds)));
}

/// "3:25": minutes and seconds of sound.
static std::string playing_time(std::uint64_t sectors) {
  const std::string seconds = std::to_string(sectors / 75 % 60);
  return std::to_string(sectors / 75 / 60) + (seconds.size() < 2 ? ":0" : ":") + seconds;
}

std::string Progress::rate(double per_second) const {
  if (unit_ != Unit::sound) return amount(static_cast<std::uint64_t>(std::llround(per_second))) + "/s";
  const double times = per_second / 75;
  const std::string text = std::to_string(std::llround(times < 10 ? times * 10 : times));
  return (times >= 10 ? text : text.substr(0, text.size() - 1) + (text.size() < 2 ? "0." : ".") + text.back()) + " × real time";
}

std::string Progress::amount(std::uint64_t value) const {
  if (unit_ == Unit::sound) return playing_time(value);
  return unit_ == Unit::bytes ? format_size(value) : std::to_string(value);
}

// "1.2 GiB of 4.0 GiB, 30 %, 110.0 MiB/s, 25.0 s left"
std::string Progress::state() const {
  std::string text = amount(done_);
  if (total_ != 0) {
    const double part = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    text += " of " + amount(total_) + ", " + std::to_string(static_cast<int>(part * 100)) + " %";
  }
  if (rate_ > 0) text += ", " + rate(rate_);
  if (const auto left = time_left(); left && done_ < total_) text += ", " + format_duration(*left) + " left";
  return note_.empty() ? text : text + ", " + printable(note_);
}

std::string Progress::bar(std::size_t cells) const {
  if (total_ == 0) return "";
  const double part = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
  return "[" + std::string(full, '#') + std::string(cells - full, '.') + "] ";
}

/// What is told in words counts for more than the bar, which is shorter, or not there, where there is no room.
std::string Progress::drawn(std::size_t columns) const {
  const std::string words = state();
  for (const std::size_t cells : {20, 10}) {
    std::string text = what_ + " " + bar(cells) + words;
    if (display_width(text) <= columns) return text;
  }
  return cut_to_width(what_ + " " + words, columns);
}

std::string Progress::line(TimePoint now) const {
  return what_ + ": " + state() + ", " + format_duration(now - start_) + " so far\n";
}

std::string Progress::update(std::uint64_t done, TimePoint now) {
  done_ = std::max(done_, done);  // what is done stays done; a core that counts back is not shown doing so
  estimate(now);
  const bool first = !started_;
  started_ = true;
  if (!first && now - shown_ < (terminal_.is_terminal ? kRedraw : kPlainLine)) return "";
  shown_ = now;
  if (!terminal_.is_terminal) return first ? what_ + ": started" + (total_ == 0 ? "" : ", " + amount(total_)) + "\n" : line(now);
  drawn_ = true;
  // One column stays free: a line that fills the last one wraps on some terminals.
  const std::size_t columns = terminal_.width > 1 ? terminal_.width - 1 : 1;
  return "\r" + drawn(columns) + "\x1b[K";
}

std::string Progress::clear() {
  if (!drawn_) return "";
  drawn_ = false;
  shown_ = {};
  return "\r\x1b[K";
}

std::string Progress::finish(std::string_view outcome, TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string text = clear() + what_ + ": " + printable(outcome) + ", " + amount(done_) + " in " + format_duration(now - start_);
  if (seconds >= 0.001 && done_ > first_) text += ", " + rate(static_cast<double>(done_ - first_) / seconds);
  return text + "\n";
}

}  // namespace ghost
