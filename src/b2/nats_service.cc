#include "b2/nats_service.h"

#include <algorithm>
#include <utility>

namespace ghost::b2 {

namespace {

constexpr Duration kTellRefusalsEvery = std::chrono::seconds(10);

NatsBridge::Self self_of(const Endpoint& endpoint, const Membership& membership) {
  NatsBridge::Self self;
  self.house = membership.house().id();
  self.node = endpoint.node;
  self.epoch = endpoint.boot_epoch;
  self.name = endpoint.name;
  self.program = endpoint.program;
  self.certificate = membership.certificates().front();
  return self;
}

NatsBridge::Timing nats_timing_of(const NatsServers& servers) {
  NatsBridge::Timing timing;
  timing.silent = servers.silent;
  timing.hello = servers.silent * 2 / 7;
  return timing;
}

/// A copy: the state may be read anew while the writer signs.
KeyPair copy_of(const KeyPair& key) { return std::move(*KeyPair::from_der(key.to_der())); }

}  // namespace

NatsService::NatsService(Parts parts, NatsServers servers, const NodeState& state)
    : parts_(parts), bridge_(*this, parts.reactor, self_of(parts.endpoint, *state.membership()), nats_timing_of(servers)),
      calls_(parts.reactor, parts.endpoint, bridge_, [this](std::string subject, std::string reply, v1::NatsEnvelope envelope) {
        return connection_->send(std::move(subject), std::move(reply), std::move(envelope), false);
      }) {
  const CertificateInfo& own = state.membership()->own();
  self_.kind = Identity::Kind::member;
  self_.roles = own.roles;
  self_.node = own.node;
  self_.name = own.name;
  std::string urls;
  for (const std::string& url : servers.urls) urls += (urls.empty() ? "" : ", ") + shown_nats_url(url);
  parts_.log.info("b2: joining the house by NATS", {{"servers", urls}});
  connection_ = std::make_unique<NatsConnection>(parts_.reactor, std::move(servers), copy_of(state.key()), state.membership()->house(), events());
  offer_changed();
  parts_.topics.set_bridge(this);
  plan();
}

NatsService::~NatsService() { parts_.topics.set_bridge(nullptr); }

NatsConnection::Events NatsService::events() {
  NatsConnection::Events on;
  on.connected = [this](std::string server, std::size_t max_payload) {
    server_ = std::move(server);
    problem_.clear();
    parts_.log.info("b2: connected to NATS", {{"server", server_}, {"max_payload", std::to_string(max_payload)}});
    bridge_.connected(max_payload);
    plan();
  };
  on.disconnected = [this](std::string why) {
    parts_.log.warning("b2: no connection to NATS; topics and calls reach this node only", {{"why", why}});
    server_.clear();
    problem_ = why;
    bridge_.disconnected(std::move(why));
    plan();
  };
  on.message = [this](NatsOpener::Opened opened) {
    bridge_.receive(*opened.from, std::move(opened.envelope));
    plan();
  };
  on.no_responders = [this](const std::string& inbox) {
    bridge_.no_responders(inbox);
    plan();
  };
  on.refused = [this](const Error& why) { refused(why); };
  return on;
}

void NatsService::refused(const Error& why) {
  if (why.code == Errc::not_found) {  // somebody that came before us, most likely
    bridge_.stranger_heard();
    return plan();
  }
  ++bridge_.count().refused;
  const TimePoint now = parts_.reactor.now();
  if (refusal_told_ != TimePoint::min() && now < refusal_told_ + kTellRefusalsEvery) return;
  refusal_told_ = now;
  parts_.log.warning("b2: a message by NATS was refused", {{"why", why.message}});
}

void NatsService::offer_changed() {
  bridge_.set_offer(parts_.endpoint.addresses, parts_.endpoint.services.entries());
  plan();
}

void NatsService::take_identity(const NodeState& state) {
  self_.roles = state.membership()->own().roles;
  bridge_.set_certificate(state.membership()->certificates().front());
  connection_->set_house(state.membership()->house(), [](const Identity&) { return false; });
  plan();
}

void NatsService::forget(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked) {
  connection_->set_house(house, is_revoked);
  bridge_.forget(is_revoked);
  plan();
}

void NatsService::leave() { bridge_.leave(); }

void NatsService::send(std::string subject, std::string reply, v1::NatsEnvelope envelope) {
  const bool bulk = envelope.topic.has_value();
  connection_->send(std::move(subject), std::move(reply), std::move(envelope), bulk);
}
void NatsService::listen(const std::string& subject, const std::string& queue) { connection_->listen(subject, queue); }
void NatsService::unlisten(const std::string& subject, const std::string& queue) { connection_->unlisten(subject, queue); }

void NatsService::deliver(const Identity& from, v1::TopicMessage message) {
  if (const Status allowed = parts_.topics.take_from_afar(from, std::move(message)); !allowed) refused(allowed.error());
}
bool NatsService::deliver_to_group(const Identity& from, const std::string& group, v1::TopicMessage message) {
  return parts_.topics.take_for_group(from, group, std::move(message));
}
void NatsService::lost(const std::string& subject, std::uint64_t count) {
  parts_.log.warning("b2: messages of another node were lost on the way", {{"subject", subject}, {"count", std::to_string(count)}});
  parts_.topics.lost(subject, count);
}
void NatsService::lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) {
  parts_.topics.lost_of_group(group, subject, count);
}
void NatsService::uncounted(const std::string& who) {
  parts_.log.warning("b2: messages of other nodes may be missing, and cannot be counted", {{"nodes", who}});
  parts_.topics.uncounted();
}
bool NatsService::may_publish(std::string_view subject) const { return parts_.topics.rights().may_publish(self_, subject).has_value(); }

