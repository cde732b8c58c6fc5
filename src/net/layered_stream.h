#pragma once
#include <memory>
#include <optional>

#include "net/lifeline.h"
#include "net/network.h"
#include "net/reactor.h"

namespace ghost::net {

/// What TLS and WebSocket streams have in common: a byte stream spoken over another one. It gathers output and encodes it when
/// the turn ends, as long as the stream below is not above its high water; holds what arrives while nobody reads; and keeps the
/// promise that a handler is never called from inside a call and may destroy the stream from any callback.
class LayeredStream : public ByteStream, protected StreamHandler {
 public:
  void set_handler(StreamHandler& handler) final;
  ByteQueue& output() final { return plain_; }
  std::size_t unsent() const final;
  void flush() final;
  bool peer_runs_beside() const final { return below_ && below_->peer_runs_beside(); }
  void set_reading(bool on) final;
  void finish(Duration patience) final;
  const Peer& peer() const final { return peer_; }

 protected:
  /// @param first  bytes of the layer that were read from `below` already
  LayeredStream(Reactor& reactor, std::unique_ptr<ByteStream> below, BytesView first);

  /// Decodes what came from below: hands the result to deliver(), obeys its answer, and gives what it did not look at to hold().
  virtual void decode(BytesView bytes) = 0;
  /// Encodes the first part of plain() into below().output() and consumes it.
  virtual Status encode_some() = 0;
  /// All output is on its way: says this layer's goodbye, and calls finish_below() when the stream below may end too.
  virtual void say_goodbye() = 0;
  /// The stream below has ended: what that means for this one.
  virtual Error meaning_of_end(const Error& why) const = 0;
  /// There is room below again; called before waiting output is encoded.
  virtual void on_room() {}

  enum class After { go_on, paused, gone };
  /// Hands bytes to the handler. `paused`: it stopped reading, what is left is to be held. `gone`: this object may be destroyed,
  /// or has ended; return at once.
  After deliver(BytesView bytes);
  void hold(BytesView rest) { held_.assign(rest.begin(), rest.end()); }

  /// The peer has ended this layer or broken its rules: flushes what was said to it, lets the stream below end, tells the handler.
  /// May destroy this.
  void end_with_farewell(const Error& why);
  /// The stream below says its goodbye; its end will be this stream's.
  void finish_below();
  bool said_goodbye() const { return said_goodbye_; }

  Reactor& reactor() { return reactor_; }
  ByteStream& below() { return *below_; }
  ByteQueue& plain() { return plain_; }
  Peer& mutable_peer() { return peer_; }

 private:
  void on_bytes(BytesView bytes) final;
  void on_writable() final;
  void on_closed(const Error& why) final;

  bool may_deliver() const { return handler_ != nullptr && reading_ && !closed_; }
  void plan_flush();
  void plan_resume();
  void resume();
  Status encode();
  void tell_writable();
  void begin_goodbye();
  void give_up();
  void end(const Error& why);

  Reactor& reactor_;
  std::unique_ptr<ByteStream> below_;
  Peer peer_;
  StreamHandler* handler_ = nullptr;
  ByteQueue plain_;
  Bytes held_;                    ///< came while nobody read, not decoded: at most what the stream below gave at once
  std::optional<Error> end_due_;  ///< told once held_ is used up
  bool flush_planned_ = false;
  bool reading_ = true;
  bool closed_ = false;
  mutable bool crowded_ = false;  ///< somebody was told that more than the high water waits, and so waits for on_writable()
  bool said_goodbye_ = false;
  bool discarding_ = false;  ///< goodbye was said while nobody read: the peer's answer is awaited, its bytes are dropped
  bool finishing_below_ = false;
  std::optional<TimePoint> finish_by_;
  Timer resume_timer_;
  Timer writable_timer_;
  Timer finish_timer_;
  Lifeline lifeline_;
};

}  // namespace ghost::net
