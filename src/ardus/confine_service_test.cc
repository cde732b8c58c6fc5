#include "ardus/confine_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "base/test_directory.h"

namespace ghost::ardus {

namespace {

namespace fs = std::filesystem;

bool writes(const fs::path& path) { return static_cast<bool>(std::ofstream(path) << "x" << std::flush); }
bool reads(const fs::path& path) { return static_cast<bool>(std::ifstream(path)); }

}  // namespace

TEST(Confine, WritesNothingButBeneathTheFolderAndReadsAsBefore) {
  TestDirectory directory;
  const fs::path inside = directory.path() / "inside", outside = directory.path() / "outside";
  fs::create_directories(inside / "deep");
  fs::create_directory(outside);
  ASSERT_TRUE(writes(outside / "old"));
  fs::create_symlink(outside, inside / "way out");
  Status confined = Error{Errc::cancelled, ""};
  std::thread([&] {
    confined = write_only_beneath(inside);
    if (!confined) return;
    std::error_code failed;
    EXPECT_TRUE(writes(inside / "new"));
    EXPECT_TRUE(fs::create_directory(inside / "folder"));
    fs::rename(inside / "new", inside / "deep" / "new", failed);
    EXPECT_FALSE(failed) << failed.message();
    EXPECT_TRUE(reads(outside / "old"));

    EXPECT_FALSE(writes(outside / "new"));
    EXPECT_FALSE(writes(outside / "old"));
    EXPECT_FALSE(writes(inside / "way out" / "new"));
    fs::rename(outside / "old", inside / "old", failed);
    EXPECT_TRUE(failed);
    fs::remove(outside / "old", failed);
    EXPECT_TRUE(failed);
    fs::create_directory(outside / "folder", failed);
    EXPECT_TRUE(failed);
    EXPECT_NE(::mkfifo((inside / "pipe").c_str(), 0600), 0);
    std::thread([&] { EXPECT_FALSE(writes(outside / "by another thread")); }).join();
  }).join();
  if (!confined && confined.error().code == Errc::unsupported) GTEST_SKIP() << confined.error().message;
  ASSERT_TRUE(confined) << confined.error().message;
  EXPECT_TRUE(writes(outside / "new")) << "others are as they were";
}

TEST(Confine, AFolderThatIsNotThereIsTold) {
  TestDirectory directory;
  Status confined;
  std::thread([&] { confined = write_only_beneath(directory.path() / "none"); }).join();
  EXPECT_FALSE(confined);
}

}  // namespace ghost::ardus
