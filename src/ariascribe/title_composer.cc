#include "ariascribe/title_composer.h"

namespace ghost::ariascribe {

bool ComposerInTitle::has_initials(std::size_t first, std::size_t last) const {
  return last - first >= 3 && tokens()[first].is_word() && tokens()[first].upper && tokens()[first].text.size() == 1 && tokens()[first + 1].is_mark('.') && tokens()[last - 1].is_word() && tokens()[last - 1].text.size() > 2;
}

bool ComposerInTitle::begins_with_article(std::size_t first) const {
  constexpr auto kArticles = std::to_array<std::string_view>({"a", "an", "das", "der", "die", "ein", "eine", "el", "gli", "i", "il", "l", "la", "las", "le", "les", "lo", "los", "the", "un", "una", "une"});
  return is_one_of(tokens()[first].text, kArticles) && !(first + 1 < tokens().size() && tokens()[first + 1].is_mark('.'));
}

bool ComposerInTitle::looks_like_person(std::size_t first, std::size_t last) const {
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

void ComposerInTitle::take_composer_in_front() {
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

void ComposerInTitle::note_person_in_front() {
  for (std::size_t i = 0; i + 1 < last_; ++i) {
    const bool comma = tokens()[i].is_mark(',') && depths_[i] == 0;
    if (!comma && !is_separator(i)) continue;
    if (!looks_like_person(0, i) || has_anchor(0, i) || !names_.is_given_name(tokens()[0].text) || (comma && !has_anchor(i + 1, last_))) return;
    out_.maybe_composer = text_of(out_.text, span(0, i));
    out_.maybe_behind = tokens()[i].end;
    return;
  }
}

const ComposerNames::Mention* ComposerInTitle::name_in_front() const {
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

bool ComposerInTitle::begins_work(std::size_t i) const {
  const Token& token = tokens()[i];
  return says_form(token) || token.is_number() || (token.is_word() && (is_number_word(token.text) || is_instrument(term_of(token.text)))) || (i + 1 < last_ && says_form(tokens()[i + 1]));
}

bool ComposerInTitle::is_possessive(std::size_t i) const {
  if (i >= last_ || !tokens()[i].is_word()) return false;
  const std::string term = term_of(tokens()[i].text);
  return term == "variation" || term == "quartet";
}

bool ComposerInTitle::name_covers(std::size_t first, std::size_t last) const {
  std::size_t words = 0, covered = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (!tokens()[i].is_word() || depths_[i] > 0) continue;
    ++words;
    covered += std::any_of(out_.names.begin(), out_.names.end(), [&](const auto& name) { return i >= name.first && i < name.last; });
  }
  // "Bach, J. S." is resolved as a whole; its initials are outside the mention.
  return words > 0 && (covered == words || (covered >= 1 && words <= 5 && tokens()[last - 1].is_mark('.')) || (covered == 0 && words <= 4) || has_comma(first, last));
}

bool ComposerInTitle::has_comma(std::size_t first, std::size_t last) const {
  return std::any_of(out_.tokens.begin() + static_cast<std::ptrdiff_t>(first), out_.tokens.begin() + static_cast<std::ptrdiff_t>(last), [](const Token& token) { return token.is_mark(','); });
}

bool ComposerInTitle::take_name_at_end() {
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

bool ComposerInTitle::ends_number(std::size_t end) const {
  const auto ends = [&](const auto& each) { return each.last == end; };
  if (std::any_of(out_.catalogue.begin(), out_.catalogue.end(), ends) || std::any_of(out_.keys.begin(), out_.keys.end(), ends)) return true;
  const auto ordinal = ordinal_in(0, end);
  return ordinal && ordinal->last == end;
}

void ComposerInTitle::take_composer_behind() {
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

bool ComposerInTitle::looks_like_person_inside(std::size_t first, std::size_t last) const {
  std::size_t words = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (tokens()[i].is_mark('.') || tokens()[i].is_mark('-')) continue;
    if (!tokens()[i].is_word() || !tokens()[i].upper) return false;
    ++words;
  }
  return words >= 2 && words <= 4 && !has_form(first, last) && !begins_movement(tokens()[first].text);
}

bool ComposerInTitle::has_colon_before(std::size_t i) const {
  return std::any_of(out_.tokens.begin(), out_.tokens.begin() + static_cast<std::ptrdiff_t>(i), [](const Token& token) { return token.is_mark(':'); });
}

std::vector<ComposerNames::Match> ComposerInTitle::sobered(const ComposerNames::Mention& name) {
  auto matches = name.matches;
  if (name.doubtful) {
    for (auto& each : matches) each.certainty *= kDoubtful;
  }
  return matches;
}

void ComposerInTitle::set_composer(std::string text, std::vector<ComposerNames::Match> matches) {
  out_.composer_text = std::move(text);
  out_.composer = std::move(matches);
}
}  // namespace ghost::ariascribe
