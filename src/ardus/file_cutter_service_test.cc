#include "ardus/file_cutter_service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "ardus/chunker.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/test_directory.h"
#include "base/unique_fd.h"

namespace ghost::ardus {
namespace {

constexpr std::size_t kLong = 11'000'003;  // bytes: hashed by another thread

/// A file of random bytes, open, and what is handed out of it.
struct CutFile {
  explicit CutFile(std::size_t size) : bytes(size), fd(::open((folder.path() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    SeededRandom random(size);
    for (std::size_t at = 0; at < size; at += 8) {
      const std::uint64_t bits = random();
      std::memcpy(bytes.data() + at, &bits, std::min<std::size_t>(8, size - at));
    }
    EXPECT_EQ(::pwrite(fd.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
    EXPECT_EQ(::fstat(fd.get(), &stat), 0);
  }
  Status cut(FileCutter& cutter, std::size_t most = SIZE_MAX) {
    chunks.clear();
    end = 0;
    return cutter.cut(fd.get(), stat, "file", nullptr, [&](const Chunk& chunk, BytesView view, std::uint64_t offset) {
      EXPECT_EQ(offset, end);
      EXPECT_EQ(view.size(), chunk.size);
      EXPECT_TRUE(std::ranges::equal(view, BytesView(bytes).subspan(offset, chunk.size)));
      chunks.push_back(chunk);
      end += chunk.size;
      return chunks.size() < most;
    });
  }

  TestDirectory folder;
  Bytes bytes;
  UniqueFd fd;
  struct stat stat {};
  std::vector<Chunk> chunks;
  std::uint64_t end = 0;
};

/// What they are when one thread does one after the other.
std::vector<Chunk> chunks_of(BytesView rest) {
  std::vector<Chunk> out;
  while (!rest.empty()) {
    const BytesView one = rest.first(first_chunk(rest));
    out.push_back({static_cast<std::uint32_t>(one.size()), sha256(one)});
    rest = rest.subspan(one.size());
  }
  return out;
}

bool same_chunks(const std::vector<Chunk>& a, const std::vector<Chunk>& b) {
  return std::ranges::equal(a, b, [](const Chunk& one, const Chunk& other) { return one.size == other.size && one.hash == other.hash; });
}

TEST(FileCutter, GivesTheSameChunksWhetherAThreadHelpsOrNot) {
  FileCutter cutter;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, std::size_t{3'000'000}, kLong, std::size_t{300'000}, 4 * kLong}) {
    CutFile file(size);
    ASSERT_TRUE(file.cut(cutter));
    EXPECT_EQ(file.end, size);
    EXPECT_TRUE(same_chunks(file.chunks, chunks_of(file.bytes))) << size;
  }
}

TEST(FileCutter, EndsWhereItIsToldToWhateverIsUnderWay) {
  FileCutter cutter;
  CutFile file(kLong);
  const auto whole = chunks_of(file.bytes);
  for (const std::size_t most : {std::size_t{1}, std::size_t{17}, std::size_t{60}, whole.size() - 1}) {
    ASSERT_TRUE(file.cut(cutter, most));
    ASSERT_EQ(file.chunks.size(), most);
    EXPECT_TRUE(same_chunks(file.chunks, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(most)}));
  }
  ASSERT_TRUE(file.cut(cutter));
  EXPECT_TRUE(same_chunks(file.chunks, whole));
}

TEST(FileCutter, AFileThatBecameShorterEndsEarly) {
  FileCutter cutter;
  CutFile file(kLong);
  ASSERT_EQ(::ftruncate(file.fd.get(), 7'654'321), 0);
  ASSERT_TRUE(file.cut(cutter));
  EXPECT_EQ(file.end, 7'654'321u);
  EXPECT_TRUE(same_chunks(file.chunks, chunks_of(BytesView(file.bytes).first(7'654'321))));
}

TEST(FileCutter, AFileThatCannotBeReadIsTold) {
  FileCutter cutter;
  CutFile file(kLong);
  file.fd.reset(::open((file.folder.path() / "file").c_str(), O_WRONLY | O_CLOEXEC));
  const Status cut = file.cut(cutter);
  ASSERT_FALSE(cut);
  EXPECT_EQ(file.chunks.size(), 0u);
}

}  // namespace
}  // namespace ghost::ardus
