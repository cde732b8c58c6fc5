#pragma once
#include <memory>
#include <string>
#include <vector>

#include "acts.h"
#include "net/sim.h"

namespace ghost::b2::test {

/// One run on simulated hosts, all of it drawn from its seed: a server with topics, one to three clients that call it, are called by
/// it, publish and follow, while connections break, links are cut, both sides are killed and start again, stand still, and their
/// clocks jump. When all is mended and quiet the histories are checked.
class Schedule {
 public:
  explicit Schedule(std::uint64_t seed, Lie lie = Lie::none);
  ~Schedule();

  /// What was wrong; empty when everything held.
  std::vector<std::string> run();

  struct Counts {
    std::uint64_t attempts = 0, executions = 0, unknown = 0, busy = 0, timed_out = 0, messages = 0, dropped = 0, frames = 0;
    std::uint64_t connections = 0, kills = 0, cuts = 0, stops = 0, jumps = 0, events = 0;
    Counts& operator+=(const Counts& other);
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Host {
    net::Address address;
    net::Network* network = nullptr;
    std::unique_ptr<Node> node;
    std::uint64_t life = 0;
    bool cut = false;
  };

  static net::Address address(std::size_t number) { return net::Address::ip4({10, 0, 0, static_cast<std::uint8_t>(number + 1)}, 0); }
  void draw_limits();
  net::LinkConditions draw_link();
  void start(std::size_t host);
  void kill(std::size_t host);
  void act();
  void fault();
  void mend();
  void settle();
  std::string subject() { return "s." + std::to_string(truth_.random.below(subjects_)); }
  Node* some_node();
  void check_quiet();
  void forget(Host& host);
  void note(const std::vector<std::string>& wrong);

  net::SimWorld world_;
  Truth truth_;
  ChannelLimits limits_;
  TopicLimits topic_limits_;
  std::uint64_t budget_ = 0;
  std::uint64_t subjects_ = 1;
  double trouble_ = 0;
  bool quick_deadlines_ = false, clocks_jump_ = false;
  std::vector<std::vector<std::unique_ptr<Follower>>> followers_;  ///< by client; they outlive its lives
  std::vector<Host> hosts_;  ///< the first is the server
  Counts counts_;
};

}  // namespace ghost::b2::test
