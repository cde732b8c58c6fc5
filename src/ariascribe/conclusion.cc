#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "ariascribe/matcher.h"
#include "ariascribe/naming.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/terms.h"

namespace ghost::ariascribe {

namespace {

/// Below this a candidate is not believed.
constexpr double kBelieved = 0.8, kBelievedOfComposer = 0.5;  // without and with a composer that is named
/// Below this share of the candidates no composer is guessed: a wrong name is worse than none.
constexpr double kGuessed = 0.5;
constexpr double kSameMovement = 0.6, kSameWords = 0.999;
constexpr double kOwned = 0.7;  ///< share of a code's works from which the code names the composer
constexpr double kPlaysToo = 0.5;  ///< certainty that a name in front of a title is its composer, when players bear it too
constexpr double kPersonNamed = 0.6;  ///< certainty that a person in front of a title nobody knows composed it
constexpr double kApply = 0.97, kReview = 0.5;

/// The second half of an identification: from a reading and the work decided on to fields, reasons and a band.
class Conclusion {
 public:
  Conclusion(const Matcher& matcher, const Reading& reading, Matcher::Decided decided, const Index& index)
      : matcher_(matcher), repertoire_(matcher.repertoire()), reading_(reading), decided_(std::move(decided)), index_(index) {
    if (decided_.work) work_ = &matcher_.work(*decided_.work);
  }

  Identification run() {
    composer();
    work();
    catalogue();
    key();
    movement();
    performers();
    arranger();
    band();
    return std::move(out_);
  }

 private:
  void tell(std::string field, double confidence, std::string reason) { out_.reasons.push_back({std::move(field), std::clamp(confidence, 0.0, 1.0), std::move(reason)}); }

  void composer() {
    if (work_) {
      out_.composer = repertoire_.composer_of(*work_).name;
      double sum = 0;
      for (const Candidate& each : reading_.candidates) {
        if (matcher_.work(each.work).composer == work_->composer) sum += each.probability;
      }
      sum = std::max(sum, decided_.probability);
      if (reading_.composer_is_certain) tell("composer", std::max(sum, certainty_of(work_->composer)), "'" + reading_.composer_text + "' is named, and wrote this work");
      else tell("composer", sobered(sum), "who wrote " + work_->full_title());
      return;
    }
    if (reading_.composer_is_certain && !reading_.composer_text.empty()) {
      if (!reading_.composers.empty()) {
        out_.composer = repertoire_.composer(reading_.composers.front().composer).name;
        // "John Williams - Asturias": the guitarist.
        const bool plays_too = reading_.input.composer.empty() && matcher_.performers().known(out_.composer) != nullptr;
        if (plays_too) tell("composer", kPlaysToo * reading_.composers.front().certainty, "'" + reading_.composer_text + "' is named, who plays too");
        else tell("composer", reading_.composers.front().certainty, "'" + reading_.composer_text + "' is named");
      } else {
        out_.composer = reading_.composer_text;
        tell("composer", reading_.composer_is_guessed ? kPersonNamed : reading_.input.composer.empty() ? 0.88 : 0.94, "'" + reading_.composer_text + "' is named; the repertoire does not have this composer");
      }
      return;
    }
    guess_composer();
  }
  /// Scores of titles without a composer are surer than they should be (docs/ariascribe-accuracy.md).
  double sobered(double probability) const { return probability >= kApply || reading_.composer_is_certain ? probability : probability * probability; }
  double certainty_of(ComposerIndex composer) const {
    for (const auto& match : reading_.composers) {
      if (match.composer == composer) return match.certainty;
    }
    return 0;
  }

