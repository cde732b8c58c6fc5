#include "net/memory_world.h"

#include <algorithm>

namespace ghost::net {

Timer MemoryReactor::wake_at(TimePoint when, std::function<void(TimePoint now)> ring) {
  if (when == TimePoint::max()) return {};
  const TimerKey key{when, ++last_timer_};
  timers_.emplace(key, std::move(ring));
  return Timer([this, key] { timers_.erase(key); });
}

bool MemoryReactor::idle() const {
  return posted_.empty() && turn_end_.empty() && (timers_.empty() || timers_.begin()->first.first > now_);
}

void MemoryReactor::turn() {
  for (std::size_t left = posted_.size(); left > 0; --left) {
    const auto work = std::move(posted_.front());
    posted_.pop_front();
    work();
  }
  const std::uint64_t newest = last_timer_;  // a timer set in this turn rings in the next
  for (auto at = timers_.begin(); at != timers_.end() && at->first.first <= now_;) {
    if (at->first.second > newest) {
      ++at;
      continue;
    }
    const auto ring = std::move(at->second);
    timers_.erase(at);
    ring(now_);
    at = timers_.begin();
  }
  while (!turn_end_.empty()) {
    for (const auto& work : std::exchange(turn_end_, {})) work();
  }
}

void MemoryReactor::settle() {
  while (!idle()) turn();
}

void MemoryReactor::run_for(Duration span) {
  const TimePoint end = now_ + span;
  settle();
  while (!timers_.empty() && timers_.begin()->first.first <= end) {
    now_ = std::max(now_, timers_.begin()->first.first);
    settle();
  }
  now_ = end;
}

namespace {

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(MemoryReactor& reactor, const MemoryPairOptions& options, Peer peer)
      : reactor_(reactor), options_(options), peer_(std::move(peer)) {
    output_.on_first_byte([this] {
      reactor_.at_turn_end([this, alive = lifeline_.watch()] {
        if (!alive.expired()) flush();
      });
    });
  }
  ~MemoryStream() override { leave(); }

  void connect(MemoryStream& other) { other_ = &other; }

  void set_handler(StreamHandler& handler) override {
    handler_ = &handler;
    plan_delivery();
  }
  ByteQueue& output() override { return output_; }
  std::size_t unsent() const override {
    if (output_.size() > kHighWater) crowded_ = true;
    return output_.size();
  }
  void flush() override {
    (void)unsent();
    while (other_ != nullptr && !output_.empty() && other_->inbox_.size() < options_.capacity) {
      BytesView run;
      output_.runs(&run, 1);
      run = run.first(std::min(run.size(), options_.capacity - other_->inbox_.size()));
      other_->inbox_.insert(other_->inbox_.end(), run.begin(), run.end());
      output_.consume(run.size());
    }
    if (other_ == nullptr) return output_.clear();
    if (finishing_ && output_.empty()) other_->inbox_ended_ = true;
    other_->plan_delivery();
  }
  void set_reading(bool on) override {
    reading_ = on;
    if (on) plan_delivery();
  }
  void finish(Duration patience) override {
    if (std::exchange(finishing_, true)) return;
    patience_ = reactor_.wake_at(reactor_.now() + patience, [this](TimePoint) {
      leave();
      end({Errc::timed_out, peer_.remote.text() + " took too long to say goodbye"});
    });
    flush();
    plan_delivery();
  }
  const Peer& peer() const override { return peer_; }

 private:
  void plan_delivery() {
    if (std::exchange(delivery_planned_, true)) return;
    reactor_.post([this, alive = lifeline_.watch()] {
      if (alive.expired()) return;
      delivery_planned_ = false;
      deliver();
    });
  }

  void deliver() {
    if (handler_ == nullptr || ended_ || (!reading_ && !finishing_)) return;
    if (inbox_.empty()) {
      if (inbox_ended_) end({Errc::cancelled, peer_.remote.text() + " closed the connection"});
      return;
    }
    const std::size_t most = options_.fragment == 0 ? inbox_.size() : std::min(options_.fragment, inbox_.size());
    const Bytes piece(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(most));
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(most));
    plan_delivery();
    if (other_ != nullptr) other_->room();
    handler_->on_bytes(piece);
  }

  /// The other side took something.
  void room() {
    if (output_.empty()) return;
    reactor_.post([this, alive = lifeline_.watch()] {
      if (alive.expired()) return;
      flush();
      if (!crowded_ || output_.size() > kLowWater || handler_ == nullptr || ended_) return;
      crowded_ = false;
      handler_->on_writable();
    });
  }

  void leave() {
    if (other_ == nullptr) return;
    other_->other_ = nullptr;
    other_->inbox_ended_ = true;
    other_->plan_delivery();
    other_ = nullptr;
  }

  void end(const Error& why) {
    ended_ = true;
    patience_.reset();
    handler_->on_closed(why);
  }

  MemoryReactor& reactor_;
  MemoryPairOptions options_;
  Peer peer_;
  MemoryStream* other_ = nullptr;
  StreamHandler* handler_ = nullptr;
  ByteQueue output_;
  std::deque<std::uint8_t> inbox_;
  bool inbox_ended_ = false;
  bool delivery_planned_ = false;
  bool reading_ = true;
  bool finishing_ = false;
  bool ended_ = false;
  mutable bool crowded_ = false;
  Timer patience_;
  Lifeline lifeline_;
};

}  // namespace

std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> make_memory_pair(MemoryReactor& reactor,
                                                                                     const MemoryPairOptions& options) {
  const Address dialer = Address::ip4({10, 0, 0, 1}, 1000);
  const Address acceptor = Address::ip4({10, 0, 0, 2}, 2203);
  auto left = std::make_unique<MemoryStream>(reactor, options, Peer{dialer, acceptor, {}, {}});
  auto right = std::make_unique<MemoryStream>(reactor, options, Peer{acceptor, dialer, {}, {}});
  left->connect(*right);
  right->connect(*left);
  return {std::move(left), std::move(right)};
}

}  // namespace ghost::net
