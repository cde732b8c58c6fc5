#include "audiojuggler/disc_id.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

// Those of discs that are publicly known stand in docs/spec/vectors/audiojuggler.json (vectors_test.cc).
TEST(DiscId, OfNothingIsNothing) {
  EXPECT_EQ(musicbrainz_id({}), "");
  EXPECT_EQ(freedb_id({}), "");
}

}  // namespace
}  // namespace ghost::audiojuggler
