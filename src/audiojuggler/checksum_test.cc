#include "audiojuggler/checksum.h"

#include <gtest/gtest.h>

#include <array>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {
namespace {

/// The generator of .NET's System.Random (Knuth's subtractive one), from whose noise CUETools' tests compute their known checksums.
class DotNetRandom {
 public:
  explicit DotNetRandom(std::int32_t seed) {
    std::int64_t last = 161'803'398 - seed, next = 1;
    state_[55] = last;
    for (std::size_t i = 1; i < 55; ++i) {
      const std::size_t at = 21 * i % 55;
      state_[at] = next;
      next = last - next;
      if (next < 0) next += kRange;
      last = state_[at];
    }
    for (int round = 0; round < 4; ++round) {
      for (std::size_t i = 1; i < 56; ++i) {
        const auto difference = static_cast<std::int32_t>(static_cast<std::uint32_t>(state_[i] - state_[1 + (i + 30) % 55]));
        state_[i] = difference < 0 ? difference + kRange : difference;
      }
    }
  }
  std::int64_t sample() {
    a_ = a_ == 55 ? 1 : a_ + 1;
    b_ = b_ == 55 ? 1 : b_ + 1;
    std::int64_t out = state_[a_] - state_[b_];
    if (out == kRange) --out;
    if (out < 0) out += kRange;
    return state_[a_] = out;
  }

 private:
  static constexpr std::int64_t kRange = 2'147'483'647;
  std::array<std::int64_t, 56> state_{};
  std::size_t a_ = 0, b_ = 21;
};

/// The disc of CUETools' AccurateRipVerifyTest: 13 hidden sectors, tracks of 55, 31 and 37.
Bytes noise() {
  DotNetRandom random(2314);
  Bytes out(136 * kSectorBytes);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random.sample() % 256);
  return out;
}

struct Known {
  std::size_t from, sectors;
  AccurateRip::Place place;
  std::uint32_t crc, v1, v2;
};

TEST(Checksums, OfTracksAreThoseThatCueToolsKnows) {
  const Bytes disc = noise();
  EXPECT_EQ(crc32(disc), 3791227907u);
  const std::array<Known, 3> known = {{{13, 55, AccurateRip::Place::first, 321342250, 3727147246, 3988391122},
                                       {68, 31, AccurateRip::Place::middle, 37001035, 2202235240, 2284845104},
                                       {99, 37, AccurateRip::Place::last, 516255430, 3752629998, 3841231027}}};
  for (const Known& track : known) {
    const BytesView samples = BytesView(disc).subspan(track.from * kSectorBytes, track.sectors * kSectorBytes);
    EXPECT_EQ(crc32(samples), track.crc);
    AccurateRip accurate(track.sectors * kSectorFrames, track.place);
    for (std::size_t at = 0; at < samples.size(); at += 4000) accurate.update(samples.subspan(at, std::min<std::size_t>(4000, samples.size() - at)));
    EXPECT_EQ(accurate.v1(), track.v1);
    EXPECT_EQ(accurate.v2(), track.v2);
  }
}

// What is left out of a disc of 157,999,716 frames was found out by a pressed disc in the data base (5,880 and 9,996 frames).
TEST(Checksums, OfADiscLeaveOutWhatCueToolsDbLeavesOut) {
  const CtdbCrc crc(157'999'716);
  EXPECT_EQ(crc.skipped_at_start(), 5880u);
  EXPECT_EQ(crc.skipped_at_end(), 9996u);
}

TEST(Checksums, OfADiscDoNotDependOnHowItIsFed) {
  const Bytes disc = noise();
  const BytesView audio = BytesView(disc).subspan(13 * kSectorBytes);
  CtdbCrc crc(audio.size() / kFrameBytes);
  for (std::size_t at = 0; at < audio.size(); at += 7000) crc.update(audio.subspan(at, std::min<std::size_t>(7000, audio.size() - at)));
  EXPECT_EQ(crc.value(), crc32(audio.subspan(5880 * 4, audio.size() - (5880 + 5880 + 1764) * 4)));
  EXPECT_EQ(crc.value(), 1453760025u);
}

TEST(Checksums, OfTooShortATrackAreZero) {
  AccurateRip accurate(588, AccurateRip::Place::only);
  accurate.update(Bytes(kSectorBytes, 1));
  EXPECT_EQ(accurate.v1(), 0u);
  CtdbCrc crc(588);
  crc.update(Bytes(kSectorBytes, 1));
  EXPECT_EQ(crc.value(), 0u);
}

}  // namespace
}  // namespace ghost::audiojuggler
