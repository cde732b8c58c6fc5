#pragma once
#include <optional>

#include "net/event_loop.h"
#include "net/network.h"

namespace ghost::net {

/// Who is at both ends of a connected socket.
Peer peer_of(int fd);
/// What is asked of TCP connections (EpollOptions).
struct TcpWishes {
  bool resends_soon = false, small_segments = false;
};
/// Of a socket that is not connected yet; those a listener accepts do as it does.
void wish(int fd, const Address& at, const TcpWishes& wishes);

/// A connected TCP or Unix socket.
///
/// It is read while it has a handler and reading is on. Its end is found by reading, so it is told after the bytes
/// before it; a failure to write therefore only drops the output, shuts the socket down, and keeps the reason for
/// on_closed(). While nobody reads and nothing waits to be written, epoll does not know the socket, and a peer that
/// hangs up makes no events.
class StreamSocket final : public ByteStream, private EventSource {
 public:
  /// @param fd  connected, nonblocking
  StreamSocket(EventLoop& loop, UniqueFd fd, Peer peer);

  void set_handler(StreamHandler& handler) override;
  ByteQueue& output() override { return output_; }
  std::size_t unsent() const override { return output_.size(); }
  void flush() override { send(); }
  bool peer_runs_beside() const override;
  void set_reading(bool on) override;
  void finish(Duration patience) override;
  const Peer& peer() const override { return peer_; }

 private:
  void on_events(std::uint32_t events) override;
  void on_turn_end() override;
  void on_later() override;

  bool wants_input() const { return !peer_done_ && (finishing_ || (handler_ != nullptr && reading_)); }
  /// Nothing more can happen: end() is due, outside of any call into the stream.
  bool over() const { return unwatchable_ || (peer_done_ && output_.empty()); }
  void receive();
  void send();
  /// Whoever waits for room gets it then, and so goes on to read what the peer still sent, and its end.
  void drop_output(std::optional<Error> why);
  void update_interest();
  Error reason() const;
  /// The last thing any caller does: on_closed() may destroy the stream.
  void end(Error why);
  void tell_end();

  Peer peer_;
  StreamHandler* handler_ = nullptr;
  ByteQueue output_;
  std::optional<Error> failure_;  ///< why the output is lost
  std::optional<Error> ended_;    ///< told to the handler, or waiting for one
  Timer patience_;
  std::size_t ignored_ = 0;   ///< bytes that came after our goodbye
  bool reading_ = true;
  bool blocked_ = false;      ///< the kernel did not take everything
  bool full_ = false;         ///< the output was above high water: on_writable() is owed
  bool broken_ = false;       ///< nothing can be written any more
  bool peer_done_ = false;    ///< the peer has sent its last byte
  bool unwatchable_ = false;  ///< epoll would not have it
  bool finishing_ = false;
  bool said_goodbye_ = false;
};

}  // namespace ghost::net
