#include "b2/connect_error.h"

#include <nlohmann/json.hpp>

namespace ghost::b2 {

int http_status(Errc code) {
  switch (code) {
    case Errc::cancelled: return 499;
    case Errc::malformed: case Errc::conflict: case Errc::out_of_range: return 400;
    case Errc::timed_out: return 504;
    case Errc::not_found: return 404;
    case Errc::exists: case Errc::aborted: return 409;
    case Errc::refused: return 403;
    case Errc::exhausted: return 429;
    case Errc::unsupported: return 501;
    case Errc::busy: return 503;
    case Errc::unauthenticated: return 401;
    case Errc::unknown: case Errc::io: case Errc::data_loss: return 500;
  }
  return 500;
}

std::string_view connect_name(Errc code) {
  switch (code) {
    case Errc::cancelled: return "canceled";
    case Errc::unknown: return "unknown";
    case Errc::malformed: return "invalid_argument";
    case Errc::timed_out: return "deadline_exceeded";
    case Errc::not_found: return "not_found";
    case Errc::exists: return "already_exists";
    case Errc::refused: return "permission_denied";
    case Errc::exhausted: return "resource_exhausted";
    case Errc::conflict: return "failed_precondition";
    case Errc::aborted: return "aborted";
    case Errc::out_of_range: return "out_of_range";
    case Errc::unsupported: return "unimplemented";
    case Errc::io: return "internal";
    case Errc::busy: return "unavailable";
    case Errc::data_loss: return "data_loss";
    case Errc::unauthenticated: return "unauthenticated";
  }
  return "unknown";
}

static nlohmann::ordered_json connect_error(const Error& error) {
  return {{"code", connect_name(error.code)}, {"message", error.message}};
}

static std::string text_of(const nlohmann::ordered_json& body) {
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string connect_error_json(const Error& error) { return text_of(connect_error(error)); }

Bytes connect_stream_end(const Error& error) {
  constexpr std::uint8_t end_of_stream = 2;
  const std::string body = text_of({{"error", connect_error(error)}});
  Bytes envelope = {end_of_stream};
  for (int shift = 24; shift >= 0; shift -= 8) envelope.push_back(static_cast<std::uint8_t>(body.size() >> shift));
  envelope.insert(envelope.end(), body.begin(), body.end());
  return envelope;
}

}  // namespace ghost::b2
