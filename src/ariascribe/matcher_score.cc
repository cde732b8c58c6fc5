#include <algorithm>
#include <cmath>
#include <numeric>

#include "ariascribe/matcher.h"

namespace ghost::ariascribe {

namespace {

// Weights are logarithms of odds: how much likelier the observation is when the work is the right one than when it is not.
constexpr double kComposerFits = 4, kComposerWrong = -10, kComposerUnsureWrong = -2.5;
constexpr double kNumberFits = 8, kNumberPartMissing = 4.5, kSharedNumber = -1.5, kNumberWrong = -7, kForeignCode = -6;
constexpr double kOtherEditionFits = 4, kOtherEditionWrong = -4, kUnknownNumber = -3, kCommonNumber = -6.5;
constexpr double kOrdinalFits = 2.5, kOrdinalWrong = -4, kOrdinalMissing = -2;
constexpr double kKeyFits = 2.5, kKeyWrong = -4, kBareKeyFits = 1.5, kBareKeyWrong = -2.5, kKeyMissing = -1, kFormWrong = -5, kFormMissing = -1, kCountWrong = -2.5, kCommonName = -3;
constexpr double kTitleWhole = 7, kTitleNothing = -3;
constexpr double kRareTitle = 8, kPerRarity = 0.25, kRareTitleMost = 3;  ///< a whole name rarer than this says more, up to so much
constexpr double kRareName = 3;  ///< rarity from which a nickname means one work
constexpr double kMovementFits = 2.5, kMovementBeyond = -2, kMemberMissing = -4, kMemberOfNobody = -2, kMemberUnknown = -1.5, kActOfStageWork = 2, kMemberKeyFits = 1.5, kMemberKeyWrong = -3;
constexpr double kFame = 0.35;        ///< per e-fold of a composer's works here
constexpr double kImported = -1.5;    ///< what is imported is played less than what the repertoire has

bool has_code(const Composer& composer, std::string_view code) {
  return std::any_of(composer.catalogues.begin(), composer.catalogues.end(), [&](const std::string& each) { return each == code; });
}

using ReadTerm = std::pair<std::optional<TermId>, double>;
double rarity_of(const ReadTerm& term) { return term.second; }
double rarity_of(const StoredTerm& term) { return term.rarity; }

/// How much of what a title says the work's names say, and the other way round.
/// @param terms  what the title says
/// @param all    the sum of the rarities of the terms of a name, by its number; the main title is 0
/// @param has    whether a name has a term
template <typename Terms, typename All, typename Has>
double score_names(const Terms& terms, std::size_t names, const All& all, const Has& has, const Work& work) {
  double said = 0;
  for (const auto& term : terms) said += rarity_of(term);
  if (said == 0) return 0;
  double best = 0, rare = 0;
  for (std::size_t i = 0; i < names; ++i) {
    double shared = 0, explained = 0;
    for (const auto& term : terms) {
      const bool here = has(i, term);
      if (here) shared += rarity_of(term);
      if (here || has(0, term)) explained += rarity_of(term);
    }
    const double there = all(i);
    best = std::max(best, 2 * shared / (said + there));
    if (2 * shared >= 0.99 * (said + there)) rare = std::max(rare, shared - kRareTitle);
    // A nickname that stands there whole says it, beside words of the main title: "Moonlight Sonata".
    if (i > 0 && there > kRareName && shared >= 0.99 * there) best = std::max(best, 0.5 + 0.5 * explained / said);
  }
  // The name of a set's member is that of one of the set's movements too.
  if (std::ranges::any_of(work.catalogue, [](const CatalogueNumber& each) { return !each.part().empty(); })) rare = 0;
  return kTitleNothing + (kTitleWhole - kTitleNothing) * best + std::min(kRareTitleMost, kPerRarity * rare);
}

}  // namespace

/// A code of one letter counts only for composers who have that catalogue.
bool Matcher::holds(const CatalogueMention& mention, ComposerIndex composer) const {
  return mention.certain || has_code(repertoire_.composer(composer), mention.number.code);
}

double Matcher::score_titles(const Reading& reading, const WorkHandle& handle) const {
  if (handle.stored) {
    const auto& titles = handle.stored->titles;
    const auto all = [&](std::size_t title) {
      return std::accumulate(titles[title].begin(), titles[title].end(), 0.0, [](double sum, const StoredTerm& each) { return sum + each.rarity; });
    };
    const auto has = [&](std::size_t title, const StoredTerm& term) { return std::ranges::binary_search(titles[title], term.hash, {}, &StoredTerm::hash); };
    return score_names(reading.stored_terms, titles.size(), all, has, handle.stored->work);
  }
  const Index::WorkEntry& entry = index_.entry(handle.index);
  const auto all = [&](std::size_t title) { return entry.rarities[title]; };
  const auto has = [&](std::size_t title, const ReadTerm& term) { return term.first && std::ranges::binary_search(entry.titles[title], *term.first); };
  return score_names(reading.terms, entry.titles.size(), all, has, repertoire_.work(handle.index));
}

double Matcher::score_numbers(const Reading& reading, const Work& work) const {
  double score = 0;
  const ParsedTitle& text = reading.named();
  bool known = false;
  const MovementText& movement = reading.title.movement;
  const std::string member = movement.names_member && movement.number != 0 && !reading.work_in_album ? std::to_string(movement.number) : "";
  for (const CatalogueMention& mention : text.catalogue) {
    const bool edition = number_kind(mention.number) == NumberKind::edition;
    // "CD 3" is a disc of anybody's, and no sign of who has such a catalogue.
    if (!edition && mention.number.code != "op" && !has_code(repertoire_.composer(work.composer), mention.number.code)) {
      const auto owner = index_.owner_of(mention.number.code);
      if (owner && owner->composer != work.composer) score += kForeignCode * owner->share;
    }
    if (!holds(mention, work.composer)) continue;
    if (edition) {
      known = true;  // a work's first number may be any
      continue;
    }
    const CatalogueNumber& said = mention.number;
    bool fits = false, part = false, wrong = false;
    for (const CatalogueNumber& has : work.catalogue) {
      if (has.code != said.code) continue;
      fits |= has == said;
      // "Op. 28: No. 7" is not Op. 28 No. 8.
      const bool another = said.part().empty() && !member.empty() && !has.part().empty() && has.part() != member;
      part |= has.base() == said.base() && (has.part().empty() || said.part().empty()) && !another;
      wrong |= has.base() == said.base() && another;
      // Op. 19 of the work that is Op. 19b.
      if (has.base() != said.base() && (has.letterless() == said.base() || said.letterless() == has.base())) {
        part = true;
        continue;
      }
      wrong |= has.base() != said.base() || (!has.part().empty() && !said.part().empty() && has != said);
    }
    score += fits ? kNumberFits : part ? kNumberPartMissing : wrong ? kNumberWrong : 0;
    known |= fits || part;
    // Everybody has an Op. 25: without a name it says less.
    if ((fits || part) && said.code == "op" && reading.composers.empty()) score += kSharedNumber;
    if (fits && !mention.other_edition.empty()) score += work.has({said.code, mention.other_edition}) ? kOtherEditionFits : kOtherEditionWrong;
  }
  // A number nothing answers to, and nobody named: a work that is not here is likelier.
  if (!text.catalogue.empty() && !work.catalogue.empty() && !known && reading.composers.empty()) score += kUnknownNumber;
  return score;
}

double Matcher::score_movement(const Reading& reading, const WorkHandle& handle) const {
  const Work& work = this->work(handle);
  const MovementText& movement = reading.title.movement;
  std::string_view name = movement.name;
  if (reading.work_in_album && name.empty()) name = reading.title.text;
  double score = reading.names_act && holds_any_form(handle) ? kActOfStageWork : 0;
  if (work.movements.empty()) return score + (reading.work_in_album ? kMemberUnknown + (reading.composers.empty() ? kMemberOfNobody : 0) : 0);
  if (movement.number > work.movements.back().number) score += kMovementBeyond;
  if (const KeyMention* key = reading.title.key_in(reading.title.movement_tokens); key && key->explicit_mode && movement.number != 0) {
    const auto member = std::find_if(work.movements.begin(), work.movements.end(), [&](const Movement& each) { return each.number == movement.number && !each.key.empty(); });
    if (member != work.movements.end()) score += member->key == key->key.text() ? kMemberKeyFits : kMemberKeyWrong;
  }
  if (name.empty()) return score;
  double best = 0;
  for (const Movement& each : work.movements) {
    const double likeness = movement_likeness(name, each.title);
    best = std::max(best, likeness + (each.number == movement.number && likeness >= 0.5 ? 0.3 : 0));
  }
  if (reading.work_in_album && best < 0.34) score += kMemberMissing + (reading.composers.empty() ? kMemberOfNobody : 0);
  return score + kMovementFits * best;
}

/// A quartet is no sonata. What holds pieces of any form, as an opera its arias, is not judged by them.
double Matcher::score_form(const Reading& reading, const WorkHandle& handle) const {
  if (handle.stored) {
    const StoredWork& work = *handle.stored;
    if (reading.stored_forms.empty() || (work.holds_any_form && !reading.named().ordinal)) return 0;
    if (work.forms.empty()) return kFormMissing;
    return std::any_of(reading.stored_forms.begin(), reading.stored_forms.end(), [&](std::uint64_t form) { return std::binary_search(work.forms.begin(), work.forms.end(), form); }) ? 0 : kFormWrong;
  }
  const Index::WorkEntry& entry = index_.entry(handle.index);
  if (reading.forms.empty() || (entry.holds_any_form && !reading.named().ordinal)) return 0;
  if (entry.forms.empty()) return kFormMissing;
  const auto has = [&](TermId form) { return std::binary_search(entry.forms.begin(), entry.forms.end(), form); };
  return std::any_of(reading.forms.begin(), reading.forms.end(), has) ? 0 : kFormWrong;
}

double Matcher::score(const Reading& reading, const WorkHandle& handle) const {
  const Work& work = this->work(handle);
  double score = kFame * std::log(1.0 + repertoire_.composer_of(work).works) + (handle.stored ? kImported : 0);
  if (reading.composer_is_certain || !reading.composers.empty()) {
    double fits = 0;
    for (const auto& match : reading.composers) {
      if (match.composer == work.composer) fits = match.certainty;
    }
    if (fits > 0) score += reading.composer_is_certain ? kComposerFits + std::log(fits) : 2 * fits;
    else score += reading.composer_is_certain ? kComposerWrong : kComposerUnsureWrong;
  }
  score += score_titles(reading, handle) + score_numbers(reading, work);
  const ParsedTitle& text = reading.named();
  const auto ordinal = this->ordinal(handle);
  if (text.ordinal && ordinal) score += *text.ordinal == *ordinal ? kOrdinalFits : kOrdinalWrong;
  else if (text.ordinal && work.movements.empty()) score += kOrdinalMissing;
  score += score_form(reading, handle);
  if (reading.has_common_name && !text.ordinal && text.catalogue.empty() && text.keys.empty() && reading.composers.empty()) score += kCommonName;
  // "6 Lieder, Op. 4": many have written such.
  const bool only_opus = !text.catalogue.empty() && std::all_of(text.catalogue.begin(), text.catalogue.end(), [](const auto& each) { return each.number.code == "op"; });
  if (reading.has_common_name && only_opus && !text.ordinal && text.keys.empty() && reading.composers.empty()) score += kCommonNumber;
  // "Four Pieces" are not "Three Pieces".
  const auto& counts = handle.stored ? handle.stored->counts : index_.entry(handle.index).counts;
  if (reading.count && !counts.empty() && std::find(counts.begin(), counts.end(), *reading.count) == counts.end()) score += kCountWrong;
  const KeyMention* key = text.key_in(text.work);
  if (key && work.key.empty()) score += kKeyMissing;
  if (key && !work.key.empty()) {
    if (key->explicit_mode) score += key->key.text() == work.key ? kKeyFits : kKeyWrong;
    else score += work.key.starts_with(key->key.tonic + " ") ? kBareKeyFits : kBareKeyWrong;
  }
  return score;
}

}  // namespace ghost::ariascribe
