#pragma once
#include <span>

#include "base/bytes.h"

namespace ghost::b2 {

/// One google.protobuf.FileDescriptorSet with the files of all, each file once, in an order in which imports come first if they
/// did so in each set. What is no FileDescriptorSet adds nothing.
Bytes merge_descriptor_sets(std::span<const BytesView> sets);

}  // namespace ghost::b2
