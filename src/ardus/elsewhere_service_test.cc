#include "ardus/elsewhere_service.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "ardus/chunk_runs.h"
#include "ardus/peer_service.h"
#include "ardus/session_service.h"
#include "b2/house.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSession = 9;

/// Two members of one house on loopback: one has a copy, or says so; the other fetches.
struct TwoMembers {
  std::filesystem::path root;
  std::unique_ptr<net::EpollNetwork> network;
  std::unique_ptr<b2::Node> holder, fetcher;
  KeyPair sender = KeyPair::generate();
  ReceiptNonce nonce{7};
  std::shared_ptr<const Manifest> manifest;
  Bytes content = Bytes(100'000, 3);
  std::unique_ptr<Elsewhere> elsewhere;
  std::map<std::uint32_t, Bytes> taken;
  bool over = false;

  TwoMembers() {
    char made[] = "/tmp/ghost-elsewhere-XXXXXX";
    root = ::mkdtemp(made);
    network = std::move(*net::EpollNetwork::create());
    const WallTime now = std::chrono::system_clock::now();
    auto keeper = b2::NodeState::open_or_create(root / "holder", "holder", now);
    const auto house = b2::House::create(*keeper, "Archive", now);
    auto member = b2::NodeState::open_or_create(root / "fetcher", "fetcher", now);
    const auto leaf = house->issue(member->key().public_key(), "fetcher", {b2::Role::listen}, now);
    EXPECT_TRUE(member->join(std::move(*b2::Membership::from_certificates({*leaf, house->trust().certificate()}, member->key().public_key(), now))));
    holder = start("holder");
    fetcher = start("fetcher");
    write_content();
  }
  ~TwoMembers() {
    elsewhere.reset();
    fetcher.reset();
    holder.reset();
    network.reset();
    std::filesystem::remove_all(root);
  }

  std::unique_ptr<b2::Node> start(const std::string& name) {
    b2::Node::Options options;
    options.program = "ardus";
    options.version = "1";
    options.state = root / name;
    options.asks_keeper = false;
    options.listen = {net::Address::ip4({127, 0, 0, 1}, 0)};
    auto node = b2::Node::start(*network, std::move(options), Logger::none());
    EXPECT_TRUE(node) << node.error().message;
    return std::move(*node);
  }

  /// One file of two chunks, as a transfer left it.
  void write_content() {
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 1000);
    Manifest all;
    const BytesView bytes(content);
    for (const BytesView part : {bytes.first(60'000), bytes.subspan(60'000)}) all.chunks.push_back({static_cast<std::uint32_t>(part.size()), sha256(part)});
    Entry file;
    file.path = "x";
    file.size = content.size();
    file.chunks = {0, 1};
    all.entries.push_back(file);
    EXPECT_TRUE(encode_manifest(all, sender));
    manifest = std::make_shared<const Manifest>(std::move(all));
    std::filesystem::create_directory(root / "into");
    EXPECT_TRUE(write_file_atomically(root / "into/x", content));
  }
  PeerDesk::Holding holding() const { return {root / "into", manifest, sender.public_key(), kSession, nonce}; }
  Bytes grant_for(const b2::Node& node) const {
    return encode_grant({GrantKind::fetch, manifest->content, kSession, nonce, node.state().key().public_key()}, sender);
  }

  /// Fetches both chunks, or whatever comes; ends when the fetching does.
  void fetch(const Bytes& grant) {
    Elsewhere::Parts parts{*fetcher, Logger::none(), kSession, Way{1, "lo", net::Address::loopback(0), 0}, manifest, {}, {}, {}, {}};
    parts.wanted = [this](std::size_t) {
      ChunkSet all(2);
      for (const std::uint32_t chunk : {0u, 1u}) {
        if (!taken.contains(chunk)) all.insert(chunk);
      }
      return all;
    };
    parts.take = [this](std::uint32_t chunk, BytesView bytes) {
      taken[chunk] = to_bytes(bytes);
      over = over || taken.size() == 2;
    };
    parts.changed = [this] {
      over = over || !elsewhere->active();
    };
    over = false;
    elsewhere = std::make_unique<Elsewhere>(std::move(parts));
    v1::PeerSource source;
    source.address = holder->server().addresses().front().text();
    source.node = to_bytes(holder->state().id().bytes);
    source.grant = grant;
    elsewhere->add_peer(source);
    for (const TimePoint end = network->now() + 60s; !over && network->now() < end;) network->turn(end);
    EXPECT_TRUE(over);
  }
};

