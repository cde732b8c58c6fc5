#include "b2/datagram_caller.h"

#include <algorithm>

#include "b2/datagram_callee.h"
#include "b2/message.h"
#include "b2/v1/datagrams.b2.h"
#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr Duration kFirstRepeat = std::chrono::milliseconds(50);
constexpr Duration kLongestRepeat = std::chrono::seconds(2);
/// A cookie is good for 60 s at least; an older one would be refused, and what was sent with it could not be told from what was done.
constexpr Duration kCookieAge = std::chrono::seconds(50);
constexpr Duration kNarrowEvery = std::chrono::milliseconds(100);
constexpr std::size_t kFirstAllowed = 32, kLeastAllowed = 8;
constexpr std::size_t kMostCalls = 4096;

std::uint64_t random_64() {
  std::array<std::uint8_t, 8> bytes;
  random_bytes(bytes);
  return ByteReader(bytes).u64();
}

std::uint32_t left_ms(TimePoint deadline, TimePoint now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(deadline - now, kMostDatagramTime)).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1));
}

}  // namespace

/// Hands what came by the connection to the call that it is for, if that still waits.
class DatagramCaller::Relay final : public CallHandler {
 public:
  Relay(std::weak_ptr<DatagramCaller> owner, std::uint64_t key, bool wrapped) : owner_(std::move(owner)), key_(key), wrapped_(wrapped) {}
  void on_message(BytesView message) override { answer_ = to_bytes(message); }
  void on_end(const Status& status) override {
    const auto owner = owner_.lock();
    if (!owner) return;
    if (!status || !wrapped_) return owner->end(key_, status, answer_);
    const auto response = decode<v1::FetchResponse>(answer_);
    if (!response) return owner->end(key_, response.error());
    owner->end(key_, {}, response->answer);
  }

 private:
  std::weak_ptr<DatagramCaller> owner_;
  std::uint64_t key_;
  bool wrapped_;
  Bytes answer_;
};

DatagramCaller::DatagramCaller(Wiring wiring, DatagramForm form, std::uint64_t id, std::uint64_t epoch)
    : wiring_(std::move(wiring)), form_(form), id_(id), epoch_(epoch), number_(random_64()), ask_interval_(kFirstRepeat), allowed_(kFirstAllowed) {}

DatagramCaller::DatagramCaller(Wiring wiring, DatagramForm form) : DatagramCaller(std::move(wiring), form, 0, 0) {}

DatagramCaller::DatagramCaller(Wiring wiring, const Session& session) : DatagramCaller(std::move(wiring), DatagramForm::sealed, session.id, session.epoch) {
  seal_ = std::make_unique<DatagramSeal>(session.keys.to_server, session.keys.to_caller);
}

DatagramCaller::~DatagramCaller() = default;

// --- calls ---

ClientCall DatagramCaller::start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                                 std::unique_ptr<CallHandler> handler) {
  const std::string path = std::string(service) + "/" + std::string(method);
  const auto refuse = [&](Errc code, const std::string& why) {
    handler->on_end(Error{code, path + " at " + wiring_.where + " by datagram: " + why});
    return ClientCall();
  };
  if (over_) return refuse(Errc::busy, over_->message);
  const std::size_t room = form_ == DatagramForm::pure ? kMaxDatagram - kPureHead - 2 : record_room(form_, kCallRecord);
  if (options.streams_request || !options.metadata.empty()) return by_connection(service, method, request, options, std::move(handler), "metadata and streams go by a connection");
  if (request.size > room) {
    return by_connection(service, method, request, options, std::move(handler),
                         "a request of " + std::to_string(request.size) + " bytes; a datagram has room for " + std::to_string(room));
  }
  if (calls_.size() >= kMostCalls) return refuse(Errc::exhausted, std::to_string(kMostCalls) + " calls wait already");
  Waiting call;
  call.path = path;
  call.method = hash_of(service, method, path);
  call.request.resize(request.size);
  request.write_to(call.request.data());
  call.idempotent = options.idempotent || form_ != DatagramForm::sealed;  // without keys only look-ups are answered
  call.deadline = wiring_.clock.now() + std::min(options.timeout, kMostDatagramTime);
  call.interval = kFirstRepeat;
  call.handler = std::move(handler);
  wake_by(call.deadline);
  const std::uint64_t key = ++last_key_;
  if (form_ == DatagramForm::pure) {
    call.nonce = random_64();
    by_nonce_[call.nonce] = key;
  }
  calls_.emplace(key, std::move(call));
  fresh_.push_back(key);
  output();
  return ClientCall(weak_from_this(), key);
}

