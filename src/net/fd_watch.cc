#include "net/fd_watch.h"

#include <fcntl.h>
#include <poll.h>

#include <utility>

namespace ghost::net {

static_assert(EPOLLIN == POLLIN && EPOLLPRI == POLLPRI && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
              EPOLLHUP == POLLHUP);

FdWatch::FdWatch(EventLoop& loop, int fd, short events, std::function<void(short)> ready)
    : EventSource(loop, UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0))),
      ready_(std::make_shared<std::function<void(short)>>(std::move(ready))) {
  const std::uint32_t interest = static_cast<std::uint16_t>(events);
  if (!fd_ || loop.watch(*this, interest) != 0) loop.plan_later(*this);
}

void FdWatch::on_events(std::uint32_t events) {
  const auto ready = ready_;
  (*ready)(static_cast<short>(events));
}

void FdWatch::on_later() {
  const auto ready = ready_;
  (*ready)(POLLNVAL);
}

}  // namespace ghost::net
