#include "b2/datagram_callee.h"

#include <algorithm>

#include "b2/unary_sink.h"

namespace ghost::b2 {

namespace {

constexpr std::uint8_t kUnknownOutcome = static_cast<std::uint8_t>(Errc::unknown);
constexpr Duration kQuiet = std::chrono::seconds(10);
constexpr std::string_view kAnswerLost = "it was done, and its answer had to make room: what it was cannot be told";

std::uint64_t first_8(const Cookie& cookie) { return ByteReader(cookie).u64(); }

}  // namespace

std::string_view name(DatagramDrop why) {
  switch (why) {
    case DatagramDrop::malformed: return "malformed";
    case DatagramDrop::seal: return "seal";
    case DatagramDrop::rate: return "rate";
    case DatagramDrop::window: return "window";
    case DatagramDrop::full: return "full";
    case DatagramDrop::count_: break;
  }
  return "";
}

DatagramCallee::DatagramCallee(Wiring wiring, const std::array<std::uint8_t, 32>& secret, const DatagramLimits& limits)
    : wiring_(std::move(wiring)),
      limits_(limits),
      cookies_(secret),
      cookie_rate_(limits.cookie_burst, limits.cookie_rate, ByteReader(secret).u64()),
      pure_rate_(limits.pure_burst, limits.pure_rate, ByteReader(secret).u64()) {
  counters().served = true;
}

DatagramCallee::~DatagramCallee() = default;

void DatagramCallee::on_datagram(BytesView datagram, const DatagramPeer& from) {
  if (closed_) return;
  ++counters().received;
  counters().received_bytes += datagram.size();
  const auto form = form_of(datagram);
  if (!form) return counters().drop(DatagramDrop::malformed);
  handling_ = true;
  if (*form == DatagramForm::pure) {
    on_pure(datagram, from);
  } else {
    const auto head = read_head(datagram);
    if (!head || head->kind != DatagramKind::call) counters().drop(DatagramDrop::malformed);
    else if (*form == DatagramForm::plain) on_plain(datagram, *head, from);
    else on_sealed(datagram, *head, from);
  }
  handling_ = false;
  end_closed_sessions();
}

// --- what came ---

void DatagramCallee::on_pure(BytesView datagram, const DatagramPeer& from) {
  PureCall call;
  const Status read = read_pure_call(datagram, call);
  if (datagram[4] != static_cast<std::uint8_t>(DatagramKind::call)) return counters().drop(DatagramDrop::malformed);
  if (!from.loopback && !pure_rate_.take(from, wiring_.clock.now())) return counters().drop(DatagramDrop::rate);
  Open open;
  open.party.first = DatagramForm::pure;
  open.from = from;
  open.hash = call.method;
  open.nonce = call.nonce;
  open.room = datagram.size();
  const auto caller = stranger(from);
  auto method = read ? judge(*caller, DatagramForm::pure, call.method) : Result<MethodEntry*>(read.error());
  if (!method) return answer(open, static_cast<std::uint8_t>(method.error().code), Payload(as_bytes(method.error().message)));
  ++counters().pure;
  open.method = *method;
  dispatch(std::move(open), limits_.pure_time, caller, call.request);
}

void DatagramCallee::on_plain(BytesView datagram, const DatagramHead& head, const DatagramPeer& from) {
  records_.clear();
  const auto body = read_calls(datagram.subspan(kDatagramHead), records_);
  if (!body) return counters().drop(DatagramDrop::malformed);
  const TimePoint now = wiring_.clock.now();
  Party* party = find({DatagramForm::plain, head.id});
  const bool known = party != nullptr && party->cookie_minute == CookieJar::minute(now) && party->at.same_sender(from) && party->cookie == body->cookie;
  if (!known && !cookies_.good(body->cookie, from, DatagramForm::plain, head.id, now)) return refuse(head, body->cookie, from);
  if (party == nullptr) {
    if (head.id <= floor_ || head.id > last_id_) return refuse(head, body->cookie, from);
    party = make_room_and_add(head.id, from);
    if (party == nullptr) return counters().drop(DatagramDrop::full);
  }
  party->at = from;
  party->number = head.number;
  touch(*party);
  on_calls(*party, *body);
}

void DatagramCallee::on_sealed(BytesView datagram, const DatagramHead& head, const DatagramPeer& from) {
  Party* const party = find({DatagramForm::sealed, head.id});
  const auto inside = party != nullptr ? party->seal->open(datagram, head.number) : std::nullopt;
  if (!inside) return counters().drop(DatagramDrop::seal);
  records_.clear();
  const auto body = read_calls(*inside, records_);
  if (!body) return counters().drop(DatagramDrop::malformed);
  const TimePoint now = wiring_.clock.now();
  const bool known = party->cookie_minute == CookieJar::minute(now) && party->at.same_sender(from) && party->cookie == body->cookie;
  if (!known && !cookies_.good(body->cookie, from, DatagramForm::sealed, head.id, now)) return refuse(head, body->cookie, from);
  if (!party->at.same_sender(from)) party->cookie_minute = 0;
  party->at = from;
  on_calls(*party, *body);
}

/// Answers with a cookie alone, which is as long as the shortest datagram of its form.
void DatagramCallee::refuse(const DatagramHead& head, const Cookie& refused, const DatagramPeer& to) {
  const TimePoint now = wiring_.clock.now();
  DatagramHead told{DatagramKind::cookie, head.form, head.id, head.number};
  if (head.form == DatagramForm::plain) {
    if (!to.loopback && !cookie_rate_.take(to, now)) return counters().drop(DatagramDrop::rate);
    told.id = ++last_id_;
  }
  Party* const party = head.form == DatagramForm::sealed ? find({head.form, head.id}) : nullptr;
  if (party != nullptr) told.number = party->seal->next_number();
  DatagramWriter writer(told, {cookies_.make(to, head.form, told.id, now), wiring_.endpoint.boot_epoch, first_8(refused)});
  Bytes bytes = writer.take();
  if (party != nullptr) party->seal->seal(bytes, told.number);
  ++counters().cookies;
  send(to, std::move(bytes));
}

void DatagramCallee::on_calls(Party& party, const DatagramBody& body) {
  set_mark(party, body.mark);
  for (const CallRecord& call : records_) {
    if (closed_) return;
    on_call(party, call, body.epoch);
  }
}

/// What the caller is done with needs no answer any more.
void DatagramCallee::set_mark(Party& party, std::uint64_t mark) {
  if (mark <= party.mark) return;
  party.mark = mark;
  const auto end = party.slots.lower_bound(mark);
  for (auto slot = party.slots.begin(); slot != end; slot = party.slots.erase(slot)) drop_answer(slot->second);
}

void DatagramCallee::on_call(Party& party, const CallRecord& call, std::uint64_t epoch) {
  if (call.sequence < party.mark || call.sequence - party.mark >= kDatagramWindow) return counters().drop(DatagramDrop::window);
  const auto [at, is_new] = party.slots.try_emplace(call.sequence);
  if (!is_new) {
    ++counters().repeats;
    return due(party, call.sequence, at->second);
  }
  ++(party.form == DatagramForm::sealed ? counters().sealed : counters().plain);
  const auto fail = [&](Errc code, const std::string& why) { settle(party, call.sequence, static_cast<std::uint8_t>(code), Payload(as_bytes(why))); };
  if (epoch != wiring_.endpoint.boot_epoch) {
    return fail(Errc::unknown, wiring_.endpoint.name + " has restarted since the call was first made; whether it was done cannot be told");
  }
  if (call.timeout_ms == 0) return fail(Errc::timed_out, "the deadline had passed when the call arrived");
  const auto method = judge(*party.identity, party.form, call.method);
  if (!method) return fail(method.error().code, method.error().message);
  Open open;
  open.party = {party.form, party.id};
  open.sequence = call.sequence;
  open.method = *method;
  ++party.open;
  dispatch(std::move(open), std::chrono::milliseconds(call.timeout_ms), party.identity, call.request);
}

/// Whether a call may be taken; refusals are counted as those of connections are.
Result<MethodEntry*> DatagramCallee::judge(const Identity& caller, DatagramForm form, std::uint32_t hash) {
  const auto refused = [&](const Error& why) {
    const Refusal reason = refusal_of_call(why.code);
    if (reason == Refusal::call_right) wiring_.endpoint.refuse_right(caller, why);
    else wiring_.endpoint.counters.refuse(reason);
    return why;
  };
  // Its keys may outlive the connection that was ended for it.
  if (wiring_.endpoint.is_revoked && wiring_.endpoint.is_revoked(caller.node)) {
    return refused({Errc::unauthenticated, "node " + caller.node.words() + " was taken out of the house; only its keeper can undo that"});
  }
  if (leaving_) return refused({Errc::busy, wiring_.endpoint.name + " is shutting down and takes no new calls"});
  if (open_.size() >= limits_.open) return refused({Errc::exhausted, std::to_string(open_.size()) + " calls by datagram are under way, as many as are allowed"});
  const auto method = method_of(hash);
  if (!method) return refused(method.error());
  if (const Status fits = judge_form(**method, form); !fits) return refused(fits.error());
  if (const Status allowed = caller.may((*method)->needs, (*method)->service_name + "/" + (*method)->name); !allowed) return refused(allowed.error());
  return *method;
}

Status DatagramCallee::judge_form(const MethodEntry& method, DatagramForm form) const {
  const std::string path = method.service_name + "/" + method.name;
  if (method.kind != MethodKind::unary) return Error{Errc::unsupported, path + " streams; datagrams carry one request and one answer, so call it over a connection"};
  if (form == DatagramForm::sealed) return {};
  if (method.needs == "public" && method.service->info().methods[method.method].idempotent) return {};
  return Error{Errc::unauthenticated, path + " by datagram needs keys, since anyone can send one: without them only look-ups that are open to everyone are "
                                             "answered. A member gets keys over TLS (b2.v1.Datagrams/Open)"};
}

Result<MethodEntry*> DatagramCallee::method_of(std::uint32_t hash) {
  ServiceTable& services = wiring_.endpoint.services;
  for (; methods_known_ < services.methods().size(); ++methods_known_) {
    MethodEntry* const entry = services.find(static_cast<std::uint16_t>(methods_known_));
    if (entry == nullptr) continue;  // its service has left already
    MethodEntry*& known = methods_.try_emplace(method_hash(entry->service_name, entry->name), entry).first->second;
    const bool another = known != nullptr && known->service != nullptr && (known->service_name != entry->service_name || known->name != entry->name);
    known = another ? nullptr : entry;
  }
  const auto found = methods_.find(hash);
  if (found == methods_.end() || (found->second != nullptr && found->second->service == nullptr)) {
    return Error{Errc::unsupported, "no method here has that hash of a name; 'b2 ls' lists what there is"};
  }
  if (found->second == nullptr) return Error{Errc::unsupported, "two methods here have that hash of a name: call it over a connection"};
  return found->second;
}

void DatagramCallee::dispatch(Open open, Duration timeout, std::shared_ptr<const Identity> caller, BytesView request) {
  MethodEntry& method = *open.method;
  method.counters.began();
  open.began = wiring_.clock.precise_now();
  open.deadline = wiring_.clock.now() + std::min(timeout, kMostDatagramTime);
  CallContext context;
  context.caller = std::move(caller);
  context.deadline = open.deadline;
  context.service = method.service_name;
  context.method = method.name;
  context.export_key = [](std::string_view, std::size_t) -> Result<Bytes> {
    return Error{Errc::unsupported, "a call by datagram has no keying material of its own"};
  };
  const std::uint64_t key = ++last_key_;
  open_.emplace(key, std::move(open));
  method.service->handle(method.method, request, ServerCall(shared_from_this(), key, std::move(context)));
  const auto still = open_.find(key);
  if (still == open_.end()) return;
  still->second.armed = true;
  deadlines_.emplace(still->second.deadline, key);
  wake_by(still->second.deadline);
}

// --- what is answered ---

void DatagramCallee::finish(std::uint64_t key, const Payload& last) { end(key, 0, last); }

void DatagramCallee::fail(std::uint64_t key, const Error& error) {
  end(key, static_cast<std::uint8_t>(error.code), Payload(as_bytes(error.message)));
}

/// The handler is done.
void DatagramCallee::end(std::uint64_t key, std::uint8_t status, const Payload& payload) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  const Open open = std::move(found->second);
  open_.erase(found);
  if (open.armed) deadlines_.erase({open.deadline, key});
  open.method->counters.ended(open.answered ? static_cast<std::uint16_t>(Errc::timed_out) : std::uint16_t{status});
  open.method->counters.took(wiring_.clock.precise_now() - open.began);
  if (Party* const party = find(open.party)) --party->open;
  if (!open.answered) answer(open, status, payload);
}

