#pragma once
#include <memory>

#include "ariascribe/knowledge_service.h"
#include "ariascribe/store_service.h"
#include "base/command_line.h"

namespace ghost::app {

/// --store WHERE
Option store_option();

/// What --store names, or the file below --state.
Result<std::string> catalogue_place(const Arguments& arguments);

enum class IfMissing : unsigned char { create, refuse };
/// The catalogue that --store names, or the one below --state. not_found, saying how to make one, when there is none.
Result<std::unique_ptr<ariascribe::Store>> open_catalogue(const Arguments& arguments, IfMissing missing);

/// What the program knows, and what is imported: the index is brought up to the catalogue first. A catalogue that cannot be used is told on stderr, and
/// the repertoire alone is used. The verb has the options `store` and `state`.
Result<std::unique_ptr<ariascribe::Knowledge>> load_knowledge(const Arguments& arguments);
/// Where the index of the catalogue lies that the arguments name.
Result<std::filesystem::path> index_directory(const Arguments& arguments);
/// Brings the index up to the catalogue; what went wrong goes to stderr, since the catalogue itself is as it should be.
void refresh_index(ariascribe::Store& store, const Arguments& arguments);

/// Prints a subject of the catalogue with all that is said of it; gives the exit code.
int show_subject(ariascribe::Store& store, const Arguments& arguments, const std::string& id);

}  // namespace ghost::app
