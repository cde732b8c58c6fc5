#include "performance.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <tuple>

#include "base/text.h"
#include "tempo_map.h"

namespace ghost::disc {

namespace {

constexpr std::size_t kMostPlayedNotes = 200'000;
constexpr double kLongestPiece = 3'600;
constexpr Tick kLongestGap = kWhole / 16;  ///< a long note is not cut shorter than this by its voice's touch
constexpr Tick kRoll = kWhole / 48;        ///< between the notes of a rolled chord
constexpr double kPedalUp = 0.06;          ///< seconds the dampers touch the strings at a change

/// A note on its place in the whole piece, and where it stands for messages.
struct Placed {
  Note note;
  std::size_t section = 0;
  int volume_change = 0;
};

/// The piece with its repeats unfolded.
struct Unfolded {
  std::vector<std::vector<Placed>> notes;       ///< by voice
  std::vector<std::vector<Dynamic>> dynamics;   ///< by voice, the common ones among them
  std::vector<Tempo> tempos;
  std::vector<Pedal> pedals;
  std::vector<Fermata> fermatas;
  Tick length = 0;
};

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more, Tick offset) {
  for (T one : more) {
    one.at += offset;
    all.push_back(one);
  }
}

Result<Unfolded> unfold(const Score& score) {
  Unfolded piece;
  piece.notes.resize(score.voices.size());
  piece.dynamics.resize(score.voices.size());
  std::size_t count = 0;
  for (const std::size_t index : score.form) {
    const Section& section = score.sections[index];
    append(piece.tempos, section.tempos, piece.length);
    append(piece.pedals, section.pedals, piece.length);
    append(piece.fermatas, section.fermatas, piece.length);
    for (std::size_t voice = 0; voice < score.voices.size(); ++voice) {
      std::vector<Dynamic> both;  // at the same tick the voice's own comes last and holds
      std::ranges::merge(section.dynamics, section.voice_dynamics[voice], std::back_inserter(both), {}, &Dynamic::at, &Dynamic::at);
      append(piece.dynamics[voice], both, piece.length);
      for (Note note : section.notes[voice]) {
        note.start += piece.length;
        piece.notes[voice].push_back({note, index, 0});
      }
      count += section.notes[voice].size();
    }
    if (count > kMostPlayedNotes) return Error{Errc::exhausted, "more than 200,000 notes with all repeats"};
    piece.length += section.length;
  }
  std::ranges::sort(piece.fermatas, {}, [](const Fermata& f) { return std::pair(f.at, f.length); });
  return piece;
}

/// Joins notes that are tied.
Result<std::vector<Placed>> join_ties(const std::vector<Placed>& notes, const Score& score, std::size_t voice) {
  std::vector<Placed> joined;
  std::map<int, std::size_t> open;  // pitch → its tied note in `joined`
  for (const Placed& placed : notes) {
    const auto held = open.find(placed.note.pitch);
    if (held != open.end() && joined[held->second].note.start + joined[held->second].note.length == placed.note.start) {
      joined[held->second].note.length += placed.note.length;
      if (!placed.note.tied) open.erase(held);
      continue;
    }
    if (placed.note.tied && held == open.end()) open[placed.note.pitch] = joined.size();
    joined.push_back(placed);
  }
  if (open.empty()) return joined;
  const Placed& loose = joined[open.begin()->second];
  return Error{Errc::malformed, fmt::format("section {}, voice {}: a tie of key {} leads to no note",
                                            printable(score.sections[loose.section].name),
                                            printable(score.voices[voice].name), loose.note.pitch)};
}

/// Gives grace notes their time, which they take from the note or chord after them.
void place_graces(std::vector<Placed>& notes) {
  for (std::size_t i = 0; i < notes.size(); ++i) {
    Note& main = notes[i].note;
    if (main.grace || main.graces_before == 0) continue;
    const Tick written = main.start;
    Tick unit = 0;
    for (std::size_t k = i; k-- > 0 && notes[k].note.start == written;) {
      Note& grace = notes[k].note;
      if (!grace.grace) continue;
      unit = std::min(grace.length, main.length / (2 * main.graces_before));
      grace.start = written + unit * grace.rolled;
      grace.length = unit;
      notes[k].volume_change = -8;
    }
    for (std::size_t k = i; k < notes.size() && notes[k].note.start == written && !notes[k].note.grace; ++k) {
      Note& struck = notes[k].note;
      struck.start += unit * struck.graces_before;
      struck.length -= unit * struck.graces_before;
      struck.graces_before = 0;
    }
  }
}

/// Writes an ornament out as small notes; others stay as they are.
void write_out(const Placed& placed, std::vector<Placed>& out) {
  const Note& note = placed.note;
  constexpr Tick kSmall = kWhole / 32;
  if (note.ornament == Ornament::none || note.length < 4 * (kSmall / 2)) return out.push_back(placed);
  const Tick small = note.length >= 4 * kSmall ? kSmall : kSmall / 2;
  const int other = note.ornament == Ornament::mordent ? note.below : note.above;
  // Mordent: main, lower, main. Prall: upper, main, upper, main. Trill: the same, to the end of the note.
  const Tick count = note.ornament == Ornament::mordent ? 3 : note.ornament == Ornament::prall ? 4 : note.length / small / 2 * 2;
  const bool main_first = note.ornament == Ornament::mordent;
  for (Tick i = 0; i < count; ++i) {
    Placed one = placed;
    one.note.ornament = Ornament::none;
    one.note.touch = Touch::tenuto;
    one.note.pitch = (i % 2 == 0) == main_first ? note.pitch : other;
    one.note.start += small * i;
    one.note.length = i + 1 < count ? small : note.length - small * (count - 1);
    one.volume_change = i == 0 ? 0 : -6;
    if (i + 1 == count) one.note.touch = note.touch;
    out.push_back(one);
  }
}

double loudness(const std::vector<Dynamic>& dynamics, Tick at) {
  const auto after = std::ranges::upper_bound(dynamics, at, {}, &Dynamic::at);
  if (after == dynamics.begin()) return 76;
  const Dynamic& now = *(after - 1);
  if (now.over <= 0) return now.to;
  return now.from + (now.to - now.from) * std::min(1.0, static_cast<double>(at - now.at) / static_cast<double>(now.over));
}

/// A hand is never quite even: -2…2, always the same for the same note of a piece.
int unevenness(std::size_t index) {
  const auto mixed = static_cast<std::uint32_t>(index) * 2'654'435'761u;
  return static_cast<int>((mixed >> 24) % 5) - 2;
}

Tick sounding(const Note& note, const Voice& voice) {
  switch (note.touch) {
    case Touch::staccato: return std::max<Tick>(note.length / 2, 1);
    case Touch::tenuto: return note.length;
    case Touch::plain: break;
  }
  return note.length - std::min(note.length * (100 - voice.touch) / 100, kLongestGap);
}

class Player {
 public:
  Player(const Score& score, const Unfolded& piece) : score_(score), piece_(piece), map_(piece.tempos, piece.fermatas) {}

