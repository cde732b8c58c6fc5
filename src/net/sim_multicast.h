#pragma once
#include <map>
#include <optional>
#include <vector>

#include "net/sim_link.h"
#include "net/sim_slots.h"

namespace ghost::net::sim {

/// The address alone: no port, no scope.
Address without_port(const Address& address);

struct AddressHash {
  std::size_t operator()(const Address& address) const;
};

/// One join: who, on which interface, and from which source if not from any.
struct Membership {
  Id socket;
  HostIndex host;
  std::uint16_t port;
  std::uint32_t interface;
  std::optional<Address> source;  ///< without port
  friend bool operator==(const Membership&, const Membership&) = default;
};

/// Where a datagram to a group is sent from.
struct Origin {
  HostIndex host;
  Address source;  ///< without port
  std::uint32_t interface;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

/// Who joined which group, and the ways there.
class MulticastGroups {
 public:
  /// @return false when the same join is there already
  bool join(const Address& group, const Membership& membership);
  bool leave(const Address& group, const Membership& membership);
  bool joined(const Address& group, Id socket, const Origin& origin) const;

  /// One socket that hears a datagram, and the link that leads there.
  struct Way {
    Id socket;
    HostIndex host;
    Link* link;
  };
  /// The ways from `origin` to all members of `group` on `port`, those on its own host included, in the order of
  /// joining. Valid until anything joins, leaves or a link changes.
  const std::vector<Way>& ways(const Address& group, std::uint16_t port, const Origin& origin, LinkTable& links);

 private:
  struct Known {
    std::vector<Way> ways;
    std::uint64_t links_version = 0;
  };
  struct Group {
    std::vector<Membership> members;
    std::map<std::pair<std::uint16_t, Origin>, Known> known;  ///< kept for the next datagram of the same sender
  };

  std::map<Address, Group> groups_;
};

}  // namespace ghost::net::sim
