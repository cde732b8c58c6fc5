#include "b2/discovery_doctor.h"

#include <cstdlib>

namespace ghost::b2 {

namespace {

constexpr std::uint32_t kCallMtu = 1248;  ///< a datagram of 1,200 bytes in IPv6
constexpr std::int64_t kNotableSkew = 2'000, kHarmfulSkew = 60'000;  ///< milliseconds
constexpr const char* kSeeds = "name a node that can be reached under seeds ('ghostlight up --seeds HOST:2203')";

std::string told_nodes(std::size_t count) { return count == 1 ? "1 node" : std::to_string(count) + " nodes"; }

std::string firewall_remedy(const NetworkFacts& facts, const std::string& link) {
  const std::string allow = "let it in: nft insert rule inet filter input iifname \"" + link + "\" udp dport 2203 accept (with your table and chain)";
  if (!facts.dropping.empty()) return "this rule may drop it: " + facts.dropping.front() + "; " + allow;
  if (!facts.firewall_seen) return "a firewall of this machine drops UDP 2203 (its rules are seen as root: sudo b2 doctor); " + allow;
  return "no rule of nftables that drops UDP 2203 was found; look for another filter (BPF, an agent), and at rp_filter";
}

class NetworkJudge {
 public:
  explicit NetworkJudge(const NetworkFacts& facts) : facts_(facts) {}

  std::vector<Finding> judge() {
    port();
    bool any = false;
    for (const LinkFacts& link : facts_.links) {
      if (link.loopback) continue;
      any = true;
      this->link(link);
    }
    if (!any) add(Verdict::note, "network", "there is no interface but lo: nothing can be found", "connect the machine, or use addresses");
    for (const NetworkFacts::PeerClock& clock : facts_.clocks) skew(clock);
    return std::move(findings_);
  }

 private:
  void add(Verdict verdict, std::string about, std::string what, std::string remedy = "") {
    findings_.push_back({verdict, std::move(about), std::move(what), std::move(remedy)});
  }

  void port() {
    if (facts_.port_holder.empty()) return add(Verdict::well, "UDP 2203", "is free, or ours");
    if (facts_.holder_is_node) {
      return add(Verdict::note, "UDP 2203", "is held by " + facts_.port_holder + ", a node of this machine: only it can tell what the group brings in", "run this as its user, or as root");
    }
    add(Verdict::wrong, "UDP 2203", "is held by " + facts_.port_holder + ", which keeps others from hearing beacons there", "end it, or move it to another port: 2203 is registered to b2-runtime");
  }

  void link(const LinkFacts& link) {
    if (!link.up) return add(Verdict::note, link.name, "is down", "ip link set " + link.name + " up, if it should not be");
    if (!link.multicast) {
      return add(Verdict::note, link.name, "carries no multicast (it lacks the flag MULTICAST): nodes beyond it are not found by beacons", std::string(kSeeds));
    }
    family(link, link.ip4, "IPv4", "239.255.22.3");
    family(link, link.ip6, "IPv6", "ff02::2203");
    if (link.mtu != 0 && link.mtu < kCallMtu) {
      add(Verdict::wrong, link.name, "its MTU is " + std::to_string(link.mtu) + ": datagram calls of 1,200 bytes do not fit", "ip link set " + link.name + " mtu 1500, here and on the others of that link");
    }
    if (link.snoops_without_querier) {
      add(Verdict::note, link.name, "this bridge snoops multicast and has no querier: after some minutes it forgets who joined, and beacons stop",
          "ip link set " + link.name + " type bridge mcast_querier 1 (or mcast_snooping 0)");
    }
  }

  void family(const LinkFacts& link, const LinkFacts::Family& family, const std::string& version, const std::string& group) {
    const std::string about = link.name + ", " + version;
    if (!family.address) {
      if (version == "IPv4") return add(Verdict::note, about, "has no address");
      return add(Verdict::note, about, "has no link-local address: beacons go by IPv4 alone", "sysctl net.ipv6.conf." + link.name + ".disable_ipv6 shows whether it was turned off");
    }
    if (!family.joined) return not_joined(about, family);
    if (!family.own_heard) {
      return add(Verdict::wrong, about, "a probe to " + group + " did not come back: this machine does not hear the group", firewall_remedy(facts_, link.name));
    }
    if (family.by_group != 0) return add(Verdict::well, about, "multicast passes: " + told_nodes(family.by_group) + " answered");
    if (family.alone != 0) {
      return add(Verdict::wrong, about, told_nodes(family.alone) + " heard the probe and answered to this machine alone; what goes to " + group + " does not come in",
                 "the switch or access point keeps multicast back: give the network an IGMP/MLD querier or turn its snooping off, turn off client isolation; or " + std::string(kSeeds));
    }
    add(Verdict::note, about, "this machine hears its own probe; no other node answered",
        "if there are others here: start them with an address off loopback, let UDP 2203 pass between, or " + std::string(kSeeds));
  }

  void not_joined(const std::string& about, const LinkFacts::Family& family) {
    if (family.problem.code == Errc::busy && !facts_.port_holder.empty()) {
      if (family.alone == 0) return add(Verdict::note, about, "no node answered; whether the group is heard can't be seen without UDP 2203");
      return add(Verdict::note, about, told_nodes(family.alone) + " answered, so probes get out; whether the group is heard can't be seen without UDP 2203");
    }
    std::string remedy = "see the message";
    if (family.problem.code == Errc::busy) remedy = "UDP 2203 is held on this machine: 'portlight why 2203' says by whom";
    else if (family.problem.code == Errc::exhausted) remedy = "too many groups are joined: sysctl -w net.ipv4.igmp_max_memberships=100";
    add(Verdict::wrong, about, family.problem.message.empty() ? "the group could not be joined" : family.problem.message, remedy);
  }

  void skew(const NetworkFacts::PeerClock& clock) {
    const std::int64_t off = std::abs(clock.ahead_ms);
    if (off < kNotableSkew) return;
    const std::string what = "its clock is " + std::to_string(off / 1000) + " s " + (clock.ahead_ms > 0 ? "ahead of" : "behind") + " this machine's";
    add(off >= kHarmfulSkew ? Verdict::wrong : Verdict::note, clock.who, what, "certificates need clocks that agree: timedatectl set-ntp true, on the one that is off");
  }

  const NetworkFacts& facts_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> judge_network(const NetworkFacts& facts) { return NetworkJudge(facts).judge(); }

}  // namespace ghost::b2
