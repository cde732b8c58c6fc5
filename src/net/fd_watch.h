#pragma once
#include "net/epoll.h"
#include "net/event_loop.h"

namespace ghost::net {

/// The events of a descriptor someone else owns; see EpollNetwork::watch(). It watches a duplicate, so that one
/// descriptor can have several watches.
class FdWatch final : public EpollNetwork::Watch, private EventSource {
 public:
  FdWatch(EventLoop& loop, int fd, short events, std::function<void(short)> ready);

 private:
  void on_events(std::uint32_t events) override;
  void on_later() override;

  std::shared_ptr<std::function<void(short)>> ready_;  ///< shared with the call under way, which may destroy the watch
};

}  // namespace ghost::net
