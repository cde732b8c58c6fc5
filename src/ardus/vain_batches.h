#pragma once
#include <cstdint>

#include "base/time.h"

namespace ghost::ardus {

/// Batches to one receiver alone of which it says that nothing came, one after the other: whether its way takes none of that size any more, or
/// was down for a moment (docs/spec/ardus.md §5.12). Pure.
class VainBatches {
 public:
  /// It told how it fared with a batch.
  /// @param symbols  of the batch
  /// @param came     some of them
  void batch(std::uint64_t symbols, bool came, TimePoint now) {
    if (came) return void(*this = VainBatches());
    if (batches_++ == 0) first_ = now;
    last_ = now;
    symbols_ += symbols;
  }
  bool nothing_comes() const { return batches_ >= 3 && symbols_ >= 64 && last_ - first_ >= std::chrono::seconds(1); }

 private:
  unsigned batches_ = 0;
  std::uint64_t symbols_ = 0;
  TimePoint first_{}, last_{};
};

}  // namespace ghost::ardus
