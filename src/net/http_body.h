#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace ghost::net {

/// Reads a request's body, framed by Content-Length or in chunks (RFC 9112 §7.1), bounded and strict: libhttp-parser as Debian
/// builds it takes any byte for the line feed of a chunk's line. Chunk extensions and trailers are read and dropped.
class HttpBodyReader {
 public:
  enum class State { incomplete, complete, malformed, too_long };

  HttpBodyReader() = default;
  static HttpBodyReader of_length(std::uint64_t length, std::size_t limit);
  /// @param slack  bytes allowed for one chunk's line, and for all trailers together
  static HttpBodyReader in_chunks(std::size_t limit, std::size_t slack);

  /// Takes from the front of `bytes` what belongs to the body.
  State take(BytesView& bytes);
  Bytes take_body() { return std::move(body_); }
  bool started() const { return started_; }

 private:
  enum class Step { size, extension, size_line_feed, data, data_return, data_line_feed, trailer, trailer_line_feed, done };

  State take_data(BytesView& bytes);
  State take_framing(std::uint8_t byte);
  State after_size_line();
  State size_digit(std::uint8_t byte);

  Bytes body_;
  std::uint64_t left_ = 0;  ///< of the body, or of this chunk
  std::size_t limit_ = 0;
  std::size_t slack_ = 0;
  std::size_t slack_used_ = 0;
  int digits_ = 0;
  bool chunked_ = false;
  bool started_ = false;
  bool trailer_line_empty_ = true;
  Step step_ = Step::data;
};

}  // namespace ghost::net
