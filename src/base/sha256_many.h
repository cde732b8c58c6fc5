#pragma once
#include <span>

#include "base/sha256.h"

namespace ghost {

/// The SHA-256 of each of `texts`, in their order; `out` is as long. Two at a time where the CPU has instructions for it (x86 SHA
/// extensions, chosen at run time): each waits for its own last round, so that two together take little more than half of the time.
void sha256_many(std::span<const BytesView> texts, std::span<Digest> out);

}  // namespace ghost
