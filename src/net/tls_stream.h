#pragma once
#include <memory>
#include <optional>

#include "net/lifeline.h"
#include "net/network.h"
#include "net/reactor.h"
#include "net/tls_session.h"

namespace ghost::net {

/// A byte stream whose bytes travel encrypted over another. Plaintext is gathered in output() and encrypted when the turn ends,
/// as long as the stream below is not above its high water.
class TlsStream final : public ByteStream, private StreamHandler {
 public:
  /// @param session  its handshake done, writing into below->output()
  /// @param first    ciphertext that arrived with the handshake's end
  TlsStream(Reactor& reactor, std::unique_ptr<ByteStream> below, std::unique_ptr<TlsSession> session, BytesView first);

  void set_handler(StreamHandler& handler) override;
  ByteQueue& output() override { return plain_; }
  std::size_t unsent() const override;
  void flush() override;
  void set_reading(bool on) override;
  void finish(Duration patience) override;
  const Peer& peer() const override { return peer_; }
  Result<Bytes> export_key(std::string_view label, std::size_t length) const override;

 private:
  void on_bytes(BytesView bytes) override;
  void on_writable() override { flush(); }
  void on_closed(const Error& why) override;

  bool may_deliver() const { return handler_ != nullptr && reading_ && !closed_; }
  void plan_flush();
  void plan_resume();
  void resume();
  void deliver(BytesView cipher);
  Status encrypt();
  Status encrypt_record();
  void tell_writable();
  void say_goodbye();
  void end_by_peer();
  void break_off(const Error& why);
  void end(const Error& why);

  Reactor& reactor_;
  std::unique_ptr<ByteStream> below_;
  std::unique_ptr<TlsSession> session_;
  Peer peer_;
  StreamHandler* handler_ = nullptr;
  ByteQueue plain_;
  Bytes held_;                       ///< ciphertext that came while nobody read: at most what below gave at once
  std::optional<Error> below_ended_;  ///< told once held_ is used up
  bool flush_planned_ = false;
  bool reading_ = true;
  bool closed_ = false;
  mutable bool crowded_ = false;  ///< somebody was told that more than the high water waits, and so waits for on_writable()
  bool goodbye_said_ = false;
  std::optional<TimePoint> finish_by_;
  Timer resume_timer_;
  Timer writable_timer_;
  Timer finish_timer_;
  Lifeline lifeline_;
};

}  // namespace ghost::net
