#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "portlight/api.h"
#include "portlight/inventory_service.h"
#include "portlight/registry.h"

namespace ghost::portlight {

Result<Level> parse_level(std::string_view text);

/// Portlight's answers, for its commands and its daemon alike. Its functions may be called from several threads; they block.
class Portlight {
 public:
  /// @param cache  where packages of programs are remembered; "" for nowhere
  Portlight(Registry registry, std::filesystem::path cache) : registry_(std::move(registry)), inventory_(registry_, std::move(cache)) {}
  Portlight(const Portlight&) = delete;
  Portlight& operator=(const Portlight&) = delete;

  /// Malformed for a port beyond 65535 or a level there is not.
  Result<v1::ListResponse> list(const v1::ListRequest& request);
  /// @param level  how far it may ask
  Result<v1::WhyResponse> why(std::uint32_t port, Level level = Level::owner);
  /// not_found when nothing listens there. Another host is asked only at a level that is named.
  Result<v1::Identity> identify(const v1::IdentifyRequest& request);

  const Registry& registry() const { return registry_; }

 private:
  Result<v1::Identity> identify_remote(const v1::IdentifyRequest& request, Level level) const;

  const Registry registry_;
  InventoryService inventory_;
};

/// portlight.v1.Ports. All methods run on the worker pool.
class PortsService : public v1::PortsService {
 public:
  explicit PortsService(Portlight& portlight) : portlight_(portlight) {}

  Result<v1::ListResponse> list(const v1::ListRequest& request, const b2::CallContext&) override { return portlight_.list(request); }
  Result<v1::WhyResponse> why(const v1::WhyRequest& request, const b2::CallContext&) override { return portlight_.why(request.port); }
  Result<v1::Identity> identify(const v1::IdentifyRequest& request, const b2::CallContext&) override { return portlight_.identify(request); }

 private:
  Portlight& portlight_;
};

}  // namespace ghost::portlight
