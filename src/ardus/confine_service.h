#pragma once
#include <filesystem>

#include "base/result.h"

namespace ghost::ardus {

/// From now on this thread, and those that it begins, can write, make, rename and remove nothing but beneath `folder`, and no devices, pipes or sockets
/// there, whatever paths they are given: landlock(7). A second wall behind Folder. What is read, and what is open, is as before. Can't be undone.
/// @param folder  is there
/// @return unsupported where the kernel is older than 5.19 or has it switched off, and nothing is changed
Status write_only_beneath(const std::filesystem::path& folder);

}  // namespace ghost::ardus
