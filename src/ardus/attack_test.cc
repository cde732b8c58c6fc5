// Members that use the group's keys against it (docs/spec/ardus.md §5.8, §5.9): whole sessions through the real cores, with real crypto, and the
// cores alone against forged and damaged datagrams.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "ardus/block_decoder.h"
#include "ardus/digest_book.h"
#include "ardus/simulation.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

/// Makes packets that are authentic to every member.
class Forger : public Insider {
 public:
  explicit Forger(std::uint64_t seed) : random_(seed) {}
  std::uint64_t made = 0;

 protected:
  Bytes symbol(const Knows& knows, std::uint64_t number, BlockIndex block, SymbolIndex symbol) {
    if (!key_ || epoch_ != knows.epoch) {
      key_.emplace(derive_key(knows.epoch_secret, knows.name, knows.epoch, kGroupPath, Direction::to_receivers));
      epoch_ = knows.epoch;
    }
    Bytes bytes(kSymbolSize, static_cast<std::uint8_t>(random_()));
    Bytes out(kDataDatagram);
    const auto type = symbol.value < kFirstParity ? MessageType::data : MessageType::parity;
    write_data_header({type, knows.epoch, knows.name.session, number, block, symbol, 0}, out.data());
    key_->seal(number, BytesView(out).first(kDataHeader), bytes, out.data() + kDataHeader);
    ++made;
    return out;
  }
  SeededRandom random_;

 private:
  std::optional<Aead> key_;
  std::uint8_t epoch_ = 0;
};

/// Puts a false symbol in the place of one in so many, under the same packet number or another, before or after the sender's.
class Substituter : public Forger {
 public:
  Substituter(std::uint64_t seed, double share, bool before, std::int64_t shift) : Forger(seed), share_(share), before_(before), shift_(shift) {}
  void hears(const std::vector<Bytes>& datagrams, const Knows& knows, Forged& out) override {
    for (const Bytes& datagram : datagrams) {
      const auto header = read_data_header(datagram);
      if (!header || !random_.chance(share_)) continue;
      const auto number = header->number + static_cast<std::uint64_t>(shift_);
      (before_ ? out.before : out.after).push_back(symbol(knows, number, header->block, header->symbol));
    }
  }

 private:
  double share_;
  bool before_;
  std::int64_t shift_;
};

