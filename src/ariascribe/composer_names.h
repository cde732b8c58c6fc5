#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ariascribe/repertoire.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// A person's name in parts, folded: "Bach, Johann Sebastian (1685-1750)" is given {johann, sebastian}, surname "bach".
struct PersonName {
  std::vector<std::string> given;  ///< particles are left out; an initial is one letter
  std::string surname;             ///< parts joined by a hyphen have a space between them
};
PersonName parse_person(std::string_view name);

/// "Bach, Johann Sebastian (1685-1750)" as "Johann Sebastian Bach": given names first, without years or anything in brackets.
std::string plain_name(std::string_view name);

/// Whether given names can be of one person: initials stand for names, and one may have names the other leaves out.
bool given_names_fit(std::span<const std::string> a, std::span<const std::string> b);

/// Finds composers by their names in any language, order and shortness.
class ComposerNames {
 public:
  /// @param repertoire  outlives this
  explicit ComposerNames(const Repertoire& repertoire);

  struct Match {
    ComposerIndex composer{};
    double certainty = 0;  ///< 0 … 1: 1 for a full name, less where several composers share what stands there
  };
  /// Who a name that stands alone may be, the best first. "Bach" gives all Bachs, Johann Sebastian first.
  std::vector<Match> resolve(std::string_view name) const;

  /// Whether people are called so: a first name some composer, conductor or soloist bears ("Sergei", "Marie").
  bool is_given_name(std::string_view folded) const { return given_names_.contains(std::string(folded)); }

  struct Mention {
    std::size_t first = 0, last = 0;  ///< tokens [first, last)
    bool with_given_names = false;
    bool doubtful = false;  ///< the word means something else as often ("field"), is inflected ("Mahlers"), or stands in a text without capitals
    std::vector<Match> matches;
  };
  /// The names inside a text. A surname that is doubtful is told only where it begins or ends the text.
  std::vector<Mention> find(std::span<const Token> tokens) const;

 private:
  struct Form {
    ComposerIndex composer{};
    std::vector<std::string> given;
  };
  void add(ComposerIndex composer, std::string_view name);
  std::vector<Match> ranked(const std::vector<Form>& forms, std::span<const std::string> given) const;
  const std::vector<Form>* surname_at(std::span<const Token> tokens, std::size_t i, bool small_letters, std::size_t& last) const;
  const std::vector<Form>* inflected(std::string_view surname) const;

  const Repertoire& repertoire_;
  std::unordered_map<std::string, std::vector<Form>> by_surname_;
  std::unordered_set<std::string> given_names_;
};

}  // namespace ghost::ariascribe
