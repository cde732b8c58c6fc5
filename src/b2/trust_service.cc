#include "b2/trust_service.h"

#include <algorithm>
#include <set>

#include "b2/house.h"
#include "base/units.h"
#include "net/resolve.h"

namespace ghost::b2 {

namespace {

constexpr Duration kLookForFiles = std::chrono::seconds(2);
constexpr Duration kFirstAsk = std::chrono::seconds(1);
/// A keeper that was dialed is heard for so long: its list, and a certificate, come within it.
constexpr Duration kKeeperPatience = std::chrono::seconds(10);
constexpr Duration kAvoidFor = std::chrono::minutes(1);
/// With less than this left a certificate that can't be renewed wants a person.
constexpr std::chrono::hours kWorried{24 * 30};

std::filesystem::file_time_type written(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::last_write_time(path, none);
}

Bytes bytes_of(const NodeId& id) { return {id.bytes.begin(), id.bytes.end()}; }

}  // namespace

Result<std::unique_ptr<TrustService>> TrustService::open(Parts parts) {
  if (!parts.wall_clock) parts.wall_clock = [] { return std::chrono::system_clock::now(); };
  const auto membership_time = written(parts.state / "membership.pem"), list_time = written(parts.state / "revocations");
  auto state = NodeState::open_or_create(parts.state, parts.node_name, parts.wall_clock());
  if (!state) return state.error();
  std::unique_ptr<TrustService> service(new TrustService(std::move(parts), std::move(*state)));
  service->membership_time_ = membership_time;
  service->list_time_ = list_time;
  Endpoint& endpoint = service->parts_.endpoint;
  endpoint.name = service->state_.name();
  endpoint.node = service->state_.id();
  if (const Status taken = service->take_identity(); !taken) return taken.error();
  endpoint.later_revocations = [self = service.get()](const std::shared_ptr<Channel>& channel) { self->pull(channel); };
  endpoint.is_revoked = [self = service.get()](const NodeId& node) {
    const RevocationList* list = self->state_.revocations();
    return list != nullptr && list->find(node) != nullptr;
  };
  endpoint.services.add(*service);
  return service;
}

TrustService::~TrustService() {
  alive_.reset();
  parts_.endpoint.later_revocations = nullptr;
  parts_.endpoint.is_revoked = nullptr;
  parts_.endpoint.services.remove(*this);
}

void TrustService::start() {
  look_later();
  if (parts_.asks_keeper) ask_later(kFirstAsk);
}

Result<v1::RevocationsResponse> TrustService::revocations(const v1::RevocationsRequest& request, const CallContext&) {
  v1::RevocationsResponse response;
  const RevocationList* list = state_.revocations();
  if (list != nullptr && list->number() > request.known) response.list = list->bytes();
  return response;
}

// What is known.

/// Files that other programs of this node may have written: a membership, by joining or renewing, and a list.
void TrustService::look() {
  const auto membership_time = written(parts_.state / "membership.pem"), list_time = written(parts_.state / "revocations");
  const bool unchanged = membership_time == membership_time_ && list_time == list_time_;
  // A certificate that does not hold now may do so when the clock is set.
  if (unchanged && state_.membership_problem().empty()) return;
  membership_time_ = membership_time;
  list_time_ = list_time;
  if (const Status loaded = state_.reload(wall_now()); !loaded) return complain("b2: the membership can't be used", loaded.error());
  if (const Status applied = apply(); !applied) complain("b2: the membership can't be used", applied.error());
}

void TrustService::look_later() {
  look_timer_ = parts_.network.reactor().wake_at(parts_.network.reactor().now() + kLookForFiles, [this](TimePoint) {
    look();
    look_later();
  });
}

/// Makes true what the state says.
Status TrustService::apply() {
  const std::uint64_t known = state_.revocations() != nullptr ? state_.revocations()->number() : 0;
  const bool later = known > parts_.endpoint.revocations;
  const bool other = shown_ != (state_.membership() ? state_.membership()->certificates() : std::vector<Bytes>());
  if (other || problem_ != state_.membership_problem()) {
    if (const Status taken = take_identity(); !taken) return taken;
    if (other && on_identity) on_identity();
  }
  if (later) tell_of_list();
  return {};
}

/// The TLS context and what HELLO tells of this node.
Status TrustService::take_identity() {
  auto material = state_.tls_material(wall_now());
  if (!material) return material.error();
  auto tls = net::make_tls_context({std::move(material->certificates), std::move(material->private_key), {"b2/1", "http/1.1"}, true});
  if (!tls) return tls.error();
  const bool first = tls_ == nullptr;
  tls_ = std::move(*tls);
  Endpoint& endpoint = parts_.endpoint;
  if (first && state_.revocations() != nullptr) endpoint.revocations = state_.revocations()->number();
  const auto& membership = state_.membership();
  const std::vector<Bytes> certificates = membership ? membership->certificates() : std::vector<Bytes>();
  const bool same_house = membership && endpoint.house_id == bytes_of(membership->house().id());
  endpoint.house = membership ? membership->house().name() : "";
  endpoint.house_id = membership ? bytes_of(membership->house().id()) : Bytes();
  if (membership && certificates != shown_) {
    parts_.log.info(same_house ? "b2: this node's certificate is a new one" : "b2: this node is in a house",
                    {{"house", membership->house().name()}, {"roles", membership->own().roles.text()}, {"until", format_time(membership->own().validity.until)}});
  }
  shown_ = certificates;
  if (problem_ != state_.membership_problem()) {
    problem_ = state_.membership_problem();
    if (!problem_.empty()) parts_.log.warning("b2: this node's place in its house can't be used", {{"why", problem_}});
  }
  return {};
}

void TrustService::tell_of_list() {
  const RevocationList& list = *state_.revocations();
  parts_.endpoint.revocations = list.number();
  parts_.log.info("b2: a later list of revoked nodes is known", {{"list", list.number()}, {"nodes", list.nodes().size()}});
  // Posted: a connection that ends may be the one the list came by.
  parts_.network.reactor().post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    end_revoked();
    for (Channel* channel : parts_.endpoint.channels) channel->tell_revocations();
  });
}

