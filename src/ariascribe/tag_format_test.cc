#include "ariascribe/tag_format.h"

#include <gtest/gtest.h>

#include "ariascribe/id3_tags.h"
#include "ariascribe/tag_testing.h"

namespace ghost::ariascribe {
namespace {

std::vector<Tag> tags_in(BytesView file) {
  const auto tags = read_tags(MemorySource(file));
  EXPECT_TRUE(tags) << tags.error().message;
  return tags ? *tags : std::vector<Tag>{};
}

/// The splices turned round.
std::vector<Splice> reversed(const std::vector<Splice>& splices) {
  std::vector<Splice> back;
  std::uint64_t moved = 0;
  for (const Splice& each : splices) {
    back.push_back({each.offset + moved, each.after, each.before});
    moved += each.after.size() - each.before.size();
  }
  return back;
}

/// Writes tags and looks that they are read back, that the sound stays, and that it can be turned round. Gives the file.
Bytes written(BytesView file, const std::vector<Tag>& tags) {
  const MemorySource source(file);
  const auto splices = splices_for(source, tags);
  EXPECT_TRUE(splices) << splices.error().message;
  if (!splices) return to_bytes(file);
  const Bytes after = spliced(file, *splices);
  EXPECT_TRUE(names_that_differ(tags_in(after), tags).empty());
  EXPECT_EQ(*audio_digest(MemorySource(after)), *audio_digest(source));
  EXPECT_EQ(spliced(after, reversed(*splices)), to_bytes(file));
  return after;
}

class OfEachFormat : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Samples, OfEachFormat, testing::ValuesIn(kSamples));

TEST_P(OfEachFormat, TagsAreReadUnderOneName) {
  const auto tags = tags_in(sample(GetParam()));
  EXPECT_EQ(first_value(tags, "TITLE"), "Andante");
  if (std::string_view(GetParam()) == "plain.aiff") return;  // holds a name and nothing else
  EXPECT_EQ(first_value(tags, "ALBUM"), "Probe");
  EXPECT_EQ(first_value(tags, "ARTIST"), "Somebody");
}

TEST_P(OfEachFormat, TagsAreWrittenReadBackAndUndone) {
  const Bytes file = sample(GetParam());
  const Bytes full = written(file, full_tags(tags_in(file)));
  EXPECT_EQ(values_of(tags_in(full), "PERFORMER"), (std::vector<std::string>{"Ann Lee (piano)", "C. D.", "Ōta Ei (violin)"}));
  EXPECT_EQ(first_value(tags_in(full), "ALBUM"), first_value(tags_in(file), "ALBUM"));
  // Fewer again, and much more than a page, block or padding has room for.
  const Bytes fewer = written(full, with_values(with_values(tags_in(full), "ENSEMBLE", {}), "MOVEMENTTOTAL", {}));
  EXPECT_EQ(first_value(tags_in(fewer), "MOVEMENT"), "2");
  const Bytes large = written(fewer, with_values(tags_in(fewer), "WORK", {std::string(150'000, 'w')}));
  const Bytes small = written(large, with_values(tags_in(large), "WORK", {"w"}));
  EXPECT_EQ(first_value(tags_in(small), "PERFORMER"), "Ann Lee (piano)");
}

TEST_P(OfEachFormat, WritingTheSameTagsKeepsTheLengthOnceThereIsRoom) {
  const Bytes file = sample(GetParam());
  const Bytes full = written(file, full_tags(tags_in(file)));
  const Bytes again = written(full, with_values(tags_in(full), "OPUS", {"Op. 6 No. 3"}));
  EXPECT_EQ(again.size(), full.size());
}

TEST_P(OfEachFormat, CutOffFilesAreReadWhereTheyCanBeOrRefused) {
  const Bytes file = written(sample(GetParam()), full_tags(tags_in(sample(GetParam()))));
  for (std::size_t size = 0; size < file.size(); size += 1 + size / 100) {
    const MemorySource cut(BytesView(file).first(size));
    const auto tags = read_tags(cut);
    if (!tags) {
      EXPECT_FALSE(tags.error().message.empty());
      continue;
    }
    const auto splices = splices_for(cut, with_values(*tags, "WORK", {"w"}));
    if (splices) {
      EXPECT_EQ(first_value(tags_in(spliced(BytesView(file).first(size), *splices)), "WORK"), "w");
    }
  }
}

/// An ID3 tag of frames as they are given, then what sounds.
Bytes id3_file(int version, std::uint8_t flags, const Bytes& frames) {
  Bytes out = {'I', 'D', '3', static_cast<std::uint8_t>(version), 0, flags, 0, 0, static_cast<std::uint8_t>(frames.size() >> 7), static_cast<std::uint8_t>(frames.size() & 0x7f)};
  append(out, frames);
  Bytes mp3 = sample("id3v1.mp3");
  append(out, mp3);
  return out;
}
Bytes frame(int version, std::string_view id, const Bytes& content, std::uint8_t flags = 0) {
  Bytes out = to_bytes(as_bytes(id));
  append_big_endian(out, content.size(), version == 2 ? 3 : 4);  // below 128, so 2.4's are the same
  if (version > 2) append(out, Bytes{0, flags});
  append(out, content);
  return out;
}
Bytes text(std::string_view value) {
  Bytes out = {0};
  append(out, as_bytes(value));
  return out;
}

TEST(Id3, FramesNobodyNamesStayBitByBit) {
  for (const int version : {2, 3, 4}) {
    const bool old = version == 2;
    std::vector<Bytes> kept = {frame(version, old ? "PIC" : "APIC", {0, 1, 2, 0xff, 0xe0, 3}), frame(version, old ? "UFI" : "UFID", {'x', 0, 9}), frame(version, old ? "XYZ" : "XYZQ", {1, 2, 3}),
                               frame(version, old ? "COM" : "COMM", {0, 'e', 'n', 'g', 0, 'h', 'i'})};
    if (!old) kept.push_back(frame(version, "CHAP", {'c', 0, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    if (version == 3) kept.push_back(frame(3, "TXXX", {0, 0, 0, 9, 'z'}, 0x80));  // compressed: not read, not lost
    Bytes frames = frame(version, old ? "TT2" : "TIT2", text("Old"));
    for (const Bytes& each : kept) append(frames, each);
    append(frames, frame(version, old ? "TXX" : "TXXX", {0, 'm', 'i', 'n', 'e', 0, 'y'}));
    const Bytes file = id3_file(version, 0, frames);
    EXPECT_EQ(first_value(tags_in(file), "MINE"), "y");
    const Bytes after = written(file, full_tags(tags_in(file)));
    EXPECT_EQ(after[3], version);
    EXPECT_EQ(first_value(tags_in(after), "MINE"), "y");
    for (const Bytes& each : kept) EXPECT_NE(std::search(after.begin(), after.end(), each.begin(), each.end()), after.end()) << version;
  }
}

TEST(Id3, ThatIsUnsynchronisedOrExtendedIsRead) {
  // 0xff 0x00 stands for 0xff in 2.3; the extended header of 6 bytes is passed by.
  Bytes frames = {0, 0, 0, 6, 0, 0, 0, 0, 0, 0};
  append(frames, frame(3, "TPE1", {1, 0xff, 0x00, 0xfe, 'a', 0}));
  frames[10 + 7] = 5;  // the size without the zero put in
  const Bytes file = id3_file(3, 0xc0, frames);
  EXPECT_EQ(first_value(tags_in(file), "ARTIST"), "a");
  const Bytes after = written(file, full_tags(tags_in(file)));
  EXPECT_EQ(first_value(tags_in(after), "ARTIST"), "a");
}

TEST(Id3, PairsOfPeopleThatAreNotNamedStay) {
  Bytes people = text(std::string("engineer\0E. F.\0cello\0G. H.", 26));
  const Bytes file = id3_file(3, 0, frame(3, "IPLS", people));
  EXPECT_EQ(first_value(tags_in(file), "ENGINEER"), "E. F.");
  EXPECT_EQ(first_value(tags_in(file), "PERFORMER"), "G. H. (cello)");
  const Bytes after = written(file, with_values(tags_in(file), "PERFORMER", {"Ann Lee (piano)"}));
  EXPECT_EQ(first_value(tags_in(after), "ENGINEER"), "E. F.");
  EXPECT_EQ(values_of(tags_in(after), "PERFORMER"), std::vector<std::string>{"Ann Lee (piano)"});
}

TEST(Id3, NumbersAndTotalsAreOneFrame) {
  const Bytes file = sample("id3v24.mp3");
  const Bytes after = written(file, full_tags(tags_in(file)));
  const auto tag = parse_id3(MemorySource(after), 0, Id3Load::all);
  ASSERT_TRUE(tag);
  const auto text_in = [&](std::string_view id) {
    for (const Id3Frame& each : tag->frames) {
      if (each.id == id) return id3_texts(*id3_content(*tag, each)).front();
    }
    return std::string("none");
  };
  EXPECT_EQ(text_in("MVIN"), "2/3");
  EXPECT_EQ(text_in("MVNM"), "Menuetto");
  EXPECT_EQ(text_in("TIT1"), "Sonata No. 11 in A major, K. 331");
  EXPECT_EQ(text_in("TKEY"), "A");
}

TEST(TagFormats, OthersAreRefusedInWords) {
  for (const std::string_view bytes : {"", "GIF89a......................", "ID3\4\0\0\0\0\0\5", "RIFF....AVI ....", "OggS"}) {
    const auto tags = read_tags(MemorySource(as_bytes(bytes)));
    ASSERT_FALSE(tags);
    EXPECT_GT(tags.error().message.size(), 20u) << bytes;
  }
}

TEST(TagFormats, AValueThatAFormatCannotHoldIsRefused) {
  const Bytes file = sample("id3v24.mp3");
  const auto splices = splices_for(MemorySource(file), with_values(tags_in(file), "WORK", {std::string("a\0b", 3)}));
  ASSERT_FALSE(splices);
  EXPECT_EQ(splices.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace ghost::ariascribe
