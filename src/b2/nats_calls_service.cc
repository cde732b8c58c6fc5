#include "b2/nats_calls_service.h"

#include <algorithm>
#include <utility>

#include "b2/unary_sink.h"
#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kMostBytes = 512 * 1024;  ///< of a request or an answer
constexpr std::size_t kMostTaken = 1024;        ///< calls being carried out here for other nodes
constexpr std::size_t kMostTakenOfOne = 256;
constexpr std::size_t kMostMade = 4096;
constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
constexpr std::uint32_t kLongestTimeoutMs = 24 * 60 * 60 * 1000;
constexpr std::string_view kBridgeService = "b2.v1.Bridge";

/// What to do instead of a call by NATS: where the node itself is called.
std::string nats_direct(const std::string& node, const std::vector<std::string>& addresses) {
  std::string at;
  for (const std::string& address : addresses) {
    if (!address.starts_with("unix:") && !address.starts_with("/")) at += (at.empty() ? "" : " or ") + address;
  }
  return at.empty() ? "call " + node + " itself: it listens on no address that is known here" : "call " + node + " itself, at " + at;
}

Error nats_streams(const std::string& what, const std::string& node, const std::vector<std::string>& addresses) {
  return {Errc::unsupported, what + " streams, and streams do not go by NATS, which loses what is too fast for a reader; " + nats_direct(node, addresses)};
}

bool is_meant(const NatsBridge::Remote& remote, const std::string& node) {
  return node.empty() || remote.name == node || remote.node.words() == node || (node.size() >= 8 && remote.node.hex().starts_with(node));
}

}  // namespace

/// Where the answer of a call goes that came by NATS: one envelope.
class NatsCalls::Taken : public UnarySink {
 public:
  using Answered = std::function<void(v1::NatsResult)>;
  Taken(net::Reactor& reactor, Endpoint& endpoint, MethodEntry& method, Bytes id, std::size_t most, Answered answered)
      : UnarySink(endpoint), reactor_(reactor), callee_(endpoint), method_(method), id_(std::move(id)), most_(most), answered_(std::move(answered)),
        began_(reactor.precise_now()) {
    method_.counters.began();
  }

  void arm(Duration timeout) {
    timer_ = reactor_.wake_at(reactor_.now() + timeout, [weak = weak_from_this()](TimePoint) {
      const auto self = std::static_pointer_cast<Taken>(weak.lock());
      if (self) self->give_up({Errc::timed_out, "the deadline passed before the call was done"});
    });
  }
  /// The caller did, or nobody can tell it any more.
  void give_up(const Error& why) {
    if (!answered_) return;
    const auto self = shared_from_this();
    respond(static_cast<std::uint16_t>(why.code), {}, why.message);
    cancel_handler();
  }

  void finish(std::uint64_t, const Payload& last) override {
    if (last.size > most_) {
      return respond(static_cast<std::uint16_t>(Errc::exhausted), {}, "the answer has " + std::to_string(last.size) + " bytes, more than the " +
                                                                          std::to_string(most_) + " that go by NATS; " + nats_direct(callee_.name, callee_.addresses));
    }
    Bytes bytes(last.size);
    last.write_to(bytes.data());
    respond(MethodCounters::kOk, std::move(bytes), "");
  }
  void fail(std::uint64_t, const Error& error) override { respond(static_cast<std::uint16_t>(error.code), {}, error.message); }

 private:
  void respond(std::uint16_t status, Bytes response, std::string message) {
    const Answered answered = std::exchange(answered_, nullptr);
    if (!answered) return;
    method_.counters.ended(status);
    method_.counters.took(reactor_.precise_now() - began_);
    timer_.reset();
    v1::NatsResult result;
    result.id = id_;
    result.status = status;
    result.message = std::move(message);
    result.response = std::move(response);
    answered(std::move(result));
  }

  net::Reactor& reactor_;
  const Endpoint& callee_;
  MethodEntry& method_;
  const Bytes id_;
  const std::size_t most_;  ///< bytes of the answer
  Answered answered_;
  const TimePoint began_;
  net::Timer timer_;
};

NatsCalls::NatsCalls(net::Reactor& reactor, Endpoint& endpoint, NatsBridge& bridge, Send send)
    : reactor_(reactor), endpoint_(endpoint), bridge_(bridge), send_(std::move(send)) {}

std::size_t NatsCalls::most() const { return std::min(kMostBytes, bridge_.most()); }

NatsCalls::~NatsCalls() {
  alive_.reset();
  for (auto& [key, taken] : std::exchange(taken_, {})) taken->give_up({Errc::busy, "the bridge has ended"});
}

