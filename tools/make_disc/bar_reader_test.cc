#include "bar_reader.h"

#include <gtest/gtest.h>

namespace ghost::disc {
namespace {

Result<Bar> read(std::string_view text, std::string_view key = "C", Tick meter = kWhole) {
  Hand hand;
  return read_bar(text, *Key::named(key), meter, hand);
}

std::vector<int> pitches(const Bar& bar) {
  std::vector<int> all;
  for (const Note& note : bar.notes) all.push_back(note.pitch);
  return all;
}

std::string refusal(std::string_view text) {
  const auto bar = read(text);
  return bar ? "" : bar.error().message;
}

TEST(BarReader, GoesOnWithTheOctaveAndTheLengthOfTheNoteBefore) {
  const auto bar = read("c5:8 d e4 f r g:4");
  ASSERT_TRUE(bar);
  EXPECT_EQ(pitches(*bar), (std::vector{72, 74, 64, 65, 67}));
  EXPECT_EQ(bar->notes[3].start, kWhole * 3 / 8);
  EXPECT_EQ(bar->notes[4].start, kWhole * 5 / 8);
  EXPECT_EQ(bar->length, kWhole * 7 / 8);
}

TEST(BarReader, TakesSharpsAndFlatsFromTheKeyUnlessTheNoteHasItsOwn) {
  EXPECT_EQ(pitches(*read("f4 c5 fn4 f# g", "D")), (std::vector{66, 73, 65, 66, 67}));
  EXPECT_EQ(pitches(*read("b3 e4 a bn", "c")), (std::vector{58, 63, 68, 71}));
  EXPECT_EQ(pitches(*read("fx4 bb", "C")), (std::vector{67, 70}));
}

TEST(BarReader, DotsMakeLengthsLonger) {
  EXPECT_EQ(read("c4:4. d:8.. e:32")->length, kWhole * 3 / 8 + kWhole * 7 / 32 + kWhole / 32);
}

TEST(BarReader, TupletsFitTheirTime) {
  const auto bar = read("{3 c4:8 e g}*2 {5:4 c:16 d e f g}");
  ASSERT_TRUE(bar);
  EXPECT_EQ(bar->length, kWhole / 2 + kWhole / 4);
  EXPECT_EQ(bar->notes[4].start, kWhole / 4 + kWhole / 12);
}

TEST(BarReader, GroupsArePlayedAsOftenAsTheySay) {
  EXPECT_EQ(pitches(*read("{c4:16 {e g}*2}*2")), (std::vector{60, 64, 67, 64, 67, 60, 64, 67, 64, 67}));
}

TEST(BarReader, ChordsSoundTogetherAndMayTieSomeNotesOnly) {
  const auto bar = read("[c4~ e g]:2 [c4 f a]:2~");
  ASSERT_TRUE(bar);
  EXPECT_EQ(bar->notes[2].start, 0);
  EXPECT_TRUE(bar->notes[0].tied);
  EXPECT_FALSE(bar->notes[1].tied);
  EXPECT_TRUE(bar->notes[5].tied);
}

TEST(BarReader, OrnamentsKnowTheirNeighboursInTheKey) {
  const auto bar = read("g4:4% b&", "F");
  ASSERT_TRUE(bar);
  EXPECT_EQ(bar->notes[0].above, 69);
  EXPECT_EQ(bar->notes[1].pitch, 70);
  EXPECT_EQ(bar->notes[1].below, 69);
}

TEST(BarReader, GraceNotesTakeNoTimeOfTheirOwn) {
  const auto bar = read("+f4 +a c5:4");
  ASSERT_TRUE(bar);
  EXPECT_EQ(bar->length, kWhole / 4);
  EXPECT_EQ(bar->notes[2].graces_before, 2);
}

TEST(BarReader, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("c4:4 h4"), "'h4' means nothing here");
  EXPECT_EQ(refusal("c4:5"), "':5' is no length; they are 1, 2, 4 … 64, with one or two dots");
  EXPECT_EQ(refusal("{c4 d"), "'{' without its '}'");
  EXPECT_EQ(refusal("c4 }"), "'}' without its '{'");
  EXPECT_EQ(refusal("{c4}*1"), "a group is repeated 2 to 64 times, as in {…}*4");
  EXPECT_EQ(refusal("[c4]:4"), "a chord has two notes or more");
  EXPECT_EQ(refusal("[c4 e"), "it ends in the middle of something");
  EXPECT_EQ(refusal("!loud"), "'!loud' is no dynamic; they go from !ppp to !fff");
  EXPECT_EQ(refusal("c9"), "a note beyond the piano's keys (a0 to c8)");
  EXPECT_EQ(refusal("+c4"), "a grace note needs a note after it");
  EXPECT_EQ(refusal("r:4~"), "a rest cannot be tied");
}

TEST(BarReader, StopsWhereRepeatsOfRepeatsWouldFillTheMemory) {
  const auto bar = read("{{{{c4:64}*64}*64}*64}*64");
  ASSERT_FALSE(bar);
  EXPECT_EQ(bar.error().code, Errc::exhausted);
  EXPECT_EQ(read("{{{{{c4}}}}}").error().code, Errc::exhausted);
}

TEST(Keys, HaveTheSharpsAndFlatsOfTheirSignature) {
  EXPECT_EQ(Key::named("A")->alter, (std::array{1, 0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(Key::named("c")->alter, (std::array{0, 0, -1, 0, 0, -1, -1}));
  EXPECT_EQ(Key::named("c#")->alter, Key::named("E")->alter);
  EXPECT_FALSE(Key::named("H"));
}

}  // namespace
}  // namespace ghost::disc
