#include "ariascribe/album.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

namespace ghost::ariascribe {

namespace {

/// A work tracks may belong to: one of the repertoire's, or one only a track's own text names.
struct Hypothesis {
  std::optional<WorkHandle> work;
  std::size_t owner = 0;  ///< the track whose text names it
  int movements = 0;      ///< how many it has; 0: not known
};

// Logarithms of odds, as the matcher's.
constexpr double kGoesOn = 1.5, kGoesBack = -4, kChanges = -1.5, kStartsInside = -1, kReturns = -3;
constexpr double kOwnText = 5.5;         ///< a text fits the unknown work it names itself
constexpr double kAlone = 0.5, kAloneAnchored = -2, kAloneMovement = -3;  ///< a track that belongs to nothing around it
constexpr double kJoinsUnknown = -0.5;   ///< a name without number, key or form may be a part of an unknown work
constexpr double kPartAgrees = 4, kPartDiffers = -3;  ///< such a name against the parts of a known work
constexpr double kOtherText = -6;        ///< a text that names a work belongs to another one only its own words name
constexpr double kNamedLater = -3;       ///< a movement before the first track that names its work
constexpr double kNumberFits = 1, kNameFits = 2.5, kNameDiffers = -0.5, kNumberBeyond = -5;
constexpr double kCountsFit = 2;         ///< the album has as many tracks as the work has movements
constexpr double kWorthKeeping = 0.03;   ///< probability below which a candidate is not followed up
constexpr std::size_t kMostPerTrack = 3, kMostHypotheses = 120;
constexpr std::size_t kNobody = static_cast<std::size_t>(-1);  ///< owner of the hypothesis that a track stands alone

class AlbumSearch {
 public:
  AlbumSearch(const Matcher& matcher, const AlbumInput& album) : matcher_(matcher), repertoire_(matcher.repertoire()), album_(album) {}

  std::vector<Identification> run() {
    for (const TrackInput& track : album_.tracks) readings_.push_back(matcher_.read(with_album(track)));
    count_namesakes();
    gather();
    if (hypotheses_.size() == 1) return each_alone();
    find_path();
    return conclude();
  }

 private:
  TrackInput with_album(TrackInput track) const {
    if (track.artist.empty()) track.artist = album_.artist;
    return track;
  }
  std::vector<Identification> each_alone() const {
    std::vector<Identification> out;
    for (const Reading& reading : readings_) out.push_back(matcher_.conclude(reading));
    return out;
  }

  /// What several tracks say in the same words is said once.
  void count_namesakes() {
    std::map<std::string_view, double> said;
    for (const Reading& reading : readings_) ++said[reading.title.work_text()];
    for (const Reading& reading : readings_) weights_.push_back(1 / said[reading.title.work_text()]);
  }

  void gather() {
    std::map<WorkHandle, std::size_t> known;
    const auto follow = [&](const WorkHandle& work, std::size_t track) {
      if (hypotheses_.size() >= kMostHypotheses || !known.emplace(work, hypotheses_.size()).second) return;
      hypotheses_.push_back({work, track, matcher_.work(work).movement_count()});
    };
    hypotheses_.push_back({std::nullopt, kNobody, 0});
    for (std::size_t t = 0; t < readings_.size(); ++t) {
      const Reading& reading = readings_[t];
      if (reading.title.work.empty()) continue;
      std::size_t kept = 0;
      for (const Candidate& each : reading.candidates) {
        if (each.probability < kWorthKeeping || kept++ == kMostPerTrack) break;
        follow(each.work, t);
      }
      if (reading.none > kWorthKeeping && is_anchored(reading) && hypotheses_.size() < kMostHypotheses) add_unknown(t);
    }
    // An album that is one work: "Winterreise", with the songs as titles.
    if (album_.album.empty()) return;
    TrackInput whole;
    whole.album = album_.album;
    whole.artist = album_.artist;
    const Reading reading = matcher_.read(whole);
    if (!reading.candidates.empty() && reading.candidates.front().probability > 0.5) follow(reading.candidates.front().work, 0);
  }