std::uint32_t DatagramCaller::hash_of(std::string_view service, std::string_view method, const std::string& path) {
  auto& [known, hash] = hashes_[std::hash<std::string>()(path) % hashes_.size()];
  if (known != path) {
    known = path;
    hash = method_hash(service, method);
  }
  return hash;
}

/// What a datagram cannot carry.
ClientCall DatagramCaller::by_connection(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                                         std::unique_ptr<CallHandler> handler, const std::string& why) {
  const auto connection = wiring_.connection.lock();
  if (connection) {
    ++counters_.by_connection;
    return connection->start(service, method, request, options, std::move(handler));
  }
  handler->on_end(Error{Errc::exhausted, std::string(service) + "/" + std::string(method) + " at " + wiring_.where + " by datagram: " + why + ", and there is no connection"});
  return {};
}

void DatagramCaller::cancel(std::uint64_t key) {
  const auto found = calls_.find(key);
  if (found == calls_.end()) return;
  found->second.fetch.cancel();
  end(key, Error{Errc::cancelled, "cancelled by the caller"});
}

/// Ends a call, which may lead to others being started or ended.
void DatagramCaller::end(std::uint64_t key, const Status& status, BytesView answer) {
  auto node = calls_.extract(key);
  if (node.empty()) return;
  Waiting& call = node.mapped();
  if (call.sequence != 0) by_sequence_.erase(call.sequence);
  if (form_ == DatagramForm::pure) by_nonce_.erase(call.nonce);
  if (status) {
    call.handler->on_message(answer);
    call.handler->on_end(status);
  } else {
    call.handler->on_end(status.error().in(call.path + " at " + wiring_.where + " by datagram"));
  }
  if (!fresh_.empty()) output();  // there is room for one more
}

void DatagramCaller::lost(const Error& why) {
  if (!over_) over_ = why;
  std::vector<std::uint64_t> keys;
  for (const auto& [key, call] : calls_) keys.push_back(key);
  const auto self = shared_from_this();
  for (const std::uint64_t key : keys) {
    const auto found = calls_.find(key);
    if (found == calls_.end()) continue;
    const bool told = found->second.sequence != 0 && !found->second.idempotent;
    end(key, told ? Error{Errc::unknown, why.message + "; whether it was done cannot be told"} : Error{Errc::busy, why.message});
  }
}

// --- what comes ---

void DatagramCaller::on_datagram(BytesView datagram) {
  const auto self = shared_from_this();
  ++counters_.received;
  const auto form = form_of(datagram);
  if (over_ || !form || *form != form_) return void(++counters_.ignored);
  if (form_ == DatagramForm::pure) return on_pure(datagram);
  const auto head = read_head(datagram);
  if (!head || head->kind == DatagramKind::call) return void(++counters_.ignored);
  BytesView inside = datagram.subspan(kDatagramHead);
  if (seal_) {
    const auto opened = head->id == id_ ? seal_->open(datagram, head->number) : std::nullopt;
    if (!opened) return void(++counters_.ignored);
    inside = *opened;
  } else if (head->number != number_ || (head->kind == DatagramKind::answer && head->id != id_)) {
    return void(++counters_.ignored);
  }
  records_.clear();
  const auto body = read_answers(inside, records_);
  if (!body) return void(++counters_.ignored);
  if (head->kind == DatagramKind::cookie) on_cookie(*head, *body);
  else on_answers(*body);
}