  Result<Performance> play() {
    played_.voices = score_.voices;
    played_.length = map_.seconds(piece_.length);
    if (played_.length > kLongestPiece) return Error{Errc::exhausted, "the piece lasts longer than an hour"};
    for (std::size_t voice = 0; voice < score_.voices.size(); ++voice)
      if (Status done = play_voice(voice); !done) return done.error();
    const auto order = [](const Strike& s) { return std::tuple(s.start, s.voice, s.pitch, s.end, s.velocity); };
    std::ranges::sort(played_.strikes, {}, order);
    work_pedal();
    return std::move(played_);
  }

 private:
  Status play_voice(std::size_t voice) {
    auto notes = join_ties(piece_.notes[voice], score_, voice);
    if (!notes) return notes.error();
    place_graces(*notes);
    std::vector<Placed> small;
    for (const Placed& placed : *notes) write_out(placed, small);
    for (const Placed& placed : small) strike(placed, voice);
    return {};
  }

  void strike(const Placed& placed, std::size_t voice) {
    const Note& note = placed.note;
    const Tick roll = std::min(kRoll * (note.grace ? 0 : note.rolled), note.length / 2);
    const double level = loudness(piece_.dynamics[voice], note.start) * score_.voices[voice].volume / 100;
    const int velocity = static_cast<int>(level) + (note.downbeat ? 4 : 0) + (note.accented ? 14 : 0) + placed.volume_change +
                         unevenness(played_.strikes.size());
    played_.strikes.push_back({map_.seconds(note.start + roll), map_.seconds(note.start + sounding(note, score_.voices[voice])), voice,
                               note.pitch, std::clamp(velocity, 1, 127)});
  }

  void work_pedal() {
    for (std::size_t i = 0; i < piece_.pedals.size(); ++i) {
      const Pedal& pedal = piece_.pedals[i];
      const Tick end = i + 1 < piece_.pedals.size() ? piece_.pedals[i + 1].at : piece_.length;
      if (pedal.every == 0) played_.pedals.push_back({map_.seconds(pedal.at), false});
      for (Tick at = pedal.at; pedal.every > 0 && at < end; at += pedal.every) {
        const double now = map_.seconds(at);
        played_.pedals.push_back({now, false});
        played_.pedals.push_back({now + kPedalUp, true});
      }
    }
    played_.pedals.push_back({played_.length, false});
    std::ranges::sort(played_.pedals, {}, [](const PedalChange& p) { return std::pair(p.at, p.down); });
  }

  const Score& score_;
  const Unfolded& piece_;
  TempoMap map_;
  Performance played_;
};

}  // namespace

Result<Performance> perform(const Score& score) {
  const auto piece = unfold(score);
  if (!piece) return piece.error();
  return Player(score, *piece).play();
}

}  // namespace ghost::disc
