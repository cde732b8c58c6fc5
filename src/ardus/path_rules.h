#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ghost::ardus {

enum class EntryKind : std::uint8_t { file = 1, directory = 2, symlink = 3, hardlink = 4 };

/// The folder under a receiver's target that belongs to ARDUS: no manifest may name anything in it.
constexpr std::string_view kStagingName = ".ardus";

/// Whether a path of a manifest can be made under a target without leaving it: relative, its parts parted by single slashes, none
/// of them "", "." or "..", at most 255 bytes each and 4,096 in all, no NUL, the first not kStagingName.
Status check_path(std::string_view path);

/// The order of a manifest: by parts, so that a folder stands just before what is in it.
bool path_less(std::string_view a, std::string_view b);

/// Takes the entries of a tree in the order of path_less() and refuses what could not all stand together.
class TreeOrder {
 public:
  /// malformed for a path check_path() refuses, one that is not after the last, and one whose parent is no folder that came before
  /// it (a file, a symbolic link, or missing).
  Status add(EntryKind kind, std::string_view path);

 private:
  std::string last_;
  std::vector<std::string> folders_;  ///< those that `last_` is in, and itself when it is one
};

/// Pairs of paths that are one on a file system that does not tell upper from lower case, or composed from decomposed letters.
std::vector<std::pair<std::string, std::string>> case_collisions(std::span<const std::string_view> paths);

}  // namespace ghost::ardus
