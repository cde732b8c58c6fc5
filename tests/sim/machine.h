#pragma once
#include <map>
#include <memory>
#include <vector>

#include "net/network.h"

namespace ghost::b2::test {

/// One life of a program on a simulated host, whose processor may stand still (SIGSTOP, a hypervisor that has others to serve) and
/// whose clock may jump forward (a laptop that slept). While it stands nothing rings, arrives or leaves; afterwards all of it comes
/// at once.
class Machine final : public net::Reactor {
 public:
  explicit Machine(net::Network& network) : network_(network) {}

  net::Network& network() { return network_; }
  TimePoint now() const override { return network_.reactor().now() + jumped_; }
  [[nodiscard]] net::Timer wake_at(TimePoint when, std::function<void(TimePoint)> ring) override;
  void post(std::function<void()> work) override;
  void at_turn_end(std::function<void()> work) override;

  bool stands() const { return stands_; }
  void stop() { stands_ = true; }
  void go_on();
  void jump(Duration span);
  /// Runs `work` now, or when the machine goes on.
  void when_running(std::function<void()> work);

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;

  void arm();
  void ring_due();

  net::Network& network_;
  Duration jumped_{};
  bool stands_ = false;
  std::map<Key, std::function<void(TimePoint)>> timers_;
  std::uint64_t last_ = 0;
  TimePoint armed_ = TimePoint::max();
  net::Timer timer_;
  std::vector<std::function<void()>> waiting_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2::test
