#include <gtest/gtest.h>
#include <net/if.h>

#include "net/epoll_testing.h"

namespace ghost::net {

using namespace std::chrono_literals;
using testing::make_network;
using testing::turn_until;

namespace {

const Address kGroup = Address::ip4({239, 255, 22, 3}, 0);

std::unique_ptr<DatagramSocket> open(EpollNetwork& network, const DatagramOptions& options) {
  auto socket = network.open_datagram(options);
  EXPECT_TRUE(socket) << socket.error().message;
  return socket ? std::move(*socket) : nullptr;
}

DatagramOptions at(const Address& local) {
  DatagramOptions options;
  options.local = local;
  return options;
}

/// What came, with bytes of its own.
struct Received {
  Address from, to;
  std::string bytes;
  std::uint32_t interface;
};

std::vector<Received>& collect(DatagramSocket& socket, std::vector<Received>& into) {
  socket.on_datagrams([&into](std::span<const Datagram> batch) {
    for (const Datagram& d : batch) into.push_back({d.from, d.to, std::string(as_text(d.bytes)), d.interface});
  });
  return into;
}

Datagram datagram(const Address& to, std::string_view text, std::uint32_t interface = 0) {
  return {{}, to, as_bytes(text), interface};
}

std::uint32_t loopback() {
  return if_nametoindex("lo");
}

}  // namespace

TEST(DatagramSocket, CarriesBatchesInOrderWithWhoSentThemAndToWhom) {
  for (const char* local : {"127.0.0.1:0", "[::1]:0"}) {
    auto network = make_network();
    const auto sender = open(*network, at(Address::parse(local).value()));
    const auto receiver = open(*network, at(Address::parse(local).value()));
    std::vector<Received> received;
    collect(*receiver, received);
    std::vector<std::string> texts;
    for (int i = 0; i < 150; ++i) texts.push_back("datagram " + std::to_string(i));
    std::vector<Datagram> batch;
    for (const auto& text : texts) batch.push_back(datagram(receiver->address(), text));
    EXPECT_EQ(sender->send(batch), batch.size());
    ASSERT_TRUE(turn_until(*network, [&] { return received.size() == batch.size(); }));
    for (std::size_t i = 0; i < received.size(); ++i) {
      ASSERT_EQ(received[i].bytes, texts[i]);
      ASSERT_EQ(received[i].from, sender->address());
      ASSERT_EQ(received[i].to, receiver->address());
      ASSERT_EQ(received[i].interface, loopback());
    }
  }
}

TEST(DatagramSocket, PartsAgainWhatCameInOnePiece) {
  auto network = make_network();
  DatagramOptions options = at(Address::loopback(0));
  options.coalesced = true;
  options.max_datagram = 1000;
  const auto receiver = open(*network, options);
  const auto sender = open(*network, at(Address::loopback(0)));
  std::vector<Received> received;
  collect(*receiver, received);
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(std::string(i < 50 ? 900 : 30, static_cast<char>('0' + i % 10)));
  texts.insert(texts.begin() + 50, std::string(1001, 'x'));  // is too long
  texts.emplace_back();
  std::vector<Datagram> batch;
  for (const auto& text : texts) batch.push_back(datagram(receiver->address(), text));
  EXPECT_EQ(sender->send(batch), batch.size());
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 101; }));
  EXPECT_EQ(receiver->truncated(), 1u);
  texts.erase(texts.begin() + 50);
  for (std::size_t i = 0; i < received.size(); ++i) {
    ASSERT_EQ(received[i].bytes, texts[i]) << i;
    ASSERT_EQ(received[i].from, sender->address());
  }
}

TEST(DatagramSocket, GivesTheAddressADatagramWasSentToWhenItListensOnAll) {
  auto network = make_network();
  const auto server = open(*network, at(Address::parse("0.0.0.0:0").value()));
  const auto client = open(*network, at(Address::loopback(0)));
  const Address asked = Address::ip4({127, 0, 0, 5}, server->address().port());
  server->on_datagrams([&](std::span<const Datagram> batch) {
    for (const Datagram& d : batch) {
      const Datagram answer{d.to, d.from, as_bytes("answer"), 0};
      EXPECT_EQ(server->send({&answer, 1}), 1u);
    }
  });
  std::vector<Received> received;
  collect(*client, received);
  const Datagram question = datagram(asked, "question");
  ASSERT_EQ(client->send({&question, 1}), 1u);
  ASSERT_TRUE(turn_until(*network, [&] { return !received.empty(); }));
  EXPECT_EQ(received[0].from, asked);  // whom it asked is who answers
}

