#include "ariascribe/key.h"

#include <algorithm>
#include <array>

namespace ghost::ariascribe {

namespace {

struct Named {
  std::string_view word;
  std::string_view tonic;
};

/// German names that are words of their own; a single letter is told apart by what follows.
constexpr std::array kGermanTonics = std::to_array<Named>({{"cis", "C#"}, {"ces", "Cb"}, {"des", "Db"}, {"dis", "D#"}, {"es", "Eb"}, {"eis", "E#"},
                                                           {"fis", "F#"}, {"ges", "Gb"}, {"gis", "G#"}, {"as", "Ab"}, {"ais", "A#"}, {"his", "B#"},
                                                           {"hes", "Bb"}});
constexpr std::array kShortFlats = std::to_array<Named>({{"ab", "Ab"}, {"bb", "Bb"}, {"cb", "Cb"}, {"db", "Db"}, {"eb", "Eb"}, {"gb", "Gb"}});
/// Romance and Russian names, the latter as fold() writes them.
constexpr std::array kSolfege = std::to_array<Named>({{"ut", "C"}, {"do", "C"}, {"re", "D"}, {"mi", "E"}, {"fa", "F"}, {"sol", "G"}, {"la", "A"},
                                                      {"lya", "A"}, {"si", "B"}});

template <std::size_t N>
std::string_view lookup(const std::array<Named, N>& table, std::string_view word) {
  for (const Named& each : table) {
    if (each.word == word) return each.tonic;
  }
  return {};
}

constexpr auto kMinorWords = std::to_array<std::string_view>({"menor", "min", "mineur", "minor", "minore", "moll", "mol"});
constexpr auto kMajorWords = std::to_array<std::string_view>({"dur", "maggiore", "maj", "majeur", "major", "mayor", "mazhor"});
constexpr auto kSharpWords = std::to_array<std::string_view>({"diese", "diesis", "diez", "sharp", "sostenido"});
constexpr auto kFlatWords = std::to_array<std::string_view>({"bemol", "bemolle", "flat"});
/// What may follow a bare letter of a key: "Symphony in C for strings", "in D, K. 334", "in C op. 21".
constexpr auto kAfterBareKey = std::to_array<std::string_view>({"and", "arr", "bwv", "d", "feat", "for", "fur", "hob", "hwv", "k", "kv", "live", "no", "nr", "op",
                                                                "opus", "per", "pour", "rv", "s", "twv", "und", "wab", "with", "woo"});

template <std::size_t N>
bool is_in(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

enum class Mode : std::uint8_t { none, major, minor };

class KeyScanner {
 public:
  explicit KeyScanner(std::span<const Token> tokens) : tokens_(tokens) {}

  std::vector<KeyMention> run() {
    std::vector<KeyMention> found;
    for (std::size_t i = 0; i < tokens_.size();) {
      if (auto key = key_at(i)) {
        i = key->last;
        found.push_back(std::move(*key));
      } else {
        ++i;
      }
    }
    return found;
  }

 private:
  bool mark(std::size_t i, char c) const { return i < tokens_.size() && tokens_[i].is_mark(c); }
  const Token* word(std::size_t i) const { return i < tokens_.size() && tokens_[i].is_word() ? &tokens_[i] : nullptr; }
  std::size_t past_dash(std::size_t i) const { return mark(i, '-') ? i + 1 : i; }
  bool after_in(std::size_t i) const {
    return i > 0 && tokens_[i - 1].is_word() && (tokens_[i - 1].is("in") || tokens_[i - 1].is("en") || tokens_[i - 1].is("v"));
  }

  struct ModeAt {
    Mode mode = Mode::none;
    bool german = false;
    std::size_t last = 0;
  };
  ModeAt mode_at(std::size_t i) const {
    i = past_dash(i);
    const Token* next = word(i);
    if (!next) return {};
    std::size_t last = i + 1;
    if ((next->is("maj") || next->is("min")) && mark(last, '.')) ++last;
    const bool german = next->is("dur") || next->is("moll");
    if (is_in(next->text, kMinorWords)) return {Mode::minor, german, last};
    if (is_in(next->text, kMajorWords)) return {Mode::major, german, last};
    return {};
  }

  struct Accidental {
    char sign = 0;
    std::size_t last = 0;
  };
  Accidental accidental_at(std::size_t i) const {
    if (mark(i, '#')) return {'#', i + 1};
    const std::size_t at = past_dash(i);
    const Token* next = word(at);
    if (next && is_in(next->text, kSharpWords)) return {'#', at + 1};
    if (next && is_in(next->text, kFlatWords)) return {'b', at + 1};
    return {0, i};
  }

  static KeyMention made(std::string tonic, const ModeAt& mode, std::size_t first) {
    KeyMention found;
    found.key = {std::move(tonic), mode.mode == Mode::minor};
    found.first = first;
    found.last = mode.last;
    return found;
  }

  std::optional<KeyMention> key_at(std::size_t i) const {
    const Token* first = word(i);
    if (!first) return std::nullopt;
    if (first->glued && i > 0 && (tokens_[i - 1].is_number() || tokens_[i - 1].is_mark('\''))) return std::nullopt;
    if (first->text.size() == 1 && first->text[0] >= 'a' && first->text[0] <= 'h') return letter_key(i);
    if (const auto tonic = lookup(kGermanTonics, first->text); !tonic.empty()) {
      const ModeAt mode = mode_at(i + 1);
      if (mode.mode != Mode::none) return made(std::string(tonic), mode, i);
      return std::nullopt;
    }
    if (const auto tonic = lookup(kShortFlats, first->text); !tonic.empty() && first->upper) return short_flat(i, tonic);
    if (const auto tonic = lookup(kSolfege, first->text); !tonic.empty()) return solfege(i, tonic);
    return std::nullopt;
  }

  std::optional<KeyMention> letter_key(std::size_t i) const {
    const Token& letter = tokens_[i];
    const Accidental accidental = accidental_at(i + 1);
    const ModeAt mode = mode_at(accidental.last);
    std::string tonic(1, static_cast<char>(letter.text[0] - 32));
    if (mode.mode == Mode::none) {
      if (mode_word_missing(i, accidental)) return std::nullopt;
      if (tonic == "H") tonic = "B";
      if (accidental.sign) tonic += accidental.sign;
      KeyMention found;
      found.key = {tonic, !letter.upper};
      found.explicit_mode = false;
      found.first = i;
      found.last = accidental.last;
      return found;
    }
    if (tonic == "H") tonic = "B";
    else if (tonic == "B" && mode.german && !accidental.sign) tonic = "Bb";
    if (accidental.sign) tonic += accidental.sign;
    // "a major work", "de la mer": a small letter is a key where the language writes them so, or where "in" says it.
    if (!letter.upper && !mode.german && !after_in(i) && letter.is("a")) return std::nullopt;
    return made(std::move(tonic), mode, i);
  }

  /// Whether a letter without "major" or "minor" is no key: only "in C", "in B flat" are, where nothing else can be meant.
  bool mode_word_missing(std::size_t i, const Accidental& accidental) const {
    if (!after_in(i)) return !(accidental.sign && tokens_[i].upper && i > 0 && tokens_[i - 1].is_mark(',') && accidental.last > i + 1);
    if (!tokens_[i].upper && tokens_[i].is("a") && !accidental.sign) return true;
    const Token* next = word(accidental.last);
    if (next && next->glued) return true;
    if (mark(accidental.last, '.') && word(accidental.last + 1) && tokens_[accidental.last].glued && tokens_[accidental.last + 1].glued) return true;
    if (mark(accidental.last, '\'')) return true;
    return next && !is_in(next->text, kAfterBareKey) && !accidental.sign;
  }

  std::optional<KeyMention> short_flat(std::size_t i, std::string_view tonic) const {
    const ModeAt mode = mode_at(i + 1);
    if (mode.mode != Mode::none) return made(std::string(tonic), mode, i);
    if (!after_in(i) || tokens_[i].all_upper) return std::nullopt;
    KeyMention found;
    found.key = {std::string(tonic), false};
    found.explicit_mode = false;
    found.first = i;
    found.last = i + 1;
    return found;
  }

  std::optional<KeyMention> solfege(std::size_t i, std::string_view tonic) const {
    const Accidental accidental = accidental_at(i + 1);
    const ModeAt mode = mode_at(accidental.last);
    if (mode.mode == Mode::none || mode.german) return std::nullopt;
    std::string name(tonic);
    if (accidental.sign) name += accidental.sign;
    return made(std::move(name), mode, i);
  }

  std::span<const Token> tokens_;
};

}  // namespace

std::string Key::display() const {
  std::string name = tonic.substr(0, 1);
  if (tonic.size() > 1) name += tonic[1] == '#' ? "-sharp" : "-flat";
  return name + (minor ? " minor" : " major");
}

std::optional<Key> parse_key(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0 || space > 2) return std::nullopt;
  const std::string_view tonic = text.substr(0, space), mode = text.substr(space + 1);
  if (tonic[0] < 'A' || tonic[0] > 'G' || (space == 2 && tonic[1] != '#' && tonic[1] != 'b')) return std::nullopt;
  if (mode != "major" && mode != "minor") return std::nullopt;
  return Key{std::string(tonic), mode == "minor"};
}

std::vector<KeyMention> find_keys(std::span<const Token> tokens) { return KeyScanner(tokens).run(); }

}  // namespace ghost::ariascribe