  /// Whether a title can only be of a work of its own: by a number, a key, a composer in front or a movement behind.
  static bool is_anchored(const Reading& reading) {
    return !reading.title.catalogue.empty() || !reading.title.keys.empty() || !reading.title.composer_text.empty() || reading.title.ordinal || (!reading.title.movement_tokens.empty() && reading.title.movement.number != 0);
  }

  /// One hypothesis for all tracks that name the same unknown work.
  void add_unknown(std::size_t track) {
    for (const Hypothesis& each : hypotheses_) {
      if (!each.work && each.owner != kNobody && same_name(each.owner, track)) return;
    }
    hypotheses_.push_back({std::nullopt, track, 0});
  }
  bool same_name(std::size_t a, std::size_t b) const {
    const ParsedTitle &first = readings_[a].title, &second = readings_[b].title;
    if (!first.catalogue.empty() && !second.catalogue.empty()) return first.catalogue.front().number == second.catalogue.front().number;
    return movement_likeness(first.work_text(), second.work_text()) > 0.8 && first.ordinal == second.ordinal;
  }

  /// How well a track alone fits a hypothesis.
  double fit(std::size_t track, const Hypothesis& hypothesis) const {
    const Reading& reading = readings_[track];
    const bool names_work = !reading.title.work.empty();
    if (hypothesis.owner == kNobody) return !names_work ? kAloneMovement : is_anchored(reading) ? kAloneAnchored : kAlone;
    if (!hypothesis.work) {
      if (names_work && !is_anchored(reading)) return track > hypothesis.owner ? kJoinsUnknown : kOtherText;
      if (!names_work) return track < hypothesis.owner ? kOtherText : reading.title.movement.number > 0 ? kNumberFits : 0;
      return same_name(hypothesis.owner, track) ? kOwnText * weights_[track] : kOtherText;
    }
    double score = movement_fit(reading.title.movement, matcher_.work(*hypothesis.work));
    if (!names_work && track < hypothesis.owner) score += kNamedLater;
    if (hypothesis.movements > 1 && static_cast<std::size_t>(hypothesis.movements) == readings_.size() && !is_anchored(reading)) score += kCountsFit;
    if (names_work) {
      // A title that may be a movement's name ("Träumerei") can be of a work it does not name.
      const double named = matcher_.score(reading, *hypothesis.work) * weights_[track];
      const double as_part = is_anchored(reading) ? -100 : part_fit(reading, matcher_.work(*hypothesis.work));
      score += std::max(named, as_part);
    }
    return score;
  }
  static double part_fit(const Reading& reading, const Work& work) {
    const MovementText said = parse_movement(reading.title.text, reading.title.tokens);
    const bool agrees = std::any_of(work.movements.begin(), work.movements.end(), [&](const Movement& each) { return (said.number == 0 || each.number == said.number) && movement_agrees(said.name, each.title); });
    return agrees ? kPartAgrees : kPartDiffers;
  }
  double movement_fit(const MovementText& said, const Work& work) const {
    if (work.movements.empty()) return 0;
    double score = 0;
    if (said.number > work.movements.back().number) return kNumberBeyond;
    if (said.name.empty()) return said.number > 0 ? kNumberFits : 0;
    double best = 0;
    for (const Movement& each : work.movements) {
      if (said.number != 0 && each.number != said.number) continue;
      best = std::max({best, movement_likeness(said.name, each.title), movement_agrees(said.name, each.title) ? 0.7 : 0.0});
    }
    score += best > 0.3 ? kNameFits * best : kNameDiffers;
    return score;
  }