void DatagramCallee::answer(const Open& open, std::uint8_t status, const Payload& payload) {
  if (open.party.first != DatagramForm::pure) {
    Party* const party = find(open.party);
    if (party != nullptr) settle(*party, open.sequence, status, payload);
    return;
  }
  Bytes bytes(payload.size);
  payload.write_to(bytes.data());
  send(open.from, write_pure_answer({status, open.hash, open.nonce, bytes}, open.room));
}

/// Notes the outcome of a call, to be sent and kept for its repeats.
void DatagramCallee::settle(Party& party, std::uint64_t sequence, std::uint8_t status, const Payload& payload) {
  const auto found = party.slots.find(sequence);
  if (found == party.slots.end()) return;  // its caller has given up
  Slot& slot = found->second;
  slot.open = false;
  slot.status = status;
  slot.answer.resize(payload.size);
  payload.write_to(slot.answer.data());
  const std::size_t room = record_room(party.form, kAnswerRecord);
  if (status != 0) {
    slot.answer.resize(cut_text(as_text(slot.answer), room).size());
  } else if (slot.answer.size() > room) {
    ++counters().use_stream;
    slot.state = AnswerState::use_stream;
    if (party.form == DatagramForm::plain) {
      slot.answer.clear();  // a look-up, which is made again over a connection
    } else if (slot.answer.size() > limits_.fetched_bytes || kept_ + slot.answer.size() > limits_.kept_bytes) {
      slot.state = AnswerState::done;
      slot.status = kUnknownOutcome;
      slot.answer = to_bytes(as_bytes("it was done, and its answer of " + std::to_string(slot.answer.size()) + " bytes is too long to be kept: call it over a connection"));
    }
    slot.answer.shrink_to_fit();
  }
  kept_ += slot.answer.size();
  due(party, sequence, slot);
}

