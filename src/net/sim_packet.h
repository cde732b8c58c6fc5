#pragma once
#include <deque>
#include <vector>

#include "net/network.h"
#include "net/sim_link.h"

namespace ghost::net::sim {

/// A datagram under way: its bytes are copied once when it is sent, however many receive it.
struct Packet {
  Bytes payload;
  Datagram datagram;  ///< as receivers see it; its bytes are `payload`
  HostIndex sender = 0;
  std::uint32_t uses = 0;  ///< arrivals planned or waiting in sockets
};

/// Packets by index, reused when nobody waits for them any more.
class PacketPool {
 public:
  /// A packet with one use, the maker's.
  std::uint32_t make(HostIndex sender, const Datagram& content) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(packets_.size()));
      packets_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Packet& packet = packets_[index];
    packet.payload.assign(content.bytes.begin(), content.bytes.end());
    packet.datagram = content;
    packet.datagram.bytes = packet.payload;
    packet.sender = sender;
    packet.uses = 1;
    return index;
  }

  Packet& operator[](std::uint32_t index) { return packets_[index]; }
  void use(std::uint32_t index) { ++packets_[index].uses; }
  void release(std::uint32_t index) {
    if (--packets_[index].uses == 0) free_.push_back(index);
  }

 private:
  std::deque<Packet> packets_;
  std::vector<std::uint32_t> free_;
};

}  // namespace ghost::net::sim
