#include <unistd.h>

#include <algorithm>

#include "portlight/api.h"
#include "portlight/owner_service.h"
#include "portlight/sock_diag_service.h"

namespace ghost::portlight {

Result<std::string> holder_of(std::string_view transport, std::uint16_t port) {
  const auto sockets = listening_sockets_here();
  if (!sockets) return sockets.error();
  std::vector<Listener> found;
  for (const Socket& socket : *sockets) {
    if (socket.port != port || name(socket.transport) != transport) continue;
    Listener listener;
    listener.socket = socket;
    found.push_back(std::move(listener));
  }
  if (found.empty()) return Error{Errc::not_found, "nobody listens on " + std::to_string(port) + "/" + std::string(transport)};
  const ProcessScan scan = scan_processes(1);
  // No package is looked for: a database that is not there answers at once.
  Guarded<PackageService> packages(PackageService({}, {}));
  OwnerService(scan, packages).fill_in(found);
  // The asker may have the port on another address itself.
  const auto other = std::find_if(found.begin(), found.end(), [](const Listener& one) { return one.owner.pid != ::getpid(); });
  if (other == found.end()) return Error{Errc::not_found, "only this process listens on " + std::to_string(port) + "/" + std::string(transport)};
  const Owner& owner = other->owner;
  std::string text = owner.text();
  if (owner.pid != 0) text += ", of user " + owner.user;
  if (owner.pid != 0 && !owner.unit.empty()) text += ", " + owner.unit;
  return text;
}

}  // namespace ghost::portlight