/// Who is to be called, of those that announced the method.
Result<NatsCalls::Chosen> NatsCalls::choose(const v1::BridgeCallRequest& request) {
  const std::string what = request.service + "/" + request.method;
  std::vector<Chosen> able;
  bool known = false, serves = false;
  for (const auto& [key, remote] : bridge_.remotes()) {
    if (!is_meant(remote, request.node)) continue;
    known |= remote.alive;
    const auto service = std::find_if(remote.services.begin(), remote.services.end(), [&](const auto& one) { return one.name == request.service; });
    if (service == remote.services.end()) continue;
    const auto method = std::find_if(service->methods.begin(), service->methods.end(), [&](const auto& one) { return one.name == request.method; });
    if (method == service->methods.end()) continue;
    serves = true;
    if (remote.alive && service->health != v1::Health::not_serving) able.push_back({&remote, &*method});
  }
  const std::string who = request.node.empty() ? "a node of the house" : request.node;
  if (able.empty() && serves) return Error{Errc::busy, what + ": " + who + " that serves it is away"};
  if (able.empty() && !known && !request.node.empty()) return Error{Errc::busy, request.node + " is not there; 'b2 ls --house' lists who is"};
  if (able.empty()) return Error{Errc::not_found, what + " is not served by " + (request.node.empty() ? "any node" : request.node) + "; 'b2 ls --house' lists what is"};
  return able[turn_++ % able.size()];
}

void NatsCalls::make(v1::BridgeCallRequest request, UnaryCall<v1::BridgeCallResponse> call) {
  const std::string what = request.service + "/" + request.method;
  const auto chosen = choose(request);
  if (!chosen) return call.fail(chosen.error());
  if (request.service == kBridgeService) return call.fail({Errc::refused, "one node is not called by way of another"});
  if (chosen->method->kind != v1::MethodKind::unary) return call.fail(nats_streams(what, chosen->remote->name, chosen->remote->addresses));
  if (const Status allowed = call.context().caller->may(chosen->method->needs, what); !allowed) return call.fail(allowed.error());
  if (request.request.size() > most()) {
    return call.fail({Errc::exhausted, "a request of " + std::to_string(request.request.size()) + " bytes is longer than the " + std::to_string(most()) +
                                           " that go by NATS; " + nats_direct(chosen->remote->name, chosen->remote->addresses)});
  }
  if (!bridge_.is_connected()) return call.fail({Errc::busy, "there is no connection to NATS: " + what + " was not called"});
  if (made_.size() >= kMostMade) return call.fail({Errc::exhausted, std::to_string(made_.size()) + " calls by NATS are under way already"});

  Bytes id(16);
  random_bytes(id);
  const NatsBridge::Remote& remote = *chosen->remote;
  const TimePoint now = reactor_.now();
  const Duration left = call.context().deadline == TimePoint::max() ? kDefaultTimeout : call.context().deadline - now;
  v1::NatsEnvelope envelope = bridge_.envelope_to(remote);
  v1::NatsCall& asked = envelope.call.emplace();
  asked.id = id;
  asked.service = std::move(request.service);
  asked.method = std::move(request.method);
  asked.timeout_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 1, kLongestTimeoutMs));
  asked.request = std::move(request.request);
  const auto answer = std::make_shared<UnaryCall<v1::BridgeCallResponse>>(std::move(call));
  const NatsCallsMade::Key to{remote.node, remote.epoch};
  const auto cancel = [this, id, to, what, alive = std::weak_ptr<char>(alive_), answer_to = std::weak_ptr(answer)] {
    const auto given_up = answer_to.lock();
    if (alive.expired() || !given_up || !made_.give_up(id)) return;
    if (const auto found = bridge_.remotes().find(to); found != bridge_.remotes().end()) {
      v1::NatsEnvelope cancelled = bridge_.envelope_to(found->second);
      cancelled.cancel.emplace().id = id;
      const std::string inbox = bridge_.subjects().inbox(cancelled.to, to.second, "m");
      send_(inbox, "", std::move(cancelled));
    }
    given_up->fail({Errc::cancelled, what + " was given up: whether it was done is not known"});
  };
  answer->on_cancel(cancel);
  made_.start(id, {to, remote.name, what, chosen->method->idempotent, now + left, [answer, node = remote.name](Result<Bytes> outcome) {
                     if (!outcome) return answer->fail(outcome.error());
                     v1::BridgeCallResponse response;
                     response.response = std::move(*outcome);
                     response.node = node;
                     answer->finish(response);
                   }});
  ++made_count_;
  const std::string inbox = bridge_.subjects().inbox(envelope.to, remote.epoch, "m");
  const std::string reply = bridge_.subjects().inbox(envelope.node, envelope.epoch, NatsCallsMade::token(id));
  if (!send_(inbox, reply, std::move(envelope))) made_.unheard(NatsCallsMade::token(id));
  plan();
}

