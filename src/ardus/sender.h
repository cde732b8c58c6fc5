#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ardus/block_set.h"
#include "ardus/message.h"
#include "ardus/path_rate.h"
#include "ardus/payload.h"
#include "ardus/session_keys.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::ardus {

/// What counts against a rate beside a datagram's own bytes: Ethernet's preamble, header, check and gap (38), IPv4 and UDP (28).
inline constexpr std::uint64_t kWireOverhead = 66;

/// Where a core wants a datagram to go.
enum class Destination : std::uint8_t {
  group,         ///< the session's data group, port 1835
  announcement,  ///< 239.255.11.17 or ff15::1117, port 1117; `index` is the announcement's place in Sender::announce()
  receiver,      ///< the receiver with number `index`, port 1834
  sender         ///< the sender, port 1834
};

struct Outgoing {
  Destination to = Destination::group;
  std::uint32_t index = 0;
  BytesView bytes;  ///< valid until the core is called again
};

/// The phase of a session at its sender (docs/spec/ardus.md §6.1).
enum class SenderPhase : std::uint8_t {
  announcing,  ///< waits for receivers
  streaming,   ///< sends what was not sent yet, and repairs
  draining,    ///< everything was sent once; repairs
  settling,    ///< nothing is known to be missing: waits until every receiver is verified
  lingering,   ///< every receiver is verified, or given up; serves those that join late
  ended,       ///< by end()
  failed       ///< the source could not be read, or the keys ran out: see SenderProgress::failure
};

/// What the sender knows of a receiver.
enum class PeerState : std::uint8_t {
  joined,      ///< has not reported yet
  receiving,
  catching_up, ///< too slow or deaf for the group: served alone, holds nobody up
  complete,    ///< holds every block; verifies and commits
  verified,    ///< Sender::set_verified() was called
  silent,      ///< not heard of for SenderOptions::silent_after; may come back
  failed       ///< said so itself, or was given up
};

struct SenderOptions {
  StreamShape stream;
  std::uint64_t ceiling = 1'000'000'000;  ///< bit/s on the wire (kWireOverhead counts), at most
  bool fixed_rate = true;                 ///< sends at the ceiling; otherwise finds its rate
  Congestion congestion = Congestion::quantile;  ///< how; others than quantile find it whatever fixed_rate says
  std::size_t start_receivers = 1;        ///< begins when so many have joined …
  Duration start_after = Duration::max(); ///< … or after this with those who have; none: waits on for the first
  Duration initial_rtt = std::chrono::milliseconds(2);
  Duration silent_after = std::chrono::seconds(5);
  Duration give_up_after = std::chrono::seconds(60);  ///< of silence: the receiver counts as failed until it is heard again
};

struct PeerProgress {
  ReceiverNumber number;
  PeerState state = PeerState::joined;
  std::uint32_t blocks_wanted = 0;
  std::uint32_t blocks_done = 0;  ///< of the wanted ones, as last reported
  double loss = 0;                ///< of late, 0 … 1
  bool away = false;              ///< does not hear the group
  bool alone = false;             ///< hears it, and asked for more than it can have lost: served alone
  Duration silence{};             ///< since it was heard of, or joined
  std::uint32_t alone_blocks = 0; ///< of which it lacks something that the group is not sent again
  std::uint64_t unicast_symbols = 0;
  bool nothing_comes = false;     ///< of those, for a while (VainBatches)
  bool quarantined = false;       ///< it asked for more than it can have lost, and is served alone …
  bool insatiable = false;        ///< … and was given up, since it did so again and again
  bool suspects = false;          ///< it met symbols that a member forged
};

