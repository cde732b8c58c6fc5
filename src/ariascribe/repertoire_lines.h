#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ghost::ariascribe {

/// `text` without white space at its ends.
std::string_view trimmed(std::string_view text);
/// The trimmed parts between `separator`; empty ones are kept.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The same without empty parts.
std::vector<std::string> list_of(std::string_view text, char separator = ',');

/// "1770-1827": first and last year. "1960-" has no last, "?" neither; "c. 1525-1594", "1685/86-1757" and "1801" are read as well.
/// Nothing when it is none of these.
std::optional<std::pair<int, int>> parse_years(std::string_view text);

/// Lower-case letters, digits and dashes: part of a work's id.
std::string slug(std::string_view text);

}  // namespace ghost::ariascribe
