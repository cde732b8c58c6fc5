#pragma once
#include <memory>

#include "net/sim_stream.h"

namespace ghost::net::sim {

/// Accepts at once what reaches it: there is no backlog that could fill.
class StreamListener final : public Listener {
 public:
  StreamListener(World& world, Host& host, Address address, OnAccept on_accept)
      : world_(world),
        host_(host),
        address_(std::move(address)),
        on_accept_(std::move(on_accept)),
        id_(world.listeners.add(this)) {}
  ~StreamListener() override;

  const Address& address() const override { return address_; }
  Host& host() const { return host_; }
  void accept(std::unique_ptr<ByteStream> stream);

 private:
  World& world_;
  Host& host_;
  Address address_;
  OnAccept on_accept_;
  Id id_;
};

/// A connection attempt: its request reaches the target after the link's delay, and the answer comes back after
/// another. A request or answer that a partition swallows is repeated after 1 s, 2 s, 4 s …, as TCP does.
class Attempt final : public Connecting {
 public:
  Attempt(World& world, Host& host, Address to, Duration timeout, OnConnect done);
  ~Attempt() override { world_.attempts.remove(id_); }

  Host& host() const { return host_; }
  void on_event(const Event& event);

 private:
  void on_request();
  void answer(StreamListener& listener, TimePoint when);
  void repeat(EventKind kind);
  void finish(Result<std::unique_ptr<ByteStream>> result);

  World& world_;
  Host& host_;
  Host* target_;
  Address to_;
  Duration timeout_;
  OnConnect done_;
  Id id_;
  Duration patience_ = std::chrono::seconds(1);
  std::optional<Error> failure_;
  std::unique_ptr<Stream> stream_;  ///< accepted by the target, who may have sent something already
};

}  // namespace ghost::net::sim
