#include "app/hook_service.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::app {

using namespace std::chrono_literals;

TEST(Hooks, WhatIsToldStandsInTheEnvironmentAndIsNoCommand) {
  const TestDirectory directory;
  const std::string out = (directory.path() / "out").string(), evil = (directory.path() / "evil").string();
  std::vector<HookResult> results;
  Hooks hooks(60s, [&](const HookResult& result) { results.push_back(result); });
  const std::string name = "a'; touch " + evil + "; $(touch " + evil + ") `touch " + evil + "` \"\n";
  EXPECT_TRUE(hooks.run({"printf %s \"$ARDUS_NAME\" >" + out, {{"ARDUS_NAME", name}}}));
  EXPECT_TRUE(hooks.run({"exit 3", {}}));
  hooks.finish();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].well()) << in_words(results[0]);
  EXPECT_EQ(read_file(out, 4096).value_or(""), name);
  EXPECT_FALSE(std::filesystem::exists(evil));
  EXPECT_EQ(results[1].status, 3);
  EXPECT_NE(in_words(results[1]).find("ended with 3"), std::string::npos);
}

TEST(Hooks, OneThatTakesTooLongIsEndedWithAllItStarted) {
  const TestDirectory directory;
  const std::string child = (directory.path() / "child").string();
  std::vector<HookResult> results;
  Hooks hooks(300ms, [&](const HookResult& result) { results.push_back(result); });
  EXPECT_TRUE(hooks.run({"sleep 600 & echo $! >" + child + "; wait", {}}));
  hooks.finish();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].timed_out);
  EXPECT_FALSE(results[0].well());
}

TEST(Hooks, TheOneUnderWayIsEndedWhenTheProgramEnds) {
  std::vector<HookResult> results;
  {
    Hooks hooks(600s, [&](const HookResult& result) { results.push_back(result); });
    EXPECT_TRUE(hooks.run({"sleep 600", {}}));
    std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(hooks.run({"true", {}}));
  }
  for (const HookResult& result : results) EXPECT_TRUE(result.timed_out);
}

}  // namespace ghost::app