TEST(DatagramSocket, DropsAndCountsWhatIsTooLong) {
  auto network = make_network();
  DatagramOptions options = at(Address::loopback(0));
  options.max_datagram = 100;
  const auto receiver = open(*network, options);
  const auto sender = open(*network, at(Address::loopback(0)));
  std::vector<Received> received;
  collect(*receiver, received);
  const std::string fits(100, 'f'), long_one(101, 'l');
  const std::vector<Datagram> batch = {datagram(receiver->address(), fits), datagram(receiver->address(), long_one),
                                       datagram(receiver->address(), ""), datagram(receiver->address(), "end")};
  EXPECT_EQ(sender->send(batch), 4u);
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 3; }));
  EXPECT_EQ(received[0].bytes, fits);
  EXPECT_EQ(received[1].bytes, "");
  EXPECT_EQ(received[2].bytes, "end");
  EXPECT_EQ(receiver->truncated(), 1u);
}

TEST(DatagramSocket, TakesTheLongestDatagramsWholeWhenAskedTo) {
  auto network = make_network();
  DatagramOptions options = at(Address::loopback(0));
  options.max_datagram = 65'535;
  const auto receiver = open(*network, options);
  const auto sender = open(*network, at(Address::loopback(0)));
  std::vector<Received> received;
  collect(*receiver, received);
  const std::string large(65'507, 'x');
  const Datagram one = datagram(receiver->address(), large);
  EXPECT_EQ(sender->send({&one, 1}), 1u);
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 1; }));
  EXPECT_EQ(received[0].bytes, large);
}

TEST(DatagramSocket, SkipsWhatCannotBeSentAndSendsTheRest) {
  auto network = make_network();
  const auto receiver = open(*network, at(Address::loopback(0)));
  const auto sender = open(*network, at(Address::loopback(0)));
  std::vector<Received> received;
  collect(*receiver, received);
  const std::string impossible(65'600, 'x');
  const std::vector<Datagram> batch = {datagram(receiver->address(), impossible), datagram(receiver->address(), "one"),
                                       datagram(Address::parse("[::1]:9").value(), "other family"),
                                       datagram(Address(), "nowhere"), datagram(receiver->address(), "two")};
  EXPECT_EQ(sender->send(batch), 2u);
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 2; }));
  EXPECT_EQ(received[1].bytes, "two");
  EXPECT_EQ(sender->send_until_full(batch), batch.size()) << "what can never be sent is done with, too";
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 4; }));
  EXPECT_EQ(received[3].bytes, "two");
}

TEST(DatagramSocket, SurvivesAnAnswerThatNobodyListens) {
  auto network = make_network();
  const auto sender = open(*network, at(Address::loopback(0)));
  Address gone;
  { gone = open(*network, at(Address::loopback(0)))->address(); }
  std::vector<Received> received;
  collect(*sender, received);
  const Datagram lost = datagram(gone, "anyone?");
  EXPECT_EQ(sender->send({&lost, 1}), 1u);
  const Datagram self = datagram(sender->address(), "still here");
  EXPECT_EQ(sender->send({&self, 1}), 1u);
  EXPECT_TRUE(turn_until(*network, [&] { return received.size() == 1; }));
}

TEST(DatagramSocket, MayBeDestroyedOrSilencedInItsHandler) {
  auto network = make_network();
  const auto sender = open(*network, at(Address::loopback(0)));
  auto dies = open(*network, at(Address::loopback(0)));
  auto stops = open(*network, at(Address::loopback(0)));
  int died = 0, stopped = 0;
  dies->on_datagrams([&](auto) { dies.reset(), ++died; });
  stops->on_datagrams([&](auto) { stops->on_datagrams(nullptr), ++stopped; });
  for (int round = 0; round < 2; ++round) {
    const std::vector<Datagram> batch = {datagram(dies ? dies->address() : sender->address(), "x"),
                                         datagram(stops->address(), "x")};
    EXPECT_EQ(sender->send(batch), 2u);
    for (int i = 0; i < 5; ++i) network->turn(network->now() + 5ms);
  }
  EXPECT_EQ(died, 1);
  EXPECT_EQ(stopped, 1);
}

TEST(DatagramSocket, SharesAPortOnlyWhenAsked) {
  auto network = make_network();
  DatagramOptions options = at(Address::loopback(0));
  options.share_port = true;
  const auto first = open(*network, options);
  options.local = first->address();
  const auto second = open(*network, options);
  options.share_port = false;
  auto third = network->open_datagram(options);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::busy);
  EXPECT_NE(third.error().message.find(first->address().text()), std::string::npos) << third.error().message;
  EXPECT_EQ(network->open_datagram(at(Address::unix_path("/x"))).error().code, Errc::malformed);
}

TEST(DatagramSocket, TellsWhatReceiveBufferItWasGranted) {
  auto network = make_network();
  DatagramOptions options = at(Address::loopback(0));
  options.receive_buffer = 64 * 1024;
  EXPECT_EQ(open(*network, options)->receive_buffer(), 64u * 1024);
  options.receive_buffer = std::size_t{1} << 40;
  EXPECT_GT(open(*network, options)->receive_buffer(), 64u * 1024);
}

