#pragma once
#include <algorithm>
#include <cstdint>

#include "ardus/payload.h"

namespace ghost::ardus {

/// Packets over which a receiver tells its loss of late: of the last one to two of these spans. Of the jumbo layout a quarter, which are half as many
/// bytes more; as many bytes would be too few packets to tell a loss by.
constexpr std::uint64_t loss_span(Layout layout) { return layout == Layout::jumbo ? 128 : 512; }

/// How many of a path's packets are lost of late, from the numbers of those that come. Remembers between one and two spans.
class LossMeter {
 public:
  /// @param span  packets
  explicit LossMeter(std::uint64_t span) : span_(span) {}

  /// A packet with this number came; each is counted once (a ReplayWindow sees to that).
  void arrived(std::uint64_t number) {
    if (!started_) {
      started_ = true;
      end_ = number;
    }
    passed(number + 1);
    ++recent_.came;
  }
  /// The sender has used the numbers below `end`. Where nothing is known yet, those from there on count: if none of them comes, all are lost.
  void passed(std::uint64_t end) {
    if (!started_) {
      started_ = true;
      end_ = end;
    }
    if (end <= end_) return;
    recent_.sent += end - end_;
    end_ = end;
    if (recent_.sent >= span_) {
      before_ = recent_;
      recent_ = {};
    }
  }

  /// A packet came whose number is not to be believed: passed() tells how many were sent.
  void came() { ++recent_.came; }
  /// Begins with packet number `end`.
  void restart(std::uint64_t end) {
    *this = LossMeter(span_);
    started_ = true;
    end_ = end;
  }

  /// 0 … 1.
  double loss() const {
    const std::uint64_t sent = before_.sent + recent_.sent, came = std::min(sent, before_.came + recent_.came);
    return sent == 0 ? 0 : static_cast<double>(sent - came) / static_cast<double>(sent);
  }
  /// Packets that loss() is measured over.
  std::uint64_t measured() const { return before_.sent + recent_.sent; }

 private:
  struct Span {
    std::uint64_t sent = 0, came = 0;
  };
  std::uint64_t span_, end_ = 0;
  bool started_ = false;
  Span before_, recent_;
};

/// What was lost of a path between two questions of the sender.
class BatchLoss {
 public:
  /// A packet with this number came; each is counted once (a ReplayWindow sees to that).
  void arrived(std::uint64_t number) {
    passed(number + 1);
    ++came_;
  }
  /// The sender has used the numbers below `end`.
  void passed(std::uint64_t end) { end_ = std::max(end_, end); }
  /// A question was answered: counts anew.
  void answered() {
    last_ = loss();
    begin_ = end_;
    came_ = 0;
  }
  /// Packets since the last question that was answered.
  std::uint64_t sent() const { return end_ - begin_; }
  /// Since the last question that was answered, 0 … 1; where nothing was sent since, as it was then.
  double loss() const {
    const std::uint64_t sent = end_ - begin_;
    return sent == 0 ? last_ : 1 - static_cast<double>(std::min(sent, came_)) / static_cast<double>(sent);
  }

 private:
  std::uint64_t begin_ = 0, end_ = 0, came_ = 0;
  double last_ = 0;
};

}  // namespace ghost::ardus
