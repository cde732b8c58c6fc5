#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "portlight/claim_service.h"
#include "portlight/listener.h"
#include "portlight/probe_service.h"
#include "portlight/proc_service.h"
#include "portlight/sock_diag_service.h"

namespace ghost::portlight {

/// Finds out what listeners speak, many at once, each in its own network namespace (docs/spec/portlight.md §5).
class IdentifyService {
 public:
  IdentifyService(const ProcessScan& scan, const std::vector<NetworkNamespace>& spaces) : scan_(scan), spaces_(spaces) {}

  /// Fills in `identity` of each. Owners must be known already.
  void fill_in(std::vector<Listener>& listeners, Level level);

 private:
  using Claims = std::map<int, Result<ProgramClaim>>;
  const NetworkNamespace* space_of(const Socket& socket) const;
  Result<ProgramClaim> ask(const std::vector<Listener>& listeners, int pid) const;
  Claims ask_ours(const std::vector<Listener>& listeners) const;
  void identify(Listener& listener, Level level, const Claims& claims) const;

  const ProcessScan& scan_;
  const std::vector<NetworkNamespace>& spaces_;
};

/// What a hearing means for a number registered for `services` and a program that speaks `owner_protocol` (each may be empty). Pure.
Identity conclude(const Hearing& hearing, std::span<const std::string_view> services, std::string_view owner_protocol);

}  // namespace ghost::portlight
