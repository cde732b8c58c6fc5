#include "ariascribe/matcher.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

// Weights are logarithms of odds: how much likelier the observation is when the work is the right one than when it is not.
constexpr double kComposerFits = 4, kComposerWrong = -10, kComposerUnsureWrong = -2.5;
constexpr double kNumberFits = 8, kNumberPartMissing = 4.5, kSharedNumber = -1.5, kNumberWrong = -7, kForeignCode = -6;
constexpr double kOtherEditionFits = 4, kOtherEditionWrong = -4, kUnknownNumber = -3, kCommonNumber = -2.5;
constexpr double kOrdinalFits = 2.5, kOrdinalWrong = -4, kOrdinalMissing = -2;
constexpr double kKeyFits = 2.5, kKeyWrong = -4, kBareKeyFits = 1.5, kBareKeyWrong = -2.5, kKeyMissing = -1, kFormWrong = -5, kFormMissing = -1, kCountWrong = -2.5, kCommonName = -3;
constexpr double kTitleWhole = 7, kTitleNothing = -3;
constexpr double kRareTitle = 8, kPerRarity = 0.25, kRareTitleMost = 3;  ///< a whole name rarer than this says more, up to so much
constexpr double kRareName = 3;  ///< rarity from which a nickname means one work
constexpr double kMovementFits = 2.5, kMovementBeyond = -2, kMemberMissing = -4, kMemberOfNobody = -2, kMemberUnknown = -1.5, kActOfStageWork = 2;
constexpr int kFirstRecords = 1890;
constexpr double kFame = 0.35;        ///< per e-fold of a composer's works here
constexpr double kImported = -1.5;    ///< what is imported is played less than what the repertoire has
constexpr double kMoved = 0.9;        ///< probability from which an artist field is believed to hold the title
constexpr double kPersonInFront = 0.3;///< probability of a work from which a name in front of it is taken for a part of its own name
constexpr double kNoneOfThese = 5.5;  ///< the score a work must pass to be likelier than none
/// So many postings of one term are looked at, and so many candidates scored in full.
constexpr std::size_t kMostPostings = 20'000, kMostScored = 40, kUsuallyFound = 1'000;

bool has_code(const Composer& composer, std::string_view code) {
  return std::any_of(composer.catalogues.begin(), composer.catalogues.end(), [&](const std::string& each) { return each == code; });
}

bool same_number(const Work& work, const CatalogueNumber& number) {
  return std::find(work.catalogue.begin(), work.catalogue.end(), number) != work.catalogue.end();
}

/// One entry for who is named in several tags; a role or an instrument said in one of them is kept. A conductor who also plays has two.
void merge_namesakes(std::vector<Performer>& performers) {
  std::vector<Performer> merged;
  for (Performer& each : performers) {
    const std::string key = fold(each.name);
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Performer& other) { return fold(other.name) == key && (other.role.empty() || each.role.empty() || other.role == each.role); });
    if (same == merged.end()) {
      merged.push_back(std::move(each));
      continue;
    }
    if (same->role.empty()) same->role = each.role;
    if (same->instrument.empty()) same->instrument = each.instrument;
  }
  performers = std::move(merged);
}

}  // namespace

Matcher::Matcher(const Repertoire& repertoire, std::shared_ptr<const StoredWorks> stored) : repertoire_(repertoire), stored_(std::move(stored)), names_(repertoire), index_(repertoire), performers_(repertoire) {}

/// A code of one letter counts only for composers who have that catalogue.
bool Matcher::holds(const CatalogueMention& mention, ComposerIndex composer) const {
  return mention.certain || has_code(repertoire_.composer(composer), mention.number.code);
}

