#include "ariascribe/catalogue_number.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace ghost::ariascribe {

namespace {

/// What may stand after a catalogue's code.
enum class Shape : std::uint8_t {
  opus,    ///< 27, 27a, 27/2, 27 no. 2
  plain,   ///< 846, 846a, 846/2
  koechel, ///< as plain, but what follows "/" is another edition's number
  roman,   ///< XVI:50, VIIb:1, XV:G1
  group    ///< 40:203, 51:D7
};

struct Code {
  std::string_view word;    ///< as it stands in a text, folded
  std::string_view code;    ///< canonical
  std::string_view shown;   ///< with the space that follows it
  Shape shape;
  bool capitals = false;    ///< is only taken for a code when written in capitals: it is a word or a syllable otherwise
  NumberKind kind = NumberKind::own;
};

constexpr std::array kCodes = std::to_array<Code>({
    {"op", "op", "Op. ", Shape::opus},
    {"opus", "op", "Op. ", Shape::opus},
    {"opp", "op", "Op. ", Shape::opus},
    {"soch", "op", "Op. ", Shape::opus},
    {"woo", "woo", "WoO ", Shape::opus},
    {"bwv", "bwv", "BWV ", Shape::plain},
    {"buxwv", "buxwv", "BuxWV ", Shape::plain},
    {"k", "k", "K. ", Shape::koechel, true},
    {"kv", "k", "K. ", Shape::koechel},
    {"kochel", "k", "K. ", Shape::koechel},
    {"koechel", "k", "K. ", Shape::koechel},
    {"kk", "k", "K. ", Shape::koechel},
    {"kirkpatrick", "k", "K. ", Shape::koechel},
    {"hob", "hob", "Hob. ", Shape::roman},
    {"hoboken", "hob", "Hob. ", Shape::roman},
    {"rv", "rv", "RV ", Shape::plain},
    {"hwv", "hwv", "HWV ", Shape::plain},
    {"d", "d", "D. ", Shape::plain, true},
    {"deutsch", "d", "D. ", Shape::plain},
    {"wq", "wq", "Wq. ", Shape::plain},
    {"wotquenne", "wq", "Wq. ", Shape::plain},
    {"h", "h", "H. ", Shape::plain, true},
    {"helm", "h", "H. ", Shape::plain},
    {"s", "s", "S. ", Shape::plain, true},
    {"searle", "s", "S. ", Shape::plain},
    {"lw", "lw", "LW ", Shape::plain, true},
    {"twv", "twv", "TWV ", Shape::group},
    {"tvwv", "tvwv", "TVWV ", Shape::group},
    {"gwv", "gwv", "GWV ", Shape::plain},
    {"swv", "swv", "SWV ", Shape::plain},
    {"b", "b", "B. ", Shape::plain, true},
    {"burghauser", "b", "B. ", Shape::plain},
    {"sz", "sz", "Sz. ", Shape::plain, true},
    {"bb", "bb", "BB ", Shape::plain, true},
    {"l", "l", "L. ", Shape::plain, true},
    {"longo", "l", "L. ", Shape::plain},
    {"lesure", "l", "L. ", Shape::plain},
    {"p", "p", "P. ", Shape::plain, true},
    {"pestelli", "p", "P. ", Shape::plain},
    {"m", "m", "M. ", Shape::plain, true},
    {"fs", "fs", "FS ", Shape::plain, true},
    {"cnw", "cnw", "CNW ", Shape::plain, true},
    {"jb", "jb", "JB ", Shape::group, true},
    {"jw", "jw", "JW ", Shape::roman, true},
    {"js", "js", "JS ", Shape::plain, true},
    {"trv", "trv", "TrV ", Shape::plain},
    {"av", "av", "AV ", Shape::plain, true},
    {"fp", "fp", "FP ", Shape::plain, true},
    {"wab", "wab", "WAB ", Shape::plain},
    {"wwv", "wwv", "WWV ", Shape::plain},
    {"zwv", "zwv", "ZWV ", Shape::plain},
    {"z", "z", "Z. ", Shape::plain, true},
    {"mwv", "mwv", "MWV ", Shape::roman},
    {"hess", "hess", "Hess ", Shape::plain, true},
    {"g", "g", "G. ", Shape::plain, true},
    {"gerard", "g", "G. ", Shape::plain},
    {"t", "t", "T. ", Shape::plain, true},
    {"w", "w", "W. ", Shape::plain, true},
    {"r", "r", "R. ", Shape::plain, true},
    {"a", "a", "A. ", Shape::plain, true},
    {"f", "f", "F. ", Shape::plain, true},
    {"fwv", "fwv", "FWV ", Shape::plain},
    {"bv", "bv", "BV ", Shape::plain, true},
    {"th", "th", "TH ", Shape::plain, true, NumberKind::companion},
    {"eg", "eg", "EG ", Shape::plain, true, NumberKind::companion},
    {"rt", "rt", "RT ", Shape::roman, true},
    {"cd", "cd", "CD ", Shape::plain, true, NumberKind::edition},
    {"lwv", "lwv", "LWV ", Shape::plain},
    {"hv", "hv", "HV ", Shape::plain, true},
    {"bi", "bi", "B.I. ", Shape::plain, true},
    {"swg", "swg", "SwWV ", Shape::plain},
    {"swwv", "swwv", "SwWV ", Shape::plain},
    {"perwv", "perwv", "PerWV ", Shape::plain},
    {"cff", "cff", "CFF ", Shape::plain},
    {"cg", "cg", "CG ", Shape::plain, true},
    {"s-d", "s-d", "S-D ", Shape::plain, true},  // Selfridge-Field's Marcello; only in the repertoire
    {"mh", "mh", "MH ", Shape::plain, true},
    {"rct", "rct", "RCT ", Shape::plain, true},
    {"sv", "sv", "SV ", Shape::plain, true},
    {"ssv", "ssv", "SSV ", Shape::plain, true},
    {"fk", "fk", "Fk. ", Shape::plain, true},
    {"j", "j", "J. ", Shape::plain, true, NumberKind::companion},
    {"ms", "ms", "M.S. ", Shape::plain, true, NumberKind::companion},
    {"ja", "ja", "JA ", Shape::plain, true},
    {"c", "c", "C. ", Shape::plain, true},
    {"fbwv", "fbwv", "FbWV ", Shape::plain},
    {"bvn", "bvn", "BVN ", Shape::plain},
    {"qv", "qv", "QV ", Shape::group, true},
    {"anh", "anh", "Anh. ", Shape::plain, true},
});

const Code* code_of_word(std::string_view word) {
  const auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& each) { return each.word == word; });
  return found == kCodes.end() ? nullptr : &*found;
}

