#pragma once
#include <string>

#include "b2/json.h"
#include "app/session_service.h"
#include "base/command_line.h"

namespace ghost::app {

/// What a verb that calls is told: [ADDR] SERVICE/METHOD [JSON].
struct Called {
  std::string at;  ///< "" for this machine's host
  std::string service, method;
  std::string json;
  bool has_json = false;
  std::string path() const { return service + "/" + method; }

  /// malformed with the usage of `verb`, which takes these words.
  static Result<Called> read(const Arguments& arguments, const std::string& verb);
};

/// The schema of a service, from its endpoint.
Result<b2::JsonCodec> schema_of(Session& session, const std::string& service);
/// Which sides of the method stream, by what the peer's HELLO says; unary for one it does not tell of.
b2::v1::MethodKind kind_of(const b2::v1::Hello& hello, const Called& called);
/// Tells of a failure, as JSON where --json asks for it; gives the exit code.
int fail_called(const Arguments& arguments, const Error& error);

}  // namespace ghost::app
