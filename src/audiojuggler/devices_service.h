#pragma once
#include "audiojuggler/api.h"

namespace ghost::audiojuggler {

/// audiojuggler.v1.Devices. Asks drives on the worker pool.
class DevicesService : public v1::DevicesService {
 public:
  Result<v1::DevicesResponse> list(const v1::DevicesRequest& request, const b2::CallContext& context) override;
  Result<v1::Disc> read(const v1::DiscRequest& request, const b2::CallContext& context) override;
};

/// What the drives of this machine say of themselves; those that may not be opened are named, without more.
v1::DevicesResponse list_devices();
/// The disc in a drive, or an image.
Result<v1::Disc> read_disc(const std::string& source);

}  // namespace ghost::audiojuggler
