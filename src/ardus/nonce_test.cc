// No nonce is ever used twice under one key, whatever happens (docs/spec/ardus.md §3.2): whole sessions whose AEAD writes down what it seals.
#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

#include "ardus/simulation.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

/// Remembers every (key, number), over as many sessions as are played with it.
class NonceBook : public SealLog {
 public:
  void sealed(const AeadKey& key, std::uint64_t number) override {
    ++count;
    keys.insert(std::string(reinterpret_cast<const char*>(key.data()), key.size()));
    std::string both(reinterpret_cast<const char*>(key.data()), key.size());
    both.append(reinterpret_cast<const char*>(&number), sizeof number);
    repeated += seen_.insert(std::move(both)).second ? 0 : 1;
  }
  std::uint64_t count = 0, repeated = 0;
  std::unordered_set<std::string> keys;

 private:
  std::unordered_set<std::string> seen_;
};

/// A session in which everything happens that makes packets: loss and repair, late joiners, deaf, slow and evicted receivers, short epochs.
SimulationOptions eventful(std::uint64_t seed, NonceBook& book) {
  SeededRandom random(seed);
  SimulationOptions out;
  out.seed = seed;
  out.receivers = 6 + random.below(12);
  out.bytes = 300'000 + random.below(1'200'000);
  out.loss = random.unit() * 0.15;
  out.burst = random.chance(0.5) ? 8 : 1;
  out.duplicate = 0.02;
  out.reorder = 0.02;
  out.corrupt = 0.01;
  out.rate = 20'000'000 + random.below(100'000'000);
  out.fixed_rate = random.chance(0.5);
  out.keys = {64 + random.below(1000), &book};
  out.late = {{0, Duration(random.below(400) * 1'000'000)}, {1, 700ms}};
  out.outages = {{2, 20ms, 4s}, {3, 50ms, 80ms}};
  out.evictions = {{4, 40ms}, {5, 60ms}};
  out.slow = 1;
  out.slow_rate = 3'000'000;
  return out;
}

/// Five receivers that really decode, and a little loss: for what is killed in the midst of it.
SimulationOptions five_at_work(std::uint64_t seed, NonceBook& book) {
  SimulationOptions out;
  out.seed = seed;
  out.receivers = out.real = 5;
  out.bytes = 700'000;
  out.rate = 100'000'000;
  out.loss = 0.05;
  out.keys.log = &book;
  return out;
}

}  // namespace

TEST(Nonces, AreNeverUsedTwiceUnderOneKeyInManySessionsWithEverythingInThem) {
  NonceBook book;
  std::uint8_t most_epochs = 0;
  std::uint64_t unicast = 0, evicted = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const SimulationResult result = simulate(eventful(seed, book));
    EXPECT_EQ(result.failure, "") << seed;
    EXPECT_EQ(result.wrong_blocks, 0u) << seed;
    EXPECT_GE(result.verified + result.evicted, result.receivers) << seed;
    most_epochs = std::max(most_epochs, result.epoch);
    unicast += result.sender.unicast_symbols;
    evicted += result.evicted;
  }
  EXPECT_EQ(book.repeated, 0u);
  EXPECT_GT(book.count, 10'000u);
  EXPECT_GT(book.keys.size(), 100u);
  EXPECT_GT(most_epochs, 5);
  EXPECT_GT(unicast, 500u);
  EXPECT_EQ(evicted, 12u);
}

TEST(Nonces, AReceiverThatIsKilledInAnyStateGoesOnUnderOtherKeys) {
  NonceBook book;
  for (int at = 0; at < 20; ++at) {
    SimulationOptions options = five_at_work(100 + static_cast<std::uint64_t>(at), book);
    options.restarts = {{1, at * 5ms}, {2, at * 5ms + 1ms}, {1, at * 5ms + 7ms}};
    const SimulationResult result = simulate(options);
    EXPECT_EQ(result.failure, "") << at;
    EXPECT_EQ(result.verified, 5u) << at;
    EXPECT_EQ(result.wrong_blocks, 0u) << at;
  }
  EXPECT_EQ(book.repeated, 0u);
}

TEST(Nonces, ASenderThatIsKilledInAnyStateBeginsAnewUnderOtherKeysWithWhatIsMissing) {
  NonceBook book;
  std::set<SenderPhase> phases;
  for (int at = 0; at < 16; ++at) {
    SimulationOptions options = five_at_work(200 + static_cast<std::uint64_t>(at), book);
    options.late = {{4, 90ms}};
    options.killed_at = at * 8ms;
    const SimulationResult first = simulate(options);
    phases.insert(first.phase);
    options.seed += 1000;
    options.killed_at = Duration::max();
    options.late.clear();
    options.held = first.held;
    const SimulationResult second = simulate(options);
    EXPECT_EQ(second.failure, "") << at;
    EXPECT_EQ(second.verified, 5u) << at;
    EXPECT_EQ(second.wrong_blocks + first.wrong_blocks, 0u) << at;
    std::uint32_t held = 4;
    for (const BlockSet& each : first.held) held = std::min(held, each.size());
    EXPECT_LE(second.source_packets, (700'000 + kSymbolSize - 1) / kSymbolSize) << at;
    if (held == 4) {
      EXPECT_EQ(second.source_packets, 0u);
    }
  }
  EXPECT_EQ(book.repeated, 0u);
  EXPECT_GE(phases.size(), 3u);  // of streaming, draining, settling and lingering
}

TEST(Nonces, ARepeatWouldBeSeen) {
  NonceBook book;
  Aead key(AeadKey{1}, &book), same(AeadKey{1}, &book);
  Bytes out(64);
  key.seal(7, {}, Bytes(16), out.data());
  key.seal(8, {}, Bytes(16), out.data());
  EXPECT_EQ(book.repeated, 0u);
  same.seal(7, {}, Bytes(16), out.data());
  EXPECT_EQ(book.repeated, 1u);
}

TEST(Session, OneThatIsEvictedReadsNothingMoreAndTheOthersMissNothing) {
  SimulationOptions options;
  options.receivers = 12;
  options.bytes = 8'000'000;
  options.rate = 40'000'000;
  options.real = 12;
  options.evictions = {{3, 200ms}, {4, 210ms}, {9, 220ms}};
  const SimulationResult result = simulate(options);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.verified, 9u);
  EXPECT_EQ(result.epoch, 1);  // the first for one of them; the others' is waited for until it is over
  EXPECT_EQ(result.read_after_eviction, 0u);
}

}  // namespace ghost::ardus
