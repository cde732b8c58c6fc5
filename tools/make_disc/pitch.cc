#include "pitch.h"

#include <algorithm>

namespace ghost::disc {

std::optional<int> letter_index(char letter) {
  constexpr std::string_view kLetters = "cdefgab";
  const std::size_t at = kLetters.find(letter);
  if (letter == '\0' || at == std::string_view::npos) return std::nullopt;
  return static_cast<int>(at);
}

std::optional<Key> Key::named(std::string_view name) {
  // Fifths from C, or from a for minor; the flats of a name go before it on the line of fifths, the sharps after it.
  constexpr std::array<std::string_view, 15> kMajor = {"Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"};
  constexpr std::array<std::string_view, 15> kMinor = {"ab", "eb", "bb", "f", "c", "g", "d", "a", "e", "b", "f#", "c#", "g#", "d#", "a#"};
  const auto find = [&](const auto& names) { return static_cast<int>(std::ranges::find(names, name) - names.begin()) - 7; };
  const int major = find(kMajor), minor = find(kMinor);
  if (major > 7 && minor > 7) return std::nullopt;
  const int fifths = major <= 7 ? major : minor;
  constexpr std::array<int, 7> kSharpOrder = {3, 0, 4, 1, 5, 2, 6};  // f c g d a e b
  Key key;
  for (int i = 0; i < fifths; ++i) key.alter[static_cast<std::size_t>(kSharpOrder[static_cast<std::size_t>(i)])] = 1;
  for (int i = 0; i < -fifths; ++i) key.alter[static_cast<std::size_t>(kSharpOrder[static_cast<std::size_t>(6 - i)])] = -1;
  return key;
}

int StaffPlace::pitch(const Key& key) const {
  const auto index = static_cast<std::size_t>(letter);
  return 12 * (octave + 1) + kNatural[index] + key.alter[index];
}

StaffPlace StaffPlace::step(int steps) const {
  const int place = octave * 7 + letter + steps;
  return {((place % 7) + 7) % 7, place >= 0 ? place / 7 : (place - 6) / 7};
}

}  // namespace ghost::disc
