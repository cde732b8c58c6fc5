#include "ardus/doctor.h"

#include <algorithm>
#include <cstdlib>

#include "ardus/message.h"

namespace ghost::ardus {

namespace {

constexpr std::uint32_t kLeastMtu = kDataDatagram + 28, kLeastMtu6 = kDataDatagram + 48;  // IPv4 and UDP, IPv6 and UDP
constexpr std::uint32_t kUsualMtu = 1500;
constexpr std::int64_t kSkewToTell = 2'000, kSkewThatHarms = 60'000;  // milliseconds
constexpr std::uint64_t kSpareNeighbours = 64;
constexpr std::uint64_t kEnough = std::uint64_t{4} << 20;

std::string in_words(std::uint64_t bytes) { return bytes < (std::uint64_t{1} << 20) ? std::to_string(bytes >> 10) + " KiB" : std::to_string(bytes >> 20) + " MiB"; }

class Judge {
 public:
  explicit Judge(const DoctorFacts& facts) : facts_(facts) {}

  std::vector<Finding> all() {
    if (interface()) {
      if (!find(facts_.chosen)->address.empty()) {
        membership(facts_.announcements, "announcements");
        membership(facts_.data, "data");
      }
      if (facts_.announcements6) membership(*facts_.announcements6, "announcements", facts_.announcements.heard);
      if (facts_.data6) membership(*facts_.data6, "data", facts_.data.heard);
      switches();
      listener_reports();
      reverse_path();
    }
    others();
    for (const DoctorPort& port : facts_.ports) this->port(port);
    if (!facts_.firewall_seen) add(Verdict::note, "firewall", "its rules can't be read without root", "sudo ardus doctor reads them");
    buffers();
    offloads();
    neighbours();
    clock();
    if (facts_.peer) peer(*facts_.peer);
    return std::move(findings_);
  }

 private:
  void add(Verdict verdict, std::string about, std::string what, std::string remedy = "", std::string why = "") {
    findings_.push_back({verdict, std::move(about), std::move(what), std::move(remedy), std::move(why)});
  }

  const DoctorInterface* find(const std::string& name) const {
    const auto found = std::ranges::find(facts_.interfaces, name, &DoctorInterface::name);
    return found == facts_.interfaces.end() ? nullptr : &*found;
  }

  static bool has_address(const DoctorInterface& it) { return !it.address.empty() || !it.address6.empty(); }
  /// "10.0.0.1 and fe80::1"
  static std::string addresses(const DoctorInterface& it) { return it.address + (it.address.empty() || it.address6.empty() ? "" : " and ") + it.address6; }
  /// Bytes of an IP packet that carries a datagram of ARDUS there.
  static std::uint32_t least_mtu(const DoctorInterface& it) { return it.address.empty() ? kLeastMtu6 : kLeastMtu; }
  static std::string least_in_words(const DoctorInterface& it) { return it.address.empty() ? "1,496" : "1,476"; }

  /// Another that could be meant: "eth1".
  std::string usable() const {
    std::string names;
    for (const DoctorInterface& each : facts_.interfaces) {
      if (!each.loopback && each.up && each.multicast && has_address(each) && each.name != facts_.chosen) names += (names.empty() ? "" : ", ") + each.name;
    }
    return names;
  }

