#include "ardus/path_rules.h"

#include <gtest/gtest.h>

namespace ghost::ardus {
namespace {

using namespace std::string_literals;

TEST(PathRules, RefusePathsThatCouldLeaveTheTarget) {
  for (const std::string& path : {""s, "/etc/passwd"s, "a/../b"s, ".."s, "../x"s, "a//b"s, "a/"s, "."s, "./a"s, "a/./b"s, "a\0b"s, "/"s,
                                  ".ardus"s, ".ardus/journal"s, std::string(256, 'x'), std::string(4097, 'x')}) {
    EXPECT_FALSE(check_path(path)) << path;
  }
  for (const std::string& path : {"a"s, "a/b c/d"s, "..a"s, "..."s, "a/.ardus"s, "\xff\xfe"s, "x\n"s}) EXPECT_TRUE(check_path(path)) << path;
}

TEST(PathRules, OrderFoldersBeforeWhatIsInThem) {
  EXPECT_TRUE(path_less("a", "a/b"));
  EXPECT_TRUE(path_less("a/b", "a-b"));
  EXPECT_TRUE(path_less("a\x01", "a\xff"));
  EXPECT_FALSE(path_less("a", "a"));
}

TEST(PathRules, TakeATreeInItsOrder) {
  TreeOrder tree;
  EXPECT_TRUE(tree.add(EntryKind::directory, "a"));
  EXPECT_TRUE(tree.add(EntryKind::directory, "a/b"));
  EXPECT_TRUE(tree.add(EntryKind::file, "a/b/c"));
  EXPECT_TRUE(tree.add(EntryKind::file, "a/d"));
  EXPECT_TRUE(tree.add(EntryKind::file, "a-b"));
  EXPECT_TRUE(tree.add(EntryKind::symlink, "z"));
}

Status second(EntryKind first_kind, const std::string& first, const std::string& path) {
  TreeOrder tree;
  EXPECT_TRUE(tree.add(first_kind, first));
  return tree.add(EntryKind::file, path);
}

TEST(PathRules, RefuseWhatCannotStandTogether) {
  EXPECT_FALSE(second(EntryKind::file, "a", "a"));
  EXPECT_FALSE(second(EntryKind::file, "a", "a/b"));
  EXPECT_FALSE(second(EntryKind::symlink, "a", "a/b"));
  EXPECT_FALSE(second(EntryKind::directory, "b", "a"));
  EXPECT_FALSE(second(EntryKind::directory, "a", "ab/c"));
  EXPECT_FALSE(second(EntryKind::directory, "a", "a/b/c"));
  EXPECT_TRUE(second(EntryKind::directory, "a", "a/b"));
  EXPECT_NE(second(EntryKind::symlink, "a", "a/b").error().message.find("is no folder of this manifest"), std::string::npos);
}

TEST(PathRules, TellWhichPathsFallTogetherWithoutCase) {
  const auto pairs = case_collisions(std::vector<std::string_view>{"Music/Bach", "music/bach", "caf\xc3\xa9", "cafe\xcc\x81", "other", "\xff"});
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0], std::make_pair("Music/Bach"s, "music/bach"s));
  EXPECT_EQ(pairs[1].first, "caf\xc3\xa9");
}

}  // namespace
}  // namespace ghost::ardus
