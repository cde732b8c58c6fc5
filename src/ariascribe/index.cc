#include "ariascribe/index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

/// A term in a movement's name tells less than one in the work's title.
constexpr float kMovementWeight = 0.4F;

/// Works whose parts are called by forms of their own.
constexpr auto kHolders = std::to_array<std::string_view>({"ballet", "cantata", "incidental", "masque", "opera", "operetta", "oratorio", "passion", "zarzuela"});

void add_count(WorkWords& words, std::string_view title) {
  if (const auto count = leading_count(tokenise(normalised(title)))) words.counts.push_back(*count);
}

std::optional<int> ordinal_in(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (!tokens[i].is_word() || !is_number_word(tokens[i].text)) continue;
    std::size_t digits = i + 1;
    while (digits < tokens.size() && tokens[digits].kind == Token::Kind::mark) ++digits;
    if (digits < tokens.size() && tokens[digits].is_number()) return tokens[digits].value;
  }
  return std::nullopt;
}

}  // namespace

Index::Index(const Repertoire& repertoire) {
  entries_.resize(repertoire.works().size());
  for (std::size_t i = 0; i < repertoire.composers().size(); ++i) {
    for (const std::string& code : repertoire.composers()[i].catalogues) {
      const auto [user, first] = only_user_.emplace(code, static_cast<ComposerIndex>(i));
      if (!first) user->second.reset();
    }
  }
  for (std::size_t i = 0; i < repertoire.works().size(); ++i) add_work(static_cast<WorkIndex>(i), repertoire.works()[i]);
  weigh_terms();
  add_corrections();
  briefs_.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Work& work = repertoire.works()[i];
    briefs_.push_back({work.composer, entries_[i].ordinal, keys_.emplace(work.key, static_cast<std::uint16_t>(keys_.size())).first->second});
  }
}

std::optional<std::uint16_t> Index::key(const std::string& text) const {
  const auto found = keys_.find(text);
  return found == keys_.end() ? std::nullopt : std::optional(found->second);
}

TermId Index::intern(const std::string& text) {
  const auto [found, fresh] = terms_.emplace(text, static_cast<TermId>(postings_.size()));
  if (fresh) postings_.emplace_back();
  return found->second;
}

namespace {

/// Terms shorter than this are not corrected: too many real words are near them.
constexpr std::size_t kShortestCorrected = 6;

/// Whether two words of at most one character's difference: one more, one less, another, or two swapped.
bool is_near(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  if (a.size() < b.size()) return a.substr(i) == b.substr(i + 1);
  if (a.substr(std::min(i + 1, a.size())) == b.substr(std::min(i + 1, b.size()))) return true;
  return i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] && a.substr(i + 2) == b.substr(i + 2);
}

/// Calls `visit` with the hash of a word and of what is left of it without each of its characters.
template <typename Visit>
void each_deletion(std::string_view word, Visit visit) {
  visit(std::hash<std::string_view>{}(word));
  std::string shorter;
  for (std::size_t i = 0; i < word.size(); ++i) {
    shorter.assign(word.substr(0, i));
    shorter += word.substr(i + 1);
    visit(std::hash<std::string_view>{}(shorter));
  }
}

}  // namespace

void Index::add_corrections() {
  for (const auto& [text, id] : terms_) {
    if (text.size() < kShortestCorrected || text.front() == '#') continue;
    each_deletion(text, [&](std::size_t hash) { corrections_.emplace_back(hash, &text, id); });
  }
  std::sort(corrections_.begin(), corrections_.end(), [](const Correction& a, const Correction& b) { return a.hash != b.hash ? a.hash < b.hash : a.id < b.id; });
}

std::optional<TermId> Index::nearest(std::string_view text) const {
  if (text.size() < kShortestCorrected || text.front() == '#') return std::nullopt;
  std::optional<TermId> best;
  each_deletion(text, [&](std::size_t hash) {
    auto at = std::lower_bound(corrections_.begin(), corrections_.end(), hash, [](const Correction& each, std::size_t wanted) { return each.hash < wanted; });
    for (; at != corrections_.end() && at->hash == hash; ++at) {
      if (!is_near(text, *at->text)) continue;
      // Of two as near the commoner word is meant.
      if (!best || with_term(at->id).size() > with_term(*best).size()) best = at->id;
    }
  });
  return best;
}

namespace {

std::vector<std::string> terms_in(std::string_view text) {
  std::vector<std::string> terms = terms_of(tokenise(normalised(text)));
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  return terms;
}

}  // namespace

