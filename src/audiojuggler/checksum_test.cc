#include "audiojuggler/checksum.h"

#include <gtest/gtest.h>

#include "audiojuggler/noise_testing.h"
#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {
namespace {

/// A disc of 13 hidden sectors and tracks of 55, 31 and 37.
Bytes noise() {
  return DotNetNoise(2314).bytes(136 * kSectorBytes);
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
