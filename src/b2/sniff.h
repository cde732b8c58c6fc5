#pragma once
#include "base/bytes.h"

namespace ghost::b2 {

enum class Protocol : std::uint8_t { undecided, tls, b2, http, none };

/// What a connection speaks, by its first bytes (docs/spec/b2.md §1). At most 8 bytes are looked at; undecided asks for more.
Protocol sniff(BytesView first);

}  // namespace ghost::b2