/// The table's row of a canonical code; "-anh" is the appendix of any.
const Code* code_of_canonical(std::string_view code) {
  if (code.ends_with("-anh")) code.remove_suffix(4);
  const auto found = std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& each) { return each.code == code || each.word == code; });
  return found == kCodes.end() ? nullptr : &*found;
}

constexpr auto kNumberWords = std::to_array<std::string_view>({"n", "no", "nos", "nr", "nro", "num", "numero", "nummer"});

class CatalogueScanner {
 public:
  explicit CatalogueScanner(std::span<const Token> tokens) : tokens_(tokens) {}

  std::vector<CatalogueMention> run() {
    for (std::size_t i = 0; i < tokens_.size();) {
      auto found = mention(i);
      if (found) {
        i = found->last;
        const auto same = [&](const CatalogueMention& each) { return each.number == found->number; };
        if (std::none_of(found_.begin(), found_.end(), same)) found_.push_back(std::move(*found));
      } else {
        ++i;
      }
    }
    return std::move(found_);
  }

 private:
  const Token* at(std::size_t i) const { return i < tokens_.size() ? &tokens_[i] : nullptr; }
  bool mark(std::size_t i, char c) const { return i < tokens_.size() && tokens_[i].is_mark(c); }
  bool number(std::size_t i) const { return i < tokens_.size() && tokens_[i].is_number() && tokens_[i].value >= 0; }

