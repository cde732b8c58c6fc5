#include "ardus/store_service.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "ardus/scan_service.h"
#include "base/file.h"
#include "base/random.h"
#include "base/test_directory.h"

namespace ghost::ardus {
namespace {

namespace fs = std::filesystem;

std::string noise(std::size_t size, std::uint64_t seed) {
  SeededRandom random(seed);
  std::string text(size, '\0');
  for (auto& byte : text) byte = static_cast<char>(random());
  return text;
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

std::string text_of(const fs::path& path) { return read_file(path, 100'000'000).value_or("(no file)"); }

class StoreTest : public testing::Test {
 protected:
  std::unique_ptr<Content> scanned(const fs::path& path) {
    ScanWish wish;
    wish.paths = {path};
    return scan(wish, key_).value();
  }
  Store::Wish wish(const Content& content) {
    Store::Wish wish;
    wish.target = target();
    wish.manifest = std::make_shared<Manifest>(content.manifest());
    wish.encoded = content.encoded();
    return wish;
  }
  std::unique_ptr<Store> store(const Content& content) { return Store::open(wish(content)).value(); }
  static Bytes chunk(Content& content, std::uint32_t number) {
    Bytes bytes(content.manifest().chunks[number].size);
    EXPECT_TRUE(content.read(number, 0, bytes));
    return bytes;
  }
  /// Puts at most `most` of the chunks that are missing; gives how many.
  static std::size_t fill(Store& store, Content& content, std::size_t most = SIZE_MAX) {
    std::size_t put = 0;
    for (std::uint32_t i = 0; i < content.manifest().chunks.size() && put < most; ++i) {
      if (!store.missing().has(i)) continue;
      EXPECT_TRUE(store.put(i, chunk(content, i)));
      ++put;
    }
    return put;
  }
  Status receive(Content& content) {
    auto opened = Store::open(wish(content));
    if (!opened) return opened.error();
    fill(**opened, content);
    if (Status committed = (*opened)->commit(); !committed) return committed;
    return (*opened)->keep(as_bytes("receipt"));
  }
  fs::path target() const { return folder_ / "target"; }
  fs::path album() const { return folder_ / "album"; }

  /// A folder with files small, empty, large and twice the same, folders, a link, modes and times.
  void make_album() {
    write(album() / "01.flac", noise(900'000, 1));
    write(album() / "02.flac", noise(300'000, 2));
    write(album() / "copy of 02.flac", noise(300'000, 2));
    write(album() / "art/cover.png", noise(5'000, 3));
    write(album() / "art/empty", "");
    fs::create_directory(album() / "empty folder");
    fs::create_symlink("01.flac", album() / "first");
    fs::permissions(album() / "02.flac", fs::perms(0400));
    fs::permissions(album() / "art", fs::perms(0555));
    fs::last_write_time(album() / "01.flac", fs::file_time_type(std::chrono::seconds(1'000'000)));
    fs::last_write_time(album() / "art", fs::file_time_type(std::chrono::seconds(2'000'000)));
  }
  void TearDown() override {
    std::error_code ignored;
    for (const fs::path& path : {album() / "art", target() / "album/art"}) fs::permissions(path, fs::perms(0755), ignored);
  }

  KeyPair key_ = KeyPair::generate();
  TestDirectory folder_;
};

TEST_F(StoreTest, PutsATreeInPlaceAsItWas) {
  make_album();
  const auto content = scanned(album());
  ASSERT_TRUE(receive(*content));
  for (const char* file : {"01.flac", "02.flac", "copy of 02.flac", "art/cover.png", "art/empty"}) {
    EXPECT_EQ(text_of(target() / "album" / file), text_of(album() / file)) << file;
    EXPECT_EQ(fs::last_write_time(target() / "album" / file), fs::last_write_time(album() / file)) << file;
    EXPECT_EQ(fs::status(target() / "album" / file).permissions(), fs::status(album() / file).permissions()) << file;
  }
  EXPECT_TRUE(fs::is_directory(target() / "album/empty folder"));
  EXPECT_EQ(fs::read_symlink(target() / "album/first"), "01.flac");
  EXPECT_EQ(fs::status(target() / "album/art").permissions(), fs::perms(0555));
  EXPECT_EQ(fs::last_write_time(target() / "album/art"), fs::last_write_time(album() / "art"));
  EXPECT_EQ(scanned(target() / "album")->manifest().content, content->manifest().content);
  std::vector<std::string> kept;
  for (const auto& file : fs::directory_iterator(target() / ".ardus")) kept.push_back(file.path().filename());
  EXPECT_EQ(kept, (std::vector<std::string>{"received"}));
}

TEST_F(StoreTest, SendsWhatTwoFilesShareOnce) {
  make_album();
  const auto content = scanned(album());
  std::uint64_t unique = 0;
  for (const Chunk& chunk : content->manifest().chunks) unique += chunk.size;
  EXPECT_EQ(unique, 1'205'000u);
  EXPECT_EQ(content->manifest().bytes(), 1'505'000u);
}

TEST_F(StoreTest, TouchesNothingUntilTheWholeIsThere) {
  write(album() / "x", noise(500'000, 4));
  write(target() / "album/x", "the old good file");
  auto content = scanned(album());
  const auto opened = store(*content);
  fill(*opened, *content, 2);
  EXPECT_EQ(opened->commit().error().code, Errc::conflict);
  EXPECT_EQ(text_of(target() / "album/x"), "the old good file");
}

TEST_F(StoreTest, GoesOnWhereTheLastOneStopped) {
  write(album() / "x", noise(2'000'000, 5));
  auto content = scanned(album());
  const std::size_t all = content->manifest().chunks.size();
  {
    const auto first = store(*content);
    fill(*first, *content, 5);
    ASSERT_TRUE(first->sync());
  }
  const auto second = store(*content);
  EXPECT_EQ(second->missing().count(), all - 5);
  EXPECT_FALSE(second->was_there());
  fill(*second, *content);
  ASSERT_TRUE(second->commit());
  EXPECT_EQ(text_of(target() / "album/x"), text_of(album() / "x"));
}

TEST_F(StoreTest, BelievesNoJournalWhoseBytesAreNotThere) {
  write(album() / "x", noise(1'000'000, 6));
  auto content = scanned(album());
  fs::path staged;
  {
    const auto first = store(*content);
    fill(*first, *content);
    ASSERT_TRUE(first->sync());
  }
  for (const auto& file : fs::recursive_directory_iterator(target() / ".ardus")) {
    if (file.path().filename() == "f1") staged = file.path();
  }
  ASSERT_FALSE(staged.empty());
  std::fstream(staged, std::ios::binary | std::ios::in | std::ios::out).write("power was lost", 14);
  const auto second = store(*content);
  EXPECT_EQ(second->missing().count(), 1u);
  EXPECT_TRUE(second->missing().has(0));
}

TEST_F(StoreTest, NeverTakesAWrongChunk) {
  write(album() / "x", noise(100'000, 7));
  auto content = scanned(album());
  const auto opened = store(*content);
  Bytes bytes = chunk(*content, 0);
  bytes[5] ^= 1;
  EXPECT_EQ(opened->put(0, bytes).error().code, Errc::data_loss);
  bytes.pop_back();
  EXPECT_EQ(opened->put(0, bytes).error().code, Errc::data_loss);
  EXPECT_EQ(opened->put(4'000'000'000, bytes).error().code, Errc::data_loss);
  EXPECT_TRUE(opened->missing().has(0));
  EXPECT_FALSE(fs::exists(target() / "album"));
}

TEST_F(StoreTest, FetchesAgainWhatTheDiskForgot) {
  write(album() / "x", noise(300'000, 8));
  auto content = scanned(album());
  const auto opened = store(*content);
  fill(*opened, *content);
  for (const auto& file : fs::recursive_directory_iterator(target() / ".ardus")) {
    if (file.path().filename() == "f1") std::fstream(file.path(), std::ios::binary | std::ios::in | std::ios::out).write("rot", 3);
  }
  EXPECT_EQ(opened->commit().error().code, Errc::data_loss);
  EXPECT_FALSE(fs::exists(target() / "album/x"));
  EXPECT_EQ(fill(*opened, *content), 1u);
  EXPECT_TRUE(opened->commit());
  EXPECT_EQ(text_of(target() / "album/x"), text_of(album() / "x"));
}

TEST_F(StoreTest, AsksForNothingThatIsThereAlready) {
  make_album();
  const auto content = scanned(album());
  ASSERT_TRUE(receive(*content));
  fs::last_write_time(target() / "album/01.flac", fs::file_time_type(std::chrono::seconds(5)));
  const auto again = store(*content);
  EXPECT_TRUE(again->missing().empty());
  EXPECT_TRUE(again->was_there());
  EXPECT_EQ(again->bytes_done(), content->manifest().bytes());
  ASSERT_TRUE(again->commit());
  EXPECT_EQ(fs::last_write_time(target() / "album/01.flac"), fs::last_write_time(album() / "01.flac"));
}

TEST_F(StoreTest, AsksOnlyForChunksThatChanged) {
  std::string text = noise(4'000'000, 9);
  write(target() / "album/x", text);
  text.insert(2'000'000, "a few bytes more");
  write(album() / "x", text);
  auto content = scanned(album());
  const auto opened = store(*content);
  EXPECT_LE(opened->missing().count(), 2u);
  EXPECT_GE(opened->missing().count(), 1u);
  fill(*opened, *content);
  ASSERT_TRUE(opened->commit());
  EXPECT_EQ(text_of(target() / "album/x"), text);
}

TEST_F(StoreTest, IsNotLedOutsideByALinkThatCameBefore) {
  fs::create_directory(folder_ / "elsewhere");
  fs::create_directory(album());
  fs::create_symlink(folder_ / "elsewhere", album() / "out");
  ASSERT_TRUE(receive(*scanned(album())));
  ASSERT_TRUE(fs::is_symlink(target() / "album/out"));
  fs::remove(album() / "out");
  write(album() / "out/owned", "written outside");
  const auto second = scanned(album());
  const Status received = receive(*second);
  ASSERT_FALSE(received);
  EXPECT_NE(received.error().message.find("symbolic link"), std::string::npos) << received.error().message;
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(StoreTest, ReplacesALinkAtAFilesPlaceInsteadOfWritingThroughIt) {
  write(folder_ / "precious", "not to be touched");
  write(album() / "x", "sent");
  fs::create_directories(target() / "album");
  fs::create_symlink(folder_ / "precious", target() / "album/x");
  ASSERT_TRUE(receive(*scanned(album())));
  EXPECT_EQ(text_of(folder_ / "precious"), "not to be touched");
  EXPECT_FALSE(fs::is_symlink(target() / "album/x"));
  EXPECT_EQ(text_of(target() / "album/x"), "sent");
}

TEST_F(StoreTest, TellsWhatStandsInTheWayBeforeAnythingIsWritten) {
  write(album() / "x", "sent");
  fs::create_directories(target() / "album/x");
  const auto content = scanned(album());
  const auto opened = Store::open(wish(*content));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::conflict);
  EXPECT_NE(opened.error().message.find("a folder stands where a file should go"), std::string::npos) << opened.error().message;
}

TEST_F(StoreTest, TellsThatThereIsNoRoomBeforeAnythingIsWritten) {
  write(album() / "x", noise(200'000, 10));
  const auto content = scanned(album());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto opened = Store::open(wish(*content));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::exhausted);

  Content huge = std::move(*scanned(album()));
  Store::Wish too_much = wish(huge);
  auto manifest = std::make_shared<Manifest>(huge.manifest());
  manifest->entries[1].size = std::uint64_t{1} << 50;
  too_much.manifest = manifest;
  const auto refused = Store::open(std::move(too_much));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  EXPECT_NE(refused.error().message.find("are needed and"), std::string::npos) << refused.error().message;
}

TEST_F(StoreTest, LetsOneProcessReceiveAContentAtATime) {
  write(album() / "x", "x");
  const auto content = scanned(album());
  const auto first = store(*content);
  const auto second = Store::open(wish(*content));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
}

TEST_F(StoreTest, VerifiesWhatWasKeptAndNamesWhatChanged) {
  make_album();
  EXPECT_EQ(verify_target(folder_ / "nowhere").error().code, Errc::not_found);
  ASSERT_TRUE(receive(*scanned(album())));
  auto kept = verify_target(target()).value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].wrong.empty());
  EXPECT_EQ(as_text(kept[0].receipt), "receipt");
  write(target() / "album/01.flac", noise(900'000, 11));
  fs::remove(target() / "album/first");
  kept = verify_target(target()).value();
  ASSERT_EQ(kept[0].wrong.size(), 2u);
  EXPECT_EQ(kept[0].wrong[0].path, "album/01.flac");
  EXPECT_EQ(kept[0].wrong[0].state, FileFinding::State::different);
  EXPECT_EQ(kept[0].wrong[1].state, FileFinding::State::missing);
}

TEST_F(StoreTest, ScanTellsWhatIsWrongWithWhatWasGiven) {
  ScanWish wish;
  EXPECT_EQ(scan(wish, key_).error().code, Errc::malformed);
  wish.paths = {folder_ / "nothing"};
  EXPECT_EQ(scan(wish, key_).error().code, Errc::not_found);
  write(folder_ / "a/same", "1");
  write(folder_ / "b/same", "2");
  wish.paths = {folder_ / "a/same", folder_ / "b/same"};
  EXPECT_NE(scan(wish, key_).error().message.find("would overwrite each other"), std::string::npos);
}

TEST_F(StoreTest, ScanTellsAFileThatChangesWhileItIsSent) {
  write(album() / "x", noise(100'000, 12));
  const auto content = scanned(album());
  write(album() / "x", noise(100'001, 13));
  Bytes bytes(10);
  EXPECT_EQ(content->read(0, 0, bytes).error().code, Errc::conflict);
}

}  // namespace
}  // namespace ghost::ardus
