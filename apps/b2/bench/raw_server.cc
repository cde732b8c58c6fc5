#include <sys/socket.h>

#include <cstring>
#include <map>
#include <optional>

#include "raw_echo.h"
#include "raw_socket.h"

namespace ghost::b2::bench {

namespace {

/// A connection and what it asked for.
struct Session {
  explicit Session(UniqueFd fd) : connection(std::move(fd)) {}
  RawConnection connection;
  std::optional<std::uint32_t> stream_size;  ///< 0: an echo
  Bytes message;                             ///< of the stream
};

class RawServer {
 public:
  RawServer(UniqueFd listener, UniqueFd epoll) : listener_(std::move(listener)), epoll_(std::move(epoll)) {
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event);
  }

  [[noreturn]] void run() {
    epoll_event events[64];
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr) {
          accept();
          continue;
        }
        auto* session = static_cast<Session*>(events[i].data.ptr);
        if (!serve(*session, events[i].events)) sessions_.erase(session);
      }
    }
  }

 private:
  static constexpr int kStreamBurst = 64;  ///< messages written before the other connections are looked at

  void accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) return;
    set_no_delay(fd.get());
    auto session = std::make_unique<Session>(std::move(fd));
    Session* const key = session.get();
    key->connection.watch(epoll_.get(), key);
    sessions_[key] = std::move(session);
  }

  /// False when the connection is over.
  bool serve(Session& session, std::uint32_t events) {
    RawConnection& connection = session.connection;
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && !connection.receive([&](BytesView message) { take(session, message); })) return false;
    const bool streams = session.stream_size.value_or(0) != 0;
    if (streams ? !stream(session) : !connection.send()) return false;
    connection.watch(epoll_.get(), &session, streams);
    return true;
  }

  static void take(Session& session, BytesView message) {
    if (session.stream_size) return session.connection.append(message);
    std::uint32_t size = 0;
    if (message.size() == sizeof size) std::memcpy(&size, message.data(), sizeof size);
    session.stream_size = size;
    session.message.resize(size);
  }

  static bool stream(Session& session) {
    for (int i = 0; i < kStreamBurst; ++i) {
      if (!session.connection.unsent()) session.connection.append(session.message);
      if (!session.connection.send()) return false;
      if (session.connection.unsent()) break;
    }
    return true;
  }

  UniqueFd listener_, epoll_;
  std::map<Session*, std::unique_ptr<Session>> sessions_;
};

}  // namespace

Status serve_raw(const net::Address& at, const std::function<void(const net::Address&)>& listening) {
  auto listener = raw_listen(at);
  if (!listener) return listener.error();
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return raw_error("epoll");
  listening(raw_address(listener->get(), at));
  RawServer(std::move(*listener), std::move(epoll)).run();
}

}  // namespace ghost::b2::bench
