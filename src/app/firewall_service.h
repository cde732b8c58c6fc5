#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::app {

/// Packets a firewall is asked about: those to a port of this machine, or that it sends to a port of another.
struct Traffic {
  std::uint16_t port = 0;
  std::string transport = "udp";  ///< or "tcp"
  std::string group{};            ///< multicast group they go to: "239.255.11.17", "ff15::1117"; "": a machine's own address
  bool outgoing = false;
};

/// A rule, or a policy, by which such packets may be dropped.
struct DroppingRule {
  std::string text;      ///< "inet filter input, rule 7: drops UDP port 1835"
  bool certain = false;  ///< names the port or the group, or is a policy: not only "drops what it matches", which may be others
};

/// Of nftables, as `nft -j list ruleset` prints them. Nothing when `json` is no ruleset.
std::optional<std::vector<DroppingRule>> rules_that_drop(std::string_view json, const Traffic& traffic);

/// The ruleset of this network namespace; nothing when nft is not there or we may not ask.
std::optional<std::string> nft_ruleset();

}  // namespace ghost::app
