#include "ariascribe/composer_names.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr auto kParticles = std::to_array<std::string_view>({"af", "ap", "d", "da", "dal", "dame", "de", "del", "della", "den", "der", "di", "don", "dr", "du", "e", "la", "le", "of", "os", "san", "sir",
                                                             "ten", "ter", "the", "v", "van", "von", "y", "zu"});
constexpr auto kSuffixes = std::to_array<std::string_view>({"elder", "fils", "i", "ii", "iii", "jr", "pere", "sr", "younger"});
/// Surnames that are English or German words or first names: alone they name nobody.
constexpr auto kCommonWords = std::to_array<std::string_view>({"adam", "alain", "andre", "anon", "arnold", "barber", "beach", "benedict", "benjamin", "berlin", "blow", "boulanger", "bridge", "brian", "bull", "cage",
                                                               "carter", "cooke", "field", "foster", "foulds", "franck", "franz", "gay", "german", "gibbons", "glass", "grainger", "green", "harris", "henry", "hill", "holland", "ireland", "king", "lambert",
                                                               "lane", "lang", "lange", "law", "lawes", "leo", "lully", "marcello", "martin", "mason", "may", "monk", "morley", "novak", "paine", "parry", "part", "paul", "peter", "pierne", "power", "price", "read", "reich", "riley", "roman", "rose",
                                                               "sinding", "smith", "sor", "stainer", "stone", "still", "sullivan", "taylor", "thomas", "thomson", "tye", "victoria", "walker", "walton", "ward", "warlock", "weber", "weir", "wolf", "wood", "young"});

template <std::size_t N>
bool has(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Without what stands in brackets, and without years.
std::string without_asides(std::string_view name) {
  std::string out;
  int depth = 0;
  for (const char c : name) {
    if (c == '(' || c == '[') ++depth;
    else if ((c == ')' || c == ']') && depth > 0) --depth;
    else if (depth == 0) out += c;
  }
  const std::size_t digit = out.find_first_of("0123456789");
  if (digit != std::string::npos) out.resize(digit);
  while (!out.empty() && (out.back() == ' ' || out.back() == '-' || out.back() == ',' || out.back() == '.')) {
    if (out.back() == '.' && out.size() >= 2 && out[out.size() - 2] != ' ') break;
    out.pop_back();
  }
  return std::string(trimmed(out));
}

/// "Händel" is spelled "Haendel" too.
std::string with_umlauts_spelled_out(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::string_view two = name.substr(i, 2);
    const std::string_view spelled = two == "ä" ? "ae" : two == "ö" ? "oe" : two == "ü" ? "ue" : "";
    if (spelled.empty()) {
      out += name[i];
    } else {
      out += spelled;
      ++i;
    }
  }
  return out;
}

std::vector<std::string> words_of_name(std::string_view name) {
  std::vector<std::string> words;
  bool joined = false;
  for (const Token& token : tokenise(name)) {
    if (token.is_mark('-') && token.glued && !words.empty()) {
      joined = true;
      continue;
    }
    if (!token.is_word()) {
      if (token.is_mark('\'') && !words.empty() && words.back().size() > 1) joined = true;
      continue;
    }
    if (joined && token.glued) words.back() += " " + token.text;
    else words.push_back(token.text);
    joined = false;
  }
  return words;
}

}  // namespace

std::string plain_name(std::string_view name) {
  const std::string text = without_asides(normalised(name));
  const auto parts = split(text, ',');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    std::string_view whole = trimmed(text);
    while (whole.ends_with(',')) whole = trimmed(whole.substr(0, whole.size() - 1));
    return std::string(whole);
  }
  const std::string second = fold(parts[1]);
  if (second == "jr" || second == "jr." || second == "sr." || second == "ii" || second == "sr") return text;
  const bool elided = parts[1].ends_with("d'") || parts[1].ends_with("d’");
  return std::string(parts[1]) + (elided ? "" : " ") + std::string(parts[0]);
}

