#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "audiojuggler/drives/drive.h"
#include "audiojuggler/drives/scsi_port.h"

namespace ghost::audiojuggler {

/// A device file of the kernel, by SG_IO. refused, saying who may, when it can't be opened.
Result<std::unique_ptr<ScsiPort>> open_sg(const std::filesystem::path& path);

/// The CD drives that the kernel knows of: "/dev/sr0", ….
std::vector<std::filesystem::path> cd_devices();

/// An image, by the name's ending (.cue, .toc), or a device.
Result<std::unique_ptr<Drive>> open_source(const std::filesystem::path& path);

}  // namespace ghost::audiojuggler