  std::optional<CatalogueMention> mention(std::size_t i) const {
    const Token& word = tokens_[i];
    if (!word.is_word()) return std::nullopt;
    const Code* code = code_of_word(word.text);
    std::size_t next = i + 1;
    if (word.text == "k" && mark(next, '.') && at(next + 1) && tokens_[next + 1].is("v")) next += 2;  // "K.V. 331"
    if (!code || !may_be_code(*code, i)) return std::nullopt;
    if (mark(next, '.') || mark(next, ',')) ++next;
    std::string canonical(code->code);
    if (at(next) && (tokens_[next].is("anh") || tokens_[next].is("anhang") || tokens_[next].is("app"))) {
      canonical += "-anh";
      if (mark(++next, '.')) ++next;
    }
    if (code->shape != Shape::opus) next = skip_number_word(next);
    auto [text, last, other_edition] = number_of(code->shape, next);
    if (text.empty()) return std::nullopt;
    CatalogueMention found;
    found.number = {std::move(canonical), std::move(text)};
    found.first = i;
    found.last = last;
    found.certain = code->word.size() > 1 && code->kind != NumberKind::edition;
    found.other_edition = std::move(other_edition);
    return found;
  }

  bool may_be_code(const Code& code, std::size_t i) const {
    const Token& word = tokens_[i];
    const bool after_number = word.glued && i > 0 && tokens_[i - 1].is_number();
    if (after_number) return false;  // "5th", "12a"
    if (!code.capitals) return true;
    if (!word.upper) return false;
    if (word.glued && i > 0 && tokens_[i - 1].is_mark('\'')) return false;
    if (code.word.size() == 1) {
      // "in D 279" is a key and a stray number; initials of a name are not followed by digits.
      if (i > 0 && tokens_[i - 1].is("in") && !mark(i + 1, '.')) {
        const Token* next = at(i + 1);
        if (!next || !next->glued) return false;
      }
      if (mark(i + 1, '-') || mark(i + 1, ',')) return false;
    }
    return true;
  }

  std::size_t skip_number_word(std::size_t i) const {
    const Token* word = at(i);
    if (!word || !word->is_word() || !is_one_of(word->text, kNumberWords)) return i;
    ++i;
    if (mark(i, '.') || mark(i, '?')) ++i;
    return i;
  }

  struct Number {
    std::string text;
    std::size_t last = 0;
    std::string other_edition{};
  };

  Number number_of(Shape shape, std::size_t i) const {
    switch (shape) {
      case Shape::roman: return roman_number(i);
      case Shape::group: return group_number(i);
      default: break;
    }
    Number found = simple_number(i);
    if (found.text.empty()) return found;
    if (const std::size_t last = range_end(shape, i); last != 0) return {found.text + "-" + tokens_[last - 1].text, last};
    if (shape == Shape::koechel) return skip_other_edition(std::move(found));
    return with_part(shape, std::move(found));
  }

  /// Digits, perhaps with a letter at once after them: 846, 846a.
  Number simple_number(std::size_t i) const {
    if (!number(i) || tokens_[i].value == 0) return {};
    Number found{std::to_string(tokens_[i].value), i + 1};
    const Token* letter = at(i + 1);
    if (letter && letter->is_word() && letter->glued && letter->text.size() == 1 && letter->text[0] >= 'a' && letter->text[0] <= 'r' && !glued_number(i + 2)) {
      found.text += letter->text;
      ++found.last;
    }
    return found;
  }
  /// One past "846-869", whose works have one number each; 0 where none begins at `i`.
  std::size_t range_end(Shape shape, std::size_t i) const {
    if (shape == Shape::opus || !mark(i + 1, '-') || !tokens_[i + 1].glued || !glued_number(i + 2)) return 0;
    const bool rises = tokens_[i + 2].value > tokens_[i].value && tokens_[i + 2].text.size() >= 2 && tokens_[i].value >= 10;
    const bool ends = !(i + 3 < tokens_.size() && tokens_[i + 3].is_mark('-') && tokens_[i + 3].glued);
    return rises && ends ? i + 3 : 0;
  }
  bool glued_number(std::size_t i) const { return number(i) && tokens_[i].glued; }

