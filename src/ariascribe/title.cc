#include "ariascribe/title.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "ariascribe/asides.h"
#include "ariascribe/ordinal.h"
#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr double kDoubtful = 0.9;  ///< certainty a name keeps that may be another word

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

/// "BWV 846-869 … BWV 851": the number that is meant stands by itself.
void drop_ranges_around_numbers(std::vector<CatalogueMention>& numbers) {
  const auto all = numbers;
  std::erase_if(numbers, [&](const CatalogueMention& range) {
    const auto bounds = range.number.range();
    return bounds && std::any_of(all.begin(), all.end(), [&](const CatalogueMention& each) {
      const int value = each.number.code == range.number.code && !each.number.range() ? std::atoi(each.number.number.c_str()) : 0;
      return value >= bounds->first && value <= bounds->second;
    });
  });
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
    taken_.resize(out_.tokens.size());
    for (const CatalogueMention& each : out_.catalogue) {
      std::fill(taken_.begin() + static_cast<std::ptrdiff_t>(each.first), taken_.begin() + static_cast<std::ptrdiff_t>(each.last), char{1});
    }
    drop_ranges_around_numbers(out_.catalogue);
    std::erase_if(out_.keys, [&](const KeyMention& key) { return inside_catalogue(key.first); });
    for (ComposerNames::Mention& each : names.find(out_.tokens)) (each.doubtful ? doubtful_ : out_.names).push_back(std::move(each));
    depths_ = depths_of(out_.tokens);
  }

  ParsedTitle run() {
    first_ = 0;
    last_ = out_.tokens.size();
    take_composer_in_front();
    take_composer_behind();
    if (out_.composer_text.empty()) note_person_in_front();
    divide();
    find_ordinal_of_work();
    return std::move(out_);
  }

 private:
  const std::vector<Token>& tokens() const { return out_.tokens; }
  std::span<const Token> span(std::size_t first, std::size_t last) const { return std::span(out_.tokens).subspan(first, last - first); }
  bool inside_catalogue(std::size_t i) const { return i < taken_.size() && taken_[i] != 0; }
  bool has_anchor(std::size_t first, std::size_t last) const { return has_strong_anchor(first, last) || has_form(first, last); }
  bool has_form(std::size_t first, std::size_t last) const {
    const auto part = span(first, std::max(first, last));
    return std::any_of(part.begin(), part.end(), says_form);
  }
  std::optional<OrdinalMention> ordinal_in(std::size_t first, std::size_t last) const {
    if (first >= last) return std::nullopt;
    auto found = find_ordinal(span(first, last), std::span(taken_).subspan(first, last - first));
    if (found) found->first += first, found->last += first;
    return found;
  }
  /// A form of composition, and which one: "piano sonata 14", "symphony in C", "Nocturne, Op. 9".
  bool says_one_work(std::size_t first, std::size_t last) const { return has_form(first, last) && (has_strong_anchor(first, last) || ordinal_in(first, last)); }

  /// ":", " - ", " / " and "|" outside brackets.
  bool is_separator(std::size_t i) const {
    const Token& token = tokens()[i];
    if (depths_[i] != 0 || inside_catalogue(i) || (!token.is_mark('|') && begins_book(i + 1))) return false;
    if (token.is_mark(':')) return !(token.glued && i + 1 < tokens().size() && tokens()[i + 1].is_number() && tokens()[i + 1].glued && i > 0 && tokens()[i - 1].is_number());
    if (token.is_mark('-')) return spaced(i);
    if (token.is_mark('/')) return spaced(i);
    return token.is_mark('|');
  }
  /// "Book 1", "Heft II": of the work before it.
  bool begins_book(std::size_t i) const {
    constexpr auto kBooks = std::to_array<std::string_view>({"band", "book", "buch", "cahier", "heft", "libro", "livre", "teil", "volume"});
    if (i + 1 >= tokens().size() || !tokens()[i].is_word() || !is_one_of(tokens()[i].text, kBooks)) return false;
    return tokens()[i + 1].is_number() || roman_value(tokens()[i + 1].text) || ordinal_word(tokens()[i + 1].text) || count_at(tokens(), i + 1) || tokens()[i + 1].is("one");
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
    if (begins_with_article(first) || count_at(tokens(), first)) return false;
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
    const ComposerNames::Mention* name = name_in_front();
    if (!name) return;
    set_composer(std::string(text_of(out_.text, span(0, name->last))), sobered(*name));
    first_ = behind_possessive(name->last);
    // Years behind the name.
    if (first_ < last_ && tokens()[first_].is_mark('(')) {
      std::size_t close = first_;
      while (close < last_ && !tokens()[close].is_mark(')')) ++close;
      if (close < last_ && close > first_ + 1 && tokens()[first_ + 1].is_number()) first_ = close + 1;
    }
  }
  /// What may be a composer nobody here knows, should the title name no work that is known.
  void note_person_in_front() {
    for (std::size_t i = 0; i + 1 < last_; ++i) {
      const bool comma = tokens()[i].is_mark(',') && depths_[i] == 0;
      if (!comma && !is_separator(i)) continue;
      if (!looks_like_person(0, i) || has_anchor(0, i) || !names_.is_given_name(tokens()[0].text) || (comma && !has_anchor(i + 1, last_))) return;
      out_.maybe_composer = text_of(out_.text, span(0, i));
      out_.maybe_behind = tokens()[i].end;
      return;
    }
  }

  /// "Mahler's"
  std::size_t behind_possessive(std::size_t i) const { return i + 1 < last_ && tokens()[i].is_mark('\'') && tokens()[i + 1].is("s") ? i + 2 : i; }

  /// A name that simply begins the title, where what follows is a work: "Mozart Piano Concerto No. 20", "mahler symphony 2".
  const ComposerNames::Mention* name_in_front() const {
    for (const auto* list : {&out_.names, &doubtful_}) {
      if (list->empty() || list->front().first != 0) continue;
      const auto& name = list->front();
      const std::size_t rest = behind_possessive(name.last);
      if (rest >= last_ || (rest == name.last && tokens()[rest].is_mark('\''))) continue;
      if (says_one_work(rest, last_) && (!name.doubtful || begins_work(rest))) return &name;
      const bool numbered = tokens()[last_ - 1].is_number() && !inside_catalogue(last_ - 1);  // "Liszt Consolation 3"
      if (!name.doubtful && (name.with_given_names || has_anchor(rest, last_) || numbered) && !is_possessive(rest)) return &name;
    }
    return nullptr;
  }
  /// A form, an instrument or a number stands there, as behind a composer's name: "field nocturne", "glass no. 3", "Mahlers zweite".
  bool begins_work(std::size_t i) const {
    const Token& token = tokens()[i];
    return says_form(token) || token.is_number() || (token.is_word() && (is_number_word(token.text) || is_instrument(term_of(token.text)))) || (i + 1 < last_ && says_form(tokens()[i + 1]));
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

  /// "Symphony No. 5 Mahler", "Симфония № 5 Малера", "Symphonie n° 5 de Mahler": a name that ends the title, behind a number or a form.
  bool take_name_at_end() {
    for (const auto* list : {&out_.names, &doubtful_}) {
      if (list->empty() || list->back().last != last_ || list->back().first == 0) continue;
      std::size_t end = list->back().first;
      if (end > 1 && (tokens()[end - 1].is("de") || tokens()[end - 1].is("di") || tokens()[end - 1].is("von") || tokens()[end - 1].is("by"))) --end;
      const auto ordinal = ordinal_in(0, end);
      const bool of_number = ends_number(end) || (says_form(tokens()[end - 1]) && ordinal && ordinal->first < end - 1);
      if (!of_number || !says_one_work(0, end)) continue;
      set_composer(std::string(text_of(out_.text, span(list->back().first, last_))), sobered(list->back()));
      last_ = end;
      return true;
    }
    return false;
  }
  bool ends_number(std::size_t end) const {
    const auto ends = [&](const auto& each) { return each.last == end; };
    if (std::any_of(out_.catalogue.begin(), out_.catalogue.end(), ends) || std::any_of(out_.keys.begin(), out_.keys.end(), ends)) return true;
    const auto ordinal = ordinal_in(0, end);
    return ordinal && ordinal->last == end;
  }

  /// "… (Hummel)", "… - E. B. Spencer", "… by X".
  void take_composer_behind() {
    if (!out_.composer_text.empty() || last_ < 3) return;
    if (take_name_at_end()) return;
    if (tokens()[last_ - 1].is_mark(')')) {
      std::size_t open = last_ - 1;
      while (open > 0 && !tokens()[open].is_mark('(')) --open;
      if (open > 0 && tokens()[open].is_mark('(')) {
        auto matches = names_.resolve(text_of(out_.text, span(open + 1, last_ - 1)));
        const auto is_whole = [&](const auto& name) { return name.first == open + 1 && name.last == last_ - 1; };
        const bool whole = std::any_of(out_.names.begin(), out_.names.end(), is_whole) || (std::any_of(doubtful_.begin(), doubtful_.end(), is_whole) && says_one_work(first_, open));
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
      const bool known = !matches.empty() && name_covers(i + 1, last_) && (std::any_of(out_.names.begin(), out_.names.end(), [&](const auto& name) { return name.first > i; }) || (ends_doubtfully(i + 1) && says_one_work(first_, i)));
      const bool may_name = by || (tokens()[i].is_mark('-') && !has_catalogue_before(i) && !leading_number(span(i + 1, last_)));
      if (known || (may_name && looks_like_person(i + 1, last_) && !begins_movement(tokens()[i + 1].text))) {
        set_composer(std::string(text_of(out_.text, span(i + 1, last_))), known ? std::move(matches) : std::vector<ComposerNames::Match>{});
        last_ = i;
      }
      return;
    }
  }
  bool ends_doubtfully(std::size_t first) const { return !doubtful_.empty() && doubtful_.back().first == first && doubtful_.back().last == last_; }
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

  /// A doubtful name is surer once a work of that composer fits.
  static std::vector<ComposerNames::Match> sobered(const ComposerNames::Mention& name) {
    auto matches = name.matches;
    if (name.doubtful) {
      for (auto& each : matches) each.certainty *= kDoubtful;
    }
    return matches;
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
    if (!out_.composer_text.empty() && begins_with_one_work()) return false;
    const auto number = leading_number(span(first_, last_));
    if (number && !number->member && number->strong && number->last + first_ == last_) return true;  // "2. Satz"
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

  /// "2. Sinfonie", "Prelude V", of a composer who is named: no movement.
  bool begins_with_one_work() const {
    const auto ordinal = ordinal_in(first_, last_);
    if (!ordinal) return false;
    if (ordinal->first == first_) return ordinal->last < last_ && !begins_movement(tokens()[ordinal->last].text);
    return says_form(tokens()[first_]) && ordinal->last == last_;
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
      // "12 Concerti, Op. 8: Concerto No. 4, RV 297: I. Allegro": the member is of the work.
      if (number->member && !comma) {
        if (const auto later = numbered_behind(i + 1 + number->last)) return later;
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

  /// A colon or dash behind `first` and a movement's own number behind that.
  std::optional<Cut> numbered_behind(std::size_t first) const {
    for (std::size_t i = first; i + 1 < last_; ++i) {
      if (!is_separator(i)) continue;
      const auto number = leading_number(span(i + 1, last_));
      if (number && number->strong && !number->member && has_anchor(first_, i)) return Cut{i, i + 1};
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
    if (dash && (!has_catalogue_after(*dash) || (has_strong_anchor(first_, *dash) && begins_movement(tokens()[*dash + 1].text)))) return Cut{*dash, *dash + 1};
    return std::nullopt;
  }
  bool has_strong_anchor(std::size_t first, std::size_t last) const {
    if (first >= last) return false;
    const auto in = [&](const auto& each) { return each.first >= first && each.last <= last; };
    if (std::any_of(taken_.begin() + static_cast<std::ptrdiff_t>(first), taken_.begin() + static_cast<std::ptrdiff_t>(last), [](char taken) { return taken != 0; })) return true;
    return std::any_of(out_.keys.begin(), out_.keys.end(), in);
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

  void find_ordinal_of_work() {
    const auto found = ordinal_in(out_.work.first, out_.work.last);
    if (!found) return;
    out_.ordinal = found->value;
    out_.ordinal_tokens = {found->first, found->last};
  }

  const ComposerNames& names_;
  ParsedTitle out_;
  std::vector<ComposerNames::Mention> doubtful_;  ///< names that count only where all around speaks for them
  std::vector<char> taken_;                       ///< of each token, whether a catalogue number has it
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
