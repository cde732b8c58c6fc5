#pragma once
#include <functional>
#include <span>
#include <vector>

#include "net/network.h"

namespace ghost::ardus {

/// Datagrams on their way out, each by the socket of its way: what is sent from an address of IPv6 leaves by the socket that is bound to it, and runs
/// that go the same way leave at once. A full socket buffer is no loss yet: the rest is tried again.
class Outbox {
 public:
  /// Sends by the socket of a way; says how many of the first are done with, sent or such that can't be: the rest found no room.
  using Send = std::function<std::size_t(std::size_t way, std::span<const net::Datagram> batch)>;
  explicit Outbox(Send send) : send_(std::move(send)) {}

  /// Its bytes stay as they are until it is empty, or cleared.
  void add(std::size_t way, const net::Datagram& datagram);
  /// What is here, as far as there is room for it; what has been tried often enough is given up.
  void flush();
  bool empty() const { return left_ == 0; }
  void clear();

 private:
  struct Lane {
    std::vector<net::Datagram> batch;
    std::size_t sent = 0;
  };
  Send send_;
  std::vector<Lane> lanes_;  ///< by way
  std::size_t left_ = 0;
  int tries_ = 0;
};

}  // namespace ghost::ardus