void Matcher::find_composers(Reading& reading) const {
  if (!reading.input.composer.empty()) {
    reading.composer_text = plain_name(reading.input.composer);
    reading.composers = names_.resolve(reading.input.composer);
    reading.composer_is_certain = true;
    return;
  }
  for (const ParsedTitle* text : {&reading.title, &reading.album}) {
    if (text->composer_text.empty()) continue;
    reading.composer_text = plain_name(text->composer_text);
    reading.composers = text->composer;
    reading.composer_is_certain = true;
    return;
  }
  if (!reading.input.songwriter.empty()) {
    const auto matches = names_.resolve(reading.input.songwriter);
    if (!matches.empty() && matches.front().certainty > 0.4) {
      reading.composer_text = plain_name(reading.input.songwriter);
      reading.composers = matches;
      reading.composer_is_certain = true;
      return;
    }
  }
  if (!reading.composer_as_artist.empty()) {
    reading.composer_text = reading.composer_as_artist;
    reading.composers = names_.resolve(reading.composer_as_artist);
    if (parse_person(reading.composer_as_artist).given.empty()) {
      for (auto& match : reading.composers) match.certainty *= 0.9;
    }
    return;
  }
  // A composer among the artists: their dates do not fit a player's.
  for (const Performer& each : reading.performers) {
    if (!each.role.empty() || performers_.known(each.name)) continue;
    const auto matches = names_.resolve(each.name);
    if (matches.empty() || parse_person(each.name).given.empty() || matches.front().certainty < 0.9) continue;
    reading.composers = matches;
    reading.composer_text = each.name;
    break;
  }
  if (!reading.composers.empty()) return;
  for (const ParsedTitle* text : {&reading.title, &reading.album}) {
    for (const auto& name : text->names) {
      if (name.matches.front().certainty < 0.5) continue;
      reading.composers = name.matches;
      for (auto& match : reading.composers) match.certainty *= name.with_given_names ? 0.9 : 0.5;
      return;
    }
  }
}

void Matcher::find_terms(Reading& reading) const {
  const ParsedTitle& text = reading.named();
  TokenRange range = text.work;
  if (range.empty()) range = text.movement_tokens;
  const auto skipped = [&](std::size_t i) {
    const auto inside = [&](const auto& each) { return i >= each.first && i < each.last; };
    if (std::any_of(text.catalogue.begin(), text.catalogue.end(), inside) || std::any_of(text.keys.begin(), text.keys.end(), inside)) return true;
    if (inside(text.ordinal_tokens)) return true;
    return reading.composer_is_certain && std::any_of(text.names.begin(), text.names.end(), [&](const auto& each) { return inside(each) && each.with_given_names; });
  };
  reading.count = leading_count(std::span(text.tokens).subspan(range.first, range.last - range.first));
  std::vector<std::string> found;
  for (std::size_t i = range.first; i < range.last; ++i) {
    if (skipped(i)) continue;
    for (std::string& term : terms_of(std::span(text.tokens).subspan(i, 1))) found.push_back(std::move(term));
  }
  // "5th", "V" and "Fünfte" are all the 5 of "No. 5".
  if (text.ordinal && !text.ordinal_tokens.empty() && text.ordinal_tokens.first >= range.first && text.ordinal_tokens.last <= range.last) found.push_back("#" + std::to_string(*text.ordinal));
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const std::string& term : found) {
    auto id = index_.term(term);
    if (!id) id = index_.nearest(term);
    reading.terms.emplace_back(id, index_.rarity(id));
    if (id && is_form(term)) reading.forms.push_back(*id);
    if (stored_) {
      reading.stored_terms.push_back({term_hash(term), 0});
      if (is_form(term)) reading.stored_forms.push_back(reading.stored_terms.back().hash);
    }
    reading.has_common_name &= is_form(term) || is_instrument(term) || term.front() == '#';
  }
}

/// "Track 07": what a disc writes where it has no title.
bool says_nothing(std::string_view title) {
  const auto tokens = tokenise(normalised(title));
  if (tokens.empty() || tokens.size() > 3 || !tokens.back().is_number()) return false;
  constexpr auto kWords = std::to_array<std::string_view>({"audio", "audiotrack", "cd", "pista", "piste", "stuck", "titel", "title", "track", "trak"});
  return std::all_of(tokens.begin(), tokens.end() - 1, [&](const Token& each) { return std::find(kWords.begin(), kWords.end(), each.text) != kWords.end(); });
}

Reading Matcher::read(const TrackInput& given) const {
  if (!says_nothing(given.title)) return read_texts(given);
  // The title may stand in the wrong field.
  TrackInput moved = given;
  moved.title = given.artist.empty() ? given.performer : given.artist;
  moved.artist.clear();
  moved.performer.clear();
  if (!moved.title.empty()) {
    Reading reading = read_texts(moved);
    if (!reading.candidates.empty() && reading.candidates.front().probability > kMoved) return reading;
  }
  moved = given;
  moved.title.clear();
  return read_texts(moved);
}

