#include "audiojuggler/grabber.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "audiojuggler/drives/image_testing.h"

namespace ghost::audiojuggler {
namespace {

/// A disc that is read through faults of the test's choosing, behind a cache that keeps the last sectors read.
class FaultyDisc {
 public:
  FaultyDisc(std::size_t sectors, std::size_t cache) : samples_(test_samples(sectors, 7)), cache_(cache), random_(3) {}

  const Bytes& samples() const { return samples_; }
  std::map<std::int32_t, double> wrong;      ///< share of frames that are wrong in each reading of a sector
  std::map<std::int32_t, bool> unreadable;
  bool c2 = false;
  bool c2_lies = false;                      ///< says nothing of what is wrong

  SectorRead read(std::int32_t at) {
    SectorRead out;
    if (const auto kept = recent_.find(at); kept != recent_.end()) return kept->second;
    std::memcpy(out.audio.data(), samples_.data() + static_cast<std::size_t>(at) * kSectorBytes, kSectorBytes);
    if (c2) out.c2.emplace();
    if (unreadable.contains(at)) out.error = Error{Errc::io, "medium error"};
    if (const auto share = wrong.find(at); share != wrong.end()) damage(out, share->second);
    recent_.emplace(at, out);
    order_.push_back(at);
    if (order_.size() > cache_) {
      recent_.erase(order_.front());
      order_.pop_front();
    }
    return out;
  }

 private:
  void damage(SectorRead& out, double share) {
    for (std::size_t frame = 0; frame < kSectorFrames; ++frame) {
      if (!random_.chance(share)) continue;
      out.audio[frame * 4 + random_.below(4)] ^= static_cast<std::uint8_t>(1 + random_.below(255));
      if (c2 && !c2_lies) (*out.c2)[frame / 2] = static_cast<std::uint8_t>((*out.c2)[frame / 2] | (frame % 2 == 0 ? 0xF0 : 0x0F));
    }
  }

