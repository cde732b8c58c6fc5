#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "portlight/exposure.h"
#include "portlight/identity.h"
#include "portlight/owner.h"
#include "portlight/registry.h"

namespace ghost::portlight {

enum class Verdict : std::uint8_t { ok, notice, warn, alert, unknown };
std::string_view name(Verdict verdict);

enum class Novelty : std::uint8_t { none, baseline, fresh, owner_changed, hash_changed };
/// "", "baseline", "new", "owner_changed", "hash_changed".
std::string_view name(Novelty novelty);

/// The five axes (docs/spec/portlight.md §6).
struct Axes {
  RegistryStatus registry = RegistryStatus::unassigned;
  IdentityStatus identity = IdentityStatus::not_probed;
  OwnerStatus owner = OwnerStatus::not_visible;
  Exposure exposure = Exposure::any;
  Novelty novelty = Novelty::none;
};

/// Pure: whether to worry. What can't be seen is never ok.
Verdict judge(const Axes& axes);

/// What the sentence is made of, beside the axes.
struct Findings {
  Axes axes;
  std::uint16_t port = 0;
  std::string registered;   ///< "PCC MFP", "b2-runtime"; "" where nobody is
  std::string history;      ///< "formerly newheights"
  std::string identity;     ///< "redis 7.0.15"
  std::string owner;        ///< "redis-server (pid 812)"
  std::string package;      ///< "redis-server"
  std::string container;
  std::string remedy = "need root";  ///< what would show what is not visible
};
/// One sentence a person understands, the verdict's reason in it.
std::string sentence(const Findings& findings);

}  // namespace ghost::portlight