  /// True when it can carry anything.
  bool interface() {
    const DoctorInterface* const it = find(facts_.chosen);
    if (it == nullptr) {
      std::string known;
      for (const DoctorInterface& each : facts_.interfaces) known += (known.empty() ? "" : ", ") + each.name;
      add(Verdict::wrong, facts_.chosen.empty() ? "interface" : facts_.chosen, "there is no such interface here; there are " + known, "name one of them with --iface");
      return false;
    }
    const std::string up = "ip link set " + it->name + " up";
    if (!it->up) return add(Verdict::wrong, it->name, "is down", up), false;
    if (!it->running) return add(Verdict::wrong, it->name, "has no carrier: no cable, or nothing at its other end", "plug it in, or look at the switch's port"), false;
    if (!it->multicast && !it->loopback) {
      add(Verdict::wrong, it->name, "carries no multicast: it lacks the flag MULTICAST", "ip link set " + it->name + " multicast on", "sessions are announced and sent by multicast");
      return false;
    }
    if (!has_address(*it)) {
      if (it->checked) {
        add(Verdict::wrong, it->name, "has no address that may be used yet: that of IPv6 is being checked (duplicate address detection), or another machine has it", "wait two seconds; ip -6 address show dev " + it->name + " says 'tentative' or 'dadfailed'");
        return false;
      }
      add(Verdict::wrong, it->name, "has no IP address", "ip address add ADDRESS/24 dev " + it->name + ", or a DHCP client; of IPv6 every interface has one by itself unless sysctl net.ipv6.conf." + it->name + ".disable_ipv6 is 1");
      return false;
    }
    if (it->loopback) {
      const std::string others = usable();
      add(facts_.by_hand ? Verdict::note : Verdict::wrong, it->name, facts_.by_hand ? "is loopback: only this machine is reached" : "there is no route to 239.255.11.17, nor an interface with IPv6, so only loopback would be used",
          others.empty() ? "connect this machine to a network" : "say --iface IF, one of " + others + "; or ip route add 239.0.0.0/8 dev IF");
    } else {
      add(Verdict::well, it->name, "is up, carries multicast, has " + addresses(*it) + (it->address.empty() ? ": sessions go by IPv6" : ""));
    }
    mtu(*it);
    if (!facts_.by_hand || facts_.routed == it->name || it->loopback) return true;
    if (it->address.empty()) {
      add(Verdict::note, it->name, "without --iface " + it->name + " ARDUS would take " + (facts_.routed.empty() ? "loopback" : facts_.routed), "keep --iface " + it->name);
      return true;
    }
    const std::string there = facts_.routed.empty() ? "there is no route to 239.0.0.0/8" : "the route to 239.0.0.0/8 leads to " + facts_.routed;
    add(Verdict::note, it->name, there + ": without --iface " + it->name + " ARDUS would not take this interface", "keep --iface " + it->name + ", or ip route add 239.0.0.0/8 dev " + it->name);
    return true;
  }

  void mtu(const DoctorInterface& it) {
    if (it.mtu == 0 || it.loopback) return;
    const std::string is = "its MTU is " + std::to_string(it.mtu);
    if (it.mtu < least_mtu(it)) {
      add(Verdict::note, it.name, is + ": a datagram of ARDUS needs " + std::to_string(least_mtu(it)) + " and is cut into fragments", "ip link set " + it.name + " mtu 1500, here and at all others of that network",
          "one lost fragment loses the datagram, and many switches and firewalls drop fragments");
    } else if (it.mtu <= kUsualMtu) {
      add(Verdict::well, it.name, is + ": datagrams of " + least_in_words(it) + " bytes fit");
    } else {
      add(Verdict::well, it.name, is + " (jumbo): datagrams of " + least_in_words(it) + " bytes fit, and larger ones would");
    }
  }

  /// @param otherwise  that of IPv4 is heard: sessions go by it
  void membership(const DoctorGroup& group, const std::string& what, bool otherwise = false) {
    const bool ip6 = group.group.find(':') != std::string::npos;
    const std::string about = (ip6 ? "[" + group.group + "]" : group.group) + ":" + std::to_string(group.port);
    if (group.busy) return;  // told with the port
    if (!group.problem.message.empty()) {
      const bool many = group.problem.code == Errc::exhausted;
      return add(Verdict::wrong, about, group.problem.message, many && !ip6 ? "sysctl -w net.ipv4.igmp_max_memberships=100" : "see the message", "without the group nothing of a session's " + what + " is heard");
    }
    if (!group.joined) {
      return add(Verdict::wrong, about, "was joined, and the kernel does not list it for " + facts_.chosen, "ip maddress show dev " + facts_.chosen + " lists what it has; another program may leave groups");
    }
    if (group.heard) return add(Verdict::well, about, "was joined, and a datagram to it came back to this machine");
    std::string remedy = std::string("nft insert rule inet filter input ") + (ip6 ? "ip6 daddr ff15::/16" : "ip daddr 239.255.0.0/16") + " udp dport { 1117, 1835 } accept (with your table and chain; likewise the chain output)";
    if (!group.dropping.empty()) remedy = "this rule drops it: " + group.dropping.front() + "; " + remedy;
    else if (facts_.firewall_seen) remedy = "no rule of nftables that drops it was found: look for another filter (iptables-legacy -S, BPF, an agent)";
    add(otherwise ? Verdict::note : Verdict::wrong, about, "was joined, but a datagram this machine sent to it did not come back", remedy,
        std::string("what drops it here drops what others send, too: ") + (otherwise ? "receivers that have IPv6 alone hear no " : "receivers hear no ") + what);
  }

