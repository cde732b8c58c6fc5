#include "ariascribe/audit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ghost::ariascribe {
namespace {

class Audited : public testing::Test {
 protected:
  static void SetUpTestSuite() { repertoire = new Repertoire(std::move(*Repertoire::embedded())); }
  static void TearDownTestSuite() { delete repertoire; }

  static std::size_t count(const std::vector<Finding>& found, FindingKind kind) {
    return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [&](const Finding& each) { return each.kind == kind; }));
  }
  static std::string text(const std::vector<Finding>& found) {
    std::string all;
    for (const Finding& each : found) all += std::string(name(each.kind)) + " " + each.place + ": " + each.message + "\n";
    return all;
  }
  static Audit::Track track(const std::string& path, const std::string& work, const std::string& movement, const std::string& composer = "Ludwig van Beethoven") {
    Audit::Track made{path, {{"COMPOSER", composer, false}, {"WORK", work, false}, {"MOVEMENT", movement, false}, {"MOVEMENTTOTAL", "3", false}}};
    std::erase_if(made.tags, [](const Tag& tag) { return tag.value.empty(); });
    return made;
  }

  static Repertoire* repertoire;
  PerformerParser performers{*repertoire};
  Audit audit{*repertoire, performers};
};
Repertoire* Audited::repertoire = nullptr;

TEST_F(Audited, AWholeWorkIsInOrder) {
  const auto found = audit.add_folder("a", {track("a/1", "W", "1"), track("a/2", "W", "2"), track("a/3", "W", "3")});
  EXPECT_TRUE(found.empty()) << text(found);
  EXPECT_TRUE(audit.finish().empty());
}

TEST_F(Audited, GapsAndDoublesInMovementsAreTold) {
  const auto found = audit.add_folder("a", {track("a/1", "W", "1"), track("a/3", "W", "3"), track("a/4", "V", "1"), track("a/5", "V", "2"), track("a/6", "V", "2"), track("a/7", "V", "3")});
  EXPECT_EQ(count(found, FindingKind::movement_gap), 2u) << text(found);
  EXPECT_NE(text(found).find("W: of 3 movements there is no 2"), std::string::npos) << text(found);
  EXPECT_NE(text(found).find("V: movement 2 is there twice"), std::string::npos) << text(found);
}

TEST_F(Audited, TwoRecordingsOfAWorkAreNoMistake) {
  std::vector<Audit::Track> tracks;
  for (const char* path : {"a/1", "a/2"}) {
    for (const char* number : {"1", "2", "3"}) tracks.push_back(track(path + std::string(number), "W", number));
  }
  EXPECT_TRUE(audit.add_folder("a", tracks).empty());
}

TEST_F(Audited, NumbersThatAreNoneAreNotCountedUpTo) {
  EXPECT_TRUE(audit.add_folder("a", {track("a/1", "W", "4000000000"), track("a/2", "W", "-1"), track("a/3", "W", "x")}).empty());
}

TEST_F(Audited, AMissingComposerIsToldOncePerFolder) {
  const auto some = audit.add_folder("a", {track("a/1", "", ""), track("a/2", "", "", "")});
  ASSERT_EQ(count(some, FindingKind::missing_composer), 1u);
  EXPECT_EQ(some.front().place, "a/2");
  const auto all = audit.add_folder("b", {track("b/1", "", "", ""), track("b/2", "", "", "")});
  ASSERT_EQ(count(all, FindingKind::missing_composer), 1u);
  EXPECT_EQ(all.front().place, "b");
  EXPECT_EQ(all.front().files, 2u);
}

TEST_F(Audited, OnePersonUnderTwoNamesIsTold) {
  audit.add_folder("a", {track("a/1", "", ""), track("a/2", "", "", "Beethoven, Ludwig van")});
  audit.add_folder("b", {{"b/1", {{"COMPOSER", "Ludwig van Beethoven", false}, {"PERFORMER", "Zora Quilt (piano)", false}}}, {"b/2", {{"COMPOSER", "Ludwig van Beethoven", false}, {"PERFORMER", "Quilt, Zora", false}, {"PERFORMER", "Zara Quilt", false}, {"PERFORMER", "Zora Quilt II", false}}}});
  const auto found = audit.finish();
  EXPECT_EQ(count(found, FindingKind::two_names), 2u) << text(found);
  EXPECT_NE(text(found).find("'Ludwig van Beethoven' (3 files) is also written 'Beethoven, Ludwig van' (1)"), std::string::npos) << text(found);
  EXPECT_EQ(text(found).find("Zara"), std::string::npos) << "another person";
  EXPECT_EQ(text(found).find("Quilt II"), std::string::npos) << "a namesake";
}

TEST_F(Audited, RolesInTheWrongFieldAreTold) {
  const auto found = audit.add_folder("a", {{"a/1", {{"COMPOSER", "Municipal Chamber Orchestra", false}, {"CONDUCTOR", "Municipal String Quartet", false}}}});
  EXPECT_EQ(count(found, FindingKind::wrong_field), 2u) << text(found);
  EXPECT_NE(text(found).find("CONDUCTOR is 'Municipal String Quartet', by its name of the role ensemble"), std::string::npos) << text(found);
}

}  // namespace
}  // namespace ghost::ariascribe
