// How the verbs that connect do so.
#include <cstdlib>
#include <iostream>

#include "verbs.h"

namespace ghost::app {

std::vector<Option> connection_options() {
  return {state_option(), Option{"at", "ADDR", "where to call: HOST:PORT, tls:HOST:PORT or unix:PATH; by default this machine's host"},
          Option{"timeout", "SECONDS", "how long to wait for an answer (10)"}, json_option()};
}

static std::optional<double> number_in(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return end == text.c_str() || *end != '\0' ? std::nullopt : std::optional(number);
}

static Duration in_seconds(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }

Result<Duration> timeout_of(const Arguments& arguments) {
  const std::string text = arguments.text("timeout", "10");
  const auto seconds = number_in(text);
  if (!seconds || !(*seconds > 0) || *seconds > 1e6) return Error{Errc::malformed, "--timeout " + text + ": a number of seconds above 0"};
  return in_seconds(*seconds);
}

Result<Duration> wait_of(const Arguments& arguments) {
  const std::string text = arguments.text("wait", "1");
  const auto seconds = number_in(text);
  if (!seconds || !(*seconds >= 0) || *seconds > 3600) return Error{Errc::malformed, "--wait " + text + ": a number of seconds from 0 to 3600"};
  return in_seconds(*seconds);
}

int usage_error(std::string_view program, const Error& error) {
  std::cerr << program << ": " << error.message << "\n";
  return code(Exit::usage);
}

Result<std::unique_ptr<Session>> open_session(const Arguments& arguments, std::string at) {
  const auto where = places(arguments);
  if (!where) return where.error();
  const auto timeout = timeout_of(arguments);
  if (!timeout) return timeout.error();
  Session::Wish wish;
  wish.at = std::move(at);
  wish.timeout = *timeout;
  return Session::open(*where, wish);
}

}  // namespace ghost::app