  void switches() {
    const DoctorInterface& it = *find(facts_.chosen);
    if (it.loopback) return;
    if (it.bridge) {
      const auto& bridge = *it.bridge;
      const std::string set = "ip link set " + bridge.name + " type bridge ";
      if (bridge.snoops && !bridge.queries) {
        add(Verdict::wrong, bridge.name, "this bridge snoops multicast and asks nobody: it has no querier of its own", set + "mcast_querier 1 mcast_igmp_version 3, unless a router asks; or " + set + "mcast_snooping 0",
            "after some 4 minutes it forgets who joined, and multicast stops in the midst of a transfer");
      } else if (bridge.snoops && bridge.igmp_version == 2 && !it.address.empty()) {
        add(Verdict::note, bridge.name, "this bridge's querier asks by IGMPv2", set + "mcast_igmp_version 3", "bridges with snooping lose members that answer by version 2; ARDUS notices and joins again, at the cost of seconds");
      } else {
        add(Verdict::well, bridge.name, bridge.snoops ? "this bridge snoops multicast, and asks who listens" : "this bridge does not snoop: multicast goes everywhere");
      }
    } else if (!it.address.empty() && (it.igmp_version == 1 || it.igmp_version == 2)) {
      add(Verdict::note, it.name, "the querier of this network speaks IGMPv" + std::to_string(it.igmp_version), "set it to version 3 (on a Linux bridge: ip link set BRIDGE type bridge mcast_igmp_version 3)",
          "snooping switches lose members that answer by older versions; ARDUS notices and joins again, at the cost of seconds");
    }
  }

  /// What of IPv6 corresponds to IGMP.
  void listener_reports() {
    const DoctorInterface& it = *find(facts_.chosen);
    if (it.loopback || it.address6.empty()) return;
    const char* const why = "version 1 knows no sources: nothing comes of a session that is sent with --ssm";
    if (it.bridge && it.bridge->snoops && it.bridge->mld_version == 1) {
      add(Verdict::note, it.bridge->name, "this bridge's querier asks by MLDv1", "ip link set " + it.bridge->name + " type bridge mcast_mld_version 2", why);
    }
    if (it.forced_mld == 1) add(Verdict::note, it.name, "this machine is told to speak MLDv1 there", "sysctl -w net.ipv6.conf." + it.name + ".force_mld_version=0 net.ipv6.conf.all.force_mld_version=0", why);
  }

  void reverse_path() {
    const DoctorInterface& it = *find(facts_.chosen);
    if (it.address.empty() || it.reverse_path != 1 || usable().empty()) return;
    add(Verdict::note, it.name, "rp_filter is strict and there are several interfaces: multicast whose sender is routed by another one is dropped in silence", "sysctl -w net.ipv4.conf." + it.name + ".rp_filter=2 net.ipv4.conf.all.rp_filter=2");
  }

