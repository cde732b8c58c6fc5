#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/network.h"

namespace ghost::net {

struct HttpLimits {
  std::size_t header_bytes = 16 * 1024;  ///< request line and all headers
  std::size_t headers = 100;
  std::size_t body_bytes = 4 * 1024 * 1024;
  Duration header_timeout = std::chrono::seconds(10);  ///< from the first byte of a request to the end of its headers
  Duration body_timeout = std::chrono::seconds(30);
  Duration idle_timeout = std::chrono::seconds(75);  ///< between requests
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  ///< names in lower case

struct HttpRequest {
  std::string method;   ///< "GET"
  std::string target;   ///< as sent, starting with '/'
  std::string path;     ///< target without its query, percent-decoded; refused when it holds "..", NUL or a control character
  std::string query;
  HttpHeaders headers;
  Bytes body;
  /// The first header of that name (lower case), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  ///< content-length, date and connection are added
  Bytes body;
  static HttpResponse text(int status, std::string_view body, std::string_view type = "text/plain; charset=utf-8");
};

/// Answers one request, at once or later, on the reactor's thread. Dropping it unanswered answers 500. After the connection
/// ended, answers go nowhere.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpResponse response) = 0;
  /// Answers 101 and turns the connection into a WebSocket speaking `subprotocol` (RFC 6455), handed to `done` as a stream whose
  /// bytes are the payloads of binary messages; text messages end it with 1003. Errors: malformed when the request is no
  /// proper upgrade or does not offer `subprotocol`, unsupported for a WebSocket version other than 13 (then send() is still to be
  /// called); cancelled when the connection has ended. `done` is called in a later turn, and not at all when the connection ends
  /// before.
  virtual Status upgrade_to_websocket(std::string_view subprotocol, std::function<void(std::unique_ptr<ByteStream>)> done) = 0;
};

using OnHttpRequest = std::function<void(HttpRequest, std::unique_ptr<HttpReply>)>;

/// One HTTP/1.1 connection, server side: keep-alive, pipelined requests answered in order (the next is read when the last was
/// answered), bounded in size and time. Malformed ones, and ways of framing a body that a proxy might read otherwise, are answered
/// 400, 408, 413, 414, 417, 431, 501 or 505 with a sentence and closed. `closed` is called once, at the end (also when an upgrade
/// has taken the connection over); the connection may be destroyed in any callback, and neither is called before serve_http()
/// has returned.
/// @param first  bytes already read from `below` while the protocol was being guessed
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;
  /// No request has begun to arrive, none is being answered, and every answer has left.
  virtual bool idle() const = 0;
  enum class WhenIdle { closes, awaits_one_more };
  /// Answers what is under way, then closes instead of waiting for another request. An idle one closes at once, or has 10 s for a
  /// request that may be on its way: its answer says that it is the last.
  virtual void leave(WhenIdle idle = WhenIdle::closes) = 0;
};
std::unique_ptr<HttpConnection> serve_http(Reactor& reactor, std::unique_ptr<ByteStream> below, BytesView first,
                                           const HttpLimits& limits, OnHttpRequest on_request, std::function<void()> closed);

/// Client side of a WebSocket, for tests and tools: connects over `below`, asks for `subprotocol` at `target`.
class WebSocketDial {
 public:
  virtual ~WebSocketDial() = default;
};
std::unique_ptr<WebSocketDial> dial_websocket(Reactor& reactor, std::unique_ptr<ByteStream> below, std::string host,
                                              std::string target, std::vector<std::string> subprotocols, HttpHeaders extra,
                                              Duration timeout, OnConnect done);

}  // namespace ghost::net
