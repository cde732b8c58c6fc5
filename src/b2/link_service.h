#pragma once
#include <functional>
#include <memory>
#include <string>

#include "b2/channel.h"
#include "net/network.h"

namespace ghost::b2 {

/// A channel on a byte stream: one b2 connection as it lives in a process. On the reactor's thread only.
class Link : private net::StreamHandler, private ChannelEvents {
 public:
  /// Each may be empty. A Link may be destroyed from any of them.
  struct Events {
    std::function<void()> hello;             ///< the peer has said HELLO
    std::function<void()> services_changed;  ///< the peer's services have changed
    std::function<void(const Error&)> closed;  ///< the connection is gone; nothing follows
    std::function<void()> leaving = {};      ///< the peer takes no new calls; those that are open go on
  };

  /// Begins at once. `first` are bytes that were read from the stream already. The endpoint and the reactor outlive the link and
  /// every call that came by it.
  /// @param limits  what this peer is held to; null: the endpoint's. Outlives the link
  Link(net::Reactor& reactor, Endpoint& endpoint, Side side, std::unique_ptr<net::ByteStream> stream,
       std::shared_ptr<const Identity> peer, Events events, const ChannelLimits* limits = nullptr);
  ~Link() override;

  /// Starts to read, after `first`, which was read from the stream already.
  void open(BytesView first = {});

  void set_events(Events events) { events_ = std::move(events); }
  Channel& channel() { return *channel_; }
  const Channel& channel() const { return *channel_; }
  std::shared_ptr<Channel> shared_channel() { return channel_; }
  const net::Peer& peer() const { return stream_->peer(); }
  /// RFC 8446 §7.5 keying material of the connection; unsupported off TLS.
  Result<Bytes> export_key(std::string_view label, std::size_t length) const { return stream_->export_key(label, length); }
  /// Lets the open calls end, then closes; closed() follows.
  void close() { channel_->go_away({}); }

 private:
  void on_bytes(BytesView bytes) override { channel_->on_bytes(bytes); }
  void on_writable() override { channel_->on_writable(); }
  void on_closed(const Error& why) override;
  void on_hello(const v1::Hello& peer) override;
  void on_services_changed() override;
  void on_batch() override {
    if (stream_->peer_runs_beside()) stream_->flush();
  }
  void look_at_revocations(const v1::Hello& peer);
  void on_leaving() override;
  void on_finished(const Error& why) override;
  void on_wakeup(TimePoint when) override;

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  std::unique_ptr<net::ByteStream> stream_;
  Events events_;
  std::shared_ptr<Channel> channel_;
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  std::unique_ptr<const Error> why_;  ///< what the channel said last; most say nothing, and idle ones are many
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
