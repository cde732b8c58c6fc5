#include "ardus/sender.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint{} + 1h;

struct Zeros : BlockSource {
  bool broken = false;
  std::uint32_t there = ~std::uint32_t{0};  ///< blocks before it
  Errc else_says = Errc::io;
  Status read(BlockIndex block, std::span<std::uint8_t> out) override {
    if (broken) return Error{Errc::io, "read album.flac block " + std::to_string(block.value) + ": input/output error"};
    if (block.value >= there) return Error{else_says, "block " + std::to_string(block.value) + " is not there"};
    std::ranges::fill(out, std::uint8_t{0});
    return {};
  }
};

/// A sender, and the keys of receivers 1 … whose reports the test makes.
struct Bench {
  KeyPair key = KeyPair::generate();
  SessionName name{9, {1}, key.public_key()};
  SenderKeys keys{name, Secret{2}, key};
  Zeros source;
  SenderOptions options;
  std::unique_ptr<Sender> sender;
  std::vector<std::unique_ptr<SessionReceiverKeys>> receivers;
  std::vector<std::uint64_t> reports;
  TimePoint now = kStart;

  explicit Bench(std::uint64_t blocks, std::size_t start_receivers = 1) {
    options.stream = {blocks * kBlockBytes};
    options.start_receivers = start_receivers;
    sender = std::make_unique<Sender>(options, name, keys, source, kStart);
  }
  JoinedReceiver join(BlockSet wanted) {
    const Secret secret{static_cast<std::uint8_t>(10 + receivers.size())};
    const auto joined = sender->add_receiver(std::move(wanted), secret, now);
    receivers.push_back(std::make_unique<SessionReceiverKeys>(name, keys.epoch(), keys.epoch_secret(), joined.number, secret));
    reports.push_back(0);
    return joined;
  }
  JoinedReceiver join() { return join(BlockSet::all(options.stream.blocks())); }
  void report(std::size_t receiver, ReceiverPhase phase, const ReportBody& body) {
    ReportHeader header{phase, 9, reports[receiver]++, ReceiverNumber{static_cast<std::uint32_t>(receiver + 1)},
                              receivers[receiver]->newest_epoch()};
    header.measured = body.path.has_value();
    sender->on_datagram(receivers[receiver]->seal_report(header, body), now);
  }
  /// What leaves in this time, as copies.
  std::vector<std::pair<Outgoing, Bytes>> run(Duration span) {
    std::vector<std::pair<Outgoing, Bytes>> out;
    const TimePoint end = now + span;
    while (now <= end) {
      for (auto batch = sender->poll(now); !batch.empty(); batch = sender->poll(now)) {
        for (const Outgoing& one : batch) out.emplace_back(one, to_bytes(one.bytes));
      }
      now = std::max(now + 10us, std::min(sender->next_wakeup(), end + 1us));
    }
    return out;
  }
  static std::size_t count(const std::vector<std::pair<Outgoing, Bytes>>& sent, MessageType type) {
    return static_cast<std::size_t>(std::ranges::count_if(sent, [&](const auto& one) { return message_type(one.second) == type; }));
  }
};

}  // namespace

TEST(Sender, WaitsForItsReceiversThenSendsEverySymbolOnceAndTheEndOfTheWindow) {
  Bench bench(3, 2);
  bench.join();
  EXPECT_EQ(bench.run(1s).size(), 0u);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::announcing);
  bench.join();
  const auto sent = bench.run(20ms);
  EXPECT_EQ(Bench::count(sent, MessageType::data), 3 * kBlockSymbols);
  EXPECT_EQ(Bench::count(sent, MessageType::parity), 0u);
  EXPECT_EQ(Bench::count(sent, MessageType::window_end), 1u);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::settling);
}

