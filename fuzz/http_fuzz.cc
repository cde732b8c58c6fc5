#include <cstdlib>

#include "b2/connect_call.h"
#include "net/http.h"
#include "net/memory_world.h"

using namespace ghost;
using namespace ghost::net;

namespace {

/// What a server says to a stranger's bytes is HTTP, and requests it hands on keep their promises.
struct Server {
  MemoryReactor reactor;
  StreamRecorder client_seen, websocket_seen;
  std::unique_ptr<ByteStream> client, websocket;
  std::unique_ptr<HttpConnection> connection;
  int closed = 0;

  Server() {
    auto [left, right] = make_memory_pair(reactor, {0, 1 << 16});
    client = std::move(left);
    client->set_handler(client_seen);
    HttpLimits limits;
    limits.header_bytes = 512;
    limits.headers = 8;
    limits.body_bytes = 256;
    connection = serve_http(
        reactor, std::move(right), {}, limits,
        [this](HttpRequest request, std::unique_ptr<HttpReply> reply) { handle(request, std::move(reply)); },
        [this] {
          ++closed;
          connection.reset();
        });
  }

  /// What is taken for a call keeps within what the protocol allows.
  static void read_call(const HttpRequest& request) {
    const std::string type = b2::media_type(request.header("content-type").value_or(""));
    const auto codec = b2::unary_codec(type);
    if (codec && (b2::is_connect_stream(type) || b2::media_type_of(*codec) != type)) std::abort();
    const auto call = b2::read_connect_call(
        {request.header("connect-protocol-version"), request.header("content-encoding"), request.header("connect-timeout-ms")},
        codec.value_or(b2::ConnectCodec::json));
    if (call && call->timeout && (*call->timeout < Duration::zero() || *call->timeout > std::chrono::milliseconds(9'999'999'999))) std::abort();
  }

  void handle(const HttpRequest& request, std::unique_ptr<HttpReply> reply) {
    if (request.path.empty() || request.path[0] != '/' || request.path.find("..") != std::string::npos) std::abort();
    if (!request.header("host") || request.headers.size() > 8 || request.body.size() > 256) std::abort();
    if (request.method == "POST") read_call(request);
    if (const auto query = b2::read_connect_query(request.query); query && (!b2::is_connect_query(request.query) || query->message.size() > request.query.size())) std::abort();
    auto upgraded = reply->upgrade_to_websocket("b2.1", [this](std::unique_ptr<ByteStream> stream) {
      websocket = std::move(stream);
      websocket->set_handler(websocket_seen);
    });
    if (!upgraded) reply->send({200, {{"x-path", request.path}}, request.body});
  }
};

}  // namespace

// The first byte says how long the pieces are in which the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  BytesView rest(data + 1, size - 1);
  Server server;
  for (std::size_t piece = data[0]; !rest.empty(); piece = piece * 5 + 1) {
    const std::size_t part = std::min(rest.size(), piece % 61 + 1);
    server.client->output().append(rest.first(part));
    rest = rest.subspan(part);
    server.reactor.settle();
  }
  server.reactor.run_for(std::chrono::minutes(3));
  const std::string said = server.client_seen.text();
  if (!said.empty() && !said.starts_with("HTTP/1.1 ")) std::abort();
  if (server.closed != 1) std::abort();
  return 0;
}
