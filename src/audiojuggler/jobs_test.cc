#include "audiojuggler/jobs.h"

#include <gtest/gtest.h>

namespace ghost::audiojuggler {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint kStart{};

TEST(JobTable, NumbersEveryStateOfAJob) {
  JobTable table;
  const auto id = table.add(JobKind::grab, "/a.cue", "/out", kStart);
  ASSERT_TRUE(id);
  EXPECT_EQ(table.find(*id)->number, 1u);
  EXPECT_TRUE(table.update(*id, [](Job& job) { job.state = JobState::running; job.total = 10; }, kStart + 2s));
  EXPECT_TRUE(table.end(*id, {}, kStart + 5s));
  const Job& job = *table.find(*id);
  EXPECT_EQ(job.number, 3u);
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(job.done, 10u);
  EXPECT_DOUBLE_EQ(job.seconds(), 5);
}

TEST(JobTable, ChangesNothingOfAJobThatHasEnded) {
  JobTable table;
  const auto id = *table.add(JobKind::grab, "", "/out", kStart);
  table.end(id, Error{Errc::io, "broken"}, kStart);
  EXPECT_FALSE(table.update(id, [](Job& job) { job.error = ""; }, kStart));
  EXPECT_FALSE(table.end(id, {}, kStart));
  EXPECT_EQ(table.find(id)->state, JobState::failed);
  EXPECT_EQ(table.find(id)->error, "broken");
  EXPECT_FALSE(table.update(99, [](Job&) {}, kStart));
}

TEST(JobTable, LetsOneJobAtATimeWorkOnAFolder) {
  JobTable table;
  const auto id = *table.add(JobKind::grab, "", "/out", kStart);
  EXPECT_EQ(table.add(JobKind::grab, "", "/out", kStart).error().code, Errc::conflict);
  EXPECT_TRUE(table.add(JobKind::grab, "", "/other", kStart));
  table.end(id, Error{Errc::cancelled, ""}, kStart);
  EXPECT_EQ(table.find(id)->state, JobState::cancelled);
  EXPECT_TRUE(table.add(JobKind::verify, "", "/out", kStart));
  EXPECT_TRUE(table.add(JobKind::verify, "", "/out", kStart));
}

TEST(JobTable, ForgetsTheOldestThatEndedAndTakesOnlySoMany) {
  JobTable table;
  const auto first = *table.add(JobKind::convert, "", "", kStart);
  for (int i = 0; i < 150; ++i) table.end(*table.add(JobKind::convert, "", "", kStart), {}, kStart);
  EXPECT_NE(table.find(first), nullptr);  // it has not ended
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_LE(table.all().size(), JobTable::kMostEnded + 2);
  for (std::size_t i = 1; i < JobTable::kMostRunning; ++i) EXPECT_TRUE(table.add(JobKind::convert, "", "", kStart));
  EXPECT_EQ(table.add(JobKind::convert, "", "", kStart).error().code, Errc::exhausted);
}

TEST(JobTracks, StandInTheOrderOfTheirNumbers) {
  Job job;
  job.track(2).title = "two";
  job.track(1);
  job.track(0);
  job.track(2).sectors = 5;
  ASSERT_EQ(job.tracks.size(), 3u);
  EXPECT_EQ(job.tracks[2].title, "two");
  EXPECT_EQ(job.tracks[2].sectors, 5u);
}

}  // namespace
}  // namespace ghost::audiojuggler