TEST(Sender, WhatIsStillToComeWaitsAndIsSentAsItComes) {
  Bench bench(40);
  bench.sender->set_readable(BlockIndex{0});
  bench.join();
  EXPECT_EQ(Bench::count(bench.run(100ms), MessageType::data), 0u);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::streaming);
  EXPECT_GE(bench.sender->next_wakeup(), bench.now + 5ms) << "it waits, and does not turn";
  bench.sender->set_readable(BlockIndex{7});
  EXPECT_EQ(Bench::count(bench.run(100ms), MessageType::data), 0u) << "too few for a window";
  bench.sender->set_readable(BlockIndex{12});
  const auto first = bench.run(100ms);
  EXPECT_EQ(Bench::count(first, MessageType::data), 12 * kBlockSymbols);
  EXPECT_GE(Bench::count(first, MessageType::window_end), 1u);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::streaming);
  // What was sent is repaired while the rest is still to come; who joins then gets all of it.
  ReportBody body;
  body.seen = bench.keys.group_sent();
  body.deficits = {{BlockIndex{3}, 1, 2}};
  bench.report(0, ReceiverPhase::receiving, body);
  EXPECT_EQ(Bench::count(bench.run(20ms), MessageType::parity), 2u);
  EXPECT_EQ(bench.join().position, BlockIndex{12});
  bench.sender->set_readable(BlockIndex{38});
  EXPECT_EQ(Bench::count(bench.run(300ms), MessageType::data), 26 * kBlockSymbols);
  bench.sender->set_readable(BlockIndex{40});
  EXPECT_EQ(Bench::count(bench.run(100ms), MessageType::data), 2 * kBlockSymbols) << "the last ones are few";
  EXPECT_NE(bench.sender->phase(), SenderPhase::streaming);
}

TEST(Sender, WhoIsAwayIsSentNothingThatIsStillToCome) {
  Bench bench(40);
  bench.source.there = 12;
  bench.sender->set_readable(BlockIndex{12});
  bench.join();
  bench.run(100ms);
  ReportBody body;
  body.away = body.everything = true;
  body.deficits = {{BlockIndex{0}, 40, 128}};
  std::size_t alone = 0;
  const auto hear = [&](int times) {
    for (int i = 0; i < times; ++i) {
      body.unicast_seen = static_cast<std::uint32_t>(bench.keys.sent_to(ReceiverNumber{1}));
      bench.report(0, ReceiverPhase::receiving, body);
      alone += Bench::count(bench.run(100ms), MessageType::repair);
    }
  };
  hear(20);
  EXPECT_EQ(bench.sender->progress(bench.now).failure, "");
  EXPECT_GE(alone, 12 * kBlockSymbols);
  body.deficits = {{BlockIndex{12}, 28, 128}};
  hear(10);
  alone = 0;
  hear(10);
  EXPECT_EQ(alone, 0u) << "all that is there has come to it";
  EXPECT_GE(bench.sender->next_wakeup(), bench.now) << "it waits, and does not turn";
  bench.source.there = 40;
  bench.sender->set_readable(BlockIndex{40});
  hear(20);
  EXPECT_EQ(bench.sender->progress(bench.now).failure, "");
  EXPECT_GE(alone, 28 * kBlockSymbols);
}

TEST(Sender, WhatIsNotThereAnyMoreIsAsIfItWereLost) {
  Bench bench(4);
  bench.source.there = 3;
  bench.source.else_says = Errc::busy;
  bench.join();
  EXPECT_EQ(Bench::count(bench.run(100ms), MessageType::data), 3 * kBlockSymbols);
  EXPECT_EQ(bench.sender->progress(bench.now).failure, "");
  bench.source.there = 4;
  ReportBody body;
  body.seen = bench.keys.group_sent();
  body.everything = true;
  body.deficits = {{BlockIndex{3}, 1, 128}};
  bench.report(0, ReceiverPhase::receiving, body);
  EXPECT_GE(Bench::count(bench.run(1s), MessageType::repair), std::size_t{kBlockSymbols});
}

