#include "ariascribe/title.h"

#include <algorithm>

#include "ariascribe/title_composer.h"

namespace ghost::ariascribe {

namespace {

/// What is left is divided into work and movement.
class TitleParser : ComposerInTitle {
 public:
  TitleParser(std::string_view title, const ComposerNames& names) : ComposerInTitle(title, names) {}

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
