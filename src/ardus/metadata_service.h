#pragma once
#include <sys/stat.h>

#include "ardus/manifest.h"

namespace ghost::ardus {

/// Whether a receiver gives files the owner and the ACLs they have at the publisher: both name users by that machine's numbers.
enum class Owners : std::uint8_t { own, publishers };

/// What of a manifest's metadata could not be kept here, though the copy is whole.
struct LeftOut {
  bool attributes = false;  ///< the file system keeps none of this kind
  bool owners = false;      ///< only root may give files away
};

/// The attributes of an open file or folder that a manifest may carry, by name. A file system without any has none.
Result<std::vector<Attribute>> read_attributes(int fd, EntryKind kind, const std::string& name);

/// Gives an open file or folder what its entry says: owner, attributes, mode, and time last.
Status set_metadata(int fd, const Entry& entry, Owners owners, const std::string& name, LeftOut& left_out);

/// Whether mode, time and, where they are kept, owner are as the entry says; of attributes nothing is said.
bool has_mode_and_time(const struct stat& stat, const Entry& entry, Owners owners);
/// The same with the attributes of the open file.
bool has_metadata(int fd, const struct stat& stat, const Entry& entry, Owners owners);

}  // namespace ghost::ardus
