#include "ariascribe/ordinal.h"

#include <algorithm>
#include <array>
#include <string>

#include "ariascribe/terms.h"

namespace ghost::ariascribe {

namespace {

struct OrdinalWord {
  std::string_view word;  ///< folded
  int value;
};

/// "Fifth" in the languages titles are in. German and Slavonic endings are taken off first.
constexpr auto kOrdinalWords = std::to_array<OrdinalWord>({
    {"first", 1}, {"second", 2}, {"third", 3}, {"fourth", 4}, {"fifth", 5}, {"sixth", 6}, {"seventh", 7}, {"eighth", 8}, {"ninth", 9}, {"tenth", 10}, {"eleventh", 11}, {"twelfth", 12}, {"thirteenth", 13}, {"fourteenth", 14}, {"fifteenth", 15},
    {"erst", 1}, {"zweit", 2}, {"dritt", 3}, {"viert", 4}, {"funft", 5}, {"sechst", 6}, {"siebt", 7}, {"siebent", 7}, {"neunt", 9}, {"zehnt", 10}, {"elft", 11}, {"zwolft", 12},
    {"premier", 1}, {"premiere", 1}, {"deuxieme", 2}, {"seconde", 2}, {"troisieme", 3}, {"quatrieme", 4}, {"cinquieme", 5}, {"sixieme", 6}, {"septieme", 7}, {"huitieme", 8}, {"neuvieme", 9}, {"dixieme", 10},
    {"prima", 1}, {"primo", 1}, {"seconda", 2}, {"secondo", 2}, {"terza", 3}, {"terzo", 3}, {"quarta", 4}, {"quarto", 4}, {"quinta", 5}, {"quinto", 5}, {"sesta", 6}, {"sesto", 6}, {"settima", 7}, {"settimo", 7}, {"ottava", 8}, {"ottavo", 8}, {"nona", 9}, {"nono", 9}, {"decima", 10}, {"decimo", 10},
    {"primera", 1}, {"primer", 1}, {"segunda", 2}, {"segundo", 2}, {"tercera", 3}, {"tercer", 3}, {"cuarta", 4}, {"cuarto", 4}, {"sexta", 6}, {"sexto", 6}, {"septima", 7}, {"octava", 8}, {"octavo", 8}, {"novena", 9}, {"noveno", 9},
    {"pervaya", 1}, {"pervyi", 1}, {"vtoraya", 2}, {"vtoroi", 2}, {"tretya", 3}, {"tretii", 3}, {"chetvertaya", 4}, {"chetvertyi", 4}, {"pyataya", 5}, {"pyatyi", 5}, {"shestaya", 6}, {"shestoi", 6}, {"sedmaya", 7}, {"sedmoi", 7}, {"vosmaya", 8}, {"vosmoi", 8}, {"devyataya", 9}, {"devyatyi", 9}, {"desyataya", 10},
    {"pierwsza", 1}, {"pierwszy", 1}, {"druga", 2}, {"drugi", 2}, {"trzecia", 3}, {"trzeci", 3}, {"czwarta", 4}, {"czwarty", 4}, {"piata", 5}, {"piaty", 5}, {"szosta", 6}, {"siodma", 7}, {"osma", 8}, {"dziewiata", 9},
});

constexpr std::size_t kFarthest = 8;  ///< tokens from a form to its number: "Sonata for violin and piano 2"

constexpr auto kEndings = std::to_array<std::string_view>({"a", "aya", "e", "eme", "er", "ere", "ieme", "me", "nd", "o", "rd", "re", "st", "ste", "te", "th", "ya"});

/// One letter that could be a key, a code or an hundred is no number.
std::optional<int> roman_beside_form(const Token& token, bool small_letters) {
  if (!token.is_word() || !(token.all_upper || small_letters)) return std::nullopt;
  if (token.text.size() == 1 && token.text != "i" && token.text != "v" && token.text != "x") return std::nullopt;
  return roman_value(token.text);
}

bool says_instrument(const Token& token) { return token.is_word() && is_instrument(term_of(token.text)); }

class OrdinalFinder {
 public:
  OrdinalFinder(std::span<const Token> tokens, std::span<const char> skip) : tokens_(tokens), skip_(skip) {
    small_letters_ = std::none_of(tokens.begin(), tokens.end(), [](const Token& each) { return each.is_word() && each.upper; });
  }
  std::optional<OrdinalMention> run() const {
    if (auto said = behind_number_word()) return said;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (skip_[i] || !says_form(tokens_[i])) continue;
      if (auto found = behind_form(i)) return found;
      if (auto found = before_form(i)) return found;
    }
    return std::nullopt;
  }

