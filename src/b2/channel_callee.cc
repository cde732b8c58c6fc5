#include <algorithm>

#include "b2/channel.h"
#include "b2/reply_cache.h"
#include "b2/unary_sink.h"

namespace ghost::b2 {

namespace {

/// Handlers on the loop are quick; one call in so many is timed, so that the clock is not read twice for each.
constexpr std::uint64_t kTimeEvery = 16;

}  // namespace

void Channel::on_call(const FrameHeader& header, BytesView extensions, BytesView payload) {
  const std::uint32_t id = header.stream;
  if (is_ours(id) || id <= last_theirs_) {
    return die(Errc::malformed, "CALL on stream " + std::to_string(id) + ", whose number is not the caller's to take");
  }
  last_theirs_ = id;
  Extensions told;
  told.timeout_ms = read_lone_timeout(extensions);
  if (!told.timeout_ms && !extensions.empty()) {
    auto read = read_extensions(extensions);
    if (!read) return die(read.error().code, read.error().message);
    told = *read;
  }
  Metadata metadata;
  MethodEntry* method = nullptr;
  if (const Status fine = judge_call(header, payload, told, metadata, method); !fine) {
    // Of a call that was sent before, a refusal must not be taken for what came of it: it may have been done (§5).
    const bool again = told.idempotency_key && told.epoch && fine.error().code != Errc::unknown;
    return refuse_call(id, again ? Error{Errc::busy, "the call was not taken again: " + fine.error().message} : fine.error());
  }

  Stream& stream = streams_.add(id);
  ++theirs_open_;
  stream.id = id;
  stream.method = method;
  stream.metadata = std::move(metadata);
  if (told.idempotency_key || told.traceparent) note_extras(stream, told);
  stream.send_window = peer_stream_window_;
  stream.receive_window = stream.window_size = limits_.stream_window;
  if (told.timeout_ms) {
    stream.deadline = wiring_.clock.now() + std::chrono::milliseconds(*told.timeout_ms);
    if (stream.deadline < next_deadline_) {
      next_deadline_ = stream.deadline;
      wake_by(next_deadline_);
    }
  }
  if (takes_stream(method->kind)) {
    stream.receive_window -= header.length;
    release_stream_credit(stream, header.length);  // of the metadata, which is used here
    dispatch(stream, {});
    Stream* still = (header.flags & flag::kEnd) != 0 ? streams_.find(id) : nullptr;
    if (still != nullptr) end_request(*still);
    return;
  }
  stream.request_done = (header.flags & flag::kMore) == 0;
  if (stream.request_done && (header.flags & flag::kCompressed) == 0) return dispatch(stream, payload);
  if (stream.request_done) return dispatch_compressed(stream, payload);
  stream.receive_window -= header.length;
  assemble(stream, header, payload);
}

void Channel::note_extras(Stream& stream, const Extensions& told) {
  stream.extras = std::make_unique<Extras>();
  Extras& extras = *stream.extras;
  extras.key = told.idempotency_key;
  if (!told.traceparent) return;
  const auto parent = TraceContext::from_wire(*told.traceparent);
  if (!parent) return;  // what is no trace is none: the call is not the worse for it
  extras.parent = *parent;
  extras.trace = parent->child();
  const Metadata& metadata = stream.metadata;
  extras.wants_hops = std::any_of(metadata.begin(), metadata.end(), [](const auto& entry) { return entry.first == kWantsHops; });
}

/// Whether a CALL may be taken. Strips the metadata off `payload`.
Status Channel::judge_call(const FrameHeader& header, BytesView& payload, const Extensions& extensions, Metadata& metadata,
                           MethodEntry*& method) {
  if (leaving_) return Error{Errc::busy, wiring_.endpoint.name + " is shutting down and takes no new calls"};
  if (theirs_open_ >= limits_.streams) {
    return Error{Errc::exhausted, std::to_string(theirs_open_) + " calls are open on this connection, as many as are allowed"};
  }
  if (extensions.unknown_critical) return Error{Errc::unsupported, "extension " + std::to_string(*extensions.unknown_critical) + " is not understood here"};
  if ((header.flags & flag::kCompressed) != 0 && (!zstd_agreed_ || extensions.encoding.value_or(kEncodingZstd) != kEncodingZstd)) {
    return Error{Errc::unsupported, "this compression was not agreed on"};
  }
  if (extensions.epoch && *extensions.epoch != wiring_.endpoint.boot_epoch) {
    return Error{Errc::unknown, wiring_.endpoint.name + " has restarted since the call was first made; whether it was done cannot be told"};
  }
  if (extensions.timeout_ms && *extensions.timeout_ms == 0) return Error{Errc::timed_out, "the deadline had passed when the call arrived"};
  if ((header.flags & flag::kMeta) != 0) {
    auto rest = read_metadata(payload, metadata);
    if (!rest) return rest.error();
    payload = *rest;
  }
  method = wiring_.endpoint.services.find(header.code);
  if (method == nullptr) return Error{Errc::unsupported, "no method has the index " + std::to_string(header.code) + " here"};
  if (takes_stream(method->kind)) {
    if (!payload.empty() || (header.flags & flag::kMore) != 0) {
      return Error{Errc::malformed, "the method takes a stream, whose messages come in DATA: CALL carries none"};
    }
  } else if ((header.flags & (flag::kEnd | flag::kMore)) == 0) {
    return Error{Errc::unsupported, "the request must be complete: END is missing"};
  }
  if (extensions.idempotency_key && method->kind != MethodKind::unary) {
    return Error{Errc::unsupported, "a call that streams takes no idempotency key"};
  }
  return judge_right(header.code, *method);
}

Status Channel::judge_right(std::uint16_t index, const MethodEntry& method) {
  if (rights_.size() <= index) rights_.resize(index + std::size_t{1});
  if (rights_[index] == 1) return {};
  const Status allowed = wiring_.peer->may(method.needs, method.service_name + "/" + method.name);
  rights_[index] = allowed ? 1 : 2;
  return allowed;
}

void Channel::refuse_call(std::uint32_t id, const Error& why) {
  const Refusal reason = refusal_of_call(why.code);
  if (reason == Refusal::call_right) wiring_.endpoint.refuse_right(*wiring_.peer, why);
  else wiring_.endpoint.counters.refuse(reason);
  if (!take_control_token("a refused CALL")) return;
  const auto window = static_cast<std::size_t>(std::max<std::int64_t>(send_window_, 0));
  const BytesView text = as_bytes(why.message).first(std::min({why.message.size(), kMaxErrorText, window}));
  std::copy(text.begin(), text.end(),
            begin_frame(FrameType::resp, id, 0, static_cast<std::uint16_t>(why.code), 0, text.size()));
  send_window_ -= static_cast<std::int64_t>(text.size());
}

void Channel::dispatch(Stream& stream, BytesView request) {
  MethodEntry& entry = *stream.method;
  entry.counters.began();
  stream.dispatched = true;
  const bool traced = stream.extras && stream.extras->trace;
  stream.timed = traced || !entry.on_loop || entry.counters.calls() % kTimeEvery == 1;
  if (stream.timed) stream.began = wiring_.clock.precise_now();

  CallContext context;
  context.caller = wiring_.peer;
  context.deadline = stream.deadline;
  context.service = entry.service_name;
  context.method = entry.name;
  context.metadata = std::move(stream.metadata);
  context.export_key = wiring_.export_key;
  if (traced) context.trace = stream.extras->trace;
  if (stream.extras && stream.extras->key) return dispatch_keyed(stream, request, std::move(context));
  entry.service->handle(entry.method, request, ServerCall(shared_from_this(), stream.id, std::move(context)));
}

/// A call with a key is done for the reply cache, and this stream waits for what comes of it, as may streams of other connections.
void Channel::dispatch_keyed(Stream& stream, BytesView request, CallContext context) {
  const std::uint64_t id = stream.id;
  MethodEntry& entry = *stream.method;
  ReplyCache& replies = *wiring_.endpoint.replies;
  Sha256 digest;
  digest.update(as_bytes(entry.service_name)).update(as_bytes("/")).update(as_bytes(entry.name)).update(Bytes{0}).update(request);
  const ReplyCache::Asked asked{*wiring_.peer, *stream.extras->key, digest.finish(), stream.deadline, wiring_.clock};
  const ReplyCache::Waiter waiter{weak_from_this(), id};
  const auto decision = replies.take(asked, waiter);
  if (!decision) {
    wiring_.endpoint.counters.refuse(refusal_of_call(decision.error().code));
    return fail(id, decision.error());
  }
  if (decision->taken == ReplyCache::Taken::answered) return replies.answer(asked, waiter);
  stream.cancelled = [this, waiter, id, weak = std::weak_ptr<KeyedCall>(decision->call)] {
    const auto call = weak.lock();
    if (call && over_) call->lose(waiter);
    else if (call) call->give_up(waiter, gave_up_);
    if (over_) fail(id, Error{Errc::cancelled, "the connection is gone"});
  };
  if (decision->taken == ReplyCache::Taken::first) {
    entry.service->handle(entry.method, request, ServerCall(decision->call, id, std::move(context)));
  }
}

void Channel::on_request_part(Stream& stream, const FrameHeader& header, BytesView payload) {
  if (stream.request_done) return die(Errc::malformed, "DATA on stream " + std::to_string(stream.id) + " after its END");
  const bool streams = takes_stream(stream.method->kind);
  const bool only_end = streams && (header.flags & (flag::kEnd | flag::kMore)) == flag::kEnd;  // comes once, and a stream's end needs it
  if (header.length == 0 && !only_end && !take_control_token("an empty DATA")) return;
  stream.receive_window -= header.length;
  if (stream.receive_window < 0) return die(Errc::exhausted, "the peer sent more than the stream's window allows");
  if (streams) return on_request_message(stream, header, payload);
  if (stream.dispatched || stream.answer_sent || stream.was_cancelled) return;  // late parts of a call that was refused or cut off
  if (!assemble(stream, header, payload)) return;
  if ((header.flags & flag::kMore) != 0) return;
  if ((header.flags & flag::kEnd) == 0) {
    const std::string told = "the request must be complete: END is missing";
    answer(stream, static_cast<std::uint16_t>(Errc::unsupported), Payload(as_bytes(told)));
    stream.handler_done = true;
    return end_if_done(stream);
  }
  stream.request_done = true;
  const Bytes request = std::exchange(stream.assembly, {});
  wiring_.endpoint.budget.give(std::exchange(stream.budget_taken, 0));
  if (stream.compressed) dispatch_compressed(stream, request);
  else dispatch(stream, request);
}

void Channel::dispatch_compressed(Stream& stream, BytesView request) {
  const auto plain = expand(stream, request);
  if (!plain) return;
  dispatch(stream, *plain);
  wiring_.endpoint.budget.give(plain->size());
}

/// A message of the caller's stream, a part of one, or the stream's end: END without a payload that completes nothing.
void Channel::on_request_message(Stream& stream, const FrameHeader& header, BytesView payload) {
  const std::uint32_t id = stream.id;
  const bool more = (header.flags & flag::kMore) != 0;
  const bool end = !more && (header.flags & flag::kEnd) != 0;
  if (end) stream.request_done = true;
  if (stream.answer_sent || stream.was_cancelled) return;  // sent before the caller could know
  if ((header.flags & flag::kCompressed) != 0 && !zstd_agreed_) return cut_off(stream, Errc::unsupported, "compression was not agreed on");
  if (more || stream.assembling) {
    if (!assemble(stream, header, payload) || more) return;
    deliver_assembly(stream);
  } else if (!end || !payload.empty()) {
    deliver(stream, header, payload, end);
  }
  Stream* still = end ? streams_.find(id) : nullptr;
  if (still != nullptr) end_request(*still);
}

/// Tells the handler that the caller's stream is over.
void Channel::end_request(Stream& stream) {
  stream.request_done = true;
  const auto reader = std::exchange(stream.reader, nullptr);
  if (reader && reader->end && !stream.answer_sent && !stream.was_cancelled) reader->end();
}

/// Ends a call that came in whatever its handler does, and tells it. Nor does it wait for the caller to read what came before: the
/// reason is cut to what the windows let through.
void Channel::cut_off(Stream& stream, Errc code, std::string_view why) {
  const std::uint32_t id = stream.id;
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(send_window_, stream.send_window)));
  why = why.substr(0, room);
  if (!stream.answer_sent && !stream.was_cancelled) answer(stream, static_cast<std::uint16_t>(code), Payload(as_bytes(why)));
  if (Stream* still = streams_.find(id)) cancel_handler(*still, code);
  if (Stream* still = streams_.find(id)) end_if_done(*still);
}