/// A member that hands out what it likes.
struct Liar : v1::PeerService {
  v1::FetchedPart lie;
  void chunks(v1::PeerChunksRequest, b2::ServerStream<v1::FetchedPart> stream) override {
    stream.write(lie);
    stream.finish();
  }
};

/// A relay's session of what the holder has.
struct RelayedSession {
  explicit RelayedSession(TwoMembers& two)
      : ports(*two.network, Logger::none(), [own = own_address()] { return std::vector{own}; }, {}), session({*two.holder, ports, Logger::none(), [] {}}, request(), {two.manifest, {}, {}, {}, {}}) {}
  /// Whose fixed ports nobody else has.
  static net::Address own_address() { return net::Address::ip4({127, 77, static_cast<std::uint8_t>(::getpid() >> 8), static_cast<std::uint8_t>(::getpid() | 1)}, 0); }
  static v1::SendRequest request() {
    v1::SendRequest wish;
    wish.interfaces = {"lo"};
    return wish;
  }

  Ports ports;
  SendingSession session;
};

}  // namespace

TEST(Elsewhere, AMemberThatTheSenderNamedGetsTheChunks) {
  TwoMembers two;
  PeerDesk desk(Logger::none());
  desk.add(two.holding());
  two.holder->endpoint().services.add(desk);
  two.fetch(two.grant_for(*two.fetcher));
  ASSERT_EQ(two.taken.size(), 2u) << two.elsewhere->detail();
  EXPECT_TRUE(std::ranges::equal(two.taken[1], BytesView(two.content).subspan(60'000)));
  EXPECT_EQ(two.elsewhere->bytes(), two.content.size());
  two.holder->endpoint().services.remove(desk);
}

TEST(Relayed, AFetchIsRefusedBeforeTheSessionBeginsAndWaitsForWhatIsStillToComeOrLost) {
  TwoMembers two;
  RelayedSession relayed(two);
  SendingSession& session = relayed.session;
  SessionDesk desk([&](std::uint32_t) { return &session; }, [] { return std::vector<SendingSession*>(); });
  two.holder->endpoint().services.add(desk);
  b2::Trust trust;
  trust.house = two.fetcher->state().house();
  trust.any_key_on_loopback = false;
  b2::Target target;
  target.tls = true;
  target.address = two.holder->server().addresses().front();
  b2::Client client(b2::Dial::Parts{*two.network, two.fetcher->endpoint(), two.fetcher->tls(), trust, 10s}, target, {});
  std::map<std::uint32_t, Bytes> came;
  std::optional<Status> ended;
  const auto fetch = [&](std::uint32_t first, std::uint32_t count) {
    came.clear();
    ended.reset();
    v1::FetchRequest asked;
    ChunkSet chunks(2);
    for (std::uint32_t chunk = first; chunk < first + count; ++chunk) chunks.insert(chunk);
    asked.chunks = to_runs(chunks.ranges());
    return v1::SessionClient(client.caller()).fetch(asked, [&](const v1::FetchedPart& part) { came[part.chunk] = to_bytes(part.bytes); }, [&](const Status& status) { ended = status; });
  };
  const auto turn = [&](const auto& until) {
    for (const TimePoint end = two.network->now() + 60s; !until() && two.network->now() < end;) two.network->turn(std::min(end, two.network->now() + 50ms));
    EXPECT_TRUE(until()) << session.told().detail;
  };
  auto early = fetch(0, 2);
  turn([&] { return ended.has_value(); });
  EXPECT_EQ(ended->error().code, Errc::conflict) << ended->error().message;
  // The first chunk is there, the second still to come.
  ChunkSet lacking(2);
  lacking.insert(1);
  session.provide(two.root / "into", lacking);
  auto both = fetch(0, 2);
  turn([&] { return came.contains(0); });
  EXPECT_FALSE(ended.has_value());
  session.provide(two.root / "into", ChunkSet(2));
  turn([&] { return ended.has_value(); });
  EXPECT_TRUE(*ended);
  EXPECT_EQ(came.size(), 2u);
  // It is found wrong: nobody gets it until it has come again.
  const auto write_in_place = [&](const Bytes& bytes) { std::ofstream(two.root / "into/x").write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())); };
  write_in_place(Bytes(two.content.size(), 9));
  auto again = fetch(0, 1);
  const TimePoint soon = two.network->now() + 300ms;
  turn([&] { return two.network->now() >= soon; });
  EXPECT_TRUE(came.empty() && !ended);
  write_in_place(two.content);
  turn([&] {
    session.provide(two.root / "into", ChunkSet(2));
    return ended.has_value();
  });
  EXPECT_TRUE(*ended);
  EXPECT_TRUE(std::ranges::equal(came[0], BytesView(two.content).first(60'000)));
  two.holder->endpoint().services.remove(desk);
}

TEST(Relayed, WhatAConnectionThatWasLetGoOfStillCarriesIsRefused) {
  TwoMembers two;
  RelayedSession relayed(two);
  SendingSession& session = relayed.session;
  b2::Identity first;
  first.public_key = to_bytes(two.fetcher->state().key().public_key());
  first.node = b2::NodeId::of_public_key(first.public_key);
  first.where = "127.0.0.1:1001";
  b2::Identity second = first;
  second.where = "127.0.0.1:1002";
  ChunkSet all(2);
  for (const std::uint32_t chunk : {0u, 1u}) all.insert(chunk);
  session.provide(two.root / "into", all);
  ASSERT_TRUE(session.join({}, first));
  ASSERT_TRUE(session.join({}, second));
  v1::NeedSetRequest need;
  ChunkSet lacks(2);
  lacks.insert(1);
  need.chunks = to_runs(lacks.ranges());
  need.reports = "127.0.0.1:1834";
  EXPECT_EQ(session.need_set(need, first).error().code, Errc::conflict);
  EXPECT_TRUE(session.need_set(need, second));
  v1::CensusRequest census;
  census.state = v1::CensusState::failed;
  EXPECT_EQ(session.census(census, first).error().code, Errc::conflict);
  EXPECT_TRUE(session.census(census, second));
  EXPECT_EQ(session.need_set(need, first).error().code, Errc::conflict);
}

TEST(Elsewhere, NobodyElseDoes) {
  TwoMembers two;
  PeerDesk desk(Logger::none());
  desk.add(two.holding());
  two.holder->endpoint().services.add(desk);
  two.fetch(two.grant_for(*two.holder));
  EXPECT_TRUE(two.taken.empty());
  EXPECT_NE(two.elsewhere->detail().find("for another session, content or node"), std::string::npos) << two.elsewhere->detail();
  two.fetch(encode_grant({GrantKind::fetch, two.manifest->content, kSession, two.nonce, two.fetcher->state().key().public_key()}, two.fetcher->state().key()));
  EXPECT_TRUE(two.taken.empty());
  EXPECT_NE(two.elsewhere->detail().find("did not sign it"), std::string::npos) << two.elsewhere->detail();
  two.holder->endpoint().services.remove(desk);
}

TEST(Elsewhere, ACopyThatWasChangedIsNotHandedOut) {
  TwoMembers two;
  PeerDesk desk(Logger::none());
  desk.add(two.holding());
  two.holder->endpoint().services.add(desk);
  EXPECT_TRUE(write_file_atomically(two.root / "into/x", Bytes(two.content.size(), 9)));
  two.fetch(two.grant_for(*two.fetcher));
  EXPECT_TRUE(two.taken.empty());
  EXPECT_NE(two.elsewhere->detail().find("has changed since"), std::string::npos) << two.elsewhere->detail();
  two.holder->endpoint().services.remove(desk);
}

TEST(Elsewhere, APeerThatLiesIsLeftAndNothingOfItIsTaken) {
  TwoMembers two;
  Liar liar;
  two.holder->endpoint().services.add(liar);
  const auto lie = [&](std::uint32_t chunk, Bytes bytes) {
    liar.lie.chunk = chunk;
    liar.lie.bytes = std::move(bytes);
    two.fetch(two.grant_for(*two.fetcher));
    EXPECT_TRUE(two.taken.empty());
    EXPECT_FALSE(two.elsewhere->active());
    EXPECT_NE(two.elsewhere->detail().find("is not what the manifest says"), std::string::npos) << two.elsewhere->detail();
  };
  lie(0, Bytes(60'000, 1));                                        // others than they should be
  lie(0, to_bytes(BytesView(two.content).first(59'999)));          // too few
  lie(1, to_bytes(BytesView(two.content).first(60'000)));          // another chunk's
  lie(77, to_bytes(BytesView(two.content).first(60'000)));         // no chunk at all
  lie(0xffffffff, {});
  two.holder->endpoint().services.remove(liar);
}

}  // namespace ghost::ardus
