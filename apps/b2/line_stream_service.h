#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "b2/json.h"
#include "b2/service.h"
#include "net/epoll.h"

namespace ghost::app {

/// The messages of a call that streams its request: a line of JSON each, read from a descriptor no faster than the callee takes
/// them. Its end is the stream's.
class LineStream {
 public:
  /// All outlive it. @param fd  a pipe, a terminal or a plain file; stays the caller's
  LineStream(net::EpollNetwork& network, const b2::JsonCodec& codec, std::string service, std::string method, int fd);

  /// Begins, once the call is under way.
  void start(const b2::ClientCall& call);
  /// The call has room for more.
  void on_ready();
  /// Why the call was cancelled from here: a line that is no message, or input that could not be read.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  void go_on();
  bool send_line();
  void read_more();
  void fail(Error error);

  net::EpollNetwork& network_;
  const b2::JsonCodec& codec_;
  std::string service_, method_;
  int fd_;
  b2::ClientCall call_;
  std::unique_ptr<net::EpollNetwork::Watch> watch_;
  std::string text_;          ///< read, and from from_ on not yet sent
  std::size_t from_ = 0;
  std::size_t searched_ = 0;  ///< no line ends between from_ and here
  std::size_t line_ = 0;      ///< the last one that was looked at, from 1
  bool plain_file_ = false;   ///< which can always be read, and not watched
  bool input_ended_ = false;
  bool room_ = true;          ///< the callee takes more
  bool going_on_ = false;
  bool over_ = false;         ///< nothing more will be sent
  std::optional<Error> failure_;
};

}  // namespace ghost::app
