#include "ariascribe/matcher.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr int kFirstRecords = 1890;
constexpr double kMoved = 0.9;        ///< probability from which an artist field is believed to hold the title
constexpr double kPersonInFront = 0.3;///< probability of a work from which a name in front of it is taken for a part of its own name
constexpr double kNoneOfThese = 5.5;  ///< the score a work must pass to be likelier than none
/// So many postings of one term are looked at, and so many candidates scored in full.
constexpr std::size_t kMostPostings = 20'000, kMostScored = 40;

/// What works have gathered, by their index; all 0 between two uses.
struct GatheredWorks {
  void add(WorkIndex work, double weight) {
    double& sum = sums[static_cast<std::size_t>(work)];
    if (sum == 0) touched.push_back(work);
    sum += weight;
  }
  std::vector<double> sums;
  std::vector<WorkIndex> touched;
};

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
    if (const auto book = book_at(text.tokens, i)) found.push_back("#" + std::to_string(*book));
    else for (std::string& term : terms_of(std::span(text.tokens).subspan(i, 1))) found.push_back(std::move(term));
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

void Matcher::find_candidates(Reading& reading, std::size_t limit) const {
  const ParsedTitle& text = reading.named();
  // Kept from call to call: a table of hashes would cost more than all that is added up in it.
  thread_local GatheredWorks gathered;
  if (gathered.sums.size() < repertoire_.works().size()) gathered.sums.resize(repertoire_.works().size());
  const auto wanted = [&](ComposerIndex composer) {
    if (!reading.composer_is_certain) return true;
    return std::any_of(reading.composers.begin(), reading.composers.end(), [&](const auto& match) { return match.composer == composer; });
  };
  for (const CatalogueMention& mention : text.catalogue) {
    for (const WorkIndex work : index_.with_base(mention.number.base().text())) {
      const Work& each = repertoire_.work(work);
      if (wanted(each.composer) && holds(mention, each.composer)) gathered.add(work, each.has(mention.number) ? 30 : 15);
    }
  }
  for (const auto& [term, rarity] : reading.terms) {
    if (!term) continue;
    const auto postings = index_.with_term(*term);
    for (const Index::Posting& posting : postings.first(std::min(postings.size(), kMostPostings))) {
      if (wanted(index_.brief(posting.work).composer)) gathered.add(posting.work, rarity * posting.weight);
    }
  }
  std::vector<std::pair<WorkIndex, double>> found;
  found.reserve(gathered.touched.size());
  const KeyMention* const said_key = text.key_in(text.work);
  const auto key = said_key ? index_.key(said_key->key.text()) : std::nullopt;
  for (const WorkIndex work : gathered.touched) {
    const Index::Brief& brief = index_.brief(work);
    double total = std::exchange(gathered.sums[static_cast<std::size_t>(work)], 0);
    if (text.ordinal && text.ordinal == brief.ordinal) total += 3;
    if (key && key == brief.key) total += 3;
    found.emplace_back(work, total);
  }
  gathered.touched.clear();
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