TEST(Multicast, ReachesWhoeverJoinedOnLoopbackAndNobodyElse) {
  auto network = make_network();
  DatagramOptions options = at(Address::parse("0.0.0.0:0").value());
  options.share_port = true;
  const auto member = open(*network, options);
  options.local = member->address();
  const auto stranger = open(*network, options);
  const Address group = kGroup.with_port(member->address().port());
  ASSERT_TRUE(member->join(group, loopback(), {}));
  const auto sender = open(*network, at(Address::loopback(0)));
  ASSERT_TRUE(sender->set_multicast(loopback(), 1, true));
  std::vector<Received> received, overheard;
  collect(*member, received);
  collect(*stranger, overheard);
  const Datagram beacon = datagram(group, "beacon");
  ASSERT_EQ(sender->send({&beacon, 1}), 1u);
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() == 1; }));
  EXPECT_EQ(received[0].to, group);
  EXPECT_EQ(received[0].from, sender->address());
  EXPECT_EQ(received[0].interface, loopback());

  ASSERT_TRUE(member->leave(group, loopback(), {}));
  const std::vector<Datagram> more = {beacon, datagram(Address::loopback(stranger->address().port()), "unicast")};
  ASSERT_EQ(sender->send(more), 2u);
  ASSERT_TRUE(turn_until(*network, [&] { return received.size() + overheard.size() == 2; }));
  for (const auto& one : overheard) EXPECT_EQ(one.bytes, "unicast");
}

TEST(Multicast, TakesOneSourceOnlyWhenJoinedToIt) {
  auto network = make_network();
  const auto member = open(*network, at(Address::parse("0.0.0.0:0").value()));
  const Address group = Address::ip4({232, 1, 2, 3}, member->address().port());
  ASSERT_TRUE(member->join(group, loopback(), Address::ip4({127, 0, 0, 2}, 0)));
  std::vector<Received> received;
  collect(*member, received);
  for (const char* from : {"127.0.0.3:0", "127.0.0.2:0"}) {
    const auto sender = open(*network, at(Address::parse(from).value()));
    ASSERT_TRUE(sender->set_multicast(loopback(), 1, true));
    const Datagram one = datagram(group, from);
    ASSERT_EQ(sender->send({&one, 1}), 1u);
  }
  ASSERT_TRUE(turn_until(*network, [&] { return !received.empty(); }));
  EXPECT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].bytes, "127.0.0.2:0");
  EXPECT_TRUE(member->leave(group, loopback(), Address::ip4({127, 0, 0, 2}, 0)));
}

TEST(Multicast, JoinsIp6GroupsToo) {
  auto network = make_network();
  const auto member = open(*network, at(Address::parse("[::]:0").value()));
  const Address group = Address::parse("[ff02::2203]:1").value();
  const Status joined = member->join(group, loopback(), {});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_TRUE(member->leave(group, loopback(), {}));
  const Status hops = member->set_multicast(loopback(), 1, true);
  EXPECT_TRUE(hops) << hops.error().message;
}

TEST(Multicast, NamesTheGroupAndTheInterfaceItCouldNotJoin) {
  auto network = make_network();
  const auto socket = open(*network, at(Address::parse("0.0.0.0:0").value()));
  const Status no_device = socket->join(kGroup, 4'000'000, {});
  ASSERT_FALSE(no_device);
  EXPECT_EQ(no_device.error().message, "join 239.255.22.3 on interface 4000000: no such device");
  EXPECT_EQ(no_device.error().code, Errc::not_found);
  const Status no_group = socket->join(Address::loopback(0), loopback(), {});
  ASSERT_FALSE(no_group);
  EXPECT_EQ(no_group.error().code, Errc::malformed);
  EXPECT_FALSE(socket->join(Address::parse("[ff02::1]:0").value(), loopback(), {}));
  EXPECT_FALSE(socket->leave(kGroup, loopback(), {}));
  EXPECT_FALSE(socket->set_multicast(4'000'000, 1, true));
}

TEST(Interfaces, IncludeLoopback) {
  auto network = make_network();
  const auto interfaces = network->interfaces();
  ASSERT_TRUE(interfaces) << interfaces.error().message;
  const auto lo = std::find_if(interfaces->begin(), interfaces->end(), [](const auto& i) { return i.name == "lo"; });
  ASSERT_NE(lo, interfaces->end());
  EXPECT_EQ(lo->index, loopback());
  EXPECT_TRUE(lo->up);
  EXPECT_TRUE(lo->loopback);
  EXPECT_NE(std::find(lo->addresses.begin(), lo->addresses.end(), Address::loopback(0)), lo->addresses.end());
}

}  // namespace ghost::net
