#pragma once
#include <string>
#include <string_view>

namespace ghost::ariascribe {

/// The longest text that is looked at, in bytes; what is longer is cut at a character.
inline constexpr std::size_t kMaxText = 4096;

/// `text` in Unicode's form NFKC ("№" is "No", "ﬁ" is "fi"), bytes that are not UTF-8 and control characters as spaces.
std::string normalised(std::string_view text);

/// What two spellings of a word have in common: lower case without marks, Cyrillic and Greek in Latin letters, "ø" as "o",
/// "ß" as "ss". Spaces and punctuation stay.
std::string fold(std::string_view text);

}  // namespace ghost::ariascribe