void DatagramCaller::on_pure(BytesView datagram) {
  const auto answer = read_pure_answer(datagram);
  const auto found = answer && datagram[4] == static_cast<std::uint8_t>(DatagramKind::answer) ? by_nonce_.find(answer->nonce) : by_nonce_.end();
  if (found == by_nonce_.end()) return void(++counters_.ignored);
  const std::uint64_t key = found->second;
  Waiting& call = calls_.at(key);
  if (call.method != answer->method || call.fetching) return void(++counters_.ignored);
  if (answer->status == 0) return end(key, {}, answer->payload);
  if (answer->status == static_cast<std::uint16_t>(Errc::exhausted) && !wiring_.connection.expired()) return use_connection(key, call);
  const Errc code = answer->status <= 16 ? static_cast<Errc>(answer->status) : Errc::unknown;
  end(key, Error{code, answer->payload.empty() ? std::string(name(code)) : std::string(as_text(answer->payload))});
}

/// What this end sent last was refused for its cookie, and here is another; unless that one is no longer the one in use.
void DatagramCaller::on_cookie(const DatagramHead& head, const DatagramBody& body) {
  const std::uint64_t in_use = cookie_ ? ByteReader(*cookie_).u64() : 0;
  if (body.mark != in_use || body.cookie == Cookie{}) return void(++counters_.ignored);
  cookie_ = body.cookie;
  cookie_at_ = wiring_.clock.now();
  ask_interval_ = kFirstRepeat;
  if (form_ == DatagramForm::plain) {
    // Look-ups all: those that were sent under the id of before are made again as others.
    id_ = head.id;
    epoch_ = body.epoch;
    renumber();
  } else {
    for (const auto& [sequence, key] : by_sequence_) queue_repeat(key, calls_.at(key));
  }
  output();
}

void DatagramCaller::renumber() {
  by_sequence_.clear();
  next_sequence_ = 1;
  fresh_.clear();
  resend_.clear();
  for (auto& [key, call] : calls_) {
    call.sequence = 0;
    call.interval = kFirstRepeat;
    call.repeat_at = TimePoint::max();
    call.resend = false;
    if (!call.fetching) fresh_.push_back(key);
  }
}

void DatagramCaller::on_answers(const DatagramBody& body) {
  if (body.epoch != epoch_) return void(++counters_.ignored);
  if (body.cookie != Cookie{}) {
    cookie_ = body.cookie;
    cookie_at_ = wiring_.clock.now();
  }
  for (const AnswerRecord& answer : records_) on_answer(answer);
}

void DatagramCaller::on_answer(const AnswerRecord& answer) {
  const auto found = by_sequence_.find(answer.sequence);
  if (found == by_sequence_.end()) return;  // another copy was quicker
  const std::uint64_t key = found->second;
  Waiting& call = calls_.at(key);
  if (call.fetching) return;
  if (answer.state == AnswerState::under_way) {
    call.taken = true;
    return;
  }
  allowed_ = std::min<std::size_t>(allowed_ + 1, kDatagramWindow);
  if (answer.state == AnswerState::use_stream) return use_connection(key, call);
  if (answer.status == 0) return end(key, {}, answer.payload);
  const Errc code = answer.status <= 16 ? static_cast<Errc>(answer.status) : Errc::unknown;
  end(key, Error{code, answer.payload.empty() ? std::string(name(code)) : std::string(as_text(answer.payload))});
}