TEST(Sender, ARepairOfWhatIsGoneHereForNowIsNotToldAsSentAndComesWhenItIsHereAgain) {
  for (const bool is_told : {false, true}) {  // that the block is gone
    Bench bench(200);  // more than are kept in memory
    bench.source.else_says = Errc::busy;
    bench.join();
    bench.run(1s);
    bench.source.there = 3;
    if (is_told) bench.sender->set_readable(BlockIndex{3});
    ReportBody body;
    std::size_t came = 0;
    const auto hear = [&](int times, const DeficitRun& lacks) {
      body.deficits = {lacks};
      for (int i = 0; i < times; ++i) {
        body.seen = bench.keys.group_sent();
        bench.report(0, ReceiverPhase::receiving, body);
        for (const auto& [outgoing, bytes] : bench.run(20ms)) {
          came += message_type(bytes) == MessageType::parity || message_type(bytes) == MessageType::repair;
          const auto told = message_type(bytes) == MessageType::window_end ? read_control(bytes) : Result<Control>(Error{Errc::malformed, ""});
          if (!told || bench.source.there != 3) continue;
          EXPECT_TRUE(std::ranges::none_of(told->blocks, [](const BlockRun& run) { return run.symbols > 0; }));
        }
      }
    };
    hear(is_told ? 50 : 5, {BlockIndex{5}, 1, 64});
    EXPECT_EQ(came, 0u);
    EXPECT_FALSE(bench.sender->receiver(ReceiverNumber{1}, bench.now).quarantined);
    bench.source.there = 200;
    bench.sender->set_readable(BlockIndex{200});
    hear(50, {BlockIndex{5}, 1, 64});
    EXPECT_GE(came, 64u) << is_told;
  }
}

TEST(Sender, WhatComesThroughToOneThatIsServedAloneDoesNotHoldUpARateThatGoesByTheWays) {
  for (const int variant : {0, 1, 2, 3}) {
    const bool wants_more = variant >= 2;  // of what is still to come to the group
    Bench bench(400);
    bench.options.congestion = variant % 2 == 0 ? Congestion::background : Congestion::tfmcc;
    bench.sender = std::make_unique<Sender>(bench.options, bench.name, bench.keys, bench.source, kStart);
    bench.join();
    bench.run(20ms);
    BlockSet before(400);
    for (std::uint32_t b = 0; b < 8; ++b) before.insert(BlockIndex{b});
    wants_more ? bench.join() : bench.join(std::move(before));  // it lacks what was sent before, and is sent that alone
    std::uint64_t rate = 0;
    for (int i = 0; i < 200; ++i) {
      std::uint32_t echo = 0;
      for (const auto& [outgoing, bytes] : bench.run(20ms)) {
        if (const auto control = read_control(bytes); control && outgoing.to == Destination::group) echo = static_cast<std::uint32_t>(control->sequence);
      }
      ReportBody body;
      body.echo = echo;
      body.seen = bench.keys.group_sent();
      rate = bench.sender->progress(bench.now).rate;
      body.path = PathReport{0, 0, static_cast<std::uint32_t>(rate / 1000), 0};
      bench.report(0, ReceiverPhase::receiving, body);
      body.path = PathReport{0, 0, 300, 0};  // kbit/s
      bench.report(1, ReceiverPhase::receiving, body);
    }
    EXPECT_GT(bench.sender->receiver(ReceiverNumber{2}, bench.now).alone_blocks, 0u);
    EXPECT_EQ(rate < 2'000'000, wants_more) << rate;
    EXPECT_TRUE(wants_more || rate > 20'000'000) << rate;
  }
}

TEST(Sender, BeginsWithWhoeverCameWhenItsTimeIsOver) {
  Bench bench(1);
  bench.options.start_receivers = 5;
  bench.options.start_after = 2s;
  bench.sender = std::make_unique<Sender>(bench.options, bench.name, bench.keys, bench.source, kStart);
  bench.join();
  EXPECT_EQ(bench.sender->next_wakeup(), kStart + 2s);
  EXPECT_GT(Bench::count(bench.run(3s), MessageType::data), 0u);
}

