#include "b2/node_service.h"

#include <algorithm>

#include "b2/discovery_metrics.h"
#include "b2/nats_service.h"
#include "b2/reply_cache.h"
#include "base/random.h"
#include "net/resolve.h"

namespace ghost::b2 {

namespace {

constexpr Duration kLookAgain = std::chrono::seconds(2);
constexpr std::uint16_t kSeedPort = 2203;  ///< of a seed that names none
constexpr Duration kRightsLookedAt = std::chrono::seconds(30);

std::uint64_t random_epoch() {
  std::array<std::uint8_t, 8> bytes;
  random_bytes(bytes);
  return ByteReader(bytes).u64();
}

}  // namespace

Node::Node(net::EpollNetwork& network, Options options, const Logger& log)
    : network_(network), options_(std::move(options)), log_(log), token_(options_.token.empty() ? make_token() : options_.token), udp_(network) {}

/// Services that take themselves off on their way out tell nobody: the server goes before them.
Node::~Node() { endpoint_.services.on_change = nullptr; }

Result<std::unique_ptr<Node>> Node::start(net::EpollNetwork& network, Options options, const Logger& log) {
  std::unique_ptr<Node> node(new Node(network, std::move(options), log));
  if (const Status opened = node->open(); !opened) return opened.error();
  return node;
}

Status Node::open() {
  endpoint_.services.set_rights(std::make_shared<const Rights>(options_.rights));
  endpoint_.on_refused = [this](const Identity& who, const Error& why) {
    const auto unsaid = refusals_.take(who, network_.reactor().now());
    if (!unsaid) return;
    log_.warning("b2: a caller was refused", {{"peer", who.where}, {"node", who.node.is_none() ? "unknown" : who.node.words()}, {"why", why.message}, {"unsaid", *unsaid}});
  };
  auto trust = TrustService::open({network_, endpoint_, options_.state, options_.node_name, log_, options_.asks_keeper});
  if (!trust) return trust.error();
  trust_ = std::move(*trust);
  endpoint_.program = options_.program + " " + options_.version;
  endpoint_.boot_epoch = random_epoch();
  workers_ = std::make_unique<Workers>(options_.workers);
  endpoint_.run_on_worker = [this](std::function<Result<Bytes>()> work, std::function<void(Result<Bytes>)> then) {
    workers_->run([this, work = std::move(work), then = std::move(then)]() mutable {
      auto result = std::make_shared<Result<Bytes>>(work());
      network_.reactor().post([then = std::move(then), result] { then(std::move(*result)); });
    });
  };
  endpoint_.call_failed = [this](const FailedCall& call) { log_failure(call); };
  core_ = std::make_unique<CoreService>(endpoint_, network_.reactor());
  endpoint_.services.add(*core_);
  topics_ = std::make_unique<TopicsService>(network_.reactor(), endpoint_);
  endpoint_.services.add(*topics_);
  topics_->set_rows(options_.rights.topics());
  if (const Status served = serve_house(); !served) return served;

  AccessRules rules;
  rules.house = [this] { return trust_->house(); };
  for (const net::Address& address : options_.listen) {
    if (!address.is_ip()) rules.unix_socket = address.path();
    else if (rules.address.empty() || !address.is_loopback()) rules.address = address.text();
  }
  gateway_ = std::make_unique<HttpGateway>(HttpGateway::Parts{
      network_.reactor(), endpoint_, *core_, token_, options_.hosts, options_.assets,
      [this](std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer) { server_->serve(std::move(stream), std::move(peer)); },
      options_.metrics_for, [this] { return hosted ? hosted() : std::vector<HostedCount>(); },
      [this] {
        return (finder_ ? discovery_metrics(finder_->discovery()) : std::string()) + (nats_ ? bridge_metrics(nats_->told()) : std::string()) + (more_metrics ? more_metrics() : std::string());
      }});
  server_ = std::make_unique<Server>(Server::Parts{
      network_, endpoint_, make_judge(std::move(rules)), trust_->tls(),
      [this](net::HttpRequest request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) { gateway_->handle(std::move(request), std::move(reply), peer); },
      {}, {}, [this](std::string_view line) { log_.info("b2: connection ended", {{"why", line}}); }});
  trust_->on_identity = [this] {
    server_->set_tls(trust_->tls());
    join_by_nats();
    if (finder_) finder_->self_changed();
  };
  trust_->on_revoked = [this](const std::function<bool(const Identity&)>& revoked) {
    server_->end_http(revoked);
    if (nats_ && trust_->house()) nats_->forget(*trust_->house(), revoked);
    if (finder_) finder_->check_all();
  };
  endpoint_.services.on_change = [this](const v1::ServiceEntry& entry) {
    server_->tell_services(entry);
    if (nats_) nats_->offer_changed();
    if (finder_) finder_->self_changed();
    if (on_services_changed) on_services_changed(entry);
  };
  for (const net::Address& address : options_.listen) {
    if (!address.is_loopback() && state().house() == nullptr) {
      return Error{Errc::refused, "listen on " + address.text() + ": off loopback only members of a house are served, and this node is in none; "
                                  "make one with 'ghostlight house create NAME' or join one with 'ghostlight house join'"};
    }
    const auto listening = server_->listen(address);
    if (!listening) return listening.error();
    log_.info("b2: listening", {{"program", options_.program}, {"at", listening->text()}});
    if (options_.datagrams && listening->is_ip()) serve_datagrams(*listening);
  }
  endpoint_.addresses = addresses();
  if (!options_.nats.urls.empty() && !trust_->house()) {
    log_.warning("b2: NATS is left alone: it joins nodes of one house, and this node is in none", {{"do", "ghostlight house create NAME, or ghostlight house join"}});
  }
  if (!options_.begins_later) begin();
  // Of a node's programs the host serves what all the others do; by then they run.
  if (options_.keeps_house) rights_timer_ = network_.reactor().wake_at(network_.reactor().now() + kRightsLookedAt, [this](TimePoint) { tell_unused_rights(); });
  return {};
}

void Node::begin() {
  options_.begins_later = false;
  join_by_nats();
  trust_->start();
  start_discovery();
  watch_house();
}

/// Where only loopback is listened on, nothing is sent: there is nobody to be found by.
void Node::start_discovery() {
  using Discover = Options::Discover;
  Finder::Parts parts{network_, endpoint_, [this] { return trust_->tls(); }, [this] { return trust_->house(); }, {}};
  for (const net::Address& at : server_->addresses()) {
    if (at.is_ip() && (!at.is_loopback() || options_.discover == Discover::always)) parts.listening.push_back(at);
  }
  if (options_.discover == Discover::never || parts.listening.empty()) return;
  parts.seeds = options_.seeds;
  parts.resolve = [this](std::string name, std::function<void(Result<net::Address>)> then) {
    workers_->run([this, name = std::move(name), then = std::move(then)] {
      network_.reactor().post([then, address = net::resolve(name, kSeedPort)] { then(address); });
    });
  };
  parts.loopback = options_.discover == Discover::always;
  parts.log = log_;
  finder_ = std::make_unique<Finder>(std::move(parts));
  endpoint_.services.add(*finder_);
  finder_->start();
}

/// One line for a call that failed: loud where it is this side's doing, or its caller follows it. A flood of them is cut.
void Node::log_failure(const FailedCall& call) {
  const bool ours = call.status == Errc::io || call.status == Errc::data_loss || call.status == Errc::unknown;
  const bool followed = call.trace != nullptr && call.trace->sampled();
  const LogLevel level = ours ? LogLevel::warning : followed ? LogLevel::info : LogLevel::debug;
  if (!log_.wants(level) || !failures_logged_.take(network_.reactor().now())) return;
  const std::string what = std::string(call.service) + "/" + std::string(call.method);
  const Error error{call.status, std::string(call.why)};
  const std::string trace = call.trace != nullptr ? call.trace->text() : "";
  const LogFields fields = {{"method", what}, {"caller", call.caller.where}, {"error", error}, {"trace", trace}, {"s", call.took}};
  if (ours) log_.warning("b2: call failed", fields);
  else if (followed) log_.info("b2: call failed", fields);
  else log_.debug("b2: call failed", fields);
}

/// Serves b2.v1.House, if this program is to and the state holds a house.
Status Node::serve_house() {
  if (!options_.keeps_house || house_) return {};
  auto house = House::open(options_.state);
  if (!house) return house.error().code == Errc::not_found ? Status() : Status(house.error());
  house_ = std::make_unique<HouseService>(std::move(*house));
  endpoint_.services.add(*house_);
  return {};
}

/// Takes datagrams beside a TCP address. A node whose UDP port another program has serves all the same by connections.
void Node::serve_datagrams(const net::Address& at) {
  const auto bound = udp_.listen(at);
  if (!bound) return log_.warning("b2: no datagrams are taken", {{"at", at.text()}, {"why", bound.error().message}});
  log_.info("b2: taking datagrams", {{"program", options_.program}, {"at", bound->text()}});
  if (datagrams_) return;
  datagrams_ = std::make_unique<DatagramServer>(network_.reactor(), endpoint_, udp_);
  endpoint_.services.add(*datagrams_);
}

/// Joins this node's topics and services to those of its house, as long as it is in one.
void Node::join_by_nats() {
  if (nats_ && trust_->house()) return nats_->take_identity(trust_->state());
  if (nats_) {
    endpoint_.services.remove(*nats_);
    nats_.reset();
  }
  if (options_.begins_later || options_.nats.urls.empty() || !trust_->house()) return;
  nats_ = std::make_unique<NatsService>(NatsService::Parts{network_.reactor(), endpoint_, *topics_, log_}, options_.nats, trust_->state());
  endpoint_.services.add(*nats_);
}

/// A row that was meant to narrow something and does not, since its name is not quite right, is worse than none.
void Node::tell_unused_rights() {
  for (const MethodRight& row : options_.rights.methods()) {
    const auto& methods = endpoint_.services.methods();
    const bool used = std::any_of(methods.begin(), methods.end(), [&](const MethodEntry& one) { return matches_name(row.match, one.service_name + "/" + one.name); });
    if (!used) log_.warning("b2: a row of rights fits no method that is served here", {{"match", row.match}, {"at", row.origin}});
  }
}

/// The house may be made while this node runs.
void Node::watch_house() {
  watch_ = network_.reactor().wake_at(network_.reactor().now() + kLookAgain, [this](TimePoint) {
    if (const Status served = serve_house(); !served && served.error().message != house_problem_) {
      house_problem_ = served.error().message;
      log_.warning("b2: the house can't be served", {{"why", house_problem_}});
    }
    watch_house();
  });
}

std::vector<std::string> Node::addresses() const {
  std::vector<std::string> all;
  for (const net::Address& address : server_->addresses()) all.push_back(address.text());
  return all;
}

void Node::hand_over(Duration grace, std::function<void()> done) {
  watch_.reset();
  if (nats_) nats_->leave();
  topics_->close();
  udp_.set_hearing(false);
  if (datagrams_) datagrams_->go_away();
  if (finder_) finder_->fall_silent();
  server_->hand_over(grace, std::move(done));
}

void Node::shut_down(std::function<void()> done) {
  watch_.reset();
  if (nats_) nats_->leave();
  topics_->close();
  if (datagrams_) datagrams_->go_away();
  if (finder_) finder_->leave();
  server_->shut_down(options_.grace, std::move(done));
}

}  // namespace ghost::b2