void Channel::on_cancel_frame(const FrameHeader& header) {
  if (!take_control_token("CANCEL")) return;
  Stream* stream = streams_.find(header.stream);
  if (stream == nullptr) {
    if (!was_opened(header.stream)) die(Errc::malformed, "CANCEL on a stream that was never opened");
    return;
  }
  if (stream->ours) return die(Errc::malformed, "CANCEL from the callee");
  stream->was_cancelled = true;
  stream->waiting.clear();
  stream->waiting_from = 0;
  stream->waiting_bytes = 0;
  if (!stream->dispatched) stream->handler_done = true;  // the request was still being put together
  cancel_handler(*stream, header.code == static_cast<std::uint16_t>(Errc::timed_out) ? Errc::timed_out : Errc::cancelled);
  if (Stream* still = streams_.find(header.stream)) end_if_done(*still);
}

/// @param why  the caller's reason, for a call with a key that others may wait for
void Channel::cancel_handler(Stream& stream, Errc why) {
  gave_up_ = why;
  if (stream.cancel_token) stream.cancel_token->store(true);
  // What they hold may be the last of the handler's call, which then ends its stream: they go when nothing here is touched any more.
  const auto ready = std::exchange(stream.ready, nullptr);
  const auto reader = std::exchange(stream.reader, nullptr);
  // Not of one that has given its answer, which only waits to leave.
  if (auto cancelled = std::exchange(stream.cancelled, nullptr); cancelled && !stream.handler_done) cancelled();
}

