#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// Which of a composer's works of one form is meant: the 14 of "Piano Sonata No. 14", "14th Piano Sonata" and "Sonata XIV".
struct OrdinalMention {
  int value = 0;
  std::size_t first = 0, last = 0;  ///< the tokens that say the number: "14", "14th", "XIV", "Fourteenth"
};

/// A number behind "No.", "#" or its like; else one beside a form of composition: "Symphony 9", "9. Sinfonie", "5th Symphony",
/// "Fifth Piano Concerto", "Sonata quarta", "Вторая симфония", "Symphony IX".
/// @param skip           tokens that are of something else, as catalogue numbers; not 0 where it is, one for each token
std::optional<OrdinalMention> find_ordinal(std::span<const Token> tokens, std::span<const char> skip);

/// "fifth", "fünfte", "cinquième", "пятая", folded: the number a word says.
std::optional<int> ordinal_word(std::string_view folded);

/// Whether a word says a form of composition, alone ("sonata") or in a compound ("Klavierkonzert").
bool says_form(const Token& token);

}  // namespace ghost::ariascribe
