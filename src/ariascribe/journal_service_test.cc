#include "ariascribe/journal_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "ariascribe/enhancer_service.h"
#include "ariascribe/flac_testing.h"
#include "ariascribe/library_service.h"
#include "ariascribe/tag_testing.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

namespace fs = std::filesystem;

Bytes read_all(const fs::path& path) { return bytes_of_file(path); }

class Written : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(music);
    for (int i = 0; i < 3; ++i) {
      originals.push_back(flac_file({{"TITLE", "track " + std::to_string(i), false}, {"MINE", "kept", false}}, static_cast<std::size_t>(i) * 40, 70'000));
      paths.push_back(music / (std::to_string(i) + ".flac"));
      std::ofstream(paths.back(), std::ios::binary).write(reinterpret_cast<const char*>(originals.back().data()), static_cast<std::streamsize>(originals.back().size()));
    }
  }

  std::vector<Rewrite> rewrites(std::size_t count = 3) {
    std::vector<Rewrite> all;
    for (std::size_t i = 0; i < count; ++i) {
      const fs::path& path = paths[i];
      auto file = read_tags(path);
      EXPECT_TRUE(file) << file.error().message;
      all.push_back({path, file->identity, [](std::vector<Tag> tags) { return with_values(std::move(tags), "WORK", {std::string(100, 'w')}); }});
    }
    return all;
  }
  bool is_original(std::size_t i) { return read_all(paths[i]) == originals[i]; }
  bool is_rewritten(std::size_t i) {
    const auto file = read_tags(paths[i]);
    if (!file || first_value(file->tags, "WORK").size() != 100 || first_value(file->tags, "MINE") != "kept") return false;
    const Bytes now = read_all(paths[i]);
    return std::equal(originals[i].end() - 70'000, originals[i].end(), now.end() - 70'000, now.end());
  }
  std::size_t files_in_music() { return static_cast<std::size_t>(std::distance(fs::directory_iterator(music), fs::directory_iterator())); }

  TestDirectory directory;
  fs::path music = directory / "music", state = directory / "state";
  std::vector<Bytes> originals;
  std::vector<fs::path> paths;
};

TEST_F(Written, TagsAreUndoneByteForByte) {
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal) << journal.error().message;
  const auto time = fs::last_write_time(paths[0]);
  const auto done = journal->commit(rewrites());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->files, 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_rewritten(i)) << i;
  const auto undone = journal->undo("");
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(undone->id, done->id);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_original(i)) << i;
  EXPECT_EQ(fs::last_write_time(paths[0]), time);
  EXPECT_EQ(journal->undo("").error().code, Errc::not_found);
  EXPECT_EQ(files_in_music(), 3u);
}

TEST_F(Written, ModesStay) {
  ::chmod(paths[0].c_str(), 0640);
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal->commit(rewrites()));
  struct stat info{};
  ::stat(paths[0].c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(Written, AFileChangedSinceItWasReadIsRefusedAndNothingIsWritten) {
  auto files = rewrites();
  std::ofstream(paths[2], std::ios::app) << "more";
  auto journal = Journal::open(state);
  const auto done = journal->commit(files);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::conflict);
  EXPECT_NE(done.error().message.find("2.flac"), std::string::npos);
  EXPECT_TRUE(is_original(0));
  EXPECT_TRUE(is_original(1));
}

TEST_F(Written, AFileChangedAfterwardsIsNotOverwrittenByUndo) {
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal->commit(rewrites()));
  const std::string other = "another program was here";
  std::ofstream(paths[1], std::ios::binary) << other;
  const auto undone = journal->undo("");
  ASSERT_FALSE(undone);
  EXPECT_NE(undone.error().message.find("1.flac"), std::string::npos);
  EXPECT_TRUE(is_rewritten(0));
  EXPECT_EQ(as_text(read_all(paths[1])), other);
}

TEST_F(Written, AFolderThatMayNotBeWrittenIsNamed) {
  ::chmod(directory.path().c_str(), 0755);
  ::chmod(music.c_str(), 0555);
  for (const fs::path& path : paths) ::chmod(path.c_str(), 0444);
  const auto files = rewrites();
  // Root may write anywhere, so another user tries.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(9);
    const fs::path own = fs::temp_directory_path() / ("ghost-test-journal-" + std::to_string(::getpid()));
    int code = 1;
    {
      auto journal = Journal::open(own);
      const auto done = journal ? journal->commit(files) : Result<CommitSummary>(journal.error());
      if (!done && done.error().code == Errc::refused && done.error().message.find("0.flac") != std::string::npos) code = 0;
    }
    std::error_code ignored;
    fs::remove_all(own, ignored);
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::chmod(music.c_str(), 0755);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_original(i));
}

/// Ends the process, as a kill would, before its `count`th step.
Checkpoint killer(int count) {
  return [left = std::make_shared<int>(count)](std::string_view) {
    if ((*left)-- == 0) ::_exit(77);
  };
}

