#pragma once
#include <cstddef>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

/// Messages compressed by zstd (RFC 8878; docs/spec/b2.md §4), each by itself: one frame that tells its plain length, without a
/// dictionary. Holds what zstd works in, made when it is first needed. Not thread-safe.
class Compression {
 public:
  static constexpr std::size_t kShortest = 1024;         ///< bytes; shorter messages gain too little
  static constexpr std::size_t kLongest = 256 * 1024;    ///< longer ones would hold the loop for milliseconds
  static constexpr std::size_t kMostRatio = 256;         ///< plain bytes a compressed byte may stand for, so that little sent is not much work

  Compression();
  ~Compression();

  /// The message compressed; nothing where that does not pay: it is too short or too long, saves less than an eighth, or would be
  /// beyond kMostRatio.
  std::optional<Bytes> compress(BytesView plain);

  /// The plain length that a compressed message tells. malformed when it is not one whole frame that does; exhausted when that is more
  /// than `most`, or beyond kMostRatio.
  static Result<std::size_t> plain_size(BytesView compressed, std::size_t most);
  /// The message. Errors as plain_size(), and malformed for damaged ones.
  Result<Bytes> decompress(BytesView compressed, std::size_t most);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ghost::b2