  /// Announcements: by which way they came.
  void others() {
    std::vector<std::string> elsewhere;
    for (const DoctorAnnouncement& each : facts_.heard) {
      if (each.interface == facts_.chosen) add(Verdict::well, "announced", each.who + " is announced on " + each.interface);
      else add(Verdict::wrong, "announced", each.who + " is announced on " + each.interface + ", and not on " + facts_.chosen, "say --iface " + each.interface, "a receiver that listens to the wrong interface waits for ever");
      skew(each.who, each.ahead_ms);
    }
  }

  void port(const DoctorPort& port) {
    const std::string about = (port.transport == "udp" ? "UDP " : "TCP ") + std::to_string(port.port);
    const bool ours = port.holder.starts_with("ardus ") || port.holder.starts_with("ardus(");
    if (port.holder.empty()) add(Verdict::well, about, "is free");
    else if (ours) add(Verdict::well, about, "is held by " + port.holder);
    else add(Verdict::wrong, about, "is held by " + port.holder, "end that program, or move it: the number is registered to ARDUS; a second ARDUS takes another address (--listen ADDRESS:1117)", "ARDUS can't be reached on it");
    const bool udp = port.transport == "udp";
    const std::string allow = "nft insert rule inet filter input " + port.transport + " dport " + std::to_string(port.port) + " accept (with your table and chain; likewise output)";
    if (!port.dropping.empty()) {
      add(Verdict::wrong, about, "the firewall drops it: " + port.dropping.front(), allow,
          !udp ? port.port == kReportPort ? "other receivers get no repair from this one" : "receivers can't join this machine's sessions" : port.port == kReportPort ? "reports and unicast repair are lost" : "what is sent to the groups is lost");
    } else if (!port.may_drop.empty()) {
      add(Verdict::note, about, "the firewall may drop it: " + port.may_drop.front(), allow);
    }
  }

  void buffers() {
    const auto told = [&](const char* which, const char* key, std::uint64_t granted, const char* why) {
      if (granted == 0) return;
      const std::string what = std::string("the kernel grants a ") + which + " buffer of " + in_words(granted) + " of the " + in_words(kWishedBuffer) + " ARDUS asks for";
      if (granted >= kWishedBuffer) return add(Verdict::well, "buffers", std::string("a ") + which + " buffer of " + in_words(granted) + " is granted");
      add(granted < kEnough ? Verdict::wrong : Verdict::note, "buffers", what, std::string("sysctl -w net.core.") + key + "=33554432 (to keep it: a file in /etc/sysctl.d)", why);
    };
    told("receive", "rmem_max", facts_.receive_buffer, "at 1 Gbit/s 4 MiB are 30 ms: whoever is busy longer loses datagrams, which are sent again");
    if (facts_.send_buffer != 0 && facts_.send_buffer < (std::uint64_t{256} << 10)) {
      add(Verdict::note, "buffers", "the kernel grants a send buffer of " + std::to_string(facts_.send_buffer >> 10) + " KiB", "sysctl -w net.core.wmem_max=4194304", "bursts leave in pieces");
    }
  }

  void offloads() {
    if (!facts_.offloads_tried) return;
    const std::string why = "datagrams go one by one, at up to four times the CPU";
    const DoctorInterface* const it = find(facts_.chosen);
    if (it != nullptr && it->mtu != 0 && it->mtu < least_mtu(*it)) {
      // Fragments can't be made of runs: the MTU has been told.
    } else if (facts_.segmentation.empty()) add(Verdict::well, "offloads", "runs of datagrams are sent at once (UDP_SEGMENT was tried)");
    else add(Verdict::note, "offloads", "runs of datagrams can't be sent at once (UDP_SEGMENT: " + facts_.segmentation + ")", "ethtool -K " + facts_.chosen + " tx on, where the driver can", why);
    if (facts_.coalescing.empty()) add(Verdict::well, "offloads", "runs of datagrams are taken at once (UDP_GRO)");
    else add(Verdict::note, "offloads", "runs of datagrams can't be taken at once (UDP_GRO: " + facts_.coalescing + ")", "a kernel from 5.0 on can", why);
  }

