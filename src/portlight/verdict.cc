#include "portlight/verdict.h"

#include <algorithm>
#include <array>

namespace ghost::portlight {

namespace {

bool is_closed(Exposure exposure) { return exposure == Exposure::loopback || exposure == Exposure::blocked; }
bool is_registered(RegistryStatus status) { return status == RegistryStatus::assigned || status == RegistryStatus::several; }

/// From worst to best, for the axes that worry by themselves.
Verdict by_owner(const Axes& axes) {
  switch (axes.owner) {
    case OwnerStatus::memory:
    case OwnerStatus::package_modified: return Verdict::alert;
    case OwnerStatus::deleted:
    case OwnerStatus::no_descriptor: return Verdict::warn;
    default: return Verdict::ok;
  }
}

Verdict by_novelty(const Axes& axes) {
  switch (axes.novelty) {
    case Novelty::owner_changed: return Verdict::warn;
    // A package's update changes its programs; another file that changed wants a look.
    case Novelty::hash_changed: return axes.owner == OwnerStatus::package_verified ? Verdict::notice : Verdict::warn;
    case Novelty::fresh: return Verdict::notice;
    default: return Verdict::ok;
  }
}

Verdict by_name(const Axes& axes) {
  const bool closed = is_closed(axes.exposure);
  if (axes.identity == IdentityStatus::contradicts) return closed ? Verdict::notice : Verdict::warn;
  if (axes.registry == RegistryStatus::reserved) return closed ? Verdict::notice : Verdict::warn;
  if (axes.registry == RegistryStatus::unassigned) return Verdict::notice;
  if (axes.identity == IdentityStatus::silent) return closed ? Verdict::ok : Verdict::notice;
  return Verdict::ok;
}

std::string exposure_text(Exposure exposure) {
  switch (exposure) {
    case Exposure::loopback: return "on loopback only";
    case Exposure::lan: return "on one address of the network";
    case Exposure::any: return "open on all addresses";
    case Exposure::published: return "published through address translation";
    case Exposure::blocked: return "behind the packet filter";
  }
  return "";
}

std::string owner_text(const Findings& f) {
  const std::string who = f.owner.empty() ? "a process" : f.owner;
  switch (f.axes.owner) {
    case OwnerStatus::package_verified: return who + " from package " + f.package + ", unmodified";
    case OwnerStatus::package_modified: return who + " from package " + f.package + ", but its file is not the package's any more";
    case OwnerStatus::package_unverified: return who + " from package " + f.package + ", which has no checksum of it";
    case OwnerStatus::unpackaged: return who + ", which no package brought";
    case OwnerStatus::deleted: return who + ", whose file was deleted or replaced since it started";
    case OwnerStatus::memory: return who + ", which runs from memory without a file";
    case OwnerStatus::container: return who + (f.container.empty() ? " in a container" : " in " + f.container);
    case OwnerStatus::kernel: return "the kernel itself";
    case OwnerStatus::no_descriptor: return "no process that has it open (in flight between processes, or held by io_uring)";
    case OwnerStatus::not_visible: return (f.owner.empty() || f.owner == "a process" ? std::string("an owner") : f.owner) + " not visible to me: " + f.remedy;
  }
  return who;
}

std::string registry_text(const Findings& f) {
  const std::string port = std::to_string(f.port);
  const std::string history = f.history.empty() ? "" : " (" + f.history + ")";
  switch (f.axes.registry) {
    case RegistryStatus::assigned:
    case RegistryStatus::several: return port + " is registered to " + f.registered + history;
    case RegistryStatus::reserved: return port + " is reserved by IANA" + history;
    case RegistryStatus::unassigned: return port + " is registered to nobody" + history;
    case RegistryStatus::dynamic: return port + " is in the dynamic range";
  }
  return port;
}

std::string identity_text(const Findings& f) {
  const std::string what = f.identity.empty() ? "this" : f.identity;
  switch (f.axes.identity) {
    case IdentityStatus::confirmed: return "this is " + what + ": ";
    case IdentityStatus::contradicts: return "this is " + what + " instead: ";
    case IdentityStatus::owner_only: return f.identity.empty() ? "by its owner alone: " : "by its owner this is " + what + ": ";
    case IdentityStatus::silent: return "it says nothing: ";
    case IdentityStatus::not_probed: return "it was not asked what it speaks: ";
  }
  return "";
}

/// The reason, when there is one to worry or to be calm that the rest does not say by itself.
std::string reason(const Findings& f, Verdict verdict) {
  const Axes& axes = f.axes;
  if (axes.novelty == Novelty::owner_changed) return "another owner than before";
  if (axes.novelty == Novelty::hash_changed) return "another program file than before";
  if (axes.owner == OwnerStatus::memory || axes.owner == OwnerStatus::package_modified) return "look at this at once";
  if (axes.owner == OwnerStatus::deleted) return "restart it after an update, or find out why";
  if (axes.identity == IdentityStatus::contradicts) return verdict == Verdict::notice ? "squatting, harmless" : "squatting, and reachable";
  if (verdict == Verdict::unknown) return "unknown";
  if (axes.novelty == Novelty::fresh) return "not there before";
  if (!is_registered(axes.registry) && axes.registry != RegistryStatus::dynamic) return is_closed(axes.exposure) ? "harmless" : "anyone may reach it";
  if (axes.identity == IdentityStatus::confirmed && verdict == Verdict::ok) return "as it should be";
  return "";
}

}  // namespace

std::string_view name(Verdict verdict) {
  constexpr std::array<std::string_view, 5> kNames = {"ok", "notice", "warn", "alert", "unknown"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view name(Novelty novelty) {
  constexpr std::array<std::string_view, 5> kNames = {"", "baseline", "new", "owner_changed", "hash_changed"};
  return kNames[static_cast<std::size_t>(novelty)];
}

Verdict judge(const Axes& axes) {
  const Verdict worst = std::max({by_owner(axes), by_novelty(axes), by_name(axes)});
  if (worst >= Verdict::warn) return worst;
  if (axes.owner == OwnerStatus::not_visible) return Verdict::unknown;
  // A number anyone may use for anything needs no proof of what it speaks.
  if (axes.identity == IdentityStatus::not_probed && axes.registry != RegistryStatus::dynamic) return Verdict::unknown;
  return worst;
}

std::string sentence(const Findings& findings) {
  const Verdict verdict = judge(findings.axes);
  const std::string why = reason(findings, verdict);
  return registry_text(findings) + "; " + identity_text(findings) + owner_text(findings) + ", " + exposure_text(findings.axes.exposure) +
         (why.empty() ? "" : ": " + why);
}

}  // namespace ghost::portlight