void DatagramCallee::due(Party& party, std::uint64_t sequence, Slot& slot) {
  if (std::exchange(slot.due, true)) return;
  party.due.push_back(sequence);
  if (!std::exchange(party.queued, true)) dirty_.emplace_back(party.form, party.id);
  output();
}

void DatagramCallee::output() {
  if (!std::exchange(told_, true) && wiring_.on_output) wiring_.on_output();
}

void DatagramCallee::send(const DatagramPeer& to, Bytes bytes) {
  ++counters().sent;
  counters().sent_bytes += bytes.size();
  outgoing_.push_back({to, std::move(bytes)});
  output();
}

std::vector<DatagramCallee::Outgoing> DatagramCallee::take_outgoing() {
  for (const Name& name : std::exchange(dirty_, {})) {
    if (Party* const party = find(name)) pack(*party);
  }
  trim();
  told_ = false;
  tell_gauges();
  return std::exchange(outgoing_, {});
}

/// Puts the answers that are due into as few datagrams as hold them.
void DatagramCallee::pack(Party& party) {
  party.queued = false;
  const std::uint64_t minute = CookieJar::minute(wiring_.clock.now());
  if (party.cookie_minute != minute) {
    party.cookie = cookies_.make(party.at, party.form, party.id, wiring_.clock.now());
    party.cookie_minute = minute;
  }
  DatagramHead head{DatagramKind::answer, party.form, party.id, party.number};
  std::optional<DatagramWriter> writer;
  const auto leave = [&] {
    Bytes bytes = writer->take();
    writer.reset();
    if (party.seal) party.seal->seal(bytes, head.number);
    send(party.at, std::move(bytes));
  };
  for (const std::uint64_t sequence : std::exchange(party.due, {})) {
    const auto found = party.slots.find(sequence);
    if (found == party.slots.end()) continue;
    Slot& slot = found->second;
    slot.due = false;
    if (slot.sent >= limits_.answers) continue;
    AnswerRecord record{sequence, slot.state, slot.status, slot.answer};
    if (slot.open) record = {sequence, AnswerState::under_way, 0, {}};
    else if (slot.lost && slot.state == AnswerState::done) record = {sequence, AnswerState::done, kUnknownOutcome, as_bytes(kAnswerLost)};
    else if (slot.state == AnswerState::use_stream) record.payload = {};
    if (!slot.open) ++slot.sent;
    if (writer && !writer->fits(kAnswerRecord + record.payload.size())) leave();
    if (!writer) {
      if (party.seal) head.number = party.seal->next_number();
      writer.emplace(head, DatagramBody{party.cookie, wiring_.endpoint.boot_epoch, 0});
    }
    writer->add(record);
  }
  if (writer) leave();
}