WorkWords words_of(const Work& work) {
  WorkWords words;
  words.ordinal = ordinal_in(tokenise(normalised(work.title)));
  words.titles.push_back(terms_in(work.title));
  add_count(words, work.title);
  std::string names = work.title + " " + work.form;
  for (const std::string& also : work.also) {
    std::vector<std::string> terms = terms_in(also);
    if (!terms.empty()) words.titles.push_back(std::move(terms));
    add_count(words, also);
    names += " " + also;
  }
  for (std::string& term : terms_in(names)) {
    if (is_form(term)) words.forms.push_back(std::move(term));
  }
  words.holds_any_form = std::any_of(kHolders.begin(), kHolders.end(), [&](std::string_view form) { return work.form.find(form) != std::string::npos; });
  for (const Movement& movement : work.movements) {
    for (std::string& term : terms_in(movement.title)) words.movements.push_back(std::move(term));
  }
  return words;
}

TermSet Index::interned(const std::vector<std::string>& terms) {
  TermSet set;
  for (const std::string& term : terms) set.push_back(intern(term));
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  return set;
}

void Index::add_work(WorkIndex index, const Work& work) {
  WorkEntry& entry = entries_[static_cast<std::size_t>(index)];
  const WorkWords words = words_of(work);
  entry.ordinal = words.ordinal;
  for (const auto& title : words.titles) entry.titles.push_back(interned(title));
  entry.counts = words.counts;
  entry.forms = interned(words.forms);
  entry.holds_any_form = words.holds_any_form;
  TermSet all;
  for (const TermSet& set : entry.titles) all.insert(all.end(), set.begin(), set.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (const TermId term : all) postings_[static_cast<std::size_t>(term)].push_back({index, 1});
  for (const TermId term : interned(words.movements)) {
    if (!std::binary_search(all.begin(), all.end(), term)) postings_[static_cast<std::size_t>(term)].push_back({index, kMovementWeight});
  }
  for (const CatalogueNumber& number : work.catalogue) {
    if (const auto range = number.range()) collections_.push_back({work.composer, number.code, range->first, range->second, index});
    by_number_[number.text()].push_back(index);
    ++by_code_[number.code][static_cast<std::uint32_t>(work.composer)];
    by_base_[number.base().text()].push_back(index);
    if (number.letterless() != number.base()) by_base_[number.letterless().text()].push_back(index);
  }
}

std::optional<TermId> Index::term(std::string_view text) const {
  const auto found = terms_.find(text);
  return found == terms_.end() ? std::nullopt : std::optional(found->second);
}

void Index::weigh_terms() {
  const double all = static_cast<double>(entries_.size()) + 1;
  rarities_.reserve(postings_.size());
  for (const auto& postings : postings_) rarities_.push_back(std::log(all / (static_cast<double>(postings.size()) + 0.5)) + 0.2);
  rarity_of_unknown_ = std::log(all / 0.5) + 0.2;
  for (WorkEntry& entry : entries_) {
    for (const TermSet& title : entry.titles) {
      double& sum = entry.rarities.emplace_back(0);
      for (const TermId term : title) sum += rarity(term);
    }
  }
}

std::optional<WorkIndex> Index::collection_of(ComposerIndex composer, const CatalogueNumber& number) const {
  const int value = number.range() ? 0 : std::atoi(number.number.c_str());
  for (const Collection& each : collections_) {
    if (each.composer == composer && each.code == number.code && value >= each.first && value <= each.last) return each.work;
  }
  return std::nullopt;
}

std::span<const WorkIndex> Index::find_in(const Numbers& numbers, const std::string& key) {
  const auto found = numbers.find(key);
  if (found == numbers.end()) return {};
  return found->second;
}

std::optional<Index::Owner> Index::owner_of(const std::string& code) const {
  const auto found = by_code_.find(code);
  if (found == by_code_.end()) {
    const auto only = only_user_.find(code);
    return only == only_user_.end() || !only->second ? std::nullopt : std::optional(Owner{*only->second, 1});
  }
  std::size_t all = 0, most = 0;
  Owner owner;
  for (const auto& [composer, works] : found->second) {
    all += works;
    if (works > most) most = works, owner.composer = static_cast<ComposerIndex>(composer);
  }
  owner.share = static_cast<double>(most) / static_cast<double>(all);
  return owner;
}

}  // namespace ghost::ariascribe