  /// No work is believed and nobody is named in front: a catalogue only one composer has, a name inside the title, or most of the
  /// candidates agreeing.
  void guess_composer() {
    for (const CatalogueMention& mention : reading_.named().catalogue) {
      const auto owner = index_.owner_of(mention.number.code);
      if (number_kind(mention.number) == NumberKind::edition || !owner || owner->share < kOwned) continue;
      out_.composer = repertoire_.composer(owner->composer).name;
      return tell("composer", owner->share * (mention.certain ? 0.97 : 0.85), display(mention.number) + " is a number of this composer's catalogue");
    }
    std::map<ComposerIndex, double> votes;
    for (const Candidate& each : reading_.candidates) votes[matcher_.work(each.work).composer] += each.probability;
    const auto best = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!reading_.composers.empty()) {
      const auto& named = reading_.composers.front();
      out_.composer = repertoire_.composer(named.composer).name;
      return tell("composer", 0.8 * named.certainty, "the name stands in the text");
    }
    if (best != votes.end() && best->second > kGuessed) {
      out_.composer = repertoire_.composer(best->first).name;
      tell("composer", sobered(best->second), "works of this composer come nearest");
    }
  }

  void work() {
    out_.work_id = work_ ? work_->id : "";
    const std::string_view text = reading_.named().work_text();
    if (work_) {
      collection_ = collection_said();
      out_.work = collection_ ? collection_->full_title() : with_numbers_as_said(work_->full_title(name_in_language(*work_, reading_.named().work_text()), numbers_to_tell()), *work_, reading_.named().catalogue);
      // Of an imported work not all movements may be known.
      const bool counted = work_->movements.empty() || work_->movements.back().number <= work_->movement_count();
      out_.movement_count = counted ? work_->movement_count() : 0;
      std::string reason = decided_.reason;
      if (reason.empty()) reason = why_this_work();
      return tell("work", sobered(decided_.probability), std::move(reason));
    }
    if (text.empty()) return;
    out_.work = trimmed(text);
    tell("work", reading_.names_work() && !reading_.named().catalogue.empty() ? 0.94 : 0.85, "as the text has it; the repertoire has no such work");
  }

  /// All numbers of the work where one of them stands in the text, else its first alone.
  std::size_t numbers_to_tell() const {
    const auto& said = reading_.named().catalogue;
    const auto is_own = [&](const CatalogueMention& each) {
      return std::any_of(work_->catalogue.begin(), work_->catalogue.end(), [&](const CatalogueNumber& has) { return has.base() == each.number.base(); });
    };
    return std::any_of(said.begin(), said.end(), is_own) ? work_->catalogue.size() : 1;
  }

  /// "The Well-Tempered Clavier, Book 1" where the text calls the work of BWV 851 so, and not a prelude and fugue.
  const Work* collection_said() const {
    if (decided_.work->stored || work_->catalogue.empty()) return nullptr;
    const auto found = index_.collection_of(work_->composer, work_->catalogue.front());
    if (!found) return nullptr;
    const Work& collection = repertoire_.work(*found);
    const std::string_view said = reading_.named().work_text();
    double named = movement_likeness(said, collection.title);
    for (const std::string& other : collection.also) named = std::max(named, movement_likeness(said, other));
    return named >= kSameMovement && named > movement_likeness(said, work_->title) ? &collection : nullptr;
  }

  /// BWV 851 is the sixth of BWV 846-869.
  int place_in_collection() const {
    const auto range = collection_->catalogue.front().range();
    const int number = std::atoi(work_->catalogue.front().number.c_str());
    return range && number >= range->first ? number - range->first + 1 : 0;
  }

  std::string why_this_work() const {
    const ParsedTitle& text = reading_.named();
    for (const CatalogueMention& mention : text.catalogue) {
      for (const CatalogueNumber& has : work_->catalogue) {
        if (has.base() != mention.number.base()) continue;
        return display(mention.number) + " stands in the " + (reading_.work_in_album ? "album's name" : "title") + "; " +
               (rivals() == 0 ? "one work of " + std::to_string(matcher_.size()) + " fits" : "it fits best of " + std::to_string(rivals() + 1));
      }
    }
    return std::string("its name is nearest to '") + std::string(trimmed(text.work_text())) + "'" + (rivals() == 0 ? ", and nothing else comes close" : "");
  }
  std::size_t rivals() const {
    std::size_t count = 0;
    for (const Candidate& each : reading_.candidates) count += each.probability > 0.01 && !(decided_.work && each.work == *decided_.work);
    return count;
  }

