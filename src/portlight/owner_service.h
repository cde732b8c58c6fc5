#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "portlight/listener.h"
#include "portlight/package_service.h"
#include "portlight/proc_service.h"

namespace ghost::portlight {

/// Says who holds a socket. For one inventory: it remembers processes.
class OwnerService {
 public:
  OwnerService(const ProcessScan& scan, Guarded<PackageService>& packages) : scan_(scan), packages_(packages) {}

  /// Fills in `owner` of each: process first, then, for all programs at once, their packages.
  void fill_in(std::vector<Listener>& listeners);

 private:
  std::optional<ProcessFacts> holder_of(const Socket& socket);
  void fill_in(Listener& listener);
  void fill_in_unseen(const Socket& socket, Owner& owner);
  const std::string& user(std::uint32_t number);
  const std::optional<ProcessFacts>& facts(int pid);

  const ProcessScan& scan_;
  Guarded<PackageService>& packages_;
  std::map<int, std::optional<ProcessFacts>> facts_;
  std::map<int, Owner> owners_;
  std::map<std::uint32_t, std::string> users_;
};

/// What would show us what is not visible: "need root", or of what kind root must be.
std::string remedy();

/// Unix sockets that a process listens on by a path, from /proc.
std::vector<std::string> unix_listeners(const ProcessScan& scan, int pid);

}  // namespace ghost::portlight
