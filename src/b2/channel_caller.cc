#include <algorithm>
#include <utility>

#include "b2/channel.h"
#include "b2/compression.h"

namespace ghost::b2 {

namespace {

constexpr std::uint32_t kLastStream = 0xfffffff0;

std::uint32_t milliseconds_up(Duration span) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(span).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, 0xffffffff));
}

std::string path(std::string_view service, std::string_view method) { return std::string(service) + "/" + std::string(method); }

}  // namespace

/// What the peer told of a method; null when it has no such. Valid until the next one is looked for.
const Channel::Known* Channel::find_method(std::string_view service, std::string_view method) {
  if (!known_methods_) known_methods_ = std::make_unique<std::array<Known, 16>>();
  Known& known = (*known_methods_)[(reinterpret_cast<std::uintptr_t>(method.data()) >> 3) % known_methods_->size()];
  if (known.method_at == method.data() && known.method == method && known.service == service) return &known;
  for (const v1::ServiceEntry& entry : peer_hello_->services) {
    if (entry.name != service) continue;
    for (std::size_t i = 0; i < entry.methods.size(); ++i) {
      if (entry.methods[i].name != method) continue;
      const auto index = static_cast<std::uint16_t>(entry.first_method + i);
      const v1::MethodKind kind = entry.methods[i].kind;
      known = {method.data(), std::string(service), std::string(method), index,
               kind == v1::MethodKind::client_stream || kind == v1::MethodKind::bidirectional,
               kind == v1::MethodKind::server_stream || kind == v1::MethodKind::bidirectional, entry.methods[i].idempotent};
      return &known;
    }
  }
  return nullptr;
}

ClientCall Channel::start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                          std::unique_ptr<CallHandler> handler) {
  const auto refuse = [&](Errc code, std::string why) {
    handler->on_end(Error{code, path(service, method) + " at " + wiring_.peer->where + ": " + why});
    return ClientCall();
  };
  if (over_ || !peer_hello_) return refuse(Errc::busy, "not connected");
  if (leaving_) return refuse(Errc::busy, "this connection is being closed");
  if (peer_last_) return refuse(Errc::busy, peer_leaves_why_);
  const Known* known = find_method(service, method);
  if (known == nullptr) return refuse(Errc::not_found, "there is no such method; 'b2 ls' lists what there is");
  if (known->takes_stream != options.streams_request) {
    return refuse(Errc::unsupported, known->takes_stream ? "it takes a stream of messages, not one request" : "it takes one request, not a stream of messages");
  }
  if (options.streams_request && request.size != 0) return refuse(Errc::malformed, "a stream of messages begins without a request");
  if (options.key && (known->takes_stream || known->gives_stream)) return refuse(Errc::unsupported, "a call that streams takes no idempotency key");
  const std::uint16_t index = known->index;
  if (ours_open_ >= peer_streams_) return refuse(Errc::exhausted, std::to_string(ours_open_) + " calls are open on this connection, as many as the peer takes");
  if (last_ours_ >= kLastStream) return refuse(Errc::busy, "the connection has used up its stream numbers; connect again");
  Bytes with_metadata;
  if (!options.metadata.empty()) {
    auto block = write_metadata(options.metadata);
    if (!block) return refuse(block.error().code, block.error().message);
    // It stands whole in the first frame (§2), which no window and no frame of the peer may be too small for.
    if (block->size() > std::min({peer_frame_bytes_, peer_stream_window_, peer_window_})) {
      return refuse(Errc::exhausted, "metadata of " + std::to_string(block->size()) + " bytes; the peer takes less in one frame");
    }
    with_metadata = std::move(*block);
    const std::size_t at = with_metadata.size();
    with_metadata.resize(at + request.size);
    request.write_to(with_metadata.data() + at);
  }

  last_ours_ = last_ours_ == 0 ? (side_ == Side::dialer ? 1 : 2) : last_ours_ + 2;
  Stream& stream = streams_.add(last_ours_);
  ++ours_open_;
  stream.id = last_ours_;
  stream.ours = true;
  stream.handler = std::move(handler);
  stream.manual_credit = options.manual_credit;
  stream.idempotent = options.idempotent || known->idempotent || (options.key && peer_keeps_keys_);
  stream.called = index;
  stream.streams_request = options.streams_request;
  stream.request_done = !options.streams_request;
  stream.send_window = peer_stream_window_;
  stream.receive_window = stream.window_size = limits_.stream_window;

  std::uint8_t lone_timeout[kTimeoutExtension];
  Bytes several;
  BytesView extensions;
  const bool timed = options.timeout != Duration::max();
  if (options.key || options.epoch || options.trace) {
    Extensions told;
    if (timed) told.timeout_ms = milliseconds_up(options.timeout);
    if (options.trace) told.traceparent = options.trace->wire();
    told.idempotency_key = options.key;
    told.epoch = options.epoch;
    extensions = several = write_extensions(told);
  } else if (timed) {
    write_timeout(milliseconds_up(options.timeout), lone_timeout);
    extensions = lone_timeout;
  }
  if (timed) {
    stream.deadline = wiring_.clock.now() + options.timeout;
    if (stream.deadline < next_deadline_) {
      next_deadline_ = stream.deadline;
      wake_by(next_deadline_);
    }
  }
  ClientCall call(self_, stream.id);
  const std::uint8_t end = options.streams_request ? std::uint8_t{0} : flag::kEnd;
  if (with_metadata.empty()) {
    send_message(stream, FrameType::call, end, index, extensions, request);
  } else {
    send_message(stream, FrameType::call, static_cast<std::uint8_t>(end | flag::kMeta), index, extensions, Payload(BytesView(with_metadata)));
  }
  return call;
}

