// Histories of seeded runs: whatever breaks, no call is done twice, what is told is true, windows hold, and nothing of a topic is lost
// in silence. GHOST_SCHEDULES=N in the environment runs N schedules instead of a few, GHOST_FIRST_SEED=N begins elsewhere.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "schedule.h"

namespace ghost::b2::test {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string listed(const std::vector<std::string>& wrong) {
  std::string all;
  for (std::size_t i = 0; i < wrong.size() && i < 10; ++i) all += "\n  " + wrong[i];
  return all;
}

TEST(History, WhateverBreaksWhatWasToldIsTrue) {
  const std::uint64_t first = from_environment("GHOST_FIRST_SEED", 1);
  const std::uint64_t count = from_environment("GHOST_SCHEDULES", 60);
  Schedule::Counts all;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + count && failed < 10; ++seed) {
    Schedule schedule(seed);
    const auto wrong = schedule.run();
    if (!wrong.empty()) ++failed;
    EXPECT_TRUE(wrong.empty()) << "seed " << seed << listed(wrong);
    all += schedule.counts();
  }
  std::cout << count << " schedules: " << all.attempts << " calls, " << all.executions << " executions, " << all.unknown << " told unknown, " << all.busy << " told busy, "
            << all.timed_out << " timed out; " << all.messages << " messages of topics, " << all.dropped << " told as dropped; " << all.connections << " ends of connections, "
            << all.frames << " frames; " << all.kills << " kills, " << all.cuts << " cuts, " << all.stops << " stops, " << all.jumps << " jumps of a clock; " << all.events
            << " events\n";
  EXPECT_GT(all.unknown, count / 10) << "the schedules are to be hard ones";
  EXPECT_GT(all.kills, count / 10);
  EXPECT_GT(all.dropped, count / 10);
}

TEST(History, TheSameSeedGivesTheSameRun) {
  Schedule one(7), two(7);
  one.run();
  two.run();
  EXPECT_EQ(one.counts().events, two.counts().events);
  EXPECT_EQ(one.counts().frames, two.counts().frames);
}

/// A lie, and what is to be said of it.
struct Told {
  Lie lie;
  const char* name;
  const char* says;
};

class FoundLie : public testing::TestWithParam<Told> {};

TEST_P(FoundLie, IsFound) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Schedule schedule(seed, GetParam().lie);
    for (const std::string& wrong : schedule.run()) {
      if (wrong.find(GetParam().says) != std::string::npos) return;
    }
  }
  FAIL() << "60 schedules, and nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(
    Lies, FoundLie,
    testing::Values(Told{Lie::does_twice, "DoesTwice", "executed 2 times for one request"}, Told{Lie::does_nothing, "DoesNothing", "nothing was done"},
                    Told{Lie::says_busy_afterwards, "SaysBusyAfterwards", "told that it was not done"}, Told{Lie::answers_another, "AnswersAnother", "got the answer of"},
                    Told{Lie::sends_again_blindly, "SendsAgainBlindly", "times in all"}, Told{Lie::changes_keys, "ChangesKeys", "executed 2 times"}, Told{Lie::ends_twice, "EndsTwice", "ended 2 times"},
                    Told{Lie::never_ends, "NeverEnds", "ended 0 times"}, Told{Lie::late_too_early, "LateTooEarly", "before its deadline"},
                    Told{Lie::keeps_a_slot, "KeepsASlot", "count as open"}, Told{Lie::skips_in_a_stream, "SkipsInAStream", "out of order or missing"},
                    Told{Lie::loses_an_upload, "LosesAnUpload", "its callee counted"}, Told{Lie::echoes_out_of_order, "EchoesOutOfOrder", "an echo is not"},
                    Told{Lie::ignores_windows, "IgnoresWindows", "window"}, Told{Lie::loses_a_message, "LosesAMessage", "was due"},
                    Told{Lie::swaps_messages, "SwapsMessages", "after"}, Told{Lie::doubles_a_message, "DoublesAMessage", "after"},
                    Told{Lie::undercounts_drops, "UndercountsDrops", "was due"}, Told{Lie::hides_missed, "HidesMissed", "was due"},
                    Told{Lie::acknowledges_early, "AcknowledgesEarly", "after its acknowledgement"}, Told{Lie::gives_a_group_twice, "GivesAGroupTwice", "group g: publication"},
                    Told{Lie::misnumbers_a_publication, "MisnumbersAPublication", "is two messages"},
                    Told{Lie::denies_a_publication, "DeniesAPublication", "told that it was not published"}, Told{Lie::changes_data, "ChangesData", "its data is none"}),
    [](const testing::TestParamInfo<Told>& told) { return told.param.name; });

}  // namespace
}  // namespace ghost::b2::test