  bool holds(const CatalogueMention& mention) const {
    const bool anybodys = number_kind(mention.number) != NumberKind::edition;  // "CD 3" of nobody known is a disc
    if (mention.certain || out_.composer.empty()) return anybodys;
    for (const Composer& each : repertoire_.composers()) {
      if (each.name == out_.composer) return std::find(each.catalogues.begin(), each.catalogues.end(), mention.number.code) != each.catalogues.end();
    }
    return anybodys;
  }

  void catalogue() {
    std::vector<CatalogueNumber> said;
    for (const CatalogueMention& mention : reading_.named().catalogue) {
      if (!holds(mention)) continue;
      const CatalogueNumber number = with_part(mention.number);
      if (std::find(said.begin(), said.end(), number) == said.end()) said.push_back(number);
    }
    const auto own = [](const CatalogueNumber& each) { return number_kind(each) == NumberKind::own; };
    // "Waltzes, Op. 64: Waltz No. 7, Op. 64 No. 2": of the waltz.
    if (work_) std::erase_if(said, [&](const CatalogueNumber& each) { return each.part().empty() && std::any_of(said.begin(), said.end(), [&](const CatalogueNumber& other) { return other != each && other.base() == each && work_->has(other); }); });
    if (std::any_of(said.begin(), said.end(), own)) std::erase_if(said, [&](const CatalogueNumber& each) { return !own(each); });
    const bool known_otherwise = work_ && std::any_of(work_->catalogue.begin(), work_->catalogue.end(), own);
    if (known_otherwise) std::erase_if(said, [](const CatalogueNumber& each) { return number_kind(each) == NumberKind::edition; });
    for (const CatalogueNumber& each : said) out_.catalogue.push_back(each.text());
    if (!said.empty()) return tell("catalogue", work_ ? std::max(0.95, decided_.probability) : 0.95, "stands in the text");
    if (!work_ || work_->catalogue.empty()) return;
    // The catalogue's number first, then the opus it was printed as: "D. 760", "Op. 15".
    out_.catalogue.push_back(work_->catalogue.front().text());
    const auto opus = std::find_if(work_->catalogue.begin() + 1, work_->catalogue.end(), [](const CatalogueNumber& each) { return each.code == "op"; });
    if (opus != work_->catalogue.end() && work_->catalogue.front().code != "op") out_.catalogue.push_back(opus->text());
    tell("catalogue", decided_.probability, "the number of " + work_->title);
  }
  /// "Op. 27" of the work that is Op. 27 no. 2, and "Op. 28: no. 20" of a set whose members have numbers of their own.
  CatalogueNumber with_part(CatalogueNumber number) const {
    if (!work_ || !number.part().empty()) return number;
    if (!is_set()) {
      for (const CatalogueNumber& has : work_->catalogue) {
        if (has.base() == number) return has;
      }
      return number;
    }
    const CatalogueNumber member{number.code, number.number + "/" + std::to_string(member_number())};
    return number.code == "op" && member_number() != 0 && has_work(member) ? member : number;
  }
  bool has_work(const CatalogueNumber& number) const {
    const auto works = index_.with_number(number.text());
    return std::any_of(works.begin(), works.end(), [&](WorkIndex each) { return repertoire_.work(each).composer == work_->composer; });
  }
  bool is_set() const { return work_ && !work_->movements.empty() && work_->key.empty(); }

  void key() {
    const ParsedTitle& text = reading_.named();
    const KeyMention* said = text.key_in(text.work);
    const KeyMention* of_movement = reading_.title.key_in(reading_.title.movement_tokens);
    // "24 Preludes, Op. 28: No. 7 in A major": the member's key.
    if (of_movement && of_movement->explicit_mode && (!said || reading_.title.movement.names_member)) said = of_movement;
    if (said && said->explicit_mode) {
      out_.key = said->key.text();
      return tell("key", 0.99, "stands in the text");
    }
    const std::string known = known_key();
    if (said) {
      const bool agrees = known.starts_with(said->key.tonic + " ");
      out_.key = agrees ? known : said->key.text();
      return tell("key", agrees ? 0.98 : 0.7, agrees ? "stands in the text, and the work has it" : "a bare letter stands in the text");
    }
    if (known.empty()) return;
    out_.key = known;
    tell("key", decided_.probability, "the work's");
  }
  std::string known_key() const {
    if (!work_) return {};
    if (!work_->key.empty()) return work_->key;
    const int number = member_number();
    for (const Movement& each : work_->movements) {
      if (each.number == number) return each.key;
    }
    return {};
  }

