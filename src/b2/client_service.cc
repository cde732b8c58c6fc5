#include "b2/client_service.h"

#include <algorithm>
#include <utility>

#include "b2/access_service.h"
#include "base/random.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kMostAttempts = 3;  // to connect, beside each other

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
  connect();
}

Dial::~Dial() = default;

void Dial::connect() {
  if (parts_.impatience > Duration::zero() && connecting_.size() + 1 < kMostAttempts) {
    net::Reactor& reactor = parts_.network.reactor();
    impatience_ = reactor.wake_at(reactor.now() + parts_.impatience, [this](TimePoint) { connect(); });
  }
  connecting_.push_back(parts_.network.connect(target_.address, parts_.timeout, [this](Result<std::unique_ptr<net::ByteStream>> stream) {
    if (is_connected_ || !done_) return;
    if (!stream) {
      if (++failed_ == connecting_.size()) end(stream.error());
      return;
    }
    is_connected_ = true;
    impatience_.reset();
    on_stream(std::move(*stream));
  }));
}

void Dial::on_stream(std::unique_ptr<net::ByteStream> stream) {
  if (!target_.tls) return start_link(std::move(stream));
  if (!parts_.tls) return end(Error{Errc::unauthenticated, target_.text() + ": this asks for TLS, and this program has no node key; run it with the --state of a node"});
  handshake_ = net::tls_connect(parts_.network.reactor(), std::move(stream), parts_.tls, parts_.timeout,
                                [this](Result<std::unique_ptr<net::ByteStream>> secured) {
                                  if (!secured) return end(secured.error());
                                  on_secured(std::move(*secured));
                                });
}

void Dial::on_secured(std::unique_ptr<net::ByteStream> stream) {
  if (const Status trusted = judge_server(stream->peer()); !trusted) return end(trusted.error());
  start_link(std::move(stream));
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

void Dial::start_link(std::unique_ptr<net::ByteStream> stream) {
  auto peer = std::make_shared<Identity>();
  peer->where = target_.text();
  peer->why_stranger = "it was called by this node and has no rights here";
  if (const auto& tls = stream->peer().tls; tls && !tls->public_key.empty()) {
    peer->public_key = tls->public_key;
    peer->node = NodeId::of_public_key(tls->public_key);
  }
  Link::Events events;
  events.hello = [this] { end(std::move(link_)); };
  events.closed = [this](const Error& why) { end(Error{why}); };
  link_ = std::make_unique<Link>(parts_.network.reactor(), parts_.endpoint, Side::dialer, std::move(stream), std::move(peer), std::move(events));
  link_->open();
}

void Dial::end(Result<std::unique_ptr<Link>> result) {
  timer_.reset();
  impatience_.reset();
  if (result) (*result)->set_events({});
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