  void neighbours() {
    if (facts_.most_neighbours == 0) return;
    const std::string most = std::to_string(facts_.most_neighbours);
    const std::string remedy = "sysctl -w net.ipv4.neigh.default.gc_thresh2=8192 net.ipv4.neigh.default.gc_thresh3=16384 (to keep it: a file in /etc/sysctl.d)";
    const std::string why = "a sender and its receivers on one network are neighbours, and what is for one that finds no room is dropped";
    if (facts_.neighbours + kSpareNeighbours > facts_.most_neighbours) {
      add(Verdict::wrong, "neighbours", "the kernel remembers " + std::to_string(facts_.neighbours) + " machines of its networks, of " + most + " at most", remedy, why);
    } else if (facts_.neighbours_refused > 0) {
      add(Verdict::note, "neighbours", "the kernel has had no room for one " + std::to_string(facts_.neighbours_refused) + " times since it started; it remembers " + most + " at most", remedy, why);
    } else {
      add(Verdict::well, "neighbours", "the kernel remembers up to " + most + " machines of its networks");
    }
  }

  void clock() {
    if (!facts_.clock_kept) return;
    if (*facts_.clock_kept) return add(Verdict::well, "clock", "is kept right, says the kernel");
    add(Verdict::note, "clock", "nothing keeps it right, says the kernel", "timedatectl set-ntp true (or chrony)", "certificates and receipts bear times");
  }

  void skew(const std::string& who, std::int64_t ahead_ms) {
    const std::int64_t off = std::abs(ahead_ms);
    if (off < kSkewToTell) return;
    add(off >= kSkewThatHarms ? Verdict::wrong : Verdict::note, "clock", "that of " + who + " is " + std::to_string(off / 1000) + " s " + (ahead_ms > 0 ? "ahead of" : "behind") + " this machine's",
        "timedatectl set-ntp true, on the one that is off", "certificates are valid from and until a time");
  }

  void peer(const DoctorPeer& peer) {
    if (peer.interface.empty()) return add(Verdict::wrong, peer.address, "there is no route to it", "ip route get " + peer.address + " says what is missing");
    if (peer.interface != facts_.chosen) {
      add(Verdict::wrong, peer.address, "is reached by " + peer.interface + ", not by " + facts_.chosen, "say --iface " + peer.interface, "multicast by " + facts_.chosen + " does not get there");
    }
    const bool ip6 = peer.address.find(':') != std::string::npos;
    const std::uint32_t least = ip6 ? kLeastMtu6 : kLeastMtu;
    if (peer.path_mtu != 0 && peer.path_mtu < least) {
      add(Verdict::wrong, peer.address, "the way to it carries " + std::to_string(peer.path_mtu) + " bytes, and a datagram needs " + std::to_string(least), "raise the MTU of tunnels and VPNs on the way", "repair by unicast would be cut into fragments");
    }
    if (!peer.unreachable.message.empty()) {
      return add(Verdict::wrong, peer.address, "does not answer on TCP 1117: " + peer.unreachable.message,
                 "start 'ardus serve --listen " + (ip6 ? "[" + peer.address + "]" : peer.address) + ":1117 --into DIR' there; let TCP 1117 and 1834, UDP 1117, 1834 and 1835 in (there: sudo ardus doctor)", "a receiver joins by it, and so does the sender's answer");
    }
    if (peer.stranger) add(Verdict::note, peer.address, "answers on TCP 1117, and does not know this machine", "make both members of one house: 'ghostlight house invite' there, 'ghostlight house join' here");
    else add(Verdict::well, peer.address, std::string("answers on TCP 1117") + (peer.receives ? ", and takes data" : ""));
    if (!peer.stranger && !peer.receives) {
      add(Verdict::note, peer.address, "takes no data at present: it does not hold UDP 1835", "there: ardus serve --into DIR, or ardus receive --into DIR");
    }
    if (peer.ahead_ms) skew(peer.address, *peer.ahead_ms);
  }

  const DoctorFacts& facts_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> judge(const DoctorFacts& facts) { return Judge(facts).all(); }

}  // namespace ghost::ardus
