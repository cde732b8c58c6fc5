#include "b2/connection_service.h"

namespace ghost::b2 {

namespace {
constexpr Duration kGoodbye = std::chrono::milliseconds(200);
}

Result<std::unique_ptr<Connection>> Connection::open(std::string_view at, Options options) {
  auto target = Target::parse(at);
  if (!target) return target.error();
  auto network = net::EpollNetwork::create();
  if (!network) return network.error();
  std::unique_ptr<Connection> connection(new Connection());
  connection->network_ = std::move(*network);
  connection->endpoint_.name = std::move(options.name);

  std::optional<Result<std::unique_ptr<Link>>> opened;
  connection->dial_ = std::make_unique<Dial>(
      Dial::Parts{*connection->network_, connection->endpoint_, std::move(options.tls), options.trust, options.timeout}, *target,
      [&](Result<std::unique_ptr<Link>> link) { opened = std::move(link); });
  connection->turn_until([&] { return opened.has_value(); });
  connection->dial_.reset();
  if (!*opened) return opened->error();
  connection->link_ = std::move(**opened);
  return connection;
}

Connection::~Connection() {
  if (!link_) return;
  bool closed = false;
  link_->set_events({{}, {}, [&](const Error&) { closed = true; }});
  link_->close();
  const TimePoint until = network_->precise_now() + kGoodbye;
  while (!closed && network_->precise_now() < until) network_->turn(until);
}

void Connection::turn_until(const std::function<bool()>& done) {
  while (!done()) network_->turn(TimePoint::max());
}

}  // namespace ghost::b2
