// The manifest's own stream (docs/spec/ardus.md §7.2): its two ends joined by a function that loses packets, on a reactor and its real time.
#include <gtest/gtest.h>

#include <set>

#include "ardus/manifest_receiving_service.h"
#include "ardus/manifest_sending_service.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

/// Remembers every (key, number) that was sealed with, and every key.
class SealedPackets : public SealLog {
 public:
  void sealed(const AeadKey& key, std::uint64_t number) override {
    keys.insert(key);
    repeated += seen_.emplace(key, number).second ? 0 : 1;
  }
  std::set<AeadKey> keys;
  std::uint64_t repeated = 0;

 private:
  std::set<std::pair<AeadKey, std::uint64_t>> seen_;
};

constexpr std::uint32_t kDataSession = 0x1234'5678;

net::Address group_of(std::uint32_t session) { return data_group(session, net::Address::Family::ip4, Sources::any); }

/// A sender and receivers; datagrams go from one to the other at once, or are lost.
struct StreamedManifest {
  std::unique_ptr<net::EpollNetwork> network = std::move(*net::EpollNetwork::create());
  KeyPair key = KeyPair::generate();
  Bytes manifest = Bytes(1'000'000);
  SealedPackets sealed;
  SeededRandom random{1};
  double loss = 0;
  std::unique_ptr<ManifestSending> sender;
  struct Receiver {
    std::unique_ptr<ManifestReceiving> core;
    std::optional<Result<Bytes>> got;
    bool deaf = false;
  };
  std::vector<Receiver> receivers;

  explicit StreamedManifest(std::size_t count) : receivers(count) {
    for (std::size_t i = 0; i < manifest.size(); ++i) manifest[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    ManifestSending::Parts parts{*network, key, {Way{1, "lo", net::Address::ip4({127, 0, 0, 1}, 0), 0}}, Sources::any, [](std::size_t) { return true; }, [this] { return BytesView(manifest); }, {}, Logger::none(), {}};
    parts.send = [this](std::size_t, std::span<const net::Datagram> batch) { return deliver(batch); };
    parts.keys.log = &sealed;
    SenderOptions options;
    options.ceiling = 200'000'000;
    sender = std::make_unique<ManifestSending>(std::move(parts), kDataSession, options);
  }

  static b2::NodeId node(std::size_t number) {
    b2::NodeId id;
    id.bytes[0] = static_cast<std::uint8_t>(number + 1);
    return id;
  }
  static net::Address address(std::size_t number) { return net::Address::ip4({127, 0, 0, static_cast<std::uint8_t>(number + 2)}, kReportPort); }

  std::size_t deliver(std::span<const net::Datagram> batch) {
    for (const net::Datagram& datagram : batch) {
      for (std::size_t i = 0; i < receivers.size(); ++i) {
        Receiver& receiver = receivers[i];
        const bool group = datagram.to == group_of(kDataSession);
        if (!receiver.core || receiver.deaf || (!group && datagram.to != address(i)) || random.chance(loss)) continue;
        receiver.core->on_datagrams({&datagram, 1});
      }
    }
    return batch.size();
  }

  v1::ManifestStream join(std::size_t number) {
    v1::ManifestStream offer = sender->add(node(number), 0, address(number));
    receivers[number].core = std::move(*listen(number, offer));
    return offer;
  }
  Result<std::unique_ptr<ManifestReceiving>> listen(std::size_t number, const v1::ManifestStream& offer) {
    ManifestReceiving::Parts parts{*network, {}, {}, {}};
    parts.send = [this, number](BytesView report) {
      if (receivers[number].deaf || random.chance(loss)) return;
      network->post([this, copy = to_bytes(report)] {  // not from within the sender's own call
        const net::Datagram datagram{{}, {}, copy, 0};
        sender->on_datagrams({&datagram, 1});
      });
    };
    parts.done = [this, number](Result<Bytes> got) {
      receivers[number].got = std::move(got);
      sender->done(node(number));
    };
    parts.keys.log = &sealed;
    return ManifestReceiving::start(std::move(parts), offer, key.public_key(), manifest.size());
  }

  void run_until(const std::function<bool()>& done) {
    const TimePoint end = network->now() + 20s;
    while (!done() && network->now() < end) network->turn(std::min(end, network->now() + 50ms));
    EXPECT_TRUE(done());
  }
};

}  // namespace