 private:
  std::optional<OrdinalMention> behind_number_word() const {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
      if (skip_[i]) continue;
      if (tokens_[i].is_mark('#') && tokens_[i + 1].is_number()) return OrdinalMention{tokens_[i + 1].value, i + 1, i + 2};
      if (!tokens_[i].is_word() || !is_number_word(tokens_[i].text)) continue;
      std::size_t at = i + 1;
      while (at < tokens_.size() && tokens_[at].kind == Token::Kind::mark) ++at;
      if (at >= tokens_.size() || skip_[at]) continue;
      if (tokens_[at].is_number()) return OrdinalMention{tokens_[at].value, at, at + 1};
      if (!tokens_[at].all_upper && !small_letters_) continue;
      if (const auto roman = roman_value(tokens_[at].text)) return OrdinalMention{*roman, at, at + 1};
    }
    return std::nullopt;
  }

  /// "Symphony 9", "Concerto for piano 2", "Symphony IX", "Sonata quarta".
  std::optional<OrdinalMention> behind_form(std::size_t form) const {
    std::size_t at = form + 1;
    while (at < tokens_.size() && at - form < kFarthest && (says_instrument(tokens_[at]) || tokens_[at].is("for") || tokens_[at].is("fur") || tokens_[at].is("and") || tokens_[at].is("und") || tokens_[at].is_mark(',') || says_form(tokens_[at]))) ++at;
    for (const std::size_t each : {form + 1, at}) {
      if (each >= tokens_.size() || skip_[each] || tokens_[each].glued) continue;
      if (each > form + 1 && each + 1 != tokens_.size()) continue;  // only at the end so far away from the form
      if (tokens_[each].is_number()) return OrdinalMention{tokens_[each].value, each, each + 1};
      const bool ends = each + 1 == tokens_.size() || skip_[each + 1] || tokens_[each + 1].is_mark(',') || tokens_[each + 1].is("in");
      if (!ends) continue;
      if (const auto roman = roman_beside_form(tokens_[each], small_letters_)) return OrdinalMention{*roman, each, each + 1};
      if (const auto word = tokens_[each].is_word() ? ordinal_word(tokens_[each].text) : std::nullopt) return OrdinalMention{*word, each, each + 1};
    }
    return std::nullopt;
  }

  /// "9. Sinfonie", "2nd Piano Concerto", "Fifth Symphony".
  std::optional<OrdinalMention> before_form(std::size_t form) const {
    std::size_t last = form;
    while (last > 0 && form - last < 2 && says_instrument(tokens_[last - 1])) --last;
    if (last == 0 || skip_[last - 1]) return std::nullopt;
    const Token& before = tokens_[last - 1];
    if (before.is_word() && !before.glued) {
      if (const auto word = ordinal_word(before.text)) return OrdinalMention{*word, last - 1, last};
    }
    if (last < 2 || skip_[last - 2] || !tokens_[last - 2].is_number()) return std::nullopt;
    const bool ending = before.glued && before.is_word() && is_one_of(before.text, kEndings);
    if (before.is_mark('.') || ending) return OrdinalMention{tokens_[last - 2].value, last - 2, last};
    return std::nullopt;
  }

  std::span<const Token> tokens_;
  std::span<const char> skip_;
  bool small_letters_ = false;
};

}  // namespace

std::optional<int> ordinal_word(std::string_view word) {
  const auto known = [](std::string_view text) -> std::optional<int> {
    const auto found = std::find_if(kOrdinalWords.begin(), kOrdinalWords.end(), [&](const OrdinalWord& each) { return each.word == text; });
    return found == kOrdinalWords.end() ? std::nullopt : std::optional(found->value);
  };
  if (const auto whole = known(word)) return word == "erst" || word.ends_with("ft") || word.ends_with("eit") ? std::nullopt : whole;
  if (word.starts_with("acht") && word.size() > 4 && word.size() <= 6 && word[4] == 'e') return 8;
  for (const std::string_view ending : {"es", "er", "en", "em", "e"}) {
    if (word.ends_with(ending)) return known(word.substr(0, word.size() - ending.size()));
  }
  return std::nullopt;
}

bool says_form(const Token& token) {
  if (!token.is_word()) return false;
  const std::string term = term_of(token.text);
  const std::size_t space = term.find(' ');
  return is_form(term) || (space != std::string::npos && is_form(std::string_view(term).substr(space + 1)));
}

std::optional<OrdinalMention> find_ordinal(std::span<const Token> tokens, std::span<const char> skip) { return OrdinalFinder(tokens, skip).run(); }

}  // namespace ghost::ariascribe
