#include "ariascribe/movement.h"

#include <algorithm>
#include <array>
#include <set>

#include "ariascribe/catalogue_number.h"
#include "ariascribe/key.h"
#include "ariascribe/ordinal.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr int kMostMovements = 200;

constexpr auto kMovementWords = std::to_array<std::string_view>({"chast", "mouvement", "mov", "movement", "movimento", "movimiento", "mvmt", "mvt", "satz"});
constexpr auto kOrdinalEndings = std::to_array<std::string_view>({"e", "er", "eme", "ere", "nd", "rd", "st", "th", "o", "a"});

bool is_movement_word(const Token& token) { return token.is_word() && std::find(kMovementWords.begin(), kMovementWords.end(), token.text) != kMovementWords.end(); }

bool mark_at(std::span<const Token> tokens, std::size_t i, char c) { return i < tokens.size() && tokens[i].is_mark(c); }

/// A mark that ends a number: "2.", "2:", "2)", "2 -", "2,".
std::size_t past_ends(std::span<const Token> tokens, std::size_t i) {
  while (i < tokens.size() && (mark_at(tokens, i, '.') || mark_at(tokens, i, ':') || mark_at(tokens, i, ')') || mark_at(tokens, i, ',') ||
                               mark_at(tokens, i, ';') || mark_at(tokens, i, '-') || mark_at(tokens, i, '?') || mark_at(tokens, i, '/')))
    ++i;
  return i;
}

/// Roman in capitals, at most XL: "C", "D", "L" and "M" are letters.
std::optional<int> roman_at(std::span<const Token> tokens, std::size_t i) {
  if (i >= tokens.size() || !tokens[i].is_word() || !tokens[i].all_upper) return std::nullopt;
  const auto value = roman_value(tokens[i].text);
  if (!value || *value > 49) return std::nullopt;
  return value;
}

/// "movement 2", "Satz 2", "2. Satz", "2nd movement", "second movement".
std::optional<LeadingNumber> said_as_movement(std::span<const Token> tokens) {
  std::size_t i = 0;
  int value = 0;
  if (is_movement_word(tokens[0])) {
    ++i;
    if (mark_at(tokens, i, '.')) ++i;
    if (i < tokens.size() && tokens[i].is_number()) value = tokens[i].value;
    else if (const auto roman = roman_at(tokens, i)) value = *roman;
    else return std::nullopt;
    return LeadingNumber{value, past_ends(tokens, i + 1), false, true};
  }
  if (tokens[0].is_number()) {
    value = tokens[0].value;
    i = 1;
    if (mark_at(tokens, i, '.')) ++i;
    else if (i < tokens.size() && tokens[i].glued && std::find(kOrdinalEndings.begin(), kOrdinalEndings.end(), tokens[i].text) != kOrdinalEndings.end()) ++i;
  } else {
    const auto ordinal = tokens[0].is_word() ? ordinal_word(tokens[0].text) : std::nullopt;
    if (!ordinal) return std::nullopt;
    value = *ordinal;
    i = 1;
  }
  if (i >= tokens.size() || !is_movement_word(tokens[i])) return std::nullopt;
  ++i;
  return LeadingNumber{value, past_ends(tokens, i), false, true};
}

/// "No. 7", "Nr. 7", "#7", and behind the name of a member: "Prélude No. 7", "Variation 7".
std::optional<LeadingNumber> said_as_member(std::span<const Token> tokens) {
  std::size_t i = 0;
  bool named = false;
  // "Act II, No. 9": the number is the piece's.
  if (tokens.size() > 3 && tokens[0].is_word() && (tokens[0].is("act") || tokens[0].is("acte") || tokens[0].is("atto") || tokens[0].is("akt") || tokens[0].is("part") || tokens[0].is("parte"))) {
    std::size_t at = 1;
    while (at < tokens.size() && at < 5 && !(tokens[at].is_word() && is_number_word(tokens[at].text))) ++at;
    if (at < tokens.size() && at < 5) i = at;
  }
  if (i == 0 && tokens[0].is_word() && !is_number_word(tokens[0].text)) {
    const std::string term = term_of(tokens[0].text);
    if (!is_form(term) && !tokens[0].is("var")) return std::nullopt;
    named = true;
    i = 1;
    if (mark_at(tokens, i, '.')) ++i;
  }
  bool worded = false;
  if (mark_at(tokens, i, '#')) {
    ++i, worded = true;
  } else if (i < tokens.size() && tokens[i].is_word() && is_number_word(tokens[i].text)) {
    ++i, worded = true;
    while (mark_at(tokens, i, '.') || mark_at(tokens, i, '?')) ++i;
  }
  const bool variation = named && (tokens[0].is("var") || tokens[0].is("variation") || tokens[0].is("variatio"));
  if (!worded && !variation) return std::nullopt;
  int value = 0;
  if (i < tokens.size() && tokens[i].is_number()) value = tokens[i].value;
  else if (const auto roman = roman_at(tokens, i)) value = *roman;
  else return std::nullopt;
  ++i;
  if (i < tokens.size() && tokens[i].glued && tokens[i].is_word() && tokens[i].text.size() == 1) ++i;  // "No. 5a"
  return LeadingNumber{value, past_ends(tokens, i), true, worded};
}

