// The first bytes of a connection, before anybody knows what it is. Byte 0: the length of the pieces they come in. A server on a
// simulated host takes them for b2, TLS or HTTP or turns them away; whichever it is, a stranger who then says nothing is gone within
// a minute, and nothing of him is left.
#include <cstdint>
#include <cstdlib>

#include "b2/access_service.h"
#include "b2/server_service.h"
#include "b2/sniff.h"
#include "b2/test_service.h"
#include "net/sim.h"
#include "net/test_certificate.h"

namespace {

using namespace ghost;
using namespace ghost::b2;

void must(bool holds) {
  if (!holds) std::abort();
}

struct Stranger : net::StreamHandler {
  void on_bytes(BytesView) override {}
  void on_writable() override {}
  void on_closed(const Error&) override { closed = true; }
  std::unique_ptr<net::ByteStream> stream;
  bool closed = false;
};

const std::shared_ptr<const net::TlsContext>& tls() {
  static const std::shared_ptr<const net::TlsContext> context = [] {
    const net::TestCertificate certificate("server");
    return *net::make_tls_context({{certificate.der}, certificate.key.to_der(), {"b2/1", "http/1.1"}, true});
  }();
  return context;
}

/// What was decided stays decided, however much follows.
void check_sniff(BytesView bytes) {
  Protocol decided = Protocol::undecided;
  for (std::size_t length = 0; length <= std::min<std::size_t>(bytes.size(), 32); ++length) {
    const Protocol now = sniff(bytes.first(length));
    must(decided == Protocol::undecided || now == decided);
    decided = now;
  }
  must(bytes.size() < 16 || decided != Protocol::undecided);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  BytesView bytes(data + 1, size - 1);
  check_sniff(bytes);

  net::SimWorld world(1);
  net::Network& host = world.add_host(net::Address::ip4({10, 0, 0, 1}, 0));
  Endpoint endpoint;
  endpoint.name = "server";
  test::TestService service;
  endpoint.services.add(service);
  Server server({host, endpoint, [](const net::Peer&) { return std::make_shared<Identity>(); }, tls(),
                 [](net::HttpRequest, std::unique_ptr<net::HttpReply> reply, const HttpPeer&) { reply->send(net::HttpResponse::text(200, "ok")); },
                 {}, {}, {}});
  const auto at = server.listen(net::Address::loopback(0));
  must(at.has_value());
  Stranger stranger;
  const auto attempt = host.connect(*at, std::chrono::seconds(5), [&](Result<std::unique_ptr<net::ByteStream>> stream) {
    must(stream.has_value());
    stranger.stream = std::move(*stream);
    stranger.stream->set_handler(stranger);
  });
  world.run_for(std::chrono::milliseconds(1));
  must(stranger.stream != nullptr);
  while (!bytes.empty() && !stranger.closed) {
    const std::size_t part = std::min(piece, bytes.size());
    stranger.stream->output().append(bytes.first(part));
    bytes = bytes.subspan(part);
    world.run_for(std::chrono::milliseconds(1));
  }
  world.run_for(std::chrono::minutes(2));
  must(stranger.closed);
  must(server.unidentified() == 0);
  must(endpoint.counters.connections == 0);
  must(endpoint.budget.used() == 0);
  return 0;
}
