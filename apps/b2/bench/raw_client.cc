#include <algorithm>
#include <cstring>
#include <deque>

#include "raw_echo.h"
#include "raw_socket.h"

namespace ghost::b2::bench {

namespace {

Error gone() { return {Errc::io, "raw echo: the server has gone"}; }

Bytes greeting(std::uint32_t stream_size) {
  Bytes bytes(sizeof stream_size);
  std::memcpy(bytes.data(), &stream_size, sizeof stream_size);
  return bytes;
}

/// A ring of the times at which the open calls of a connection began: they are answered in order.
class Began {
 public:
  explicit Began(std::size_t in_flight) : times_(in_flight) {}
  void push(TimePoint when) {
    times_[(first_ + count_) % times_.size()] = when;
    ++count_;
  }
  TimePoint pop() {
    const TimePoint when = times_[first_];
    first_ = (first_ + 1) % times_.size();
    --count_;
    return when;
  }
  std::size_t count() const { return count_; }

 private:
  std::vector<TimePoint> times_;
  std::size_t first_ = 0, count_ = 0;
};

class Calls final : public Load {
 public:
  static Result<std::unique_ptr<Load>> open(const net::Address& server, const Work& work) {
    auto calls = std::make_unique<Calls>(work);
    if (calls->epoll_.get() < 0) return raw_error("epoll");
    for (std::size_t i = 0; i < work.connections; ++i) {
      auto fd = raw_connect(server);
      if (!fd) return fd.error();
      Lane& lane = calls->lanes_.emplace_back(std::move(*fd), work.in_flight);
      lane.connection.append(greeting(0));
      if (!lane.connection.send()) return gone();
      lane.connection.watch(calls->epoll_.get(), &lane);
    }
    return {std::move(calls)};
  }

  explicit Calls(const Work& work) : work_(work), message_(work.size, 0x5a), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

  Result<Figures> run(Duration span) override {
    TimePoint now = TimePoint::clock::now();
    Meter meter(now, span);
    for (Lane& lane : lanes_) {
      for (std::size_t i = 0; i < work_.in_flight; ++i) call(lane, now);
      if (!lane.connection.send()) return gone();
    }
    std::size_t open = work_.in_flight * lanes_.size();
    TimePoint last = now;
    bool same = true;
    epoll_event events[64];
    while (open != 0) {
      const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
      now = TimePoint::clock::now();
      const bool over = meter.over(now);
      if (!over) last = now;
      for (int i = 0; i < count; ++i) {
        Lane& lane = *static_cast<Lane*>(events[i].data.ptr);
        const bool alive = lane.connection.receive([&](BytesView answer) {
          same = same && std::equal(answer.begin(), answer.end(), message_.begin(), message_.end());
          const TimePoint began = lane.began.pop();
          if (over) return void(--open);
          meter.call_ended(began, now);
          call(lane, now);
        });
        if (!same) return Error{Errc::data_loss, "raw echo: the echo is not what was sent"};
        if (!alive || !lane.connection.send()) return gone();
        lane.connection.watch(epoll_.get(), &lane);
      }
    }
    return meter.figures(last);
  }

 private:
  struct Lane {
    Lane(UniqueFd fd, std::size_t in_flight) : connection(std::move(fd)), began(in_flight) {}
    RawConnection connection;
    Began began;
  };

  void call(Lane& lane, TimePoint now) {
    lane.began.push(now);
    lane.connection.append(message_);
  }

  Work work_;
  Bytes message_;
  UniqueFd epoll_;
  std::deque<Lane> lanes_;
};

/// Each run has a connection of its own: closing it is how a raw stream is ended.
class Stream final : public Load {
 public:
  Stream(const net::Address& server, const Work& work) : server_(server), size_(static_cast<std::uint32_t>(work.size)) {}

  Result<Figures> run(Duration span) override {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    auto fd = raw_connect(server_);
    if (!fd) return fd.error();
    RawConnection connection(std::move(*fd));
    connection.append(greeting(size_));
    if (!connection.send()) return gone();
    connection.watch(epoll.get(), &connection);
    TimePoint now = TimePoint::clock::now();
    Meter meter(now, span);
    while (!meter.over(now)) {
      epoll_event event;
      ::epoll_wait(epoll.get(), &event, 1, -1);
      now = TimePoint::clock::now();
      std::uint64_t count = 0;
      if (!connection.receive([&](BytesView) { ++count; })) return gone();
      meter.messages_came(count, now);
    }
    return meter.figures(now);
  }

 private:
  net::Address server_;
  std::uint32_t size_;
};

}  // namespace

Result<std::unique_ptr<Load>> open_raw(const net::Address& server, const Work& work) {
  if (work.kind == Work::Kind::stream) return {std::make_unique<Stream>(server, work)};
  return Calls::open(server, work);
}

}  // namespace ghost::b2::bench
