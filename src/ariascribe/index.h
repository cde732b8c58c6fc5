#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ariascribe/repertoire.h"

namespace ghost::ariascribe {

enum class TermId : std::uint32_t {};

/// A title as the index keeps it: the ids of its terms, sorted.
using TermSet = std::vector<TermId>;

/// What the names of a work say, in terms: what an index keeps of it.
struct WorkWords {
  std::vector<std::vector<std::string>> titles;  ///< the main one first, then nicknames and other languages; each sorted, each term once
  std::vector<std::string> movements;            ///< terms of its movements' names
  std::vector<std::string> forms;                ///< forms of composition that its names or its own form say
  std::vector<int> counts;                       ///< that its names begin with: the 4 of "Four Pieces"
  bool holds_any_form = false;                   ///< an opera, a ballet and their like
  std::optional<int> ordinal;                    ///< the 14 of "Piano Sonata No. 14"
};
WorkWords words_of(const Work& work);

/// Where works are found by what a title says: in memory, built once from the repertoire.
class Index {
 public:
  /// @param repertoire  outlives this
  explicit Index(const Repertoire& repertoire);

  struct Posting {
    WorkIndex work{};
    float weight = 1;  ///< 1 in a title, less in the name of a movement
  };
  struct WorkEntry {
    TermSet forms;                ///< forms of composition that its names or its own form say
    std::vector<int> counts;      ///< that its names begin with: the 4 of "Four Pieces"
    bool holds_any_form = false;  ///< an opera, a ballet and their like
    std::vector<TermSet> titles;  ///< the main one first, then nicknames and other languages
    std::vector<double> rarities; ///< of each title: the sum of its terms'
    std::optional<int> ordinal;   ///< the 14 of "Piano Sonata No. 14"
  };

  /// What candidates are chosen by, close together: a search looks at thousands.
  struct Brief {
    ComposerIndex composer{};
    std::optional<int> ordinal;
    std::uint16_t key = 0;  ///< as key() has it
  };

  std::optional<TermId> term(std::string_view text) const;
  /// The term a misspelt word means: the commonest one that differs in one character.
  std::optional<TermId> nearest(std::string_view text) const;
  /// How much a term tells: the logarithm of how few works have it. That of a term nobody has for nothing.
  double rarity(std::optional<TermId> term) const { return term ? rarities_[static_cast<std::size_t>(*term)] : rarity_of_unknown_; }
  std::span<const Posting> with_term(TermId term) const { return postings_[static_cast<std::size_t>(term)]; }
  /// Works with exactly this number, "op:27/2".
  std::span<const WorkIndex> with_number(const std::string& number) const { return find_in(by_number_, number); }
  /// Works with this number or a part of it: "op:27" finds op:27/1 and op:27/2.
  std::span<const WorkIndex> with_base(const std::string& base) const { return find_in(by_base_, base); }
  /// The collection of one composer whose range of numbers holds this one: BWV 846-869 for bwv:851.
  std::optional<WorkIndex> collection_of(ComposerIndex composer, const CatalogueNumber& number) const;
  const WorkEntry& entry(WorkIndex work) const { return entries_[static_cast<std::size_t>(work)]; }
  const Brief& brief(WorkIndex work) const { return briefs_[static_cast<std::size_t>(work)]; }
  /// The number of a key, "C# minor", that a work is in.
  std::optional<std::uint16_t> key(const std::string& text) const;
  /// Whose catalogue a code nearly always means, by the works here that have it, and their share: "bwv" is Bach's, "d" mostly Schubert's.
  /// Where no work has the code, the only composer whose catalogue it is.
  struct Owner {
    ComposerIndex composer{};
    double share = 0;
  };
  std::optional<Owner> owner_of(const std::string& code) const;

 private:
  using Numbers = std::unordered_map<std::string, std::vector<WorkIndex>>;
  static std::span<const WorkIndex> find_in(const Numbers& numbers, const std::string& key);
  TermId intern(const std::string& text);
  TermSet interned(const std::vector<std::string>& terms);
  void add_work(WorkIndex index, const Work& work);
  void add_corrections();
  void weigh_terms();

  /// What is left of a term without one of its characters, by its hash.
  struct Correction {
    std::size_t hash = 0;
    const std::string* text = nullptr;  ///< the term, in terms_
    TermId id{};
  };

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, TermId, Hash, std::equal_to<>> terms_;
  std::vector<Correction> corrections_;  ///< by hash
  std::vector<std::vector<Posting>> postings_;
  std::vector<double> rarities_;  ///< of each term
  double rarity_of_unknown_ = 0;
  std::vector<WorkEntry> entries_;
  std::vector<Brief> briefs_;
  std::unordered_map<std::string, std::uint16_t> keys_;
  Numbers by_number_, by_base_;
  struct Collection {
    ComposerIndex composer{};
    std::string code;
    int first = 0, last = 0;
    WorkIndex work{};
  };
  std::vector<Collection> collections_;  ///< some dozens
  std::unordered_map<std::string, std::optional<ComposerIndex>> only_user_;  ///< of a code; none: several composers have it
  std::unordered_map<std::string, std::unordered_map<std::uint32_t, std::size_t>> by_code_;  ///< works of each composer
};

}  // namespace ghost::ariascribe
