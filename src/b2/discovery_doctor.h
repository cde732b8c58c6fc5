#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/finding.h"
#include "base/result.h"

namespace ghost::b2 {

/// What was seen of one interface when its links were asked (docs/spec/b2.md §14).
struct LinkFacts {
  struct Family {
    bool address = false;       ///< there is one to send beacons from
    bool joined = false;        ///< the group
    Error problem{};            ///< why not
    bool own_heard = false;     ///< our own probe came back
    std::size_t by_group = 0;   ///< nodes whose answers came by the group
    std::size_t alone = 0;      ///< nodes whose answers came to us alone
  };
  std::string name;
  bool up = false, loopback = false, multicast = false;
  std::uint32_t mtu = 0;        ///< bytes; 0 when it can't be told
  bool snoops_without_querier = false;  ///< a bridge of this machine that forgets who joined
  Family ip4, ip6;
};

struct NetworkFacts {
  std::vector<LinkFacts> links;
  std::string port_holder;            ///< who has UDP 2203, where it is not ours: "dnsmasq (pid 812)"; "" when it is free
  bool holder_is_node = false;        ///< and it is a node that answers from this machine
  std::vector<std::string> dropping;  ///< rules of the firewall that may drop what comes to UDP 2203
  bool firewall_seen = false;         ///< its rules could be read
  struct PeerClock {
    std::string who;                  ///< "lusab-babad-gutih-tugad (10.0.0.7:2203)"
    std::int64_t ahead_ms = 0;        ///< of ours
  };
  std::vector<PeerClock> clocks;
};

/// What `b2 doctor` says of the network. Pure.
std::vector<Finding> judge_network(const NetworkFacts& facts);

}  // namespace ghost::b2