  /// The number of a set's member, wherever it stands: behind a colon, in "Op. 28 No. 4", or as the title's own number.
  int member_number() const {
    // "Waltz No. 7, Op. 64 No. 2", which it is itself.
    const bool is_own = work_->movements.empty() && reading_.title.movement.names_member && matcher_.ordinal(*decided_.work) == reading_.title.movement.number && !work_->catalogue.empty() && !work_->catalogue.front().part().empty();
    if (reading_.title.movement.number != 0 && !is_own) return reading_.title.movement.number;
    if (!is_set()) return work_->movements.empty() ? number_in_opus() : 0;
    for (const CatalogueMention& mention : reading_.named().catalogue) {
      const std::string part = mention.number.part();
      const bool own = std::find(work_->catalogue.begin(), work_->catalogue.end(), mention.number) != work_->catalogue.end();
      if (!part.empty() && !own && part.size() <= 3 && part.find_first_not_of("0123456789") == std::string::npos) return std::stoi(part);
    }
    const auto ordinal = matcher_.ordinal(*decided_.work);
    if (reading_.title.ordinal && !ordinal && *reading_.title.ordinal <= work_->movements.back().number) return *reading_.title.ordinal;
    return 0;
  }

  /// "Op. 46 No. 8" of a piece in one movement, or of a set whose members are not known here; 0 where the part may have movements of its own.
  int number_in_opus() const {
    constexpr auto kOfSeveralMovements = std::to_array<std::string_view>({"concerto", "concertino", "divertimento", "duo", "octet", "partita", "quartet", "quintet", "septet", "serenade", "sextet", "sinfonietta", "sonata", "sonatina", "suite", "symphony", "trio"});
    const auto is_long = [&](const std::string& term) { return is_one_of(term, kOfSeveralMovements); };
    const auto said = terms_of(reading_.named().tokens);
    const auto form = work_ ? terms_of(tokenise(work_->form)) : std::vector<std::string>{};
    if (std::any_of(said.begin(), said.end(), is_long) || std::any_of(form.begin(), form.end(), is_long)) return 0;
    const auto name = tokenise(reading_.title.movement.name);
    if (!name.empty() && is_tempo(name.front().text)) return 0;
    const auto part_of = [](const CatalogueNumber& number) {
      const std::string part = number.part();
      const bool counted = (number.code == "op" || number.code == "woo") && !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == std::string::npos;
      return counted ? std::stoi(part) : 0;
    };
    for (const CatalogueMention& mention : reading_.named().catalogue) {
      if (const int part = part_of(mention.number); part != 0) return part;
    }
    // "Hungarian Dance No. 5" of the work that is WoO 1 No. 5.
    for (const CatalogueNumber& numbered : work_ ? work_->catalogue : std::vector<CatalogueNumber>{}) {
      if (const int part = part_of(numbered); part != 0 && reading_.named().ordinal == part) return part;
    }
    return 0;
  }

