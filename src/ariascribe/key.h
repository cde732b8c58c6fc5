#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// The key of a work or a movement.
struct Key {
  std::string tonic;  ///< "C#", "Eb", "B" (the German H)
  bool minor = false;

  /// "C# minor", the form of the catalogue.
  std::string text() const { return tonic + (minor ? " minor" : " major"); }
  /// "C-sharp minor", as it is printed.
  std::string display() const;
  friend bool operator==(const Key&, const Key&) = default;
};

/// Reads "C# minor" or "Eb major" and nothing else.
std::optional<Key> parse_key(std::string_view text);

/// A key that stands in a text.
struct KeyMention {
  Key key;
  bool explicit_mode = true;        ///< false where a bare capital was taken as major, a bare small letter as minor
  std::size_t first = 0, last = 0;  ///< tokens [first, last)
};

/// The keys in a text, in order: English, German (H, B, cis-Moll), French, Italian, Spanish and Russian names
/// (docs/spec/ariascribe.md §4).
std::vector<KeyMention> find_keys(std::span<const Token> tokens);

}  // namespace ghost::ariascribe
