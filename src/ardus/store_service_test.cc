#include "ardus/store_service.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>

#include "ardus/scan_service.h"
#include "ardus/verify_service.h"
#include "base/file.h"
#include "base/random.h"
#include "base/test_directory.h"

namespace ghost::ardus {
namespace {

namespace fs = std::filesystem;

std::string noise(std::size_t size, std::uint64_t seed) {
  SeededRandom random(seed);
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t bits = random();
    std::memcpy(text.data() + at, &bits, std::min<std::size_t>(8, size - at));
  }
  return text;
}

/// In memory where there is such a place: others may keep the disk busy, and nothing here is about how fast it is.
const bool kInMemory = [] {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  return true;
}();

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
  Status receive(Content& content) { return receive(wish(content), content); }
  static Status receive(Store::Wish wish, Content& content) {
    auto opened = Store::open(std::move(wish));
    if (!opened) return opened.error();
    fill(**opened, content);
    if (Status committed = (*opened)->commit(); !committed) return committed;
    return (*opened)->keep(as_bytes("receipt"));
  }
  static void expect_done(const Status& status) { ASSERT_TRUE(status) << status.error().message; }
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
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*content)));
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

TEST_F(StoreTest, FindsTheOneWrongByteOfALargeFileWhereverItIs) {
  constexpr std::size_t kSize = 9'000'000;  // read back by two threads
  write(album() / "x", noise(kSize, 9));
  auto content = scanned(album());
  const auto opened = store(*content);
  fill(*opened, *content);
  for (const std::size_t at : {std::size_t{0}, kSize / 3, kSize / 2, kSize - 1}) {
    for (const auto& file : fs::recursive_directory_iterator(target() / ".ardus")) {
      if (file.path().filename() != "f1") continue;
      std::fstream staged(file.path(), std::ios::binary | std::ios::in | std::ios::out);
      staged.seekg(static_cast<std::streamoff>(at));
      const int is = staged.get();
      staged.seekp(static_cast<std::streamoff>(at));
      staged.put(static_cast<char>(is ^ 0x40));
    }
    EXPECT_EQ(opened->commit().error().code, Errc::data_loss) << at;
    EXPECT_FALSE(fs::exists(target() / "album/x"));
    EXPECT_EQ(fill(*opened, *content), 1u) << at;
  }
  EXPECT_TRUE(opened->commit());
  EXPECT_EQ(text_of(target() / "album/x"), text_of(album() / "x"));
}