/// The answer is too long: a look-up is made again over the connection, the answer of a call that was done is fetched there.
void DatagramCaller::use_connection(std::uint64_t key, Waiting& call) {
  const auto connection = wiring_.connection.lock();
  if (!connection) return end(key, Error{Errc::exhausted, "the answer is too long for a datagram, and there is no connection to have it by"});
  ++counters_.by_connection;
  call.fetching = true;
  call.repeat_at = TimePoint::max();
  CallOptions options;
  options.timeout = std::max<Duration>(call.deadline - wiring_.clock.now(), std::chrono::milliseconds(1));
  options.idempotent = call.idempotent;
  const bool wrapped = form_ == DatagramForm::sealed;
  auto relay = std::make_unique<Relay>(weak_from_this(), key, wrapped);
  ClientCall started;
  if (wrapped) {
    v1::FetchRequest request;
    request.session = id_;
    request.sequence = call.sequence;
    started = connection->start("b2.v1.Datagrams", "Fetch", payload(request), options, std::move(relay));
  } else {
    const auto slash = call.path.find('/');
    const Bytes request = call.request;
    const std::string path = call.path;
    started = connection->start(std::string_view(path).substr(0, slash), std::string_view(path).substr(slash + 1), Payload(BytesView(request)), options, std::move(relay));
  }
  if (const auto still = calls_.find(key); still != calls_.end()) still->second.fetch = std::move(started);
}

// --- what goes ---

std::vector<Bytes> DatagramCaller::take_outgoing() {
  told_ = false;
  if (over_) return {};
  if (form_ == DatagramForm::pure) send_pure();
  else if (ask_for_cookie()) send_calls();
  counters_.sent += outgoing_.size();
  return std::exchange(outgoing_, {});
}

void DatagramCaller::send_pure() {
  const auto send = [&](std::uint64_t key) {
    const auto found = calls_.find(key);
    if (found == calls_.end() || found->second.fetching) return;
    Waiting& call = found->second;
    auto bytes = write_pure_call({call.method, call.nonce, call.request});
    if (!bytes) return;
    outgoing_.push_back(std::move(*bytes));
    plan_repeat(call);
  };
  while (!fresh_.empty() && calls_.size() - fresh_.size() < kDatagramWindow) {
    send(fresh_.front());
    fresh_.pop_front();
  }
  for (const std::uint64_t key : std::exchange(resend_, {})) send(key);
}

/// True when there is a cookie to call with.
bool DatagramCaller::ask_for_cookie() {
  const TimePoint now = wiring_.clock.now();
  if (cookie_ && form_ == DatagramForm::plain && by_sequence_.empty() && now - cookie_at_ > kCookieAge) {
    cookie_.reset();
    id_ = 0;
    ask_at_ = now;
    ask_interval_ = kFirstRepeat;
  }
  if (cookie_) return true;
  if (calls_.empty() || ask_at_ > now) return false;
  const DatagramHead head = next_head();
  DatagramWriter writer(head, {{}, epoch_, mark()});
  outgoing_.push_back(sealed(writer, head.number));
  ask_at_ = now + ask_interval_;
  ask_interval_ = std::min(ask_interval_ * 2, kLongestRepeat);
  wake_by(ask_at_);
  return false;
}

DatagramHead DatagramCaller::next_head() {
  return {DatagramKind::call, form_, id_, seal_ ? seal_->next_number() : number_};
}

Bytes DatagramCaller::sealed(DatagramWriter& writer, std::uint64_t number) {
  Bytes bytes = writer.take();
  if (seal_) seal_->seal(bytes, number);
  return bytes;
}

/// Gives numbers to calls that were never sent, as many as may be on the way, and has them sent.
void DatagramCaller::number_fresh() {
  while (!fresh_.empty() && by_sequence_.size() < allowed_ && next_sequence_ - mark() < kDatagramWindow) {
    const std::uint64_t key = fresh_.front();
    fresh_.pop_front();
    const auto found = calls_.find(key);
    if (found == calls_.end()) continue;
    found->second.sequence = next_sequence_++;
    by_sequence_[found->second.sequence] = key;
    queue_repeat(key, found->second);
  }
}

