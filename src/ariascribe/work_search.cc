#include "ariascribe/work_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostWords = 16;
// What a word that stands there whole counts, by where it stands.
constexpr float kInTitle = 1, kInComposer = 1, kAsOrdinal = 2, kInNumber = 1, kInAlias = 0.8F, kInPart = 0.5F, kInKey = 0.5F;
constexpr float kBegun = 0.7F;      // a word that is only begun
constexpr float kTranslated = 0.9F; // one that another language has for it
constexpr float kFamePerFold = 0.12F, kNamed = 0.3F, kWithMovements = 0.2F, kPerTitleWord = 0.03F, kWhollyMeant = 1.5F;

struct PlacedWord {
  WorkIndex work{};
  float weight = 0;
};

bool says_something(const Token& token) {
  if (token.is_number()) return true;
  if (!token.is_word() || is_number_word(token.text)) return false;
  return token.text.size() == 1 || !terms_of(std::span(&token, 1)).empty();
}

}  // namespace

/// The repertoire's words in the order of their letters, with the works that have them and the composers who are called so.
struct WorkSearch::Vocabulary {
  struct Entry {
    std::string word;
    std::vector<PlacedWord> works;
    std::vector<ComposerIndex> composers;
  };
  std::vector<Entry> entries;
  std::vector<std::vector<WorkIndex>> works_of;  ///< of each composer
  std::vector<float> fame;                       ///< of each work

  explicit Vocabulary(const Repertoire& repertoire) {
    std::map<std::string, Entry, std::less<>> words;
    const auto entry = [&](const std::string& word) -> Entry& { return words[word]; };
    const auto add_text = [&](WorkIndex work, std::string_view text, float weight) {
      std::size_t count = 0;
      for (const Token& token : tokenise(normalised(text))) {
        if (!token.is_word() && !token.is_number()) continue;
        entry(token.text).works.push_back({work, weight});
        ++count;
      }
      return count;
    };
    works_of.resize(repertoire.composers().size());
    for (std::size_t i = 0; i < repertoire.works().size(); ++i) {
      const Work& work = repertoire.works()[i];
      const auto index = static_cast<WorkIndex>(i);
      works_of[static_cast<std::size_t>(work.composer)].push_back(index);
      const WorkWords said = words_of(work);
      const std::size_t length = add_text(index, work.title, kInTitle);
      if (said.ordinal) entry(std::to_string(*said.ordinal)).works.push_back({index, kAsOrdinal});
      for (const std::string& also : work.also) add_text(index, also, kInAlias);
      if (const auto key = parse_key(work.key)) add_text(index, key->display(), kInKey);
      for (const CatalogueNumber& number : work.catalogue) {
        add_text(index, number.code, kInNumber);
        add_text(index, number.base().number, kInNumber);
        if (!number.part().empty()) add_text(index, number.part(), kInPart);
      }
      fame.push_back(kFamePerFold * std::log(1.0F + static_cast<float>(repertoire.composer_of(work).works)) + (work.also.empty() ? 0 : kNamed) + (work.movements.empty() ? 0 : kWithMovements) -
                     kPerTitleWord * static_cast<float>(length));
    }
    for (std::size_t i = 0; i < works_of.size(); ++i) {
      if (works_of[i].empty()) continue;
      const Composer& composer = repertoire.composers()[i];
      std::string names = composer.name;
      for (const std::string& other : composer.other_names) names += " " + other;
      for (const Token& token : tokenise(normalised(names))) {
        if (!token.is_word()) continue;
        auto& called = entry(token.text).composers;
        if (called.empty() || called.back() != static_cast<ComposerIndex>(i)) called.push_back(static_cast<ComposerIndex>(i));
      }
    }
    for (auto& [word, each] : words) {
      each.word = word;
      entries.push_back(std::move(each));
    }
  }

  std::span<const Entry> begun_with(std::string_view word) const {
    const auto first = std::lower_bound(entries.begin(), entries.end(), word, [](const Entry& each, std::string_view wanted) { return each.word < wanted; });
    auto last = first;
    while (last != entries.end() && last->word.starts_with(word)) ++last;
    return {first, last};
  }
  std::span<const Entry> exactly(std::string_view word) const {
    const auto from = begun_with(word);
    return from.empty() || from.front().word != word ? from.first(0) : from.first(1);
  }
};

