#include <cstdlib>

#include "net/http.h"
#include "net/memory_world.h"
#include "net/websocket_handshake.h"
#include "net/websocket_stream.h"

using namespace ghost;
using namespace ghost::net;

namespace {

/// Plays `bytes` in pieces to the other end of `stranger`, then leaves.
void play(MemoryReactor& reactor, std::unique_ptr<ByteStream> stranger, std::size_t piece, BytesView bytes) {
  StreamRecorder ignored;
  stranger->set_handler(ignored);
  for (; !bytes.empty(); piece = piece * 5 + 1) {
    const std::size_t part = std::min(bytes.size(), piece % 61 + 1);
    stranger->output().append(bytes.first(part));
    bytes = bytes.subspan(part);
    reactor.settle();
  }
  stranger.reset();
  reactor.run_for(std::chrono::minutes(1));
}

/// Frames of a stranger to either side: the payload is never longer than what was sent, and the stream ends once.
void frames(WebSocketFrames::Role role, std::size_t piece, BytesView bytes) {
  MemoryReactor reactor;
  auto [ours, theirs] = make_memory_pair(reactor);
  StreamRecorder seen;
  int ends = 0;
  seen.on_end = [&](const Error&) { ++ends; };
  WebSocketStream stream(reactor, std::move(ours), role, {});
  stream.set_handler(seen);
  stream.output().append(as_bytes("said by us"));
  play(reactor, std::move(theirs), piece, bytes);
  if (ends != 1 || seen.bytes.size() > bytes.size()) std::abort();
}

/// A stranger's answer to our upgrade: the dial ends with a reason, or with a stream only if the answer fits the key.
void answer(std::size_t piece, BytesView bytes) {
  MemoryReactor reactor;
  auto [ours, theirs] = make_memory_pair(reactor);
  int dones = 0;
  auto dial = dial_websocket(reactor, std::move(ours), "host", "/", {"b2.1"}, {}, std::chrono::seconds(5), [&](auto result) {
    ++dones;
    if (result) std::abort();  // the key is random: no fixed answer fits it
  });
  play(reactor, std::move(theirs), piece, bytes);
  if (dones != 1) std::abort();
}

}  // namespace

// The first byte chooses what is attacked and how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView bytes(data + 1, size - 1);
  const std::size_t piece = data[0] >> 2;
  switch (data[0] & 3) {
    case 0: frames(WebSocketFrames::Role::client, piece, bytes); break;
    case 1: answer(piece, bytes); break;
    default: frames(WebSocketFrames::Role::server, piece, bytes); break;
  }
  return 0;
}