/// Frees the slot once the handler has ended and its answer has left.
void Channel::end_if_done(Stream& stream) {
  if (!stream.dispatched && (stream.was_cancelled || stream.answer_sent)) stream.handler_done = true;
  if (!stream.handler_done) return;
  if (!over_ && !stream.was_cancelled && !(stream.answer_sent && stream.waiting.empty())) return;
  remove(stream);
  finish_if_drained();
}

/// Sends RESP. An error drops what still waits on the stream.
void Channel::answer(Stream& stream, std::uint16_t code, const Payload& payload) {
  if (code != 0) {
    stream.waiting.clear();
    stream.waiting_from = 0;
    stream.waiting_bytes = 0;
  }
  stream.answer_sent = true;
  stream.ready = nullptr;
  const bool streaming = gives_stream(stream.method->kind);
  const std::uint8_t flags = code == 0 && streaming && payload.size == 0 ? flag::kEnd : std::uint8_t{0};
  if (stream.extras && answer_with_metadata(stream, flags, code, payload)) return;
  send_message(stream, FrameType::resp, flags, code, {}, payload);
}

/// Sends RESP with what the call has for its caller beside; false when there is nothing, or no room for it in this one frame.
bool Channel::answer_with_metadata(Stream& stream, std::uint8_t flags, std::uint16_t code, const Payload& payload) {
  const Extras& extras = *stream.extras;
  if (extras.told.empty()) return false;
  auto block = write_metadata(extras.told);
  if (!block) return false;
  const std::size_t at = block->size(), size = at + payload.size;
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(send_window_, stream.send_window)));
  if (!stream.waiting.empty() || size > room || size > peer_frame_bytes_) return false;
  block->resize(size);
  payload.write_to(block->data() + at);
  send_message(stream, FrameType::resp, static_cast<std::uint8_t>(flags | flag::kMeta), code, {}, Payload(BytesView(*block)));
  return true;
}

