#include "net/sim_connect.h"

#include <unistd.h>

#include <cerrno>

#include "net/socket_text.h"

namespace ghost::net::sim {

namespace {
PeerProcess this_process() {
  return {::getuid(), ::getgid(), ::getpid()};
}
}  // namespace

StreamListener::~StreamListener() {
  if (!world_.listeners.find(id_)) return;
  world_.listeners.remove(id_);
  host_.closed(*this);
}

void StreamListener::accept(std::unique_ptr<ByteStream> stream) {
  World& world = world_;
  const Id id = id_;
  OnAccept on_accept = std::move(on_accept_);  // which may destroy this listener
  on_accept(std::move(stream));
  if (world.listeners.find(id)) on_accept_ = std::move(on_accept);
}

Attempt::Attempt(World& world, Host& host, Address to, Duration timeout, OnConnect done)
    : world_(world),
      host_(host),
      target_(host.target(to)),
      to_(std::move(to)),
      timeout_(timeout),
      done_(std::move(done)) {
  if (!host.alive()) return;
  id_ = world.attempts.add(this);
  world.schedule(later(world.now(), timeout), EventKind::give_up, id_);
  if (to_.family() == Address::Family::none || to_.is_multicast() || (to_.is_ip() && to_.port() == 0)) {
    failure_ =
        Error{Errc::malformed, "connect to \"" + to_.text() + "\": expected an IP address and a port, or unix:/path"};
    world.schedule(world.now(), EventKind::answer, id_);
    return;
  }
  if (!target_) return;  // nobody has that address, so nobody answers
  Link& there = world.links.between(host.index(), target_->index());
  const Duration back = world.links.between(target_->index(), host.index()).delay();
  world.schedule(there.stream(world.now(), 0, back, world.random), EventKind::request, id_);
}

void Attempt::on_event(const Event& event) {
  switch (event.kind) {
    case EventKind::request:
      return on_request();
    case EventKind::answer:
      if (target_ && world_.links.is_cut(target_->index(), host_.index())) return repeat(EventKind::answer);
      if (failure_) return finish(*failure_);
      return finish(std::move(stream_));
    default:
      return finish(Error{Errc::timed_out, "connect to " + to_.text() + ": no answer within " + in_words(timeout_)});
  }
}

void Attempt::repeat(EventKind kind) {
  world_.schedule(later(world_.now(), patience_), kind, id_);
  patience_ *= 2;
}

void Attempt::on_request() {
  if (world_.links.is_cut(host_.index(), target_->index())) return repeat(EventKind::request);
  if (!target_->alive()) return;
  StreamListener* listener = target_->find_listener(to_);
  const Duration there = world_.links.between(host_.index(), target_->index()).delay();
  const TimePoint when =
      world_.links.between(target_->index(), host_.index()).stream(world_.now(), 0, there, world_.random);
  world_.schedule(when, EventKind::answer, id_);
  if (listener) return answer(*listener, when);
  failure_ = errno_error(to_.is_ip() ? ECONNREFUSED : ENOENT, "connect to", to_.text());
}

void Attempt::answer(StreamListener& listener, TimePoint when) {
  Peer ours, theirs;
  if (to_.is_ip()) {
    ours = {host_.source_for(to_).with_port(host_.next_port()), to_, {}, {}};
    const Address local = to_.is_any() ? ours.local.with_port(to_.port()) : to_;
    theirs = {local, ours.local, {}, {}};
  } else {
    ours = {Address::unix_path(""), to_, this_process(), {}};
    theirs = {to_, Address::unix_path(""), this_process(), {}};
  }
  auto [mine, accepted] = Stream::make_pair(host_, std::move(ours), *target_, std::move(theirs), world_, when);
  stream_ = std::move(mine);
  listener.accept(std::move(accepted));
}

void Attempt::finish(Result<std::unique_ptr<ByteStream>> result) {
  world_.attempts.remove(id_);
  stream_.reset();
  const OnConnect done = std::move(done_);  // which may destroy this attempt
  done(std::move(result));
}

}  // namespace ghost::net::sim
