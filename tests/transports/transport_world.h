#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "b2/client_service.h"
#include "b2/host_service.h"
#include "b2/server_service.h"
#include "b2/test_service.h"
#include "b2/topics_service.h"
#include "base/test_directory.h"
#include "child_program.h"
#include "net/epoll_testing.h"
#include "net/sim.h"
#include "net/test_certificate.h"
#include "sim_processes.h"

namespace ghost::b2::test {

/// Something b2 goes over. Both sides live in this process; children are objects on a network of their own.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual net::Network& servers() = 0;
  virtual net::Network& clients() = 0;
  virtual net::Network& children() { return servers(); }
  virtual net::Address listen_at() const = 0;
  virtual net::Address children_at() const { return net::Address::loopback(0); }
  virtual bool tls() const { return false; }
  virtual bool until(const std::function<bool()>& done) = 0;
};

class RealTransport : public Transport {
 public:
  enum class Kind { tcp, tls, unix_socket };
  explicit RealTransport(Kind kind) : kind_(kind) {}

  net::Network& servers() override { return *network_; }
  net::Network& clients() override { return *network_; }
  net::Address listen_at() const override {
    return kind_ == Kind::unix_socket ? net::Address::unix_path((directory_.path() / "b2.sock").string()) : net::Address::loopback(0);
  }
  bool tls() const override { return kind_ == Kind::tls; }
  bool until(const std::function<bool()>& done) override { return net::testing::turn_until(*network_, done); }

 private:
  Kind kind_;
  TestDirectory directory_;
  std::unique_ptr<net::EpollNetwork> network_ = net::testing::make_network();
};

/// TLS over simulated links that delay, lose and cut up what crosses them.
class SimulatedTransport : public Transport {
 public:
  explicit SimulatedTransport(std::uint64_t seed) : world_(seed) {
    net::LinkConditions link;
    link.delay = std::chrono::milliseconds(2);
    link.jitter = std::chrono::milliseconds(1);
    link.loss = 0.02;
    link.fragment = 700;
    world_.set_default_link(link);
    world_.set_link(host(1), host(3), {});  // the host and its children share a machine
    world_.set_link(host(3), host(1), {});
  }
  net::Network& servers() override { return server_; }
  net::Network& clients() override { return client_; }
  net::Network& children() override { return children_; }
  net::Address listen_at() const override { return host(1).with_port(2203); }
  net::Address children_at() const override { return host(3); }
  bool tls() const override { return true; }
  bool until(const std::function<bool()>& done) override { return world_.run_until(done, std::chrono::hours(1)); }
  std::uint64_t events() const { return world_.counters().events; }

 private:
  static net::Address host(std::uint8_t number) { return net::Address::ip4({10, 0, 0, number}, 0); }

  net::SimWorld world_;
  net::Network& server_ = world_.add_host(host(1));
  net::Network& client_ = world_.add_host(host(2));
  net::Network& children_ = world_.add_host(host(3));
};

