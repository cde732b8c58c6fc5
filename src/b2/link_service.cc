#include "b2/link_service.h"

namespace ghost::b2 {

namespace {
constexpr Duration kFarewell = std::chrono::seconds(2);
}

Link::Link(net::Reactor& reactor, Endpoint& endpoint, Side side, std::unique_ptr<net::ByteStream> stream,
           std::shared_ptr<const Identity> peer, Events events, const ChannelLimits* limits)
    : reactor_(reactor), endpoint_(endpoint), stream_(std::move(stream)), events_(std::move(events)) {
  Channel::Wiring wiring{endpoint, reactor, stream_->output(), *this, std::move(peer), {}, limits, false};
  const net::Address& remote = stream_->peer().remote;
  wiring.remote = remote.is_ip() && !remote.is_loopback();
  if (stream_->peer().tls) {
    wiring.export_key = [this, alive = std::weak_ptr<char>(alive_)](std::string_view label, std::size_t length) -> Result<Bytes> {
      if (alive.expired()) return Error{Errc::aborted, "the connection is gone"};
      return stream_->export_key(label, length);
    };
  }
  channel_ = std::make_shared<Channel>(side, std::move(wiring));
  ++endpoint_.counters.connections;
  ++endpoint_.counters.connections_total;
  endpoint_.channels.insert(channel_.get());
}

Link::~Link() {
  --endpoint_.counters.connections;
  endpoint_.channels.erase(channel_.get());
  events_ = {};
  channel_->lost(Error{Errc::aborted, channel_->peer().where + ": the connection was dropped on this side"});
}

void Link::open(BytesView first) {
  const std::weak_ptr<char> alive = alive_;
  channel_->open();
  if (!first.empty()) channel_->on_bytes(first);
  if (!alive.expired()) stream_->set_handler(*this);
}

/// A call may be begun from here, but nothing ends within it.
void Link::look_at_revocations(const v1::Hello& peer) {
  if (peer.revocations > endpoint_.revocations && endpoint_.later_revocations) endpoint_.later_revocations(channel_);
}

void Link::on_hello(const v1::Hello& peer) {
  look_at_revocations(peer);
  if (const auto hello = events_.hello) hello();  // a copy: the events may be set anew from here
}

void Link::on_services_changed() {
  look_at_revocations(channel_->peer_hello());
  if (const auto changed = events_.services_changed) changed();
}

void Link::on_leaving() {
  if (const auto leaving = events_.leaving) leaving();
}

void Link::on_finished(const Error& why) {
  why_ = std::make_unique<const Error>(why);
  stream_->finish(kFarewell);
}

void Link::on_closed(const Error& why) {
  const Error told = why_ ? *why_ : why;
  const std::weak_ptr<char> alive = alive_;
  channel_->lost(told);
  if (alive.expired()) return;
  if (const auto closed = events_.closed) closed(told);
}

void Link::on_wakeup(TimePoint when) {
  if (when >= armed_) return;
  armed_ = when;
  timer_ = reactor_.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    channel_->on_time();
  });
}

}  // namespace ghost::b2
