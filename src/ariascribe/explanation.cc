#include "ariascribe/explanation.h"

#include <algorithm>
#include <array>

#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostConsidered = 10;
constexpr double kAlike = 0.5;  ///< movement names from here on

std::string joined_words(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& each : words) out += (out.empty() ? "'" : ", '") + each + "'";
  return out;
}

std::string shown_key(const std::string& text) {
  const auto key = parse_key(text);
  return key ? key->display() : text;
}

/// Says of one work what of a reading it answers to.
class Comparison {
 public:
  Comparison(const Matcher& matcher, const Reading& reading, Considered& into) : matcher_(matcher), reading_(reading), work_(matcher.work(into.work)), into_(into) {}

  void run() {
    compare_composer();
    compare_numbers();
    compare_key();
    compare_ordinal();
    compare_words();
    compare_movement();
  }

 private:
  void fits(std::string why) { into_.fits.push_back(std::move(why)); }
  void lost(std::string why) { into_.lost_by.push_back(std::move(why)); }

  void compare_composer() {
    if (reading_.composers.empty()) return;
    const std::string& own = matcher_.repertoire().composer_of(work_).name;
    const bool named = std::any_of(reading_.composers.begin(), reading_.composers.end(), [&](const auto& match) { return match.composer == work_.composer; });
    if (named) return fits(own + " is named");
    const std::string said = reading_.composer_text.empty() ? matcher_.repertoire().composer(reading_.composers.front().composer).name : "'" + reading_.composer_text + "'";
    lost("it is by " + own + ", and " + said + " is named");
  }

  void compare_numbers() {
    for (const CatalogueMention& mention : reading_.named().catalogue) {
      const CatalogueNumber& said = mention.number;
      std::string other;
      bool same = false, of_same_base = false;
      for (const CatalogueNumber& has : work_.catalogue) {
        if (has.code != said.code) continue;
        same |= has == said;
        of_same_base |= has.base() == said.base();
        other = display(has);
      }
      if (same) fits(display(said) + " stands in the text");
      else if (of_same_base) fits("a part of " + display(said.base()) + " stands in the text, and it is " + other);
      else if (!other.empty()) lost("it is " + other + ", and " + display(said) + " stands in the text");
      else if (mention.certain) lost("it has no number " + display(said));
    }
  }

  void compare_key() {
    const KeyMention* said = reading_.named().key_in(reading_.named().work);
    if (!said || work_.key.empty()) return;
    const bool same = said->explicit_mode ? said->key.text() == work_.key : work_.key.starts_with(said->key.tonic + " ");
    if (same) fits("it is in " + shown_key(work_.key) + ", as the text says");
    else lost("it is in " + shown_key(work_.key) + ", and the text says " + (said->explicit_mode ? said->key.display() : said->key.tonic));
  }

  void compare_ordinal() {
    const auto said = reading_.named().ordinal, own = matcher_.ordinal(into_.work);
    if (!said || !own) return;
    if (*said == *own) fits("it is No. " + std::to_string(*own));
    else lost("it is No. " + std::to_string(*own) + ", and the text says No. " + std::to_string(*said));
  }

  void compare_words() {
    const ParsedTitle& text = reading_.named();
    std::vector<std::string> shared, missing;
    std::vector<std::string> own;
    const WorkWords words = words_of(work_);
    for (const auto& title : words.titles) own.insert(own.end(), title.begin(), title.end());
    own.insert(own.end(), words.forms.begin(), words.forms.end());
    const auto skipped = [&](std::size_t i) {
      const auto inside = [&](const auto& each) { return i >= each.first && i < each.last; };
      return std::any_of(text.catalogue.begin(), text.catalogue.end(), inside) || std::any_of(text.keys.begin(), text.keys.end(), inside) || std::any_of(text.names.begin(), text.names.end(), inside);
    };
    for (std::size_t i = text.work.first; i < std::min(text.work.last, text.tokens.size()); ++i) {
      if (skipped(i) || !text.tokens[i].is_word()) continue;
      const auto terms = terms_of(std::span(text.tokens).subspan(i, 1));
      if (terms.empty()) continue;
      const bool has = std::all_of(terms.begin(), terms.end(), [&](const std::string& term) { return std::find(own.begin(), own.end(), term) != own.end(); });
      auto& list = has ? shared : missing;
      if (std::find(list.begin(), list.end(), text.tokens[i].text) == list.end()) list.push_back(text.tokens[i].text);
    }
    if (!shared.empty()) fits("its names have " + joined_words(shared));
    if (!missing.empty()) lost("its names do not have " + joined_words(missing));
  }

