// Calls by datagram over whole stacks: sockets, TLS whose keys they use, connections for what is too long.
#include "b2/datagram_service.h"

#include <gtest/gtest.h>

#include "b2/client_service.h"
#include "b2/datagram_client_service.h"
#include "b2/server_service.h"
#include "b2/test_service.h"
#include "net/epoll_testing.h"
#include "net/sim_testing.h"
#include "net/test_certificate.h"

namespace ghost::b2 {

using namespace std::chrono_literals;
using net::sim::testing::host_address;

namespace {

std::shared_ptr<const Identity> everybody_is_owner(const net::Peer& peer) {
  auto owner = std::make_shared<Identity>();
  owner->kind = Identity::Kind::owner;
  owner->roles = Roles::all();
  owner->where = peer.remote.text();
  return owner;
}

/// A node with the test service on one simulated host, a caller on another, TLS between them, and weather.
class DatagramStack : public testing::Test {
 protected:
  DatagramStack() {
    net::LinkConditions weather;
    weather.delay = 5ms;
    weather.jitter = 5ms;
    weather.loss = 0.1;
    weather.duplicate = 0.1;
    world.set_default_link(weather);
    endpoint.name = "server";
    endpoint.boot_epoch = 22;
    endpoint.services.add(service);
    EXPECT_TRUE(port.listen(net::Address::ip4({0, 0, 0, 0}, 2203)));
    datagrams.emplace(here.reactor(), endpoint, port);
    endpoint.services.add(*datagrams);
    server.emplace(b2::Server::Parts{here, endpoint, everybody_is_owner, *net::make_tls_context(key.config()), {}, {}, {}, {}});
    EXPECT_TRUE(server->listen(at));
    client_endpoint.name = "client";
  }
  ~DatagramStack() override {
    client.reset();
    link.reset();
    service.held.clear();
  }

  void connect() {
    const OneTimeCode pin = OneTimeCode::make(key.key.public_key());
    Trust trust;
    trust.code = &pin;
    std::optional<Result<std::unique_ptr<Link>>> opened;
    const Dial dial({there, client_endpoint, *net::make_tls_context(net::TestCertificate("client").config()), trust, 30s}, Target{at, true},
                    [&](Result<std::unique_ptr<Link>> dialled) { opened = std::move(dialled); });
    ASSERT_TRUE(world.run_until([&] { return opened.has_value(); }, 1min));
    ASSERT_TRUE(*opened) << opened->error().message;
    link = std::move(**opened);
  }
  void open_session() {
    std::optional<Result<std::unique_ptr<DatagramClient>>> opened;
    const auto opening = DatagramClient::open_sealed(there, *link, [&](Result<std::unique_ptr<DatagramClient>> made) { opened = std::move(made); });
    ASSERT_TRUE(world.run_until([&] { return opened.has_value(); }, 1min));
    ASSERT_TRUE(*opened) << opened->error().message;
    client = std::move(**opened);
  }
  Result<Bytes> call(std::string_view method, BytesView request) {
    std::optional<Result<Bytes>> result;
    client->caller().start(service.info().name, method, Payload(request), {}, std::make_unique<KeepAnswer>(result));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, 1min));
    return result ? *result : Error{Errc::timed_out, "hangs"};
  }
  const DatagramCounters& counters() const { return endpoint.counters.datagrams; }

  net::SimWorld world{1};
  net::Network& here = world.add_host(host_address(1));
  net::Network& there = world.add_host(host_address(2));
  const net::Address at = host_address(1, 2203);
  const net::TestCertificate key{"server"};
  Endpoint endpoint, client_endpoint;
  test::TestService service;
  UdpPort port{here};
  std::optional<DatagramServer> datagrams;
  std::optional<Server> server;
  std::unique_ptr<Link> link;
  std::unique_ptr<DatagramClient> client;
};