TEST_F(StoreTest, AsksForNothingThatIsThereAlready) {
  make_album();
  const auto content = scanned(album());
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*content)));
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
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*scanned(album()))));
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
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*scanned(album()))));
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
  EXPECT_EQ(verify_target({folder_ / "nowhere"}).error().code, Errc::not_found);
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*scanned(album()))));
  auto kept = verify_target({target()}).value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].wrong.empty());
  EXPECT_EQ(as_text(kept[0].receipt), "receipt");
  write(target() / "album/01.flac", noise(900'000, 11));
  fs::remove(target() / "album/first");
  kept = verify_target({target()}).value();
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

std::string attribute_of(const fs::path& path, const char* name) {
  char value[256];
  const ssize_t size = ::getxattr(path.c_str(), name, value, sizeof value);
  return size < 0 ? "(none)" : std::string(value, static_cast<std::size_t>(size));
}

struct stat stat_of(const fs::path& path) {
  struct stat stat {};
  EXPECT_EQ(::lstat(path.c_str(), &stat), 0) << path;
  return stat;
}

/// acl(5) as the kernel stores it: the owner, one user by number, the group, the mask, others.
std::string acl_for(std::uint32_t user) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u32(2);
  for (const auto& [tag, rights, id] : {std::tuple{1u, 6u, ~0u}, {2u, 4u, user}, {4u, 4u, ~0u}, {16u, 4u, ~0u}, {32u, 0u, ~0u}}) {
    out.u16(static_cast<std::uint16_t>(tag)).u16(static_cast<std::uint16_t>(rights)).u32(id);
  }
  return std::string(as_text(bytes));
}

TEST_F(StoreTest, KeepsWhatFilesAreBesideTheirBytes) {
  write(album() / "plain", noise(40'000, 20));
  write(album() / "read-only", noise(10, 21));
  write(album() / "several chunks", noise(400'000, 22));
  fs::create_directories(album() / "empty/er/est");
  fs::create_symlink("/nowhere at all", album() / "broken link");
  fs::create_hard_link(album() / "several chunks", album() / "z the same");
  fs::create_hard_link(album() / "several chunks", album() / "empty/the same");
  ASSERT_EQ(::mkfifo((album() / "pipe").c_str(), 0600), 0);
  {
    std::ofstream(album() / "sparse");
    fs::resize_file(album() / "sparse", 50'000'000);
    std::fstream file(album() / "sparse", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20'000'000);
    file << noise(300'000, 23);
  }
  std::ofstream(album() / "all hole");
  fs::resize_file(album() / "all hole", 1'000'000);
  const std::string acl = acl_for(12'345);
  const bool attributes = ::setxattr((album() / "plain").c_str(), "user.composer", "Buxtehude", 9, 0) == 0;
  const bool acls = ::setxattr((album() / "several chunks").c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) == 0;
  if (attributes) {
    ASSERT_EQ(::setxattr((album() / "read-only").c_str(), "user.empty", "", 0, 0), 0);
    ASSERT_EQ(::setxattr((album() / "empty").c_str(), "user.folder", "yes", 3, 0), 0);
  }
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::lchown((album() / "plain").c_str(), 4'321, 1'234), 0);
  }
  fs::permissions(album() / "read-only", fs::perms(0444));
  fs::permissions(album() / "plain", fs::perms(04751));
  const timespec times[2] = {{1, 2}, {1'000'000'007, 123'456'789}};
  for (const char* path : {"plain", "sparse", "empty/er", "broken link"}) ASSERT_EQ(::utimensat(AT_FDCWD, (album() / path).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);

  const auto content = scanned(album());
  EXPECT_LT(content->manifest().bytes(), 800'000u + 128 * 1024) << "holes are not sent";
  Store::Wish all = wish(*content);
  all.owners = Owners::publishers;
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(std::move(all), *content)));
  const fs::path copy = target() / "album";
  for (const char* path : {"plain", "read-only", "several chunks", "sparse", "all hole", "z the same", "empty/the same"}) {
    EXPECT_EQ(text_of(copy / path), text_of(album() / path)) << path;
    const struct stat one = stat_of(album() / path), other = stat_of(copy / path);
    EXPECT_EQ(other.st_mode & 0777, one.st_mode & 0777) << path;
    EXPECT_EQ(std::pair(other.st_mtim.tv_sec, other.st_mtim.tv_nsec), std::pair(one.st_mtim.tv_sec, one.st_mtim.tv_nsec)) << path;
    EXPECT_EQ(other.st_nlink, one.st_nlink) << path;
    if (root) {
      EXPECT_EQ(std::pair(other.st_uid, other.st_gid), std::pair(one.st_uid, one.st_gid)) << path;
    }
  }
  EXPECT_EQ(stat_of(copy / "plain").st_mode & 07000, 0u) << "set-uid";
  EXPECT_EQ(stat_of(copy / "z the same").st_ino, stat_of(copy / "several chunks").st_ino);
  EXPECT_EQ(stat_of(copy / "empty/the same").st_ino, stat_of(copy / "several chunks").st_ino);
  EXPECT_LT(stat_of(copy / "sparse").st_blocks * 512, 1'000'000);
  EXPECT_LT(stat_of(copy / "all hole").st_blocks * 512, 100'000);
  EXPECT_TRUE(fs::is_directory(copy / "empty/er/est"));
  EXPECT_EQ(stat_of(copy / "empty/er").st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(fs::read_symlink(copy / "broken link"), "/nowhere at all");
  EXPECT_EQ(stat_of(copy / "broken link").st_mtim.tv_nsec, 123'456'789);
  EXPECT_FALSE(fs::exists(copy / "pipe"));
  if (attributes) {
    EXPECT_EQ(attribute_of(copy / "plain", "user.composer"), "Buxtehude");
    EXPECT_EQ(attribute_of(copy / "read-only", "user.empty"), "");
    EXPECT_EQ(attribute_of(copy / "empty", "user.folder"), "yes");
  }
  if (acls) {
    EXPECT_EQ(attribute_of(copy / "several chunks", "system.posix_acl_access"), acl);
  }
  EXPECT_EQ(scanned(copy)->manifest().content, content->manifest().content);
  EXPECT_TRUE(verify_target({target(), true}).value()[0].wrong.empty());

  // Sent again over it, nothing is missing; what was meddled with is as it was, without a byte sent.
  fs::remove(copy / "z the same");
  write(copy / "z the same", "another file");
  fs::last_write_time(copy / "sparse", fs::file_time_type(std::chrono::seconds(5)));
  if (attributes) {
    ASSERT_EQ(::setxattr((copy / "plain").c_str(), "user.other", "x", 1, 0), 0);
  }
  EXPECT_EQ(verify_target({target(), true}).value()[0].wrong.size(), attributes ? 3u : 2u);  // "sparse", "z the same", and "plain"
  Store::Wish again = wish(*content);
  again.owners = Owners::publishers;
  const auto store = Store::open(std::move(again)).value();
  EXPECT_TRUE(store->missing().empty());
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(scanned(copy)->manifest().content, content->manifest().content);
}

TEST_F(StoreTest, GivesNoRightsThatNobodyHereGave) {
  write(album() / "x", noise(40'000, 24));
  const std::string acl = acl_for(12'345);
  const bool acls = ::setxattr((album() / "x").c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0) == 0;
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown((album() / "x").c_str(), 4'321, 1'234), 0);
  }
  fs::permissions(album() / "x", fs::perms(06640));
  const auto content = scanned(album());
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*content)));
  const struct stat got = stat_of(target() / "album/x");
  EXPECT_EQ(got.st_uid, ::geteuid());
  EXPECT_EQ(got.st_gid, ::getegid());
  EXPECT_EQ(got.st_mode & 07000, 0u);
  if (acls) {
    EXPECT_EQ(attribute_of(target() / "album/x", "system.posix_acl_access"), "(none)");
  }
}

/// Two ordinary sends: a link first, then something that would go through it. Each way through must end in a reason.
TEST_F(StoreTest, FollowsNoLinkWhateverIsSentThroughIt) {
  write(folder_ / "elsewhere/precious", "not to be touched");
  const fs::path outside = folder_ / "elsewhere";
  int number = 0;
  for (const fs::path& says : {outside, outside / "precious", fs::path("../../elsewhere"), fs::path("/proc/self/root") / outside.relative_path(), fs::path(".."), fs::path(".")}) {
    for (const char* then : {"out/owned", "out/precious", "out/deep/er", "out/"}) {
      const fs::path tree = folder_ / ("tree" + std::to_string(++number)) / "album";
      fs::create_directories(tree);
      fs::create_symlink(says, tree / "out");
      Store::Wish first = wish(*scanned(tree));
      first.target = folder_ / ("into" + std::to_string(number));
      ASSERT_NO_FATAL_FAILURE(expect_done(receive(first, *scanned(tree))));
      ASSERT_TRUE(fs::is_symlink(first.target / "album/out"));
      fs::remove(tree / "out");
      if (std::string_view(then) == "out/") fs::create_directory(tree / "out");
      else write(tree / then, "written outside");
      const auto content = scanned(tree);
      Store::Wish second = wish(*content);
      second.target = first.target;
      const Status received = receive(second, *content);
      ASSERT_FALSE(received) << says << " " << then;
      EXPECT_NE(received.error().message.find("symbolic link"), std::string::npos) << received.error().message;
      EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1) << says << " " << then;
      EXPECT_EQ(text_of(outside / "precious"), "not to be touched");
    }
  }
}

TEST_F(StoreTest, FindsWhatWasMovedRenamedOrLiesInASeed) {
  for (int i = 0; i < 40; ++i) write(album() / ("disc 1/" + std::to_string(i)), noise(30'000, 100 + static_cast<std::uint64_t>(i)));
  write(album() / "large", noise(2'000'000, 25));
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*scanned(album()))));
  // At the sender: renamed, moved deeper, moved out of the folder, and the whole under another name.
  fs::rename(album() / "disc 1", album() / "disc one");
  fs::create_directories(album() / "a/b/c");
  fs::rename(album() / "large", album() / "a/b/c/larger");
  EXPECT_TRUE(store(*scanned(album()))->missing().empty());
  fs::rename(album(), folder_ / "album 2");
  const auto renamed = scanned(folder_ / "album 2");
  {
    const auto opened = store(*renamed);
    EXPECT_TRUE(opened->missing().empty()) << opened->missing().count();
    EXPECT_TRUE(opened->was_there());
    ASSERT_TRUE(opened->commit());
  }
  EXPECT_EQ(text_of(target() / "album 2/a/b/c/larger"), text_of(folder_ / "album 2/a/b/c/larger"));
  EXPECT_EQ(text_of(target() / "album/large"), text_of(target() / "album 2/a/b/c/larger")) << "what it was found in stays";
  // Moved by the receiver's own people, so that no kept manifest knows where it is.
  fs::remove_all(target() / ".ardus");
  fs::remove_all(target() / "album");
  fs::rename(target() / "album 2", target() / "set aside");
  Store::Wish seeded = wish(*renamed);
  EXPECT_FALSE(Store::open(seeded).value()->missing().empty());
  seeded.seeds = {target() / "set aside"};
  const auto opened = Store::open(std::move(seeded)).value();
  EXPECT_TRUE(opened->missing().empty());
  ASSERT_TRUE(opened->commit());
  EXPECT_EQ(scanned(target() / "album 2")->manifest().content, renamed->manifest().content);
  Store::Wish nowhere = wish(*renamed);
  nowhere.target = folder_ / "third";
  nowhere.seeds = {folder_ / "no such folder"};
  EXPECT_EQ(Store::open(std::move(nowhere)).error().code, Errc::not_found);
}

/// A receiver that is killed again and again, wherever it is: what stands under a final name is whole, old or as sent, and in the
/// end everything is there.
TEST_F(StoreTest, SurvivesBeingKilledAtAnyMoment) {
  for (int i = 0; i < 120; ++i) write(album() / ("small/" + std::to_string(i)), noise(2'000, 200 + static_cast<std::uint64_t>(i)));
  write(album() / "large", noise(3'000'000, 26));
  fs::create_hard_link(album() / "large", album() / "same");
  fs::create_symlink("large", album() / "to large");
  write(target() / "album/large", "the old good file");
  write(target() / "album/small/7", "another old good file");
  const auto content = scanned(album());
  std::map<std::string, std::string> right;
  for (const auto& file : fs::recursive_directory_iterator(album())) {
    if (file.is_regular_file()) right[fs::relative(file, album()).string()] = text_of(file);
  }
  SeededRandom random(27);
  const auto run = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      std::_Exit(receive(*content) ? 0 : 1);
    }
    return child;
  };
  // How long one takes when it is left alone, to spread the kills over it.
  Store::Wish aside = wish(*content);
  aside.target = folder_ / "aside";
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(std::move(aside), *content)));
  const auto whole = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun).count());
  int killed = 0;
  for (int round = 0; round < 30; ++round) {
    const pid_t child = run();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (whole + 1)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    killed += WIFSIGNALED(status) ? 1 : 0;
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    for (const auto& file : fs::recursive_directory_iterator(target() / "album")) {
      if (!file.is_regular_file() || file.is_symlink()) continue;
      const std::string text = text_of(file), name = fs::relative(file, target() / "album").string();
      EXPECT_TRUE(text == right[name] || text.ends_with("old good file")) << name << " of " << text.size() << " bytes in round " << round;
    }
  }
  EXPECT_GT(killed, 0);
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*content)));
  EXPECT_EQ(scanned(target() / "album")->manifest().content, content->manifest().content);
  EXPECT_TRUE(verify_target({target(), true}).value()[0].wrong.empty());
}

TEST_F(StoreTest, PutsThousandsOfSmallFilesInPlace) {
  constexpr int kFiles = 3'000;
  for (int i = 0; i < kFiles; ++i) write(album() / std::to_string(i % 10) / std::to_string(i), std::to_string(i));
  write(album() / "0/zz", noise(100'000, 28));
  const auto content = scanned(album());
  EXPECT_EQ(content->manifest().files(), kFiles + 1u);
  ASSERT_NO_FATAL_FAILURE(expect_done(receive(*content)));
  EXPECT_EQ(scanned(target() / "album")->manifest().content, content->manifest().content);
  EXPECT_FALSE(fs::exists(target() / ".ardus" / short_name(content->manifest().content)));
}

}  // namespace
}  // namespace ghost::ardus
