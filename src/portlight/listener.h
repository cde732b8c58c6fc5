#pragma once
#include <string>

#include "portlight/exposure.h"
#include "portlight/identity.h"
#include "portlight/owner.h"
#include "portlight/registry.h"
#include "portlight/socket_table.h"
#include "portlight/verdict.h"

namespace ghost::portlight {

/// One socket that waits for strangers, with all that is known of it. Rows of the registry belong to the Registry.
struct Listener {
  Socket socket;
  std::string netns;  ///< "" for ours
  Lookup registry;
  Identity identity;
  Owner owner;
  Exposure exposure = Exposure::any;
  Novelty novelty = Novelty::none;
  Verdict verdict = Verdict::unknown;
  std::string why;
};

}  // namespace ghost::portlight
