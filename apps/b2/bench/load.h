#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ghost::b2::bench {

/// What a client asks of a server.
struct Work {
  enum class Kind : std::uint8_t {
    calls,  ///< echo: each connection keeps `in_flight` calls open
    stream  ///< the server sends messages as fast as it may, on one connection
  };
  Kind kind = Kind::calls;
  std::size_t size = 32;  ///< bytes of a message
  std::size_t connections = 1;
  std::size_t in_flight = 1;
};

/// What one run gave.
struct Figures {
  double per_second = 0;  ///< messages or calls
  double p50_us = 0;      ///< of calls, from the turn that sent the request to the turn that got the answer; 0 for streams
  double p99_us = 0;
};

/// A client with its connections open. Runs follow each other; nothing is under way between two of them.
class Load {
 public:
  virtual ~Load() = default;
  /// Runs for a tenth of `span` to warm up, then counts for `span`.
  virtual Result<Figures> run(Duration span) = 0;
};

/// Counts what ends between the end of the warming up and the end of a run.
class Meter {
 public:
  Meter(TimePoint start, Duration span) : from_(start + span / 10), until_(from_ + span) { times_.reserve(kMost); }

  bool over(TimePoint now) const { return now >= until_; }
  void call_ended(TimePoint began, TimePoint now) {
    if (now < from_) return;
    ++count_;
    if (times_.size() < kMost) times_.push_back(static_cast<std::uint32_t>((now - began).count()));
  }
  void messages_came(std::uint64_t count, TimePoint now) {
    if (now >= from_) count_ += count;
  }

  /// @param now  when the last message was counted
  Figures figures(TimePoint now) {
    const double seconds = std::chrono::duration<double>(now - from_).count();
    return {seconds > 0 ? static_cast<double>(count_) / seconds : 0, quantile(0.5), quantile(0.99)};
  }

 private:
  static constexpr std::size_t kMost = 1 << 20;  ///< times kept; a run with more keeps its first ones

  double quantile(double share) {
    if (times_.empty()) return 0;
    const auto at = times_.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times_.size() - 1));
    std::nth_element(times_.begin(), at, times_.end());
    return static_cast<double>(*at) / 1000;
  }

  TimePoint from_, until_;
  std::uint64_t count_ = 0;
  std::vector<std::uint32_t> times_;  ///< ns
};

}  // namespace ghost::b2::bench
