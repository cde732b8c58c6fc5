#include "ariascribe/title.h"

#include <algorithm>
#include <array>

#include "ariascribe/asides.h"
#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

/// How deep in brackets or quotes each token stands: separators count at 0 only.
std::vector<int> depths_of(std::span<const Token> tokens) {
  std::vector<int> depths(tokens.size());
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is_mark(')') || tokens[i].is_mark(']')) depth = std::max(0, depth - 1);
    depths[i] = depth + (quoted ? 1 : 0);
    if (tokens[i].is_mark('(') || tokens[i].is_mark('[')) ++depth;
    if (tokens[i].is_mark('"')) quoted = !quoted;
  }
  // A quote that never closes encloses nothing.
  if (quoted) {
    depth = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].is_mark(')') || tokens[i].is_mark(']')) depth = std::max(0, depth - 1);
      depths[i] = depth;
      if (tokens[i].is_mark('(') || tokens[i].is_mark('[')) ++depth;
    }
  }
  return depths;
}

class TitleParser {
 public:
  TitleParser(std::string_view title, const ComposerNames& names) : names_(names) {
    WithoutAsides without = take_off_asides(normalised(title));
    out_.text = std::move(without.text);
    out_.performers = std::move(without.performers);
    out_.arranger = std::move(without.arranger);
    out_.tokens = tokenise(out_.text);
    out_.catalogue = find_catalogue_numbers(out_.tokens);
    out_.keys = find_keys(out_.tokens);
    std::erase_if(out_.keys, [&](const KeyMention& key) { return inside_catalogue(key.first); });
    out_.names = names.find(out_.tokens);
    depths_ = depths_of(out_.tokens);
  }

  ParsedTitle run() {
    first_ = 0;
    last_ = out_.tokens.size();
    take_composer_in_front();
    take_composer_behind();
    divide();
    find_ordinal();
    return std::move(out_);
  }

