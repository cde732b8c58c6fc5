#include "audiojuggler/subchannel.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

TEST(Subchannel, TellsWhereASectorIs) {
  const QBytes q = make_q_position({2, 7, 1, 4'444, Lba(123'456)});
  EXPECT_EQ(to_hex(BytesView(q).first(10)), "210701005919" "00" "272806");
  const auto position = q_position(q);
  ASSERT_TRUE(position);
  EXPECT_EQ(position->track, 7);
  EXPECT_EQ(position->index, 1);
  EXPECT_EQ(position->control, 2);
  EXPECT_EQ(position->relative, 4'444u);
  EXPECT_EQ(position->at, Lba(123'456));
}

TEST(Subchannel, CarriesCatalogueNumberAndIsrc) {
  EXPECT_EQ(q_mcn(make_q_mcn("4012345678901", 99)), "4012345678901");
  EXPECT_EQ(q_isrc(make_q_isrc("DEABC2600001", 7)), "DEABC2600001");
  EXPECT_EQ(q_mcn(make_q_mcn("0000000000000", 1)), std::nullopt);  // what drives tell of a disc without
}

TEST(Subchannel, BelievesNothingWithAWrongChecksum) {
  QBytes q = make_q_position({0, 1, 1, 0, Lba(0)});
  q[4] ^= 1;
  EXPECT_FALSE(q_is_sound(q));
  EXPECT_EQ(q_position(q), std::nullopt);
  EXPECT_EQ(q_mcn(make_q_position({0, 1, 1, 0, Lba(0)})), std::nullopt);
  EXPECT_EQ(q_position(Bytes{1, 2, 3}), std::nullopt);
}

}  // namespace
}  // namespace ghost::audiojuggler
