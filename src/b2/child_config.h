#pragma once
#include <vector>

#include "b2/child_spec.h"
#include "base/config.h"
#include "base/result.h"

namespace ghost::b2 {

/// What [[child]] of the configuration may say of a host's children: `name`, `start` ("always", "on-call", "never"), `idle`,
/// `open_files`, `memory`, `core`. Children that are never to start are taken out. Errors name the line.
Status configure_children(const std::vector<ConfigTable>& rows, std::vector<ChildSpec>& children);

}  // namespace ghost::b2
