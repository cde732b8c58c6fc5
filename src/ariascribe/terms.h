#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// The words of a title as the index knows them: "Sonate", "sonata" and "sonatas" are one, "Klavierkonzert" is "piano concerto",
/// articles are left out, a number is "#" and its digits.
std::vector<std::string> terms_of(std::span<const Token> tokens);
/// The number a token is behind "Book", "Livre" or a clavier that is well tempered: the 1 of "Préludes, Livre I" and "WTC I".
std::optional<int> book_at(std::span<const Token> tokens, std::size_t i);

/// The index's word for one folded word; "" for one that tells nothing ("the", "in").
std::string term_of(std::string_view folded);

/// "Six", "Twenty-Four": a number said in words, two or more, that begins at token `i`.
struct CountWord {
  int value = 0;
  std::size_t last = 0;  ///< tokens [i, last)
};
std::optional<CountWord> count_at(std::span<const Token> tokens, std::size_t i);

/// The number a name begins with, in digits or words of any language here: the 4 of "Quatre morceaux".
std::optional<int> leading_count(std::span<const Token> tokens);

/// "sonata", "symphony", "prelude": a term that names a form of composition.
bool is_form(std::string_view term);
/// "allegro", "rasch", "lent": a folded word that names a tempo.
bool is_tempo(std::string_view folded);
/// "scherzo", "menuetto", "finale", "rondo" and tempos: a folded word that a movement's name may begin with.
bool begins_movement(std::string_view folded);
/// "no", "nr", "n", "nummer": a folded word that a number follows.
bool is_number_word(std::string_view folded);
/// "piano", "violin", "flute": a term that names an instrument; voices too.
bool is_instrument(std::string_view term);

}  // namespace ghost::ariascribe