void Channel::tell(std::uint64_t key, const Metadata& metadata) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || stream->ours || stream->answer_sent) return;
  if (!stream->extras) stream->extras = std::make_unique<Extras>();
  stream->extras->told.insert(stream->extras->told.end(), metadata.begin(), metadata.end());
}

/// Counts a call whose handler has ended, and tells of it where that is wanted.
void Channel::count_end(Stream& stream, std::uint16_t status, std::string_view why) {
  MethodEntry& method = *stream.method;
  method.counters.ended(status);
  const Duration took = stream.timed ? wiring_.clock.precise_now() - stream.began : Duration::zero();
  if (stream.timed) method.counters.took(took);
  const bool failed = status != MethodCounters::kOk && status != static_cast<std::uint16_t>(Errc::cancelled);
  const TraceContext* const trace = stream.extras && stream.extras->trace ? &*stream.extras->trace : nullptr;
  if (failed && wiring_.endpoint.call_failed) {
    wiring_.endpoint.call_failed({method.service_name, method.name, static_cast<Errc>(status), why, *wiring_.peer, trace, took});
  }
  if (trace == nullptr || !stream.extras->wants_hops) return;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  stream.extras->told.emplace_back(kHop, trace->span_text() + " " + stream.extras->parent.span_text() + " " + std::to_string(us) + " " +
                                             std::to_string(status) + " " + wiring_.endpoint.name + " " + wiring_.endpoint.program);
}

