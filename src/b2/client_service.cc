#include "b2/client_service.h"

#include <algorithm>
#include <utility>

#include "b2/access_service.h"
#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr int kMostConnecting = 6;  // at a time
constexpr int kMostConnected = 3;   // in all: each has the server make a TLS handshake
constexpr int kSecuring = 3;        // times Dial::Parts::impatience
constexpr Duration kLongInConnecting = std::chrono::milliseconds(700);  // TCP's first packets come again after a second

}  // namespace

Result<Target> Target::parse(std::string_view text, std::uint16_t default_port) {
  Target target;
  constexpr std::string_view scheme = "tls:";
  const bool forced = text.substr(0, scheme.size()) == scheme;
  auto address = net::Address::parse(forced ? text.substr(scheme.size()) : text, default_port);
  if (!address) return address.error();
  target.address = std::move(*address);
  if (forced && !target.address.is_ip()) return Error{Errc::malformed, "'" + std::string(text) + "': TLS goes over IP, not over a Unix socket"};
  target.tls = forced || !target.address.is_loopback();
  return target;
}

Dial::Dial(Parts parts, Target target, Done done) : parts_(std::move(parts)), target_(std::move(target)), done_(std::move(done)) {
  net::Reactor& reactor = parts_.network.reactor();
  timer_ = reactor.wake_at(reactor.now() + parts_.timeout, [this](TimePoint) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(parts_.timeout).count();
    end(Error{Errc::timed_out, target_.text() + ": not connected within " + std::to_string(ms) + " ms"});
  });
  begin();
}

Dial::~Dial() = default;

void Dial::begin() {
  Attempt& attempt = *attempts_.emplace_back(std::make_unique<Attempt>());
  attempt.begun = parts_.network.reactor().now();
  attempt.connecting = parts_.network.connect(target_.address, parts_.timeout, [this, &attempt](Result<std::unique_ptr<net::ByteStream>> stream) {
    if (!done_) return;
    if (!stream) return fail(attempt, stream.error());
    on_stream(attempt, std::move(*stream));
  });
  // The first stays: the way may be longer than the others are given.
  const auto connects = [](const auto& one) { return one->connecting != nullptr; };
  if (std::ranges::count_if(attempts_, connects) > kMostConnecting) drop(**std::find_if(attempts_.begin() + 1, attempts_.end(), connects));
  plan();
}

void Dial::drop(Attempt& attempt) {
  attempt.failed = true;
  attempt.connecting.reset();
}

/// When the next attempt is due.
void Dial::plan() {
  impatience_.reset();
  if (parts_.impatience <= Duration::zero() || connected_ >= kMostConnected) return;
  const bool waits = std::ranges::any_of(attempts_, [](const auto& one) { return one->promising && !one->failed; }) &&
                     std::ranges::none_of(attempts_, [](const auto& one) { return one->connecting != nullptr; });
  const auto factor = waits ? kSecuring * connected_ : 1 + static_cast<int>(attempts_.size()) / kMostConnecting;
  net::Reactor& reactor = parts_.network.reactor();
  impatience_ = reactor.wake_at(reactor.now() + parts_.impatience * factor, [this](TimePoint) { begin(); });
}

/// TCP that was long in connecting takes the way for as long as that, and a packet it loses comes again after three times that: the others go on.
void Dial::on_stream(Attempt& attempt, std::unique_ptr<net::ByteStream> stream) {
  ++connected_;
  attempt.connecting.reset();
  attempt.promising = parts_.network.reactor().now() - attempt.begun < kLongInConnecting;
  for (const auto& other : attempts_) {
    if ((attempt.promising || connected_ >= kMostConnected) && other->connecting) drop(*other);
  }
  plan();
  secure(attempt, std::move(stream));
}

void Dial::secure(Attempt& attempt, std::unique_ptr<net::ByteStream> stream) {
  if (!target_.tls) return start_link(attempt, std::move(stream));
  if (!parts_.tls) return end(Error{Errc::unauthenticated, target_.text() + ": this asks for TLS, and this program has no node key; run it with the --state of a node"});
  attempt.handshake = net::tls_connect(parts_.network.reactor(), std::move(stream), parts_.tls, parts_.timeout,
                                       [this, &attempt](Result<std::unique_ptr<net::ByteStream>> secured) {
                                         if (!done_) return;
                                         if (!secured) return fail(attempt, secured.error());
                                         if (const Status trusted = judge_server((*secured)->peer()); !trusted) return end(trusted.error());
                                         start_link(attempt, std::move(*secured));
                                       });
}

Status Dial::judge_server(const net::Peer& peer) const {
  const auto refuse = [&](std::string why) { return Error{Errc::unauthenticated, target_.text() + ": " + std::move(why)}; };
  if (!peer.tls || peer.tls->public_key.empty()) return refuse("it showed no certificate");
  if (parts_.trust.code != nullptr) {
    if (parts_.trust.code->is_for(peer.tls->public_key)) return {};
    return refuse("the key that answered is not the one the code was made for: wrong address, or somebody in between");
  }
  if (parts_.trust.house != nullptr) {
    const WallTime now = parts_.trust.wall_clock ? parts_.trust.wall_clock() : std::chrono::system_clock::now();
    const auto member = parts_.trust.house->verify_member(peer.tls->certificates, now, "");
    if (member) return {};
    if (!(parts_.trust.any_key_on_loopback && target_.address.is_loopback())) return member.error().in(target_.text());
    return {};
  }
  if (parts_.trust.any_key_on_loopback && target_.address.is_loopback()) return {};
  return refuse("this node is in no house, so it can't tell who that is: join the house with 'ghostlight house join'");
}

