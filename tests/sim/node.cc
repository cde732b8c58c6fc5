#include "node.h"

#include <algorithm>

#include "b2/reply_cache.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

Node::Node(net::Network& network, Truth& truth, Plan plan)
    : truth_(truth), plan_(std::move(plan)), machine_(network), acting_(machine_, truth) {
  endpoint_.name = plan_.address.text();
  endpoint_.boot_epoch = plan_.epoch;
  endpoint_.limits = plan_.limits;
  if (plan_.budget != 0) endpoint_.budget = ReceiveBudget(plan_.budget);
  endpoint_.services.add(acting_);
  endpoint_.run_on_worker = [this](std::function<Result<Bytes>()> work, std::function<void(Result<Bytes>)> then) {
    later(std::chrono::milliseconds(truth_.random.below(200)), [work = std::move(work), then = std::move(then)] { then(work()); });
  };
  if (plan_.topics) {
    topics_.emplace(machine_, endpoint_, *plan_.topics, TopicRights());
    endpoint_.services.add(*topics_);
  }
  tick();
}

void Node::tick() {
  endpoint_.replies->on_tick(machine_.now());
  later(ReplyCache::kTick, [this] { tick(); });
}

Node::~Node() { end(); }

void Node::later(Duration span, std::function<void()> work) {
  const std::uint64_t number = ++last_timer_;
  timers_[number] = machine_.wake_at(machine_.now() + span, [this, number, work = std::move(work)](TimePoint) {
    const auto ended = timers_.extract(number);
    work();
  });
}

void Node::serve() {
  auto listener = machine_.network().listen(plan_.address.with_port(2203), [this](std::unique_ptr<net::ByteStream> stream) {
    // A machine that stands still accepts when it goes on: its kernel has completed the connection long before.
    const auto held = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(stream));
    machine_.when_running([this, held] { add(Side::acceptor, std::move(*held)); });
  });
  if (listener) listener_ = std::move(*listener);
  else truth_.wrong.push_back("listen: " + listener.error().message);
}

void Node::keep_connected(const net::Address& server, std::function<void(Channel&)> ready) {
  server_ = server.with_port(2203);
  ready_ = std::move(ready);
  dial();
}

void Node::dial() {
  connecting_ = machine_.network().connect(*server_, 2s, [this](Result<std::unique_ptr<net::ByteStream>> stream) {
    const auto held = std::make_shared<Result<std::unique_ptr<net::ByteStream>>>(std::move(stream));
    machine_.when_running([this, held] {
      if (*held) return add(Side::dialer, std::move(**held));
      later(std::chrono::milliseconds(50 + truth_.random.below(200)), [this] { dial(); });
    });
  });
}

void Node::add(Side side, std::unique_ptr<net::ByteStream> stream) {
  const auto witness = std::make_shared<FlowWitness>(side == Side::dialer, plan_.scepticism);
  witnesses_.push_back(witness);
  auto tapped = std::make_unique<TappedStream>(machine_, std::move(stream), witness);
  auto peer = std::make_shared<Identity>();
  peer->kind = Identity::Kind::owner;
  peer->roles = Roles::all();
  peer->where = tapped->peer().remote.text();
  connections_.emplace_back();
  const auto at = std::prev(connections_.end());
  at->tap = tapped.get();
  Link::Events events;
  events.hello = [this, at] {
    if (ready_) ready_(at->link->channel());
  };
  events.closed = [this, at](const Error&) { closed(at); };
  at->link = std::make_unique<Link>(machine_, endpoint_, side, std::move(tapped), std::move(peer), std::move(events));
  at->link->open();
}

void Node::closed(std::list<Connection>::iterator at) {
  const Connection ended = std::move(*at);
  connections_.erase(at);
  if (!server_ || dying_) return;
  later(std::chrono::milliseconds(10 + truth_.random.below(300)), [this] { dial(); });
}

Channel* Node::channel() {
  std::vector<Channel*> ready;
  for (Connection& connection : connections_) {
    if (connection.ready()) ready.push_back(&connection.link->channel());
  }
  return ready.empty() ? nullptr : ready[truth_.random.below(ready.size())];
}

void Node::drop(Connection& connection) {
  const auto at = std::find_if(connections_.begin(), connections_.end(), [&](const Connection& one) { return &one == &connection; });
  if (at != connections_.end()) closed(at);
}

void Node::drain(Connection& connection) {
  connection.link->close();
  const Link* link = connection.link.get();
  later(2s, [this, link] {
    for (Connection& one : connections_) {
      if (one.link.get() == link) return drop(one);
    }
  });
}

std::vector<std::string> Node::open_ends() {
  std::vector<std::string> open;
  for (const Connection& connection : connections_) {
    const std::size_t streams = connection.link->channel().open_streams();
    if (streams != 0) open.push_back(endpoint_.name + ": " + std::to_string(streams) + " streams with " + connection.link->channel().peer().where + " are open");
  }
  for (const MethodEntry& method : endpoint_.services.methods()) {
    if (method.counters.open() != 0) open.push_back(endpoint_.name + ": " + std::to_string(method.counters.open()) + " calls of " + method.name + " count as open");
  }
  return open;
}

std::vector<std::string> Node::end() {
  dying_ = true;
  connecting_.reset();
  listener_.reset();
  connections_.clear();
  acting_.close();
  if (topics_) topics_->close();
  timers_.clear();
  std::vector<std::string> left;
  if (endpoint_.budget.used() != 0) left.push_back(endpoint_.name + ": " + std::to_string(endpoint_.budget.used()) + " bytes of the receive budget are not given back");
  return left;
}

}  // namespace ghost::b2::test