  /// "K. 331/300i", "K. 331 (300i)", "K.331 (K. 300i)".
  Number skip_other_edition(Number found) const {
    std::size_t i = found.last;
    if (mark(i, '/')) {
      const Number other = simple_number(i + 1);
      if (other.text.empty()) return found;
      found.last = other.last;
      found.other_edition = other.text;
      return found;
    }
    if (!mark(i, '(') && !mark(i, '[')) return found;
    ++i;
    if (at(i) && (tokens_[i].is("k") || tokens_[i].is("kv") || tokens_[i].is("anh"))) {
      if (number(i + 1) && tokens_[i + 1].value <= 9 && tokens_[i + 1].glued) ++i;  // K6
      ++i;
      if (mark(i, '.')) ++i;
    }
    const Number other = simple_number(i);
    if (!other.text.empty() && (mark(other.last, ')') || mark(other.last, ']'))) {
      found.last = other.last + 1;
      found.other_edition = other.text;
    }
    return found;
  }

  Number with_part(Shape shape, Number found) const {
    std::size_t i = found.last;
    if (mark(i, '/') || (shape == Shape::plain && mark(i, '.') && glued_number(i + 1) && tokens_[i].glued)) {
      const Number part = simple_number(skip_number_word(i + 1));
      if (part.text.empty()) return found;
      return {found.text + "/" + part.text, part.last};
    }
    if (shape != Shape::opus) return found;
    std::size_t separators = i;
    while (mark(separators, ',') || mark(separators, '.') || mark(separators, '-')) ++separators;
    std::size_t digits = skip_number_word(separators);
    if (mark(separators, '#')) digits = separators + 1;
    if (digits == separators) return found;
    const Token* word = at(separators);
    if (word && word->is("nos")) return found;
    const Number part = simple_number(digits);
    if (part.text.empty() || mark(part.last, '-')) {
      return part.text.empty() || !number(part.last + 1) ? (part.text.empty() ? found : Number{found.text + "/" + part.text, part.last}) : found;
    }
    return {found.text + "/" + part.text, part.last};
  }

  /// "XVI:50", "XVI/50", "XVI 50", "VIIb:1", "XV:G1", "V/16".
  Number roman_number(std::size_t i) const {
    const Token* roman = at(i);
    if (!roman || !roman->is_word()) return simple_number(i);
    std::string_view letters = roman->text;
    std::string suffix;
    if (!roman_value(letters) && letters.size() > 1 && roman_value(letters.substr(0, letters.size() - 1))) {
      suffix = letters.back();
      letters.remove_suffix(1);
    }
    if (!roman_value(letters)) return {};
    std::size_t next = i + 1;
    while (mark(next, ':') || mark(next, '/') || mark(next, '.') || mark(next, ',')) ++next;
    if (next == i + 1 && suffix.empty() && at(next) && tokens_[next].is_word() && tokens_[next].text.size() == 1 && mark(next + 1, ':')) {
      suffix = tokens_[next].text;  // "VII b:1"
      next += 2;
    }
    next = skip_number_word(next);
    std::string key;
    if (at(next) && tokens_[next].is_word() && tokens_[next].text.size() <= 2 && glued_number(next + 1)) key = tokens_[next++].text;
    const Number digits = simple_number(next);
    if (digits.text.empty()) return {};
    return {std::string(letters) + suffix + ":" + key + digits.text, digits.last};
  }

  /// "40:203", "51:D7".
  Number group_number(std::size_t i) const {
    const Number group = simple_number(i);
    if (group.text.empty() || !(mark(group.last, ':') || mark(group.last, '/'))) return group;
    std::size_t next = group.last + 1;
    std::string key;
    if (at(next) && tokens_[next].is_word() && tokens_[next].text.size() <= 3 && glued_number(next + 1)) key = tokens_[next++].text;
    const Number digits = simple_number(next);
    if (digits.text.empty()) return group;
    return {group.text + ":" + key + digits.text, digits.last};
  }

