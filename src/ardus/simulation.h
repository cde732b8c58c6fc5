#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ardus/sender.h"
#include "base/time.h"

namespace ghost::ardus {

/// A receiver that hears and says nothing for a while.
struct Outage {
  std::size_t receiver = 0;            ///< from 0
  Duration from{};                     ///< since the session began
  Duration until = Duration::max();    ///< never comes back
};

/// A receiver that joins when the session is under way.
struct LateJoin {
  std::size_t receiver = 0;
  Duration at{};
};

/// A receiver that is killed and at once started again: what it had decoded is on its disk, nothing else is left of it.
struct Restart {
  std::size_t receiver = 0;
  Duration at{};
};

/// A receiver that its sender takes out of the session.
struct Eviction {
  std::size_t receiver = 0;
  Duration at{};
};

/// TCP traffic through the bottleneck (SimulationOptions::bottleneck).
struct CrossTraffic {
  Duration from{};
  Duration until = Duration::max();
};

/// Bits on the wire that the bottleneck let through in one tenth of a second.
struct BottleneckShare {
  std::uint64_t session = 0, others = 0;
};

/// The first receiver, turned into one that uses the group's keys for packets of its own. The other real receivers get them.
class Insider {
 public:
  struct Knows {
    const SessionName& name;
    std::uint8_t epoch;
    const Secret& epoch_secret;
    const StreamShape& stream;
    ReceiverNumber number;        ///< its own
    SessionReceiverKeys& own;
  };
  struct Forged {
    std::vector<Bytes> before, after;  ///< the datagrams it heard
    std::vector<Bytes> to_sender;
  };
  virtual ~Insider() = default;
  virtual void hears(const std::vector<Bytes>& datagrams, const Knows& knows, Forged& out) = 0;
};

struct SimulationOptions {
  std::size_t receivers = 1000;
  std::uint64_t bytes = std::uint64_t{64} << 20;
  Layout layout = Layout::standard;
  double loss = 0.01;        ///< of datagrams, for each receiver on its own, both ways
  double burst = 1;          ///< mean length of a run of losses
  double duplicate = 0;      ///< probability that a datagram comes twice
  double reorder = 0;        ///< that it comes after those sent with the next burst
  double corrupt = 0;        ///< that one of its bytes is changed
  Duration rtt = std::chrono::milliseconds(1);
  std::uint64_t rate = 1'000'000'000;  ///< bit/s on the wire
  bool fixed_rate = true;
  Congestion congestion = Congestion::quantile;
  std::uint64_t bottleneck = 0;  ///< bit/s of a link that everything the sender sends goes through first; 0: no limit
  std::size_t before_bottleneck = 0;  ///< the first so many receivers are reached without it
  std::uint64_t bottleneck_queue = 256 * 1024;  ///< bytes
  std::vector<CrossTraffic> others;             ///< that shares it, over the same round trip
  std::uint64_t link_rate = 0;   ///< bit/s every receiver's link carries; 0: no limit
  std::size_t slow = 0;          ///< the last so many receivers …
  std::uint64_t slow_rate = 0;   ///< … have links of so many bit/s
  std::size_t deaf = 0;          ///< the first so many never hear the group
  std::size_t real = 8;          ///< receivers, spread evenly, that really decrypt, decode and compare; the others count symbols
  std::vector<Outage> outages;
  std::vector<LateJoin> late;
  std::vector<Eviction> evictions;
  std::vector<Restart> restarts;       ///< of real receivers
  Duration killed_at = Duration::max();  ///< the sender is, and the session over
  std::vector<BlockSet> held;          ///< what receivers hold from an earlier session; empty: nothing
  KeyOptions keys;
  Insider* insider = nullptr;
  std::size_t complainers = 0;  ///< the first so many say that they lose everything, and are heard before the others
  Duration content_at{};        ///< nothing of the content is there before
  std::size_t liars = 0;     ///< the last so many receivers ask for what they do not lack
  std::uint64_t seed = 1;
  Duration limit = std::chrono::minutes(30);  ///< of virtual time
  Duration give_up_after = std::chrono::seconds(20);
};

struct SimulationResult {
  std::size_t receivers = 0;
  std::size_t verified = 0;
  std::size_t decoded = 0;             ///< of the verified ones, that really decoded
  std::uint64_t wrong_blocks = 0;      ///< handed out by the real decoders with a byte that was not sent
  std::uint64_t source_packets = 0;
  std::uint64_t feedback_datagrams = 0;
  std::uint64_t feedback_bytes = 0;    ///< UDP payload of all reports sent, lost ones included
  std::uint64_t payload_bytes = 0;     ///< content
  double virtual_seconds = 0;          ///< from the first datagram until the sender knew every receiver verified, or given up
  std::uint64_t rejected_blocks = 0;   ///< decoded of forged symbols, and found wrong by what stands for the chunks' hashes
  std::uint64_t forged_symbols = 0;    ///< that receivers found
  std::vector<BlockSet> held;          ///< what the real receivers decoded, or held before
  SenderPhase phase = SenderPhase::announcing;  ///< at the end
  std::size_t evicted = 0;
  std::uint64_t read_after_eviction = 0;  ///< symbols that evicted receivers could open once the others had other keys
  std::uint8_t epoch = 0;              ///< the last
  double received_seconds = 0;         ///< until the last receiver that is neither slow nor out nor late held everything
  double slowest_seconds = 0;          ///< until the last of all did
  std::vector<double> done_seconds;    ///< until each did; 0: never
  std::vector<BottleneckShare> shares;  ///< of each tenth of a second, where there is a bottleneck
  SenderProgress sender;
  std::string failure;                 ///< the time limit was reached, or the sender failed
};

/// Plays a whole session through the real cores on virtual time. The same options give the same result on every machine.
/// @param progress  called now and then with the share of receivers' blocks that are done, 0 … 1; may be empty
SimulationResult simulate(const SimulationOptions& options, const std::function<void(double)>& progress = {});

}  // namespace ghost::ardus
