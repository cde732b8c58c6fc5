#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ariascribe/identification.h"
#include "ariascribe/repertoire.h"

namespace ghost::ariascribe {

/// The role a group's name tells: "Berliner Philharmoniker" orchestra, "Westminster Choir" choir, "Borodin Quartet" ensemble;
/// nothing for a person.
std::optional<std::string_view> group_role(std::string_view name);

/// The instrument or voice a word in English, German, French, Italian, Spanish or Russian means ("Klavier" is "piano",
/// "violins" is "violin"); "" for none.
std::string instrument_of(std::string_view word);

/// Reads who plays from artist tags and from "feat." clauses (docs/spec/ariascribe.md §6).
class PerformerParser {
 public:
  /// @param repertoire  knows performers by name; outlives this
  explicit PerformerParser(const Repertoire& repertoire);

  /// "Rosamunde Quartet feat. piano: A. B., conductor: C. D."; roles not said are left "".
  std::vector<Performer> parse_clause(std::string_view text) const;
  /// "Surname, Given / Group", "A; B; C", "A, B & C (piano)".
  std::vector<Performer> parse_artists(std::string_view text) const;
  /// Gives those without a role the one that fits: from the names known, from who else plays, and from the work's medium.
  void complete(std::vector<Performer>& performers, std::string_view medium, std::string_view form) const;
  /// The one known by that name, or null.
  const KnownPerformer* known(std::string_view name) const;
  /// The one a shortened name can only mean ("Toscanini", "H. v. Karajan"), or null. A composer may be meant all the same.
  const KnownPerformer* meant(std::string_view name) const;

 private:
  bool sings_high(const Performer& performer) const;
  void assign_voices(std::vector<Performer*>& singers, std::vector<std::string>& parts) const;

  Performer named(std::string_view name) const;
  void add(std::vector<Performer>& out, std::string_view piece) const;

  const Repertoire& repertoire_;
  std::unordered_map<std::string, const KnownPerformer*> by_name_;
  struct NamedPerformer {
    std::vector<std::string> given;
    const KnownPerformer* who = nullptr;
  };
  std::unordered_map<std::string, std::vector<NamedPerformer>> by_surname_;
  /// First names only sopranos, mezzos and contraltos bear here.
  std::unordered_set<std::string> names_of_high_voices_;
};

}  // namespace ghost::ariascribe
