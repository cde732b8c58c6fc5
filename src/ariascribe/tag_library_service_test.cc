// What we write, read by TagLib, and what TagLib writes, read by us.
#include <gtest/gtest.h>
#include <taglib/flacfile.h>
#include <taglib/tpropertymap.h>
#include <taglib/xiphcomment.h>

#include <fstream>

#include "ariascribe/flac_testing.h"
#include "ariascribe/tag_reader_service.h"
#include "ariascribe/tag_testing.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

class WithTagLib : public testing::Test {
 protected:
  void write(const Bytes& bytes) { std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())); }
  TestDirectory directory;
  std::filesystem::path path = directory / "a.flac";
};

TEST_F(WithTagLib, ItReadsWhatWeWrite) {
  const Bytes bytes = flac_file({{"TITLE", "x", false}}, 64);
  const auto splices = splices_for(MemorySource(bytes), {{"WORK", "Œuvre № 1", false}, {"MOVEMENT", "2", false}, {"PERFORMER", "Ann Lee (piano)", false}, {"PERFORMER", "Bo Ek (violin)", false}});
  ASSERT_TRUE(splices);
  write(spliced(bytes, *splices));
  TagLib::FLAC::File file(path.c_str(), false);
  ASSERT_TRUE(file.isValid());
  const TagLib::PropertyMap map = file.properties();
  EXPECT_EQ(map["WORK"].front().to8Bit(true), "Œuvre № 1");
  EXPECT_EQ(map["PERFORMER"].size(), 2u);
  EXPECT_FALSE(map.contains("TITLE"));
}

TEST_F(WithTagLib, WeReadWhatItWrites) {
  write(flac_file({{"TITLE", "x", false}}, 64));
  {
    TagLib::FLAC::File file(path.c_str(), false);
    file.xiphComment(true)->addField("COMPOSER", TagLib::String("Dvořák", TagLib::String::UTF8));
    ASSERT_TRUE(file.save());
  }
  const auto read = read_tags(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(first_value(read->tags, "COMPOSER"), "Dvořák");
  EXPECT_EQ(first_value(read->tags, "TITLE"), "x");
}

}  // namespace
}  // namespace ghost::ariascribe
