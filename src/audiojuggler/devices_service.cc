#include "audiojuggler/devices_service.h"

#include <filesystem>

#include "audiojuggler/drives/mmc_drive.h"
#include "audiojuggler/drives/sg_service.h"
#include "audiojuggler/job_messages_service.h"

namespace ghost::audiojuggler {

v1::DevicesResponse list_devices() {
  v1::DevicesResponse response;
  for (const std::filesystem::path& path : cd_devices()) {
    v1::Device device;
    device.path = path.string();
    if (auto port = open_sg(path)) {
      if (auto drive = MmcDrive::open(std::move(*port), path.string())) {
        device.vendor = (*drive)->info().vendor;
        device.model = (*drive)->info().model;
        device.revision = (*drive)->info().revision;
        device.disc = (*drive)->has_disc();
      }
    }
    response.devices.push_back(std::move(device));
  }
  return response;
}

Result<v1::Disc> read_disc(const std::string& source) {
  auto drive = open_source(source);
  if (!drive) return drive.error();
  const auto disc = (*drive)->read_disc();
  if (!disc) return disc.error();
  return disc_message(*disc, source);
}

Result<v1::DevicesResponse> DevicesService::list(const v1::DevicesRequest&, const b2::CallContext&) { return list_devices(); }

Result<v1::Disc> DevicesService::read(const v1::DiscRequest& request, const b2::CallContext&) {
  if (!std::filesystem::path(request.source).is_absolute()) return Error{Errc::malformed, "source '" + request.source + "' must be an absolute path: the daemon is not where you are"};
  return read_disc(request.source);
}

}  // namespace ghost::audiojuggler
