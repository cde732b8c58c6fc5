// Rounds of write, kill, open again and undo over all formats: no tag is lost, no byte of sound changes, no copy is left behind.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>

#include "ariascribe/journal_service.h"
#include "ariascribe/tag_testing.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Music {
  fs::path path;
  Bytes before, after;
  Bytes sound;
};

class Rounds : public testing::Test {
 protected:
  /// A file of a random format, with a random amount of tags to be written.
  Music make(const fs::path& folder, std::size_t index) {
    Music file;
    const std::string from = kSamples[random() % std::size(kSamples)];
    file.path = folder / (std::to_string(index) + fs::path(from).extension().string());
    file.before = sample(from);
    std::ofstream(file.path, std::ios::binary).write(reinterpret_cast<const char*>(file.before.data()), static_cast<std::streamsize>(file.before.size()));
    const MemorySource source(file.before);
    file.sound = *audio_digest(source);
    const std::size_t sizes[] = {1, 40, 600, 3000, 70'000};
    // The text shall not repeat itself in another round.
    wanted[file.path] = with_values(full_tags(*read_tags(source)), "WORK", {std::string(sizes[random() % std::size(sizes)], static_cast<char>('a' + random() % 26))});
    file.after = spliced(file.before, *splices_for(source, wanted[file.path]));
    return file;
  }
  std::vector<Rewrite> rewrites(const std::vector<Music>& files) {
    std::vector<Rewrite> all;
    for (const Music& each : files) {
      const auto now = read_tags(each.path);
      EXPECT_TRUE(now) << now.error().message;
      all.push_back({each.path, now->identity, [tags = wanted[each.path]](std::vector<Tag>) { return tags; }});
    }
    return all;
  }
  /// Runs this in a process of its own. `at_step` ends it before one of its steps; else kill -9 comes after a time up to what the last one
  /// that was let alone took. True when it ended by itself.
  template <class Work>
  bool run_and_kill(const Work& work) {
    const unsigned way = random() % 8;
    const int at_step = way < 4 ? static_cast<int>(random() % 24) : -1;
    const auto began = Clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
      int left = at_step;
      ::_exit(work(at_step < 0 ? Checkpoint{} : [&left](std::string_view) {
        if (left-- == 0) ::kill(::getpid(), SIGKILL);
      }) ? 0 : 1);
    }
    if (way >= 4 && way < 7) {
      ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned>(usual.count() + 1)));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (way == 7) usual = std::clamp(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began), std::chrono::microseconds(100), std::chrono::microseconds(200'000));
    EXPECT_TRUE((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) << status;
    killed += WIFSIGNALED(status);
    return WIFEXITED(status);
  }

  std::mt19937 random{20'260'301};
  std::map<fs::path, std::vector<Tag>> wanted;
  std::chrono::microseconds usual{3000};
  std::size_t killed = 0, replaced = 0;
};

TEST_F(Rounds, LoseNothing) {
  const char* asked = std::getenv("GHOSTLIGHT_TAG_ROUNDS");
  const int rounds = asked == nullptr ? 12 : std::atoi(asked);
  TestDirectory directory;
  for (int round = 0; round < rounds; ++round) {
    const fs::path folder = directory / "music", state = directory / "state";
    fs::create_directory(folder);
    std::vector<Music> files;
    for (std::size_t i = 0; i < 1 + random() % 3; ++i) files.push_back(make(folder, i));
    const auto all = rewrites(files);
    const bool ended = run_and_kill([&](const Checkpoint& checkpoint) {
      auto journal = Journal::open(state, checkpoint);
      return journal && journal->commit(all);
    });
    for (const Music& each : files) {
      const Bytes now = bytes_of_file(each.path);
      ASSERT_TRUE(now == each.after || (now == each.before && !ended)) << "round " << round << " " << each.path;
      replaced += now == each.after;
      ASSERT_EQ(*audio_digest(MemorySource(now)), each.sound) << "round " << round;
    }
    for (int again = 0; again < 3; ++again) {
      // Sometimes the undo is killed, too.
      const bool undone = again == 2 || run_and_kill([&](const Checkpoint& checkpoint) {
        auto journal = Journal::open(state, checkpoint);
        if (!journal) return false;
        const auto done = journal->undo("");
        return done || done.error().code == Errc::not_found;
      });
      for (const Music& each : files) {
        const Bytes now = bytes_of_file(each.path);
        ASSERT_TRUE(now == each.before || now == each.after) << "round " << round << " " << each.path;
      }
      if (undone) break;
    }
    {
      auto journal = Journal::open(state);
      ASSERT_TRUE(journal) << journal.error().message;
      const auto last = journal->undo("");
      ASSERT_TRUE(last || last.error().code == Errc::not_found) << last.error().message;
    }
    for (const Music& each : files) ASSERT_EQ(bytes_of_file(each.path), each.before) << "round " << round << " " << each.path;
    ASSERT_EQ(static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())), files.size()) << "round " << round << ": a copy was left";
    fs::remove_all(folder);
    fs::remove_all(state);
  }
  if (asked != nullptr) std::printf("%d rounds, %zu kills, %zu files had been written\n", rounds, killed, replaced);
}

}  // namespace
}  // namespace ghost::ariascribe
