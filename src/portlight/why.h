#pragma once
#include <string>

#include "portlight/listener.h"
#include "portlight/v1/ports.b2.h"

namespace ghost::portlight {

v1::RegistryEntry told(const Registration& row);
v1::Listener told(const Listener& listener);

/// Prose with its evidence, for a person: what the registry says of the number, what it said once, who listens, and how each thing is known.
std::string why_text(const v1::WhyResponse& facts);

}  // namespace ghost::portlight
