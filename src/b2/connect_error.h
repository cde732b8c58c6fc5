#pragma once
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

/// Errors as the Connect protocol's unary calls tell them: an HTTP status and a JSON body.
namespace ghost::b2 {

int http_status(Errc code);
/// "deadline_exceeded", …: Connect's names of gRPC's codes.
std::string_view connect_name(Errc code);
/// {"code":"not_found","message":"…"}. Of `details`, which are a server's choice, there are none.
std::string connect_error_json(const Error& error);
/// The same as the end of a Connect stream: an envelope with flag 2, as a stream that ends before its first message has it.
Bytes connect_stream_end(const Error& error);

}  // namespace ghost::b2
