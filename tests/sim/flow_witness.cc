#include "flow_witness.h"

#include "b2/message.h"

namespace ghost::b2::test {

namespace {

constexpr std::uint32_t kDefaultWindow = 64 * 1024;

bool counts(FrameType type) { return type == FrameType::call || type == FrameType::data || type == FrameType::resp; }

}  // namespace

void FlowWitness::wrong(const FrameHeader& header, const std::string& what) {
  violations_.push_back("frame of type " + std::to_string(static_cast<int>(header.type)) + " on stream " + std::to_string(header.stream) + ": " + what);
}

void FlowWitness::read(Direction& direction, BytesView bytes, bool outgoing) {
  direction.partial.insert(direction.partial.end(), bytes.begin(), bytes.end());
  BytesView left = direction.partial;
  if (!direction.preface && left.size() >= kPreface.size()) {
    direction.preface = true;
    left = left.subspan(kPreface.size());
  }
  while (direction.preface && left.size() >= kHeaderSize) {
    const FrameHeader header = read_header(left.data());
    if (left.size() < header.total()) break;
    const BytesView payload = left.subspan(kHeaderSize + header.extension_bytes(), header.length);
    ++frames_;
    if (outgoing) on_sent(header, payload);
    else on_received(header, payload);
    left = left.subspan(header.total());
  }
  direction.partial = to_bytes(left);
}

FlowWitness::Window& FlowWitness::window(std::uint32_t stream) {
  const auto [found, fresh] = windows_.try_emplace(stream);
  if (fresh) found->second.left = stream_window_;
  return found->second;
}

void FlowWitness::on_sent(const FrameHeader& header, BytesView) {
  if (!out_.hello && header.type != FrameType::hello && header.type != FrameType::goaway) wrong(header, "sent before HELLO");
  if (out_.hello && header.type == FrameType::hello) wrong(header, "a second HELLO");
  if (header.type == FrameType::hello) out_.hello = true;
  if (!counts(header.type) || !in_.hello) return;
  const bool own = (header.stream & 1) == (dialer_ ? 1u : 0u);
  if (header.type == FrameType::call) {
    if (!own || header.stream <= last_own_) wrong(header, "a number that is not this end's to take");
    last_own_ = header.stream;
  } else if (header.stream > (own ? last_own_ : last_theirs_)) {
    wrong(header, "a stream that was never opened");
  }
  if (header.length > frame_bytes_) wrong(header, "longer than the peer takes");
  connection_ -= header.length;
  if (connection_ < 0) wrong(header, std::to_string(-connection_) + " bytes beyond the connection's window");
  Window& stream = window(header.stream);
  if (stream.ended) wrong(header, "sent after the end of this side");
  // The words of a refusal or failure need room on the connection only: their stream is over.
  const bool failure = header.type == FrameType::resp && header.code != 0;
  stream.left -= header.length;
  if (stream.left < 0 && !failure) wrong(header, std::to_string(-stream.left) + " bytes beyond the stream's window");
  if (header.type == FrameType::resp || (own && (header.flags & flag::kEnd) != 0 && (header.flags & flag::kMore) == 0)) stream.ended = true;
}

void FlowWitness::on_received(const FrameHeader& header, BytesView payload) {
  if (header.type == FrameType::hello && !in_.hello) on_peer_hello(payload);
  connection_ += header.credit;
  if (header.type == FrameType::call) last_theirs_ = std::max(last_theirs_, header.stream);
  if (header.type == FrameType::credit && header.stream != 0 && payload.size() == 4) window(header.stream).left += ByteReader(payload).u32();
}

void FlowWitness::on_peer_hello(BytesView payload) {
  in_.hello = true;
  const auto hello = decode<v1::Hello>(payload);
  const v1::Limits limits = hello && hello->limits ? *hello->limits : v1::Limits{};
  const auto told = [](std::uint32_t value, std::uint32_t otherwise) { return value == 0 ? otherwise : value; };
  connection_ = told(limits.connection_window, kDefaultWindow) / sceptic_;
  stream_window_ = told(limits.stream_window, kDefaultWindow) / sceptic_;
  frame_bytes_ = told(limits.frame_bytes, kDefaultWindow);
}

}  // namespace ghost::b2::test
