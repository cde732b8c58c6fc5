#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ariascribe/composer_names.h"
#include "ariascribe/identification.h"
#include "ariascribe/index.h"
#include "ariascribe/performers.h"
#include "ariascribe/repertoire.h"
#include "ariascribe/stored_works.h"
#include "ariascribe/title.h"

namespace ghost::ariascribe {

/// A work a track may be of.
struct Candidate {
  WorkHandle work;
  double score = 0;        ///< logarithmic: a difference of 1 is odds of 2.7
  double probability = 0;  ///< among all candidates and "none of these"
};

/// What a track's texts say, before it is decided what they mean.
struct Reading {
  TrackInput input;
  ParsedTitle title;   ///< of the title; of the album where there is no title
  ParsedTitle album;   ///< where the title alone names no work
  bool work_in_album = false;
  /// Who composed it, as far as the texts name anyone; several where a name is shared.
  std::vector<ComposerNames::Match> composers;
  bool composer_is_certain = false;          ///< named in the composer field or in front of the title
  bool composer_is_guessed = false;          ///< by nothing but a first name in front of a title nobody knows
  std::string composer_as_artist;            ///< one of the artists, who died too early to be one
  std::string composer_text;                 ///< that name as it stood
  std::vector<std::pair<std::optional<TermId>, double>> terms;  ///< of the work's name, with their rarity
  TermSet forms;                             ///< those of them that are forms of composition
  std::vector<StoredTerm> stored_terms;      ///< the same terms, one for one, as the files of imported works have them
  std::vector<std::uint64_t> stored_forms;
  bool has_common_name = true;               ///< nothing but forms, instruments and numbers: "5 Lieder"
  bool names_act = false;                    ///< an act of a stage work: "Atto III, scena 2"
  std::optional<int> count;                  ///< the 4 of "Four Pieces"
  std::vector<Performer> performers;
  std::vector<Candidate> candidates;         ///< the best first
  double none = 1;                           ///< the probability of "none of these"

  const ParsedTitle& named() const { return work_in_album ? album : title; }  ///< the text that names the work
  bool names_work() const { return !named().work.empty(); }
};

/// Turns texts into identifications (docs/spec/ariascribe.md §5). Immutable, so any number of threads may use it.
class Matcher {
 public:
  /// @param repertoire  outlives this
  /// @param stored      imported works, whose composers the repertoire has; null: none
  explicit Matcher(const Repertoire& repertoire, std::shared_ptr<const StoredWorks> stored = {});

  Identification identify(const TrackInput& input) const { return conclude(read(input)); }

  /// The first half: texts taken apart, candidates with their probabilities.
  Reading read(const TrackInput& given) const;
  /// How well a work fits what was read.
  double score(const Reading& reading, const WorkHandle& work) const;
  /// The second half: with the best candidate or, where `decided` is given, with that one.
  struct Decided {
    std::optional<WorkHandle> work;  ///< nothing: none that is known
    double probability = 0;
    std::string reason;
  };
  Identification conclude(const Reading& reading, const std::optional<Decided>& decided = {}) const;

  /// Works a text may mean, the best first: for searching.
  std::vector<Candidate> search(std::string_view text, std::size_t limit) const;

  const Repertoire& repertoire() const { return repertoire_; }
  const StoredWorks* stored() const { return stored_.get(); }
  const Work& work(const WorkHandle& handle) const { return handle.stored ? handle.stored->work : repertoire_.work(handle.index); }
  std::optional<int> ordinal(const WorkHandle& handle) const { return handle.stored ? handle.stored->ordinal : index_.entry(handle.index).ordinal; }
  /// By the repertoire's id or the catalogue's.
  std::optional<WorkHandle> find(std::string_view id) const;
  /// How many works may be found.
  std::size_t size() const { return repertoire_.works().size() + (stored_ ? stored_->size() : 0); }
  const PerformerParser& performers() const { return performers_; }

 private:
  Reading read_texts(const TrackInput& input) const;
  std::optional<Reading> read_with_person_in_front(const Reading& reading) const;
  void find_composers(Reading& reading) const;
  void find_terms(Reading& reading) const;
  void find_candidates(Reading& reading, std::size_t limit) const;
  void find_stored(Reading& reading, std::size_t limit) const;
  double score_titles(const Reading& reading, const WorkHandle& work) const;
  double score_numbers(const Reading& reading, const Work& work) const;
  double score_form(const Reading& reading, const WorkHandle& work) const;
  double score_movement(const Reading& reading, const WorkHandle& work) const;
  double told_as(const Reading& reading, const WorkHandle& work) const;
  WorkHandle member_named(const Reading& reading) const;
  bool holds(const CatalogueMention& mention, ComposerIndex composer) const;

  bool holds_any_form(const WorkHandle& handle) const { return handle.stored ? handle.stored->holds_any_form : index_.entry(handle.index).holds_any_form; }

  const Repertoire& repertoire_;
  const std::shared_ptr<const StoredWorks> stored_;
  ComposerNames names_;
  Index index_;
  PerformerParser performers_;
};

}  // namespace ghost::ariascribe
