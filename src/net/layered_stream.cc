#include "net/layered_stream.h"

#include <algorithm>

namespace ghost::net {

namespace {
/// How long the stream below may take for its last bytes once this layer has ended.
constexpr Duration kFarewell = std::chrono::seconds(1);
}  // namespace

LayeredStream::LayeredStream(Reactor& reactor, std::unique_ptr<ByteStream> below, BytesView first)
    : reactor_(reactor), below_(std::move(below)), peer_(below_->peer()), held_(to_bytes(first)) {
  plain_.on_first_byte([this] { plan_flush(); });
  below_->set_handler(*this);
}

void LayeredStream::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  if (!held_.empty() || end_due_) plan_resume();
  if (reading_ && below_) below_->set_reading(true);
}

void LayeredStream::set_reading(bool on) {
  if (reading_ == on || discarding_) return;
  reading_ = on;
  if (on && (!held_.empty() || end_due_)) plan_resume();
  if (below_) below_->set_reading(on);
}

void LayeredStream::plan_resume() {
  resume_timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) { resume(); });
}

void LayeredStream::resume() {
  if (!may_deliver()) return;
  const auto alive = lifeline_.watch();
  if (!held_.empty()) {
    const Bytes held = std::exchange(held_, {});
    decode(held);
    if (alive.expired()) return;
  }
  if (end_due_ && held_.empty() && may_deliver()) end(*end_due_);
}

void LayeredStream::on_bytes(BytesView bytes) {
  if (closed_) return;
  if (may_deliver() && held_.empty()) {
    const auto alive = lifeline_.watch();
    decode(bytes);
    if (!alive.expired() && !plain_.empty()) flush();
    return;
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (handler_ == nullptr) below_->set_reading(false);
  resume();
}

LayeredStream::After LayeredStream::deliver(BytesView bytes) {
  if (discarding_) return After::go_on;
  const auto alive = lifeline_.watch();
  handler_->on_bytes(bytes);
  if (alive.expired() || closed_) return After::gone;
  return reading_ ? After::go_on : After::paused;
}

void LayeredStream::on_closed(const Error& why) {
  if (closed_) return;
  end_due_ = meaning_of_end(why);
  resume();
}

std::size_t LayeredStream::unsent() const {
  const std::size_t count = plain_.size() + (below_ ? below_->unsent() : 0);
  if (count > kHighWater) crowded_ = true;
  return count;
}

void LayeredStream::plan_flush() {
  if (flush_planned_) return;
  flush_planned_ = true;
  reactor_.at_turn_end([this, alive = lifeline_.watch()] {
    if (alive.expired()) return;
    flush_planned_ = false;
    flush();
  });
}

/// Moves output down while there is room. It leaves something behind only when the stream below is above its high water, which
/// then calls on_writable().
Status LayeredStream::encode() {
  while (!plain_.empty()) {
    while (!plain_.empty() && below_->unsent() <= kHighWater) {
      auto encoded = encode_some();
      if (!encoded) return encoded;
    }
    below_->flush();
    if (below_->unsent() > kHighWater) break;
  }
  return {};
}

void LayeredStream::flush() {
  if (closed_ || said_goodbye_) return plain_.clear();
  (void)unsent();  // notes it when somebody may have been told to wait
  auto encoded = encode();
  if (!encoded) {
    // Nothing can be said any more; the handler is told from the loop, never from inside a call.
    plain_.clear();
    end_due_ = encoded.error();
    return plan_resume();
  }
  if (!plain_.empty()) return;
  if (finish_by_) return begin_goodbye();
  if (crowded_ && below_->unsent() <= kHighWater) tell_writable();
}

void LayeredStream::begin_goodbye() {
  said_goodbye_ = true;
  if (!reading_) {
    set_reading(true);
    discarding_ = true;
  }
  say_goodbye();
}

void LayeredStream::on_writable() {
  if (closed_) return;
  on_room();
  flush();
}

void LayeredStream::tell_writable() {
  crowded_ = false;
  writable_timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) {
    if (!closed_ && handler_ != nullptr) handler_->on_writable();
  });
}

void LayeredStream::finish(Duration patience) {
  if (closed_ || finish_by_) return;
  finish_by_ = reactor_.now() + patience;
  finish_timer_ = reactor_.wake_at(*finish_by_, [this](TimePoint) { give_up(); });
  flush();
}

void LayeredStream::finish_below() {
  if (std::exchange(finishing_below_, true)) return;
  below_->finish(std::max(Duration::zero(), *finish_by_ - reactor_.now()));
}

void LayeredStream::give_up() {
  if (closed_ || finishing_below_) return;  // the stream below keeps the deadline then
  below_.reset();
  end({Errc::timed_out, peer_.remote.text() + ": it took too long over the last bytes and the goodbye"});
}

void LayeredStream::end_with_farewell(const Error& why) {
  below_->flush();
  below_->finish(kFarewell);
  end(why);
}

void LayeredStream::end(const Error& why) {
  const Error told = why;
  closed_ = true;
  plain_.clear();
  resume_timer_.reset();
  writable_timer_.reset();
  finish_timer_.reset();
  if (handler_ != nullptr) handler_->on_closed(told);
}

}  // namespace ghost::net
