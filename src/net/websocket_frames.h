#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/byte_queue.h"
#include "base/bytes.h"
#include "base/result.h"

struct wslay_frame_context;

namespace ghost::net {

/// RFC 6455's frames over libwslay, without a socket: bytes to payloads and back, with all the checks the RFC asks of the
/// receiver. Only binary messages carry data; they are given on piece by piece, never put together.
class WebSocketFrames {
 public:
  enum class Role { client, server };

  /// A goodbye from the peer (§7.1.5). The code is 1005 when it sent none.
  struct Close {
    std::uint16_t code = 1005;
    std::string reason;
  };
  /// The peer broke the rules: what to close with (§7.4.1).
  struct Violation {
    std::uint16_t code;
    std::string sentence;
  };
  /// What a run of bytes held. `payload` came before `close` and `violation`, after which nothing is read any more.
  struct Received {
    Bytes payload;
    std::optional<Bytes> ping;  ///< the last one's; older ones need no answer (§5.5.3)
    std::optional<Close> close;
    std::optional<Violation> violation;
  };

  explicit WebSocketFrames(Role role);

  Received receive(BytesView bytes);

  /// One binary message of the first `length` bytes of `plain`, which are consumed.
  void send_message(ByteQueue& plain, std::size_t length, ByteQueue& out);
  void send_pong(BytesView payload, ByteQueue& out);
  /// @param code  1005 sends none
  void send_close(std::uint16_t code, std::string_view reason, ByteQueue& out);

 private:
  struct Callbacks;
  struct Free {
    void operator()(wslay_frame_context* context) const;
  };
  struct Frame;
  std::optional<Violation> check(const Frame& frame) const;
  void take(const Frame& frame, Received& into);
  void end_control(std::uint8_t opcode, Received& into);
  void send_control(std::uint8_t opcode, BytesView payload, ByteQueue& out);

  Role role_;
  std::unique_ptr<wslay_frame_context, Free> context_;
  BytesView in_;
  ByteQueue* out_ = nullptr;
  std::uint64_t frame_taken_ = 0;  ///< of the payload of the frame being read
  bool in_message_ = false;        ///< a message's first frame came, its last did not
  bool over_ = false;
  Bytes control_;                  ///< payload of the control frame being read: at most 125 bytes
};

/// Whether `bytes` are UTF-8 (RFC 3629): no overlong forms, no surrogates.
bool is_utf8(BytesView bytes);

}  // namespace ghost::net