  /// From one track's work to the next one's.
  double step(std::size_t track, std::size_t from, std::size_t to) const {
    if (hypotheses_[from].owner == kNobody || hypotheses_[to].owner == kNobody) return from == to ? 0 : kChanges / 2;
    const int before = numbers_[track - 1][from], now = numbers_[track][to];
    if (from == to) {
      if (before != 0 && now != 0) return now > before ? kGoesOn + (now == before + 1 ? 0.5 : 0) : now == before ? 0 : kGoesBack;
      return kGoesOn;
    }
    double score = kChanges + (now > 1 ? kStartsInside : 0);
    // Back to a work that was left only to fill one track is less likely than a mistake.
    if (hypotheses_[to].owner < track - 1 && hypotheses_[from].owner > hypotheses_[to].owner) score += kReturns;
    return score;
  }
  /// The movement a track would be of a work; 0: cannot be told.
  int number_in(std::size_t track, const Hypothesis& hypothesis) const {
    const MovementText& said = readings_[track].title.movement;
    if (said.number != 0 || !hypothesis.work) return said.number;
    const std::string_view name = said.name.empty() && readings_[track].title.catalogue.empty() ? readings_[track].title.work_text() : std::string_view(said.name);
    if (name.empty()) return 0;
    double best = 0.5;
    int number = 0;
    for (const Movement& each : matcher_.work(*hypothesis.work).movements) {
      const double likeness = std::max(movement_likeness(name, each.title), movement_agrees(name, each.title) ? 0.55 : 0.0);
      // Two movements are "Allegro": their neighbours tell which.
      if (likeness == best) number = 0;
      if (likeness > best) best = likeness, number = each.number;
    }
    return number;
  }

  void find_path() {
    const std::size_t tracks = readings_.size(), states = hypotheses_.size();
    fits_.assign(tracks, std::vector<double>(states));
    numbers_.assign(tracks, std::vector<int>(states));
    for (std::size_t t = 0; t < tracks; ++t) {
      for (std::size_t h = 0; h < states; ++h) {
        fits_[t][h] = fit(t, hypotheses_[h]);
        numbers_[t][h] = number_in(t, hypotheses_[h]);
      }
    }
    find_best_path(tracks, states);
    weigh_all_paths(tracks, states);
  }
  void find_best_path(std::size_t tracks, std::size_t states) {
    std::vector<std::vector<std::size_t>> from(tracks, std::vector<std::size_t>(states, 0));
    std::vector<double> scores = fits_[0];
    for (std::size_t t = 1; t < tracks; ++t) {
      std::vector<double> next(states, -1e300);
      for (std::size_t to = 0; to < states; ++to) {
        for (std::size_t at = 0; at < states; ++at) {
          const double score = scores[at] + step(t, at, to) + fits_[t][to];
          if (score > next[to]) next[to] = score, from[t][to] = at;
        }
      }
      scores = std::move(next);
    }
    path_.assign(tracks, 0);
    path_.back() = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    for (std::size_t t = tracks - 1; t > 0; --t) path_[t - 1] = from[t][path_[t]];
  }

  /// The share of all paths that go through each hypothesis at each track: forwards, then backwards.
  void weigh_all_paths(std::size_t tracks, std::size_t states) {
    std::vector<double> terms(states);
    const auto log_sum = [&] {
      const double top = *std::max_element(terms.begin(), terms.end());
      double sum = 0;
      for (const double each : terms) sum += std::exp(each - top);
      return top + std::log(sum);
    };
    auto before = fits_, after = fits_;
    for (std::size_t t = 1; t < tracks; ++t) {
      for (std::size_t to = 0; to < states; ++to) {
        for (std::size_t at = 0; at < states; ++at) terms[at] = before[t - 1][at] + step(t, at, to);
        before[t][to] = fits_[t][to] + log_sum();
      }
    }
    after.back().assign(states, 0);
    for (std::size_t t = tracks - 1; t > 0; --t) {
      for (std::size_t at = 0; at < states; ++at) {
        for (std::size_t to = 0; to < states; ++to) terms[to] = step(t, at, to) + fits_[t][to] + after[t][to];
        after[t - 1][at] = log_sum();
      }
    }
    terms = before.back();
    const double all = log_sum();
    for (std::size_t t = 0; t < tracks; ++t) shares_.push_back(std::exp(before[t][path_[t]] + after[t][path_[t]] - all));
  }

  std::vector<Identification> conclude() {
    std::vector<Identification> out;
    for (std::size_t t = 0; t < readings_.size(); ++t) out.push_back(conclude_track(t, out));
    number_by_place(out);
    tell_works_alike(out);
    share_composer(out);
    return out;
  }

