#include "b2/connection_service.h"

#include "b2/client_service.h"
#include "net/epoll.h"

namespace ghost::b2 {

namespace {
constexpr Duration kGoodbye = std::chrono::milliseconds(200);
}

struct Connection::Parts {
  std::unique_ptr<net::EpollNetwork> network;
  Endpoint endpoint;
  std::unique_ptr<Link> link;
};

Connection::Connection(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Connection>> Connection::open(std::string_view at, Options options) {
  auto target = Target::parse(at);
  if (!target) return target.error();
  auto network = net::EpollNetwork::create();
  if (!network) return network.error();
  auto parts = std::make_unique<Parts>();
  parts->network = std::move(*network);
  parts->endpoint.name = std::move(options.name);
  Trust trust;
  trust.house = options.house;

  std::optional<Result<std::unique_ptr<Link>>> opened;
  Dial dial({*parts->network, parts->endpoint, std::move(options.tls), trust, options.timeout}, *target,
            [&](Result<std::unique_ptr<Link>> link) { opened = std::move(link); });
  while (!opened) parts->network->turn(TimePoint::max());
  if (!*opened) return opened->error();
  parts->link = std::move(**opened);
  return std::unique_ptr<Connection>(new Connection(std::move(parts)));
}

Connection::~Connection() {
  bool closed = false;
  parts_->link->set_events({{}, {}, [&](const Error&) { closed = true; }});
  parts_->link->close();
  const TimePoint until = parts_->network->precise_now() + kGoodbye;
  while (!closed && parts_->network->precise_now() < until) parts_->network->turn(until);
}

Caller& Connection::caller() { return parts_->link->channel(); }

net::EpollNetwork& Connection::network() { return *parts_->network; }

void Connection::turn_until(const std::function<bool()>& done) {
  while (!done()) parts_->network->turn(TimePoint::max());
}

}  // namespace ghost::b2