// --- time and room ---

void DatagramCallee::on_time() {
  if (closed_) return;
  const TimePoint now = wiring_.clock.now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint64_t key = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Open& open = open_.at(key);
    open.armed = false;
    open.answered = true;
    const std::string why = "it took longer than the call allowed";
    answer(open, static_cast<std::uint8_t>(Errc::timed_out), Payload(as_bytes(why)));
    if (open.token) open.token->store(true);
    if (const auto cancelled = std::exchange(open.cancelled, nullptr)) cancelled();  // may end the call
  }
  while (!idle_.empty()) {
    Party& party = *find({DatagramForm::plain, idle_.front()});
    if (party.heard + limits_.idle > now) break;
    if (party.open != 0) touch(party);
    else forget(party);
  }
  wakeup_ = TimePoint::max();
  if (!deadlines_.empty()) wake_by(deadlines_.begin()->first);
  if (!idle_.empty()) wake_by(find({DatagramForm::plain, idle_.front()})->heard + limits_.idle);
  tell_gauges();
}

void DatagramCallee::wake_by(TimePoint when) {
  if (when >= wakeup_) return;
  wakeup_ = when;
  if (wiring_.on_wakeup) wiring_.on_wakeup(when);
}

DatagramCallee::Party* DatagramCallee::find(const Name& name) {
  const auto found = parties_.find(name);
  return found == parties_.end() ? nullptr : found->second.get();
}

