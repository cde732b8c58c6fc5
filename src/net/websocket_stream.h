#pragma once
#include <memory>

#include "net/layered_stream.h"
#include "net/websocket_frames.h"

namespace ghost::net {

/// A byte stream of the payloads of binary WebSocket messages. What one flush finds in output() leaves as one message, cut at
/// kMessage bytes.
class WebSocketStream final : public LayeredStream {
 public:
  static constexpr std::size_t kMessage = 64 * 1024;

  /// @param first  frames that arrived with the upgrade
  WebSocketStream(Reactor& reactor, std::unique_ptr<ByteStream> below, WebSocketFrames::Role role, BytesView first)
      : LayeredStream(reactor, std::move(below), first), frames_(role) {}

 private:
  void decode(BytesView bytes) override;
  Status encode_some() override;
  void say_goodbye() override;
  Error meaning_of_end(const Error& why) const override;
  void on_room() override { send_pong(); }
  void send_pong();
  void answer_close(const WebSocketFrames::Close& close);
  void refuse(const WebSocketFrames::Violation& violation);
  std::string who() const { return "WebSocket with " + peer().remote.text(); }

  WebSocketFrames frames_;
  std::optional<Bytes> pong_due_;  ///< the last ping's; held back while the peer does not read
};

}  // namespace ghost::net
