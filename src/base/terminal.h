#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/time.h"

namespace ghost {

/// What may be sent to a file descriptor people look at.
struct Terminal {
  bool is_terminal = false;
  bool colours = false;   ///< a terminal, and neither NO_COLOR is set nor TERM=dumb
  std::size_t width = 80; ///< columns; 80 where there is no terminal

  static Terminal of(int fd, const Environment& environment = process_environment);
};

/// Colours a terminal has everywhere. `text` must be printable() already.
enum class Colour : unsigned char { red, green, yellow, blue, dim, bold };
std::string coloured(const Terminal& terminal, Colour colour, std::string_view text);

/// Rows in columns that are as wide as they must be, by what a terminal shows; numbers stand at the right. What strangers wrote is
/// made printable.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  /// Cells beyond the headings are dropped, missing ones are empty.
  void add(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }
  /// With headings; lines end without spaces. When the whole is wider than `width`, its widest left-aligned columns are cut, in turn.
  std::string text(std::size_t width) const;
  /// As wide as the terminal; whole where there is none, for the program that reads it.
  std::string text(const Terminal& terminal) const { return text(terminal.is_terminal ? terminal.width : std::string::npos); }

 private:
  std::vector<bool> right_aligned() const;
  std::vector<std::size_t> widths(std::size_t limit, const std::vector<bool>& right) const;

  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

/// What is shown of work under way: on a terminal a line that is redrawn, with rate and time left, elsewhere a plain line at
/// start, every ten seconds, and at the end. Pure: time comes in, text to be written to stderr comes out.
class Progress {
 public:
  enum class Unit : unsigned char {
    bytes,
    items,
    sound  ///< sectors of a disc, 1/75 s: told as time, their rate as a multiple of playing
  };
  static constexpr Duration kRedraw = std::chrono::milliseconds(100);
  static constexpr Duration kEstimate = std::chrono::seconds(1);   ///< rate and time left change no more often
  static constexpr Duration kPlainLine = std::chrono::seconds(10);

  /// @param total  0 when it is not known
  Progress(Terminal terminal, std::string what, Unit unit, std::uint64_t total, TimePoint now);

  /// So much was done before this began: it counts, and is no speed.
  void begin_at(std::uint64_t done) { done_ = done_at_estimate_ = first_ = done; }
  /// Said behind the rest, until it is told anew.
  void note(std::string text) { note_ = std::move(text); }

  /// `done` of the total are done; gives what to write, "" when it is too early for anything.
  std::string update(std::uint64_t done, TimePoint now);
  /// The state as one plain line, whatever the time: for SIGUSR1.
  std::string line(TimePoint now) const;
  /// The last line. `outcome`: "done", or what went wrong.
  std::string finish(std::string_view outcome, TimePoint now);
  /// Takes the line off the terminal so that something else can be printed; the next update() draws it again.
  std::string clear();
  /// For a line of JSON.
  double per_second() const { return rate_; }
  std::optional<Duration> time_left() const;

 private:
  void estimate(TimePoint now);
  std::string amount(std::uint64_t value) const;
  std::string rate(double per_second) const;
  std::string state() const;
  std::string bar(std::size_t cells) const;
  std::string drawn(std::size_t columns) const;

  Terminal terminal_;
  std::string what_;
  Unit unit_;
  std::uint64_t total_, done_ = 0, done_at_estimate_ = 0, first_ = 0;
  std::string note_;
  TimePoint start_, estimated_, shown_;
  double rate_ = 0;  ///< smoothed, per second; 0 before the first estimate
  bool started_ = false, drawn_ = false;
};

}  // namespace ghost
