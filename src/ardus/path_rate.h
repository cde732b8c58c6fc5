#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// How a sender's rate is found (docs/spec/ardus.md §5.7, §5.10, §5.11).
enum class Congestion : std::uint8_t {
  quantile,   ///< loss that grows with the rate, of the 95th-percentile receiver: for networks of one's own
  tfmcc,      ///< the share a TCP flow would get on the worst way (RFC 4654): for routed networks
  background  ///< what nobody else wants, by the delay of queues (as RFC 6817)
};

inline constexpr double kPacketOnWire = 1514 * 8;  ///< bits of a packet of the group: 1,448 bytes of payload and 66 more (§1)

/// A rate that goes by how the ways to the receivers are: what they answer to a PathQuestion.
class PathRate {
 public:
  virtual ~PathRate() = default;
  /// Bit/s on the wire.
  double rate() const { return rate_; }
  /// Whose way it goes by, and who is therefore asked most; 0: nobody's.
  ReceiverNumber limiting() const { return limiting_; }
  /// @param round_trip  the receiver's own
  virtual void report(ReceiverNumber from, const PathReport& path, Duration round_trip, TimePoint now) = 0;
  /// With every PROBE.
  /// @param busy     there was always something to send: the rate may grow
  /// @param longest  round trip of all
  virtual void step(bool busy, Duration longest, std::uint64_t ceiling, TimePoint now) = 0;
  /// The limiting receiver has everything, or hears the group no more.
  void left() { limiting_ = {}; }
  /// Nobody who was asked has answered, or many don't keep up.
  void cut(double factor);

 protected:
  void note_received(const PathReport& path);


  double rate_ = 1'000'000;
  bool slow_start_ = true;
  double least_received_ = 0;  ///< bit/s, told since the last step; 0: nobody has told
  ReceiverNumber limiting_;
};

/// What a TCP flow would get on the worst way (RFC 4654).
class TfmccRate : public PathRate {
 public:
  void report(ReceiverNumber from, const PathReport& path, Duration round_trip, TimePoint now) override;
  void step(bool busy, Duration longest, std::uint64_t ceiling, TimePoint now) override;

 private:
  void grow(double most, Duration round_trip, Duration since);

  bool busy_ = true;
  Duration limiting_trip_{};
  TimePoint heard_{};               ///< of the limiting receiver, or since when there is none
};

/// What is left over by everybody else's traffic, as queues tell (RFC 6817).
class BackgroundRate : public PathRate {
 public:
  void report(ReceiverNumber from, const PathReport& path, Duration round_trip, TimePoint now) override;
  void step(bool busy, Duration longest, std::uint64_t ceiling, TimePoint now) override;

 private:
  /// One way's delay: what it is with empty queues, and what it was of late.
  struct Way {
    std::uint32_t first = 0;                  ///< the first sample: others are differences from it, so that clocks may count over
    std::array<std::int32_t, 10> base{};      ///< µs: the least of each of the last minutes
    std::size_t minutes = 0;                  ///< of them that have begun
    TimePoint minute{};
    std::array<std::int32_t, 2> last{};       ///< µs
    std::size_t samples = 0;
    std::uint32_t events = 0;
    double take(std::uint32_t one_way, TimePoint now);
  };

  std::map<std::uint32_t, Way> ways_;  ///< by receiver's number
  std::vector<std::pair<double, ReceiverNumber>> delays_;  ///< seconds in queues, told since the last step
  std::size_t lost_ = 0;               ///< of them, who lost something, too
  double peak_ = 0;                    ///< seconds: the longest queue of the last moments
  double full_ = 0;                    ///< seconds: how long a queue was when something was lost; 0: not known
  unsigned calm_ = 0;                  ///< steps in a row with short queues
  TimePoint cut_at_{}, stepped_{};
};

}  // namespace ghost::ardus
