#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// What the end of a title says of a movement, or of a member of a set.
struct MovementText {
  int number = 0;           ///< 0: none stands there
  std::string name;         ///< "Adagio sostenuto"; never with its number; "" when only a number or a key stands there
  bool names_member = false;///< the number was said as "No. 7": of a set rather than of a sonata's movement
  friend bool operator==(const MovementText&, const MovementText&) = default;
};

/// A number that begins tokens: "II.", "2.", "No. 7", "2nd movement", "3. Satz", "Prélude No. 4".
struct LeadingNumber {
  int number = 0;
  std::size_t last = 0;     ///< tokens used
  bool member = false;      ///< said as "No."
  bool strong = false;      ///< could hardly be anything else: "III.", "2. Satz"
};
std::optional<LeadingNumber> leading_number(std::span<const Token> tokens);

/// Reads the movement part of a title, `tokens` of `text`.
MovementText parse_movement(std::string_view text, std::span<const Token> tokens);
/// The same of a text that is not yet normalised.
MovementText parse_movement(std::string_view text);

/// How alike two movement names are, 0 … 1: the words they share, numbers and articles aside. "Menuetto: Allegretto" and
/// "Minuet (Allegretto)" are 1.
double movement_likeness(std::string_view a, std::string_view b);
/// Whether two names can be of one movement: half of their words are the same, or one leaves out what the other says.
bool movement_agrees(std::string_view said, std::string_view known);

/// The names of several movements on one track: "Allegro", "Largo" and "Allegro" of "Allegro - Largo - Allegro", "Allegro/Largo"; one where
/// there is one only. Views of `name`.
std::vector<std::string_view> movement_names(std::string_view name);

}  // namespace ghost::ariascribe