Reading Matcher::read_texts(const TrackInput& input) const {
  Reading reading;
  reading.input = input;
  const bool only_album = input.title.empty();
  reading.title = parse_title(only_album ? input.album : input.title, names_);
  if (!only_album && !input.album.empty()) reading.album = parse_title(input.album, names_);
  // "Der Sternenhimmel" on "6 Lieder, Op. 4": the title is a member, the album the work.
  const bool title_names = !reading.title.catalogue.empty() || !reading.title.keys.empty() || (!reading.title.work.empty() && !reading.title.movement_tokens.empty());
  reading.work_in_album = !title_names && !reading.album.work.empty();
  std::string artists = input.artist;
  for (const std::string* more : {&input.performer, &input.ensemble}) {
    if (!more->empty()) artists += (artists.empty() ? "" : "; ") + *more;
  }
  const TokenRange part = reading.title.movement_tokens;
  constexpr auto kActs = std::to_array<std::string_view>({"act", "acte", "acto", "akt", "atto", "aufzug", "deystvie"});
  for (std::size_t i = part.first; i < part.last; ++i) {
    reading.names_act |= std::find(kActs.begin(), kActs.end(), reading.title.tokens[i].text) != kActs.end();
  }
  if (!artists.empty()) reading.performers = performers_.parse_artists(artists);
  if (!input.conductor.empty()) reading.performers.push_back({plain_name(input.conductor), "conductor", ""});
  for (const std::string* clause : {&reading.title.performers, &reading.album.performers}) {
    if (clause->empty()) continue;
    for (Performer& each : performers_.parse_clause(*clause)) reading.performers.push_back(std::move(each));
  }
  merge_namesakes(reading.performers);
  // Nobody who died before there were records plays on one.
  std::erase_if(reading.performers, [&](const Performer& each) {
    if (!each.role.empty() || performers_.known(each.name)) return false;
    const auto matches = names_.resolve(each.name);
    if (matches.empty() || matches.front().certainty < 0.5) return false;
    const Composer& named = repertoire_.composer(matches.front().composer);
    if (named.died == 0 || named.died >= kFirstRecords) return false;
    reading.composer_as_artist = each.name;
    return true;
  });
  find_composers(reading);
  find_terms(reading);
  find_candidates(reading, kMostScored);
  if (auto other = read_with_person_in_front(reading)) return std::move(*other);
  return reading;
}

/// "Karl Muster - Träume" where nothing else says who or what: Karl Muster is the composer, unless he is known to play.
std::optional<Reading> Matcher::read_with_person_in_front(const Reading& reading) const {
  const ParsedTitle& title = reading.title;
  if (title.maybe_composer.empty() || !reading.composers.empty() || reading.composer_is_certain || reading.input.title.empty()) return std::nullopt;
  if (!reading.candidates.empty() && reading.candidates.front().probability > kPersonInFront) return std::nullopt;
  if (performers_.meant(title.maybe_composer)) return std::nullopt;
  TrackInput again = reading.input;
  again.composer = title.maybe_composer;
  again.title = title.text.substr(title.maybe_behind);
  Reading other = read_texts(again);
  other.composer_is_guessed = true;
  return other;
}

/// How much of what the title says the work's names say, and the other way round.
double Matcher::score_titles(const Reading& reading, const WorkHandle& handle) const {
  if (handle.stored) return score_stored_titles(reading, *handle.stored);
  const WorkIndex work = handle.index;
  double said = 0;
  for (const auto& [term, rarity] : reading.terms) said += rarity;
  if (said == 0) return 0;
  const auto& titles = index_.entry(work).titles;
  double best = 0, rare = 0;
  for (const TermSet& title : titles) {
    double shared = 0, explained = 0, all = 0;
    for (const TermId term : title) all += index_.rarity(term);
    for (const auto& [term, rarity] : reading.terms) {
      if (!term) continue;
      const bool here = std::binary_search(title.begin(), title.end(), *term);
      if (here) shared += rarity;
      if (here || std::binary_search(titles.front().begin(), titles.front().end(), *term)) explained += rarity;
    }
    best = std::max(best, 2 * shared / (said + all));
    if (2 * shared >= 0.99 * (said + all)) rare = std::max(rare, shared - kRareTitle);
    // A nickname that stands there whole says it, beside words of the main title: "Moonlight Sonata".
    if (&title != &titles.front() && all > kRareName && shared >= 0.99 * all) best = std::max(best, 0.5 + 0.5 * explained / said);
  }
  // The name of a set's member is that of one of the set's movements too.
  const auto& numbers = repertoire_.work(work).catalogue;
  if (std::any_of(numbers.begin(), numbers.end(), [](const CatalogueNumber& each) { return !each.part().empty(); })) rare = 0;
  return kTitleNothing + (kTitleWhole - kTitleNothing) * best + std::min(kRareTitleMost, kPerRarity * rare);
}

