#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/finding.h"
#include "base/result.h"

namespace ghost::ardus {

/// What was seen of one network interface.
struct DoctorInterface {
  std::string name;
  bool up = false, running = false, loopback = false, multicast = false;
  std::string address;            ///< its first IPv4 address; "" none
  std::uint32_t mtu = 0;          ///< bytes; 0 when it can't be told
  int igmp_version = 0;           ///< spoken there, by the querier's choice: 1, 2, 3; 0 when it can't be told
  int reverse_path = 0;           ///< rp_filter: 0 off, 1 strict, 2 loose
  struct Bridge {
    std::string name;
    bool snoops = false, queries = false;
    int igmp_version = 0;         ///< of its querier; 0 when it can't be told
    int mld_version = 0;          ///< the same
  };
  std::optional<Bridge> bridge{}; ///< that it is, or is a port of, on this machine
  std::string address6{};         ///< the IPv6 address sessions go by; "" none
  bool checked{};                 ///< it has IPv6 addresses that may not be used yet, or not at all: duplicate address detection
  int forced_mld{};               ///< the version of MLD that this machine is told to speak; 0: by the querier's choice
};

/// A group that was joined, and sent a datagram that must come back to this machine.
struct DoctorGroup {
  std::string group;       ///< "239.255.11.17"
  std::uint16_t port = 0;
  Error problem{};         ///< why there is no socket, or no membership
  bool busy = false;       ///< because another program has the port
  bool joined = false;     ///< the kernel lists the membership (/proc/net/igmp, igmp6)
  bool heard = false;      ///< the datagram came back
  std::vector<std::string> dropping{};  ///< rules of the firewall that may have dropped it
};

/// A port of ARDUS.
struct DoctorPort {
  std::string transport;   ///< "tcp", "udp"
  std::uint16_t port = 0;
  std::string holder{};    ///< "ardus (pid 812), of user root"; "" when it is free
  std::vector<std::string> dropping{};  ///< rules of the firewall that drop what comes to it, or goes out to it
  std::vector<std::string> may_drop{};  ///< rules that may
};

/// A session that was announced while the doctor listened.
struct DoctorAnnouncement {
  std::string who;         ///< "album, by lusab-babad-gutih-tugad (10.0.0.7)"
  std::string interface;   ///< it came by
  std::int64_t ahead_ms = 0;  ///< its clock, of ours
};

/// The machine of --to.
struct DoctorPeer {
  std::string address;
  std::string interface;   ///< that the route to it takes; "" none
  Error unreachable{};     ///< why its control port did not answer; empty message: it did
  bool stranger = false;   ///< it answered, and does not take us for a member of its house
  bool receives = false;   ///< it says that it holds the data port
  std::optional<std::int64_t> ahead_ms{};
  std::uint32_t path_mtu = 0;  ///< bytes; 0 when it can't be told
};

struct DoctorFacts {
  std::vector<DoctorInterface> interfaces;
  std::string chosen;         ///< the interface that is asked about; "" when there is none
  bool by_hand = false;       ///< by --iface
  std::string routed;         ///< the interface of the route to 239.255.11.17, without one that of IPv6; "" none
  DoctorGroup announcements, data;   ///< of IPv4, where the interface has it
  std::optional<DoctorGroup> announcements6{}, data6{};  ///< of IPv6, where it has that
  std::vector<DoctorPort> ports;
  bool firewall_seen = false; ///< its rules could be read
  std::uint64_t receive_buffer = 0, send_buffer = 0;  ///< bytes the kernel grants of kWishedBuffer
  std::string segmentation;   ///< why runs of datagrams can't be sent at once (UDP_SEGMENT); "": they can
  std::string coalescing;     ///< the same of taking them (UDP_GRO)
  bool offloads_tried = false;
  std::uint64_t neighbours = 0, most_neighbours = 0;  ///< machines of local networks the kernel remembers, and may at most; 0 when it does not say
  std::uint64_t neighbours_refused = 0;               ///< how often there was no room for one since it started
  std::optional<bool> clock_kept;  ///< something keeps the clock right; nothing when the kernel does not say
  std::vector<DoctorAnnouncement> heard;
  double listened = 0;        ///< seconds
  std::optional<DoctorPeer> peer;
};

inline constexpr std::uint64_t kWishedBuffer = std::uint64_t{32} << 20;

/// What `ardus doctor` says of them, the most basic first.
std::vector<Finding> judge(const DoctorFacts& facts);

}  // namespace ghost::ardus