  Identification conclude_track(std::size_t track, const std::vector<Identification>& done) {
    const Hypothesis& hypothesis = hypotheses_[path_[track]];
    Reading& reading = readings_[track];
    const bool names_work = !reading.title.work.empty();
    if (hypothesis.owner == kNobody) return matcher_.conclude(reading);
    Matcher::Decided decided;
    if (hypothesis.work) {
      decided.work = hypothesis.work;
      decided.probability = shares_[track];
      if (!names_work) decided.reason = "the tracks around it are of this work, and its movement fits";
      else if (!as_candidate(reading, *hypothesis.work)) as_movement(reading, matcher_.work(*hypothesis.work), decided);
      return matcher_.conclude(reading, decided);
    }
    const bool part = names_work && !is_anchored(reading) && track > hypothesis.owner;
    if (part) read_as_part(reading);
    Identification own = matcher_.conclude(reading, decided);
    if ((names_work && !part) || hypothesis.owner >= done.size()) return own;
    // The work that an earlier track names in full.
    const Identification& owner = done[hypothesis.owner];
    for (const std::string_view field : {"composer", "work", "catalogue", "key"}) {
      std::erase_if(own.reasons, [&](const FieldReason& each) { return each.field == field; });
      own.reasons.push_back({std::string(field), 0.85 * owner.confidence(field), "track " + std::to_string(hypothesis.owner + 1) + " names the work, and this one goes on with it"});
    }
    own.composer = owner.composer;
    own.work = owner.work;
    own.catalogue = owner.catalogue;
    own.key = owner.key;
    own.band = std::min(Band::review, owner.band);
    return own;
  }
  static bool as_candidate(const Reading& reading, const WorkHandle& work) {
    return std::any_of(reading.candidates.begin(), reading.candidates.end(), [&](const Candidate& each) { return each.work == work && each.probability > kWorthKeeping; });
  }
  static void read_as_part(Reading& reading) {
    reading.title.movement = parse_movement(reading.title.text, reading.title.tokens);
    reading.title.movement_tokens = {0, reading.title.tokens.size()};
    reading.title.work = {};
  }
  /// What was taken for a work's name is a movement's.
  void as_movement(Reading& reading, const Work& work, Matcher::Decided& decided) const {
    if (is_anchored(reading) || part_fit(reading, work) < 0) return;
    read_as_part(reading);
    decided.reason = "'" + reading.title.movement.name + "' is a part of the work the album is of";
  }

  /// Runs of tracks of one work: a movement that has no number has the one its neighbours leave for it.
  void number_by_place(std::vector<Identification>& tracks) const {
    for (std::size_t first = 0; first < tracks.size();) {
      std::size_t last = first + 1;
      while (last < tracks.size() && path_[last] == path_[first]) ++last;
      const Hypothesis& hypothesis = hypotheses_[path_[first]];
      if (hypothesis.owner != kNobody && last - first > 1) number_run(std::span(tracks).subspan(first, last - first), first, hypothesis);
      first = last;
    }
  }
  void number_run(std::span<Identification> run, std::size_t first, const Hypothesis& hypothesis) const {
    const Work* work = hypothesis.work ? &matcher_.work(*hypothesis.work) : nullptr;
    for (std::size_t i = 0; i < run.size(); ++i) {
      const MovementText& said = readings_[first + i].title.movement;
      if (said.number != 0 || run[i].movement.empty() || fits_at(work, 0, said.name)) continue;
      const int before = i > 0 ? run[i - 1].movement_no : 0, after = i + 1 < run.size() ? run[i + 1].movement_no : 0;
      int place = before != 0 ? before + 1 : i > 0 ? 0 : after > 1 ? after - 1 : 0;
      if (place == 0 && i == 0 && run.size() == static_cast<std::size_t>(hypothesis.movements)) place = 1;
      if (place == 0 || run[i].movement_no == place || (hypothesis.movements != 0 && place > hypothesis.movements)) continue;
      if (after != 0 && readings_[first + i + 1].title.movement.number != 0 && place >= after) continue;
      if (run[i].movement_no > before && !fits_at(work, place, said.name)) continue;
      run[i].movement_no = place;
      std::erase_if(run[i].reasons, [](const FieldReason& each) { return each.field == "movement_no"; });
      run[i].reasons.push_back({"movement_no", fits_at(work, place, said.name) ? 0.9 : 0.75, "the place its neighbours leave for it"});
    }
  }
  static bool fits_at(const Work* work, int number, std::string_view name) {
    if (!work) return false;
    return std::any_of(work->movements.begin(), work->movements.end(), [&](const Movement& each) { return each.number == number && movement_agrees(name, each.title); });
  }

