#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "net/sim_host.h"

namespace ghost::net::sim {

/// One end of a stream. Bytes under way are kept by the end they travel to; each end keeps how much its peer has not
/// taken.
class Stream final : public ByteStream {
 public:
  /// Most bytes under way in one direction: what a kernel's send and receive buffers would hold. Longer round trips
  /// than kWindow / rate leave a link idle, as they do with real buffers of that size.
  static constexpr std::size_t kWindow = 256 * 1024;

  /// Both ends of a stream: the one that connected, and the one that accepted, whose bytes arrive no earlier than
  /// `answered`.
  static std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_pair(Host& dialer, Peer dialer_peer,
                                                                               Host& acceptor, Peer acceptor_peer,
                                                                               World& world, TimePoint answered);
  Stream(World& world, Host& host, Host& peer_host, Peer peer);
  ~Stream() override;

  void set_handler(StreamHandler& handler) override;
  ByteQueue& output() override { return output_; }
  std::size_t unsent() const override { return output_.size(); }
  void flush() override;
  void set_reading(bool on) override;
  void finish(Duration patience) override;
  const Peer& peer() const override { return peer_; }

  Host& host() const { return host_; }
  bool stalled() const { return stalled_ || reset_follows_; }
  /// A partition ended, maybe the one that holds this end's arrivals up.
  void go_on();
  void on_event(const Event& event);
  /// This end's host was killed: nothing is called from here on, and the peer hears of it at `peer_knows`.
  void die(TimePoint peer_knows);

 private:
  struct Piece {
    TimePoint arrives;
    Bytes bytes;  ///< empty: the peer said goodbye, nothing follows
  };

  bool open() const { return world_.streams.find(id_) != nullptr; }
  bool cut() const { return world_.links.is_cut(peer_host_.index(), host_.index()); }
  bool gone() const { return reset_ && !stalled_; }
  bool reads() const { return finishing_ || (handler_ && reading_); }
  Stream* other() const;
  std::size_t piece_size() const;
  void send_piece(std::size_t size);
  void send_goodbye();
  void deliver_later(Stream& to, Piece piece);
  void on_arrival();
  void on_reset(std::uint32_t order);
  void plan_pump();
  void pump();
  bool hand_out();  ///< false when a callback destroyed this stream
  void say_last_words();
  void close(Error why);

  World& world_;
  Host& host_;
  Host& peer_host_;
  Peer peer_;
  Id id_;
  Id other_id_;
  StreamHandler* handler_ = nullptr;

  ByteQueue output_;
  std::size_t under_way_ = 0;  ///< bytes sent that the peer has not taken, as far as this end knows
  TimePoint last_arrival_{};   ///< of what was sent: nothing overtakes it
  bool flush_planned_ = false;
  bool above_high_water_ = false;
  bool tell_writable_ = false;
  bool finishing_ = false;
  Duration patience_{};
  bool said_goodbye_ = false;

  std::deque<Piece> arriving_;  ///< the first one has an event planned, unless stalled
  std::deque<Bytes> arrived_;   ///< waiting for a handler that reads; empty bytes: goodbye
  bool reading_ = true;
  bool stalled_ = false;     ///< by a partition
  bool peer_ended_ = false;  ///< its goodbye was read
  bool reset_ = false;       ///< the peer is gone without a goodbye
  bool reset_follows_ = false;  ///< that will be known once what arrives has been taken, which a partition holds up
  bool pump_planned_ = false;
  std::optional<Error> ended_;  ///< to be told to the first handler
};

}  // namespace ghost::net::sim
