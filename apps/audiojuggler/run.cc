#include "run.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <limits>

#include "app/places.h"
#include "base/text.h"

namespace ghost::app {

namespace {

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void write_stderr(const std::string& text) {
  if (!text.empty()) std::cerr << text << std::flush;
}

}  // namespace

void print_event(const Json& event) { std::cout << event.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl; }

int fail(const Arguments& arguments, const Error& error) {
  if (!arguments.has("json")) return complain("audiojuggler", error);
  print_event({{"v", 1}, {"event", "error"}, {"status", name(error.code)}, {"message", error.message}, {"code", code(exit_code_of(error))}});
  return code(exit_code_of(error));
}

Interrupts::Interrupts() {
  std::signal(SIGXFSZ, SIG_IGN);
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this, signals] {
    const timespec patience{0, 100'000'000};
    while (!ending_) {
      if (sigtimedwait(&signals, nullptr, &patience) > 0) cancelled_ = true;
    }
  });
}

Interrupts::~Interrupts() {
  ending_ = true;
  thread_.join();
}

ShownProgress::ShownProgress(const Arguments& arguments, std::string what, Progress::Unit unit) : quiet_(arguments.has("quiet")), what_(std::move(what)), unit_(unit) {}

void ShownProgress::total(std::uint64_t total) {
  if (quiet_) return;
  const TimePoint now = std::chrono::steady_clock::now();
  progress_.emplace(Terminal::of(STDERR_FILENO), what_, unit_, total, now);
  write_stderr(progress_->update(0, now));
}

void ShownProgress::update(std::uint64_t done) {
  if (progress_) write_stderr(progress_->update(done, std::chrono::steady_clock::now()));
}

void ShownProgress::clear() {
  if (progress_) write_stderr(progress_->clear());
}

void ShownProgress::finish(std::string_view outcome) {
  if (progress_) write_stderr(progress_->finish(outcome, std::chrono::steady_clock::now()));
}

std::string hex32(std::uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

std::string playing_time(std::uint64_t sectors) {
  const std::uint64_t seconds = sectors / 75;
  return std::to_string(seconds / 60) + (seconds % 60 < 10 ? ":0" : ":") + std::to_string(seconds % 60);
}

std::string counted(std::size_t count, std::string_view noun) { return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s"); }

std::size_t stdout_width() {
  const Terminal terminal = Terminal::of(STDOUT_FILENO);
  return terminal.is_terminal ? terminal.width : std::numeric_limits<std::size_t>::max();
}

std::string fitted(std::string_view line) { return cut_to_width(line, stdout_width()); }

}  // namespace ghost::app