/// "II. Andante", "II: Andante", "2. Andante", "2 Andante", "II Andante".
std::optional<LeadingNumber> bare_number(std::span<const Token> tokens) {
  const auto roman = roman_at(tokens, 0);
  if (!roman && !tokens[0].is_number()) return std::nullopt;
  const int value = roman ? *roman : tokens[0].value;
  const std::size_t last = past_ends(tokens, 1);
  if (last > 1) {
    // "1812 - Overture" and "24, 25" are no movements; "1-5" is a range.
    if (!roman && tokens[1].is_mark('-') && last < tokens.size() && tokens[last].is_number()) return std::nullopt;
    const bool dotted = tokens[1].is_mark('.') || tokens[1].is_mark(':') || tokens[1].is_mark(')');
    return LeadingNumber{value, last, false, dotted && (!roman || *roman > 1 || tokens[0].text == "i")};
  }
  if (tokens.size() == 1) return LeadingNumber{value, 1, false, roman.has_value() && *roman > 1};
  const bool tempo = tokens[1].is_word() && begins_movement(tokens[1].text);
  if (tempo || (roman && tokens[1].is_word() && tokens[1].upper && tokens[0].text != "i")) return LeadingNumber{value, 1, false, tempo};
  return std::nullopt;
}

/// "(mvt 4)" and "[3rd movement]" at the end; takes them off.
int trailing_number(std::span<const Token>& tokens) {
  std::size_t i = tokens.size();
  if (i == 0) return 0;
  const bool closed = tokens[i - 1].is_mark(')') || tokens[i - 1].is_mark(']');
  for (std::size_t at = i; at > 0 && i - at < 6; --at) {
    const bool open = tokens[at - 1].is_mark('(') || tokens[at - 1].is_mark('[');
    if (!open && !(is_movement_word(tokens[at - 1]) && !closed)) continue;
    auto inside = tokens.subspan(open ? at : at - 1, i - (open ? at : at - 1) - (closed ? 1 : 0));
    if (inside.empty()) return 0;
    const auto found = said_as_movement(inside);
    if (!found || found->last < inside.size()) return 0;
    tokens = tokens.first(at - 1);
    return found->number;
  }
  return 0;
}

/// Takes off marks that mean nothing at an edge, and quotes or brackets around the whole.
std::span<const Token> without_edges(std::span<const Token> tokens) {
  const auto idle = [](const Token& token) {
    return token.is_mark('-') || token.is_mark(',') || token.is_mark(':') || token.is_mark(';') || token.is_mark('/') || token.is_mark('.') || token.is_mark('|');
  };
  while (!tokens.empty() && idle(tokens.front())) tokens = tokens.subspan(1);
  while (!tokens.empty() && idle(tokens.back()) && !(tokens.back().is_mark('.') && tokens.size() > 3)) tokens = tokens.first(tokens.size() - 1);
  return tokens;
}