/// A server with the test service and a host for one child, and a caller connected to it over a transport.
class Stage {
 public:
  explicit Stage(Transport& transport)
      : transport_(transport),
        processes_(transport.servers(), transport.children(), transport.children_at(),
                   [](const ChildSpec& spec, ProcessSelf self, std::unique_ptr<net::ByteStream> stream) {
                     const auto held = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(stream));
                     net::Reactor& reactor = self.reactor;
                     return std::make_unique<ChildProgram>(spec.command.at(1), std::move(self), [held, &reactor](Endpoint& endpoint, auto gone) {
                       return std::make_unique<HostLink>(reactor, endpoint, std::move(*held), std::move(gone));
                     });
                   }) {
    server_endpoint_.name = "server";
    client_endpoint_.name = "client";
    if (transport_.tls()) {
      server_tls_ = context("server");
      client_tls_ = context("client");
    }
    server_.emplace(Server::Parts{transport_.servers(), server_endpoint_,
                                  [](const net::Peer& peer) {
                                    auto owner = std::make_shared<Identity>();
                                    owner->kind = Identity::Kind::owner;
                                    owner->roles = Roles::all();
                                    owner->where = peer.remote.text();
                                    return owner;
                                  },
                                  server_tls_, {}, {}, {}, {}});
  }
  ~Stage() {
    server_endpoint_.services.on_change = nullptr;
    link.reset();  // links and calls end before the endpoints they belong to
    service.held.clear();
    topics.reset();
  }

  /// Serves the test service itself.
  void serve_directly() { server_endpoint_.services.add(service); }
  /// Serves topics.
  void serve_topics(const TopicLimits& limits) {
    server_endpoint_.boot_epoch = 2203;
    topics.emplace(transport_.servers().reactor(), server_endpoint_, limits, TopicRights());
    server_endpoint_.services.add(*topics);
  }
  /// Has a child serve it.
  void serve_by_child() {
    server_endpoint_.services.on_change = [this](const v1::ServiceEntry& changed) { server_->tell_services(changed); };
    host_.emplace(HostParts{transport_.servers().reactor(), processes_, server_endpoint_, Logger::none(), {}}, Host::About{core_, "1"});
    server_endpoint_.services.add(*host_);
    ASSERT_TRUE(host_->add({"child", {"/bin/child", "serve"}, {}, {}}));
    ASSERT_TRUE(transport_.until([&] { return host_->state().children.at(0).state == v1::ChildState::ready; }));
  }

  void connect() {
    const auto at = server_->listen(transport_.listen_at());
    ASSERT_TRUE(at) << at.error().message;
    std::optional<Result<std::unique_ptr<Link>>> opened;
    Trust trust;
    std::unique_ptr<OneTimeCode> pin;
    if (transport_.tls()) {
      pin = std::make_unique<OneTimeCode>(OneTimeCode::make(server_key_));
      trust.code = pin.get();
    }
    const Dial dial({transport_.clients(), client_endpoint_, client_tls_, trust, std::chrono::seconds(30)}, Target{*at, transport_.tls()},
                    [&](Result<std::unique_ptr<Link>> dialled) { opened = std::move(dialled); });
    ASSERT_TRUE(transport_.until([&] { return opened.has_value(); }));
    ASSERT_TRUE(*opened) << opened->error().message;
    link = std::move(**opened);
  }

  v1::Child child() const { return host_->state().children.at(0); }
  bool until_end(const Started& started) {
    return transport_.until([&] { return started->ended(); });
  }

  TestService service;
  std::optional<TopicsService> topics;
  std::unique_ptr<Link> link;

 private:
  std::shared_ptr<const net::TlsContext> context(const std::string& name) {
    const net::TestCertificate certificate(name);
    if (name == "server") server_key_ = certificate.key.public_key();
    auto made = net::make_tls_context({{certificate.der}, certificate.key.to_der(), {"b2/1"}, true});
    EXPECT_TRUE(made);
    return *made;
  }

  Transport& transport_;
  SimProcesses processes_;
  Endpoint server_endpoint_, client_endpoint_;
  CoreService core_{server_endpoint_, transport_.servers().reactor()};
  PublicKey server_key_{};
  std::shared_ptr<const net::TlsContext> server_tls_, client_tls_;
  std::optional<Host> host_;
  std::optional<Server> server_;
};

/// One of the transports that a test body runs over.
struct Over {
  std::string name;
  std::function<std::unique_ptr<Transport>()> make;
};

inline std::vector<Over> all_transports() {
  std::vector<Over> all = {{"Tcp", [] { return std::make_unique<RealTransport>(RealTransport::Kind::tcp); }},
                           {"Tls", [] { return std::make_unique<RealTransport>(RealTransport::Kind::tls); }},
                           {"UnixSocket", [] { return std::make_unique<RealTransport>(RealTransport::Kind::unix_socket); }}};
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    all.push_back({"SimulatedSeed" + std::to_string(seed), [seed] { return std::make_unique<SimulatedTransport>(seed); }});
  }
  return all;
}

/// For test bodies that run over each transport: INSTANTIATE_TEST_SUITE_P with all_transports().
class OverTransports : public testing::TestWithParam<Over> {
 protected:
  std::unique_ptr<Transport> transport_ = GetParam().make();
  Stage stage_{*transport_};
};

}  // namespace ghost::b2::test