const WorkSearch::Vocabulary& WorkSearch::vocabulary() const {
  std::call_once(made_, [this] { vocabulary_ = std::make_shared<const Vocabulary>(matcher_.repertoire()); });
  return *vocabulary_;
}

std::vector<Candidate> WorkSearch::find(std::string_view text, std::size_t limit) const {
  const Vocabulary& known = vocabulary();
  const auto tokens = tokenise(normalised(text.substr(0, kMaxText)));
  std::vector<const Token*> words;
  for (const Token& token : tokens) {
    if (says_something(token) && words.size() < kMostWords) words.push_back(&token);
  }
  const std::size_t works = known.fame.size();
  std::vector<float> sums(works), best(works);
  std::vector<std::uint8_t> matched(works);
  std::string completed;
  const auto raise = [&](WorkIndex work, float weight) {
    float& so_far = best[static_cast<std::size_t>(work)];
    so_far = std::max(so_far, weight);
  };
  const auto raise_all = [&](const Vocabulary::Entry& entry, float factor) {
    for (const PlacedWord& each : entry.works) raise(each.work, each.weight * factor);
    for (const ComposerIndex composer : entry.composers) {
      for (const WorkIndex work : known.works_of[static_cast<std::size_t>(composer)]) raise(work, kInComposer * factor);
    }
  };
  for (const Token* word : words) {
    std::fill(best.begin(), best.end(), 0.0F);
    const auto exact = known.exactly(word->text);
    const bool is_last = word == words.back();
    // A number is whole, and so is a letter of a key or a catalogue, unless it is being typed.
    const bool may_be_begun = word->is_word() && (word->text.size() > 1 || is_last);
    const Vocabulary::Entry* likeliest = nullptr;
    std::size_t most = 0;
    for (const auto& entry : may_be_begun ? known.begun_with(word->text) : exact) {
      raise_all(entry, entry.word == word->text ? 1 : kBegun);
      std::size_t size = entry.works.size();
      for (const ComposerIndex composer : entry.composers) size += known.works_of[static_cast<std::size_t>(composer)].size();
      if (size > most) most = size, likeliest = &entry;
    }
    for (const std::string& term : terms_of(std::span(word, 1))) {
      if (term == word->text) continue;
      for (const auto& entry : known.exactly(term)) raise_all(entry, kTranslated);
    }
    for (std::size_t i = 0; i < works; ++i) {
      sums[i] += best[i];
      matched[i] = static_cast<std::uint8_t>(matched[i] + (best[i] > 0 ? 1 : 0));
    }
    const bool complete = !exact.empty() || !likeliest || !word->is_word() || terms_of(std::span(word, 1)) != std::vector<std::string>{word->text};
    completed += (completed.empty() ? "" : " ") + (complete ? word->text : likeliest->word);
  }
  std::vector<Candidate> found;
  for (std::size_t i = 0; i < works && !words.empty(); ++i) {
    if (matched[i] == words.size()) found.push_back({static_cast<WorkIndex>(i), sums[i] + known.fame[i], 0});
  }
  std::vector<Candidate> meant = matcher_.search(text, limit);
  for (const Candidate& each : meant) {
    const auto same = std::find_if(found.begin(), found.end(), [&](const Candidate& other) { return other.work == each.work; });
    if (same == found.end()) continue;
    same->probability = each.probability;
    same->score += kWhollyMeant * each.probability;
  }
  const auto better = [](const Candidate& a, const Candidate& b) { return a.score != b.score ? a.score > b.score : a.work < b.work; };
  const std::size_t kept = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), better);
  found.resize(kept);
  // Imported works, misspelt words, and what is only meant; begun words as they probably go on.
  if (found.size() < limit && completed != fold(text)) {
    for (Candidate& each : matcher_.search(completed, limit)) meant.push_back(std::move(each));
  }
  for (Candidate& each : meant) {
    if (found.size() == limit) break;
    if (std::none_of(found.begin(), found.end(), [&](const Candidate& other) { return other.work == each.work; })) found.push_back(std::move(each));
  }
  return found;
}

}  // namespace ghost::ariascribe