bool Channel::write_request(std::uint64_t key, const Payload& message) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || !stream->ours || over_ || stream->request_done) return false;
  if (stream->waiting_bytes + message.size > kMaxWaiting) {
    tell_cancelled(*stream, Errc::cancelled);
    end_call(*stream, Error{Errc::exhausted, "the caller wrote 64 MiB more than the peer could take"});
    return false;
  }
  send_message(*stream, FrameType::data, 0, 0, {}, message);
  stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr) return false;
  stream->told_full = !stream->waiting.empty();
  return !stream->told_full;
}

void Channel::finish_request(std::uint64_t key) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || !stream->ours || over_ || stream->request_done) return;
  stream->request_done = true;
  send_message(*stream, FrameType::data, flag::kEnd, 0, {}, Payload());
}

void Channel::on_answer(const FrameHeader& header, BytesView payload) {
  Stream* found = streams_.find(header.stream);
  if (found == nullptr) {
    if (!was_opened(header.stream)) die(Errc::malformed, "an answer on stream " + std::to_string(header.stream) + ", which was never opened");
    return;
  }
  Stream& stream = *found;
  const bool is_final = header.type == FrameType::resp;
  if (header.length == 0 && !is_final && !take_control_token("an empty DATA")) return;
  stream.receive_window -= header.length;
  if (is_final && (header.flags & flag::kMeta) != 0) {
    Metadata metadata;
    const auto rest = read_metadata(payload, metadata);
    if (!rest) return die(rest.error().code, rest.error().message);
    payload = *rest;
    ++handing_over_;  // the handler may end the call, and is then kept until this has returned
    stream.handler->on_metadata(metadata);
    if (--handing_over_ == 0) ended_.clear();
    if (over_ || streams_.find(header.stream) == nullptr) return;
  }
  if (is_final && header.code != 0) {
    const Errc code = header.code <= 16 ? static_cast<Errc>(header.code) : Errc::unknown;
    std::string text(as_text(payload.first(std::min(payload.size(), kMaxErrorText))));
    if (text.empty() && code == Errc::busy) text = peer_leaves_why_;
    if (text.empty()) text = std::string(name(code)) + ", and no more was told";
    return end_call(stream, Error{code, std::move(text)});
  }
  if (stream.receive_window < 0) return die(Errc::exhausted, "the peer sent more than the stream's window allows");
  if ((header.flags & flag::kCompressed) != 0 && !zstd_agreed_) return end_either(stream, Errc::unsupported, "the answer is compressed, which was not agreed on");
  const std::uint32_t id = stream.id;
  const bool more = !is_final && (header.flags & flag::kMore) != 0;
  if (more || stream.assembling) {
    if (!assemble(stream, header, payload) || more) return;
    deliver_assembly(stream);
  } else if (!is_final || (header.flags & flag::kEnd) == 0) {
    deliver(stream, header, payload, is_final);
  }
  if (!is_final) return;
  if (Stream* still = streams_.find(id)) end_call(*still, Status());
}

