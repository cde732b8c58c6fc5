#include "audiojuggler/cd_text.h"

#include <gtest/gtest.h>

#include "audiojuggler/crc16.h"

namespace ghost::audiojuggler {
namespace {

CdText example() {
  CdText text;
  text.disc.title = "Klavierstücke für Anfänger";
  text.disc.performer = "Ghostlight Players";
  text.tracks[1].title = "1. ALLEGRO";
  text.tracks[2].title = "Prélude";
  text.tracks[3].performer = "A";
  text.mcn = "4012345678901";
  text.isrc[2] = "DEABC2600002";
  return text;
}

void seal(Bytes& packs, std::size_t pack) {
  const std::uint16_t crc = crc16(BytesView(packs).subspan(pack * kPackBytes, 16));
  packs[pack * kPackBytes + 16] = static_cast<std::uint8_t>(crc >> 8);
  packs[pack * kPackBytes + 17] = static_cast<std::uint8_t>(crc & 0xFF);
}

TEST(CdText, IsTheSameAfterEncodingAndDecoding) {
  const auto packs = encode_cd_text(example(), 1, 3);
  ASSERT_TRUE(packs) << packs.error().message;
  const auto text = decode_cd_text(*packs);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->disc, example().disc);
  EXPECT_EQ(text->tracks.at(2).title, "Prélude");
  EXPECT_EQ(text->tracks.at(3).performer, "A");
  EXPECT_EQ(text->mcn, "4012345678901");
  EXPECT_EQ(text->isrc, example().isrc);
  EXPECT_EQ(text->bad_packs, 0u);
}

// The first pack of the example in libburn's doc/cdtext.txt: album title, "Joyful Night…".
TEST(CdText, KnowsAPackByItsChecksum) {
  Bytes pack = *from_hex("80000000 4a6f7966756c204e69676874 0000");
  seal(pack, 0);
  EXPECT_EQ(to_hex(BytesView(pack).last(2)), "f0f7");
  EXPECT_TRUE(decode_cd_text(pack));
}

TEST(CdText, TakesTheHeaderOfADriveAndTheZeroOfAFile) {
  Bytes packs = *encode_cd_text(example(), 1, 3);
  Bytes with_header = {0, 0, 0, 0};
  with_header.insert(with_header.end(), packs.begin(), packs.end());
  EXPECT_EQ(decode_cd_text(with_header)->disc, example().disc);
  packs.push_back(0);
  EXPECT_EQ(decode_cd_text(packs)->disc, example().disc);
  packs.push_back(0);
  EXPECT_FALSE(decode_cd_text(packs));
}

TEST(CdText, LosesOnlyTheTextThatABadPackHeld) {
  Bytes packs = *encode_cd_text(example(), 1, 3);
  packs[kPackBytes + 5] ^= 1;  // the second pack: the rest of the disc's title
  const auto text = decode_cd_text(packs);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->bad_packs, 1u);
  EXPECT_EQ(text->disc.title, "");
  EXPECT_EQ(text->tracks.at(2).title, "Prélude");
  EXPECT_EQ(text->disc.performer, "Ghostlight Players");
}

TEST(CdText, RepeatsATextThatIsWrittenAsATab) {
  CdText text;
  text.tracks[1].performer = "Ghostlight Players";
  text.tracks[2].performer = "\t";
  const auto back = decode_cd_text(*encode_cd_text(text, 1, 2));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->tracks.at(2).performer, "Ghostlight Players");
}

TEST(CdText, RefusesJapaneseWithTheReason) {
  Bytes packs = *encode_cd_text(example(), 1, 3);
  const std::size_t size_info = packs.size() / kPackBytes - 3;
  packs[size_info * kPackBytes + 4] = 0x80;
  seal(packs, size_info);
  const auto text = decode_cd_text(packs);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::unsupported);
  EXPECT_NE(text.error().message.find("MS-JIS"), std::string::npos);
}

TEST(CdText, EncodesNoCharacterThatItsSetLacks) {
  CdText text;
  text.disc.title = "Шум";
  EXPECT_EQ(encode_cd_text(text, 1, 1).error().code, Errc::unsupported);
  text.disc.title = std::string(12 * 256, 'a');
  EXPECT_EQ(encode_cd_text(text, 1, 1).error().code, Errc::exhausted);
}

TEST(CdText, FillsWhatTheDiscDoesNotSayItself) {
  Disc disc;
  disc.toc.tracks.resize(2);
  disc.toc.tracks[0].number = 1;
  disc.toc.tracks[1].number = 2;
  disc.tracks.resize(2);
  disc.tracks[0].text.title = "mine";
  fill_from(disc, example());
  EXPECT_EQ(disc.tracks[0].text.title, "mine");
  EXPECT_EQ(disc.tracks[1].text.title, "Prélude");
  EXPECT_EQ(disc.tracks[1].isrc, "DEABC2600002");
  EXPECT_EQ(disc.mcn, "4012345678901");
}

}  // namespace
}  // namespace ghost::audiojuggler
