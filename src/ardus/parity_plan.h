#pragma once
#include <cstdint>

namespace ghost::ardus {

/// How much parity follows a block unasked (docs/spec/ardus.md §5.2). Parity that turns out not to be needed costs the whole group,
/// parity that is missing costs a few reports: so it plans what is needed with a probability of some 85 %.
class ParityPlan {
 public:
  /// Symbols of parity for a block of `k` source symbols.
  /// @param last  of the last window: more, since there asking costs time and nothing else is there to send meanwhile
  std::uint16_t symbols(std::size_t k, std::size_t receivers, bool last = false) const;

  /// A receiver chosen at random loses this share of packets.
  void sample(double loss);
  /// What came of a window that was planned with this correction(): of `blocks` blocks, receivers asked for more of `asked`, `extra`
  /// symbols in all.
  void result(double used, std::size_t blocks, std::size_t asked, std::size_t extra);
  /// Symbols the model is off by, found by experience.
  double correction() const { return correction_; }

  double loss() const { return loss_; }
  bool known() const { return samples_ > 0; }

  /// How many receivers of `receivers` are expected to lack something after `k` + `parity` symbols at this loss.
  static double expected_short(std::size_t k, std::size_t parity, std::size_t receivers, double loss);

 private:
  double loss_ = 0;
  unsigned samples_ = 0;
  double correction_ = 0;
};

}  // namespace ghost::ardus