void TrustService::end_revoked() {
  const RevocationList* list = state_.revocations();
  if (list == nullptr || list->nodes().empty()) return;
  std::vector<std::shared_ptr<Channel>> ended;
  for (Channel* channel : parts_.endpoint.channels) {
    if (list->find(channel->peer().node) != nullptr) ended.push_back(channel->shared_from_this());
  }
  for (const auto& channel : ended) {
    const Identity& peer = channel->peer();
    parts_.log.warning("b2: a connection ended, since the house took its node out", {{"node", peer.node.words()}, {"name", peer.name}, {"at", peer.where}});
    channel->go_away(Error{Errc::unauthenticated, "node " + peer.node.words() + " was taken out of house '" + state_.house()->name() + "' on " +
                                                      format_time(list->find(peer.node)->since) + "; only the keeper of the house can undo that"});
  }
  if (on_revoked) on_revoked([list](const Identity& who) { return list->find(who.node) != nullptr; });
}

// Lists that others know.

bool TrustService::of_our_house(const Channel& channel) const {
  const HouseTrust* house = state_.house();
  return house != nullptr && channel.peer_hello().house_id == bytes_of(house->id());
}

/// One at a time: whatever a peer promises, it costs one call.
void TrustService::pull(const std::shared_ptr<Channel>& from) {
  if (pulling_ || !from->ready() || !of_our_house(*from) || from->peer_hello().revocations <= parts_.endpoint.revocations) return;
  const TimePoint now = parts_.network.reactor().now();
  std::erase_if(avoided_, [now](const auto& one) { return one.second <= now || one.first.expired(); });
  if (std::any_of(avoided_.begin(), avoided_.end(), [&](const auto& one) { return one.first.lock() == from; })) return;
  pulling_ = true;
  v1::RevocationsRequest request;
  request.known = parts_.endpoint.revocations;
  v1::TrustClient(*from).revocations(request, [this, peer = std::weak_ptr<Channel>(from), alive = std::weak_ptr<char>(alive_)](Result<v1::RevocationsResponse> answer) {
    if (alive.expired()) return;
    pulling_ = false;
    on_list(peer.lock(), answer);
    pull_next();
  });
}

void TrustService::on_list(const std::shared_ptr<Channel>& from, const Result<v1::RevocationsResponse>& answer) {
  Status taken = answer ? Status() : Status(answer.error());
  if (answer) {
    taken = answer->list.empty() ? Status(Error{Errc::data_loss, "it tells of a later list of revoked nodes and does not give it"})
                                 : state_.take_revocations(answer->list, wall_now());
  }
  // Also after a refusal: what is on disk may be later than what was known.
  if (const Status applied = apply(); !applied) complain("b2: the membership can't be used", applied.error());
  if (taken || !from) return;
  avoided_.emplace_back(from, parts_.network.reactor().now() + kAvoidFor);
  parts_.log.warning("b2: a list of revoked nodes was not taken", {{"from", from->peer().where}, {"why", taken.error().message}});
}

void TrustService::pull_next() {
  for (Channel* channel : std::set<Channel*>(parts_.endpoint.channels)) {
    if (pulling_) return;
    if (channel->ready()) pull(channel->shared_from_this());
  }
}

// The keeper of the house.

/// Spread by a fifth either way, so that nodes that were started together do not come together.
void TrustService::ask_later(Duration wait) {
  const int share = state_.id().bytes[asked_++ % state_.id().bytes.size()];
  const Duration spread = wait * 4 / 5 + wait * 2 / 5 * share / 255;
  ask_timer_ = parts_.network.reactor().wake_at(parts_.network.reactor().now() + spread, [this](TimePoint) {
    ask_later(parts_.ask_every);
    ask();
  });
}

bool TrustService::renewal_is_due() const {
  return state_.membership() && wall_now() >= renewal_due(state_.membership()->own().validity);
}

