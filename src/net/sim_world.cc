#include "net/sim_world.h"

#include <algorithm>
#include <cassert>

#include "net/sim_connect.h"
#include "net/sim_datagram.h"
#include "net/sim_host.h"
#include "net/sim_stream.h"

namespace ghost::net::sim {

namespace {
constexpr auto kStart = TimePoint(std::chrono::hours(1));  // so that code under test may look back from it

std::uint64_t nanoseconds(TimePoint at) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(at.time_since_epoch()).count());
}
}  // namespace

World::World(std::uint64_t seed) : random(seed), now_(kStart) {}

World::~World() {
  // What hosts planned may own sockets, which look into the tables as they go: let all of it go while the tables are
  // there.
  for (const auto& each : hosts_) {
    if (each->alive()) kill(*each, Duration::max());
  }
}

Host& World::add_host(const Address& address) {
  assert(address.is_ip() && !address.is_any() && !address.is_loopback() && !address.is_multicast());
  const auto index = static_cast<HostIndex>(hosts_.size());
  const auto [where, added] = by_address_.emplace(without_port(address), index);
  assert(added && "two hosts with one address");
  if (added) hosts_.push_back(std::make_unique<Host>(*this, index, where->first));
  return *hosts_[where->second];
}

Host* World::find_host(const Address& address) {
  const auto found = by_address_.find(without_port(address));
  return found == by_address_.end() ? nullptr : hosts_[found->second].get();
}

bool World::lives(Life life) const {
  return life.number % 2 == 0 && hosts_[life.host]->life() == life;
}

void World::schedule(TimePoint when, EventKind kind, Id id, std::uint32_t argument) {
  if (when == TimePoint::max()) return;
  queue_.push({nanoseconds(std::max(when, now_)), kind, id, argument});
}

Timer World::wake_at(Life life, TimePoint when, std::function<void(TimePoint)> ring) {
  if (when == TimePoint::max() || !lives(life)) return {};
  const Id id = tasks_.add({life, std::move(ring)});
  schedule(std::max(when, now_ + kTurn), EventKind::task, id);
  return Timer([this, id] { take_back(id); });
}

void World::take_back(Id id) {
  if (!tasks_.find(id)) return;
  const Task gone = tasks_.remove(id);
  // Timers are mostly taken back before they ring; their events are swept out when they are the greater part of the
  // queue.
  if (++taken_back_ < 1024 || taken_back_ < queue_.size() / 2) return;
  queue_.remove_if([this](const Event& e) { return e.kind == EventKind::task && !tasks_.find(e.id); });
  taken_back_ = 0;
}

void World::run_task(Id id) {
  if (!tasks_.find(id)) {
    if (taken_back_ > 0) --taken_back_;
    return;
  }
  const Task task = tasks_.remove(id);
  task.run(now_);
}

void World::post(Life life, std::function<void()> work) {
  posts_.with([&](auto& posts) { posts.push_back({life, std::move(work)}); });
  has_posts_.store(true, std::memory_order_release);
}

void World::take_posts() {
  if (!has_posts_.load(std::memory_order_relaxed)) return;
  has_posts_.exchange(false, std::memory_order_acquire);
  auto posts = posts_.with([](auto& waiting) { return std::exchange(waiting, {}); });
  for (Planned& planned : posts) {
    if (!lives(planned.life)) continue;
    const Id id = tasks_.add({planned.life, [work = std::move(planned.work)](TimePoint) { work(); }});
    schedule(now_ + kTurn, EventKind::task, id);
  }
}

void World::at_turn_end(Life life, std::function<void()> work) {
  if (lives(life)) turn_end_.push_back({life, std::move(work)});
}

void World::end_turn() {
  for (std::size_t i = 0; i < turn_end_.size(); ++i) {
    const Planned planned = std::move(turn_end_[i]);
    if (lives(planned.life)) planned.work();
  }
  turn_end_.clear();
}

bool World::step(TimePoint end) {
  end_turn();  // what was done outside of any event is a turn of its own
  take_posts();
  const std::uint64_t next = queue_.next_time();
  if (!ready_.empty() && next > nanoseconds(now_)) {
    const Id id = ready_.front();
    ready_.pop_front();
    if (DatagramEnd** socket = datagram_ends.find(id)) (*socket)->hand_out();
  } else {
    if (next == EventQueue::kNever || next > nanoseconds(end)) return false;
    now_ = TimePoint(Duration(static_cast<Duration::rep>(next)));
    ++counters.events;
    dispatch(queue_.pop());
  }
  end_turn();
  return true;
}

void World::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::task:
      return run_task(event.id);
    case EventKind::unicast:
      return hosts_[event.id.slot]->receive(event.argument);
    case EventKind::multicast: {
      DatagramEnd** socket = datagram_ends.find(event.id);
      if (socket) return (*socket)->receive_multicast(event.argument);
      ++counters.datagrams_lost;
      return packets.release(event.argument);
    }
    case EventKind::arrival:
    case EventKind::taken:
    case EventKind::pump:
    case EventKind::reset:
    case EventKind::patience:
      if (Stream** stream = streams.find(event.id)) (*stream)->on_event(event);
      return;
    case EventKind::request:
    case EventKind::answer:
    case EventKind::give_up:
      if (Attempt** attempt = attempts.find(event.id)) (*attempt)->on_event(event);
      return;
  }
}

void World::kill(Host& host, Duration notice) {
  if (!host.alive()) return;
  host.end_life();
  const HostIndex index = host.index();
  const auto is_here = [index](const auto* object) { return object->host().index() == index; };
  for (Id id : streams.select(is_here)) streams.remove(id)->die(later(now_, notice));
  for (Id id : listeners.select(is_here)) listeners.remove(id);
  for (Id id : attempts.select(is_here)) attempts.remove(id);
  for (Id id : datagram_ends.select(is_here)) (*datagram_ends.find(id))->die();
  // The work goes last, and only once the tables no longer name it: what it owns may be any of the above.
  std::vector<Task> tasks;
  for (Id id : tasks_.select([index](const Task& task) { return task.life.host == index; })) {
    tasks.push_back(tasks_.remove(id));
  }
}

void World::revive(Host& host) {
  if (!host.alive()) host.begin_life();
}

void World::heal(HostIndex a, HostIndex b) {
  links.heal(a, b);
  for (Id id : streams.select([](const Stream* stream) { return stream->stalled(); })) (*streams.find(id))->go_on();
}

}  // namespace ghost::net::sim
