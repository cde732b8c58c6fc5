// What we write, read by metaflac, ffprobe, id3v2 and TagLib; and what they decode is what it was.
#include <gtest/gtest.h>
#include <taglib/fileref.h>
#include <taglib/tpropertymap.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "ariascribe/tag_testing.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

using nlohmann::json;

/// What a command says; its exit is looked at by what it says.
std::string said(const std::string& command) {
  struct Close {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(::popen(("LC_ALL=C.UTF-8 " + command + " 2>&1").c_str(), "r"));
  std::string text;
  char buffer[4096];
  while (pipe) {
    const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get());
    if (got == 0) break;
    text.append(buffer, got);
  }
  return text;
}

class Written : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    before = sample(GetParam());
    const MemorySource source(before);
    tags = full_tags(*read_tags(source));
    const auto splices = splices_for(source, tags);
    ASSERT_TRUE(splices) << splices.error().message;
    store("before", before);
    store("after", spliced(before, *splices));
  }
  void store(const std::string& name, const Bytes& bytes) {
    std::ofstream(path(name), std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::string path(const std::string& name) const { return (directory / (name + std::filesystem::path(GetParam()).extension().string())).string(); }
  bool is(std::string_view end) const { return std::string_view(GetParam()).ends_with(end); }

  TestDirectory directory;
  Bytes before;
  std::vector<Tag> tags;
};

class WrittenForOthers : public Written {};
INSTANTIATE_TEST_SUITE_P(Samples, WrittenForOthers, testing::ValuesIn(kSamples));

TEST_P(WrittenForOthers, ItSoundsTheSame) {
  const auto sound = [&](const std::string& name) { return said("ffmpeg -v error -i " + path(name) + " -map 0:a -f md5 -"); };
  const std::string was = sound("before");
  EXPECT_TRUE(was.starts_with("MD5=")) << was;
  EXPECT_EQ(sound("after"), was);
}

TEST_P(WrittenForOthers, FfprobeReadsTheTags) {
  if (is("wav.wav")) return;  // beside LIST INFO it reads no ID3
  const json all = json::parse(said("ffprobe -v error -of json -show_entries format_tags:stream_tags " + path("after")), nullptr, false);
  ASSERT_TRUE(all.is_object());
  json found = all["format"].value("tags", json::object());
  for (const json& stream : all["streams"]) found.update(stream.value("tags", json::object()));
  json capitals;
  for (const auto& [key, value] : found.items()) capitals[upper_name(key)] = value;
  const auto one_of = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (capitals.contains(name)) return capitals[name].get<std::string>();
    }
    return "none in " + capitals.dump();
  };
  EXPECT_EQ(one_of({"TITLE"}), first_value(tags, "TITLE"));
  EXPECT_EQ(one_of({"COMPOSER"}), "Wolfgang Amadeus Mozart");
  EXPECT_EQ(one_of({"OPUS"}), "Op. 6 No. 2");
  // It knows no item of Apple's for works, and no frames of text that do not begin with T; TIT1 it calls grouping.
  const bool id3 = is(".mp3") || is(".aiff") || is(".wav");
  if (!is(".m4a")) {
    EXPECT_EQ(one_of({"WORK", "GROUPING"}), first_value(tags, "WORK"));
  }
  if (!is(".m4a") && !id3) {
    EXPECT_EQ(one_of({"MOVEMENTNAME"}), "Menuetto");
    EXPECT_EQ(one_of({"MOVEMENT"}), "2");
  }
  EXPECT_EQ(one_of({"ENSEMBLE"}).substr(0, 14), "Town Orchestra");
}

TEST_P(WrittenForOthers, TagLibReadsTheTags) {
  const TagLib::FileRef file(path("after").c_str(), false);
  ASSERT_FALSE(file.isNull());
  const TagLib::PropertyMap map = file.file()->properties();
  const auto value = [&](const char* name) { return map.contains(name) ? map[name].toString("|").to8Bit(true) : "none"; };
  EXPECT_EQ(value("TITLE"), first_value(tags, "TITLE"));
  EXPECT_EQ(value("COMPOSER"), "Wolfgang Amadeus Mozart");
  EXPECT_EQ(value("WORK"), "Sonata No. 11 in A major, K. 331");
  EXPECT_EQ(value("MOVEMENTNAME"), "Menuetto");
  const bool comment = is(".flac") || is(".ogg") || is(".opus") || is(".wv");
  EXPECT_EQ(value(comment ? "MOVEMENT" : "MOVEMENTNUMBER"), comment || is(".m4a") ? "2" : "2/3");
  if (!is(".m4a")) {  // it shows no atoms of names it has not heard of
    EXPECT_EQ(value("OPUS"), "Op. 6 No. 2");
    EXPECT_EQ(value("ENSEMBLE"), "Town Orchestra|Chœur de la Ville");
    // One kind of people it does not know, and it shows none of IPLS.
    EXPECT_EQ(value("ARRANGER"), is("id3v23.mp3") ? "none" : "Ján Novák");
  }
  EXPECT_EQ(value("CONDUCTOR"), "Bo Ek");
  EXPECT_EQ(value("ALBUM"), is("plain.aiff") ? "none" : "Probe");
}

class WrittenAsMp3 : public Written {};
INSTANTIATE_TEST_SUITE_P(Samples, WrittenAsMp3, testing::Values("id3v23.mp3"));

TEST_P(WrittenAsMp3, Id3v2ReadsTheFrames) {
  const std::string list = said("id3v2 -R " + path("after"));
  for (const char* line : {"TIT1: Sonata No. 11 in A major, K. 331", "TCOM: Wolfgang Amadeus Mozart", "TPE3: Bo Ek", "MVNM", "MVIN", "TXXX: (OPUS): Op. 6 No. 2", "TKEY: A", "TALB: Probe"}) {
    EXPECT_NE(list.find(line), std::string::npos) << line << "\n" << list;
  }
}

class WrittenAsFlac : public Written {};
INSTANTIATE_TEST_SUITE_P(Samples, WrittenAsFlac, testing::Values("flac.flac"));

TEST_P(WrittenAsFlac, MetaflacReadsTheTagsAndFlacTheSound) {
  const std::string list = said("metaflac --no-utf8-convert --export-tags-to=- " + path("after"));
  for (const Tag& tag : tags) EXPECT_NE(list.find(tag.name + "=" + tag.value + "\n"), std::string::npos) << tag.name << "\n" << list;
  EXPECT_EQ(said("flac -s -t " + path("after")), "");
}

}  // namespace
}  // namespace ghost::ariascribe
