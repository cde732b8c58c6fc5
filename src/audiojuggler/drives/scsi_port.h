#pragma once
#include "base/bytes.h"
#include "base/result.h"

namespace ghost::audiojuggler {

/// What a device answered to a command.
struct ScsiAnswer {
  std::uint8_t status = 0;  ///< 0 good, 2 check condition: `sense` says why
  Bytes data = {};
  Bytes sense = {};
};

/// A way to a device that takes SCSI commands. An error means that there is no device any more.
class ScsiPort {
 public:
  virtual ~ScsiPort() = default;
  /// @param command  the CDB
  /// @param wanted   bytes that may come back
  virtual Result<ScsiAnswer> run(BytesView command, std::size_t wanted) = 0;
};

}  // namespace ghost::audiojuggler