/// The same of an imported work, with the rarity terms have there.
double Matcher::score_stored_titles(const Reading& reading, const StoredWork& work) const {
  double said = 0;
  for (const StoredTerm& each : reading.stored_terms) said += each.rarity;
  if (said == 0) return 0;
  const auto has = [](const std::vector<StoredTerm>& title, std::uint64_t hash) {
    const auto found = std::lower_bound(title.begin(), title.end(), hash, [](const StoredTerm& each, std::uint64_t wanted) { return each.hash < wanted; });
    return found != title.end() && found->hash == hash;
  };
  double best = 0, rare = 0;
  for (const auto& title : work.titles) {
    double shared = 0, explained = 0, all = 0;
    for (const StoredTerm& each : title) all += each.rarity;
    for (const StoredTerm& each : reading.stored_terms) {
      const bool here = has(title, each.hash);
      if (here) shared += each.rarity;
      if (here || has(work.titles.front(), each.hash)) explained += each.rarity;
    }
    best = std::max(best, 2 * shared / (said + all));
    if (2 * shared >= 0.99 * (said + all)) rare = std::max(rare, shared - kRareTitle);
    if (&title != &work.titles.front() && all > kRareName && shared >= 0.99 * all) best = std::max(best, 0.5 + 0.5 * explained / said);
  }
  const auto& numbers = work.work.catalogue;
  if (std::any_of(numbers.begin(), numbers.end(), [](const CatalogueNumber& each) { return !each.part().empty(); })) rare = 0;
  return kTitleNothing + (kTitleWhole - kTitleNothing) * best + std::min(kRareTitleMost, kPerRarity * rare);
}

