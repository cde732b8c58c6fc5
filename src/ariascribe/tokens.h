#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::ariascribe {

/// A word, a number or a mark of a text, and where it stands.
struct Token {
  enum class Kind : std::uint8_t { word, number, mark };
  Kind kind = Kind::mark;
  bool glued = false;      ///< no space before it
  bool upper = false;      ///< its first letter is a capital
  bool all_upper = false;  ///< all its letters are
  std::int32_t value = -1; ///< of a number; -1 when it has more than 6 digits
  std::uint32_t begin = 0, end = 0;  ///< bytes of the text it was read from
  std::string text;        ///< a word folded ("prelude"), digits, or one mark: quotes as " and ', dashes as -

  bool is(std::string_view other) const { return text == other; }
  bool is_word() const { return kind == Kind::word; }
  bool is_number() const { return kind == Kind::number; }
  bool is_mark(char c) const { return kind == Kind::mark && text.size() == 1 && text[0] == c; }
};

/// The tokens of a text that is normalised(). Letters and digits that touch are separate tokens, the second `glued`; "♯" and "♭" are
/// the words "sharp" and "flat".
std::vector<Token> tokenise(std::string_view text);

/// The value of a Roman number of capital or small letters (1 to 3,999), or nothing: "IIII" is none.
std::optional<int> roman_value(std::string_view folded);
/// "XVI".
std::string roman_text(int value);

/// The text from the first of `tokens` to the last, as it stands in `text`.
std::string_view text_of(std::string_view text, std::span<const Token> tokens);

/// Whether `word` is in a list that is sorted.
bool is_one_of(std::string_view word, std::span<const std::string_view> sorted);

}  // namespace ghost::ariascribe
