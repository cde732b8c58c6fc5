#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ardus/manifest.h"
#include "ardus/receipt.h"
#include "base/result.h"

namespace ghost::ardus {

/// What one path of a target is like, by a manifest that was kept there.
struct FileFinding {
  enum class State { missing, different, metadata };  ///< metadata: content is right, mode, time or attributes are not
  std::string path;
  State state;
  std::string why;  ///< for a person: "its bytes differ from 65536 on"
};
struct VerifiedTransfer {
  Manifest manifest;
  Bytes receipt;                         ///< as it was kept; empty when there is none
  std::optional<Receipt> given;          ///< the same, read
  std::string receipt_problem;           ///< why the receipt is none for this manifest; "" when it is right, or not there
  std::vector<FileFinding> wrong;        ///< paths that are not as they came
  std::uint64_t files = 0, bytes = 0;    ///< looked at
};
struct VerifyWish {
  std::filesystem::path target;
  bool metadata = false;  ///< mode, time, and attributes of files are compared, too
};
/// Compares every transfer kept under TARGET/.ardus/received with what is there, the one published last at the end. A path that several
/// of them name is looked at for the last of these only. not_found when there is none.
Result<std::vector<VerifiedTransfer>> verify_target(const VerifyWish& wish);

}  // namespace ghost::ardus