void DatagramCallee::touch(Party& party) {
  party.heard = wiring_.clock.now();
  idle_.splice(idle_.end(), idle_, party.place);
}

/// Null when all who could make room have calls under way.
DatagramCallee::Party* DatagramCallee::make_room_and_add(std::uint64_t id, const DatagramPeer& from) {
  const std::uint64_t source = SourceRates::source(from);
  const auto same = by_source_.find(source);
  if (same != by_source_.end() && same->second >= limits_.callers_per_source && !forget_one(&source)) return nullptr;
  if (idle_.size() >= limits_.callers && !forget_one(nullptr)) return nullptr;
  if (id <= floor_) return nullptr;  // it came before the one that made room: another cookie will do
  auto party = std::make_unique<Party>();
  party->id = id;
  party->at = from;
  party->source = source;
  party->identity = stranger(from);
  party->heard = wiring_.clock.now();
  party->place = idle_.insert(idle_.end(), id);
  ++by_source_[source];
  wake_by(party->heard + limits_.idle);
  return parties_.emplace(Name{DatagramForm::plain, id}, std::move(party)).first->second.get();
}

/// Forgets the caller heard longest ago, of that source or of all, that has no call under way.
bool DatagramCallee::forget_one(const std::uint64_t* source, TimePoint heard_by) {
  for (const std::uint64_t id : idle_) {
    Party& party = *find({DatagramForm::plain, id});
    if (party.heard > heard_by) return false;
    if (party.open != 0 || !party.due.empty() || (source != nullptr && party.source != *source)) continue;
    ++counters().forgotten;
    forget(party);
    return true;
  }
  return false;
}

/// Whatever comes from it later is answered with a new id: what it had done must not be done again.
void DatagramCallee::forget(Party& party) {
  for (auto& [sequence, slot] : party.slots) drop_answer(slot);
  floor_ = std::max(floor_, party.id);
  idle_.erase(party.place);
  const auto source = by_source_.find(party.source);
  if (--source->second == 0) by_source_.erase(source);
  parties_.erase({DatagramForm::plain, party.id});
}

void DatagramCallee::drop_answer(Slot& slot) {
  kept_ -= slot.answer.size();
  Bytes().swap(slot.answer);
}