TEST(ManifestStream, BringsTheSameBytesToAllThroughLossUnderKeysOfItsOwn) {
  StreamedManifest all(4);
  all.loss = 0.05;
  for (std::size_t i = 0; i < 4; ++i) {
    const v1::ManifestStream offer = all.join(i);
    EXPECT_NE(offer.session, kDataSession);
    EXPECT_EQ(group_of(offer.session), group_of(kDataSession));
  }
  EXPECT_FALSE(all.sender->has_begun());
  all.sender->all_here();
  all.run_until([&] { return std::ranges::all_of(all.receivers, [](const auto& each) { return each.got.has_value(); }); });
  for (const auto& each : all.receivers) {
    ASSERT_TRUE(each.got && *each.got) << (each.got ? each.got->error().message : "nothing");
    EXPECT_EQ(**each.got, all.manifest);
  }
  EXPECT_TRUE(all.sender->ended());
  EXPECT_LT(all.sender->sent_bytes(), 2 * all.manifest.size());
  EXPECT_EQ(all.sealed.repeated, 0u);
  EXPECT_GE(all.sealed.keys.size(), 5u);  // the group's, and the reports' of each
}

TEST(ManifestStream, WhoJoinsAnewBeforeItBeginsGetsAnotherNumberAndSecret) {
  StreamedManifest all(2);
  all.join(1);
  const v1::ManifestStream first = all.join(0), again = all.join(0);
  EXPECT_NE(first.number, again.number);
  EXPECT_NE(first.own_secret, again.own_secret);
  all.run_until([&] { return all.receivers[0].got && all.receivers[1].got; });  // 300 ms after the last, though nobody said that all are here
  EXPECT_EQ(all.sealed.repeated, 0u);
}

TEST(ManifestStream, WhoHearsNothingOfItGivesUpAndTheOthersMissNothing) {
  StreamedManifest all(2);
  all.join(0), all.join(1);
  all.receivers[1].deaf = true;
  all.run_until([&] { return all.receivers[0].got && all.receivers[1].got; });
  EXPECT_TRUE(*all.receivers[0].got);
  ASSERT_FALSE(*all.receivers[1].got);
  EXPECT_EQ(all.receivers[1].got->error().code, Errc::timed_out);
  EXPECT_TRUE(all.sender->ended());
}

TEST(ManifestStream, IsForWhatIsLargeOrGoesToMany) {
  EXPECT_FALSE(is_worth_a_stream(5'000, 16));
  EXPECT_TRUE(is_worth_a_stream(5'000, 64));
  EXPECT_TRUE(is_worth_a_stream(500'000, 2));
  EXPECT_TRUE(is_worth_a_stream(500'000, 0));
  EXPECT_FALSE(is_worth_a_stream(5'000, 0));
  EXPECT_FALSE(is_worth_a_stream(500'000, 1));
}

TEST(ManifestStream, AnOfferThatLacksAnythingIsNone) {
  StreamedManifest all(1);
  const v1::ManifestStream offer = all.sender->add(StreamedManifest::node(0), 0, StreamedManifest::address(0));
  v1::ManifestStream wrong = offer;
  wrong.own_secret.pop_back();
  EXPECT_FALSE(all.listen(0, wrong));
  wrong = offer;
  wrong.nonce.clear();
  EXPECT_FALSE(all.listen(0, wrong));
  wrong = offer;
  wrong.number = 0;
  EXPECT_FALSE(all.listen(0, wrong));
  wrong = offer;
  wrong.epoch = 256;
  EXPECT_FALSE(all.listen(0, wrong));
  EXPECT_TRUE(all.listen(0, offer));
}

}  // namespace ghost::ardus