 private:
  const std::vector<Token>& tokens() const { return out_.tokens; }
  std::span<const Token> span(std::size_t first, std::size_t last) const { return std::span(out_.tokens).subspan(first, last - first); }
  bool inside_catalogue(std::size_t i) const {
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const CatalogueMention& each) { return i >= each.first && i < each.last; });
  }
  bool has_anchor(std::size_t first, std::size_t last) const {
    const auto in = [&](const auto& each) { return each.first >= first && each.last <= last; };
    if (std::any_of(out_.catalogue.begin(), out_.catalogue.end(), in) || std::any_of(out_.keys.begin(), out_.keys.end(), in)) return true;
    return has_form(first, last);
  }
  bool has_form(std::size_t first, std::size_t last) const {
    for (std::size_t i = first; i < last; ++i) {
      if (!tokens()[i].is_word()) continue;
      const std::string term = term_of(tokens()[i].text);
      const std::size_t space = term.find(' ');
      if (is_form(term) || (space != std::string::npos && is_form(std::string_view(term).substr(space + 1)))) return true;
    }
    return false;
  }

  /// ":", " - ", " / " and "|" outside brackets.
  bool is_separator(std::size_t i) const {
    const Token& token = tokens()[i];
    if (depths_[i] != 0 || inside_catalogue(i)) return false;
    if (token.is_mark(':')) return !(token.glued && i + 1 < tokens().size() && tokens()[i + 1].is_number() && tokens()[i + 1].glued && i > 0 && tokens()[i - 1].is_number());
    if (token.is_mark('-')) return spaced(i);
    if (token.is_mark('/')) return spaced(i);
    return token.is_mark('|');
  }
  bool spaced(std::size_t i) const { return !tokens()[i].glued && i + 1 < tokens().size() && !tokens()[i + 1].glued; }

  /// "A. Fuchs", "J. S. Muster": initials in front make a name of it.
  bool has_initials(std::size_t first, std::size_t last) const {
    return last - first >= 3 && tokens()[first].is_word() && tokens()[first].upper && tokens()[first].text.size() == 1 && tokens()[first + 1].is_mark('.') && tokens()[last - 1].is_word() && tokens()[last - 1].text.size() > 2;
  }
  bool begins_with_article(std::size_t first) const {
    constexpr auto kArticles = std::to_array<std::string_view>({"a", "an", "das", "der", "die", "ein", "eine", "el", "gli", "i", "il", "l", "la", "las", "le", "les", "lo", "los", "the", "un", "una", "une"});
    return is_one_of(tokens()[first].text, kArticles) && !(first + 1 < tokens().size() && tokens()[first + 1].is_mark('.'));
  }

  bool looks_like_person(std::size_t first, std::size_t last) const {
    if (begins_with_article(first)) return false;
    if (const auto number = leading_number(span(first, last)); number && number->strong) return false;
    std::size_t words = 0;
    for (std::size_t i = first; i < last; ++i) {
      const Token& token = tokens()[i];
      if (token.is_mark('.') || token.is_mark('-') || token.is_mark('\'') || token.is_mark(',') || depths_[i] > 0 || token.is_mark('(') || token.is_mark(')')) continue;
      if (!token.is_word()) return false;
      if (!token.upper && token.text != "aus" && token.text != "de" && token.text != "van" && token.text != "von" && token.text != "da" && token.text != "di" && token.text != "du" && token.text != "der" && token.text != "la") return false;
      ++words;
    }
    return words >= 2 && words <= 5 && !has_form(first, last);
  }

  /// "Mozart: …", "W. A. Mozart - …", "Georg Böhm (1661-1733): …", and a known name that simply begins.
  void take_composer_in_front() {
    for (std::size_t i = 0; i < last_; ++i) {
      const bool comma = tokens()[i].is_mark(',') && depths_[i] == 0;
      if (!comma && !is_separator(i)) continue;
      if (i == 0) return;
      const std::string text(text_of(out_.text, span(0, i)));
      auto matches = names_.resolve(text);
      const bool known = !matches.empty() && name_covers(0, i);
      if (known || (!comma && looks_like_person(0, i) && (has_anchor(i + 1, last_) || has_initials(0, i)) && !has_anchor(0, i))) {
        set_composer(text, known ? std::move(matches) : std::vector<ComposerNames::Match>{});
        first_ = i + 1;
        return;
      }
      if (!comma) break;
      // "Bach, J. S.: …" has the comma inside the name.
    }
    if (!out_.names.empty() && out_.names.front().first == 0) {
      const auto& name = out_.names.front();
      const bool more = name.last < last_ && (name.with_given_names || has_anchor(name.last, last_)) && !(name.last < last_ && tokens()[name.last].is_mark('\''));
      if (more && !is_possessive(name.last)) {
        set_composer(std::string(text_of(out_.text, span(0, name.last))), name.matches);
        first_ = name.last;
        // Years behind the name.
        if (first_ < last_ && tokens()[first_].is_mark('(')) {
          std::size_t close = first_;
          while (close < last_ && !tokens()[close].is_mark(')')) ++close;
          if (close < last_ && close > first_ + 1 && tokens()[first_ + 1].is_number()) first_ = close + 1;
        }
      }
    }
  }
  /// "Haydn Variations", "Goldberg Variations": a name before a form without anything between may belong to the title.
  bool is_possessive(std::size_t i) const {
    if (i >= last_ || !tokens()[i].is_word()) return false;
    const std::string term = term_of(tokens()[i].text);
    return term == "variation" || term == "quartet";
  }

  /// Whether a mention of a known composer covers all words of [first, last), years and brackets aside.
  bool name_covers(std::size_t first, std::size_t last) const {
    std::size_t words = 0, covered = 0;
    for (std::size_t i = first; i < last; ++i) {
      if (!tokens()[i].is_word() || depths_[i] > 0) continue;
      ++words;
      covered += std::any_of(out_.names.begin(), out_.names.end(), [&](const auto& name) { return i >= name.first && i < name.last; });
    }
    // "Bach, J. S." is resolved as a whole; its initials are outside the mention.
    return words > 0 && (covered == words || (covered >= 1 && words <= 5 && tokens()[last - 1].is_mark('.')) || (covered == 0 && words <= 4) || has_comma(first, last));
  }
  bool has_comma(std::size_t first, std::size_t last) const {
    return std::any_of(out_.tokens.begin() + static_cast<std::ptrdiff_t>(first), out_.tokens.begin() + static_cast<std::ptrdiff_t>(last), [](const Token& token) { return token.is_mark(','); });
  }

  /// "… (Hummel)", "… - E. B. Spencer", "… by X".
  void take_composer_behind() {
    if (!out_.composer_text.empty() || last_ < 3) return;
    if (tokens()[last_ - 1].is_mark(')')) {
      std::size_t open = last_ - 1;
      while (open > 0 && !tokens()[open].is_mark('(')) --open;
      if (open > 0 && tokens()[open].is_mark('(')) {
        auto matches = names_.resolve(text_of(out_.text, span(open + 1, last_ - 1)));
        const bool whole = std::any_of(out_.names.begin(), out_.names.end(), [&](const auto& name) { return name.first == open + 1 && name.last == last_ - 1; });
        if ((whole && !matches.empty()) || (matches.empty() && looks_like_person_inside(open + 1, last_ - 1) && (has_form(first_, open) || has_initials(open + 1, last_ - 1)) && !has_catalogue_before(open) && !has_colon_before(open))) {
          set_composer(std::string(text_of(out_.text, span(open + 1, last_ - 1))), std::move(matches));
          last_ = open;
          return;
        }
      }
    }
    for (std::size_t i = last_ - 1; i > 0; --i) {
      const bool by = tokens()[i].is("by") && !tokens()[i].upper;
      if (!by && !is_separator(i)) continue;
      auto matches = names_.resolve(text_of(out_.text, span(i + 1, last_)));
      const bool known = !matches.empty() && name_covers(i + 1, last_) && std::any_of(out_.names.begin(), out_.names.end(), [&](const auto& name) { return name.first > i; });
      const bool may_name = by || (tokens()[i].is_mark('-') && !has_catalogue_before(i) && !leading_number(span(i + 1, last_)));
      if (known || (may_name && looks_like_person(i + 1, last_) && !begins_movement(tokens()[i + 1].text))) {
        set_composer(std::string(text_of(out_.text, span(i + 1, last_))), known ? std::move(matches) : std::vector<ComposerNames::Match>{});
        last_ = i;
      }
      return;
    }
  }
  bool looks_like_person_inside(std::size_t first, std::size_t last) const {
    std::size_t words = 0;
    for (std::size_t i = first; i < last; ++i) {
      if (tokens()[i].is_mark('.') || tokens()[i].is_mark('-')) continue;
      if (!tokens()[i].is_word() || !tokens()[i].upper) return false;
      ++words;
    }
    return words >= 2 && words <= 4 && !has_form(first, last) && !begins_movement(tokens()[first].text);
  }
  bool has_catalogue_before(std::size_t i) const {
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const CatalogueMention& each) { return each.last <= i; });
  }

  bool has_colon_before(std::size_t i) const {
    return std::any_of(out_.tokens.begin(), out_.tokens.begin() + static_cast<std::ptrdiff_t>(i), [](const Token& token) { return token.is_mark(':'); });
  }

  void set_composer(std::string text, std::vector<ComposerNames::Match> matches) {
    out_.composer_text = std::move(text);
    out_.composer = std::move(matches);
  }

  struct Cut {
    std::size_t work_last, movement_first;
  };

  void divide() {
    while (first_ < last_ && tokens()[first_].kind == Token::Kind::mark && !tokens()[first_].is_mark('"') && !tokens()[first_].is_mark('(') && !tokens()[first_].is_mark('[') && !tokens()[first_].is_mark('\'')) ++first_;
    if (is_movement_alone()) {
      set_movement(first_);
      return;
    }
    auto cut = numbered_cut();
    if (!cut) cut = separator_cut();
    if (!cut) cut = tempo_cut();
    out_.work = {first_, cut ? cut->work_last : last_};
    while (!out_.work.empty() && (tokens()[out_.work.last - 1].is_mark(',') || tokens()[out_.work.last - 1].is_mark('-') || tokens()[out_.work.last - 1].is_mark(';') || tokens()[out_.work.last - 1].is_mark(':')))
      --out_.work.last;
    if (cut) set_movement(cut->movement_first);
  }
  void set_movement(std::size_t first) {
    out_.movement_tokens = {first, last_};
    out_.movement = parse_movement(out_.text, span(first, last_));
  }

  /// "2. Andante", "Finale (Presto) (mvt 4)": no work is named.
  bool is_movement_alone() const {
    if (first_ >= last_ || !std::all_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const auto& each) { return each.first < first_; })) return false;
    const auto number = leading_number(span(first_, last_));
    if (number && !number->member && number->last + first_ < last_) {
      const Token& next = tokens()[first_ + number->last];
      if (next.is_word() && begins_movement(next.text)) return true;
      return number->strong && out_.keys.empty() && !has_number_word(first_ + number->last);
    }
    if (out_.keys.empty() && parse_movement(out_.text, span(first_, last_)).number != 0 && ends_with_movement_number()) return true;
    if (!tokens()[first_].is_word() || !begins_movement(tokens()[first_].text)) return false;
    if (!out_.keys.empty()) return false;
    for (std::size_t i = first_; i < last_; ++i) {
      if (tokens()[i].is_mark(':') && depths_[i] == 0 && i + 1 < last_ && leading_number(span(i + 1, last_))) return false;
      if (tokens()[i].is_word() && is_number_word(tokens()[i].text)) return false;
    }
    return true;
  }

  bool has_number_word(std::size_t first) const {
    for (std::size_t i = first; i < last_; ++i) {
      if (tokens()[i].is_word() && is_number_word(tokens()[i].text)) return true;
    }
    return false;
  }
  /// "… (mvt 4)"
  bool ends_with_movement_number() const {
    return last_ - first_ > 4 && tokens()[last_ - 1].is_mark(')') && tokens()[last_ - 2].is_number() && tokens()[last_ - 3].is_word() && depths_[last_ - 2] == 1 && depths_[last_ - 4] <= 1;
  }

  /// The first separator behind which a movement's number stands.
  std::optional<Cut> numbered_cut() const {
    for (std::size_t i = first_ + 1; i + 1 < last_; ++i) {
      const bool comma = (tokens()[i].is_mark(',') || tokens()[i].is_mark('.') || tokens()[i].is_mark(';')) && depths_[i] == 0 && !inside_catalogue(i);
      const bool separator = is_separator(i);
      if (!separator && !comma) continue;
      const auto number = leading_number(span(i + 1, last_));
      if (!number || inside_catalogue(i + 1)) continue;
      if (comma) {
        // ", No. 4" belongs to the work unless a tempo follows; ", III. Rondo" does not.
        const bool roman = tokens()[i + 1].is_word() && roman_value(tokens()[i + 1].text) && i + 2 < last_ && tokens()[i + 2].is_mark('.') && number->last > 1;
        const bool worded = number->strong && !number->member;
        if (!(worded && (roman || tokens()[i].is_mark(',')) && has_anchor(first_, i))) continue;
      } else if (!number->strong && !number->member && !(first_ + 1 < i && has_anchor(first_, i))) {
        continue;
      }
      return Cut{i, i + 1};
    }
    // "… Op. 13 II. Adagio" without anything between.
    for (std::size_t i = first_ + 1; i + 1 < last_; ++i) {
      if (depths_[i] != 0 || !tokens()[i].is_word() || !tokens()[i].all_upper || inside_catalogue(i) || !tokens()[i + 1].is_mark('.')) continue;
      if (!roman_value(tokens()[i].text) || i + 2 >= last_ || tokens()[i].glued) continue;
      const auto number = leading_number(span(i, last_));
      if (number && number->strong && has_anchor(first_, i) && tokens()[i + 2].is_word()) return Cut{i, i};
    }
    return std::nullopt;
  }

  /// The first ":", or " - " behind something that can only be a work.
  std::optional<Cut> separator_cut() const {
    std::optional<std::size_t> dash;
    for (std::size_t i = first_ + 1; i + 1 < last_; ++i) {
      if (!is_separator(i)) continue;
      if (tokens()[i].is_mark(':')) {
        if (dash && has_strong_anchor(first_, *dash) && !has_strong_anchor(*dash, i)) return Cut{*dash, *dash + 1};
        return Cut{i, i + 1};
      }
      if (!dash && !is_quoted(i + 1) && (has_anchor(first_, i) || !has_anchor(i + 1, last_))) dash = i;
    }
    if (dash && !has_catalogue_after(*dash)) return Cut{*dash, *dash + 1};
    return std::nullopt;
  }
  bool has_strong_anchor(std::size_t first, std::size_t last) const {
    const auto in = [&](const auto& each) { return each.first >= first && each.last <= last; };
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), in) || std::any_of(out_.keys.begin(), out_.keys.end(), in);
  }
  bool has_catalogue_after(std::size_t i) const {
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const CatalogueMention& each) { return each.first > i; });
  }
  /// Whether [first, end) is one quotation: a nickname.
  bool is_quoted(std::size_t first) const {
    return first < last_ && (tokens()[first].is_mark('"') || tokens()[first].is_mark('\'')) && (tokens()[last_ - 1].is_mark('"') || tokens()[last_ - 1].is_mark('\''));
  }

  /// "Sonata in C major, K. 545 Allegro": a tempo directly behind the last key or number.
  std::optional<Cut> tempo_cut() const {
    std::size_t behind = 0;
    for (const auto& each : out_.catalogue) behind = std::max(behind, each.last);
    for (const auto& each : out_.keys) behind = std::max(behind, each.last);
    if (behind <= first_) return std::nullopt;
    std::size_t first = behind;
    while (first < last_ && (tokens()[first].is_mark(',') || tokens()[first].is_mark('.') || tokens()[first].is_mark('-'))) ++first;
    if (first >= last_) return std::nullopt;
    if (tokens()[first].is_word() && is_tempo(tokens()[first].text) && tokens()[first].upper) return Cut{behind, first};
    const auto number = leading_number(span(first, last_));
    if (number && number->strong && !number->member) return Cut{behind, first};
    return std::nullopt;
  }

  void find_ordinal() {
    for (std::size_t i = out_.work.first; i + 1 < out_.work.last; ++i) {
      if (inside_catalogue(i)) continue;
      std::size_t digits = i + 1;
      if (tokens()[i].is_mark('#') && tokens()[digits].is_number()) {
        out_.ordinal = tokens()[digits].value;
        return;
      }
      if (!tokens()[i].is_word() || !is_number_word(tokens()[i].text)) continue;
      while (digits < out_.work.last && tokens()[digits].kind == Token::Kind::mark) ++digits;
      if (digits < out_.work.last && tokens()[digits].is_number() && !inside_catalogue(digits)) {
        out_.ordinal = tokens()[digits].value;
        return;
      }
      if (digits < out_.work.last && tokens()[digits].all_upper) {
        if (const auto roman = roman_value(tokens()[digits].text)) {
          out_.ordinal = *roman;
          return;
        }
      }
    }
    // "9. Symphony", "Symphony 9", "5th Symphony".
    for (std::size_t i = out_.work.first; i < out_.work.last; ++i) {
      if (!tokens()[i].is_word() || !is_form(term_of(tokens()[i].text))) continue;
      if (i + 1 < out_.work.last && tokens()[i + 1].is_number() && !tokens()[i + 1].glued) out_.ordinal = tokens()[i + 1].value;
      else if (i >= out_.work.first + 2 && tokens()[i - 2].is_number() && (tokens()[i - 1].is_mark('.') || tokens()[i - 1].glued) && !inside_catalogue(i - 2)) out_.ordinal = tokens()[i - 2].value;
      if (out_.ordinal) return;
    }
  }

  const ComposerNames& names_;
  ParsedTitle out_;
  std::vector<int> depths_;
  std::size_t first_ = 0, last_ = 0;  ///< what is left once the composer is taken off
};

}  // namespace

std::string_view ParsedTitle::range_text(TokenRange range) const {
  if (range.empty()) return {};
  return text_of(text, std::span(tokens).subspan(range.first, range.last - range.first));
}

const KeyMention* ParsedTitle::key_in(TokenRange range) const {
  for (const KeyMention& key : keys) {
    if (key.first >= range.first && key.last <= range.last) return &key;
  }
  return nullptr;
}

ParsedTitle parse_title(std::string_view title, const ComposerNames& names) { return TitleParser(title, names).run(); }

}  // namespace ghost::ariascribe
