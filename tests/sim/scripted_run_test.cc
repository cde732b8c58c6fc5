// Random scripts for two programs and what is between them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "scripted_run.h"

namespace ghost::b2::test {
namespace {

Bytes random_script(std::uint64_t seed) {
  SeededRandom random(seed);
  Bytes script(2 + random.below(300));
  const bool foreign = random.chance(0.6);
  for (auto& byte : script) {
    byte = static_cast<std::uint8_t>(random());
    if (!foreign && ((byte & 31) == 7 || (byte & 31) == 8)) byte = 0;
  }
  return script;
}

TEST(ScriptedRun, WhateverIsDoneAndPutInBetweenTheBooksBalance) {
  const char* wanted = std::getenv("GHOST_SCRIPTS");
  const std::uint64_t count = wanted == nullptr ? 100 : std::strtoull(wanted, nullptr, 10);
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= count && failed < 10; ++seed) {
    const Bytes script = random_script(seed);
    ScriptedRun run(script);
    std::string all;
    for (const std::string& wrong : run.run()) all += "\n  " + wrong;
    if (!all.empty()) ++failed;
    EXPECT_TRUE(all.empty()) << "seed " << seed << all;
  }
}

}  // namespace
}  // namespace ghost::b2::test
