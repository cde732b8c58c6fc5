#pragma once
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/guarded.h"
#include "net/sim.h"
#include "net/sim_link.h"
#include "net/sim_multicast.h"
#include "net/sim_packet.h"
#include "net/sim_queue.h"
#include "net/sim_random.h"
#include "net/sim_slots.h"

namespace ghost::net::sim {

class Host;
class Stream;
class StreamListener;
class Attempt;
class DatagramEnd;

/// One life of a host: killing it ends the life, and with it all that was planned in it.
struct Life {
  HostIndex host = 0;
  std::uint32_t number = 0;
  friend bool operator==(const Life&, const Life&) = default;
};

/// Work that waits for its time.
struct Task {
  Life life;
  std::function<void(TimePoint now)> run;
};

/// What all hosts share: the clock, the events and the tables in which events find whom they are for. Objects handed
/// out to hosts' code remove themselves from the tables when destroyed, so the world must outlive them.
class World {
 public:
  /// What a turn costs: posted work and timers already due come this much later, so that a host that keeps itself busy
  /// for ever does not stop the clock.
  static constexpr Duration kTurn = std::chrono::microseconds(1);

  explicit World(std::uint64_t seed);
  ~World();

  Host& add_host(const Address& address);
  Host* find_host(const Address& address);
  Host& host(HostIndex index) { return *hosts_[index]; }

  TimePoint now() const { return now_; }
  /// One event that is due by `end`; false when there is none.
  bool step(TimePoint end);
  void advance_to(TimePoint end) { now_ = std::max(now_, end); }

  /// Plans an event at `when`, or now if that is past; never at TimePoint::max().
  void schedule(TimePoint when, EventKind kind, Id id, std::uint32_t argument = 0);
  [[nodiscard]] Timer wake_at(Life life, TimePoint when, std::function<void(TimePoint)> ring);
  void post(Life life, std::function<void()> work);  ///< from any thread
  void at_turn_end(Life life, std::function<void()> work);
  /// `id` has datagrams to hand out once all events of this instant are over.
  void ready(Id datagram_end) { ready_.push_back(datagram_end); }

  void kill(Host& host, Duration notice);
  void revive(Host& host);
  void heal(HostIndex a, HostIndex b);

  Random random;
  LinkTable links;
  PacketPool packets;
  MulticastGroups groups;
  Slots<Stream*> streams;
  Slots<StreamListener*> listeners;
  Slots<Attempt*> attempts;
  Slots<DatagramEnd*> datagram_ends;
  SimWorld::Counters counters{};
  std::array<Datagram, 64> batch;  ///< where datagrams stand side by side while a handler sees them

 private:
  struct Planned {
    Life life;
    std::function<void()> work;
  };

  bool lives(Life life) const;
  void dispatch(const Event& event);
  void run_task(Id id);
  void take_back(Id id);
  void take_posts();
  void end_turn();

  TimePoint now_;
  EventQueue queue_;
  Slots<Task> tasks_;
  std::size_t taken_back_ = 0;  ///< events in queue_ of tasks that are gone
  std::vector<Planned> turn_end_;
  std::deque<Id> ready_;
  Guarded<std::vector<Planned>> posts_;
  std::atomic<bool> has_posts_ = false;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unordered_map<Address, HostIndex, AddressHash> by_address_;
};

}  // namespace ghost::net::sim
