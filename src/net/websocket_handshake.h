#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace ghost::net {

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2).
std::string websocket_accept(std::string_view key);

/// A fresh Sec-WebSocket-Key: 16 random bytes in base64.
std::string websocket_key();

/// What a client asks for by a proper upgrade (RFC 6455 §4.2.1).
struct WebSocketOffer {
  std::string key;
  std::vector<std::string> subprotocols;
};
/// Errors: malformed, with what is missing; unsupported for a version other than 13, to be answered 426.
Result<WebSocketOffer> read_websocket_offer(const HttpRequest& request);

}  // namespace ghost::net
