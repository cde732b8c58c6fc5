#pragma once
#include <span>
#include <string>
#include <string_view>

namespace ghost::ariascribe {

/// What one of our names is called in the formats that have names of their own (docs/spec/ariascribe.md §7.1); "" where the format has
/// none, and the name itself is used: TXXX in ID3, "----" in MP4.
struct TagName {
  std::string_view name;   ///< "COMPOSER"
  std::string_view id3;    ///< of 2.3 and 2.4: "TCOM"
  std::string_view id3v2;  ///< of 2.2: "TCM"
  std::string_view mp4;    ///< "\xa9wrt"
  std::string_view total;  ///< the name of the total that stands in the same place as "n/m": "MOVEMENTTOTAL"
};
std::span<const TagName> tag_names();

/// The row of a name, or null.
const TagName* tag_name(std::string_view name);
/// The row whose total this is, or null.
const TagName* tag_name_of_total(std::string_view name);

/// "C#m" of "C# minor", "Eb" of "Eb major": ID3's and MP4's way to write a key; "" for what is no key.
std::string short_key(std::string_view key);
/// The reverse; other text as it is.
std::string long_key(std::string_view text);

/// "Name (instrument)" taken apart: ID3 keeps players with their instruments in pairs.
struct Player {
  std::string name, instrument;
};
Player player_of(const std::string& text);
std::string text_of(const Player& player);

}  // namespace ghost::ariascribe
