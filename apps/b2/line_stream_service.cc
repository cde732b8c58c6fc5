#include "line_stream_service.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ghost::app {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;
constexpr std::size_t kLongestLine = 32 * 1024 * 1024;  // a message of 4 MiB with every byte of it escaped

}  // namespace

LineStream::LineStream(net::EpollNetwork& network, const b2::JsonCodec& codec, std::string service, std::string method, int fd)
    : network_(network), codec_(codec), service_(std::move(service)), method_(std::move(method)), fd_(fd) {}

void LineStream::start(const b2::ClientCall& call) {
  call_ = call;
  go_on();
}

void LineStream::on_ready() {
  room_ = true;
  if (!going_on_) go_on();
}

/// Sends what there is while there is room; listens for more only then.
void LineStream::go_on() {
  going_on_ = true;
  while (room_ && !over_) {
    if (send_line()) continue;
    if (!plain_file_) break;
    read_more();
  }
  going_on_ = false;
  if (!room_ || over_) {
    watch_.reset();
  } else if (!watch_) {
    watch_ = network_.watch(fd_, POLLIN, [this](short events) {
      if ((events & POLLNVAL) != 0) plain_file_ = true;
      else read_more();
      go_on();
    });
  }
}

/// Sends the next line, or ends the stream after the last; false while there is no whole one.
bool LineStream::send_line() {
  const std::size_t end = text_.find('\n', searched_);
  if (end == std::string::npos && !input_ended_) {
    searched_ = text_.size();
    if (text_.size() > kLongestLine) fail(Error{Errc::exhausted, "a line of more than 32 MiB"});
    return false;
  }
  const std::string line = text_.substr(from_, end == std::string::npos ? std::string::npos : end - from_);
  const bool last = end == std::string::npos;
  from_ = searched_ = last ? text_.size() : end + 1;
  ++line_;
  if (line.find_first_not_of(" \t\r") != std::string::npos) {
    const auto message = codec_.request_from_json(service_, method_, line);
    if (!message) {
      fail(message.error());
      return false;
    }
    room_ = call_.write(b2::Payload(BytesView(*message)));
  }
  if (last) {
    over_ = true;
    call_.finish();
  }
  return true;
}

void LineStream::read_more() {
  text_.erase(0, from_);
  searched_ -= from_;
  from_ = 0;
  const std::size_t had = text_.size();
  text_.resize(had + kReadAtOnce);
  ssize_t got;
  do got = ::read(fd_, text_.data() + had, kReadAtOnce);
  while (got < 0 && errno == EINTR);
  text_.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
  if (got == 0) input_ended_ = true;
  if (got < 0 && errno != EAGAIN) fail(Error{Errc::io, std::string("it cannot be read: ") + std::strerror(errno)});
}

void LineStream::fail(Error error) {
  if (over_) return;
  over_ = true;
  failure_ = error.in("standard input, line " + std::to_string(line_));
  call_.cancel();
}

}  // namespace ghost::app
