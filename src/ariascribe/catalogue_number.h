#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ariascribe/tokens.h"
#include "base/result.h"

namespace ghost::ariascribe {

/// A work's number in a catalogue, in the form "code:number": lower case, no spaces, a part after "/".
/// "Op. 27 no. 2" is {"op", "27/2"}, "Hob. XVI:50" {"hob", "xvi:50"}, "BWV Anh. 114" {"bwv-anh", "114"}.
struct CatalogueNumber {
  std::string code;
  std::string number;

  std::string text() const { return code + ":" + number; }
  /// Without the part: {"op", "27"}.
  CatalogueNumber base() const { return {code, number.substr(0, number.find('/'))}; }
  /// The part, "2" of "27/2"; "" when there is none.
  std::string part() const;
  /// Without the part and without the letter editions add: {"op", "19"} of op:19b.
  CatalogueNumber letterless() const;
  /// First and last of a range: {846, 869} of bwv:846-869; nothing for a single number.
  std::optional<std::pair<int, int>> range() const;
  friend bool operator==(const CatalogueNumber&, const CatalogueNumber&) = default;
};

/// By what a catalogue's numbers are known (docs/spec/ariascribe.md §3).
enum class NumberKind : std::uint8_t {
  own,        ///< a work is known by them: Op., BWV, K., Boccherini's G.
  companion,  ///< they go along with opus numbers: Tchaikovsky's TH, Weber's J., Grieg's EG, Paganini's M.S.
  edition     ///< of a later edition of a catalogue, whose works have other numbers by now: CD of Debussy's L.
};
NumberKind number_kind(const CatalogueNumber& number);

/// Reads the form above; malformed when the code is not of the grammar's table or the number cannot be one of that code.
Result<CatalogueNumber> parse_catalogue_number(std::string_view text);

/// As it is printed: "Op. 27 No. 2", "K. 467", "Hob. XVI:50", "BWV Anh. 114".
std::string display(const CatalogueNumber& number);

/// A catalogue number that stands in a text.
struct CatalogueMention {
  CatalogueNumber number;
  std::size_t first = 0, last = 0;  ///< tokens [first, last)
  bool certain = true;              ///< false for a code of one letter: it holds only where the composer has such a catalogue
  std::string other_edition;        ///< "300i" of "K. 331 (300i)"; "" where none stands there
};

/// The numbers in a text, in order (docs/spec/ariascribe.md §3). Numbers of Köchel's sixth edition that stand beside the first
/// edition's are passed over: "K. 331 (300i)" is k:331.
std::vector<CatalogueMention> find_catalogue_numbers(std::span<const Token> tokens);

}  // namespace ghost::ariascribe
