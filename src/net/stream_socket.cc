#include "net/stream_socket.h"

#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

#include "net/sockaddr.h"
#include "net/socket_text.h"

namespace ghost::net {

namespace {

constexpr std::size_t kMaxRuns = 64;  ///< pieces gathered in one system call
/// What a peer may still say to an end that has said goodbye: a full window of the largest size. One that goes on does not listen.
constexpr std::size_t kMostIgnored = 4 * 1024 * 1024;
/// What the kernel's estimate of the round trip is given at least on top; it then puts no acknowledgement off for longer, either.
constexpr int kSoonestUs = 30'000;
constexpr int kSmallSegment = 1440;  // bytes: 1,500 without the headers of IPv6 and TCP
#ifdef TCP_RTO_MIN_US
constexpr int kRtoMinUs = TCP_RTO_MIN_US;
#else
constexpr int kRtoMinUs = 45;  // TCP_RTO_MIN_US of Linux 6.15; kernels before say that they don't know it
#endif

ssize_t send_gathered(int fd, const ByteQueue& queue) {
  BytesView first;
  queue.runs(&first, 1);
  if (first.size() == queue.size()) return ::send(fd, first.data(), first.size(), MSG_NOSIGNAL);
  BytesView runs[kMaxRuns];
  const std::size_t count = queue.runs(runs, kMaxRuns);
  iovec pieces[kMaxRuns];
  for (std::size_t i = 0; i < count; ++i) pieces[i] = {const_cast<std::uint8_t*>(runs[i].data()), runs[i].size()};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

Peer peer_of(int fd) {
  Peer peer{local_address(fd), remote_address(fd), {}, {}};
  if (peer.remote.family() == Address::Family::unix_path) {
    ucred who;
    socklen_t size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
      peer.process = PeerProcess{who.uid, who.gid, who.pid};
  }
  return peer;
}

void wish(int fd, const Address& at, const TcpWishes& wishes) {
  if (!at.is_ip()) return;
  if (wishes.resends_soon) ::setsockopt(fd, IPPROTO_TCP, kRtoMinUs, &kSoonestUs, sizeof kSoonestUs);
  if (wishes.small_segments && !at.is_loopback()) ::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &kSmallSegment, sizeof kSmallSegment);
}

StreamSocket::StreamSocket(EventLoop& loop, UniqueFd fd, Peer peer)
    : EventSource(loop, std::move(fd)), peer_(std::move(peer)) {
  if (peer_.remote.is_ip()) {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Of a few small packets none waits for seconds on a way that loses: what is sent again is not put off twice as long each time.
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &on, sizeof on);
  }
  output_.on_first_byte([this] { loop_.plan_end(*this); });
}

void StreamSocket::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  if (ended_) return loop_.plan_later(*this);
  loop_.plan_end(*this);
}

/// On loopback the kernel takes a packet in on the processor that sent it. A peer that shares this one would only take turns with us.
bool StreamSocket::peer_runs_beside() const {
  int cpu = -1;
  socklen_t size = sizeof cpu;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) == 0 && cpu >= 0 && cpu != ::sched_getcpu();
}

void StreamSocket::set_reading(bool on) {
  reading_ = on;
  loop_.plan_end(*this);
}

void StreamSocket::finish(Duration patience) {
  if (ended_ || finishing_) return;
  finishing_ = true;
  patience_ = loop_.wake_at(loop_.from_now(patience), [this, patience](TimePoint) {
    end({Errc::timed_out, connection_to(peer_) + ": the peer did not close it within " + in_words(patience)});
  });
  loop_.plan_end(*this);
}

void StreamSocket::on_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    blocked_ = false;
    on_turn_end();
  }
  if (wants_input()) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive();
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    drop_output({});
    on_turn_end();
  }
}

void StreamSocket::on_turn_end() {
  if (ended_) return output_.clear();
  send();
  if (finishing_ && output_.empty() && !std::exchange(said_goodbye_, true)) ::shutdown(fd_.get(), SHUT_WR);
  update_interest();
  if (over()) loop_.plan_later(*this);
}

void StreamSocket::on_later() {
  if (ended_) return tell_end();
  if (over()) return end(reason());
  if (handler_ != nullptr) handler_->on_writable();
}

void StreamSocket::receive() {
  const std::span<std::uint8_t> buffer = loop_.read_buffer();
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count > 0) {
    if (handler_ == nullptr || !reading_) return;
    const EventLoop& loop = loop_;
    handler_->on_bytes(buffer.first(static_cast<std::size_t>(count)));
    // The answer leaves at once: its peer works while the turn's other sources are served.
    if (loop.is_current(this)) send();
    return;
  }
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    if (!failure_) failure_ = errno_error(connection_to(peer_), "is lost");
    return end(reason());
  }
  send();  // a peer may close its half after its last request and still read the answer
  peer_done_ = true;
  if (finishing_ && !output_.empty()) return update_interest();
  end(reason());
}

void StreamSocket::send() {
  if (output_.size() > kHighWater) full_ = true;
  while (!output_.empty() && !blocked_ && !broken_) {
    const ssize_t count = send_gathered(fd_.get(), output_);
    if (count >= 0) {
      output_.consume(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      blocked_ = true;
    } else if (errno != EINTR) {
      drop_output(errno_error("write to", connection_to(peer_)));
    }
  }
  if (broken_) output_.clear();
  if (full_ && output_.size() < kLowWater) {
    full_ = false;
    loop_.plan_later(*this);
  }
}

void StreamSocket::drop_output(std::optional<Error> why) {
  broken_ = true;
  blocked_ = false;
  if (!failure_) failure_ = std::move(why);
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void StreamSocket::update_interest() {
  const std::uint32_t input = wants_input() ? EPOLLIN : 0u;
  const std::uint32_t room = blocked_ ? EPOLLOUT : 0u;
  const int error = loop_.watch(*this, input | room);
  if (error == 0) return;
  drop_output(errno_error(error, "watch", connection_to(peer_)));
  unwatchable_ = true;
}

Error StreamSocket::reason() const {
  return failure_ ? *failure_ : Error{Errc::cancelled, connection_to(peer_) + ": the peer closed it"};
}

void StreamSocket::end(Error why) {
  loop_.forget(*this);
  patience_.reset();
  fd_.reset();
  broken_ = true;
  blocked_ = false;
  output_.clear();
  ended_ = std::move(why);
  tell_end();
}

void StreamSocket::tell_end() {
  const Error why = *ended_;  // a copy: the handler may destroy the stream
  if (StreamHandler* handler = std::exchange(handler_, nullptr)) handler->on_closed(why);
}

}  // namespace ghost::net
