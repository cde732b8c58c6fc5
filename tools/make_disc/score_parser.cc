#include "score_parser.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <numeric>
#include <optional>
#include <set>

#include "bar_reader.h"
#include "base/text.h"

namespace ghost::disc {

namespace {

constexpr std::size_t kMostBytes = 1024 * 1024, kMostVoices = 15, kMostSections = 64, kMostNotes = 50'000, kMostPlayed = 256;

/// Instruments that scores may name; any other is gm:0 to gm:127.
constexpr std::pair<std::string_view, int> kInstruments[] = {
    {"piano", 0}, {"harpsichord", 6}, {"organ", 19}, {"guitar", 24}, {"violin", 40}, {"viola", 41}, {"cello", 42},
    {"strings", 48}, {"oboe", 68}, {"bassoon", 70}, {"clarinet", 71}, {"flute", 73}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Cuts the first word off `rest`.
std::string_view word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view first = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return first;
}

std::optional<int> whole_number(std::string_view text, int least, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

/// Ticks as a part of a whole note, in lowest terms: "7/8".
std::string as_fraction(Tick ticks) {
  const Tick divisor = std::max<Tick>(1, std::gcd(ticks, kWhole));
  return fmt::format("{}/{}", ticks / divisor, kWhole / divisor);
}

class ScoreParser {
 public:
  Result<Score> parse(std::string_view text) {
    if (text.size() > kMostBytes) return Error{Errc::exhausted, "a score of more than 1 MiB"};
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.starts_with('#')) continue;
      if (Status done = read(line); !done) return done.error().in(fmt::format("line {}", line_));
    }
    if (Status done = finish(); !done) return done.error().in("at the end");
    return std::move(score_);
  }

 private:
  Error wrong(std::string what) const { return {Errc::malformed, std::move(what)}; }

  Status read(std::string_view line) {
    if (line.empty()) return close_system();
    std::string_view rest = line;
    const std::string_view first = word(rest);
    if (rest.starts_with('|')) return voice_line(first, rest);
    if (Status done = close_system(); !done) return done;
    return directive(first, rest);
  }

  Status directive(std::string_view name, std::string_view rest) {
    if (name == "title") return score_.title = rest, Status{};
    if (name == "composer") return score_.composer = rest, Status{};
    if (name == "voice") return voice(rest);
    if (name == "form") return form_ = rest, form_line_ = line_, Status{};
    if (name == "section") return section(rest);
    if (name == "key") return key(rest);
    if (name == "meter") return meter(rest);
    if (name == "tempo") return tempo(rest);
    if (name == "dynamics") return dynamics(rest);
    if (name == "pedal") return pedal(rest);
    return wrong("'" + printable(name) +
                 "' is neither a voice's bars nor one of title, composer, voice, form, section, key, meter, tempo, dynamics, pedal");
  }

  Status voice(std::string_view rest) {
    if (!score_.sections.empty()) return wrong("voices are named before the first section");
    Voice made;
    made.name = word(rest);
    const std::string_view instrument = word(rest);
    if (made.name.empty() || instrument.empty()) return wrong("a voice is 'voice NAME INSTRUMENT [volume N] [touch N] [pan N]'");
    const auto known = std::ranges::find(kInstruments, instrument, [](const auto& pair) { return pair.first; });
    const auto numbered = instrument.starts_with("gm:") ? whole_number(instrument.substr(3), 0, 127) : std::nullopt;
    if (known != std::end(kInstruments)) made.program = known->second;
    else if (numbered) made.program = *numbered;
    else return wrong("'" + printable(instrument) + "' is no instrument known here; give its General MIDI number as gm:0 to gm:127");
    while (!rest.empty()) {
      const std::string_view what = word(rest);
      const auto value = whole_number(word(rest), 0, what == "pan" ? 127 : 200);
      if (!value) return wrong("'" + printable(what) + "' needs a number");
      if (what == "volume") made.volume = *value;
      else if (what == "touch") made.touch = std::clamp(*value, 10, 100);
      else if (what == "pan") made.pan = *value;
      else return wrong("'" + printable(what) + "' is none of volume, touch, pan");
    }
    if (voice_index(made.name)) return wrong("voice " + printable(made.name) + " is there already");
    if (score_.voices.size() == kMostVoices) return Error{Errc::exhausted, "more than 15 voices"};
    score_.voices.push_back(std::move(made));
    return {};
  }

  Status section(std::string_view rest) {
    const std::string_view name = word(rest);
    if (name.empty() || !rest.empty()) return wrong("a section is 'section NAME'");
    if (section_index(name)) return wrong("section " + printable(name) + " is there already");
    if (score_.voices.empty()) return wrong("a section before the first voice");
    if (score_.sections.size() == kMostSections) return Error{Errc::exhausted, "more than 64 sections"};
    Section made;
    made.name = name;
    made.notes.resize(score_.voices.size());
    made.voice_dynamics.resize(score_.voices.size());
    score_.sections.push_back(std::move(made));
    hands_.assign(score_.voices.size(), Hand{});
    last_bars_.assign(score_.voices.size(), std::nullopt);
    return set_from_head();
  }

