#include <gtest/gtest.h>

#include <cstring>

#include "ardus/failing_disk.h"
#include "ardus/scan_service.h"
#include "ardus/store_service.h"
#include "ardus/verify_service.h"
#include "base/test_directory.h"

namespace ghost::ardus {
namespace {

using Fault = FailingDisk::Fault;
constexpr std::string_view kOldFile = "the old good file", kOtherOldFile = "another old good file";

/// A small transfer, tried with a disk that fails at each of its changes: files of one chunk and of several, one that is empty, links of
/// both kinds, folders, old files that are replaced, more files at once than are synced one by one.
class StoreFaults : public testing::Test {
 protected:
  void SetUp() override {
    SeededRandom random(5);
    const auto put = [&](const std::string& name, std::size_t size) {
      std::string text(size, '\0');
      for (char& c : text) c = static_cast<char>(random());
      fill(folder_ / "album" / name, text);
      right_[name] = std::move(text);
    };
    put("large", 190'000);
    put("other", 60'000);
    put("a/empty", 0);
    for (int i = 0; i < 10; ++i) put("a/small " + std::to_string(i), 900);
    std::filesystem::create_hard_link(folder_ / "album/large", folder_ / "album/same");
    right_["same"] = right_["large"];
    std::filesystem::create_symlink("large", folder_ / "album/to large");
    ScanWish wish;
    wish.paths = {folder_ / "album"};
    content_ = scan(wish, key_).value();
    ASSERT_GE(manifest().chunks.size(), 13u);
  }

  static void fill(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string text_of_file(const std::filesystem::path& path) { return read_file(path, 100'000'000).value_or("(no file)"); }
  const Manifest& manifest() const { return content_->manifest(); }

  /// A target as it is before: two of its files are there, older.
  std::filesystem::path fresh_target() {
    const auto target = folder_ / ("target " + std::to_string(targets_++));
    fill(target / "album/large", kOldFile);
    fill(target / "album/a/small 3", kOtherOldFile);
    return target;
  }

  struct Run {
    Status ended;
    std::set<std::uint32_t> lasting;  ///< chunks that a sync answered for
    bool committed = false;
  };
  Run receive(const std::filesystem::path& target, std::shared_ptr<Disk> disk) {
    Run run;
    Store::Wish wish;
    wish.target = target;
    wish.manifest = std::make_shared<Manifest>(manifest());
    wish.encoded = content_->encoded();
    wish.disk = std::move(disk);
    auto store = Store::open(wish);
    if (!store) return {store.error(), {}, false};
    std::set<std::uint32_t> put;
    for (std::uint32_t chunk = 0; chunk < manifest().chunks.size(); ++chunk) {
      if (!(*store)->missing().has(chunk)) continue;
      Bytes bytes(manifest().chunks[chunk].size);
      EXPECT_TRUE(content_->read(chunk, 0, bytes));
      if (Status taken = (*store)->put(chunk, bytes); !taken) return run.ended = taken, run;
      put.insert(chunk);
      if (put.size() % 5 != 0) continue;
      if (Status synced = (*store)->sync(); !synced) return run.ended = synced, run;
      run.lasting = put;
    }
    if (Status committed = (*store)->commit(); !committed) return run.ended = committed, run;
    run.committed = true;
    run.ended = (*store)->keep(as_bytes("receipt"));
    return run;
  }

  /// Under the final names there are old files or whole new ones.
  void expect_no_wrong_file(const std::filesystem::path& target) {
    ASSERT_TRUE(std::filesystem::exists(target / "album/large") && std::filesystem::exists(target / "album/a/small 3"));
    for (const auto& file : std::filesystem::recursive_directory_iterator(target / "album")) {
      if (!file.is_regular_file() || file.is_symlink()) continue;
      const std::string text = text_of_file(file), name = std::filesystem::relative(file, target / "album").string();
      const bool old = (name == "large" && text == kOldFile) || (name == "a/small 3" && text == kOtherOldFile);
      ASSERT_TRUE(old || text == right_.at(name)) << name << " has " << text.size() << " bytes";
    }
  }

  /// Every record of the journal is of a chunk that stands where it says.
  void expect_true_journal(const std::filesystem::path& target) {
    const auto staging = target / kStagingName / short_name(manifest().content);
    const std::string journal = std::filesystem::exists(staging / "journal") ? text_of_file(staging / "journal") : "";
    for (ByteReader in(as_bytes(journal).first(journal.size() / 8 * 8)); in.remaining() > 0;) {
      const std::uint32_t chunk = in.u32();
      if (in.u32() != ~chunk) continue;
      for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
        const Entry& e = manifest().entries[number];
        for_each_place(manifest(), e, [&](std::uint32_t one, std::uint64_t offset) {
          if (one != chunk) return;
          const std::string wanted = right_.at(e.path.substr(6)).substr(offset, manifest().chunks[chunk].size);
          const std::string staged = text_of_file(staging / ("f" + std::to_string(number))), placed = text_of_file(target / e.path);
          EXPECT_TRUE((staged.size() >= offset && staged.compare(offset, wanted.size(), wanted) == 0) || placed == right_.at(e.path.substr(6))) << "chunk " << chunk << " of " << e.path;
        });
      }
    }
  }

  /// What a Store finds there is what was synced, at least; and it ends whole.
  void expect_resumes(const std::filesystem::path& target, const Run& before) {
    if (!before.committed) {
      Store::Wish wish;
      wish.target = target;
      wish.manifest = std::make_shared<Manifest>(manifest());
      const auto store = Store::open(wish);
      ASSERT_TRUE(store) << store.error().message;
      for (const std::uint32_t chunk : before.lasting) EXPECT_FALSE((*store)->missing().has(chunk)) << "chunk " << chunk << " was synced";
    }
    const Run again = receive(target, std::make_shared<Disk>());
    ASSERT_TRUE(again.ended) << again.ended.error().message;
    for (const auto& [name, text] : right_) ASSERT_EQ(text_of_file(target / "album" / name), text) << name;
    EXPECT_EQ(std::filesystem::read_symlink(target / "album/to large"), "large");
    const auto verified = verify_target({target, true});
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_TRUE((*verified)[0].wrong.empty());
  }

  std::size_t changes_of_a_whole_run() {
    const auto target = fresh_target();
    const auto disk = std::make_shared<FailingDisk>(target, Fault::none, SIZE_MAX);
    const Run run = receive(target, disk);
    EXPECT_TRUE(run.ended) << run.ended.error().message;
    EXPECT_GT(disk->changes(), 60u);
    return disk->changes();
  }

  KeyPair key_ = KeyPair::generate();
  TestDirectory folder_;
  std::unique_ptr<Content> content_;
  std::map<std::string, std::string> right_;
  int targets_ = 0;
};

TEST_F(StoreFaults, AProcessThatIsKilledAtAnyChangeLeavesOldFilesOrWholeOnesAndGoesOn) {
  const std::size_t all = changes_of_a_whole_run();
  for (std::size_t at = 1; at <= all; ++at) {
    SCOPED_TRACE("killed at change " + std::to_string(at));
    const auto target = fresh_target();
    const Run run = receive(target, std::make_shared<FailingDisk>(target, Fault::killed, at));
    ASSERT_NO_FATAL_FAILURE(expect_no_wrong_file(target));
    expect_true_journal(target);
    ASSERT_NO_FATAL_FAILURE(expect_resumes(target, run));
    std::filesystem::remove_all(target);
  }
}

TEST_F(StoreFaults, AMachineWhosePowerGoesAtAnyChangeLeavesOldFilesOrWholeOnesAndGoesOn) {
  const std::size_t all = changes_of_a_whole_run();
  for (std::size_t at = 1; at <= all; ++at) {
    SCOPED_TRACE("power gone at change " + std::to_string(at));
    const auto target = fresh_target();
    const auto disk = std::make_shared<FailingDisk>(target, Fault::killed, at);
    const Run run = receive(target, disk);
    const auto left = folder_ / "left";
    disk->leave_in(left, at);
    ASSERT_NO_FATAL_FAILURE(expect_no_wrong_file(left));
    expect_true_journal(left);
    // And once more, on the way up again.
    const auto second = std::make_shared<FailingDisk>(left, Fault::killed, 1 + at % 40);
    const Run resumed = receive(left, second);
    const auto left_again = folder_ / "left again";
    second->leave_in(left_again, at + 1);
    ASSERT_NO_FATAL_FAILURE(expect_no_wrong_file(left_again));
    expect_true_journal(left_again);
    ASSERT_NO_FATAL_FAILURE(expect_resumes(left_again, {{}, run.lasting, run.committed || resumed.committed}));
    for (const auto& path : {target, left, left_again}) std::filesystem::remove_all(path);
  }
}

TEST_F(StoreFaults, ACopyThatWasCommittedAndKeptIsThereWhenThePowerGoes) {
  const auto target = fresh_target();
  const auto disk = std::make_shared<FailingDisk>(target, Fault::none, SIZE_MAX);
  ASSERT_TRUE(receive(target, disk).ended);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto left = folder_ / ("left " + std::to_string(seed));
    disk->leave_in(left, seed);
    for (const auto& [name, text] : right_) ASSERT_EQ(text_of_file(left / "album" / name), text) << name;
    EXPECT_TRUE(std::filesystem::exists(left / kReceivedFolder / (short_name(manifest().content) + ".receipt")));
  }
}

TEST_F(StoreFaults, ADiskThatFailsAtAnyChangeIsToldAndLeavesNothingWrong) {
  const std::size_t all = changes_of_a_whole_run();
  for (const Fault fault : {Fault::error, Fault::dead, Fault::full}) {
    for (std::size_t at = 1; at <= all; at += fault == Fault::dead ? 3 : 1) {
      SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + " at change " + std::to_string(at));
      const auto target = fresh_target();
      const auto disk = std::make_shared<FailingDisk>(target, fault, at);
      const Run run = receive(target, disk);
      ASSERT_NO_FATAL_FAILURE(expect_no_wrong_file(target));
      if (!run.ended) {
        const std::string& told = run.ended.error().message;
        EXPECT_NE(told.find(target.string()), std::string::npos) << "where: " << told;
        EXPECT_TRUE(fault == Fault::full ? told.find("no space left") != std::string::npos || told.find("no room for") != std::string::npos : told.find("input/output error") != std::string::npos) << "why: " << told;
        EXPECT_NE(told.find(fault == Fault::full ? "make room" : "dmesg"), std::string::npos) << "what to do: " << told;
        EXPECT_EQ(run.ended.error().code, fault == Fault::full ? Errc::exhausted : Errc::io) << told;
      } else if (!disk->what().empty()) {
        // Only what the copy does not need may fail unseen.
        EXPECT_TRUE(disk->what() == "remove" || disk->what() == "allocate") << disk->what();
      }
      ASSERT_NO_FATAL_FAILURE(expect_resumes(target, run));
      std::filesystem::remove_all(target);
    }
  }
}

TEST_F(StoreFaults, WritesThatDoOnlyAPartAreGoneOnWith) {
  const std::size_t all = changes_of_a_whole_run();
  for (std::size_t at = 1; at <= all; ++at) {
    const auto target = fresh_target();
    const Run run = receive(target, std::make_shared<FailingDisk>(target, Fault::torn, at));
    ASSERT_TRUE(run.ended) << "at change " << at << ": " << run.ended.error().message;
    for (const auto& [name, text] : right_) ASSERT_EQ(text_of_file(target / "album" / name), text) << name << " at change " << at;
    std::filesystem::remove_all(target);
  }
}

TEST_F(StoreFaults, WhatWasTakenMayBeReadBeforeTheCommitAndAfterIt) {
  const auto target = fresh_target();
  Store::Wish wish;
  wish.target = target;
  wish.manifest = std::make_shared<Manifest>(manifest());
  wish.encoded = content_->encoded();
  const auto store = Store::open(wish).value();
  const auto coming = Content::coming(target, wish.manifest, content_->encoded());
  const auto expect_readable = [&](std::uint32_t chunk, Content& from) {
    Bytes right(manifest().chunks[chunk].size), read(right.size());
    ASSERT_TRUE(content_->read(chunk, 0, right));
    const Status got = from.read(chunk, 0, read);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(read, right) << "chunk " << chunk;
  };
  for (std::uint32_t chunk = 0; chunk < manifest().chunks.size(); ++chunk) {
    Bytes bytes(manifest().chunks[chunk].size);
    ASSERT_TRUE(content_->read(chunk, 0, bytes));
    ASSERT_TRUE(store->put(chunk, bytes));
    ASSERT_NO_FATAL_FAILURE(expect_readable(chunk, *coming));
  }
  ASSERT_TRUE(store->commit());
  const auto later = Content::coming(target, wish.manifest, content_->encoded());
  for (std::uint32_t chunk = 0; chunk < manifest().chunks.size(); ++chunk) {
    ASSERT_NO_FATAL_FAILURE(expect_readable(chunk, *coming));
    ASSERT_NO_FATAL_FAILURE(expect_readable(chunk, *later));
  }
}

TEST_F(StoreFaults, BytesThatADiskFailedToWriteAreNotBelievedWhenItSaysOtherwiseLater) {
  const auto target = fresh_target();
  Store::Wish wish;
  wish.target = target;
  wish.manifest = std::make_shared<Manifest>(manifest());
  struct FailsOneSync : Disk {
    int left = 1;
    int sync(int fd) override { return left-- == 1 ? (errno = EIO, -1) : Disk::sync(fd); }
  };
  wish.disk = std::make_shared<FailsOneSync>();
  {
    const auto store = Store::open(wish).value();
    Bytes bytes(manifest().chunks[0].size);
    ASSERT_TRUE(content_->read(0, 0, bytes));
    ASSERT_TRUE(store->put(0, bytes));
    EXPECT_EQ(store->sync().error().code, Errc::io);
    EXPECT_EQ(store->sync().error().code, Errc::io);
    EXPECT_EQ(store->put(0, bytes).error().code, Errc::io);
    EXPECT_EQ(store->commit().error().code, Errc::io);
  }
  EXPECT_TRUE(Store::open(wish).value()->missing().has(0));
}

}  // namespace
}  // namespace ghost::ardus
