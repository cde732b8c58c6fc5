#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::app {

/// Rules of nftables, as `nft -j list ruleset` prints them, by which what comes to a UDP port may be dropped: "inet filter input, rule 7:
/// udp dport 2203 drop". Nothing when `json` is no ruleset.
std::optional<std::vector<std::string>> rules_that_drop(std::string_view json, std::uint16_t port);

/// The ruleset of this network namespace; nothing when nft is not there or we may not ask.
std::optional<std::string> nft_ruleset();

}  // namespace ghost::app
