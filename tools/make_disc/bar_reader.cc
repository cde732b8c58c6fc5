#include "bar_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace ghost::disc {

namespace {

constexpr std::size_t kMostInBar = 2'000;  // in one bar
constexpr Tick kLongestBar = 16 * kWhole;
constexpr int kDeepest = 4;
constexpr Tick kGraceNote = kWhole / 48;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What follows the name and length of a note, chord or rest.
struct Marks {
  Note note;  ///< touch, ornament and accent
  bool tied = false, fermata = false, rolled = false;
};

class BarReader {
 public:
  BarReader(std::string_view text, const Key& key, Tick meter, Hand& hand)
      : text_(text), key_(key), meter_(meter), hand_(hand) {}

  Result<Bar> read() {
    if (Status done = items(0); !done) return done.error();
    if (graces_ > 0) return wrong("a grace note needs a note after it");
    bar_.length = now_;
    return std::move(bar_);
  }

 private:
  Error wrong(const std::string& what) const { return {Errc::malformed, what}; }
  Error unexpected() const {
    return wrong(at_end() ? "it ends in the middle of something" : "'" + printable(text_.substr(at_, 12)) + "' means nothing here");
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  std::optional<int> number() {
    if (!is_digit(peek())) return std::nullopt;
    int value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  /// Everything up to the end, or up to the '}' of a group.
  Status items(int depth) {
    for (skip_space(); !at_end() && peek() != '}'; skip_space()) {
      if (Status done = item(depth); !done) return done;
      if (bar_.notes.size() > kMostInBar || now_ > kLongestBar) return Error{Errc::exhausted, "it is far too long"};
    }
    if (!at_end() && depth == 0) return wrong("'}' without its '{'");
    return {};
  }

  Status item(int depth) {
    switch (peek()) {
      case '{': return group(depth + 1);
      case '[': return chord();
      case '+': return grace();
      case '!': return dynamic();
      case 'r': return ++at_, rest();
      case 'R': return ++at_, advance(meter_, {});
      default: return single();
    }
  }

  Status group(int depth) {
    if (depth > kDeepest) return Error{Errc::exhausted, "groups inside groups inside groups"};
    ++at_;
    const auto outer = scale_;
    if (is_digit(peek())) {
      const auto notes = number();
      int in_the_time_of = notes == 3 ? 2 : 4;
      if (take(':')) in_the_time_of = number().value_or(0);
      if (!notes || *notes < 2 || *notes > 15 || in_the_time_of < 1 || in_the_time_of > 15)
        return wrong("a tuplet is 3, 5, 6, 7 or as 5:4");
      scale_ = {scale_.first * in_the_time_of, scale_.second * *notes};
    }
    const Tick start = now_;
    const std::size_t first = bar_.notes.size();
    if (Status done = items(depth); !done) return done;
    if (!take('}')) return wrong("'{' without its '}'");
    scale_ = outer;
    return take('*') ? again(start, first) : Status{};
  }

  /// Plays the notes since `first` as often as the number that comes says, in all.
  Status again(Tick start, std::size_t first) {
    const int times = number().value_or(0);
    if (times < 2 || times > 64) return wrong("a group is repeated 2 to 64 times, as in {…}*4");
    const std::vector<Note> once(bar_.notes.begin() + static_cast<std::ptrdiff_t>(first), bar_.notes.end());
    const Tick length = now_ - start;
    for (int i = 1; i < times; ++i) {
      for (Note note : once) {
        note.start += length * i;
        bar_.notes.push_back(note);
      }
      if (bar_.notes.size() > kMostInBar || now_ > kLongestBar) return Error{Errc::exhausted, "it is far too long"};
      now_ += length;
    }
    return {};
  }

  Status single() {
    auto note = pitch();
    if (!note) return note.error();
    const auto length = duration();
    if (!length) return length.error();
    const auto said = marks();
    if (!said) return said.error();
    add(*note, *length, *said);
    return advance(*length, *said);
  }

  Status chord() {
    ++at_;
    std::vector<Note> notes;
    for (skip_space(); !take(']'); skip_space()) {
      auto note = pitch();
      if (!note) return note.error();
      note->tied = take('~');
      notes.push_back(*note);
      if (notes.size() > 12) return Error{Errc::exhausted, "a chord has at most 12 notes"};
    }
    if (notes.size() < 2) return wrong("a chord has two notes or more");
    const auto length = duration();
    if (!length) return length.error();
    const auto said = marks();
    if (!said) return said.error();
    std::ranges::sort(notes, {}, &Note::pitch);
    for (std::size_t i = 0; i < notes.size(); ++i) {
      if (said->rolled) notes[i].rolled = static_cast<int>(i);
      add(notes[i], *length, *said);
    }
    return advance(*length, *said);
  }

  Status grace() {
    ++at_;
    auto note = pitch();
    if (!note) return note.error();
    note->start = now_;
    note->length = kGraceNote;
    note->grace = true;
    note->rolled = graces_++;
    bar_.notes.push_back(*note);
    return graces_ <= 8 ? Status{} : Error{Errc::exhausted, "more than 8 grace notes"};
  }

  Status dynamic() {
    const std::size_t end = std::min(text_.find_first_of(" \t}", at_), text_.size());
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    const auto level = parse_dynamic(name);
    if (!level) return wrong("'!" + printable(name) + "' is no dynamic; they go from !ppp to !fff");
    at_ = end;
    bar_.dynamics.push_back({now_, *level, *level, 0});
    return {};
  }

  Status rest() {
    const auto length = duration();
    if (!length) return length.error();
    const auto said = marks();
    if (!said) return said.error();
    if (said->tied) return wrong("a rest cannot be tied");
    return advance(*length, *said);
  }

  /// Letter, accidental, octave.
  Result<Note> pitch() {
    const auto letter = letter_index(peek());
    if (!letter) return unexpected();
    ++at_;
    const auto index = static_cast<std::size_t>(*letter);
    int alter = key_.alter[index];
    switch (peek()) {
      case '#': alter = 1, ++at_; break;
      case 'b': alter = -1, ++at_; break;
      case 'x': alter = 2, ++at_; break;
      case 'n': alter = 0, ++at_; break;
      default: break;
    }
    if (is_digit(peek())) hand_.octave = text_[at_++] - '0';
    const StaffPlace place{*letter, hand_.octave};
    Note note;
    note.pitch = 12 * (hand_.octave + 1) + kNatural[index] + alter;
    note.above = place.step(1).pitch(key_);
    note.below = place.step(-1).pitch(key_);
    if (note.pitch < 21 || note.pitch > 108) return wrong("a note beyond the piano's keys (a0 to c8)");
    return note;
  }

  Result<Tick> duration() {
    if (take(':')) {
      const std::size_t end = std::min(text_.find_first_not_of("0123456789.", at_), text_.size());
      const auto length = parse_duration(text_.substr(at_, end - at_));
      if (!length)
        return wrong("':" + printable(text_.substr(at_, end - at_)) +
                     "' is no length; they are 1, 2, 4 … 64, with one or two dots");
      hand_.duration = *length;
      at_ = end;
    }
    if (hand_.duration * scale_.first % scale_.second != 0) return wrong("a length that no tuplet of this kind can have");
    return hand_.duration * scale_.first / scale_.second;
  }

  Result<Marks> marks() {
    Marks said;
    for (;; ++at_) {
      switch (peek()) {
        case '~': said.tied = true; break;
        case '\'': said.note.touch = Touch::staccato; break;
        case '-': said.note.touch = Touch::tenuto; break;
        case '>': said.note.accented = true; break;
        case '%': said.note.ornament = Ornament::trill; break;
        case '&': said.note.ornament = Ornament::mordent; break;
        case '^': said.note.ornament = Ornament::prall; break;
        case '/': said.rolled = true; break;
        case '@': said.fermata = true; break;
        case '\0': case ' ': case '\t': case '}': return said;
        default: return unexpected();
      }
    }
  }

  void add(Note note, Tick length, const Marks& said) {
    note.start = now_;
    note.length = length;
    note.touch = said.note.touch;
    note.ornament = said.note.ornament;
    note.accented = said.note.accented;
    note.tied = note.tied || said.tied;
    note.downbeat = now_ == 0;
    note.graces_before = graces_;
    bar_.notes.push_back(note);
  }

  Status advance(Tick length, const Marks& said) {
    if (said.fermata) bar_.fermatas.push_back({now_, length});
    now_ += length;
    graces_ = 0;
    return {};
  }

  std::string_view text_;
  const Key& key_;
  Tick meter_;
  Hand& hand_;
  std::size_t at_ = 0;
  Bar bar_;
  Tick now_ = 0;
  int graces_ = 0;
  std::pair<Tick, Tick> scale_ = {1, 1};  ///< of written lengths inside tuplets
};

}  // namespace

Result<Bar> read_bar(std::string_view text, const Key& key, Tick meter, Hand& hand) {
  return BarReader(text, key, meter, hand).read();
}

std::optional<Tick> parse_duration(std::string_view text) {
  int part = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
  const auto dots = static_cast<std::size_t>(text.data() + text.size() - end);
  if (error != std::errc() || part < 1 || part > 64 || (part & (part - 1)) != 0 || dots > 2) return std::nullopt;
  if (text.substr(text.size() - dots) != std::string_view("..").substr(0, dots)) return std::nullopt;
  const Tick plain = kWhole / part;
  const Tick dotted = dots == 0 ? plain : dots == 1 ? plain * 3 / 2 : plain * 7 / 4;
  return dotted;
}

std::optional<double> parse_dynamic(std::string_view name) {
  constexpr std::pair<std::string_view, double> kLevels[] = {{"ppp", 24}, {"pp", 36}, {"p", 50},  {"mp", 63},
                                                             {"mf", 76},  {"f", 92},  {"ff", 108}, {"fff", 120}};
  for (const auto& [known, level] : kLevels)
    if (name == known) return level;
  return std::nullopt;
}

}  // namespace ghost::disc