  std::span<const Token> tokens_;
  std::vector<CatalogueMention> found_;
};

/// @param letters_suffice  a group of Hoboken's may have one work only: "hob:xxbis"
bool is_well_formed_number(std::string_view number, bool letters_suffice) {
  if (number.empty() || number.size() > 24) return false;
  bool digit = false;
  for (const char c : number) {
    const bool is_digit = c >= '0' && c <= '9';
    digit |= is_digit;
    if (!is_digit && !(c >= 'a' && c <= 'z') && c != '/' && c != ':' && c != '.' && c != '-') return false;
  }
  const auto edge = [](char c) { return c == '/' || c == ':' || c == '.' || c == '-'; };
  return (digit || letters_suffice) && !edge(number.front()) && !edge(number.back());
}

}  // namespace

std::optional<std::pair<int, int>> CatalogueNumber::range() const {
  const std::size_t dash = number.find('-');
  if (dash == std::string::npos || dash == 0 || dash > 6 || number.size() > dash + 7) return std::nullopt;
  return std::pair{std::atoi(number.c_str()), std::atoi(number.c_str() + dash + 1)};
}

CatalogueNumber CatalogueNumber::letterless() const {
  CatalogueNumber plain = base();
  const std::size_t size = plain.number.size();
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (code == "op" && size >= 2 && !is_digit(plain.number.back()) && is_digit(plain.number[size - 2])) plain.number.pop_back();
  return plain;
}
std::string CatalogueNumber::part() const {
  const std::size_t slash = number.find('/');
  return slash == std::string::npos ? "" : number.substr(slash + 1);
}

NumberKind number_kind(const CatalogueNumber& number) {
  const Code* row = code_of_canonical(number.code);
  return row ? row->kind : NumberKind::own;
}

Result<CatalogueNumber> parse_catalogue_number(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto wrong = [&](std::string_view why) { return Error{Errc::malformed, "'" + std::string(text) + "': " + std::string(why)}; };
  if (colon == std::string_view::npos) return wrong("a catalogue number is written code:number, as op:27/2");
  CatalogueNumber number{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  const Code* row = code_of_canonical(number.code);
  if (!row) return wrong("there is no catalogue '" + number.code + "'");
  if (row->word == number.code && row->code != number.code) number.code = row->code;  // "kk" is Kirkpatrick's "k"
  if (!is_well_formed_number(number.number, row->shape == Shape::roman)) return wrong("what follows the colon is no number of a catalogue");
  return number;
}

std::string display(const CatalogueNumber& number) {
  std::string_view code = number.code;
  const bool appendix = code.ends_with("-anh");
  const Code* row = code_of_canonical(code);
  if (!row) return number.text();
  std::string out(row->shown);
  if (appendix) out += "Anh. ";
  if (row->shape == Shape::opus && !number.part().empty()) return out + number.base().number + " No. " + number.part();
  if (row->shape != Shape::roman && row->shape != Shape::group) return out + number.number;
  // The Roman group, and the letter of a key, are printed in capitals: "XVI:50", "VIIb:1", "51:D7".
  const std::size_t colon = number.number.find(':');
  if (colon == std::string::npos) return out + number.number;
  std::string_view group = std::string_view(number.number).substr(0, colon);
  const auto roman = roman_value(group);
  const auto short_roman = roman || group.empty() ? std::nullopt : roman_value(group.substr(0, group.size() - 1));
  if (roman) out += roman_text(*roman);
  else if (short_roman) out += roman_text(*short_roman) + std::string(1, group.back());
  else out += group;
  std::string rest = number.number.substr(colon);
  if (rest.size() > 1 && rest[1] >= 'a' && rest[1] <= 'z') rest[1] = static_cast<char>(rest[1] - 32);
  return out + rest;
}

std::vector<CatalogueMention> find_catalogue_numbers(std::span<const Token> tokens) { return CatalogueScanner(tokens).run(); }

}  // namespace ghost::ariascribe