  void movement() {
    const MovementText& said = reading_.title.movement;
    std::string name = said.name;
    if (reading_.work_in_album && name.empty() && said.number == 0) name = trimmed(reading_.title.text);
    out_.movement_no = collection_ && said.number == 0 ? place_in_collection() : work_ ? member_number() : said.number != 0 ? said.number : number_in_opus();
    if (collection_ && said.number == 0 && out_.movement_no != 0) {
      tell("movement_no", 0.97, display(work_->catalogue.front()) + " is the " + std::to_string(out_.movement_no) + ". of " + display(collection_->catalogue.front()));
      out_.movement_count = 0;
      if (!name.empty()) out_.movement = without_capitals(name);
      if (!name.empty()) tell("movement", 0.9, "stands in the text");
      movement_fits_ = true;
      return;
    }
    const Movement* known = nullptr;
    double likeness = 0;
    if (work_) {
      for (const Movement& each : work_->movements) {
        const double now = name.empty() ? 0 : std::max(movement_likeness(name, each.title), movement_agrees(name, each.title) ? kSameMovement : 0.0);
        const bool numbered = out_.movement_no != 0 && each.number == out_.movement_no;
        if (out_.movement_no != 0 ? numbered : now > likeness) known = &each, likeness = now;
        movement_is_half_another_ |= !numbered && now >= kSameMovement && now < kSameWords;
      }
    }
    if (const int first = out_.movement_no == 0 && likeness < kSameWords ? first_of_several(name) : 0; first != 0) {
      out_.movement_no = first;
      out_.movement = without_capitals(name);
      tell("movement_no", 0.95 * decided_.probability, "the first of the movements that stand there");
      tell("movement", 0.9, "stands in the text");
      movement_fits_ = true;
      return;
    }
    if (out_.movement_no != 0) {
      const bool agrees = known && (name.empty() || movement_agrees(name, known->title));
      tell("movement_no", agrees ? 0.99 : work_ && !work_->movements.empty() ? 0.95 : 0.98, agrees ? "stands in the text, and the work has such a movement" : "stands in the text");
    } else if (known && known->number != 0 && likeness >= kSameMovement) {
      out_.movement_no = known->number;
      tell("movement_no", likeness * decided_.probability, "'" + known->title + "' is the work's number " + std::to_string(known->number));
    }
    if (!name.empty()) {
      // The same words in capitals or none, or spelled otherwise: the repertoire's way of writing them.
      const bool same = known && (likeness >= kSameWords || movement_likeness(without_brackets(name), known->title) >= kSameWords);
      out_.movement = same ? known->title : without_capitals(name);
      tell("movement", known && likeness >= kSameMovement ? 0.98 : 0.85, "stands in the text");
    } else if (known && out_.movement_no == known->number && !known->title.empty()) {
      out_.movement = known->title;
      tell("movement", 0.95 * decided_.probability, "number " + std::to_string(known->number) + " of the work");
    }
    // The text's own number, within the work, and a name none of the others has, or another of them wholly: spelled or counted otherwise
    // than here, as "Pictures at an Exhibition" with its promenades or without.
    const bool said_otherwise = out_.movement_no != 0 && !reading_.work_in_album && !movement_is_half_another_;
    movement_fits_ = known != nullptr && (name.empty() || movement_agrees(name, known->title) || said_otherwise);
  }

  /// "Allegro - Largo - Allegro" on one track: the first of those movements, which follow each other in the work. 0: these are not.
  int first_of_several(std::string_view name) const {
    if (!work_ || work_->movements.empty()) return 0;
    const auto names = movement_names(name);
    if (names.size() < 2 || names.size() > work_->movements.size()) return 0;
    for (std::size_t first = 0; first + names.size() <= work_->movements.size(); ++first) {
      bool all = true;
      for (std::size_t i = 0; i < names.size() && all; ++i) all = movement_agrees(names[i], work_->movements[first + i].title);
      if (!all) continue;
      for (std::size_t i = first; i < first + names.size(); ++i) {
        if (work_->movements[i].number != 0) return work_->movements[i].number;
      }
    }
    return 0;
  }

  void performers() {
    out_.performers = reading_.performers;
    // The composer in the artist tag plays only where nobody else does.
    if (out_.performers.size() > 1) {
      std::erase_if(out_.performers, [&](const Performer& each) { return each.role.empty() && each.name == out_.composer; });
    }
    if (out_.performers.empty()) return;
    const bool all_said = std::all_of(out_.performers.begin(), out_.performers.end(), [&](const Performer& each) { return !each.role.empty() || matcher_.performers().known(each.name) != nullptr; });
    std::string medium = work_ ? work_->medium : medium_of_title();
    matcher_.performers().complete(out_.performers, medium, work_ ? work_->form : "");
    tell("performers", all_said ? 0.99 : out_.performers.size() == 1 ? 0.9 : 0.6, all_said ? "names and roles that are known or said" : "roles by who plays with whom, and by what the work is for");
  }
  /// Instruments the title names: "Sonata for violin and piano", "Klavierkonzert".
  std::string medium_of_title() const {
    std::string medium;
    for (const std::string& term : terms_of(reading_.named().tokens)) {
      if (!is_instrument(term) || instrument_of(term).empty()) continue;
      if (!medium.empty()) medium += ", ";
      medium += term;
    }
    return medium;
  }

