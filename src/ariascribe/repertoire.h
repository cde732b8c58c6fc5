#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/catalogue_number.h"
#include "base/result.h"

namespace ghost::ariascribe {

enum class ComposerIndex : std::uint32_t {};
enum class WorkIndex : std::uint32_t {};

struct Movement {
  int number = 0;      ///< 0: the score leaves it without one
  std::string title;  ///< without its number
  std::string key;    ///< "C# minor", or ""
};

struct Composer {
  std::string id;      ///< "bach-js"
  std::string name;    ///< "Johann Sebastian Bach"
  int born = 0;        ///< 0: not known
  int died = 0;        ///< 0: not known, or living
  std::string period;  ///< "baroque"
  std::vector<std::string> other_names;
  std::vector<std::string> catalogues;  ///< codes, "bwv"
  std::uint32_t works = 0;              ///< how many of them are here
};

struct Work {
  std::string id;  ///< "beethoven/op-27-2"
  ComposerIndex composer{};
  std::string title;  ///< "Piano Sonata No. 14", without key and catalogue number
  std::vector<CatalogueNumber> catalogue;
  std::string key;  ///< "C# minor", or ""
  int year = 0;     ///< of completion; 0: not known
  std::string medium, form;
  std::vector<std::string> also;  ///< nicknames, titles in other languages
  std::vector<Movement> movements;

  /// How many of its movements have a number.
  int movement_count() const;
  /// "Piano Sonata No. 14 in C-sharp minor, Op. 27 No. 2"; counts in digits: "24 Preludes, Op. 28".
  std::string full_title() const { return full_title(title); }
  /// Whether this very number is one of its.
  bool has(const CatalogueNumber& number) const { return std::find(catalogue.begin(), catalogue.end(), number) != catalogue.end(); }
  /// The same with another of its names, as "Lieder ohne Worte".
  /// @param numbers  how many of its catalogue numbers, from the first
  std::string full_title(std::string_view name, std::size_t numbers = static_cast<std::size_t>(-1)) const;
};

/// One known performer of data/repertoire/performers.txt.
struct KnownPerformer {
  std::string name;
  std::string role;        ///< conductor, soloist, orchestra, choir, ensemble
  std::string instrument;  ///< or voice, of a soloist
  std::vector<std::string> other_names;
};

/// A file of data/repertoire: its path below that folder, and what stands in it.
struct RepertoireFile {
  std::string path;
  std::string text;
};

/// The composers and works Ariascribe comes with (data/repertoire/SOURCE.md has the format). Read once, then only looked at.
class Repertoire {
 public:
  /// Reads composers.txt, performers.txt (which may be missing) and works/*.txt. Errors name file and line.
  static Result<Repertoire> parse(std::span<const RepertoireFile> files);
  /// What the build put into the program.
  static Result<Repertoire> embedded();

  std::span<const Composer> composers() const { return composers_; }
  std::span<const Work> works() const { return works_; }
  std::span<const KnownPerformer> performers() const { return performers_; }
  const Composer& composer(ComposerIndex index) const { return composers_[static_cast<std::size_t>(index)]; }
  const Composer& composer_of(const Work& work) const { return composer(work.composer); }
  const Work& work(WorkIndex index) const { return works_[static_cast<std::size_t>(index)]; }
  /// Null when there is no work of that id.
  const Work* find(std::string_view id) const;

  /// For composers of imported works, as long as nobody else looks at this.
  ComposerIndex add_composer(Composer composer) {
    composers_.push_back(std::move(composer));
    return static_cast<ComposerIndex>(composers_.size() - 1);
  }
  /// Another name and other years for one; works and catalogues stay.
  void rename_composer(ComposerIndex index, Composer as) {
    Composer& composer = composers_[static_cast<std::size_t>(index)];
    as.works = composer.works;
    as.catalogues = std::move(composer.catalogues);
    composer = std::move(as);
  }
  void count_works(ComposerIndex composer, std::uint32_t more) { composers_[static_cast<std::size_t>(composer)].works += more; }

 private:
  friend class RepertoireReader;
  std::vector<Composer> composers_;
  std::vector<Work> works_;
  std::vector<KnownPerformer> performers_;
  std::map<std::string, WorkIndex, std::less<>> by_id_;
};

/// What a careful reader would object to: numbers twice, dates outside a life, movements with gaps. Each is "FILE:LINE: …".
/// @param files  as Repertoire::parse() takes them; those that do not parse give one objection
std::vector<std::string> objections_to(std::span<const RepertoireFile> files);

}  // namespace ghost::ariascribe
