#pragma once
#include <array>
#include <optional>
#include <string_view>

namespace ghost::disc {

/// The sharps and flats at the head of the staff.
struct Key {
  std::array<int, 7> alter = {};  ///< by letter from c to b: semitones up or down

  /// "C", "D", "Bb", "f#": major in capitals, minor in small letters.
  static std::optional<Key> named(std::string_view name);
};

/// A place on the staff with what is before it: what ornaments count their steps on.
struct StaffPlace {
  int letter = 0;  ///< 0 = c … 6 = b
  int octave = 4;

  /// MIDI key of the place as the key signature has it.
  int pitch(const Key& key) const;
  StaffPlace step(int steps) const;
};

/// 0 = c … 6 = b; nothing for other characters.
std::optional<int> letter_index(char letter);
/// Semitones of the natural notes above c.
inline constexpr std::array<int, 7> kNatural = {0, 2, 4, 5, 7, 9, 11};

}  // namespace ghost::disc