PersonName parse_person(std::string_view name) {
  PersonName person;
  std::vector<std::string> words = words_of_name(plain_name(name));
  // "Johann Strauss the Younger", "Strauss, Johann II".
  while (words.size() > 1 && (has(kSuffixes, words.back()) || has(kParticles, words.back()))) words.pop_back();
  if (words.empty()) return person;
  person.surname = words.back();
  words.pop_back();
  for (std::string& word : words) {
    if (has(kParticles, word)) continue;
    const std::size_t space = word.find(' ');  // "Jean-Philippe" is two given names
    if (space != std::string::npos) {
      person.given.push_back(word.substr(0, space));
      person.given.push_back(word.substr(space + 1));
    } else {
      person.given.push_back(std::move(word));
    }
  }
  return person;
}

bool given_names_fit(std::span<const std::string> a, std::span<const std::string> b) {
  const auto& shorter = a.size() <= b.size() ? a : b;
  const auto& longer = a.size() <= b.size() ? b : a;
  std::size_t at = 0;
  for (const std::string& name : shorter) {
    const auto fits = [&](const std::string& other) {
      if (name.size() == 1 || other.size() == 1) return name[0] == other[0];
      if (name == other) return true;
      // "Sergei" and "Sergej", "Wolfg" and "Wolfgang": the same beginning of four letters, or one begins the other.
      return name.size() >= 4 && other.size() >= 4 ? name.compare(0, 3, other, 0, 3) == 0 : name.starts_with(other) || other.starts_with(name);
    };
    while (at < longer.size() && !fits(longer[at])) ++at;
    if (at == longer.size()) return false;
    ++at;
  }
  return true;
}

ComposerNames::ComposerNames(const Repertoire& repertoire) : repertoire_(repertoire) {
  for (std::size_t i = 0; i < repertoire.composers().size(); ++i) {
    const Composer& composer = repertoire.composers()[i];
    const auto index = static_cast<ComposerIndex>(i);
    add(index, composer.name);
    for (const std::string& other : composer.other_names) add(index, other);
    if (PersonName person = parse_person(composer.name); !person.given.empty() && person.given.front().size() > 2) given_names_.insert(std::move(person.given.front()));
  }
  for (const KnownPerformer& each : repertoire.performers()) {
    if (each.role != "conductor" && each.role != "soloist") continue;
    if (PersonName person = parse_person(each.name); !person.given.empty() && person.given.front().size() > 2) given_names_.insert(std::move(person.given.front()));
  }
}

void ComposerNames::add(ComposerIndex composer, std::string_view name) {
  for (const std::string& spelling : {std::string(name), with_umlauts_spelled_out(name)}) {
    PersonName person = parse_person(spelling);
    if (person.surname.empty()) continue;
    auto& forms = by_surname_[person.surname];
    const bool known = std::any_of(forms.begin(), forms.end(), [&](const Form& each) { return each.composer == composer && each.given == person.given; });
    if (!known) forms.push_back({composer, std::move(person.given)});
  }
}

std::vector<ComposerNames::Match> ComposerNames::ranked(const std::vector<Form>& forms, std::span<const std::string> given) const {
  std::map<ComposerIndex, double> weights;
  for (const Form& form : forms) {
    if (!given.empty() && !form.given.empty() && !given_names_fit(given, form.given)) continue;
    if (!given.empty() && form.given.empty() && !given_names_fit(given, parse_person(repertoire_.composer(form.composer).name).given)) continue;
    // Among namesakes the one with more works here is meant more often.
    double weight = 1 + static_cast<double>(repertoire_.composer(form.composer).works);
    weight *= weight;
    if (!given.empty() && std::equal(given.begin(), given.end(), form.given.begin(), form.given.end())) weight *= 1000;
    weights[form.composer] = std::max(weights[form.composer], weight);
  }
  double total = 0;
  for (const auto& [composer, weight] : weights) total += weight;
  std::vector<Match> matches;
  for (const auto& [composer, weight] : weights) matches.push_back({composer, weight / total * (given.empty() ? 0.97 : 1)});
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.certainty > b.certainty; });
  return matches;
}