/// Uses packet numbers up before the sender does, near and far, for blocks near and far.
class Hurrier : public Forger {
 public:
  using Forger::Forger;
  void hears(const std::vector<Bytes>& datagrams, const Knows& knows, Forged& out) override {
    for (const Bytes& datagram : datagrams) {
      const auto header = read_data_header(datagram);
      if (!header || !random_.chance(0.05)) continue;
      for (const std::uint64_t ahead : {std::uint64_t{1}, std::uint64_t{100}, std::uint64_t{3000}, std::uint64_t{200'000}, std::uint64_t{1} << 40}) {
        const BlockIndex block{static_cast<std::uint32_t>(random_.below(knows.stream.blocks()))};
        out.after.push_back(symbol(knows, header->number + ahead, block, SymbolIndex{static_cast<std::uint16_t>(random_.below(kSymbolEnd))}));
      }
    }
  }
};

/// Signs PLAN, WINDOW_END, PROBE and DIGEST with a key of its own, and sends the sender's again, as they were and changed.
class Steerer : public Forger {
 public:
  using Forger::Forger;
  void hears(const std::vector<Bytes>& datagrams, const Knows& knows, Forged& out) override {
    SessionName name = knows.name;
    SenderKeys mine(name, knows.epoch_secret, key_);
    for (const MessageType type : {MessageType::plan, MessageType::window_end, MessageType::probe}) {
      Control lie;
      lie.type = type;
      lie.session = name.session;
      lie.sequence = 1'000'000 + ++made;
      lie.sent = std::uint64_t{1} << 60;
      lie.ended = 0xffffffff;
      lie.backoff = 0xffffffff;
      lie.digests = true;
      lie.due = 0xffff;
      if (type != MessageType::probe) lie.blocks = {{BlockIndex{0}, 0xffff, 128}};
      if (random_.chance(0.02)) out.before.push_back(signed_by(mine, write_control(lie), false));
    }
    DigestList digests{name.session, BlockIndex{static_cast<std::uint32_t>(random_.below(knows.stream.blocks()))}, SymbolIndex{0}, {}};
    digests.digests.resize(kMaxDigests);
    if (random_.chance(0.02)) out.before.push_back(signed_by(mine, write_digests(digests), true));
    for (const Bytes& datagram : datagrams) {
      if (!read_control(datagram)) continue;
      kept_.push_back(datagram);
      out.after.push_back(kept_[random_.below(kept_.size())]);
      out.after.push_back(datagram);
      out.after.back()[24 + random_.below(datagram.size() - 24)] ^= 1;
    }
  }

 private:
  static Bytes signed_by(const SenderKeys& keys, Bytes message, bool digests) {
    digests ? keys.sign_digests(message) : keys.sign(message);
    return message;
  }
  KeyPair key_ = KeyPair::generate();
  std::vector<Bytes> kept_;
};

/// Everything at once: noise, what was heard changed, cut, made longer or again, every type with fields at random, authentic where its keys
/// allow it, and reports that say anything.
class Noise : public Forger {
 public:
  Noise(std::uint64_t seed, std::uint64_t budget) : Forger(seed), budget_(budget) {}
  void hears(const std::vector<Bytes>& datagrams, const Knows& knows, Forged& out) override {
    for (const Bytes& datagram : datagrams) {
      if (heard_.size() < 500) heard_.push_back(datagram);
      else heard_[random_.below(heard_.size())] = datagram;
    }
    for (std::uint64_t i = 0; i < 40 * datagrams.size() / 10 && made < budget_; ++i) {
      if (random_.chance(0.3)) {
        out.to_sender.push_back(to_sender(knows));
        ++made;
      } else {
        (random_.chance(0.5) ? out.before : out.after).push_back(to_group(datagrams, knows));
      }
    }
  }

 private:
  std::uint64_t any() { return random_() >> random_.below(64); }
  Bytes bytes(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  Bytes changed(Bytes datagram) {
    for (std::uint64_t i = random_.below(4); i > 0; --i) datagram[random_.below(datagram.size())] = static_cast<std::uint8_t>(random_());
    if (random_.chance(0.2)) datagram.resize(random_.below(datagram.size() + 1));
    if (random_.chance(0.1)) datagram.resize(datagram.size() + random_.below(40));
    return datagram;
  }
  Bytes to_group(const std::vector<Bytes>& datagrams, const Knows& knows) {
    ++made;
    switch (random_.below(5)) {
      case 0: return changed(heard_[random_.below(heard_.size())]);
      case 1: {
        Bytes noise = bytes(random_.chance(0.5) ? kDataDatagram : random_.below(1500));
        if (!noise.empty()) noise[0] = static_cast<std::uint8_t>(0x10 | random_.below(11));
        if (noise.size() > 8) std::copy_n(heard_.front().begin() + 4, 4, noise.begin() + 4);
        return noise;
      }
      case 2: return heard_[random_.below(heard_.size())];
      default: --made;
    }
    // Authentic, near what is being sent or anywhere.
    const auto now = read_data_header(datagrams[random_.below(datagrams.size())]);
    const std::uint64_t number = now && random_.chance(0.8) ? now->number + random_.below(64) : any();
    const BlockIndex block{now && random_.chance(0.5) ? now->block.value : static_cast<std::uint32_t>(any())};
    return symbol(knows, number, block, SymbolIndex{static_cast<std::uint16_t>(random_.below(kSymbolEnd))});
  }
  Bytes to_sender(const Knows& knows) {
    if (random_.chance(0.3)) {
      Bytes noise = bytes(random_.below(1300));
      if (!noise.empty()) noise[0] = 0x17;
      if (noise.size() > 8) std::copy_n(heard_.front().begin() + 4, 4, noise.begin() + 4);
      return noise;
    }
    ReportBody body;
    body.more = random_.chance(0.5), body.backlog = random_.chance(0.1), body.away = random_.chance(0.3), body.everything = random_.chance(0.5);
    body.echo = static_cast<std::uint32_t>(any()), body.echo_delay = static_cast<std::uint32_t>(any());
    body.seen = any(), body.unicast_seen = static_cast<std::uint32_t>(any());
    body.loss = static_cast<std::uint16_t>(any()), body.unicast_loss = static_cast<std::uint16_t>(any());
    body.done = static_cast<std::uint32_t>(any()), body.census = static_cast<std::uint16_t>(random_.below(4096));
    std::uint64_t at = random_.below(knows.stream.blocks());
    for (std::uint64_t i = random_.below(20); i > 0 && at < 0xffff'0000; --i) {
      const auto count = static_cast<std::uint32_t>(1 + any() % 0xffff);
      body.deficits.push_back({BlockIndex{static_cast<std::uint32_t>(at)}, count, static_cast<std::uint8_t>(1 + random_.below(128))});
      at += count + random_.below(5);
    }
    const auto phase = static_cast<ReceiverPhase>(1 + random_.below(3));
    const Bytes report = knows.own.seal_report({phase, knows.name.session, (1 << 20) + reports_++, knows.number, static_cast<std::uint8_t>(any()), random_.chance(0.1)}, body);
    return random_.chance(0.3) ? changed(report) : report;
  }
  std::uint64_t budget_, reports_ = 0;
  std::vector<Bytes> heard_;
};

SimulationOptions attacked_by(Insider& insider, std::size_t receivers = 8) {
  SimulationOptions out;
  out.receivers = out.real = receivers;
  out.bytes = 14'000'000;
  out.rate = 200'000'000;
  out.loss = 0.01;
  out.insider = &insider;
  return out;
}

void expect_survived(const SimulationResult& result) {
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, result.receivers);
  EXPECT_EQ(result.wrong_blocks, 0u);
}

}  // namespace

TEST(Insider, AFewForgedSymbolsCostTheirBlocksAndThenAHundredthForDigests) {
  Substituter insider(1, 0.01, true, 0);
  const SimulationResult result = simulate(attacked_by(insider));
  expect_survived(result);
  EXPECT_GT(insider.made, 50u);
  EXPECT_GT(result.forged_symbols, insider.made);  // each by several receivers
  EXPECT_LT(result.rejected_blocks, 8 * 3u);        // of 8 receivers, while nobody had told the sender yet
  EXPECT_GT(result.sender.digest_datagrams, 2 * 78 * 8u / 10);
  EXPECT_LE(static_cast<double>(result.sender.sent_packets), 1.25 * static_cast<double>(result.source_packets));
  EXPECT_TRUE(result.sender.attacked);
}

TEST(Insider, ForgedSymbolsInEveryPlaceAreSurvived) {
  for (const bool before : {true, false}) {
    for (const std::int64_t shift : {0, 7, 5000}) {
      Substituter insider(2, 0.5, before, shift);
      SimulationOptions options = attacked_by(insider, 5);
      options.bytes = 8'000'000;
      const SimulationResult result = simulate(options);
      expect_survived(result);
      EXPECT_LE(static_cast<double>(result.sender.sent_packets), 3.0 * static_cast<double>(result.source_packets)) << before << " " << shift;
    }
  }
}

TEST(Insider, PacketNumbersThatAreUsedUpBeforehandAreFoundAndDoNoHarm) {
  Hurrier insider(3);
  const SimulationResult result = simulate(attacked_by(insider));
  expect_survived(result);
  EXPECT_TRUE(result.sender.attacked);
  EXPECT_LE(static_cast<double>(result.sender.sent_packets), 2.0 * static_cast<double>(result.source_packets));
}

TEST(Insider, WhatSteersTheGroupIsObeyedOnlyFromTheSender) {
  Steerer insider(4);
  SimulationOptions options = attacked_by(insider);
  options.bytes = 4'000'000;
  const SimulationResult with = simulate(options);
  expect_survived(with);
  EXPECT_GT(insider.made, 0u);
  EXPECT_FALSE(with.sender.attacked);
  options.insider = nullptr;
  const SimulationResult without = simulate(options);
  EXPECT_LE(with.sender.sent_packets, without.sender.sent_packets * 11 / 10);
}

/// GHOST_FORGED_PACKETS=1000000 for the figure in docs/performance.md.
TEST(Insider, ManyForgedAndFuzzedPacketsLeaveNoWrongByte) {
  const char* const wish = std::getenv("GHOST_FORGED_PACKETS");
  const std::uint64_t packets = wish != nullptr ? std::strtoull(wish, nullptr, 10) : 12'000;
  std::uint64_t made = 0, wrong = 0, forged = 0;
  for (std::uint64_t seed = 1; made < packets; ++seed) {
    Noise insider(seed, packets - made);
    SimulationOptions options = attacked_by(insider, 4);
    options.seed = seed;
    options.bytes = 1'000'000 + seed % 7 * 500'000;
    options.limit = 90s;
    const SimulationResult result = simulate(options);
    ASSERT_GE(result.verified, 3u) << seed;  // who waits for the insider itself, whose reports say anything, waits in vain
    made += insider.made;
    wrong += result.wrong_blocks;
    forged += result.forged_symbols;
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(forged, 0u);
  if (wish != nullptr) std::printf("%llu packets, %llu wrong blocks\n", static_cast<unsigned long long>(made), static_cast<unsigned long long>(wrong));
}

TEST(Insider, WithoutAnAttackNoDigestIsSent) {
  SimulationOptions options;
  options.receivers = options.real = 10;
  options.bytes = 6'000'000;
  options.loss = 0.05;
  options.duplicate = options.reorder = 0.05;
  options.corrupt = 0.01;
  const SimulationResult result = simulate(options);
  expect_survived(result);
  EXPECT_EQ(result.sender.digest_datagrams, 0u);
  EXPECT_EQ(result.forged_symbols, 0u);
}

TEST(Insider, OneThatAsksForWhatItDoesNotLackIsServedAloneAndThenGivenUp) {
  SimulationOptions options;
  options.receivers = options.real = 8;
  options.bytes = 12'000'000;
  options.rate = 200'000'000;
  const SimulationResult without = simulate(options);
  options.liars = 1;
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, 7u);
  EXPECT_EQ(result.wrong_blocks, 0u);
  EXPECT_EQ(result.sender.failed, 1u);
  EXPECT_LE(result.sender.sent_packets - result.sender.unicast_symbols, without.sender.sent_packets * 5 / 4);
}

TEST(DigestBook, KnowsWhatWasSignedAndForgetsTheLastBlocksWhenThereAreTooMany) {
  DigestBook book(2);
  const Bytes symbol(kSymbolSize, 5);
  book.add({1, BlockIndex{7}, SymbolIndex{250}, {symbol_digest(symbol), {}}});
  EXPECT_EQ(book.judge(BlockIndex{7}, SymbolIndex{250}, symbol), DigestBook::Verdict::right);
  EXPECT_EQ(book.judge(BlockIndex{7}, SymbolIndex{251}, symbol), DigestBook::Verdict::wrong);
  EXPECT_EQ(book.judge(BlockIndex{7}, SymbolIndex{252}, symbol), DigestBook::Verdict::unknown);
  book.add({1, BlockIndex{3}, SymbolIndex{0}, {symbol_digest(symbol)}});
  book.add({1, BlockIndex{9}, SymbolIndex{0}, {symbol_digest(symbol)}});
  EXPECT_FALSE(book.knows(BlockIndex{9}, SymbolIndex{0}));
  book.add({1, BlockIndex{1}, SymbolIndex{0}, {symbol_digest(symbol)}});
  EXPECT_TRUE(book.knows(BlockIndex{1}, SymbolIndex{0}));
  EXPECT_FALSE(book.knows(BlockIndex{7}, SymbolIndex{250}));
}

}  // namespace ghost::ardus