double Matcher::score_numbers(const Reading& reading, const Work& work) const {
  double score = 0;
  const ParsedTitle& text = reading.named();
  bool known = false;
  const MovementText& movement = reading.title.movement;
  const std::string member = movement.names_member && movement.number != 0 && !reading.work_in_album ? std::to_string(movement.number) : "";
  for (const CatalogueMention& mention : text.catalogue) {
    if (!has_code(repertoire_.composer(work.composer), mention.number.code) && mention.number.code != "op") {
      const auto owner = index_.owner_of(mention.number.code);
      if (owner && owner->composer != work.composer) score += kForeignCode * owner->share;
    }
    if (!holds(mention, work.composer)) continue;
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
    if (fits && !mention.other_edition.empty()) score += same_number(work, {said.code, mention.other_edition}) ? kOtherEditionFits : kOtherEditionWrong;
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
  if (work.movements.empty()) return score + (reading.work_in_album ? kMemberUnknown : 0);
  if (movement.number > work.movements.back().number) score += kMovementBeyond;
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

void Matcher::find_candidates(Reading& reading, std::size_t limit) const {
  std::vector<std::pair<WorkIndex, double>> found;
  const ParsedTitle& text = reading.named();
  std::unordered_map<std::uint32_t, double> gathered;
  gathered.reserve(kUsuallyFound);
  const auto wanted = [&](ComposerIndex composer) {
    if (!reading.composer_is_certain) return true;
    return std::any_of(reading.composers.begin(), reading.composers.end(), [&](const auto& match) { return match.composer == composer; });
  };
  for (const CatalogueMention& mention : text.catalogue) {
    for (const WorkIndex work : index_.with_base(mention.number.base().text())) {
      const Work& each = repertoire_.work(work);
      if (wanted(each.composer) && holds(mention, each.composer)) gathered[static_cast<std::uint32_t>(work)] += same_number(each, mention.number) ? 30 : 15;
    }
  }
  for (const auto& [term, rarity] : reading.terms) {
    if (!term) continue;
    const auto postings = index_.with_term(*term);
    for (const Index::Posting& posting : postings.first(std::min(postings.size(), kMostPostings))) {
      const Work& each = repertoire_.work(posting.work);
      if (wanted(each.composer)) gathered[static_cast<std::uint32_t>(posting.work)] += rarity * posting.weight;
    }
  }
  found.reserve(gathered.size());
  for (const auto& [work, weight] : gathered) {
    double total = weight;
    const auto index = static_cast<WorkIndex>(work);
    const auto& ordinal = index_.entry(index).ordinal;
    if (text.ordinal && ordinal && *text.ordinal == *ordinal) total += 3;
    if (const KeyMention* key = text.key_in(text.work); key && repertoire_.work(index).key == key->key.text()) total += 3;
    found.emplace_back(index, total);
  }
  const auto better = [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; };
  if (found.size() > limit) {
    std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(limit), found.end(), better);
    found.resize(limit);
  }
  for (const auto& [work, weight] : found) reading.candidates.push_back({work, score(reading, work), 0});
  if (stored_) find_stored(reading, limit);
  std::sort(reading.candidates.begin(), reading.candidates.end(), [](const Candidate& a, const Candidate& b) { return a.score != b.score ? a.score > b.score : a.work < b.work; });
  // Movement names are compared for those that may win only: it is the dear part.
  const double best = reading.candidates.empty() ? 0 : reading.candidates.front().score;
  for (Candidate& each : reading.candidates) {
    if (each.score < best - 6) break;
    each.score += score_movement(reading, each.work);
  }
  std::sort(reading.candidates.begin(), reading.candidates.end(), [](const Candidate& a, const Candidate& b) { return a.score != b.score ? a.score > b.score : a.work < b.work; });
  const double top = std::max(kNoneOfThese, reading.candidates.empty() ? 0 : reading.candidates.front().score);
  double total = std::exp(kNoneOfThese - top);
  for (Candidate& each : reading.candidates) total += each.probability = std::exp(each.score - top);
  for (Candidate& each : reading.candidates) each.probability /= total;
  reading.none = std::exp(kNoneOfThese - top) / total;
}

void Matcher::find_stored(Reading& reading, std::size_t limit) const {
  StoredQuery query;
  query.limit = limit;
  query.only_composers = reading.composer_is_certain;
  for (const auto& match : reading.composers) query.composers.push_back(match.composer);
  for (const StoredTerm& each : reading.stored_terms) query.terms.push_back(each.hash);
  for (const CatalogueMention& mention : reading.named().catalogue) {
    if (mention.certain) query.numbers.push_back(term_hash(mention.number.base().text()));
  }
  StoredWorks::Found found = stored_->find(query);
  for (std::size_t i = 0; i < reading.stored_terms.size(); ++i) reading.stored_terms[i].rarity = found.rarities[i];
  for (WorkHandle& each : found.works) {
    const double fits = score(reading, each);
    reading.candidates.push_back({std::move(each), fits, 0});
  }
}

std::optional<WorkHandle> Matcher::find(std::string_view id) const {
  if (const Work* own = repertoire_.find(id)) return WorkHandle(static_cast<WorkIndex>(own - repertoire_.works().data()));
  return stored_ ? stored_->find(id) : std::nullopt;
}

std::vector<Candidate> Matcher::search(std::string_view text, std::size_t limit) const {
  TrackInput input;
  input.title = std::string(text);
  Reading reading;
  reading.input = input;
  reading.title = parse_title(text, names_);
  // Everything counts for a search, also what would be a movement.
  reading.title.work = {0, reading.title.tokens.size()};
  find_composers(reading);
  reading.composer_is_certain = !reading.composers.empty() && reading.composers.front().certainty > 0.4;
  find_terms(reading);
  find_candidates(reading, std::max<std::size_t>(limit, kMostScored));
  if (reading.candidates.size() > limit) reading.candidates.resize(limit);
  return std::move(reading.candidates);
}

}  // namespace ghost::ariascribe
