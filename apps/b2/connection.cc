// How the verbs that connect do so.
#include <cstdlib>

#include "verbs.h"

namespace ghost::app {

std::vector<Option> connection_options() {
  return {state_option(), Option{"at", "ADDR", "where to call: HOST:PORT, tls:HOST:PORT or unix:PATH; by default this machine's host"},
          Option{"timeout", "SECONDS", "how long to wait for an answer (10)"}, json_option()};
}

Result<Duration> timeout_of(const Arguments& arguments) {
  const std::string text = arguments.text("timeout", "10");
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(seconds > 0) || seconds > 1e6) {
    return Error{Errc::malformed, "--timeout " + text + ": a number of seconds above 0"};
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
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
