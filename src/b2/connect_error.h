#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

/// Errors as the Connect protocol's unary calls tell them: an HTTP status and a JSON body.
namespace ghost::b2 {

int http_status(Errc code);
/// "deadline_exceeded", …: Connect's names of gRPC's codes.
std::string_view connect_name(Errc code);
/// {"code":"not_found","message":"…"}
std::string connect_error_json(const Error& error);

}  // namespace ghost::b2
