#include "ariascribe/flac_tags.h"

#include <gtest/gtest.h>

#include "ariascribe/flac_testing.h"
#include "ariascribe/tag_changes.h"
#include "ariascribe/tag_testing.h"

namespace ghost::ariascribe {
namespace {

const std::vector<Tag> kTags = {{"TITLE", "Old", false}, {"artist", "A", false}, {"ARTIST", "B", false}, {"odd", "", true}, {"EMPTY", "", false}};

/// The file with these tags written.
Bytes with_tags(const Bytes& file, const std::vector<Tag>& tags) {
  const auto splices = flac_splices(MemorySource(file), tags);
  EXPECT_TRUE(splices) << splices.error().message;
  return splices ? spliced(file, *splices) : Bytes{};
}

TEST(FlacTags, AreReadAndWrittenBackAsTheyWere) {
  const Bytes file = flac_file(kTags, 200);
  const auto tags = flac_tags(MemorySource(file));
  ASSERT_TRUE(tags) << tags.error().message;
  EXPECT_EQ(*tags, kTags);
  EXPECT_EQ(with_tags(file, kTags), file);
}

TEST(FlacTags, ThatGrowTakeTheRoomOfThePadding) {
  const Bytes file = flac_file(kTags, 200);
  EXPECT_EQ(with_tags(file, with_values(kTags, "COMPOSER", {"Somebody"})).size(), file.size());
  const Bytes much = with_tags(file, with_values(kTags, "COMPOSER", {std::string(500, 'x')}));
  EXPECT_GT(much.size(), file.size());
  const auto tags = flac_tags(MemorySource(much));
  ASSERT_TRUE(tags);
  EXPECT_EQ(first_value(*tags, "composer"), std::string(500, 'x'));
  EXPECT_EQ(first_value(*tags, "TITLE"), "Old");
}

TEST(FlacTags, NoneAreAddedToAFileWithout) {
  const Bytes with = with_tags(flac_file({}, 0), {{"WORK", "W", false}});
  EXPECT_EQ(*flac_tags(MemorySource(with)), (std::vector<Tag>{{"WORK", "W", false}}));
}

TEST(FlacTags, StandBehindAnId3TagThatIsKept) {
  Bytes file = {'I', 'D', '3', 4, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5};
  append(file, flac_file(kTags, 50));
  const auto tags = read_tags(MemorySource(file));
  ASSERT_TRUE(tags) << tags.error().message;
  EXPECT_EQ(*tags, kTags);
  EXPECT_EQ(with_tags(file, kTags), file);
}

TEST(FlacTags, OfSomethingElseAreRefusedInWords) {
  const auto tags = flac_tags(MemorySource(as_bytes("RIFF....WAVEfmt ")));
  ASSERT_FALSE(tags);
  EXPECT_NE(tags.error().message.find("begins with 'RIFF'"), std::string::npos) << tags.error().message;
  EXPECT_FALSE(flac_tags(MemorySource({})));
}

TEST(FlacTags, CutOffAnywhereAreRefused) {
  const Bytes file = flac_file(kTags, 50);
  const auto whole = static_cast<std::size_t>(*flac_audio(MemorySource(file)));
  for (std::size_t size = 0; size < whole; ++size) EXPECT_FALSE(flac_tags(MemorySource(BytesView(file).first(size)))) << size;
}

TEST(FlacTags, WithDamagedCountsAreRefused) {
  Bytes file = flac_file(kTags, 50);
  const auto comment = std::search(file.begin(), file.end(), std::begin("test"), std::end("test") - 1);
  ASSERT_NE(comment, file.end());
  *(comment + 8) = 0xff;  // the length of the first tag
  *(comment + 11) = 0xff;
  EXPECT_FALSE(flac_tags(MemorySource(file)));
}

TEST(Tags, AreReplacedWhereTheyStood) {
  EXPECT_EQ(with_values(kTags, "Artist", {"C"}), (std::vector<Tag>{{"TITLE", "Old", false}, {"Artist", "C", false}, {"odd", "", true}, {"EMPTY", "", false}}));
  EXPECT_EQ(with_values({}, "X", {"1", "2"}).size(), 2u);
  EXPECT_EQ(values_of(kTags, "ARTIST"), (std::vector<std::string>{"A", "B"}));
}

Identification known() {
  Identification found;
  found.composer = "Anna Muster";
  found.work = "Sonata in C major, Op. 1";
  found.catalogue = {"op:1"};
  found.movement_no = 2;
  found.movement = "Rondo";
  found.movement_count = 3;
  found.performers = {{"A", "soloist", "piano"}, {"Town Orchestra", "orchestra", ""}, {"Bo Ek", "conductor", ""}};
  for (const char* field : {"composer", "work", "catalogue", "movement_no", "movement", "performers"}) found.reasons.push_back({field, 0.99, "because"});
  return found;
}

TEST(TagChanges, KeepTheOldTitleAndAddWhatIsKnown) {
  const std::vector<Tag> before = {{"TITLE", "son. op1 rondo", false}, {"PERFORMER", "A", false}, {"PERFORMER", "C", false}, {"MINE", "kept", false}};
  const auto after = with_changes(before, tag_changes(before, known()));
  EXPECT_EQ(first_value(after, "TITLE"), "Sonata in C major, Op. 1: II. Rondo");
  EXPECT_EQ(first_value(after, "ORIGINALTITLE"), "son. op1 rondo");
  EXPECT_EQ(first_value(after, "MOVEMENT"), "2");
  EXPECT_EQ(first_value(after, "MOVEMENTTOTAL"), "3");
  EXPECT_EQ(first_value(after, "OPUS"), "Op. 1");
  EXPECT_EQ(first_value(after, "MINE"), "kept");
  EXPECT_EQ(values_of(after, "PERFORMER"), (std::vector<std::string>{"A (piano)", "C"}));
  EXPECT_EQ(first_value(after, "CONDUCTOR"), "Bo Ek");
  EXPECT_TRUE(tag_changes(after, known()).empty()) << "a second time there is nothing to do";
}

TEST(TagChanges, SplitPlayersThatStandInOneValue) {
  Identification found;
  found.performers = {{"Town Players", "ensemble", ""}, {"A. B.", "soloist", "piano"}};
  found.reasons = {{"performers", 0.97, "said"}};
  const auto changes = tag_changes({{"PERFORMER", "Town Players; A. B., pno"}, {"PERFORMER", "C. D. (flute)"}}, found);
  const auto players = std::find_if(changes.begin(), changes.end(), [](const TagChange& each) { return each.tag == "PERFORMER"; });
  ASSERT_NE(players, changes.end());
  EXPECT_EQ(players->after, (std::vector<std::string>{"C. D. (flute)", "A. B. (piano)"}));
}

TEST(TagChanges, LeaveOutWhatIsNotSure) {
  Identification found = known();
  for (FieldReason& each : found.reasons) {
    if (each.field == "movement") each.confidence = 0.5;
  }
  for (const TagChange& each : tag_changes({}, found)) EXPECT_NE(each.tag, "MOVEMENTNAME");
}

}  // namespace
}  // namespace ghost::ariascribe
