#include <algorithm>
#include <cstring>

#include "b2/channel.h"
#include "b2/compression.h"
#include "b2/message.h"

namespace ghost::b2 {

namespace {

/// Output beyond this waits for the transport: new data stays in its stream, where credit and turns are still fair.
constexpr std::size_t kOutputHigh = 256 * 1024;
/// A frame when several streams have data waiting (§4).
constexpr std::size_t kFairFrame = 16 * 1024;
/// After so many messages in a row that did not shrink, so many are sent without a try.
constexpr unsigned kInVain = 4, kLeftAlone = 64;
/// The connection's window cuts off no less than this, a quarter of the smallest window: its credit comes back whatever the program does.
constexpr std::size_t kLeastPart = 1024;

}  // namespace

bool Channel::output_full() const { return wiring_.output.size() >= kOutputHigh; }

/// Appends a frame to the output, with the connection credit that is due; gives where its extensions and payload go.
std::uint8_t* Channel::begin_frame(FrameType type, std::uint32_t stream, std::uint8_t flags, std::uint16_t code,
                                   std::size_t extension_bytes, std::size_t payload_bytes) {
  FrameHeader header;
  header.length = static_cast<std::uint32_t>(payload_bytes);
  header.type = type;
  header.stream = stream;
  header.flags = flags;
  header.extension_words = static_cast<std::uint8_t>(extension_bytes / 4);
  header.code = code;
  header.credit = std::exchange(credit_due_, 0);
  receive_window_ += header.credit;
  std::uint8_t* at = wiring_.output.grow(header.total());
  write_header(header, at);
  wiring_.endpoint.counters.bytes_out += header.total();
  return at + kHeaderSize;
}

void Channel::send_hello() {
  wiring_.output.append(BytesView(kPreface));
  const v1::Hello hello = wiring_.endpoint.hello(limits_);
  const std::size_t size = encoded_size(hello);
  encode_to(hello, begin_frame(FrameType::hello, 0, 0, 0, 0, size));
}

void Channel::tell_services(const v1::ServiceEntry& changed) {
  if (over_ || (side_ == Side::acceptor && !peer_hello_)) return;  // the acceptor's HELLO, still to come, tells it
  v1::Hello update;
  update.services.push_back(changed);
  encode_to(update, begin_frame(FrameType::hello_update, 0, 0, 0, 0, encoded_size(update)));
}

void Channel::tell_revocations() {
  if (over_ || (side_ == Side::acceptor && !peer_hello_)) return;
  v1::Hello update;
  update.revocations = wiring_.endpoint.revocations;
  encode_to(update, begin_frame(FrameType::hello_update, 0, 0, 0, 0, encoded_size(update)));
}

void Channel::send_credit(std::uint32_t stream, std::uint32_t bytes) {
  std::uint8_t* at = begin_frame(FrameType::credit, stream, 0, 0, 0, stream == 0 ? 0 : 4);
  if (stream == 0) return;
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(bytes >> (8 * i));
}

/// A message as it is worth sending: nothing where it goes plain. A peer whose messages gain nothing is left alone for a while.
std::optional<Bytes> Channel::compressed(const Payload& payload) {
  if (payload.size > Compression::kLongest) return std::nullopt;
  const bool wanted = wiring_.endpoint.compress == Compress::always || (wiring_.remote && wiring_.endpoint.compress == Compress::to_remote);
  if (!wanted) return std::nullopt;
  if (left_alone_ != 0) {
    --left_alone_;
    return std::nullopt;
  }
  Bytes plain(payload.size);
  payload.write_to(plain.data());
  auto small = wiring_.endpoint.compression->compress(plain);
  if (small) {
    compressed_in_vain_ = 0;
    wiring_.endpoint.counters.bytes_saved += plain.size() - small->size();
  } else if (++compressed_in_vain_ >= kInVain) {
    left_alone_ = kLeftAlone;
    compressed_in_vain_ = kInVain - 1;  // then one try
  }
  return small;
}

void Channel::send_message(Stream& stream, FrameType type, std::uint8_t flags, std::uint16_t code, BytesView extensions,
                           const Payload& payload) {
  if (payload.size < Compression::kShortest || !zstd_agreed_) return send_plain(stream, type, flags, code, extensions, payload);
  const bool error = type == FrameType::resp && code != 0;
  const auto small = error || (flags & flag::kMeta) != 0 ? std::nullopt : compressed(payload);
  if (!small) return send_plain(stream, type, flags, code, extensions, payload);
  send_plain(stream, type, static_cast<std::uint8_t>(flags | flag::kCompressed), code, extensions, Payload(BytesView(*small)));
}

/// Sends a message in one frame when nothing stands in its way; otherwise keeps a copy until credit and room allow.
void Channel::send_plain(Stream& stream, FrameType type, std::uint8_t flags, std::uint16_t code, BytesView extensions,
                           const Payload& payload) {
  const auto size = static_cast<std::int64_t>(payload.size);
  const bool alone = stream.waiting_from == stream.waiting.size() && ready_from_ == ready_.size();
  if (alone && payload.size <= peer_frame_bytes_ && size <= send_window_ && size <= stream.send_window && !output_full()) {
    std::uint8_t* at = begin_frame(type, stream.id, flags, code, extensions.size(), payload.size);
    if (!extensions.empty()) std::memcpy(at, extensions.data(), extensions.size());
    payload.write_to(at + extensions.size());
    send_window_ -= size;
    stream.send_window -= size;
    return;
  }
  Waiting waiting;
  waiting.bytes.resize(payload.size);
  payload.write_to(waiting.bytes.data());
  waiting.type = type;
  waiting.flags = flags;
  waiting.code = code;
  waiting.extensions = to_bytes(extensions);
  stream.waiting_bytes += payload.size;
  stream.waiting.push_back(std::move(waiting));
  enqueue(stream);
  pump();
}

void Channel::enqueue(Stream& stream) {
  if (stream.queued) return;
  stream.queued = true;
  ready_.push_back(stream.id);
}

/// Sends the next frame of what waits on `stream`; false when its window, not the connection's, is in the way.
bool Channel::send_part(Stream& stream) {
  Waiting& waiting = stream.waiting[stream.waiting_from];
  const std::size_t left = waiting.bytes.size() - waiting.sent;
  const bool others = ready_.size() - ready_from_ > 1;
  const auto window = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(send_window_, stream.send_window)));
  const std::size_t part = std::min({left, others ? std::min<std::size_t>(kFairFrame, peer_frame_bytes_) : peer_frame_bytes_, window});
  const bool meta_first = (waiting.flags & flag::kMeta) != 0 && !waiting.begun;
  const std::size_t least = meta_first ? 2 + ByteReader(waiting.bytes).u16() : std::min<std::size_t>(left, 1);
  if (part < least) return false;
  // Crumbs of credit would cut all that follows to crumbs, which come back as crumbs (§4).
  if (part < left && part < kLeastPart && send_window_ < stream.send_window) return false;

  const bool last = part == left;
  FrameType type = waiting.type;
  if (type == FrameType::call && waiting.begun) type = FrameType::data;
  if (type == FrameType::resp && !last) type = FrameType::data;
  std::uint8_t flags = last ? waiting.flags : static_cast<std::uint8_t>(flag::kMore | (waiting.flags & flag::kCompressed));
  if (!meta_first) flags &= static_cast<std::uint8_t>(~flag::kMeta);
  if (meta_first) flags |= flag::kMeta;
  const BytesView extensions = waiting.begun ? BytesView() : BytesView(waiting.extensions);
  const std::uint16_t code = type == FrameType::data ? std::uint16_t{0} : waiting.code;

  std::uint8_t* at = begin_frame(type, stream.id, flags, code, extensions.size(), part);
  if (!extensions.empty()) std::memcpy(at, extensions.data(), extensions.size());
  if (part != 0) std::memcpy(at + extensions.size(), waiting.bytes.data() + waiting.sent, part);
  send_window_ -= static_cast<std::int64_t>(part);
  stream.send_window -= static_cast<std::int64_t>(part);
  stream.waiting_bytes -= part;
  waiting.sent += part;
  waiting.begun = true;
  if (last && ++stream.waiting_from == stream.waiting.size()) {
    stream.waiting.clear();
    stream.waiting_from = 0;
  }
  return true;
}