std::vector<ComposerNames::Match> ComposerNames::resolve(std::string_view name) const {
  const PersonName person = parse_person(name);
  const auto found = by_surname_.find(person.surname);
  if (found != by_surname_.end()) {
    auto matches = ranked(found->second, person.given);
    if (!matches.empty()) return matches;
  }
  // "Vaughan Williams", "Saint Saens", and "Liszt Ferenc" with the surname first.
  if (!person.given.empty()) {
    const auto two = by_surname_.find(person.given.back() + " " + person.surname);
    if (two != by_surname_.end()) {
      auto matches = ranked(two->second, std::span(person.given).first(person.given.size() - 1));
      if (!matches.empty()) return matches;
    }
    const auto first = by_surname_.find(person.given.front());
    if (first != by_surname_.end()) {
      std::vector<std::string> rest(person.given.begin() + 1, person.given.end());
      rest.push_back(person.surname);
      return ranked(first->second, rest);
    }
  }
  return {};
}

const std::vector<ComposerNames::Form>* ComposerNames::surname_at(std::span<const Token> tokens, std::size_t i, bool small_letters, std::size_t& last) const {
  const Token& word = tokens[i];
  const auto may_be_name = [&](const Token& token) { return token.is_word() && (token.upper || small_letters); };
  if (word.text.size() < 3 || !may_be_name(word)) return nullptr;
  std::size_t next = i + 1;
  if (next < tokens.size() && tokens[next].is_mark('-') && tokens[next].glued) ++next;
  if (next < tokens.size() && may_be_name(tokens[next])) {
    const auto two = by_surname_.find(word.text + " " + tokens[next].text);
    if (two != by_surname_.end()) {
      last = next + 1;
      return &two->second;
    }
  }
  const auto one = by_surname_.find(word.text);
  if (one == by_surname_.end()) return nullptr;
  last = i + 1;
  return &one->second;
}

/// "Mahlers", "Малера", "Чайковского": whose it is, in German and Russian.
const std::vector<ComposerNames::Form>* ComposerNames::inflected(std::string_view surname) const {
  const auto without = [&](std::string_view ending, std::string_view instead) -> const std::vector<Form>* {
    if (!surname.ends_with(ending) || surname.size() < ending.size() + 4) return nullptr;
    const auto found = by_surname_.find(std::string(surname.substr(0, surname.size() - ending.size())) + std::string(instead));
    return found == by_surname_.end() ? nullptr : &found->second;
  };
  if (const auto* forms = without("s", "")) return forms;
  if (const auto* forms = without("ogo", "ii")) return forms;
  if (const auto* forms = without("ya", "")) return forms;
  return without("a", "");
}

std::vector<ComposerNames::Mention> ComposerNames::find(std::span<const Token> tokens) const {
  std::vector<Mention> found;
  const bool small_letters = std::none_of(tokens.begin(), tokens.end(), [](const Token& each) { return each.is_word() && each.upper; });
  const auto may_be_name = [&](const Token& token) { return token.upper || small_letters; };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_word() || !may_be_name(tokens[i])) continue;
    std::size_t last = 0;
    const auto* forms = surname_at(tokens, i, small_letters, last);
    bool doubtful = small_letters;
    const std::size_t end = tokens.back().is_mark(')') ? tokens.size() - 1 : tokens.size();
    if (!forms && (i == 0 || i + 1 == end)) {
      forms = inflected(tokens[i].text);
      last = i + 1;
      doubtful = true;
    }
    if (!forms) continue;
    // Given names and initials to the left, as far as some bearer of the surname has them.
    std::size_t first = i;
    std::vector<std::string> given;
    for (std::size_t at = i; at > 0;) {
      --at;
      if (tokens[at].is_mark('.') || (tokens[at].is_mark('-') && tokens[at].glued)) continue;
      if (!tokens[at].is_word()) break;
      if (has(kParticles, tokens[at].text) && !tokens[at].upper) continue;
      if (!may_be_name(tokens[at])) break;
      std::vector<std::string> more = given;
      more.insert(more.begin(), tokens[at].text);
      if (ranked(*forms, more).empty() || std::all_of(forms->begin(), forms->end(), [](const Form& form) { return form.given.empty(); })) break;
      given = std::move(more);
      first = at;
    }
    doubtful |= given.empty() && has(kCommonWords, tokens[i].text);
    if (doubtful && first != 0 && last != end) continue;
    Mention mention{first, last, !given.empty(), doubtful, ranked(*forms, given)};
    if (!mention.matches.empty()) {
      i = last - 1;
      found.push_back(std::move(mention));
    }
  }
  return found;
}

}  // namespace ghost::ariascribe