void NatsService::call_heard(const Identity& from, v1::NatsEnvelope envelope) {
  const std::uint64_t epoch = envelope.epoch;
  calls_.heard(from, epoch, std::move(envelope));
}
void NatsService::call_unheard(std::string_view token) { calls_.unheard(token); }
void NatsService::gone(const NodeId& node, std::uint64_t epoch, const std::string& why) { calls_.gone({node, epoch}, why); }
void NatsService::answer_call_node(v1::BridgeCallRequest request, UnaryCall<v1::BridgeCallResponse> call) { calls_.make(std::move(request), std::move(call)); }

bool NatsService::goes_elsewhere(std::string_view subject, const std::string& group) const { return bridge_.goes_elsewhere(subject, group); }
Status NatsService::fits(std::string_view subject, std::size_t bytes) const { return bridge_.fits(subject, bytes); }
void NatsService::published(const v1::TopicMessage& message) {
  bridge_.published(message);
  plan();
}
std::uint64_t NatsService::joining(const std::vector<std::string>& patterns, const std::string& group, Ready ready) {
  const std::uint64_t id = bridge_.joining(patterns, group, std::move(ready));
  plan();
  return id;
}
void NatsService::left(std::uint64_t joined) { bridge_.left(joined); }

void NatsService::plan() {
  const TimePoint when = bridge_.next_wakeup();
  if (when >= armed_ && armed_ != TimePoint::max()) return;  // it is looked at again then
  armed_ = when;
  timer_ = parts_.reactor.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    bridge_.advance();
    plan();
  });
}

v1::BridgeListResponse NatsService::told() const {
  v1::BridgeListResponse response;
  response.connected = bridge_.is_connected();
  response.server = server_;
  response.problem = problem_;
  const TimePoint now = parts_.reactor.now();
  for (const auto& [key, remote] : bridge_.remotes()) {
    v1::BridgeNode& node = response.nodes.emplace_back();
    node.node = Bytes(remote.node.bytes.begin(), remote.node.bytes.end());
    node.epoch = remote.epoch;
    node.name = remote.name;
    node.program = remote.program;
    node.alive = remote.alive;
    node.heard_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::max(Duration::zero(), Duration(now - remote.heard))).count());
    node.addresses = remote.addresses;
    node.services = remote.services;
  }
  v1::BridgeCounts counts = bridge_.counts();
  counts.overflow = connection_->overflow();
  calls_.count(counts);
  response.counts = counts;
  return response;
}

Result<v1::BridgeListResponse> NatsService::list(const v1::BridgeListRequest&, const CallContext&) { return told(); }

}  // namespace ghost::b2