/// Hands a message that came in one frame to the handler; its credit goes back when it has been used.
void Channel::deliver(Stream& stream, const FrameHeader& header, BytesView payload, bool is_last) {
  const std::uint32_t id = stream.id;
  const auto size = static_cast<std::uint32_t>(payload.size());
  const bool manual = stream.manual_credit;
  std::optional<Bytes> plain;
  if ((header.flags & flag::kCompressed) != 0) {
    plain = expand(stream, payload);
    if (!plain) return;
  }
  const BytesView message = plain ? BytesView(*plain) : payload;
  if (manual) {
    stream.unreleased += size;
    stream.unreleased_plain += message.size();
  }
  hand_over(stream, message);
  if (plain) wiring_.endpoint.budget.give(plain->size());
  if (manual || is_last || over_) return;
  if (Stream* still = streams_.find(id)) release_stream_credit(*still, size);
}

/// Hands over a message that came in parts. Credit that went back with its parts is not given twice.
void Channel::deliver_assembly(Stream& stream) {
  Bytes message = std::exchange(stream.assembly, {});
  stream.assembling = false;
  wiring_.endpoint.budget.give(std::exchange(stream.budget_taken, 0));
  const std::uint32_t early = std::exchange(stream.given_early, 0);
  const auto size = static_cast<std::uint32_t>(message.size());
  std::uint64_t charged = 0;
  if (stream.compressed) {
    auto plain = expand(stream, message);
    if (!plain) return;
    message = std::move(*plain);
    charged = message.size();
  }
  if (stream.manual_credit) {
    stream.unreleased += size;
    stream.unreleased_plain += message.size();
    stream.credit_due -= early;
  }
  hand_over(stream, message);
  wiring_.endpoint.budget.give(charged);
}

void Channel::hand_over(Stream& stream, BytesView message) {
  if (!stream.ours) {
    const auto reader = stream.reader;
    if (reader && reader->message) reader->message(message);
    return;
  }
  ++handing_over_;
  stream.handler->on_message(message);
  if (--handing_over_ == 0) ended_.clear();
}

void Channel::end_call(Stream& stream, const Status& status) {
  std::unique_ptr<CallHandler> handler = std::move(stream.handler);
  std::string about;
  if (!status && peer_hello_) {
    for (const v1::ServiceEntry& entry : peer_hello_->services) {
      if (stream.called < entry.first_method || stream.called >= entry.first_method + entry.methods.size()) continue;
      about = path(entry.name, entry.methods[stream.called - entry.first_method].name) + " at " + wiring_.peer->where;
    }
  }
  remove(stream);
  if (handler) {
    if (status) handler->on_end(status);
    else handler->on_end(about.empty() ? status.error() : status.error().in(about));
  }
  if (handing_over_ != 0) ended_.push_back(std::move(handler));
  finish_if_drained();
}

/// Sends CANCEL, unless not even the first part of the call has left.
void Channel::tell_cancelled(const Stream& stream, Errc code) {
  const bool unsent = !stream.waiting.empty() && stream.waiting.front().type == FrameType::call && !stream.waiting.front().begun;
  if (!over_ && !unsent) begin_frame(FrameType::cancel, stream.id, 0, static_cast<std::uint16_t>(code), 0, 0);
}

void Channel::cancel(std::uint64_t key) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || !stream->ours) return;
  tell_cancelled(*stream, Errc::cancelled);
  end_call(*stream, Error{Errc::cancelled, "cancelled by the caller"});
}

