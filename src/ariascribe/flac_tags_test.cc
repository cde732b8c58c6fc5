#include "ariascribe/flac_tags.h"

#include <gtest/gtest.h>

#include "ariascribe/flac_testing.h"
#include "ariascribe/tag_changes.h"

namespace ghost::ariascribe {
namespace {

const std::vector<Tag> kTags = {{"TITLE", "Old", false}, {"artist", "A", false}, {"ARTIST", "B", false}, {"odd", "", true}, {"EMPTY", "", false}};

TEST(FlacTags, AreReadAndWrittenBackAsTheyWere) {
  const Bytes file = flac_file(kTags, 200);
  const auto length = flac_head_length(file);
  ASSERT_TRUE(length && length->complete);
  const auto head = parse_flac_head(BytesView(file).first(length->bytes));
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->tags, kTags);
  EXPECT_EQ(head->vendor, "test");
  const auto again = flac_head_with_tags(*head, head->tags);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, head->bytes);
}

TEST(FlacTags, ThatGrowTakeTheRoomOfThePadding) {
  const auto head = parse_flac_head(flac_file(kTags, 200));
  ASSERT_TRUE(head);
  const auto more = flac_head_with_tags(*head, with_values(head->tags, "COMPOSER", {"Somebody"}));
  ASSERT_TRUE(more);
  EXPECT_EQ(more->size(), head->bytes.size());
  const auto much = flac_head_with_tags(*head, with_values(head->tags, "COMPOSER", {std::string(500, 'x')}));
  ASSERT_TRUE(much);
  EXPECT_GT(much->size(), head->bytes.size());
  const auto read = parse_flac_head(*much);
  ASSERT_TRUE(read);
  EXPECT_EQ(first_value(read->tags, "composer"), std::string(500, 'x'));
  EXPECT_EQ(first_value(read->tags, "TITLE"), "Old");
}

TEST(FlacTags, NoneAreAddedToAFileWithout) {
  const auto head = parse_flac_head(flac_file({}, 0));
  ASSERT_TRUE(head);
  const auto with = flac_head_with_tags(*head, {{"WORK", "W", false}});
  ASSERT_TRUE(with);
  EXPECT_EQ(parse_flac_head(*with)->tags, (std::vector<Tag>{{"WORK", "W", false}}));
}

TEST(FlacTags, StandBehindAnId3TagThatIsKept) {
  Bytes file = {'I', 'D', '3', 4, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5};
  const Bytes flac = flac_file(kTags, 50);
  file.insert(file.end(), flac.begin(), flac.end());
  const auto head = parse_flac_head(file);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->tags, kTags);
  EXPECT_EQ(head->bytes[10], 1);
}

TEST(FlacTags, OfSomethingElseAreRefusedInWords) {
  const Bytes wave = to_bytes(as_bytes("RIFF....WAVEfmt "));
  const auto length = flac_head_length(wave);
  ASSERT_FALSE(length);
  EXPECT_NE(length.error().message.find("begins with 'RIFF'"), std::string::npos) << length.error().message;
  EXPECT_FALSE(flac_head_length({}));
  EXPECT_FALSE(parse_flac_head({}));
}

TEST(FlacTags, CutOffAnywhereAreRefused) {
  const Bytes file = flac_file(kTags, 50);
  const std::size_t whole = flac_head_length(file)->bytes;
  for (std::size_t size = 0; size < whole; ++size) EXPECT_FALSE(parse_flac_head(BytesView(file).first(size))) << size;
}

TEST(FlacTags, WithDamagedCountsAreRefused) {
  Bytes file = flac_file(kTags, 50);
  const auto comment = std::search(file.begin(), file.end(), std::begin("test"), std::end("test") - 1);
  ASSERT_NE(comment, file.end());
  *(comment + 8) = 0xff;  // the length of the first tag
  *(comment + 11) = 0xff;
  EXPECT_FALSE(parse_flac_head(file));
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
