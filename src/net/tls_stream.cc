#include "net/tls_stream.h"

#include <algorithm>

namespace ghost::net {

namespace {
/// How long the stream below may take for the last bytes once the peer has said goodbye or broke the protocol.
constexpr Duration kFarewell = std::chrono::seconds(1);
/// Decrypted at once before the handler is called; on the stack, so that connections share it.
constexpr std::size_t kReadBuffer = 64 * 1024;
}  // namespace

TlsStream::TlsStream(Reactor& reactor, std::unique_ptr<ByteStream> below, std::unique_ptr<TlsSession> session, BytesView first)
    : reactor_(reactor), below_(std::move(below)), session_(std::move(session)), peer_(below_->peer()), held_(to_bytes(first)) {
  peer_.tls = session_->peer();
  plain_.on_first_byte([this] { plan_flush(); });
  below_->set_handler(*this);
}

void TlsStream::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  if (!held_.empty() || below_ended_) plan_resume();
  if (reading_ && below_) below_->set_reading(true);
}

void TlsStream::set_reading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (on && (!held_.empty() || below_ended_)) plan_resume();
  if (below_) below_->set_reading(on);
}

void TlsStream::plan_resume() {
  resume_timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) { resume(); });
}

void TlsStream::resume() {
  if (!may_deliver()) return;
  const auto alive = lifeline_.watch();
  if (!held_.empty()) {
    const Bytes held = std::move(held_);
    held_.clear();
    deliver(held);
    if (alive.expired()) return;
  }
  if (below_ended_ && held_.empty() && may_deliver()) end(*below_ended_);
}

void TlsStream::on_bytes(BytesView bytes) {
  if (closed_) return;
  if (may_deliver() && held_.empty()) return deliver(bytes);
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (handler_ == nullptr) below_->set_reading(false);
  resume();
}

void TlsStream::deliver(BytesView cipher) {
  const auto alive = lifeline_.watch();
  session_->feed(cipher);
  for (bool more = true; more;) {
    std::uint8_t buffer[kReadBuffer];
    std::size_t filled = 0;
    Result<TlsSession::Read> got = TlsSession::Read{};
    while (kReadBuffer - filled >= TlsSession::kRecord) {
      got = session_->read({buffer + filled, kReadBuffer - filled});
      if (!got || got->count == 0) break;
      filled += got->count;
    }
    more = got && got->count > 0;
    if (filled > 0) handler_->on_bytes({buffer, filled});
    if (alive.expired() || closed_) return;
    if (!got) return break_off(got.error());
    if (got->goodbye) return end_by_peer();
    if (!reading_) break;
  }
  held_ = to_bytes(session_->rest());
}

std::size_t TlsStream::unsent() const {
  const std::size_t count = plain_.size() + (below_ ? below_->unsent() : 0);
  if (count > kHighWater) crowded_ = true;
  return count;
}

void TlsStream::plan_flush() {
  if (flush_planned_) return;
  flush_planned_ = true;
  reactor_.at_turn_end([this, alive = lifeline_.watch()] {
    if (alive.expired()) return;
    flush_planned_ = false;
    flush();
  });
}

Status TlsStream::encrypt_record() {
  BytesView runs[16];
  const std::size_t count = plain_.runs(runs, std::size(runs));
  if (runs[0].size() >= TlsSession::kRecord || count == 1) {
    const BytesView run = runs[0].first(std::min(runs[0].size(), TlsSession::kRecord));
    auto written = session_->write(run);
    plain_.consume(run.size());
    return written;
  }
  std::uint8_t gathered[TlsSession::kRecord];
  std::size_t length = 0;
  for (std::size_t i = 0; i < count && length < sizeof gathered; ++i) {
    const std::size_t part = std::min(runs[i].size(), sizeof gathered - length);
    std::memcpy(gathered + length, runs[i].data(), part);
    length += part;
  }
  auto written = session_->write({gathered, length});
  plain_.consume(length);
  return written;
}

/// Moves output down while there is room. It leaves something behind only when the stream below is above its high water, which
/// then calls on_writable().
Status TlsStream::encrypt() {
  while (!plain_.empty()) {
    while (!plain_.empty() && below_->unsent() <= kHighWater) {
      auto written = encrypt_record();
      if (!written) return written;
    }
    below_->flush();
    if (below_->unsent() > kHighWater) break;
  }
  return {};
}

void TlsStream::flush() {
  if (closed_ || goodbye_said_) return plain_.clear();
  (void)unsent();  // notes it when somebody may have been told to wait
  auto written = encrypt();
  if (!written) {
    // Nothing can be said any more; the handler is told from the loop, never from inside a call.
    plain_.clear();
    below_ended_ = Error{Errc::io, "TLS with " + peer_.remote.text() + ": " + written.error().message};
    return plan_resume();
  }
  if (!plain_.empty()) return;
  if (finish_by_) return say_goodbye();
  if (crowded_ && below_->unsent() <= kHighWater) tell_writable();
}

void TlsStream::tell_writable() {
  crowded_ = false;
  writable_timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) {
    if (!closed_ && handler_ != nullptr) handler_->on_writable();
  });
}

void TlsStream::finish(Duration patience) {
  if (closed_ || finish_by_) return;
  finish_by_ = reactor_.now() + patience;
  finish_timer_ = reactor_.wake_at(*finish_by_, [this](TimePoint) {
    if (goodbye_said_ || closed_) return;  // the stream below keeps the deadline from there on
    below_.reset();
    end({Errc::timed_out, "TLS with " + peer_.remote.text() + ": it took too long to accept the last bytes"});
  });
  flush();
}

void TlsStream::say_goodbye() {
  if (std::exchange(goodbye_said_, true)) return;
  session_->goodbye();
  below_->finish(std::max(Duration::zero(), *finish_by_ - reactor_.now()));
}

void TlsStream::end_by_peer() {
  session_->goodbye();
  below_->flush();
  below_->finish(kFarewell);
  end({Errc::cancelled, peer_.remote.text() + " closed the connection"});
}

void TlsStream::break_off(const Error& why) {
  below_->flush();  // the alert that says why
  below_->finish(kFarewell);
  end(why.in("TLS with " + peer_.remote.text()));
}

void TlsStream::on_closed(const Error& why) {
  if (closed_) return;
  Error told = why;
  if (why.code == Errc::cancelled && !goodbye_said_) {
    told = {Errc::data_loss,
            "TLS with " + peer_.remote.text() + ": the connection ended without close_notify, so bytes may be missing"};
  }
  below_ended_ = told;
  resume();
}

void TlsStream::end(const Error& why) {
  const Error told = why;
  closed_ = true;
  plain_.clear();
  resume_timer_.reset();
  writable_timer_.reset();
  finish_timer_.reset();
  if (handler_ != nullptr) handler_->on_closed(told);
}

Result<Bytes> TlsStream::export_key(std::string_view label, std::size_t length) const {
  return session_->export_key(label, length);
}

}  // namespace ghost::net
