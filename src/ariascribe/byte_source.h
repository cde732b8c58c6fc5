#pragma once
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::ariascribe {

/// A file as the readers of tags see it: a length, and bytes by their place. A parser asks only for what it looks at, so a picture of
/// many MiB costs nothing to pass by.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// These bytes, all of them. Errors: malformed, saying that the file ends, when they reach past the end; io.
  virtual Result<Bytes> read(std::uint64_t offset, std::size_t count) const = 0;

 protected:
  /// Whether so many bytes stand there.
  Status within(std::uint64_t offset, std::size_t count) const;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(BytesView bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<Bytes> read(std::uint64_t offset, std::size_t count) const override;

 private:
  BytesView bytes_;
};

/// Bytes of a file that other bytes take the place of. What a list of them does not name stays as it is, so that the list turned
/// round puts a file back byte for byte. One whose `after` is its `before` guards bytes that belong to what was read.
struct Splice {
  std::uint64_t offset = 0;  ///< in the file as it was
  Bytes before, after;
  friend bool operator==(const Splice&, const Splice&) = default;
};

/// A file with splices made, without writing it. They are in order and do not overlap.
class SplicedSource final : public ByteSource {
 public:
  SplicedSource(const ByteSource& file, const std::vector<Splice>& splices);
  std::uint64_t size() const override { return size_; }
  Result<Bytes> read(std::uint64_t offset, std::size_t count) const override;

 private:
  struct Piece {
    std::uint64_t at, size, from;  ///< place here, length, place in the file where `splice` is null
    const Splice* splice;
  };
  const ByteSource& file_;
  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

/// The big-endian number in `width` bytes at `at`; the caller has looked that they are there.
std::uint64_t big_endian(BytesView bytes, std::size_t at, std::size_t width);
void append_big_endian(Bytes& out, std::uint64_t value, std::size_t width);
void append(Bytes& out, BytesView more);

/// How much of a file its tags may take: more than the largest picture and all beside it.
inline constexpr std::size_t kMaxTagBytes = 64 * 1024 * 1024;

}  // namespace ghost::ariascribe
