#include "ariascribe/tokens.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "ariascribe/text_fold.h"
#include "base/text.h"

namespace ghost::ariascribe {

namespace {

enum class CharKind : std::uint8_t { space, letter, digit, mark };

struct Character {
  CharKind kind;
  bool upper;
  std::size_t bytes;
  char mark;  ///< the plain form of a mark
  char32_t value;
};

char plain_mark(char32_t value) {
  switch (value) {
    case U'‐': case U'‑': case U'‒': case U'–': case U'—': case U'―': case U'−': return '-';
    case U'“': case U'”': case U'„': case U'«': case U'»': case U'‟': return '"';
    case U'‘': case U'’': case U'‚': case U'`': case U'´': case U'ʼ': case U'‹': case U'›': return '\'';
    case U'·': case U'•': return '.';
    default: return value < 0x80 ? static_cast<char>(value) : '?';
  }
}

Character ascii(char c) {
  if (c >= 'a' && c <= 'z') return {CharKind::letter, false, 1, 0, static_cast<char32_t>(c)};
  if (c >= 'A' && c <= 'Z') return {CharKind::letter, true, 1, 0, static_cast<char32_t>(c)};
  if (c >= '0' && c <= '9') return {CharKind::digit, false, 1, 0, static_cast<char32_t>(c)};
  if (c == ' ') return {CharKind::space, false, 1, 0, U' '};
  return {CharKind::mark, false, 1, plain_mark(static_cast<char32_t>(c)), static_cast<char32_t>(c)};
}

Character first_character(std::string_view text) {
  if (static_cast<unsigned char>(text.front()) < 0x80) return ascii(text.front());
  const CodePoint point = first_code_point(text);
  if (point.bytes == 0) return {CharKind::space, false, 1, 0, U' '};
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point.value));
  CharKind kind = CharKind::mark;
  if ((category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME)) kind = CharKind::letter;
  else if (category == UTF8PROC_CATEGORY_ZS) kind = CharKind::space;
  return {kind, category == UTF8PROC_CATEGORY_LU, point.bytes, plain_mark(point.value), point.value};
}

class Tokeniser {
 public:
  explicit Tokeniser(std::string_view text) : text_(text) { tokens_.reserve(text.size() / 4 + 4); }

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const Character c = first_character(text_.substr(at_));
      if (c.kind == CharKind::space) at_ += c.bytes, glued_ = false;
      else if (c.kind == CharKind::mark) mark(c);
      else stretch(c);
    }
    return std::move(tokens_);
  }

 private:
  Token& add(Token::Kind kind, std::size_t begin, std::size_t end) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.glued = glued_;
    token.begin = static_cast<std::uint32_t>(begin);
    token.end = static_cast<std::uint32_t>(end);
    glued_ = true;
    return token;
  }

  void mark(const Character& c) {
    if (c.value == U'♯' || c.value == U'♭') {
      add(Token::Kind::word, at_, at_ + c.bytes).text = c.value == U'♯' ? "sharp" : "flat";
    } else {
      add(Token::Kind::mark, at_, at_ + c.bytes).text = c.mark;
    }
    at_ += c.bytes;
  }

  void stretch(const Character& first) {
    const std::size_t begin = at_;
    bool all_upper = true;
    while (at_ < text_.size()) {
      const Character c = first_character(text_.substr(at_));
      if (c.kind != first.kind) break;
      all_upper &= c.upper;
      at_ += c.bytes;
    }
    const std::string_view found = text_.substr(begin, at_ - begin);
    if (first.kind == CharKind::digit) {
      Token& token = add(Token::Kind::number, begin, at_);
      token.text = found;
      if (found.size() <= 6) token.value = std::stoi(token.text);
      return;
    }
    std::string folded = fold(found);
    if (folded.empty()) return;
    Token& token = add(Token::Kind::word, begin, at_);
    token.upper = first.upper;
    token.all_upper = all_upper;
    token.text = std::move(folded);
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  bool glued_ = false;
};

struct RomanDigit {
  int value;
  std::string_view letters;
};
constexpr std::array kRomanDigits = std::to_array<RomanDigit>({{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
                                                               {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}});

}  // namespace

std::vector<Token> tokenise(std::string_view text) { return Tokeniser(text).run(); }

std::string roman_text(int value) {
  std::string out;
  for (const RomanDigit& digit : kRomanDigits) {
    for (; value >= digit.value; value -= digit.value) {
      for (const char c : digit.letters) out += static_cast<char>(c - 32);
    }
  }
  return out;
}

std::optional<int> roman_value(std::string_view folded) {
  if (folded.empty() || folded.size() > 15) return std::nullopt;
  int value = 0;
  std::string_view rest = folded;
  for (const RomanDigit& digit : kRomanDigits) {
    while (rest.starts_with(digit.letters)) {
      value += digit.value;
      rest.remove_prefix(digit.letters.size());
    }
  }
  if (!rest.empty() || value == 0 || value > 3999) return std::nullopt;
  const std::string proper = roman_text(value);
  const bool same = std::equal(proper.begin(), proper.end(), folded.begin(), folded.end(), [](char a, char b) { return a + 32 == b; });
  return same ? std::optional(value) : std::nullopt;
}

std::string_view text_of(std::string_view text, std::span<const Token> tokens) {
  if (tokens.empty()) return {};
  return text.substr(tokens.front().begin, tokens.back().end - tokens.front().begin);
}

bool is_one_of(std::string_view word, std::span<const std::string_view> sorted) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

}  // namespace ghost::ariascribe
