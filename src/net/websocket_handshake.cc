#include "net/websocket_handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/random.h"
#include "net/http_head.h"

namespace ghost::net {

static std::string base64(BytesView bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  std::string with_end = text + '\0';  // EVP_EncodeBlock ends its output with a zero
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(with_end.data()), bytes.data(), static_cast<int>(bytes.size()));
  with_end.pop_back();
  return with_end;
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, 20> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  return base64(digest);
}

std::string websocket_key() {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes);
  return base64(bytes);
}

/// 16 bytes in base64 are 22 characters and "==".
static bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

Result<WebSocketOffer> read_websocket_offer(const HttpRequest& request) {
  const auto malformed = [](std::string_view what) { return Error{Errc::malformed, "no WebSocket upgrade: " + std::string(what)}; };
  if (request.method != "GET") return malformed("the method is " + request.method + ", not GET");
  if (!has_token(request.headers, "upgrade", "websocket")) return malformed("no header \"Upgrade: websocket\"");
  if (!has_token(request.headers, "connection", "upgrade")) return malformed("no header \"Connection: Upgrade\"");
  if (!request.body.empty()) return malformed("the request has a body");
  if (count_headers(request.headers, "sec-websocket-version") != 1 || request.header("sec-websocket-version") != "13") {
    return Error{Errc::unsupported, "no WebSocket upgrade: Sec-WebSocket-Version must be 13"};
  }
  if (count_headers(request.headers, "sec-websocket-key") != 1 || !is_key(*request.header("sec-websocket-key"))) {
    return malformed("Sec-WebSocket-Key must be 16 bytes in base64");
  }
  return WebSocketOffer{std::string(*request.header("sec-websocket-key")), list_header(request.headers, "sec-websocket-protocol")};
}

}  // namespace ghost::net
