#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// How a message is written in a body of the Connect protocol.
enum class ConnectCodec : bool { json, proto };

/// The headers of a call that its protocol gives a meaning, as they were sent.
struct ConnectHeaders {
  std::optional<std::string_view> protocol_version, content_encoding, timeout_ms;
};

/// What the headers of a unary call by the Connect protocol say (docs/spec/b2.md §10).
struct ConnectCall {
  ConnectCodec codec = ConnectCodec::json;
  std::optional<Duration> timeout;  ///< zero when the deadline has passed already
};

/// What stands before a content type's first ';', in lower case: "application/json".
std::string media_type(std::string_view content_type);
std::string_view media_type_of(ConnectCodec codec);
/// The codec of a unary call; nothing for a content type that is none.
std::optional<ConnectCodec> unary_codec(std::string_view media_type);
/// Whether that is a call by Connect's streaming protocol ("application/connect+json").
bool is_connect_stream(std::string_view media_type);

/// Reads the headers of a call whose content type is known. Errors, to be told by connect_error_json(): malformed for another version of the
/// protocol or a timeout that is no number of at most 10 digits, unsupported for a compressed body.
Result<ConnectCall> read_connect_call(const ConnectHeaders& headers, ConnectCodec codec);

}  // namespace ghost::b2