void DatagramCaller::queue_repeat(std::uint64_t key, Waiting& call) {
  if (!call.fetching && !std::exchange(call.resend, true)) resend_.push_back(key);
}

/// Puts what is to be sent, first or again, into as few datagrams as hold it.
void DatagramCaller::send_calls() {
  number_fresh();
  const TimePoint now = wiring_.clock.now();
  std::optional<DatagramWriter> writer;
  DatagramHead head;
  for (const std::uint64_t key : std::exchange(resend_, {})) {
    const auto found = calls_.find(key);
    if (found == calls_.end() || !found->second.resend) continue;
    Waiting& call = found->second;
    call.resend = false;
    if (call.fetching) continue;
    if (writer && !writer->fits(kCallRecord + call.request.size())) {
      outgoing_.push_back(sealed(*writer, head.number));
      writer.reset();
    }
    if (!writer) {
      head = next_head();
      writer.emplace(head, DatagramBody{*cookie_, epoch_, mark()});
    }
    writer->add(CallRecord{call.sequence, call.method, left_ms(call.deadline, now), call.request});
    plan_repeat(call);
  }
  if (writer) outgoing_.push_back(sealed(*writer, head.number));
}

void DatagramCaller::plan_repeat(Waiting& call) {
  call.resend = false;
  call.repeat_at = wiring_.clock.now() + call.interval;
  call.interval = std::min(call.interval * 2, kLongestRepeat);
  wake_by(call.repeat_at);
}

// --- time ---

void DatagramCaller::on_time() {
  const auto self = shared_from_this();
  const TimePoint now = wiring_.clock.now();
  expire(now);
  if (over_) return;
  wakeup_ = TimePoint::max();
  TimePoint next = TimePoint::max();
  bool silent = false;
  for (auto& [key, call] : calls_) {
    if (call.repeat_at <= now) {
      silent = silent || !call.taken;
      ++counters_.repeats;
      call.repeat_at = TimePoint::max();
      queue_repeat(key, call);
    }
    next = std::min({next, call.deadline, call.repeat_at});
  }
  wake_by(next);
  if (silent && now - narrowed_ >= kNarrowEvery) {
    narrowed_ = now;
    allowed_ = std::max(allowed_ / 2, kLeastAllowed);
  }
  if (!resend_.empty()) output();
  if (!cookie_ && form_ != DatagramForm::pure && !calls_.empty()) {
    if (ask_at_ <= now) output();
    else wake_by(ask_at_);
  }
}

void DatagramCaller::expire(TimePoint now) {
  std::vector<std::uint64_t> late_ones;
  for (const auto& [key, call] : calls_) {
    if (call.deadline <= now) late_ones.push_back(key);
  }
  for (const std::uint64_t key : late_ones) {
    const auto found = calls_.find(key);
    if (found == calls_.end()) continue;
    ClientCall fetch = found->second.fetch;
    end(key, late(found->second));
    fetch.cancel();
  }
}

Error DatagramCaller::late(const Waiting& call) const {
  if (counters_.received == counters_.ignored) {
    return {Errc::timed_out, "no answer came to " + std::to_string(counters_.sent) + " datagrams; is UDP served there, and let through?"};
  }
  if (call.sequence == 0 && form_ != DatagramForm::pure) return {Errc::timed_out, "its time was over before it could be sent"};
  return {Errc::timed_out, call.idempotent ? "no answer came in time" : "no answer came in time; whether it was done cannot be told"};
}

void DatagramCaller::output() {
  if (!std::exchange(told_, true) && wiring_.on_output) wiring_.on_output();
}

void DatagramCaller::wake_by(TimePoint when) {
  if (when >= wakeup_) return;
  wakeup_ = when;
  if (wiring_.on_wakeup) wiring_.on_wakeup(when);
}

}  // namespace ghost::b2