  void arranger() {
    for (const ParsedTitle* text : {&reading_.title, &reading_.album}) {
      if (text->arranger.empty()) continue;
      out_.arranger = text->arranger;
      return tell("arranger", 0.9, "'arr.' or its like stands in front of the name");
    }
  }

  void band() {
    const double composer = out_.confidence("composer"), work = out_.confidence("work");
    const bool movement_right = out_.movement_no == 0 ? !(work_ && work_->movements.size() > 1 && !out_.movement.empty()) : movement_fits_ || (work_ && work_->movements.empty());
    if (work_ && composer >= kApply && work >= kApply && movement_right) out_.band = Band::apply;
    else if (composer >= kReview && (!out_.work.empty() || !out_.movement.empty())) out_.band = Band::review;
    else out_.band = Band::leave;
  }

  const Matcher& matcher_;
  const Repertoire& repertoire_;
  const Reading& reading_;
  Matcher::Decided decided_;
  const Index& index_;
  const Work* work_ = nullptr;
  const Work* collection_ = nullptr;  ///< that the work is told as
  Identification out_;
  bool movement_fits_ = false, movement_is_half_another_ = false;
};

}  // namespace

/// The probability of what is said when `work` is decided on. A set and its member of the number that stands in the text are told alike
/// (docs/spec/ariascribe.md §5.3), so they are no rivals.
double Matcher::told_as(const Reading& reading, const WorkHandle& index) const {
  const Work& work = this->work(index);
  const std::string member = std::to_string(reading.title.movement.number);
  double sum = 0;
  for (const Candidate& each : reading.candidates) {
    const Work& other = this->work(each.work);
    const auto is_member = [&](const CatalogueNumber& own) {
      return own.part() == member && std::find(work.catalogue.begin(), work.catalogue.end(), own.base()) != work.catalogue.end();
    };
    const bool alike = each.work == index || (other.composer == work.composer && !work.movements.empty() && std::any_of(other.catalogue.begin(), other.catalogue.end(), is_member));
    if (alike) sum += each.probability;
  }
  return sum;
}

/// The likeliest work; of a set the member that the text gives its own number beside that in the set: "Waltzes, Op. 64: Waltz No. 7, Op. 64
/// No. 2" is the Waltz No. 7.
WorkHandle Matcher::member_named(const Reading& reading) const {
  const WorkHandle& first = reading.candidates.front().work;
  const MovementText& said = reading.title.movement;
  const auto& numbers = this->work(first).catalogue;
  if (said.number == 0 || !said.names_member || numbers.empty() || !numbers.front().part().empty()) return first;
  for (const Candidate& each : reading.candidates) {
    const Work& other = this->work(each.work);
    if (each.work == first || other.composer != this->work(first).composer || ordinal(each.work) != said.number) continue;
    const auto is_said = [&](const CatalogueMention& mention) { return !mention.number.part().empty() && mention.number.part() != std::to_string(said.number) && other.has(mention.number) && this->work(first).has(mention.number.base()); };
    if (std::any_of(reading.named().catalogue.begin(), reading.named().catalogue.end(), is_said)) return each.work;
  }
  return first;
}

Identification Matcher::conclude(const Reading& reading, const std::optional<Decided>& decided) const {
  Decided choice;
  if (decided) {
    choice = *decided;
  } else if (!reading.candidates.empty()) {
    const double probability = told_as(reading, reading.candidates.front().work);
    if (probability >= (reading.composer_is_certain ? kBelievedOfComposer : kBelieved)) choice = {member_named(reading), probability, {}};
  }
  return Conclusion(*this, reading, std::move(choice), index_).run();
}

}  // namespace ghost::ariascribe
