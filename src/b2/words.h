#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ghost::b2 {

/// 16 bits as a word of five letters one can say over the telephone: consonant, vowel, consonant, vowel, consonant, of 16
/// consonants (4 bits) and 4 vowels (2 bits). Two words never sound alike by one being a part of the other.
std::string word_of(std::uint16_t value);
/// The reverse; capitals are fine. Nothing when it is no such word.
std::optional<std::uint16_t> value_of_word(std::string_view word);

/// Bytes, an even number of them and each pair big-endian, as words with dashes between: "lusab-babad".
std::string words_of(BytesView bytes);

}  // namespace ghost::b2