void TrustService::ask() {
  if (dial_ || keeper_ || state_.house() == nullptr) return;
  look();
  std::error_code none;
  if (std::filesystem::exists(parts_.state / "house" / "house.pem", none)) return renew_here();
  const std::string at = state_.keeper_address();
  if (at.empty()) {
    // Not told by whom it was taken in: any keeper that is connected will do.
    for (Channel* channel : std::set<Channel*>(parts_.endpoint.channels)) {
      if (renewal_is_due() && channel->ready() && of_our_house(*channel)) renew_by(channel->shared_from_this());
    }
    return;
  }
  const std::string tls = at.starts_with("tls:") ? at : "tls:" + at;
  if (const auto target = Target::parse(tls)) return dial_keeper(*target);
  if (!parts_.endpoint.run_on_worker) return;
  parts_.endpoint.run_on_worker(
      [host = tls.substr(4)]() -> Result<Bytes> {
        const auto found = net::resolve(host, 2203);
        if (!found) return found.error();
        return to_bytes(as_bytes(found->text()));
      },
      [this, alive = std::weak_ptr<char>(alive_)](Result<Bytes> found) {
        if (alive.expired()) return;
        if (!found) return complain("b2: the keeper of the house is not found", found.error());
        if (const auto target = Target::parse("tls:" + std::string(as_text(*found)))) dial_keeper(*target);
      });
}

void TrustService::dial_keeper(const Target& target) {
  if (dial_ || keeper_ || state_.house() == nullptr) return;
  b2::Trust trust;
  trust.house = state_.house();
  trust.any_key_on_loopback = false;
  trust.wall_clock = parts_.wall_clock;
  dial_ = std::make_unique<Dial>(Dial::Parts{parts_.network, parts_.endpoint, tls_, trust, kKeeperPatience}, target, [this](Result<std::unique_ptr<Link>> link) {
    parts_.network.reactor().post([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) dial_.reset();
    });
    on_keeper(std::move(link));
  });
}

/// HELLO has told of a later list, if there is one, and it is being fetched.
void TrustService::on_keeper(Result<std::unique_ptr<Link>> link) {
  if (!link) return complain("b2: the keeper of the house does not answer", link.error());
  complaint_.clear();
  keeper_ = std::move(*link);
  Link::Events events;
  events.closed = [this](const Error&) {
    keeper_timer_.reset();
    const std::shared_ptr<Link> ended = std::move(keeper_);
    parts_.network.reactor().post([ended] {});  // not from within its own callbacks
  };
  keeper_->set_events(std::move(events));
  keeper_timer_ = parts_.network.reactor().wake_at(parts_.network.reactor().now() + kKeeperPatience, [this](TimePoint) {
    if (keeper_) keeper_->close();
  });
  if (renewal_is_due()) renew_by(keeper_->shared_channel());
}

void TrustService::renew_here() {
  if (!renewal_is_due()) return;
  const auto house = House::open(parts_.state);
  if (!house) return complain("b2: the certificate was not renewed", house.error());
  const auto welcome = house->renew(state_.key().public_key(), state_.name(), state_.membership()->own().roles, wall_now());
  if (!welcome) return complain("b2: the certificate was not renewed", welcome.error());
  take_renewed(welcome->certificates);
}

void TrustService::renew_by(const std::shared_ptr<Channel>& keeper) {
  const auto& services = keeper->peer_hello().services;
  if (std::none_of(services.begin(), services.end(), [](const v1::ServiceEntry& one) { return one.name == "b2.v1.House"; })) return;
  if (std::exchange(renewing_, true)) return;
  v1::RenewRequest request;
  request.node_name = state_.name();
  v1::HouseClient(*keeper).renew(request, [this, alive = std::weak_ptr<char>(alive_)](Result<v1::JoinResponse> answer) {
    if (alive.expired()) return;
    renewing_ = false;
    if (!answer) return complain("b2: the certificate was not renewed", answer.error());
    take_renewed(std::move(answer->certificates));
  });
}

/// A certificate that does not hold by this node's clock, or not longer than the one it has, is of no use: one of the two clocks is wrong.
void TrustService::take_renewed(std::vector<Bytes> certificates) {
  const auto fail = [this](const Error& error) { complain("b2: the certificate was not renewed", error); };
  if (!state_.membership()) return;
  const Status taken = state_.renew(std::move(certificates), wall_now());
  if (!taken) return fail(taken.error());
  membership_time_ = written(parts_.state / "membership.pem");
  if (const Status applied = apply(); !applied) return fail(applied.error());
}

/// Once for each trouble, however often it comes; with little time left, as one that wants a person.
void TrustService::complain(const std::string& event, const Error& error) {
  if (complaint_ == error.message) return;
  complaint_ = error.message;
  const auto& membership = state_.membership();
  const bool worried = !membership || (renewal_is_due() && membership->own().validity.until - wall_now() < kWorried);
  if (worried) parts_.log.warning(event, {{"why", error.message}});
  else parts_.log.info(event, {{"why", error.message}});
}

}  // namespace ghost::b2
