#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
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

/// What a call by GET has instead of a content type and a body (docs/spec/b2.md §10).
struct ConnectQuery {
  ConnectCodec codec = ConnectCodec::json;
  Bytes message;
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

/// Whether a path has the shape of a method's, "/acme.tally.v1.Tally/Get"; a file of the console has not.
bool is_connect_path(std::string_view path);
/// Whether a query is meant for a call: it has an `encoding`.
bool is_connect_query(std::string_view query);
/// Reads what stands behind the '?' of a call by GET. Errors: malformed where a part is missing, there twice, or cannot be decoded, and for another
/// version of the protocol; unsupported for another encoding or a compressed message. Other parts are passed over.
Result<ConnectQuery> read_connect_query(std::string_view query);

}  // namespace ghost::b2
