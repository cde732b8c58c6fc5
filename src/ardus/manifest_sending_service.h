#pragma once
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ardus/outbox_service.h"
#include "ardus/pace_timer_service.h"
#include "ardus/ports_service.h"
#include "ardus/sender.h"
#include "ardus/session_keys.h"
#include "ardus/v1/session.b2.h"
#include "b2/identity.h"
#include "net/epoll.h"

namespace ghost::ardus {

/// Whether a manifest goes out by a stream of its own rather than to each by the control connection: a small one is there before its stream could
/// begin, and costs less than a window's control messages.
/// @param awaited  receivers that the sender waits for; 0 it does not know how many
bool is_worth_a_stream(std::size_t manifest_bytes, std::size_t awaited);

/// The manifest's own stream, before the data's: a short session of its own to those who join before it begins, with a sender core, a nonce
/// and secrets of its own (docs/spec/ardus.md §7.2). Whoever it does not reach asks for the manifest by the control connection. On the
/// reactor's thread.
class ManifestSending : private BlockSource {
 public:
  struct Parts {
    net::EpollNetwork& network;
    const KeyPair& key;                    ///< the sender's
    std::vector<Way> ways;
    Sources sources;                       ///< that the group is for
    std::function<bool(std::size_t way)> carries;  ///< whether the group is sent to by that one
    std::function<BytesView()> manifest;   ///< its bytes, always the same
    Outbox::Send send;
    Logger log;
    KeyOptions keys = {};
  };
  /// @param data_session  the session that the manifest is for: its group is used
  /// @param options       as the data's; the stream is filled in
  ManifestSending(Parts parts, std::uint32_t data_session, SenderOptions options);
  ~ManifestSending() override;

  /// A receiver joined, or did so anew; only before it has begun. Begins 300 ms after the last one, 1 s after the first at the latest.
  /// @param way      by which it came: index into the ways
  /// @param reports  where its reports come from
  /// @return  what it is told, but for where the sender takes reports
  v1::ManifestStream add(const b2::NodeId& who, std::size_t way, const net::Address& reports);
  /// Nobody else is waited for.
  void all_here();
  /// It has the manifest, gets it some other way, or does not want it any more. When nobody is left, it ends.
  void done(const b2::NodeId& who);
  void end();
  /// Changes the ceiling, in bit/s on the wire.
  void set_ceiling(std::uint64_t ceiling, bool fixed);

  bool has_begun() const { return begun_; }
  bool ended() const { return ended_; }
  /// UDP payload sent so far.
  std::uint64_t sent_bytes() const { return core_.progress(parts_.network.precise_now()).sent_bytes; }

  /// What came to the sockets that reports come to; others' are ignored.
  void on_datagrams(std::span<const net::Datagram> batch);

 private:
  struct Listener {
    ReceiverNumber number;
    std::size_t way = 0;
    net::Address reports;
    bool done = false;
  };

  Status read(BlockIndex block, std::span<std::uint8_t> out) override;
  void begin_at(TimePoint when);
  void begin();
  void pump();
  void send_batch(std::span<const Outgoing> batch);
  Sender& core();

  Parts parts_;
  SessionName name_;
  SenderKeys keys_;
  Sender core_;
  std::map<b2::NodeId, Listener> listeners_;
  Outbox outbox_;
  bool begun_ = false, ended_ = false;
  TimePoint first_{};                      ///< when the first one joined
  net::Timer begin_timer_;
  PaceTimer pump_timer_;
};

}  // namespace ghost::ardus
