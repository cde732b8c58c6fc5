#include "b2/discovery_dial_service.h"

namespace ghost::b2 {

namespace {
constexpr Duration kHangUp = std::chrono::seconds(1);
}

PeerDial::PeerDial(Parts parts, const std::string& address, const NodeId& expected, std::optional<v1::ExchangeRequest> request, Done done)
    : parts_(std::move(parts)), expected_(expected), address_(address), request_(std::move(request)), done_(std::move(done)) {
  net::Reactor& reactor = parts_.network.reactor();
  auto target = net::Address::parse(address);
  if (!target) {
    timer_ = reactor.wake_at(reactor.now(), [this, error = target.error()](TimePoint) { end(error); });
    return;
  }
  Trust trust;
  trust.house = &parts_.house;
  trust.any_key_on_loopback = false;
  found_.about.port = target->port();
  dial_ = std::make_unique<Dial>(Dial::Parts{parts_.network, parts_.endpoint, parts_.tls, trust, parts_.timeout}, Target{std::move(*target), true},
                                 [this](Result<std::unique_ptr<Link>> link) {
                                   if (!link) return end(link.error());
                                   on_link(std::move(*link));
                                 });
}

PeerDial::~PeerDial() = default;

void PeerDial::on_link(std::unique_ptr<Link> link) {
  link_ = std::move(link);
  link_->set_events({{}, {}, [this](const Error& why) { end(Error{why.code, address_ + ": " + why.message}); }});
  if (const Status checked = check(*link_); !checked) return end(checked.error());
  const v1::Hello& hello = link_->channel().peer_hello();
  found_.about.node = NodeId::of_public_key(link_->peer().tls->public_key);
  found_.about.epoch = hello.boot_epoch;
  found_.about.services = services_hash(hello.services);
  found_.about.house = house_tag(hello.house_id);
  found_.proof = {hello.name, {}, found_.about.services, hello.boot_epoch};
  for (const v1::ServiceEntry& service : hello.services) {
    if (service.method_count != 0 && found_.proof.services.size() < PeerTable::kMostServices) {
      found_.proof.services.push_back({service.name, service.version, service.health});
    }
  }
  if (request_) return exchange();
  hang_up();
}

Status PeerDial::check(const Link& link) const {
  const NodeId node = NodeId::of_public_key(link.peer().tls->public_key);
  if (expected_.is_none() || node == expected_) return {};
  return Error{Errc::unauthenticated, address_ + ": the node that answers is " + node.words() + ", not " + expected_.words() + ", which was announced there"};
}

void PeerDial::exchange() {
  CallOptions options;
  options.timeout = parts_.timeout;
  v1::DiscoveryClient(link_->channel()).exchange(*request_, [this, alive = std::weak_ptr<char>(alive_)](Result<v1::ExchangeResponse> told) {
    if (alive.expired() || !done_) return;
    if (told) found_.told = std::move(*told);
    hang_up();
  }, options);
}

/// An orderly end, so that the other side has nothing to wonder about.
void PeerDial::hang_up() {
  net::Reactor& reactor = parts_.network.reactor();
  timer_ = reactor.wake_at(reactor.now() + kHangUp, [this](TimePoint) { end(std::move(found_)); });
  link_->set_events({{}, {}, [this](const Error&) { end(std::move(found_)); }});
  link_->close();
}

/// In a turn of its own: this runs inside callbacks of what it ends.
void PeerDial::end(Result<Found> result) {
  if (!done_) return;
  timer_.reset();
  parts_.network.reactor().post([alive = std::weak_ptr<char>(alive_), done = std::exchange(done_, nullptr), result = std::make_shared<Result<Found>>(std::move(result))] {
    if (!alive.expired()) done(std::move(*result));
  });
}

}  // namespace ghost::b2