TEST(Sender, SendsTheLargestNeedAsParityAndRepeatedReportsAddNothing) {
  Bench bench(2, 2);
  bench.join();
  bench.join();
  bench.run(10ms);
  ReportBody body;
  body.seen = bench.keys.group_sent();
  body.deficits = {{BlockIndex{0}, 1, 2}, {BlockIndex{1}, 1, 1}};
  bench.report(0, ReceiverPhase::receiving, body);
  body.deficits = {{BlockIndex{0}, 1, 5}};
  bench.report(1, ReceiverPhase::receiving, body);
  bench.report(1, ReceiverPhase::receiving, body);
  const auto sent = bench.run(10ms);
  EXPECT_EQ(Bench::count(sent, MessageType::parity), 6u);
  EXPECT_EQ(Bench::count(sent, MessageType::data), 0u);
  EXPECT_GE(Bench::count(sent, MessageType::window_end), 1u);
}

TEST(Sender, SendsOnlyWhatSomebodyWants) {
  Bench bench(4, 2);
  BlockSet one(4), two(4);
  one.insert(BlockIndex{1});
  two.insert(BlockIndex{1});
  two.insert(BlockIndex{3});
  bench.join(one);
  bench.join(two);
  EXPECT_EQ(Bench::count(bench.run(20ms), MessageType::data), 2 * kBlockSymbols);
  EXPECT_EQ(bench.sender->progress(bench.now).source_packets, 2 * kBlockSymbols);
}

TEST(Sender, AReceiverThatDoesNotHearTheGroupIsServedAloneAtItsOwnAddress) {
  Bench bench(2);
  bench.join();
  bench.run(10ms);
  ReportBody body;
  body.away = true;
  body.everything = true;
  body.deficits = {{BlockIndex{0}, 2, 128}};
  bench.report(0, ReceiverPhase::receiving, body);
  EXPECT_EQ(bench.sender->receiver(ReceiverNumber{1}, bench.now).state, PeerState::catching_up);
  const auto sent = bench.run(100ms);
  EXPECT_EQ(Bench::count(sent, MessageType::repair), 2 * kBlockSymbols);
  for (const auto& [outgoing, bytes] : sent) {
    if (message_type(bytes) == MessageType::repair) {
      EXPECT_EQ(outgoing.to, Destination::receiver);
    }
  }
}

TEST(Sender, TheCensusIsRepeatedUntilEverybodyHasAnsweredOrIsSilent) {
  Bench bench(1, 2);
  bench.join();
  bench.join();
  EXPECT_GE(Bench::count(bench.run(1s), MessageType::probe), 3u);
  bench.report(0, ReceiverPhase::complete, {});
  EXPECT_EQ(bench.sender->receiver(ReceiverNumber{1}, bench.now).state, PeerState::complete);
  bench.sender->set_verified(ReceiverNumber{1}, bench.now);
  bench.run(6s);
  EXPECT_EQ(bench.sender->receiver(ReceiverNumber{2}, bench.now).state, PeerState::silent);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::settling);
  bench.run(60s);
  EXPECT_EQ(bench.sender->progress(bench.now).failed, 1u);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::lingering);
  bench.report(1, ReceiverPhase::complete, {});  // it is heard again after all
  EXPECT_EQ(bench.sender->receiver(ReceiverNumber{2}, bench.now).state, PeerState::complete);
}

TEST(Sender, ASourceThatCannotBeReadEndsTheSessionWithItsMessage) {
  Bench bench(2);
  bench.source.broken = true;
  bench.join();
  bench.run(10ms);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::failed);
  EXPECT_EQ(bench.sender->progress(bench.now).failure, "read album.flac block 0: input/output error");
  EXPECT_EQ(bench.sender->next_wakeup(), TimePoint::max());
}