  Bytes samples_;
  std::size_t cache_;
  SeededRandom random_;
  std::map<std::int32_t, SectorRead> recent_;
  std::deque<std::int32_t> order_;  ///< oldest first
};

struct Grabbed {
  Bytes samples;
  std::vector<Doubt> doubts;
  std::uint64_t sectors_read = 0;
};

Grabbed grab(FaultyDisc& disc, std::uint32_t sectors, const GrabRules& rules, std::int32_t disc_end) {
  Grabber grabber(Lba(0), sectors, rules, Lba(0), Lba(disc_end));
  while (const auto read = grabber.next()) {
    std::vector<SectorRead> out;
    for (std::uint32_t i = 0; i < read->sectors; ++i) out.push_back(disc.read(read->first.value + static_cast<std::int32_t>(i)));
    grabber.on_read(*read, out);
  }
  return {to_bytes(grabber.samples()), grabber.doubts(), grabber.sectors_read()};
}

GrabRules rules(std::uint32_t cache) {
  GrabRules out;
  out.cache_sectors = cache;
  return out;
}

TEST(Vote, BelievesAFrameThatTwoCleanReadingsShareAndNoOtherThan) {
  std::array<SectorCopy, 3> copies{};
  copies[0].audio[0] = 1;
  EXPECT_EQ(vote(copies, 2).uncertain, std::vector<std::uint16_t>{0});  // two to one
  EXPECT_EQ(vote(std::span(copies).subspan(1), 2).uncertain.size(), 0u);
  EXPECT_EQ(vote(copies, 2).audio[0], 0);
}

TEST(Vote, CountsNoReadingThatC2Marks) {
  std::array<SectorCopy, 3> copies{};
  for (SectorCopy& copy : copies) {
    copy.audio[8] = 9;
    copy.c2.emplace();
    (*copy.c2)[1] = 0x80;  // the first byte of frame 2
  }
  const Vote result = vote(copies, 2);
  EXPECT_EQ(result.uncertain, std::vector<std::uint16_t>{2});
  EXPECT_EQ(result.audio[8], 9);  // but there is no better guess
}

TEST(Grabber, ReadsAnImageOnce) {
  FaultyDisc disc(300, 0);
  DriveInfo drive;
  drive.exact = true;
  const Grabbed grabbed = grab(disc, 300, GrabRules::of(drive), 300);
  EXPECT_EQ(grabbed.samples, disc.samples());
  EXPECT_EQ(grabbed.sectors_read, 300u);
  EXPECT_TRUE(grabbed.doubts.empty());
}

TEST(Grabber, ReadsAGoodDiscTwice) {
  FaultyDisc disc(1000, 100);
  const Grabbed grabbed = grab(disc, 1000, rules(100), 1000);
  EXPECT_EQ(grabbed.samples, disc.samples());
  EXPECT_EQ(grabbed.sectors_read, 2000u);
}

TEST(Grabber, MendsADamagedDiscBehindACacheWhetherC2HelpsOrNot) {
  for (const bool c2 : {true, false}) {
    FaultyDisc disc(2750, 270);
    disc.c2 = c2;
    for (std::int32_t i = 0; i < 7; ++i) disc.wrong[33 + i * 380] = 0.3;
    const Grabbed grabbed = grab(disc, 2750, rules(340), 2750);
    EXPECT_TRUE(grabbed.samples == disc.samples()) << c2;
    EXPECT_TRUE(grabbed.doubts.empty()) << c2;
    EXPECT_LT(grabbed.sectors_read, 2750u * (c2 ? 25 : 35) / 10) << c2;
  }
}

TEST(Grabber, IsNotFooledByC2ThatLies) {
  FaultyDisc disc(1000, 100);
  disc.c2 = disc.c2_lies = true;
  for (std::int32_t i = 0; i < 30; ++i) disc.wrong[i * 33] = 0.2;
  const Grabbed grabbed = grab(disc, 1000, rules(100), 1000);
  EXPECT_TRUE(grabbed.samples == disc.samples());
  EXPECT_TRUE(grabbed.doubts.empty());
}

TEST(Grabber, IsFooledByACacheThatItDoesNotKnowOf) {
  FaultyDisc disc(100, 1000);  // all of the disc stays in the cache: what comes out says how much the defeat of it matters
  disc.wrong[50] = 0.3;
  const Grabbed grabbed = grab(disc, 100, rules(0), 100);
  EXPECT_FALSE(grabbed.samples == disc.samples());
}

TEST(Grabber, ReadsElsewhereUntilAShortTrackHasLeftTheCache) {
  FaultyDisc disc(1000, 150);
  for (std::int32_t i = 0; i < 20; ++i) disc.wrong[i * 5] = 0.3;
  const Grabbed grabbed = grab(disc, 100, rules(190), 1000);
  EXPECT_TRUE(std::equal(grabbed.samples.begin(), grabbed.samples.end(), disc.samples().begin()));
  EXPECT_TRUE(grabbed.doubts.empty());
}

TEST(Grabber, ListsWhatItCouldNotReadByItsSector) {
  FaultyDisc disc(500, 50);
  disc.unreadable[77] = true;
  disc.wrong[200] = 1.0;  // never the same value twice
  const Grabbed grabbed = grab(disc, 500, rules(50), 500);
  ASSERT_EQ(grabbed.doubts.size(), 2u);
  EXPECT_EQ(grabbed.doubts[0].sector, Lba(77));
  EXPECT_EQ(grabbed.doubts[0].frames.size(), kSectorFrames);
  EXPECT_EQ(grabbed.doubts[0].why, "not readable in 16 reads: medium error");
  EXPECT_EQ(grabbed.doubts[1].sector, Lba(200));
  for (std::size_t sector = 0; sector < 500; ++sector) {
    if (sector == 77 || sector == 200) continue;
    ASSERT_EQ(std::memcmp(grabbed.samples.data() + sector * kSectorBytes, disc.samples().data() + sector * kSectorBytes, kSectorBytes), 0) << sector;
  }
}

TEST(Grabber, TakesNoSectorThatCameFromElsewhere) {
  FaultyDisc disc(200, 10);
  Grabber grabber(Lba(0), 200, rules(10), Lba(0), Lba(200));
  unsigned slips = 0;
  while (const auto read = grabber.next()) {
    std::vector<SectorRead> out;
    for (std::uint32_t i = 0; i < read->sectors; ++i) {
      const std::int32_t at = read->first.value + static_cast<std::int32_t>(i);
      const bool slips_here = at == 60 && slips++ < 3;
      out.push_back(disc.read(slips_here ? at + 1 : at));
      out.back().at = Lba(slips_here ? at + 1 : at);
    }
    grabber.on_read(*read, out);
  }
  EXPECT_EQ(slips, 6u);
  EXPECT_TRUE(to_bytes(grabber.samples()) == disc.samples());
  EXPECT_TRUE(grabber.doubts().empty());
}

}  // namespace
}  // namespace ghost::audiojuggler