TEST_F(Written, KilledAtAnyStepEveryFileIsWholeAndCanBePutBack) {
  bool killed = true;
  int steps = 0;
  for (; killed; ++steps) {
    ASSERT_LT(steps, 200);
    const fs::path own = directory / ("state" + std::to_string(steps));
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = Journal::open(own, killer(steps));
      ::_exit(journal && journal->commit(rewrites(2)) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    killed = WEXITSTATUS(status) == 77;
    ASSERT_TRUE(killed || WEXITSTATUS(status) == 0) << "step " << steps;
    for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(is_original(i) || is_rewritten(i)) << "step " << steps << " file " << i;
    auto journal = Journal::open(own);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ(files_in_music(), 3u) << "step " << steps << ": a copy was left";
    const auto undone = journal->undo("");
    ASSERT_TRUE(undone || undone.error().code == Errc::not_found) << undone.error().message;
    for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(is_original(i)) << "step " << steps << " file " << i;
  }
  EXPECT_GT(steps, 15);
}

TEST_F(Written, AnUndoThatWasKilledIsFinishedByTheNext) {
  for (int at = 0; at < 11; ++at) {
    const fs::path own = directory / ("undo" + std::to_string(at));
    ASSERT_TRUE(Journal::open(own)->commit(rewrites(2)));
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = Journal::open(own, killer(at));
      ::_exit(journal && journal->undo("") ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    auto journal = Journal::open(own);
    ASSERT_TRUE(journal);
    EXPECT_EQ(files_in_music(), 3u);
    const auto undone = journal->undo("");
    ASSERT_TRUE(undone || undone.error().code == Errc::not_found) << undone.error().message;
    for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(is_original(i)) << at;
  }
}

TEST_F(Written, FilesThatAreNoneOfOursAreToldOf) {
  const fs::path wave = music / "wave.flac", cut = music / "cut.flac";
  std::ofstream(wave) << "GIF89a and so on";
  std::ofstream(cut, std::ios::binary).write(reinterpret_cast<const char*>(originals[0].data()), 30);
  const auto knowledge = Knowledge::load();
  ASSERT_TRUE(knowledge);
  const auto files = propose((*knowledge)->matcher, {music}, Reach::apply);
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 5u);
  for (const FileProposal& each : *files) {
    if (each.path == wave) EXPECT_NE(each.problem.find("this is no file of FLAC"), std::string::npos) << each.problem;
    else if (each.path == cut) EXPECT_NE(each.problem.find("ends inside its metadata"), std::string::npos) << each.problem;
    else EXPECT_EQ(each.problem, "");
  }
  EXPECT_EQ(propose((*knowledge)->matcher, {music / "nothing"}, Reach::apply).error().code, Errc::not_found);
}

TEST_F(Written, ProposalsAreCommittedOnceAndUndoneByTheService) {
  for (std::size_t i = 0; i < 3; ++i) {
    const char* titles[] = {"Beethoven: Piano Sonata No. 8 in C minor, Op. 13: I. Grave", "2. Adagio cantabile", "3. Rondo (Allegro)"};
    const Bytes whole = flac_file({{"TITLE", titles[i], false}, {"TRACKNUMBER", std::to_string(i + 1), false}}, 0, 70'000);
    originals[i] = whole;
    std::ofstream(paths[i], std::ios::binary).write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(whole.size()));
  }
  const auto knowledge = Knowledge::load();
  LibraryService library(**knowledge, state);
  const b2::CallContext context;
  v1::ProposeRequest request;
  request.paths = {music.string()};
  const auto proposal = library.propose(request, context);
  ASSERT_TRUE(proposal) << proposal.error().message;
  ASSERT_EQ(proposal->tracks.size(), 3u);
  for (const auto& track : proposal->tracks) EXPECT_EQ(track.identification->work_id, "beethoven/op-13") << track.path;
  v1::CommitRequest commit;
  commit.proposal = proposal->id;
  const auto done = library.commit(commit, context);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->files, 3u);
  EXPECT_EQ(first_value(read_tags(paths[1])->tags, "COMPOSER"), "Ludwig van Beethoven");
  EXPECT_EQ(library.commit(commit, context).error().code, Errc::not_found);
  v1::UndoRequest undo;
  undo.commit = done->commit;
  ASSERT_TRUE(library.undo(undo, context));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_original(i));

  // Some files of a proposal: the second one has its composer from the album though it is written alone, and the others stay proposed.
  std::ofstream(music / "cut.flac", std::ios::binary) << "fLaC";
  std::ofstream(music / "cut\xf8.flac", std::ios::binary) << "fLaC";
  const auto again = library.propose(request, context);
  ASSERT_TRUE(again) << again.error().message;
  commit.proposal = again->id;
  commit.paths = {paths[1].string(), "/nowhere.flac"};
  const auto strange = library.commit(commit, context);
  EXPECT_EQ(strange.error().code, Errc::not_found);
  EXPECT_NE(strange.error().message.find("/nowhere.flac"), std::string::npos);
  EXPECT_TRUE(is_original(1));
  commit.paths = {paths[1].string(), (music / "cut.flac").string(), (music / "cut\\xf8.flac").string()};
  const auto some = library.commit(commit, context);
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_EQ(some->files, 1u);
  EXPECT_EQ(some->tags, again->tracks[3].changes.size()) << "the two that are cut off come first";
  ASSERT_EQ(some->skipped.size(), 2u);
  EXPECT_EQ(some->skipped[0].path, (music / "cut.flac").string());
  EXPECT_EQ(some->skipped[1].path, (music / "cut\\xf8.flac").string()) << "a name that is no UTF-8, as it was proposed";
  EXPECT_NE(some->skipped[0].reason.find("is cut off"), std::string::npos) << some->skipped[0].reason;
  EXPECT_EQ(first_value(read_tags(paths[1])->tags, "COMPOSER"), "Ludwig van Beethoven");
  EXPECT_TRUE(is_original(0) && is_original(2));
  EXPECT_EQ(library.commit(commit, context).error().code, Errc::not_found) << "what was committed is not in the proposal any more";
  commit.paths.clear();
  const auto rest = library.commit(commit, context);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->files, 2u);
  EXPECT_TRUE(rest->skipped.empty());
  ASSERT_TRUE(library.undo({rest->commit}, context));
  ASSERT_TRUE(library.undo({some->commit}, context));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_original(i));
  request.paths = {"relative/path"};
  EXPECT_EQ(library.propose(request, context).error().code, Errc::malformed);
}

}  // namespace
}  // namespace ghost::ariascribe