void Channel::release(std::uint64_t key, std::size_t bytes) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || !stream->manual_credit || over_) return;
  if (stream->unreleased_plain == 0) return;
  // What was used is told in plain bytes, what may be sent again is counted as it came.
  const std::uint64_t used = std::min<std::uint64_t>(bytes, stream->unreleased_plain);
  const auto released = static_cast<std::uint32_t>(std::uint64_t{stream->unreleased} * used / stream->unreleased_plain);
  stream->unreleased_plain -= used;
  stream->unreleased -= released;
  release_stream_credit(*stream, released);
}

/// Notes that `bytes` of a stream were used; gives credit back when half a window is due, and lets the window grow while the
/// peer runs into its end.
void Channel::release_stream_credit(Stream& stream, std::int64_t bytes) {
  stream.credit_due += bytes;
  if (std::exchange(stream.read, reads_) != reads_) stream.read_bytes = 0;
  stream.read_bytes += static_cast<std::uint32_t>(bytes);
  const std::uint32_t limit = limits_.max_stream_window;
  const bool narrow = stream.receive_window < stream.window_size / 4 || stream.read_bytes >= stream.window_size / 2;
  if (narrow && stream.unreleased < stream.window_size / 2 && stream.window_size < limit) {
    const std::uint32_t more = std::min(stream.window_size, limit - stream.window_size);
    if (wiring_.endpoint.budget.take(more)) {
      stream.window_taken += more;
      stream.window_size += more;
      stream.credit_due += more;
    }
  }
  if (stream.credit_due < stream.window_size / 2 || (stream.request_done && !stream.ours)) return;
  stream.receive_window += stream.credit_due;
  send_credit(stream.id, static_cast<std::uint32_t>(std::exchange(stream.credit_due, 0)));
}

/// Adds a part of a message to the stream's buffer, charged to the budget, and gives its credit back. False when the stream
/// had to be ended.
bool Channel::assemble(Stream& stream, const FrameHeader& header, BytesView part) {
  if (!stream.assembling) stream.compressed = (header.flags & flag::kCompressed) != 0;
  Errc code{};
  std::string why;
  if (stream.assembly.size() + part.size() > limits_.message_bytes) {
    code = Errc::exhausted;
    why = "a message of more than " + std::to_string(limits_.message_bytes) + " bytes";
  } else if (!wiring_.endpoint.budget.take(part.size())) {
    code = Errc::exhausted;
    why = "the receive budget of the process, " + std::to_string(wiring_.endpoint.budget.total()) + " bytes, is used up; try again later";
  } else {
    stream.budget_taken += part.size();
    stream.assembling = true;
    stream.assembly.insert(stream.assembly.end(), part.begin(), part.end());
    const auto back = static_cast<std::uint32_t>(part.size());
    if (stream.unreleased >= stream.window_size) {
      stream.credit_due += back;  // the handler is behind: what it has comes first
    } else if (back != 0) {
      stream.receive_window += back;
      stream.given_early += back;
      send_credit(stream.id, back);
    }
    return true;
  }
  end_either(stream, code, why);
  return false;
}

/// A message as it was before it was compressed, charged to the budget; nothing when the stream had to be ended.
std::optional<Bytes> Channel::expand(Stream& stream, BytesView compressed) {
  ReceiveBudget& budget = wiring_.endpoint.budget;
  const auto size = Compression::plain_size(compressed, limits_.message_bytes);
  if (!size) {
    end_either(stream, size.error().code, size.error().message);
    return std::nullopt;
  }
  if (!budget.take(*size)) {
    end_either(stream, Errc::exhausted, "the receive budget of the process, " + std::to_string(budget.total()) + " bytes, is used up; try again later");
    return std::nullopt;
  }
  auto plain = wiring_.endpoint.compression->decompress(compressed, limits_.message_bytes);
  if (plain) return std::move(*plain);
  budget.give(*size);
  end_either(stream, plain.error().code, plain.error().message);
  return std::nullopt;
}

/// Ends a call, whoever made it, for what its peer sent.
void Channel::end_either(Stream& stream, Errc code, const std::string& why) {
  if (!stream.ours) return cut_off(stream, code, why);
  tell_cancelled(stream, Errc::cancelled);
  end_call(stream, Error{code, why});
}

}  // namespace ghost::b2