struct SenderProgress {
  SenderPhase phase = SenderPhase::announcing;
  std::uint32_t blocks = 0;              ///< that some receiver wants
  std::uint32_t blocks_sent = 0;         ///< of them, sent once
  std::uint64_t source_packets = 0;      ///< source symbols of the blocks some receiver wants
  std::uint64_t sent_packets = 0;        ///< data datagrams of all kinds
  std::uint64_t repair_symbols = 0;      ///< of them, beyond the first sending
  std::uint64_t unicast_symbols = 0;     ///< of them, to one receiver
  std::uint64_t sent_bytes = 0;          ///< UDP payload sent, everything
  std::uint64_t feedback_datagrams = 0;  ///< reports taken
  std::uint64_t feedback_bytes = 0;      ///< UDP payload received
  std::uint64_t rate = 0;                ///< bit/s on the wire allowed at present
  double loss = 0;                       ///< of late, of the 95th-percentile receiver
  Duration rtt{};                        ///< of the slowest receivers
  bool attacked = false;                 ///< a member forges symbols: digests are sent of all
  std::uint64_t digest_datagrams = 0;
  std::size_t receivers = 0, verified = 0, silent = 0, failed = 0;
  std::string failure;
};

/// What a joiner is told, beside keys (SenderKeys).
struct JoinedReceiver {
  ReceiverNumber number;
  BlockIndex position;  ///< blocks before it were sent already; they come again later
};

/// The sending half of a session: a pure core. Datagrams and times come in, datagrams and the time of the next call go out.
/// Membership (who joins, with which keys, wanting what) and receipts come from its user.
class Sender {
 public:
  /// `keys` and `source` outlive the sender.
  Sender(const SenderOptions& options, const SessionName& name, SenderKeys& keys, BlockSource& source, TimePoint now);
  ~Sender();

  /// The announcements to repeat, one for each interface: their sequence and time are filled in, then signed with `key`, which
  /// outlives the sender. Every second at first, backing off to every ten.
  /// @param wall  the time of day at `now`
  void announce(std::vector<Announcement> announcements, const KeyPair& key, WallTime wall, TimePoint now);

  /// A receiver joined; it may do so at any time until the end.
  /// @param wanted  the blocks it lacks, of BlockSet::end() == stream.blocks()
  /// @param secret  its own, for SenderKeys
  JoinedReceiver add_receiver(BlockSet wanted, const Secret& secret, TimePoint now);
  /// It has joined anew, under another number: nothing waits for this one.
  void remove_receiver(ReceiverNumber receiver);
  /// It left, or is not trusted any more: nothing waits for it, and it is not to read what is sent from then on (docs/spec/ardus.md §3.4).
  void evict(ReceiverNumber receiver, TimePoint now);
  /// Whether the secret of another epoch is wanted because somebody left; every five seconds at most. next_wakeup() has it in.
  bool wants_secret(TimePoint now) const;
  /// The answer, random. Its user tells it, with SenderKeys::epoch() + 1, to every receiver of the session, those that join later included;
  /// it is used when the listeners have reported that they know it, or after two seconds.
  void set_next_secret(const Secret& secret, TimePoint now);
  /// Its receipt is here.
  void set_verified(ReceiverNumber receiver, TimePoint now);
  /// It fetches what it lacks from others, or does so no longer: meanwhile it is not served alone.
  void set_elsewhere(ReceiverNumber receiver, bool elsewhere);
  /// It said, over the control connection, that it can't go on.
  void set_failed(ReceiverNumber receiver, TimePoint now);

  /// Starts with those who joined, whatever the options say.
  void begin(TimePoint now);
  /// No more datagrams.
  void end();
  /// Only the blocks below this one can be read as yet: those from there on wait. Never fewer than before; all, unless this is called.
  void set_readable(BlockIndex end);
  /// Changes the ceiling, in bit/s on the wire.
  void set_ceiling(std::uint64_t ceiling, bool fixed);

  /// What came in on port 1834. Anything but a report of this session is ignored.
  void on_datagram(BytesView datagram, TimePoint now);

  /// The datagrams to send at once, at most kBatch; valid until the next call into the sender. Call again while it gives any.
  static constexpr std::size_t kBatch = 64;
  std::span<const Outgoing> poll(TimePoint now);
  /// When poll() wants to be called again, if nothing arrives before; TimePoint::max(): never.
  TimePoint next_wakeup() const;

  SenderPhase phase() const;
  SenderProgress progress(TimePoint now) const;
  std::vector<PeerProgress> receivers(TimePoint now) const;
  PeerProgress receiver(ReceiverNumber number, TimePoint now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ghost::ardus