/// Serves the streams that have data waiting, one frame each in turn, while the connection's window and the output have room.
void Channel::pump() {
  if (pumping_ || over_) return;
  pumping_ = true;
  std::vector<std::uint32_t> drained;
  while (ready_from_ < ready_.size() && !output_full()) {
    const std::uint32_t id = ready_[ready_from_];
    Stream* stream = streams_.find(id);
    if (stream == nullptr || stream->waiting.empty()) {
      if (stream != nullptr) stream->queued = false;
      ++ready_from_;
      continue;
    }
    if (!send_part(*stream)) {
      if (send_window_ < stream->send_window) break;  // the connection's credit will ring for all of them
      stream->queued = false;
      ++ready_from_;
      continue;
    }
    ++ready_from_;
    if (stream->waiting.empty()) {
      stream->queued = false;
      drained.push_back(id);
    } else {
      ready_.push_back(id);
    }
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_from_));
  ready_from_ = 0;
  pumping_ = false;

  for (const std::uint32_t id : drained) {
    Stream* stream = streams_.find(id);
    if (stream == nullptr || over_) continue;
    if (!stream->ours && stream->answer_sent) {
      end_if_done(*stream);
    } else {
      ring_ready(*stream);
    }
  }
  finish_if_drained();
}

/// Tells whoever writes to the stream that there is room again.
void Channel::ring_ready(Stream& stream) {
  if (!stream.ours) {
    if (const auto ready = stream.ready) ready();  // a copy: the handler may end the call, and its stream, from here
    return;
  }
  if (stream.request_done || !std::exchange(stream.told_full, false)) return;
  ++handing_over_;  // the handler may end the call, and is then kept until this has returned
  stream.handler->on_ready();
  if (--handing_over_ == 0) ended_.clear();
}

void Channel::on_writable() {
  const auto self = shared_from_this();
  pump();
}

bool Channel::write(std::uint64_t key, const Payload& message) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || over_ || stream->was_cancelled || stream->answer_sent) return false;
  if (stream->waiting_bytes + message.size > kMaxWaiting) {
    fail(key, Error{Errc::exhausted, "the handler wrote 64 MiB more than its caller could take"});
    return false;
  }
  send_message(*stream, FrameType::data, 0, 0, {}, message);
  stream = streams_.find(static_cast<std::uint32_t>(key));
  return stream != nullptr && stream->waiting.empty();
}

}  // namespace ghost::b2
