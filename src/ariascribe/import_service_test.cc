#include "ariascribe/import_service.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

std::string works_of_musicbrainz(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(100'000'000 + i);
    text += R"({"id":")" + number.substr(1) + R"(-0000-4000-8000-000000000000","title":"Study no. )" + std::to_string(i) + R"(, op. )" + std::to_string(i + 1) + R"(","relations":[{"type":"composer","target-type":"artist","direction":"backward","artist":{"id":"a","name":"A. Person","sort-name":"Person, A."}}]})" "\n";
    if (i % 100 == 50) text += "{broken\n";
  }
  return text;
}

class ImportTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::open((directory_ / "c.sqlite").string());
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  std::filesystem::path put(const std::string& name, std::string_view text) {
    EXPECT_TRUE(write_file_atomically(directory_ / name, as_bytes(text)));
    return directory_ / name;
  }
  Result<ImportSummary> import(const std::filesystem::path& file, std::function<bool()> cancelled = {}, const std::string& format = "musicbrainz") {
    ImportEvents events;
    events.problem = [this](std::uint64_t line, const std::string&) { problem_lines_.push_back(line); };
    events.cancelled = std::move(cancelled);
    return import_file(*store_, {format, file, {}, "", ""}, events);
  }
  std::size_t works() { return store_->ids(Kind::work, "", 100'000).value().size(); }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
  std::vector<std::uint64_t> problem_lines_;
};

TEST_F(ImportTest, ReadsAFileAndASecondTimeNothingChanges) {
  const auto file = put("work", works_of_musicbrainz(300));
  const auto first = import(file);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->records, 303U);
  EXPECT_EQ(first->problems, 3U);
  EXPECT_EQ(problem_lines_, (std::vector<std::uint64_t>{52, 153, 254}));
  EXPECT_EQ(works(), 300U);
  const auto rev = store_->changes(0, "", 10'000).value().back().rev;
  const auto second = import(file);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->subjects.fresh + second->subjects.changed, 0U);
  EXPECT_EQ(store_->changes(0, "", 10'000).value().back().rev, rev);
}

TEST_F(ImportTest, GoesOnWhereItWasStopped) {
  const auto file = put("work", works_of_musicbrainz(5000));
  int batches = 0;
  const auto stopped = import(file, [&] { return ++batches > 2; });
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->cancelled);
  const std::size_t before = works();
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, 5000U);
  const auto rest = import(file);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->resumed_at, stopped->records);
  EXPECT_LT(rest->subjects.fresh, 5000U - before + 2);
  EXPECT_EQ(works(), 5000U);
  EXPECT_EQ(rest->problems, 50U);
  EXPECT_EQ(problem_lines_.size(), 50U);
}

std::string packed_gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string packed_xz(std::string_view text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

std::string tar_of(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  for (const auto& [name, text] : files) {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    std::array<char, 13> size{};
    std::snprintf(size.data(), size.size(), "%011zo", text.size());
    header.replace(124, 11, size.data());
    header[156] = '0';
    header.replace(257, 5, "ustar");
    out += header + text + std::string((512 - text.size() % 512) % 512, '\0');
  }
  return out + std::string(1024, '\0');
}

TEST_F(ImportTest, ReadsPackedFilesAndTheOfficialArchive) {
  const std::string text = works_of_musicbrainz(300);
  const std::string tar = tar_of({{"README", "not this\n"}, {"mbdump/work", text}, {"COPYING", "nor this"}});
  int n = 0;
  for (const std::string& file : {packed_gzip(text), packed_xz(text), packed_xz(tar), tar, packed_gzip(text.substr(0, 1000)) + packed_gzip(text.substr(1000))}) {
    const auto read = import(put("f" + std::to_string(++n), file));
    ASSERT_TRUE(read) << n << ": " << read.error().message;
    EXPECT_EQ(read->records, 303U) << n;
  }
  EXPECT_EQ(works(), 300U);
  EXPECT_EQ(import(put("cut.xz", packed_xz(text).substr(0, 200))).error().code, Errc::data_loss);
  EXPECT_EQ(import(put("cut.gz", packed_gzip(text).substr(0, 200))).error().code, Errc::data_loss);
  EXPECT_EQ(import(directory_ / "nothing").error().code, Errc::not_found);
}

TEST_F(ImportTest, KeepsTheLicenceOfEachClaim) {
  ASSERT_TRUE(import(put("work", works_of_musicbrainz(1))));
  ImportJob job{"csv", put("t.csv", "title,composer,wikidata\nOwn,\"Person, A.\",Q1\n"), {}, "house", "CC-BY-4.0"};
  ASSERT_TRUE(import_file(*store_, job, {}));
  std::string out;
  ASSERT_EQ(export_works(*store_, ExportFormat::csv, [&](std::string_view piece) -> Status { return out += piece, Status{}; }).value(), 2U);
  EXPECT_NE(out.find("musicbrainz (CC0-1.0)"), std::string::npos);
  EXPECT_NE(out.find("house (CC-BY-4.0)"), std::string::npos);
}

/// Real records in the shapes people have: GHOSTLIGHT_SAMPLES names their folder, or GHOSTLIGHT_DATA the one it is in.
TEST_F(ImportTest, ReadsTheSampleCatalogues) {
  const char* named = std::getenv("GHOSTLIGHT_SAMPLES");
  const char* data = std::getenv("GHOSTLIGHT_DATA");
  if (!named && !data) GTEST_SKIP() << "neither GHOSTLIGHT_SAMPLES nor GHOSTLIGHT_DATA is set";
  const std::filesystem::path samples = named ? std::filesystem::path(named) : std::filesystem::path(data) / "ariascribe-samples";
  for (const auto* name : {"mutopia_pieces.tsv", "openscore_lieder_scores.tsv"}) {
    ImportJob job{"tsv", samples / name, {}, name, ""};
    if (std::string_view(name) == "openscore_lieder_scores.tsv") job.options.mapping = "title=name,id=id";
    const auto read = import_file(*store_, job, {});
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_GT(read->records, 500U);
    EXPECT_LT(read->problems * 20, read->records);
  }
}

}  // namespace
}  // namespace ghost::ariascribe
