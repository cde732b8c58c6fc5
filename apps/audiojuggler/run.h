#pragma once
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "base/command_line.h"
#include "base/terminal.h"

namespace ghost::app {

using Json = nlohmann::ordered_json;

/// Prints one line of NDJSON.
void print_event(const Json& event);
/// Ends a verb: "audiojuggler: message" on stderr, or an error event with --json. Gives the exit code.
int fail(const Arguments& arguments, const Error& error);

/// Turns `cancelled` true at SIGINT or SIGTERM, while it lives; the work under way then ends in order. A full disk becomes an error of a call
/// instead of a signal. Made before any other thread.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  const std::atomic<bool>& cancelled() const { return cancelled_; }

 private:
  std::atomic<bool> cancelled_{false}, ending_{false};
  std::thread thread_;
};

/// Progress on stderr, or none with --quiet.
class ShownProgress {
 public:
  ShownProgress(const Arguments& arguments, std::string what, Progress::Unit unit);
  void total(std::uint64_t total);
  void update(std::uint64_t done);
  /// Takes the line away so that something else can be printed.
  void clear();
  void finish(std::string_view outcome);

 private:
  bool quiet_;
  std::string what_;
  Progress::Unit unit_;
  std::optional<Progress> progress_;
};

std::string hex32(std::uint32_t value);

/// "3:25", minutes and seconds of sound, from sectors.
std::string playing_time(std::uint64_t sectors);

/// "1 file", "3 files".
std::string counted(std::size_t count, std::string_view noun);

/// Columns that stdout shows; beyond all measure where it is a file or a pipe, in which nothing is cut.
std::size_t stdout_width();
/// A line for stdout, cut to what it shows.
std::string fitted(std::string_view line);

}  // namespace ghost::app
