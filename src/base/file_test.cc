#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/test_directory.h"
#include "base/test_environment.h"

namespace ghost {

static mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

static std::size_t entries(const TestDirectory& directory) {
  const std::filesystem::directory_iterator all(directory.path());
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(File, GivesBackWhatWasWrittenWithTheModeAskedFor) {
  const TestDirectory dir;
  const std::string binary("one\0two", 7);
  ASSERT_TRUE(write_file_atomically(dir / "a", as_bytes(binary), 0640));
  EXPECT_EQ(read_file(dir / "a", 100).value(), binary);
  EXPECT_EQ(mode_of(dir / "a"), 0640u);

  ASSERT_TRUE(write_file_atomically(dir / "a", as_bytes("three")));
  EXPECT_EQ(read_file(dir / "a", 5).value(), "three");
  EXPECT_EQ(entries(dir), 1u);  // nothing temporary is left
}

TEST(File, IsNotReadBeyondTheLimit) {
  const TestDirectory dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", Bytes(200000, 'x')));
  EXPECT_EQ(read_file(dir / "a", 200000).value().size(), 200000u);
  const auto refused = read_file(dir / "a", 199999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::exhausted);
}

TEST(File, SaysWhichFileIsMissing) {
  const auto missing = read_file("/no/such/file", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), (Error{Errc::not_found, "open /no/such/file: no such file or directory"}));
  EXPECT_EQ(write_file_atomically("/no/such/file", as_bytes("x")).error().code, Errc::not_found);
}

TEST(File, ThatCouldNotReplaceItsTargetLeavesNothingBehind) {
  const TestDirectory dir;
  std::filesystem::create_directories(dir / "a/full");
  EXPECT_FALSE(write_file_atomically(dir / "a", as_bytes("x")));
  EXPECT_EQ(entries(dir), 1u);
}

TEST(CreateFile, NeverReplaces) {
  const TestDirectory dir;
  ASSERT_TRUE(create_file(dir / "key", as_bytes("first"), 0600));
  EXPECT_EQ(create_file(dir / "key", as_bytes("second"), 0600).error().code, Errc::exists);
  EXPECT_EQ(read_private_file(dir / "key", 100).value(), "first");
  EXPECT_EQ(entries(dir), 1u);
}

TEST(PrivateFile, IsRefusedWhenOthersMayReadItAndTheErrorTellsTheCommand) {
  const TestDirectory dir;
  ASSERT_TRUE(write_file_atomically(dir / "key", as_bytes("secret"), 0644));
  const auto refused = read_private_file(dir / "key", 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().message.find("chmod 600 " + (dir / "key").string()), std::string::npos);
}

TEST(PrivateDirectory, IsMadeClosedAndRefusedWhenOpen) {
  const TestDirectory dir;
  ASSERT_TRUE(make_private_directory(dir / "a/b"));
  EXPECT_EQ(mode_of(dir / "a/b"), 0700u);
  EXPECT_TRUE(make_private_directory(dir / "a/b"));
  ::chmod((dir / "a/b").c_str(), 0755);
  EXPECT_EQ(make_private_directory(dir / "a/b").error().code, Errc::refused);
}

TEST(CreateDirectories, SaysWhenAFileIsInTheWay) {
  const TestDirectory dir;
  ASSERT_TRUE(write_file_atomically(dir / "a", {}));
  EXPECT_EQ(make_directories(dir / "a").error().code, Errc::exists);
  EXPECT_FALSE(make_directories(dir / "a/b"));
  EXPECT_TRUE(make_directories(dir / "c/d/"));
}

TEST(FileLock, NamesTheProcessThatHasIt) {
  const TestDirectory dir;
  {
    const auto lock = FileLock::acquire(dir / "lock");
    ASSERT_TRUE(lock);
    const auto second = FileLock::acquire(dir / "lock", std::chrono::milliseconds(20));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid()) + " has it"), std::string::npos);
  }
  EXPECT_TRUE(FileLock::acquire(dir / "lock"));
}

TEST(StandardDirectories, AreTheSystemsForRootAndXdgsForOthers) {
  const auto root = standard_directories(0, environment_of({{"HOME", "/root"}})).value();
  EXPECT_EQ(root.state, "/var/lib/ghostlight");
  EXPECT_EQ(root.config, "/etc/ghostlight");
  EXPECT_EQ(root.runtime, "/run/ghostlight");

  const auto home = standard_directories(1000, environment_of({{"HOME", "/home/a"}, {"XDG_CONFIG_HOME", "relative"}})).value();
  EXPECT_EQ(home.state, "/home/a/.local/state/ghostlight");
  EXPECT_EQ(home.config, "/home/a/.config/ghostlight");
  EXPECT_EQ(home.runtime, "/home/a/.local/state/ghostlight/run");

  const auto xdg = standard_directories(1000, environment_of({{"XDG_STATE_HOME", "/s"}, {"XDG_CONFIG_HOME", "/c"}, {"XDG_RUNTIME_DIR", "/r"}})).value();
  EXPECT_EQ(xdg.state, "/s/ghostlight");
  EXPECT_EQ(xdg.config, "/c/ghostlight");
  EXPECT_EQ(xdg.runtime, "/r/ghostlight");
}

TEST(StandardDirectories, AreThoseSystemdGivesAUnit) {
  const auto unit = standard_directories(900, environment_of({{"STATE_DIRECTORY", "/var/lib/gl:/var/lib/other"}, {"RUNTIME_DIRECTORY", "/run/gl"}})).value();
  EXPECT_EQ(unit.state, "/var/lib/gl");
  EXPECT_EQ(unit.config, "/etc/ghostlight");
  EXPECT_EQ(unit.runtime, "/run/gl");
}

TEST(StandardDirectories, CannotBeToldWithoutAHome) {
  EXPECT_EQ(standard_directories(1000, environment_of({})).error().code, Errc::not_found);
}

}  // namespace ghost
