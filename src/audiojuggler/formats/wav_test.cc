#include "audiojuggler/formats/wav.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

TEST(Wav, IsReadAsItWasWritten) {
  const auto head = make_wav_head(44100, 2, 16, 1000);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->size(), 44u);
  const auto info = parse_wav(*head, 1044);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->rate, 44100u);
  EXPECT_EQ(info->channels, 2);
  EXPECT_EQ(info->bits, 16);
  EXPECT_EQ(info->data_offset, 44u);
  EXPECT_EQ(info->data_bytes, 1000u);
}

TEST(Wav, FindsItsSamplesBehindOtherChunksAndToTheEndWhereNoneIsTold) {
  Bytes file = *make_wav_head(48000, 1, 24, 5000);
  std::fill(file.end() - 4, file.end(), std::uint8_t{0xFF});  // as programs that write to a pipe leave it
  const Bytes list = *from_hex("4c495354 03000000 61626300");
  file.insert(file.begin() + 36, list.begin(), list.end());
  const auto info = parse_wav(file, 200);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->data_offset, 56u);
  EXPECT_EQ(info->data_bytes, 144u);
}

TEST(Wav, TellsThatItWasCutOff) {
  const Bytes head = *make_wav_head(44100, 2, 16, 1000);
  EXPECT_EQ(parse_wav(head, 544).error().code, Errc::data_loss);
  EXPECT_EQ(parse_wav(head, 544).error().message, "it was cut off: its head tells of 1000 bytes of samples, 500 are there");
  EXPECT_EQ(parse_wav(*make_wav_head(44100, 2, 16, 0), 5000).error().message, "its head tells of no samples; a recording that was broken off looks so");
}

TEST(Wav, TellsWhatItCannotRead) {
  EXPECT_EQ(parse_wav(as_bytes("hello"), 5).error().code, Errc::malformed);
  Bytes file = *make_wav_head(44100, 2, 16, 8);
  file[20] = 3;  // float
  EXPECT_EQ(parse_wav(file, 52).error().code, Errc::unsupported);
  EXPECT_FALSE(parse_wav(BytesView(file).first(30), 30));
  EXPECT_EQ(make_wav_head(44100, 2, 16, 0xFFFFFFFFull).error().code, Errc::exhausted);
}

}  // namespace
}  // namespace ghost::audiojuggler