  void compare_movement() {
    const MovementText& said = reading_.title.movement;
    if (work_.movements.empty()) return;
    const int last = work_.movements.back().number;
    if (said.number > last) return lost("it has " + std::to_string(last) + " movements, and the text says number " + std::to_string(said.number));
    if (said.name.empty()) return;
    const Movement* best = nullptr;
    double alike = 0;
    for (const Movement& each : work_.movements) {
      const double likeness = movement_likeness(said.name, each.title) + (each.number == said.number ? 0.1 : 0);
      if (likeness > alike) alike = likeness, best = &each;
    }
    if (best && (alike >= kAlike || movement_agrees(said.name, best->title))) fits("its number " + std::to_string(best->number) + " is '" + best->title + "'");
    else lost("it has no movement '" + said.name + "'");
  }

  const Matcher& matcher_;
  const Reading& reading_;
  const Work& work_;
  Considered& into_;
};

std::string value_of(const Identification& found, std::string_view field) {
  if (field == "composer") return found.composer;
  if (field == "arranger") return found.arranger;
  if (field == "work") return found.work;
  if (field == "key") return found.key;
  if (field == "movement") return found.movement;
  if (field == "movement_no") return found.movement_no == 0 ? "" : std::to_string(found.movement_no);
  std::string out;
  if (field == "catalogue") {
    for (const std::string& each : found.catalogue) out += (out.empty() ? "" : ", ") + each;
  } else {
    for (const Performer& each : found.performers) {
      const std::string& as = each.instrument.empty() ? each.role : each.instrument;
      out += (out.empty() ? "" : "; ") + each.name + (as.empty() ? "" : " (" + as + ")");
    }
  }
  return out;
}

std::string reason_of(const Identification& found, std::string_view field) {
  for (const FieldReason& each : found.reasons) {
    if (each.field == field) return each.reason;
  }
  return "the tracks around it say so";
}

std::vector<AlbumStep> steps_between(const Identification& alone, const Identification& together) {
  constexpr auto kFields = std::to_array<std::string_view>({"composer", "arranger", "work", "catalogue", "key", "movement_no", "movement", "performers"});
  std::vector<AlbumStep> steps;
  for (const std::string_view field : kFields) {
    std::string before = value_of(alone, field), after = value_of(together, field);
    if (before != after) steps.push_back({std::string(field), std::move(before), std::move(after), reason_of(together, field)});
  }
  return steps;
}

}  // namespace

Explanation explain(const Matcher& matcher, const AlbumInput& album, std::size_t track) {
  // The same texts as the album step reads.
  TrackInput input = album.tracks[track];
  if (input.album.empty()) input.album = album.album;
  if (input.artist.empty()) input.artist = album.artist;
  const Reading reading = matcher.read(input);
  Explanation out;
  const Identification alone = matcher.conclude(reading);
  out.found = album.tracks.size() == 1 ? alone : identify_album(matcher, album)[track];
  out.none = reading.none;
  if (album.tracks.size() > 1) out.changed = steps_between(alone, out.found);
  const auto chosen = out.found.work_id.empty() ? std::nullopt : matcher.find(out.found.work_id);
  for (const Candidate& each : reading.candidates) {
    const bool is_chosen = chosen && each.work == *chosen;
    if (out.considered.size() == kMostConsidered && !is_chosen) continue;
    if (out.considered.size() == kMostConsidered) out.considered.pop_back();
    out.considered.push_back({each.work, each.probability, is_chosen, {}, {}});
  }
  if (chosen && std::none_of(out.considered.begin(), out.considered.end(), [](const Considered& each) { return each.chosen; })) {
    // Only its neighbours name it.
    if (out.considered.size() == kMostConsidered) out.considered.pop_back();
    out.considered.push_back({*chosen, 0, true, {}, {}});
  }
  for (Considered& each : out.considered) {
    Comparison(matcher, reading, each).run();
    if (each.chosen) {
      if (album.tracks.size() > 1 && each.probability < kAlike) each.fits.emplace_back("the tracks around it are of this work");
    } else if (each.lost_by.empty() && chosen) {
      each.lost_by.emplace_back("nothing the texts say; the one that was chosen answers to more of them, or is heard more often");
    }
  }
  return out;
}

}  // namespace ghost::ariascribe