TEST(Sender, AnnouncementsAreSignedAndBackOff) {
  Bench bench(1);
  Announcement announcement;
  announcement.session = 9;
  announcement.sender = bench.key.public_key();
  announcement.name = "album";
  bench.sender->announce({announcement, announcement}, bench.key, WallTime{} + std::chrono::seconds(1'800'000'000), kStart);
  const auto sent = bench.run(60s);
  EXPECT_NEAR(static_cast<double>(sent.size()), 2 * 11, 2);
  const auto read = read_announcement(sent.back().second);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->sequence, sent.size() / 2);
  EXPECT_GT(read->time_ms, 1'800'000'000'000u);
  EXPECT_EQ(sent.back().first.index, 1u);
}

TEST(Sender, AReceiverThatAsksForWhatItCannotHaveLostIsQuarantined) {
  Bench bench(64);
  bench.join();
  bench.run(120ms);
  for (int round = 0; round < 200; ++round) {
    ReportBody body;
    body.seen = bench.keys.group_sent();
    body.deficits = {{BlockIndex{0}, 64, 60}};
    bench.report(0, ReceiverPhase::receiving, body);
    bench.run(60ms);
  }
  EXPECT_EQ(bench.sender->receiver(ReceiverNumber{1}, bench.now).state, PeerState::catching_up);
}

TEST(Sender, WhoIsEvictedReadsNothingOnceTheOthersHaveSaidThatTheyKnowTheNextSecret) {
  Bench bench(64, 2);
  bench.join();
  bench.join();
  bench.run(10ms);
  EXPECT_FALSE(bench.sender->wants_secret(bench.now));
  bench.sender->evict(ReceiverNumber{2}, bench.now);
  ASSERT_TRUE(bench.sender->wants_secret(bench.now));
  bench.sender->set_next_secret(Secret{99}, bench.now);
  EXPECT_FALSE(bench.sender->wants_secret(bench.now));
  bench.run(5ms);
  EXPECT_EQ(bench.keys.epoch(), 0);
  bench.receivers[0]->learn(1, Secret{99});
  bench.report(0, ReceiverPhase::receiving, {});
  const auto sent = bench.run(5ms);
  EXPECT_EQ(bench.keys.epoch(), 1);
  int read = 0;
  for (const auto& [outgoing, bytes] : sent) {
    const auto header = read_data_header(bytes);
    if (!header) continue;
    read += bench.receivers[0]->open(ReceiverKeys::Path::group, *header, bytes, nullptr);
    EXPECT_FALSE(bench.receivers[1]->open(ReceiverKeys::Path::group, *header, bytes, nullptr));
  }
  EXPECT_GT(read, 100);
}

TEST(Sender, HoweverManyLeaveThereIsOneSecretInFiveSeconds) {
  Bench bench(64, 9);
  for (int i = 0; i < 9; ++i) bench.join();
  bench.run(10ms);
  int secrets = 0;
  const TimePoint began = bench.now;
  for (std::uint32_t gone = 2; gone <= 9; ++gone) {
    bench.sender->evict(ReceiverNumber{gone}, bench.now);
    for (int i = 0; i < 20; ++i) {
      if (bench.sender->wants_secret(bench.now)) {
        bench.sender->set_next_secret(Secret{static_cast<std::uint8_t>(++secrets)}, bench.now);
      }
      bench.report(0, ReceiverPhase::receiving, {});
      bench.run(50ms);
    }
  }
  EXPECT_LE(secrets, 1 + (bench.now - began) / 5s);
  EXPECT_GE(secrets, 2);
  EXPECT_EQ(bench.keys.epoch(), secrets);  // who does not say that it knows a secret is waited for for two seconds
}

TEST(Sender, ASessionThatHasNoKeysLeftEndsAndSaysSo) {
  Bench bench(8);
  SenderKeys keys(bench.name, Secret{2}, bench.key, {3, nullptr});
  bench.sender = std::make_unique<Sender>(bench.options, bench.name, keys, bench.source, kStart);
  bench.join();
  bench.run(50ms);
  EXPECT_EQ(bench.sender->phase(), SenderPhase::failed);
  EXPECT_EQ(keys.group_sent(), 256 * 3u);
  EXPECT_NE(bench.sender->progress(bench.now).failure.find("used up its keys"), std::string::npos);
}

TEST(Sender, AReportOfBlocksThatTheStreamDoesNotHaveEndsToo) {
  Bench bench(2);
  bench.join();
  bench.run(10ms);
  ReportBody body;
  body.everything = body.more = true;
  body.deficits = {{BlockIndex{0xfffffff0}, 3, 1}};
  bench.report(0, ReceiverPhase::receiving, body);
  EXPECT_EQ(Bench::count(bench.run(10ms), MessageType::parity), 0u);
}

}  // namespace ghost::ardus
