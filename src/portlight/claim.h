#pragma once
#include "base/result.h"
#include "portlight/v1/claim.b2.h"

namespace ghost::portlight {

/// Whether a Status was made by the node it names, for this nonce (docs/spec/ardus.md "Status"): the node is the hash of the key, and the
/// key signed nonce, node, time and sockets. unauthenticated, with what does not fit, otherwise.
Status check_claim(const v1::Claim& claim, BytesView nonce);

/// The bytes that are signed, after the domain.
Bytes signed_bytes(const v1::Claim& claim, BytesView nonce);
inline constexpr std::string_view kClaimDomain = "ardus status";

}  // namespace ghost::portlight