/// Keeps answers within their bytes: callers that say nothing go first, then answers that were sent.
void DatagramCallee::trim() {
  while (kept_ > limits_.kept_bytes && forget_one(nullptr, wiring_.clock.now() - kQuiet)) {
  }
  for (auto party = parties_.begin(); kept_ > limits_.kept_bytes && party != parties_.end(); ++party) {
    for (auto& [sequence, slot] : party->second->slots) {
      if (slot.sent == 0 || slot.answer.empty()) continue;
      drop_answer(slot);
      slot.lost = true;
    }
  }
}

void DatagramCallee::tell_gauges() {
  counters().callers = idle_.size();
  counters().sessions = sessions_;
  counters().kept_bytes = kept_;
  counters().open = open_.size();
}

std::shared_ptr<const Identity> DatagramCallee::stranger(const DatagramPeer& at) const {
  auto identity = std::make_shared<Identity>();
  identity->where = wiring_.name_of ? wiring_.name_of(at) : "a datagram";
  identity->why_stranger = "a datagram without keys proves nothing: call over a connection";
  return identity;
}

// --- sessions ---

Status DatagramCallee::open_session(std::uint64_t session, const DatagramKeys& keys, std::shared_ptr<const Identity> caller) {
  if (closed_ || leaving_) return Error{Errc::busy, wiring_.endpoint.name + " is shutting down"};
  if (sessions_ >= limits_.sessions) return Error{Errc::exhausted, std::to_string(sessions_) + " sessions for datagrams are open, as many as are allowed"};
  auto party = std::make_unique<Party>();
  party->id = session;
  party->form = DatagramForm::sealed;
  party->seal = std::make_unique<DatagramSeal>(keys.to_caller, keys.to_server);
  party->identity = std::move(caller);
  if (!parties_.emplace(Name{DatagramForm::sealed, session}, std::move(party)).second) return Error{Errc::exists, "there is such a session"};
  ++sessions_;
  tell_gauges();
  return {};
}

void DatagramCallee::close_session(std::uint64_t session) {
  closing_.push_back(session);
  if (!handling_) end_closed_sessions();
}

void DatagramCallee::end_closed_sessions() {
  for (const std::uint64_t session : std::exchange(closing_, {})) {
    Party* const party = find({DatagramForm::sealed, session});
    if (party == nullptr) continue;
    for (auto& [sequence, slot] : party->slots) drop_answer(slot);
    parties_.erase({DatagramForm::sealed, session});
    --sessions_;
    tell_gauges();
  }
}

Result<Bytes> DatagramCallee::fetch(std::uint64_t session, std::uint64_t sequence, const Identity& caller) {
  Party* const party = find({DatagramForm::sealed, session});
  const bool same = party != nullptr && (party->identity.get() == &caller || (!caller.node.is_none() && party->identity->node == caller.node));
  if (!same) return Error{Errc::not_found, "you have no such session for datagrams"};
  const auto found = party->slots.find(sequence);
  if (found == party->slots.end() || found->second.open || found->second.state != AnswerState::use_stream) {
    return Error{Errc::not_found, "no answer is kept for call " + std::to_string(sequence) + " of the session"};
  }
  if (found->second.lost) return Error{Errc::unknown, std::string(kAnswerLost)};
  Bytes answer = found->second.answer;
  drop_answer(found->second);
  found->second.lost = true;
  tell_gauges();
  return answer;
}

// --- the rest of CallSink ---

void DatagramCallee::on_cancel(std::uint64_t key, std::function<void()> cancelled) {
  const auto found = open_.find(key);
  if (found != open_.end() && !found->second.answered) found->second.cancelled = std::move(cancelled);
}

void DatagramCallee::run_on_worker(std::uint64_t key, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  const auto token = std::make_shared<std::atomic<bool>>(found->second.answered);
  found->second.token = token;
  answer_by_worker(wiring_.endpoint, [weak = weak_from_this()] { return weak.lock(); }, key, token, std::move(work));
}

void DatagramCallee::close() {
  if (std::exchange(closed_, true)) return;
  deadlines_.clear();
  for (auto& [key, open] : std::exchange(open_, {})) {
    if (open.token) open.token->store(true);
    if (open.cancelled) open.cancelled();
  }
}

}  // namespace ghost::b2