/// Whether nothing but a key or a catalogue number stands there: "in A major", "Op. 64 No. 2".
bool is_only_key(std::span<const Token> tokens) {
  const auto keys = find_keys(tokens);
  const auto numbers = find_catalogue_numbers(tokens);
  if (keys.empty() && numbers.empty()) return false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto holds_it = [&](const auto& each) { return i >= each.first && i < each.last; };
    const bool of_these = std::any_of(keys.begin(), keys.end(), holds_it) || std::any_of(numbers.begin(), numbers.end(), holds_it);
    if (!of_these && !tokens[i].is_mark(',') && !tokens[i].is_mark('.') && !tokens[i].is("in") && !tokens[i].is_mark('(') && !tokens[i].is_mark(')')) return false;
  }
  return true;
}

/// "in C minor, Largo" without its key.
std::span<const Token> without_key_in_front(std::span<const Token> tokens) {
  if (tokens.size() < 4 || !(tokens[0].is("in") || tokens[0].is("en"))) return tokens;
  const auto keys = find_keys(tokens);
  if (keys.empty() || keys.front().first > 1) return tokens;
  const std::size_t last = keys.front().last;
  if (last + 1 >= tokens.size() || !(tokens[last].is_mark(',') || tokens[last].is_mark(':') || tokens[last].is_mark('.') || tokens[last].is_mark('-') || tokens[last].is_mark(';'))) return tokens;
  return without_edges(tokens.subspan(last));
}

std::set<std::string> movement_terms(std::string_view name) {
  std::set<std::string> terms;
  for (std::string& term : terms_of(tokenise(normalised(name)))) {
    if (!term.starts_with('#')) terms.insert(std::move(term));
  }
  return terms;
}

}  // namespace

std::optional<LeadingNumber> leading_number(std::span<const Token> tokens) {
  if (tokens.empty()) return std::nullopt;
  auto found = said_as_movement(tokens);
  if (!found) found = said_as_member(tokens);
  if (!found) found = bare_number(tokens);
  if (!found || found->number < 1 || found->number > kMostMovements) return std::nullopt;
  return found;
}

MovementText parse_movement(std::string_view text, std::span<const Token> tokens) {
  MovementText movement;
  tokens = without_edges(tokens);
  movement.number = trailing_number(tokens);
  tokens = without_edges(tokens);
  if (const auto leading = leading_number(tokens)) {
    const bool named = tokens[0].is_word() && is_form(term_of(tokens[0].text));
    if (movement.number == 0) movement.number = leading->number;
    movement.names_member = leading->member;
    auto rest = without_edges(tokens.subspan(leading->last));
    // "I. No. 1 …" says it twice.
    if (const auto again = leading_number(rest); again && again->strong && again->member) rest = without_edges(rest.subspan(again->last));
    if (rest.empty() && named) rest = tokens.first(1);
    tokens = rest;
  }
  tokens = without_key_in_front(tokens);
  if (tokens.empty() || is_only_key(tokens)) return movement;
  movement.name = text_of(text, tokens);
  return movement;
}

MovementText parse_movement(std::string_view text) {
  const std::string normal = normalised(text);
  return parse_movement(normal, tokenise(normal));
}

double movement_likeness(std::string_view a, std::string_view b) {
  const auto first = movement_terms(a), second = movement_terms(b);
  if (first.empty() || second.empty()) return 0;
  std::size_t shared = 0;
  for (const std::string& term : first) shared += second.count(term);
  return 2.0 * static_cast<double>(shared) / static_cast<double>(first.size() + second.size());
}

bool movement_agrees(std::string_view said, std::string_view known) {
  const auto a = movement_terms(said), b = movement_terms(known);
  if (a.empty() || b.empty()) return a.empty() && b.empty();
  return movement_likeness(said, known) >= 0.5 || std::includes(b.begin(), b.end(), a.begin(), a.end()) || std::includes(a.begin(), a.end(), b.begin(), b.end());
}

std::vector<std::string_view> movement_names(std::string_view name) {
  std::vector<std::string_view> names;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '(' ? 1 : name[i] == ')' ? -1 : 0;
    const bool dash = name[i] == '-' && i > 0 && name[i - 1] == ' ' && i + 1 < name.size() && name[i + 1] == ' ';
    if (depth != 0 || (name[i] != '/' && !dash)) continue;
    names.push_back(trimmed(name.substr(begin, i - begin)));
    begin = i + 1;
  }
  names.push_back(trimmed(name.substr(begin)));
  std::erase_if(names, [](std::string_view each) { return each.empty(); });
  return names;
}

}  // namespace ghost::ariascribe