  /// A track that names no work has its work's name and numbers as the first track that names it.
  void tell_works_alike(std::vector<Identification>& tracks) const {
    std::map<std::size_t, std::size_t> named;  // by hypothesis, the first track
    for (std::size_t t = 0; t < tracks.size(); ++t) {
      if (hypotheses_[path_[t]].work && !readings_[t].title.work.empty() && !readings_[t].title.catalogue.empty()) named.emplace(path_[t], t);
    }
    for (std::size_t t = 0; t < tracks.size(); ++t) {
      const auto like = named.find(path_[t]);
      if (like == named.end() || !readings_[t].title.work.empty()) continue;
      const Work& work = matcher_.work(*hypotheses_[path_[t]].work);
      const Identification& other = tracks[like->second];
      tracks[t].work = other.work;
      // A number of a catalogue that is not known here says nothing against it.
      const auto of_work = [&](const std::string& text) {
        const auto number = parse_catalogue_number(text);
        return number && (std::none_of(work.catalogue.begin(), work.catalogue.end(), [&](const CatalogueNumber& own) { return own.code == number->code; }) ||
                          std::any_of(work.catalogue.begin(), work.catalogue.end(), [&](const CatalogueNumber& own) { return own == *number || own.letterless() == *number; }));
      };
      if (!other.catalogue.empty() && std::all_of(other.catalogue.begin(), other.catalogue.end(), of_work)) tell_numbers_of(other, like->second, tracks[t]);
    }
  }

  static void tell_numbers_of(const Identification& other, std::size_t place, Identification& into) {
    into.catalogue = other.catalogue;
    std::erase_if(into.reasons, [](const FieldReason& each) { return each.field == "catalogue"; });
    for (const FieldReason& each : other.reasons) {
      if (each.field == "catalogue") into.reasons.push_back({each.field, each.confidence, "of track " + std::to_string(place + 1) + ": " + each.reason});
    }
  }

  /// Tracks nobody is named on get the composer all others have.
  static void share_composer(std::vector<Identification>& tracks) {
    std::map<std::string, std::size_t> votes;
    for (const Identification& each : tracks) {
      if (each.confidence("composer") > 0.6) ++votes[each.composer];
    }
    if (votes.size() != 1 || votes.begin()->second * 2 < tracks.size()) return;
    for (Identification& each : tracks) {
      if (each.confidence("composer") > 0.6) continue;
      each.composer = votes.begin()->first;
      std::erase_if(each.reasons, [](const FieldReason& reason) { return reason.field == "composer"; });
      each.reasons.push_back({"composer", 0.8, "the other tracks are all of this composer"});
    }
  }

  const Matcher& matcher_;
  const Repertoire& repertoire_;
  const AlbumInput& album_;
  std::vector<Reading> readings_;
  std::vector<Hypothesis> hypotheses_;
  std::vector<std::vector<double>> fits_;  ///< [track][hypothesis]
  std::vector<std::vector<int>> numbers_;  ///< [track][hypothesis], the movement it would be
  std::vector<double> weights_;            ///< of each track's own words
  std::vector<double> shares_;             ///< of each track, the certainty of its place on the path
  std::vector<std::size_t> path_;          ///< the hypothesis of each track
};

}  // namespace

std::vector<Identification> identify_album(const Matcher& matcher, const AlbumInput& album) {
  if (album.tracks.empty()) return {};
  return AlbumSearch(matcher, album).run();
}

}  // namespace ghost::ariascribe
