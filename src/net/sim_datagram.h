#pragma once
#include <memory>
#include <vector>

#include "net/sim_host.h"

namespace ghost::net::sim {

inline constexpr std::uint32_t kLoopback = 1;  ///< interface index of "lo"
inline constexpr std::uint32_t kSim = 2;       ///< interface index of "sim0"

/// A simulated UDP socket.
class DatagramEnd final : public DatagramSocket {
 public:
  static constexpr std::size_t kMostAtOnce = 64;
  static constexpr std::size_t kReceiveBuffer = 212'992;  ///< Linux' net.core.rmem_default

  DatagramEnd(World& world, Host& host, const DatagramOptions& options);
  ~DatagramEnd() override;

  void on_datagrams(std::function<void(std::span<const Datagram>)> handler) override;
  std::size_t send(std::span<const Datagram> batch) override;
  std::size_t send_until_full(std::span<const Datagram> batch) override;
  Status join(const Address& group, std::uint32_t interface, const std::optional<Address>& source) override;
  Status leave(const Address& group, std::uint32_t interface, const std::optional<Address>& source) override;
  Status set_multicast(std::uint32_t interface, int hops, bool loop) override;
  const Address& address() const override { return address_; }
  std::size_t receive_buffer() const override { return receive_buffer_; }
  std::uint64_t truncated() const override { return truncated_; }

  Host& host() const { return host_; }
  /// Whether both may be bound where their addresses overlap. All sockets of a simulated host are of one user.
  bool shares_port_with(const DatagramOptions& other) const {
    return (share_port_ && other.share_port) || (share_with_own_ && other.share_with_own);
  }
  /// A packet's use passes to this socket.
  void receive(std::uint32_t packet);
  void receive_multicast(std::uint32_t packet);
  /// Up to kMostAtOnce of what arrived goes to the handler.
  void hand_out();
  void die();

 private:
  struct Joined {
    Address group;
    Membership membership;
  };

  bool open() const { return world_.datagram_ends.find(id_) != nullptr; }
  bool send_one(const Datagram& datagram);
  void send_unicast(const Address& from, const Datagram& datagram);
  void send_multicast(const Address& from, const Datagram& datagram);
  void copy_along(Link& link, HostIndex to, EventKind kind, Id id, std::uint32_t packet);
  void drop(std::uint32_t packet);
  Result<Joined> membership(std::string_view what, const Address& group, std::uint32_t interface,
                            const std::optional<Address>& source) const;

  World& world_;
  Host& host_;
  Address address_;
  Id id_;
  bool share_port_, share_with_own_;
  std::size_t receive_buffer_;
  std::size_t max_datagram_;
  std::uint64_t truncated_ = 0;

  std::function<void(std::span<const Datagram>)> handler_;
  bool handler_changed_ = false;        ///< while it ran
  std::vector<std::uint32_t> waiting_;  ///< packets from handed_out_ on
  std::size_t handed_out_ = 0;
  std::size_t waiting_bytes_ = 0;
  bool ready_ = false;

  std::vector<Joined> joined_;
  bool left_ = false;  ///< some group: what is under way to it is no longer wanted
  std::uint32_t multicast_interface_ = 0;
  int hops_ = 1;
  bool hears_itself_ = true;
};

}  // namespace ghost::net::sim
