#include "b2/access_service.h"
#include "b2_load.h"
#include "b2_service.h"
#include "b2_tls.h"
#include "b2/datagram_service.h"
#include "net/epoll.h"

namespace ghost::b2::bench {

Result<std::shared_ptr<const net::TlsContext>> bench_tls() {
  const KeyPair key = KeyPair::generate();
  auto certificate = make_lone_certificate(key, "bench", Validity::starting(std::chrono::system_clock::now(), std::chrono::hours(24)));
  if (!certificate) return certificate.error();
  net::TlsConfig config;
  config.certificates = {std::move(*certificate)};
  config.private_key = key.to_der();
  config.alpn = {"b2/1"};
  return net::make_tls_context(config);
}

Status serve_b2(const net::Address& at, const Setup& setup, const std::function<void(const net::Address&)>& listening) {
  net::EpollOptions options;
  options.spin = setup.spin;
  auto network = net::EpollNetwork::create(options);
  if (!network) return network.error();
  Endpoint endpoint;
  endpoint.name = "bench";
  endpoint.program = "b2 bench";
  endpoint.boot_epoch = 1;
  BenchService service;
  endpoint.services.add(service);

  AccessRules rules;
  rules.house = [] { return nullptr; };
  Server::Parts parts{**network, endpoint, make_judge(std::move(rules)), {}, {}, {}, {}, {}};
  if (setup.tls) {
    auto tls = bench_tls();
    if (!tls) return tls.error();
    parts.tls = std::move(*tls);
  }
  Server server(std::move(parts));
  const auto address = server.listen(at);
  if (!address) return address.error();
  UdpPort port(**network);
  std::optional<DatagramServer> datagrams;
  if (setup.datagrams) {
    const auto bound = port.listen(*address);
    if (!bound) return bound.error();
    datagrams.emplace((*network)->reactor(), endpoint, port);
  }
  listening(*address);
  (*network)->run();
  return {};
}

}  // namespace ghost::b2::bench
