#pragma once
#include <memory>

#include "ariascribe/knowledge_service.h"
#include "ariascribe/store_service.h"
#include "base/command_line.h"

namespace ghost::app {

/// --store WHERE
Option store_option();

enum class IfMissing : unsigned char { create, refuse };
/// The catalogue that --store names, or the one below --state. not_found, saying how to make one, when there is none.
Result<std::unique_ptr<ariascribe::Store>> open_catalogue(const Arguments& arguments, IfMissing missing);

/// Prints a subject of the catalogue with all that is said of it; gives the exit code.
int show_subject(ariascribe::Store& store, const Arguments& arguments, const std::string& id);

}  // namespace ghost::app
