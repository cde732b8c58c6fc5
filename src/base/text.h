#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ghost {

struct CodePoint {
  char32_t value;
  std::size_t bytes;  ///< 0: the text begins with no UTF-8 character
};
/// The first character of a text that is not empty, by RFC 3629: shortest form only, no surrogates, at most U+10FFFF.
CodePoint first_code_point(std::string_view text);

/// `text` fit to be shown: control characters, terminal escapes, characters that turn the direction of writing, and bytes that
/// are not UTF-8 become \n, \t, \xNN or \u{NNNN}. A stranger's text can then neither move the cursor nor forge a line.
std::string printable(std::string_view text);

/// printable(), and in double quotes (with \" and \\ escaped) when it is empty or holds a space, '=', '"', '\' or an escape:
/// one key=value stays one.
std::string quoted_when_needed(std::string_view text);

/// Columns a terminal needs for `text`, which should be printable(): two for a wide character, none for a combining one.
std::size_t display_width(std::string_view text);
/// `text`, cut to at most `columns`, the last being "…" when something is missing.
std::string cut_to_width(std::string_view text, std::size_t columns);

/// The one of `known` that `word` was probably meant to be: at most a third of its letters inserted, dropped, replaced or swapped.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace ghost
