#include "b2/node_service.h"

#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr Duration kLookAgain = std::chrono::seconds(2);
constexpr Duration kDrain = std::chrono::seconds(5);

std::uint64_t random_epoch() {
  std::array<std::uint8_t, 8> bytes;
  random_bytes(bytes);
  return ByteReader(bytes).u64();
}

}  // namespace

Node::Node(net::EpollNetwork& network, Options options, const Logger& log)
    : network_(network), options_(std::move(options)), log_(log), token_(make_token()) {}

Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(net::EpollNetwork& network, Options options, const Logger& log) {
  std::unique_ptr<Node> node(new Node(network, std::move(options), log));
  if (const Status opened = node->open(); !opened) return opened.error();
  return node;
}

Status Node::open() {
  if (const Status loaded = load_identity(); !loaded) return loaded;
  endpoint_.program = options_.program + " " + options_.version;
  endpoint_.boot_epoch = random_epoch();
  workers_ = std::make_unique<Workers>(options_.workers);
  endpoint_.run_on_worker = [this](std::function<Result<Bytes>()> work, std::function<void(Result<Bytes>)> then) {
    workers_->run([this, work = std::move(work), then = std::move(then)]() mutable {
      auto result = std::make_shared<Result<Bytes>>(work());
      network_.reactor().post([then = std::move(then), result] { then(std::move(*result)); });
    });
  };
  core_ = std::make_unique<CoreService>(endpoint_, network_.reactor());
  endpoint_.services.add(*core_);
  topics_ = std::make_unique<TopicsService>(network_.reactor(), endpoint_);
  endpoint_.services.add(*topics_);
  if (const Status served = serve_house(); !served) return served;

  AccessRules rules;
  rules.house = [this]() -> const HouseTrust* { return state_->membership() ? &state_->membership()->house() : nullptr; };
  for (const net::Address& address : options_.listen) {
    if (!address.is_ip()) rules.unix_socket = address.path();
    else if (rules.address.empty() || !address.is_loopback()) rules.address = address.text();
  }
  gateway_ = std::make_unique<HttpGateway>(HttpGateway::Parts{
      network_.reactor(), endpoint_, *core_, token_, options_.hosts, options_.assets,
      [this](std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer) { server_->serve(std::move(stream), std::move(peer)); },
      options_.metrics_for, [this] { return hosted ? hosted() : std::vector<HostedCount>(); }});
  server_ = std::make_unique<Server>(Server::Parts{
      network_, endpoint_, make_judge(std::move(rules)), tls_,
      [this](net::HttpRequest request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) { gateway_->handle(std::move(request), std::move(reply), peer); },
      {}, {}, [this](std::string_view line) { log_.info("b2: connection ended", {{"why", line}}); }});
  endpoint_.services.on_change = [this](const v1::ServiceEntry& entry) {
    server_->tell_services(entry);
    if (on_services_changed) on_services_changed(entry);
  };
  for (const net::Address& address : options_.listen) {
    if (!address.is_loopback() && !state_->membership()) {
      return Error{Errc::refused, "listen on " + address.text() + ": off loopback only members of a house are served, and this node is in none; "
                                  "make one with 'ghostlight house create NAME' or join one with 'ghostlight house join'"};
    }
    const auto listening = server_->listen(address);
    if (!listening) return listening.error();
    log_.info("b2: listening", {{"program", options_.program}, {"at", listening->text()}});
  }
  endpoint_.addresses = addresses();
  watch_membership();
  return {};
}

/// Reads the node's key and membership, and makes the TLS context of them.
Status Node::load_identity() {
  const auto now = std::chrono::system_clock::now();
  auto state = NodeState::open_or_create(options_.state, options_.node_name, now);
  if (!state) return state.error();
  auto material = state->tls_material(now);
  if (!material) return material.error();
  net::TlsConfig config;
  config.certificates = std::move(material->certificates);
  config.private_key = std::move(material->private_key);
  config.alpn = {"b2/1", "http/1.1"};
  auto tls = net::make_tls_context(config);
  if (!tls) return tls.error();
  tls_ = std::move(*tls);
  state_.emplace(std::move(*state));
  endpoint_.name = state_->name();
  endpoint_.node = state_->id();
  endpoint_.house.clear();
  endpoint_.house_id.clear();
  if (state_->membership()) {
    const HouseTrust& house = state_->membership()->house();
    endpoint_.house = house.name();
    const NodeId id = house.id();
    endpoint_.house_id = Bytes(id.bytes.begin(), id.bytes.end());
  }
  if (!state_->membership_problem().empty()) log_.warning("b2: this node's place in its house can't be used", {{"why", state_->membership_problem()}});
  std::error_code none;
  membership_time_ = std::filesystem::last_write_time(options_.state / "membership.pem", none);
  return {};
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

/// A node that joins a house while it runs takes part from then on.
void Node::watch_membership() {
  watch_ = network_.reactor().wake_at(network_.reactor().now() + kLookAgain, [this](TimePoint) {
    std::error_code missing;
    const auto time = std::filesystem::last_write_time(options_.state / "membership.pem", missing);
    if (!missing && time != membership_time_) {
      if (const Status loaded = load_identity(); !loaded) {
        log_.warning("b2: the new membership can't be used", {{"why", loaded.error().message}});
        membership_time_ = time;
      } else {
        server_->set_tls(tls_);
        log_.info("b2: joined a house", {{"house", endpoint_.house}});
      }
    }
    // Asked each time: the house may be written a moment after the membership of its keeper.
    if (const Status served = serve_house(); !served && served.error().message != house_problem_) {
      house_problem_ = served.error().message;
      log_.warning("b2: the house can't be served", {{"why", house_problem_}});
    }
    watch_membership();
  });
}

std::vector<std::string> Node::addresses() const {
  std::vector<std::string> all;
  for (const net::Address& address : server_->addresses()) all.push_back(address.text());
  return all;
}

void Node::shut_down(std::function<void()> done) {
  watch_.reset();
  topics_->close();
  server_->shut_down(kDrain, std::move(done));
}

}  // namespace ghost::b2