void NatsCalls::heard(const Identity& from, std::uint64_t epoch, v1::NatsEnvelope envelope) {
  const NatsCallsMade::Key sender{from.node, epoch};
  if (envelope.result) made_.answered(sender, *envelope.result);
  if (envelope.cancel) {
    const auto found = taken_.find({sender, envelope.cancel->id});
    if (found != taken_.end()) std::shared_ptr<Taken>(found->second)->give_up({Errc::cancelled, "cancelled by the caller"});
  }
  if (envelope.call && !envelope.to.empty()) take(from, epoch, std::move(*envelope.call));
}

/// The method, when `from` may call it here.
Result<MethodEntry*> NatsCalls::allowed(const Identity& from, const v1::NatsCall& call) {
  const std::string what = call.service + "/" + call.method;
  MethodEntry* method = endpoint_.services.find(call.service, call.method);
  if (method == nullptr || call.service == kBridgeService) return Error{Errc::not_found, "there is no method " + what + " here"};
  if (method->kind != MethodKind::unary) return nats_streams(what, endpoint_.name, endpoint_.addresses);
  if (const Status may = from.may(method->needs, what); !may) return may.error();
  const auto of_one = std::count_if(taken_.begin(), taken_.end(), [&](const auto& one) { return one.first.first.first == from.node; });
  if (taken_.size() >= kMostTaken || static_cast<std::size_t>(of_one) >= kMostTakenOfOne) return Error{Errc::exhausted, "too many calls by NATS are being carried out here"};
  return method;
}

void NatsCalls::take(const Identity& from, std::uint64_t epoch, v1::NatsCall call) {
  const NatsCallsMade::Key caller{from.node, epoch};
  if (call.id.size() != 16) return;
  const auto verdict = taken_ids_.take(from.node, call.id, reactor_.now());
  if (verdict == NatsCallsTaken::Verdict::again) {
    ++repeated_;
    return;
  }
  const auto refuse = [&](const Error& why, Refusal counted) {
    endpoint_.counters.refuse(counted);
    v1::NatsResult result;
    result.id = call.id;
    result.status = static_cast<std::uint32_t>(why.code);
    result.message = why.message;
    answer(caller, std::move(result));
  };
  if (verdict == NatsCallsTaken::Verdict::full) return refuse({Errc::exhausted, "too many calls by NATS came within two minutes"}, Refusal::call_limit);
  const auto method = allowed(from, call);
  if (!method) return refuse(method.error(), refusal_of_call(method.error().code));
  ++taken_count_;
  const auto key = std::make_pair(caller, call.id);
  const auto sink = std::make_shared<Taken>(reactor_, endpoint_, **method, call.id, most(), [this, caller, key, alive = std::weak_ptr<char>(alive_)](v1::NatsResult result) {
    if (alive.expired()) return;
    answer(caller, std::move(result));
    taken_.erase(key);
  });
  taken_[key] = sink;
  const Duration timeout = std::chrono::milliseconds(std::clamp<std::uint32_t>(call.timeout_ms, 1, kLongestTimeoutMs));
  sink->arm(timeout);
  CallContext context;
  context.caller = std::make_shared<const Identity>(from);
  context.deadline = reactor_.now() + timeout;
  context.service = (*method)->service_name;
  context.method = (*method)->name;
  context.export_key = [](std::string_view, std::size_t) -> Result<Bytes> { return Error{Errc::unsupported, "a call by NATS has no TLS connection of its own"}; };
  (*method)->service->handle((*method)->method, call.request, ServerCall(sink, 1, std::move(context)));
}

void NatsCalls::answer(const NatsCallsMade::Key& to, v1::NatsResult result) {
  const auto found = bridge_.remotes().find(to);
  if (found == bridge_.remotes().end()) return;
  v1::NatsEnvelope envelope = bridge_.envelope_to(found->second);
  envelope.result = std::move(result);
  const std::string inbox = bridge_.subjects().inbox(envelope.to, to.second, "m");
  send_(inbox, "", std::move(envelope));
}

void NatsCalls::gone(const NatsCallsMade::Key& node, const std::string& why) {
  made_.gone(node, why);
  std::vector<std::shared_ptr<Taken>> over;
  for (const auto& [key, taken] : taken_) {
    if (key.first == node) over.push_back(taken);
  }
  for (const auto& taken : over) taken->give_up({Errc::cancelled, "the caller " + why});
}

void NatsCalls::count(v1::BridgeCounts& counts) const {
  counts.calls_made = made_count_;
  counts.calls_taken = taken_count_;
  counts.calls_repeated = repeated_;
}

void NatsCalls::plan() {
  timer_ = reactor_.wake_at(made_.next_wakeup(), [this](TimePoint now) {
    made_.expire(now);
    plan();
  });
}

}  // namespace ghost::b2
