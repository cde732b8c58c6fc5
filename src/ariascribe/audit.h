#pragma once
#include <map>
#include <string>
#include <vector>

#include "ariascribe/composer_names.h"
#include "ariascribe/performers.h"
#include "ariascribe/tags.h"

namespace ghost::ariascribe {

enum class FindingKind : std::uint8_t {
  missing_composer,  ///< a track has no COMPOSER
  movement_gap,      ///< movements of a work are missing, or there twice
  two_names,         ///< one person is written in two ways
  wrong_field        ///< an orchestra as conductor, a soloist as composer
};
/// "missing_composer", …: what programs read.
std::string_view name(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::missing_composer;
  std::string place;         ///< the file or folder; where it is about many, one that shows it
  std::size_t files = 1;     ///< how many it is about
  std::string message;       ///< a sentence for a person
};

/// What a library's tags leave open or contradict (docs/spec/ariascribe.md §7.2). Takes folder after folder; of each it keeps the names
/// of people and no more.
class Audit {
 public:
  struct Track {
    std::string path;
    std::vector<Tag> tags;
  };

  /// @param repertoire  knows composers and performers; outlives this, as does `performers`
  Audit(const Repertoire& repertoire, const PerformerParser& performers) : repertoire_(repertoire), names_(repertoire), performers_(performers) {}

  /// One folder's tracks. Gives what is found in it.
  std::vector<Finding> add_folder(const std::string& folder, const std::vector<Track>& tracks);
  /// What only the whole shows: people under two names.
  std::vector<Finding> finish() const;

 private:
  struct Spelling {
    std::size_t files = 0;
    std::string first_path;
  };
  struct Person {
    std::string canonical;  ///< as the repertoire has the name; "" for one it does not know
    std::map<std::string, Spelling> spellings;
  };

  void check_movements(const std::string& folder, const std::vector<Track>& tracks, std::vector<Finding>& found) const;
  void check_fields(const Track& track, std::vector<Finding>& found) const;
  void note_people(const Track& track);
  void note_person(const std::string& name, bool composer, const std::string& path);

  const Repertoire& repertoire_;
  ComposerNames names_;
  const PerformerParser& performers_;
  std::map<std::string, Person> people_;          ///< by a key that all spellings of one person share
  std::map<std::pair<bool, std::string>, std::string> keys_;  ///< of names seen: working one out costs more than reading a file
};

}  // namespace ghost::ariascribe
