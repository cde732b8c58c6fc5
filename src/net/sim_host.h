#pragma once
#include <atomic>
#include <vector>

#include "net/network.h"
#include "net/sim_world.h"

namespace ghost::net::sim {

/// One simulated host: what its code sees of the world.
class Host final : public Network, public Reactor {
 public:
  Host(World& world, HostIndex index, const Address& address) : world_(world), index_(index), address_(address) {}

  Reactor& reactor() override { return *this; }
  Result<std::unique_ptr<Listener>> listen(const Address& at, OnAccept on_accept) override;
  std::unique_ptr<Connecting> connect(const Address& to, Duration timeout, OnConnect done) override;
  Result<std::unique_ptr<DatagramSocket>> open_datagram(const DatagramOptions& options) override;
  Result<std::vector<NetworkInterface>> interfaces() override;

  TimePoint now() const override { return world_.now(); }
  Timer wake_at(TimePoint when, std::function<void(TimePoint)> ring) override {
    return world_.wake_at(life(), when, std::move(ring));
  }
  void post(std::function<void()> work) override { world_.post(life(), std::move(work)); }
  void at_turn_end(std::function<void()> work) override { world_.at_turn_end(life(), std::move(work)); }

  HostIndex index() const { return index_; }
  const Address& address() const { return address_; }  ///< port 0
  /// Even numbers are lives, odd ones the time after them.
  Life life() const { return {index_, life_.load(std::memory_order_relaxed)}; }
  bool alive() const { return life().number % 2 == 0; }
  void end_life() {
    ++life_;
    listening_.clear();
  }
  void begin_life() { ++life_; }

  /// The address alone (port 0) by which packets to `to` leave this host.
  Address source_for(const Address& to) const;
  /// Who answers at `to`, seen from here: this host for loopback and paths; nullptr when nobody has that address.
  Host* target(const Address& to);
  StreamListener* find_listener(const Address& at);
  std::uint16_t next_port();

  /// A datagram sent to this host arrived.
  void receive(std::uint32_t packet);
  void closed(const DatagramEnd& socket) { std::erase(sockets_, &socket); }
  void closed(const StreamListener& listener) { std::erase(listening_, &listener); }

 private:
  Status may_bind(std::string_view what, const Address& at) const;
  bool is_own(const Address& at) const;
  DatagramEnd* find_socket(const Address& to);
  std::uint16_t free_datagram_port();

  World& world_;
  HostIndex index_;
  Address address_;
  std::atomic<std::uint32_t> life_ = 0;
  std::uint16_t last_port_ = 0;
  std::vector<StreamListener*> listening_;
  std::vector<DatagramEnd*> sockets_;  ///< in the order they were opened
};

}  // namespace ghost::net::sim
