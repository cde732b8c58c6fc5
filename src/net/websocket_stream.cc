#include "net/websocket_stream.h"

#include <algorithm>

#include "base/text.h"

namespace ghost::net {

void WebSocketStream::decode(BytesView bytes) {
  const WebSocketFrames::Received received = frames_.receive(bytes);
  if (received.ping) {
    pong_due_ = received.ping;
    send_pong();
  }
  if (!received.payload.empty() && deliver(received.payload) == After::gone) return;
  if (received.violation) return refuse(*received.violation);
  if (received.close) return answer_close(*received.close);
}

void WebSocketStream::send_pong() {
  if (!pong_due_ || said_goodbye() || below().unsent() > kHighWater) return;
  frames_.send_pong(*pong_due_, below().output());
  pong_due_.reset();
}

Status WebSocketStream::encode_some() {
  frames_.send_message(plain(), std::min(plain().size(), kMessage), below().output());
  return {};
}

void WebSocketStream::say_goodbye() {
  frames_.send_close(1000, {}, below().output());
  below().flush();
}

void WebSocketStream::answer_close(const WebSocketFrames::Close& close) {
  // §7.1.1: who begins to close waits for the answer; then the server ends TCP, and so may the client.
  if (!said_goodbye()) frames_.send_close(close.code, {}, below().output());
  const bool orderly = close.code == 1000 || close.code == 1001 || close.code == 1005 || said_goodbye();
  std::string message = who() + ": closed by the other side with " + std::to_string(close.code);
  if (!close.reason.empty()) message += ", " + printable(close.reason);
  end_with_farewell({orderly ? Errc::cancelled : Errc::aborted, std::move(message)});
}

void WebSocketStream::refuse(const WebSocketFrames::Violation& violation) {
  if (!said_goodbye()) frames_.send_close(violation.code, violation.sentence, below().output());
  const Errc code = violation.code == 1003 ? Errc::unsupported : Errc::malformed;
  end_with_farewell({code, who() + ": " + violation.sentence + " (" + std::to_string(violation.code) + ")"});
}

Error WebSocketStream::meaning_of_end(const Error& why) const {
  if (why.code != Errc::cancelled || said_goodbye()) return why;
  return {Errc::data_loss, who() + ": the connection ended without a close frame, so bytes may be missing"};
}

}  // namespace ghost::net
