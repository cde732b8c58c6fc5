#include "net/websocket_frames.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace ghost::net {

struct WebSocketFrames::Callbacks {
  static WebSocketFrames& frames(void* user_data) { return *static_cast<WebSocketFrames*>(user_data); }

  static ssize_t receive(std::uint8_t* to, std::size_t room, int, void* user_data) {
    BytesView& in = frames(user_data).in_;
    const std::size_t count = std::min(room, in.size());
    if (count == 0) return -1;
    std::memcpy(to, in.data(), count);
    in = in.subspan(count);
    return static_cast<ssize_t>(count);
  }

  static ssize_t send(const std::uint8_t* from, std::size_t length, int, void* user_data) {
    frames(user_data).out_->append(BytesView(from, length));
    return static_cast<ssize_t>(length);
  }

  /// Unpredictable, so that a client cannot be made to write bytes a proxy takes for HTTP (§10.3).
  static int mask(std::uint8_t* to, std::size_t length, void*) {
    random_bytes({to, length});
    return 0;
  }
};

/// A piece of one frame, as libwslay gives it.
struct WebSocketFrames::Frame {
  bool last;    ///< the FIN bit
  std::uint8_t reserved;
  std::uint8_t opcode;
  bool masked;
  bool begins;  ///< the frame's first piece
  bool ends;    ///< and its last
  BytesView piece;
};

void WebSocketFrames::Free::operator()(wslay_frame_context* context) const { wslay_frame_context_free(context); }

WebSocketFrames::WebSocketFrames(Role role) : role_(role) {
  const wslay_frame_callbacks callbacks{Callbacks::send, Callbacks::receive, Callbacks::mask};
  wslay_frame_context_ptr context = nullptr;
  if (wslay_frame_context_init(&context, &callbacks, this) != 0) throw std::bad_alloc();
  context_.reset(context);
}

WebSocketFrames::Received WebSocketFrames::receive(BytesView bytes) {
  Received received;
  in_ = bytes;
  while (!over_) {
    wslay_frame_iocb read{};
    const ssize_t outcome = wslay_frame_recv(context_.get(), &read);
    if (outcome == WSLAY_ERR_WANT_READ) {
      if (in_.empty()) break;
      continue;
    }
    if (outcome < 0) {
      received.violation = Violation{1002, "a frame's length is malformed"};
    } else {
      const bool begins = frame_taken_ == 0;
      frame_taken_ += read.data_length;
      const bool ends = frame_taken_ == read.payload_length;
      if (ends) frame_taken_ = 0;
      take({read.fin != 0, read.rsv, read.opcode, read.mask != 0, begins, ends, {read.data, read.data_length}}, received);
    }
    over_ = received.close || received.violation;
  }
  in_ = {};
  return received;
}

std::optional<WebSocketFrames::Violation> WebSocketFrames::check(const Frame& frame) const {
  if (frame.reserved != 0) return Violation{1002, "a reserved bit is set, and no extension was agreed on"};
  if (frame.masked != (role_ == Role::server)) {
    return Violation{1002, role_ == Role::server ? "a client's frame must be masked" : "a server's frame must not be masked"};
  }
  switch (frame.opcode) {
    case WSLAY_CONTINUATION_FRAME:
      if (!in_message_) return Violation{1002, "a continuation of no message"};
      return {};
    case WSLAY_TEXT_FRAME: return Violation{1003, "only binary messages are understood here"};
    case WSLAY_BINARY_FRAME:
      if (in_message_) return Violation{1002, "a message begins within another"};
      return {};
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG: return {};
    default: return Violation{1002, "an opcode that is not known"};
  }
}

void WebSocketFrames::take(const Frame& frame, Received& into) {
  if (frame.begins) {
    into.violation = check(frame);
    if (into.violation) return;
  }
  if (wslay_is_ctrl_frame(frame.opcode)) {
    control_.insert(control_.end(), frame.piece.begin(), frame.piece.end());
    if (frame.ends) end_control(frame.opcode, into);
    return;
  }
  into.payload.insert(into.payload.end(), frame.piece.begin(), frame.piece.end());
  in_message_ = !(frame.ends && frame.last);
}

/// Codes that may stand in a Close frame (§7.4.1, and the registry up to 1014).
static bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

void WebSocketFrames::end_control(std::uint8_t opcode, Received& into) {
  const Bytes payload = std::exchange(control_, {});
  if (opcode == WSLAY_PING) into.ping = payload;
  if (opcode != WSLAY_CONNECTION_CLOSE) return;
  if (payload.empty()) {
    into.close = Close{};
    return;
  }
  const auto code = payload.size() < 2 ? std::uint16_t{0} : static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  const BytesView reason = BytesView(payload).subspan(std::min<std::size_t>(2, payload.size()));
  if (!may_be_sent(code)) {
    into.violation = Violation{1002, "a close frame with a code that is not allowed"};
  } else if (!is_utf8(reason)) {
    into.violation = Violation{1007, "a close frame whose reason is not UTF-8"};
  } else {
    into.close = Close{code, std::string(as_text(reason))};
  }
}

void WebSocketFrames::send_message(ByteQueue& plain, std::size_t length, ByteQueue& out) {
  out_ = &out;
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = WSLAY_BINARY_FRAME;
  frame.mask = role_ == Role::client;
  frame.payload_length = length;
  while (length > 0) {
    BytesView run;
    plain.runs(&run, 1);
    run = run.first(std::min(run.size(), length));
    frame.data = run.data();
    frame.data_length = run.size();
    wslay_frame_send(context_.get(), &frame);
    plain.consume(run.size());
    length -= run.size();
  }
}

void WebSocketFrames::send_control(std::uint8_t opcode, BytesView payload, ByteQueue& out) {
  out_ = &out;
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = opcode;
  frame.mask = role_ == Role::client;
  frame.payload_length = payload.size();
  frame.data = payload.data();
  frame.data_length = payload.size();
  wslay_frame_send(context_.get(), &frame);
}

void WebSocketFrames::send_pong(BytesView payload, ByteQueue& out) { send_control(WSLAY_PONG, payload, out); }

void WebSocketFrames::send_close(std::uint16_t code, std::string_view reason, ByteQueue& out) {
  Bytes payload;
  if (code != 1005) {
    payload = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    const BytesView text = as_bytes(reason.substr(0, 123));
    payload.insert(payload.end(), text.begin(), text.end());
  }
  send_control(WSLAY_CONNECTION_CLOSE, payload, out);
}

/// How many bytes follow a UTF-8 sequence's first; -1 for one that begins none.
static int followers(std::uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first <= 0xdf) return 1;
  if (first >= 0xe0 && first <= 0xef) return 2;
  if (first >= 0xf0 && first <= 0xf4) return 3;
  return -1;
}

bool is_utf8(BytesView bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint8_t first = bytes[i];
    const int more = followers(first);
    if (more < 0 || i + static_cast<std::size_t>(more) >= bytes.size()) return false;
    // The second byte's range keeps overlong forms, surrogates and what lies beyond U+10FFFF out.
    const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (int k = 1; k <= more; ++k) {
      const std::uint8_t byte = bytes[i + static_cast<std::size_t>(k)];
      if (byte < (k == 1 ? low : 0x80) || byte > (k == 1 ? high : 0xbf)) return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

}  // namespace ghost::net