TEST_F(DatagramStack, CallsWithKeysOfTheConnectionHaveItsRights) {
  connect();
  open_session();
  for (int i = 0; i < 50; ++i) {
    const auto answer = call("Secret", as_bytes("for admins"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(as_text(*answer), "for admins");
  }
  EXPECT_EQ(counters().sealed, 50u);
  EXPECT_GT(counters().repeats, 0u) << "the weather saw to that";
}

TEST_F(DatagramStack, WhatIsTooLongGoesByTheConnection) {
  connect();
  open_session();
  const Bytes big(50'000, 'x');
  const auto answer = call("Echo", big);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, big);
  EXPECT_EQ(counters().sealed, 0u);
}

TEST_F(DatagramStack, TheSessionEndsWithItsConnection) {
  connect();
  open_session();
  EXPECT_EQ(counters().sessions, 1u);
  std::optional<Result<Bytes>> held;
  client->caller().start(service.info().name, "Hold", Payload(as_bytes("x")), {}, std::make_unique<KeepAnswer>(held));
  ASSERT_TRUE(world.run_until([&] { return service.held.size() == 1; }, 1min));
  link.reset();
  ASSERT_TRUE(held);
  EXPECT_EQ(held->error().code, Errc::unknown);
  EXPECT_TRUE(world.run_until([&] { return counters().sessions == 0; }, 1min));
  std::optional<Result<Bytes>> later;
  client->caller().start(service.info().name, "Echo", Payload(as_bytes("x")), {}, std::make_unique<KeepAnswer>(later));
  EXPECT_EQ(later->error().code, Errc::busy);
}

TEST_F(DatagramStack, DroppingTheCallerEndsTheSession) {
  connect();
  open_session();
  client.reset();
  EXPECT_TRUE(world.run_until([&] { return counters().sessions == 0; }, 1min));
}

TEST_F(DatagramStack, ANodeThatShutsDownEndsSessionsAndSaysSo) {
  connect();
  open_session();
  std::optional<Result<Bytes>> held;
  client->caller().start(service.info().name, "Hold", Payload(as_bytes("x")), {}, std::make_unique<KeepAnswer>(held));
  ASSERT_TRUE(world.run_until([&] { return service.held.size() == 1; }, 1min));
  datagrams->go_away();
  ASSERT_TRUE(world.run_until([&] { return held.has_value(); }, 1min));
  EXPECT_EQ(held->error().code, Errc::unknown);
  EXPECT_NE(held->error().message.find("shutting down"), std::string::npos) << held->error().message;
}

TEST_F(DatagramStack, LookUpsNeedNoConnection) {
  for (const DatagramForm form : {DatagramForm::plain, DatagramForm::pure}) {
    auto opened = DatagramClient::open(there, at, form);
    ASSERT_TRUE(opened);
    client = std::move(*opened);
    const auto answer = call("Echo", as_bytes("hello"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(as_text(*answer), "hello");
    const auto refused = call("Secret", as_bytes("hello"));
    EXPECT_EQ(refused.error().code, Errc::unauthenticated);
    EXPECT_NE(refused.error().message.find("needs keys"), std::string::npos);
  }
}

TEST(DatagramSockets, CarryCallsOverLoopback) {
  const auto network = net::testing::make_network();
  Endpoint endpoint;
  endpoint.name = "server";
  test::TestService service;
  endpoint.services.add(service);
  UdpPort port(*network);
  for (const net::Address& at : {net::Address::loopback(0), net::Address::ip6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0)}) {
    ASSERT_TRUE(port.listen(at));
  }
  DatagramServer datagrams(network->reactor(), endpoint, port);
  for (const net::Address& at : port.addresses()) {
    for (const DatagramForm form : {DatagramForm::plain, DatagramForm::pure}) {
      auto client = DatagramClient::open(*network, at, form);
      ASSERT_TRUE(client);
      std::vector<std::optional<Result<Bytes>>> results(100);
      for (auto& result : results) (*client)->caller().start(service.info().name, "Echo", Payload(as_bytes("hello")), {}, std::make_unique<KeepAnswer>(result));
      EXPECT_TRUE(net::testing::turn_until(*network, [&] { return std::all_of(results.begin(), results.end(), [](const auto& each) { return each.has_value(); }); }));
      for (const auto& result : results) EXPECT_TRUE(*result) << (*result).error().message;
    }
  }
}

}  // namespace
}  // namespace ghost::b2
