#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "portlight/listener.h"
#include "portlight/package_service.h"

namespace ghost::portlight {

/// Every listener of this machine, with owner, identity and verdict. Its functions may be called from several threads; they block.
class InventoryService {
 public:
  /// @param cache  where packages of programs are remembered; "" for nowhere
  InventoryService(const Registry& registry, std::filesystem::path cache);

  struct Wish {
    std::vector<std::uint16_t> ports;  ///< none: all
    Level level = Level::owner;
    bool here_only = false;            ///< this network namespace only
  };
  struct Answer {
    std::vector<Listener> listeners;   ///< by port, transport, namespace
    std::vector<std::string> unseen;   ///< what could not be seen, and what would show it
    double milliseconds = 0;
  };
  Answer look(const Wish& wish);

  const Registry& registry() const { return registry_; }

 private:
  const Registry& registry_;
  Guarded<PackageService> packages_;
};

}  // namespace ghost::portlight