  /// Tempo, dynamics and pedal that stand before the first section hold from each one's start.
  Status set_from_head() {
    Section& here = score_.sections.back();
    if (score_.sections.size() == 1) head_tempo_ = tempo_;
    if (score_.sections.size() == 1) head_dynamic_ = dynamic_, head_pedal_ = pedal_;
    if (!head_tempo_) return wrong("a tempo is needed before the first section: tempo 4=120");
    if (!meter_) return wrong("a meter is needed before the first section: meter 4/4");
    tempo_ = head_tempo_;
    dynamic_ = head_dynamic_;
    pedal_ = head_pedal_;
    here.tempos.push_back({0, *tempo_, *tempo_, 0});
    here.dynamics.push_back({0, dynamic_, dynamic_, 0});
    here.pedals.push_back({0, pedal_});
    return {};
  }

  Status key(std::string_view rest) {
    const auto named = Key::named(rest);
    if (!named) return wrong("'" + printable(rest) + "' is no key; C, Bb, F# are major, a, c#, bb minor");
    key_ = *named;
    return {};
  }

  Status meter(std::string_view rest) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const auto beats = whole_number(rest.substr(0, slash), 1, 32);
    const auto unit = slash < rest.size() ? parse_duration(rest.substr(slash + 1)) : std::nullopt;
    if (!beats || !unit || rest.ends_with('.')) return wrong("'" + printable(rest) + "' is no meter; as in 3/4");
    meter_ = *beats * *unit;
    return {};
  }

  /// "4=120" or "4=120-96", which takes the whole next system to get from one to the other.
  Status tempo(std::string_view rest) {
    const std::size_t equals = std::min(rest.find('='), rest.size());
    const std::string_view numbers = rest.substr(std::min(equals + 1, rest.size()));
    const std::size_t dash = std::min(numbers.find('-'), numbers.size());
    const auto beat = parse_duration(rest.substr(0, equals));
    const auto from = whole_number(numbers.substr(0, dash), 10, 600);
    const auto to = dash < numbers.size() ? whole_number(numbers.substr(dash + 1), 10, 600) : from;
    if (!beat || !from || !to) return wrong("'" + printable(rest) + "' is no tempo; as in 4=120, 8.=72 or, slowing down, 4=120-96");
    const double quarters = 4.0 * static_cast<double>(*beat) / static_cast<double>(kWhole);
    tempo_ = *to * quarters;
    if (!score_.sections.empty()) {
      Section& here = score_.sections.back();
      here.tempos.push_back({here.length, *from * quarters, *tempo_, from == to ? 0 : kPending});
    }
    return {};
  }

  Status dynamics(std::string_view rest) {
    const std::size_t dash = std::min(rest.find('-'), rest.size());
    const auto from = parse_dynamic(rest.substr(0, dash));
    const auto to = dash < rest.size() ? parse_dynamic(rest.substr(dash + 1)) : from;
    if (!from || !to) return wrong("'" + printable(rest) + "' is no dynamic; ppp to fff or, growing over the next lines, p-f");
    dynamic_ = *to;
    if (!score_.sections.empty()) {
      Section& here = score_.sections.back();
      here.dynamics.push_back({here.length, *from, *to, from == to ? 0 : kPending});
    }
    return {};
  }

  Status pedal(std::string_view rest) {
    const auto every = rest == "off" ? std::optional<Tick>(0) : parse_duration(rest);
    if (!every) return wrong("the pedal is 'off' or changed every so often: 'pedal 2.' for each bar of 3/4");
    pedal_ = *every;
    if (!score_.sections.empty()) score_.sections.back().pedals.push_back({score_.sections.back().length, pedal_});
    return {};
  }

  Status voice_line(std::string_view name, std::string_view bars) {
    const auto voice = voice_index(name);
    if (!voice) return wrong("there is no voice " + printable(name));
    if (score_.sections.empty()) return wrong("bars before the first section");
    if (system_.contains(*voice))
      if (Status done = close_system(); !done) return done;
    auto read = read_bars(*voice, name, bars);
    if (!read) return read.error();
    if (!system_.empty() && read->size() != system_.begin()->second.size())
      return wrong(fmt::format("voice {} has {} bars where the others have {}", printable(name), read->size(),
                               system_.begin()->second.size()));
    system_.emplace(*voice, std::move(*read));
    return {};
  }

