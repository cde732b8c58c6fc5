#include "net/sim.h"

#include <cassert>

#include "net/sim_host.h"
#include "net/sim_world.h"

namespace ghost::net {

struct SimWorld::Impl {
  explicit Impl(std::uint64_t seed) : world(seed) {}

  sim::Host& host(const Address& address) {
    sim::Host* found = world.find_host(address);
    assert(found && "no host has that address: add_host() comes first");
    return *found;
  }

  sim::World world;
  bool running = false;
};

SimWorld::SimWorld(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
SimWorld::~SimWorld() = default;

Network& SimWorld::add_host(const Address& address) {
  return impl_->world.add_host(address);
}

void SimWorld::set_link(const Address& from, const Address& to, const LinkConditions& conditions) {
  impl_->world.links.set(impl_->host(from).index(), impl_->host(to).index(), conditions);
}

void SimWorld::set_default_link(const LinkConditions& conditions) {
  impl_->world.links.set_default(conditions);
}

void SimWorld::partition(const Address& a, const Address& b) {
  assert(&impl_->host(a) != &impl_->host(b));
  impl_->world.links.cut(impl_->host(a).index(), impl_->host(b).index());
}

void SimWorld::heal(const Address& a, const Address& b) {
  impl_->world.heal(impl_->host(a).index(), impl_->host(b).index());
}

void SimWorld::kill(const Address& host, Duration notice) {
  impl_->world.kill(impl_->host(host), notice);
}
void SimWorld::revive(const Address& host) {
  impl_->world.revive(impl_->host(host));
}

TimePoint SimWorld::now() const {
  return impl_->world.now();
}

void SimWorld::run_until(TimePoint end) {
  assert(!impl_->running && "called from inside an event");
  impl_->running = true;
  while (impl_->world.step(end)) {
  }
  if (end != TimePoint::max()) impl_->world.advance_to(end);
  impl_->running = false;
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration limit) {
  assert(!impl_->running && "called from inside an event");
  impl_->running = true;
  const TimePoint end = sim::later(now(), limit);
  bool is_done = done();
  while (!is_done && impl_->world.step(end)) is_done = done();
  if (!is_done && end != TimePoint::max()) impl_->world.advance_to(end);
  impl_->running = false;
  return is_done;
}

SimWorld::Counters SimWorld::counters() const {
  return impl_->world.counters;
}

}  // namespace ghost::net
