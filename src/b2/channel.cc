#include "b2/channel.h"

#include <algorithm>
#include <cassert>

#include "b2/message.h"
#include "b2/reply_cache.h"

namespace ghost::b2 {

namespace {

constexpr std::uint32_t kMinLimit = 4096;
constexpr std::uint32_t kMaxHello = 65'536;  ///< HELLO and HELLO_UPDATE, whatever frame_bytes says (§3)
constexpr std::size_t kLeastPartial = 256;
constexpr std::int64_t kMaxWindow = 0x7fffffff;
/// So many frames cost about as much time as a system call: what they were answered with is sent before the next are looked at, so
/// that the peer works on it at the same time.
constexpr std::size_t kBatch = 40;
constexpr std::size_t kBatchBytes = 1024;  ///< less is left for the end of the turn

std::uint32_t or_default(std::uint32_t told, std::uint32_t otherwise) { return told == 0 ? otherwise : told; }

}  // namespace

Channel::Channel(Side side, Wiring wiring)
    : side_(side),
      wiring_(std::move(wiring)),
      limits_(wiring_.limits ? *wiring_.limits : wiring_.endpoint.limits),
      receive_window_(limits_.connection_window),
      window_size_(limits_.connection_window),
      control_(limits_.control_burst, limits_.control_rate) {}

Channel::~Channel() = default;

void Channel::Stream::reset() {
  static_cast<StreamState&>(*this) = {};
  if (waiting.capacity() != 0) waiting = {};
  if (assembly.capacity() != 0) assembly = {};
  extras.reset();
  handler.reset();
  if (metadata.capacity() != 0) metadata = {};
  if (ready) ready = nullptr;
  if (cancelled) cancelled = nullptr;
  cancel_token.reset();
  reader.reset();
}

void Channel::open() {
  self_ = weak_from_this();
  heard_ = wiring_.clock.now();
  hello_deadline_ = heard_ + limits_.hello_timeout;
  wake_by(hello_deadline_);
  if (side_ == Side::dialer) send_hello();
}

void Channel::set_peer(std::shared_ptr<const Identity> peer) {
  wiring_.peer = std::move(peer);
  rights_.clear();
}

void Channel::on_bytes(BytesView bytes) {
  const auto self = shared_from_this();
  heard_ = wiring_.clock.now();
  ++reads_;
  read_bytes_ = 0;
  wiring_.endpoint.counters.bytes_in += bytes.size();
  if (!preface_seen_ && !take_preface(bytes)) return;

  std::size_t frames = 0;
  while (!bytes.empty() && !over_) {
    if (partial_.empty() && bytes.size() >= kHeaderSize) {
      const FrameHeader header = read_header(bytes.data());
      if (!is_usual(header)) {
        if (const Status fine = check_header(header); !fine) return die(fine.error().code, fine.error().message);
      }
      const std::size_t total = header.total();
      if (bytes.size() >= total) {
        take_frame(header, bytes.data());
        bytes = bytes.subspan(total);
        if (++frames % kBatch == 0 && wiring_.output.size() >= kBatchBytes && bytes.size() >= kBatchBytes && !over_) wiring_.events.on_batch();
        continue;
      }
      reserve_partial(total, bytes.size());
    }
    const std::size_t have = partial_.size();
    const std::size_t total = have < kHeaderSize ? kHeaderSize : read_header(partial_.data()).total();
    const std::size_t part = std::min(bytes.size(), total - have);
    partial_.insert(partial_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
    bytes = bytes.subspan(part);
    if (partial_.size() < kHeaderSize) continue;
    const FrameHeader header = read_header(partial_.data());
    if (have < kHeaderSize) {
      if (const Status fine = check_header(header); !fine) return die(fine.error().code, fine.error().message);
      reserve_partial(header.total(), partial_.size() + bytes.size());
    }
    if (partial_.size() < header.total()) continue;
    const Bytes frame = std::exchange(partial_, {});
    take_frame(header, frame.data());
  }
  if (over_) return;
  give_credit();
  pump();
}

/// Makes room for a frame of which `have` bytes are there: for all of it at once where it comes in large pieces, and for no more than
/// was said where it drips.
void Channel::reserve_partial(std::size_t total, std::size_t have) { partial_.reserve(std::min(total, std::max(kLeastPartial, 8 * have))); }

/// Moves the preface off the front of `bytes`; false when there is nothing to go on with.
bool Channel::take_preface(BytesView& bytes) {
  const std::size_t part = std::min(bytes.size(), kPreface.size() - partial_.size());
  partial_.insert(partial_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
  bytes = bytes.subspan(part);
  if (!std::equal(partial_.begin(), partial_.end(), kPreface.begin())) {
    die(Errc::malformed, "the peer does not speak b2: its first bytes are " + to_hex(partial_));
    return false;
  }
  if (partial_.size() < kPreface.size()) return false;
  partial_.clear();
  preface_seen_ = true;
  return true;
}

/// What nearly all frames are, and check_header() has nothing against.
bool Channel::is_usual(const FrameHeader& header) const {
  const bool carries_message = header.type == FrameType::call || header.type == FrameType::data || header.type == FrameType::resp;
  return carries_message && header.stream != 0 && header.length <= limits_.frame_bytes && header.extension_bytes() <= kMaxExtensions &&
         peer_hello_.has_value();
}

Status Channel::check_header(const FrameHeader& header) const {
  const auto wrong = [&](std::string_view what) {
    return Error{Errc::malformed, "frame of type " + std::to_string(static_cast<int>(header.type)) + ": " + std::string(what)};
  };
  const bool is_hello = header.type == FrameType::hello || header.type == FrameType::hello_update;
  if (header.length > (is_hello ? std::max(limits_.frame_bytes, kMaxHello) : limits_.frame_bytes)) {
    return Error{Errc::exhausted, "frame of " + std::to_string(header.length) + " bytes; the limit is " +
                                      std::to_string(limits_.frame_bytes)};
  }
  if (header.extension_bytes() > kMaxExtensions) {
    return Error{Errc::exhausted, "extensions of " + std::to_string(header.extension_bytes()) + " bytes; the limit is " +
                                      std::to_string(kMaxExtensions)};
  }
  if (!peer_hello_ && header.type != FrameType::hello && header.type != FrameType::goaway) return wrong("HELLO must come first");

  const bool on_connection = header.stream == 0;
  switch (header.type) {
    case FrameType::hello:
      if (peer_hello_) return wrong("a second HELLO");
      [[fallthrough]];
    case FrameType::hello_update:
      if (!on_connection) return wrong("must be on stream 0");
      break;
    case FrameType::call:
    case FrameType::data:
    case FrameType::resp:
      if (on_connection) return wrong("must be on a stream");
      break;
    case FrameType::credit:
      if (header.length != (on_connection ? 0u : 4u)) return wrong("wrong length of CREDIT");
      break;
    case FrameType::cancel:
      if (on_connection || header.length != 0) return wrong("CANCEL is on a stream and empty");
      break;
    case FrameType::ping:
    case FrameType::pong:
      if (!on_connection || header.length != 8) return wrong("PING and PONG are on stream 0 and have 8 bytes");
      break;
    case FrameType::goaway:
      if (!on_connection || header.length < 4) return wrong("GOAWAY is on stream 0 and has at least 4 bytes");
      break;
    case FrameType::upgrade:
      break;
    default:
      if ((static_cast<std::uint8_t>(header.type) & 0x80) != 0) {
        return Error{Errc::unsupported, wrong("an unknown type that must be understood").message};
      }
  }
  return {};
}

/// @param frame  header.total() bytes
void Channel::take_frame(const FrameHeader& header, const std::uint8_t* frame) {
  const BytesView extensions(frame + kHeaderSize, header.extension_bytes());
  const BytesView payload(frame + kHeaderSize + extensions.size(), header.length);
  if (header.credit != 0) add_connection_credit(header.credit);
  if (over_) return;
  switch (header.type) {
    case FrameType::hello: return on_hello_frame(payload);
    case FrameType::hello_update: return on_hello_update(payload);
    case FrameType::call:
      if (account_payload(header.length)) on_call(header, extensions, payload);
      return;
    case FrameType::data:
    case FrameType::resp:
      if (!account_payload(header.length)) return;
      if (is_ours(header.stream)) return on_answer(header, payload);
      if (header.type == FrameType::resp) return die(Errc::malformed, "RESP on a stream that its sender opened");
      if (!was_opened(header.stream)) return die(Errc::malformed, "DATA on stream " + std::to_string(header.stream) + ", which was never opened");
      if (Stream* stream = streams_.find(header.stream)) on_request_part(*stream, header, payload);
      return;
    case FrameType::credit: return on_credit(header, payload);
    case FrameType::cancel: return on_cancel_frame(header);
    case FrameType::ping: return on_ping(payload);
    case FrameType::pong: return on_pong(payload);
    case FrameType::goaway: return on_goaway(header, payload);
    case FrameType::upgrade: return;
  }
}

void Channel::on_hello_frame(BytesView payload) {
  auto hello = decode<v1::Hello>(payload);
  if (!hello) return die(Errc::malformed, "HELLO: " + hello.error().message);
  if (hello->version != 1) {
    return die(Errc::unsupported, "protocol version " + std::to_string(hello->version) + "; this side speaks version 1");
  }
  if (!hello->node_id.empty() && hello->node_id.size() != 32) return die(Errc::malformed, "HELLO: a node id has 32 bytes");
  const ChannelLimits defaults;
  const v1::Limits limits = hello->limits.value_or(v1::Limits{});
  peer_frame_bytes_ = std::min<std::uint32_t>(or_default(limits.frame_bytes, defaults.frame_bytes), kMaxFramePayload);
  peer_stream_window_ = or_default(limits.stream_window, defaults.stream_window);
  peer_streams_ = or_default(limits.streams, defaults.streams);
  const std::uint32_t window = or_default(limits.connection_window, defaults.connection_window);
  if (std::min({peer_frame_bytes_, peer_stream_window_, window}) < kMinLimit) {
    return die(Errc::malformed, "HELLO: frames and windows of less than 4096 bytes are not usable");
  }
  if (std::max(peer_stream_window_, window) > kMaxWindow) return die(Errc::malformed, "HELLO: a window beyond 2^31 - 1");
  send_window_ = peer_window_ = window;
  hello_deadline_ = TimePoint::max();
  const auto has = [&](std::string_view feature) { return std::find(hello->features.begin(), hello->features.end(), feature) != hello->features.end(); };
  peer_keeps_keys_ = has(kFeatureKeys);
  zstd_agreed_ = has(kFeatureZstd) && wiring_.endpoint.compress != Compress::never;
  peer_hello_ = std::move(*hello);
  if (side_ == Side::acceptor) send_hello();
  wake_by(heard_ + limits_.ping_after);
  wiring_.events.on_hello(*peer_hello_);
}

void Channel::on_hello_update(BytesView payload) {
  auto update = decode<v1::Hello>(payload);
  if (!update) return die(Errc::malformed, "HELLO_UPDATE: " + update.error().message);
  auto& services = peer_hello_->services;
  if (used_indexes_.empty()) {
    for (const v1::ServiceEntry& known : services) note_indexes(known);
  }
  for (v1::ServiceEntry& entry : update->services) {
    if (!note_indexes(entry)) return die(Errc::malformed, "HELLO_UPDATE gives " + entry.name + " a method index that was another method's");
    std::erase_if(services, [&](const v1::ServiceEntry& known) { return known.name == entry.name; });
    if (entry.method_count != 0) services.push_back(std::move(entry));
  }
  if (services.size() > 4096) return die(Errc::exhausted, "more than 4096 services");
  if (update->revocations != 0) peer_hello_->revocations = update->revocations;
  known_methods_.reset();
  wiring_.events.on_services_changed();
}

/// False when the service has an index that was another method's on this connection (§3).
bool Channel::note_indexes(const v1::ServiceEntry& entry) {
  for (std::size_t i = 0; i < entry.methods.size() && entry.first_method + i <= 0xffff; ++i) {
    const std::size_t method = std::hash<std::string>()(entry.name + "/" + entry.methods[i].name);
    const auto [known, fresh] = used_indexes_.try_emplace(static_cast<std::uint16_t>(entry.first_method + i), method);
    if (!fresh && known->second != method) return false;
  }
  return true;
}

void Channel::add_connection_credit(std::uint32_t bytes) {
  send_window_ += bytes;
  if (send_window_ > kMaxWindow) die(Errc::malformed, "connection credit beyond 2^31 - 1");
}

/// Takes a payload off the connection's window and gives it back at once: every payload is used, or moved to where the budget
/// counts it, before the next frame is looked at (§4).
bool Channel::account_payload(std::uint32_t bytes) {
  receive_window_ -= bytes;
  if (receive_window_ < 0) {
    die(Errc::exhausted, "the peer sent more than the connection's window allows");
    return false;
  }
  credit_due_ += bytes;
  read_bytes_ += bytes;
  const std::uint32_t limit = limits_.max_connection_window;
  // Half a window in one read: the peer may have had to stop before it could hear of its credit.
  const bool narrow = receive_window_ < window_size_ / 4 || read_bytes_ >= window_size_ / 2;
  if (narrow && window_size_ < limit) {
    const std::uint32_t more = std::min(window_size_, limit - window_size_);
    if (wiring_.endpoint.budget.take(more)) {
      budget_taken_ += more;
      window_size_ += more;
      credit_due_ += more;
    }
  }
  return true;
}

/// Sends credit that no frame has carried, once it is worth one.
void Channel::give_credit() {
  if (credit_due_ >= window_size_ / 2) send_credit(0, 0);
}

void Channel::on_credit(const FrameHeader& header, BytesView payload) {
  if (header.stream == 0) return;
  Stream* stream = streams_.find(header.stream);
  if (stream == nullptr) {
    if (!was_opened(header.stream)) die(Errc::malformed, "CREDIT on a stream that was never opened");
    return;
  }
  stream->send_window += ByteReader(payload).u32();
  if (stream->send_window > kMaxWindow) return die(Errc::malformed, "stream credit beyond 2^31 - 1");
  if (stream->waiting_from < stream->waiting.size()) enqueue(*stream);
}

void Channel::on_ping(BytesView payload) {
  if (!take_control_token("PING")) return;
  std::copy(payload.begin(), payload.end(), begin_frame(FrameType::pong, 0, 0, 0, 0, payload.size()));
}

void Channel::on_pong(BytesView payload) {
  const std::uint64_t number = ByteReader(payload).u64();
  const auto found = std::find_if(pings_.begin(), pings_.end(), [&](const PingWaiting& ping) { return ping.number == number; });
  if (found == pings_.end()) return;
  const PingWaiting ping = std::move(*found);
  pings_.erase(found);
  if (ping.answered) ping.answered(wiring_.clock.precise_now() - ping.sent);
}

void Channel::ping(std::function<void(Result<Duration>)> answered) {
  if (!ready()) return answered(Error{Errc::busy, wiring_.peer->where + ": not connected"});
  const std::uint64_t number = ++ping_count_;
  pings_.push_back({number, wiring_.clock.precise_now(), std::move(answered)});
  Bytes payload;
  ByteWriter(payload).u64(number);
  std::copy(payload.begin(), payload.end(), begin_frame(FrameType::ping, 0, 0, 0, 0, payload.size()));
}

void Channel::on_goaway(const FrameHeader& header, BytesView payload) {
  ByteReader in(payload);
  const std::uint32_t last = in.u32();
  const std::string why(as_text(in.take(std::min(in.remaining(), kMaxErrorText))));
  const std::string told = wiring_.peer->where + " closed the connection: " + (why.empty() ? "no reason given" : why);
  if (header.code != 0) {
    const Errc code = header.code <= 16 ? static_cast<Errc>(header.code) : Errc::unknown;
    const Error error{code, told};
    over_ = true;
    peer_last_ = last;
    end_all(error);
    wiring_.events.on_finished(error);
    return;
  }
  peer_last_ = last;
  peer_leaves_why_ = told;
  const auto self = shared_from_this();
  wiring_.events.on_leaving();  // first, so that what is called again from on_end() goes elsewhere
  for (const std::uint32_t id : streams_.ids()) {
    Stream* stream = streams_.find(id);
    if (stream != nullptr && stream->ours && id > last) end_call(*stream, Error{Errc::busy, told + "; the call was not taken and may be made again"});
  }
}

void Channel::go_away(const Status& why) {
  if (over_) return;
  if (!why) {
    if (why.error().code == Errc::unauthenticated) wiring_.endpoint.counters.refuse(Refusal::revoked);
    return end_with(why.error().code, why.error().message);
  }
  if (leaving_) return;
  say_leaving("");
  finish_if_drained();
}

void Channel::drain(const std::string& why) {
  if (over_ || leaving_) return;
  const auto self = shared_from_this();
  say_leaving(why);
  for (const std::uint32_t id : streams_.ids()) {
    Stream* stream = streams_.find(id);
    if (stream != nullptr && !stream->ours && gives_stream(stream->method->kind)) cut_off(*stream, Errc::busy, why);
  }
  finish_if_drained();
}

void Channel::say_leaving(std::string_view why) {
  leaving_ = Error{Errc::cancelled, "closed"};
  if (!peer_hello_) return;
  Bytes payload;
  ByteWriter(payload).u32(last_theirs_).bytes(as_bytes(why));
  std::copy(payload.begin(), payload.end(), begin_frame(FrameType::goaway, 0, 0, 0, 0, payload.size()));
}

void Channel::finish_if_drained() {
  if (over_ || !leaving_ || streams_.size() != 0) return;
  over_ = true;
  const auto self = shared_from_this();
  end_all(*leaving_);
  wiring_.events.on_finished(*leaving_);
}

void Channel::lost(const Error& why) {
  if (over_) return;
  const auto self = shared_from_this();
  over_ = true;
  end_all(why);
}

/// A broken rule.
void Channel::die(Errc code, std::string message) {
  if (over_) return;
  wiring_.endpoint.counters.refuse(code == Errc::timed_out ? Refusal::silence : Refusal::broken_rule);
  end_with(code, std::move(message));
}

/// Tells the peer why, ends everything.
void Channel::end_with(Errc code, std::string message) {
  const auto self = shared_from_this();
  if (message.size() > kMaxErrorText) message.resize(kMaxErrorText);
  Bytes payload;
  ByteWriter(payload).u32(last_theirs_).bytes(as_bytes(message));
  if (!peer_hello_ && side_ == Side::acceptor) wiring_.output.append(BytesView(kPreface));
  std::copy(payload.begin(), payload.end(),
            begin_frame(FrameType::goaway, 0, 0, static_cast<std::uint16_t>(code), 0, payload.size()));
  over_ = true;
  const Error error{code, wiring_.peer->where + ": " + message};
  end_all(error);
  wiring_.events.on_finished(error);
}

void Channel::end_all(const Error& why) {
  wakeup_ = TimePoint::max();
  for (const std::uint32_t id : streams_.ids()) {
    Stream* stream = streams_.find(id);
    if (stream == nullptr) continue;
    if (!stream->ours) {
      stream->was_cancelled = true;
      cancel_handler(*stream, Errc::cancelled);
      // Work on a worker, and that for the reply cache, may outlive this channel: nobody is left whom it could tell.
      if (Stream* still = streams_.find(id); still != nullptr && (still->cancel_token || (still->dispatched && still->extras && still->extras->key))) {
        fail(id, why);
      }
      if (Stream* still = streams_.find(id)) end_if_done(*still);
      continue;
    }
    const bool unsent = !stream->waiting.empty() && stream->waiting.front().type == FrameType::call && !stream->waiting.front().begun;
    const bool taken = !unsent && (!peer_last_ || id <= *peer_last_);
    if (taken) stream->handler->on_cut();
    if (!taken || stream->idempotent) {
      end_call(*stream, Error{Errc::busy, why.message + "; the call may be made again"});
    } else {
      end_call(*stream, Error{Errc::unknown, why.message + "; whether the call was done cannot be told"});
    }
  }
  for (PingWaiting& ping : std::exchange(pings_, {})) {
    if (ping.answered) ping.answered(why);
  }
  wiring_.endpoint.budget.give(std::exchange(budget_taken_, 0));
}

bool Channel::take_control_token(std::string_view what) {
  if (control_.take(wiring_.clock.now())) return true;
  die(Errc::exhausted, "too many cancelled or refused calls, PINGs and empty frames; the last was " + std::string(what));
  return false;
}

void Channel::wake_by(TimePoint when) {
  if (when >= wakeup_) return;
  wakeup_ = when;
  wiring_.events.on_wakeup(when);
}

void Channel::on_time() {
  if (over_) return;
  const auto self = shared_from_this();
  const TimePoint now = wiring_.clock.now();
  if (now >= hello_deadline_) {
    return die(Errc::timed_out, "no HELLO within " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits_.hello_timeout).count()) + " s");
  }
  if (now >= next_deadline_) expire(now);
  wiring_.endpoint.replies->on_time(now);
  if (over_) return;
  TimePoint liveness = TimePoint::max();
  if (peer_hello_) {
    // Patience counts from the PING, not from when it should have left: a machine that slept gives its peers time to answer.
    if (ping_sent_ && heard_ >= ping_sent_at_) ping_sent_ = false;
    if (ping_sent_ && now >= ping_sent_at_ + limits_.ping_patience) {
      return die(Errc::timed_out, "nothing heard, not even an answer to PING");
    }
    if (!ping_sent_ && now >= heard_ + limits_.ping_after) {
      ping({});
      ping_sent_ = true;
      ping_sent_at_ = now;
    }
    liveness = ping_sent_ ? ping_sent_at_ + limits_.ping_patience : heard_ + limits_.ping_after;
  }
  wakeup_ = std::min({hello_deadline_, next_deadline_, liveness});
  if (wakeup_ != TimePoint::max()) wiring_.events.on_wakeup(wakeup_);
}

/// Ends every call whose deadline has passed, and finds the next one.
void Channel::expire(TimePoint now) {
  next_deadline_ = TimePoint::max();
  for (const std::uint32_t id : streams_.ids()) {
    Stream* stream = streams_.find(id);
    if (stream == nullptr) continue;
    if (stream->deadline > now) {
      next_deadline_ = std::min(next_deadline_, stream->deadline);
      continue;
    }
    if (stream->ours) {
      tell_cancelled(*stream, Errc::timed_out);
      end_call(*stream, Error{Errc::timed_out, "no answer within the deadline"});
    } else {
      stream->deadline = TimePoint::max();
      cut_off(*stream, Errc::timed_out, "the deadline passed before the call was done");
    }
  }
  finish_if_drained();
}

void Channel::remove(Stream& stream) {
  wiring_.endpoint.budget.give(stream.budget_taken + stream.window_taken);
  if (stream.ours) --ours_open_;
  else --theirs_open_;
  streams_.remove(stream.id);
}

}  // namespace ghost::b2