void Channel::finish(std::uint64_t key, const Payload& last) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || stream->ours || stream->handler_done) return;
  stream->handler_done = true;
  count_end(*stream, stream->was_cancelled ? static_cast<std::uint16_t>(Errc::cancelled)
                     : stream->answer_sent ? static_cast<std::uint16_t>(Errc::timed_out)
                                           : MethodCounters::kOk, "");
  if (!over_ && !stream->was_cancelled && !stream->answer_sent) {
    answer(*stream, 0, last);
    stream = streams_.find(static_cast<std::uint32_t>(key));
  }
  if (stream != nullptr) end_if_done(*stream);
}

void Channel::fail(std::uint64_t key, const Error& error) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || stream->ours || stream->handler_done) return;
  stream->handler_done = true;
  const Errc status = stream->was_cancelled ? Errc::cancelled : stream->answer_sent ? Errc::timed_out : error.code;
  count_end(*stream, static_cast<std::uint16_t>(status), error.message);
  if (!over_ && !stream->was_cancelled && !stream->answer_sent) {
    answer(*stream, static_cast<std::uint16_t>(error.code), Payload(as_bytes(error.message).first(std::min(error.message.size(), kMaxErrorText))));
    stream = streams_.find(static_cast<std::uint32_t>(key));
  }
  if (stream != nullptr) end_if_done(*stream);
}

void Channel::on_ready(std::uint64_t key, std::function<void()> ready) {
  if (Stream* stream = streams_.find(static_cast<std::uint32_t>(key))) stream->ready = std::move(ready);
}

void Channel::on_cancel(std::uint64_t key, std::function<void()> cancelled) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream != nullptr && !stream->was_cancelled) stream->cancelled = std::move(cancelled);
}

void Channel::read(std::uint64_t key, MessageReader reader) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr || stream->ours || stream->answer_sent || stream->was_cancelled) return;
  stream->manual_credit = reader.manual_credit;
  stream->reader = std::make_shared<const MessageReader>(std::move(reader));
}

void Channel::run_on_worker(std::uint64_t key,
                            std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) {
  Stream* stream = streams_.find(static_cast<std::uint32_t>(key));
  if (stream == nullptr) return;
  const auto token = std::make_shared<std::atomic<bool>>(stream->was_cancelled);
  stream->cancel_token = token;
  answer_by_worker(wiring_.endpoint, [weak = weak_from_this()] { return weak.lock(); }, key, token, std::move(work));
}

}  // namespace ghost::b2