  Result<std::vector<Bar>> read_bars(std::size_t voice, std::string_view name, std::string_view rest) {
    std::vector<Bar> bars;
    rest.remove_prefix(1);
    if (rest.ends_with('|')) rest.remove_suffix(1);
    for (bool more = true; more;) {
      const std::size_t end = std::min(rest.find('|'), rest.size());
      more = end < rest.size();
      auto bar = one_bar(voice, trimmed(rest.substr(0, end)));
      const std::string where = fmt::format("voice {}, bar {}", printable(name), bars.size() + 1);
      if (!bar) return bar.error().in(where);
      if (bar->length != *meter_) return wrong(where + ": " + as_fraction(bar->length) + " instead of " + as_fraction(*meter_));
      notes_ += bar->notes.size();
      if (notes_ > kMostNotes) return Error{Errc::exhausted, "more than 50,000 notes"};
      last_bars_[voice] = *bar;
      bars.push_back(std::move(*bar));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return bars;
  }

  Result<Bar> one_bar(std::size_t voice, std::string_view text) {
    if (text != "=") return read_bar(text, key_, *meter_, hands_[voice]);
    if (!last_bars_[voice]) return wrong("'=' repeats the bar before, and there is none");
    return *last_bars_[voice];
  }

  /// Puts the bars of all voices that were gathered behind one another into the section.
  Status close_system() {
    if (system_.empty()) return {};
    Section& here = score_.sections.back();
    const Tick start = here.length;
    for (auto& [voice, bars] : system_) {
      Tick at = start;
      for (const Bar& bar : bars) {
        append(here, voice, bar, at);
        if (voice == system_.begin()->first) here.bars.push_back(at);
        at += bar.length;
      }
      here.length = at;
    }
    const auto settle = [&](auto& changes) {
      for (auto& change : changes)
        if (change.over == kPending) change.over = here.length - change.at;
    };
    settle(here.tempos);
    settle(here.dynamics);
    system_.clear();
    return {};
  }

  static void append(Section& here, std::size_t voice, const Bar& bar, Tick at) {
    for (Note note : bar.notes) {
      note.start += at;
      here.notes[voice].push_back(note);
    }
    for (Dynamic dynamic : bar.dynamics) {
      dynamic.at += at;
      here.voice_dynamics[voice].push_back(dynamic);
    }
    for (Fermata fermata : bar.fermatas) {
      fermata.at += at;
      here.fermatas.push_back(fermata);
    }
  }

  Status finish() {
    if (Status done = close_system(); !done) return done;
    if (score_.title.empty()) return wrong("the score has no title");
    if (score_.composer.empty()) return wrong("the score has no composer");
    if (notes_ == 0) return wrong("the score has no notes");
    std::string_view rest = form_;
    if (rest.empty())
      for (std::size_t i = 0; i < score_.sections.size(); ++i) score_.form.push_back(i);
    while (!rest.empty()) {
      const std::string_view name = word(rest);
      const auto index = section_index(name);
      if (!index) return wrong(fmt::format("the form of line {} names section {}, which is not there", form_line_, printable(name)));
      score_.form.push_back(*index);
      if (score_.form.size() > kMostPlayed) return Error{Errc::exhausted, "the form has more than 256 sections"};
    }
    return all_played();
  }

  Status all_played() const {
    const std::set<std::size_t> played(score_.form.begin(), score_.form.end());
    for (std::size_t i = 0; i < score_.sections.size(); ++i)
      if (!played.contains(i)) return wrong("section " + printable(score_.sections[i].name) + " is not in the form");
    return {};
  }

  std::optional<std::size_t> voice_index(std::string_view name) const {
    const auto found = std::ranges::find(score_.voices, name, &Voice::name);
    if (found == score_.voices.end()) return std::nullopt;
    return static_cast<std::size_t>(found - score_.voices.begin());
  }
  std::optional<std::size_t> section_index(std::string_view name) const {
    const auto found = std::ranges::find(score_.sections, name, &Section::name);
    if (found == score_.sections.end()) return std::nullopt;
    return static_cast<std::size_t>(found - score_.sections.begin());
  }

  static constexpr Tick kPending = -1;  ///< lasts as long as the system that comes

  Score score_;
  std::size_t line_ = 0, form_line_ = 0, notes_ = 0;
  std::string form_;
  Key key_;
  std::optional<Tick> meter_;
  std::optional<double> tempo_, head_tempo_;
  double dynamic_ = *parse_dynamic("mf"), head_dynamic_ = dynamic_;
  Tick pedal_ = 0, head_pedal_ = 0;
  std::vector<Hand> hands_;                        ///< by voice
  std::vector<std::optional<Bar>> last_bars_;      ///< by voice, for '='
  std::map<std::size_t, std::vector<Bar>> system_;  ///< bars that sound together, by voice, while they are gathered
};

}  // namespace

Result<Score> parse_score(std::string_view text) { return ScoreParser().parse(text); }

}  // namespace ghost::disc
