#include "b2/qr_picture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"

namespace ghost::b2 {

TEST(QrPicture, IsASquareWithItsThreeCorners) {
  const std::string picture = qr_picture("B2", PictureColours::plain).value();
  // Version 1: 21 modules and the quiet zone make 25 columns and 13 lines.
  EXPECT_EQ(std::count(picture.begin(), picture.end(), '\n'), 13);
  const std::string first = picture.substr(0, picture.find('\n'));
  EXPECT_EQ(display_width(first), 25u);
  std::string light;
  for (int i = 0; i < 25; ++i) light += "█";
  EXPECT_EQ(first, light);
  // The top of a finder pattern: 7 dark over 1 dark, 5 light, 1 dark.
  const std::string second = picture.substr(first.size() + 1, first.size());
  EXPECT_TRUE(second.starts_with("██ ▄▄▄▄▄ █")) << second;
}

TEST(QrPicture, SetsItsColoursOnlyWhenAsked) {
  EXPECT_EQ(qr_picture("x", PictureColours::plain).value().find('\x1b'), std::string::npos);
  EXPECT_EQ(qr_picture("x", PictureColours::fixed).value().find("\x1b[97;40m"), 0u);
}

TEST(QrPicture, RefusesATextThatIsTooLong) {
  EXPECT_EQ(qr_picture(std::string(9000, 'x'), PictureColours::plain).error().code, Errc::malformed);
  EXPECT_FALSE(qr_picture(std::string_view("a\0b", 3), PictureColours::plain));
}

}  // namespace ghost::b2
