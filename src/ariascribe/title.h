#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/catalogue_number.h"
#include "ariascribe/composer_names.h"
#include "ariascribe/key.h"
#include "ariascribe/movement.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// Tokens [first, last).
struct TokenRange {
  std::size_t first = 0, last = 0;
  bool empty() const { return first >= last; }
};

/// What stands where in a title (docs/spec/ariascribe.md §2): who, which work, which movement.
struct ParsedTitle {
  std::string text;           ///< normalised, without asides and the performers' clause
  std::vector<Token> tokens;  ///< of `text`
  std::vector<CatalogueMention> catalogue;
  std::vector<KeyMention> keys;
  std::vector<ComposerNames::Mention> names;  ///< composers anywhere in it

  std::string composer_text;                  ///< "Mozart" of "Mozart: …", also when nobody knows the name; "" when none stands in front or behind
  std::vector<ComposerNames::Match> composer; ///< who that is
  std::string maybe_composer;                 ///< "Karl Muster" of "Karl Muster - Träume": a person by the first name, where nobody is known
  std::size_t maybe_behind = 0;               ///< where in `text` the rest begins then
  TokenRange work;                            ///< empty where only a movement stands
  MovementText movement;
  TokenRange movement_tokens;
  std::optional<int> ordinal;                 ///< the 14 of "Piano Sonata No. 14"
  TokenRange ordinal_tokens;                  ///< the tokens that say it
  std::string performers;                     ///< "X feat. piano: Y"
  std::string arranger;

  std::string_view work_text() const { return range_text(work); }
  std::string_view range_text(TokenRange range) const;
  /// The first key in a range.
  const KeyMention* key_in(TokenRange range) const;
};

/// Takes a title apart. Any text gives an answer; bounded by kMaxText.
ParsedTitle parse_title(std::string_view title, const ComposerNames& names);

}  // namespace ghost::ariascribe
