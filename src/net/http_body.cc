#include "net/http_body.h"

#include <algorithm>
#include <utility>

namespace ghost::net {

HttpBodyReader HttpBodyReader::of_length(std::uint64_t length, std::size_t limit) {
  HttpBodyReader reader;
  reader.left_ = length;
  reader.limit_ = limit;
  return reader;
}

HttpBodyReader HttpBodyReader::in_chunks(std::size_t limit, std::size_t slack) {
  HttpBodyReader reader;
  reader.limit_ = limit;
  reader.slack_ = slack;
  reader.chunked_ = true;
  reader.step_ = Step::size;
  return reader;
}

HttpBodyReader::State HttpBodyReader::take(BytesView& bytes) {
  if (!chunked_ && left_ > limit_) return State::too_long;
  started_ = started_ || !bytes.empty();
  State state = State::incomplete;
  while (state == State::incomplete && step_ != Step::done) {
    if (step_ == Step::data) {
      state = take_data(bytes);
      if (left_ > 0) break;
    } else if (bytes.empty()) {
      break;
    } else {
      state = take_framing(bytes[0]);
      bytes = bytes.subspan(1);
    }
  }
  return step_ == Step::done ? State::complete : state;
}

HttpBodyReader::State HttpBodyReader::take_data(BytesView& bytes) {
  const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (part > limit_ - body_.size()) return State::too_long;
  body_.insert(body_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
  bytes = bytes.subspan(part);
  left_ -= part;
  if (left_ == 0) step_ = chunked_ ? Step::data_return : Step::done;
  return State::incomplete;
}

HttpBodyReader::State HttpBodyReader::size_digit(std::uint8_t byte) {
  int value = -1;
  if (byte >= '0' && byte <= '9') value = byte - '0';
  if (byte >= 'a' && byte <= 'f') value = byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') value = byte - 'A' + 10;
  if (value < 0 || ++digits_ > 15) return State::malformed;
  left_ = left_ << 4 | static_cast<unsigned>(value);
  return State::incomplete;
}

HttpBodyReader::State HttpBodyReader::after_size_line() {
  digits_ = 0;
  slack_used_ = 0;
  trailer_line_empty_ = true;
  step_ = left_ == 0 ? Step::trailer : Step::data;
  return left_ > limit_ - body_.size() ? State::too_long : State::incomplete;
}

HttpBodyReader::State HttpBodyReader::take_framing(std::uint8_t byte) {
  const auto expect = [&](char wanted, Step next) {
    step_ = next;
    return byte == static_cast<std::uint8_t>(wanted) ? State::incomplete : State::malformed;
  };
  const bool control = byte < 0x20 && byte != '\t' && byte != '\r';
  switch (step_) {
    case Step::size:
      if (byte == '\r' && digits_ > 0) return expect('\r', Step::size_line_feed);
      if (byte == ';' && digits_ > 0) return expect(';', Step::extension);
      return size_digit(byte);
    case Step::extension:
      if (byte == '\r') return expect('\r', Step::size_line_feed);
      return control || ++slack_used_ > slack_ ? State::malformed : State::incomplete;
    case Step::size_line_feed: return byte == '\n' ? after_size_line() : State::malformed;
    case Step::data_return: return expect('\r', Step::data_line_feed);
    case Step::data_line_feed: return expect('\n', Step::size);
    case Step::trailer:
      if (byte == '\r') return expect('\r', Step::trailer_line_feed);
      trailer_line_empty_ = false;
      return control || ++slack_used_ > slack_ ? State::malformed : State::incomplete;
    case Step::trailer_line_feed:
      if (byte != '\n') return State::malformed;
      step_ = std::exchange(trailer_line_empty_, true) ? Step::done : Step::trailer;
      return State::incomplete;
    case Step::data:
    case Step::done: break;
  }
  return State::incomplete;
}

}  // namespace ghost::net