void Dial::start_link(Attempt& attempt, std::unique_ptr<net::ByteStream> stream) {
  auto peer = std::make_shared<Identity>();
  peer->where = target_.text();
  peer->why_stranger = "it was called by this node and has no rights here";
  if (const auto& tls = stream->peer().tls; tls && !tls->public_key.empty()) {
    peer->public_key = tls->public_key;
    peer->node = NodeId::of_public_key(tls->public_key);
  }
  Link::Events events;
  events.hello = [this, &attempt] {
    if (done_) end(std::move(attempt.link));
  };
  events.closed = [this, &attempt](const Error& why) { fail(attempt, why); };
  attempt.link = std::make_unique<Link>(parts_.network.reactor(), parts_.endpoint, Side::dialer, std::move(stream), std::move(peer), std::move(events));
  attempt.link->open();
}

/// What a peer that was reached refuses is refused to all attempts; what else goes wrong with one does not stop the others.
void Dial::fail(Attempt& attempt, const Error& why) {
  if (!done_) return;
  attempt.failed = true;
  const bool refused = attempt.connecting == nullptr && (why.code == Errc::unauthenticated || why.code == Errc::refused);
  attempt.connecting.reset();
  if (refused || std::ranges::all_of(attempts_, [](const auto& one) { return one->failed; })) end(why);
}

void Dial::end(Result<std::unique_ptr<Link>> result) {
  timer_.reset();
  impatience_.reset();
  if (result) {
    (*result)->set_events({});
    for (const auto& attempt : attempts_) attempt->connecting.reset(), attempt->handshake.reset(), attempt->link.reset();
  }
  const auto done = std::move(done_);
  done_ = nullptr;
  if (done) done(std::move(result));
}

Client::Client(Dial::Parts parts, Target target, RetryRules rules)
    : parts_(std::move(parts)), target_(std::move(target)), reactor_(parts_.network.reactor()) {
  std::array<std::uint8_t, 8> seed;
  random_bytes(seed);
  SteadyCaller::Wiring wiring{reactor_, parts_.endpoint, target_.text(), {}, [this](TimePoint when) { wake(when); }, ByteReader(seed).u64()};
  // In a turn of its own: a connection may be wanted from within the end of another.
  wiring.connect = [this] { soon_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) { dial(); }); };
  caller_ = std::make_shared<SteadyCaller>(std::move(wiring), rules);
}

Client::~Client() {
  caller_->close(Error{Errc::cancelled, target_.text() + ": the client is gone"});
  for (const auto& link : links_) link->set_events({});
  links_.clear();  // whose ends end their calls
}

void Client::dial() {
  dial_ = std::make_unique<Dial>(parts_, target_, [this](Result<std::unique_ptr<Link>> link) { on_dialled(std::move(link)); });
}

void Client::on_dialled(Result<std::unique_ptr<Link>> link) {
  // The dial is what calls: it goes in a later turn.
  soon_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) { dial_.reset(); });
  if (link) adopt(std::move(*link));
  else caller_->failed(link.error());
}

void Client::adopt(std::unique_ptr<Link> link) {
  Link* const added = links_.emplace_back(std::move(link)).get();
  current_ = added;
  Link::Events events;
  events.closed = [this, added](const Error&) { on_closed(added); };
  events.leaving = [this, added] {
    if (current_ != added) return;
    current_ = nullptr;
    caller_->disconnected();
  };
  added->set_events(std::move(events));
  caller_->connected(added->shared_channel());
}

void Client::on_closed(const Link* link) {
  const auto at = std::find_if(links_.begin(), links_.end(), [&](const auto& one) { return one.get() == link; });
  const std::unique_ptr<Link> ended = std::move(*at);
  links_.erase(at);
  if (current_ == link) {
    current_ = nullptr;
    caller_->disconnected();
  }
  if (links_.empty() && done_) std::exchange(done_, nullptr)();
}

void Client::wake(TimePoint when) {
  if (when >= armed_) return;
  armed_ = when;
  timer_ = reactor_.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    caller_->on_time();
    wake(caller_->next_wakeup());
  });
}

void Client::close(std::function<void()> done) {
  caller_->close(Error{Errc::cancelled, target_.text() + ": the client is being closed"});
  soon_.reset();
  dial_.reset();
  if (links_.empty()) return done();
  done_ = std::move(done);
  std::vector<std::shared_ptr<Channel>> channels;
  for (const auto& link : links_) channels.push_back(link->shared_channel());
  for (const auto& channel : channels) channel->go_away({});
}

}  // namespace ghost::b2
