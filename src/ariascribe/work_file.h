#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ariascribe/index.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ghost::ariascribe {

// The search index of imported works (docs/spec/ariascribe.md §12): one file that is mapped and only looked at, so that any number of processes
// share its pages. Works stand in the order of their composers, so that those of one are one range of every list.

/// A term in a title of a file's work: the same hash in every file, and how much it tells there.
struct StoredTerm {
  std::uint64_t hash = 0;
  float rarity = 0;
};
std::uint64_t term_hash(std::string_view term);

/// A work as a file has it.
struct StoredWork {
  Work work;
  std::vector<std::vector<StoredTerm>> titles;  ///< as WorkWords has them; each sorted by hash
  std::vector<std::uint64_t> forms;             ///< sorted
  std::vector<int> counts;
  std::optional<int> ordinal;
  bool holds_any_form = false;
};

/// Who composed works of a file.
struct StoredComposer {
  std::string id;       ///< in the catalogue
  std::string shipped;  ///< the repertoire's id for the same person; ""
  std::string name, period;
  int born = 0, died = 0;
  std::vector<std::string> other_names;
};

/// Gathers works and writes the file. Takes some 250 bytes of memory a work.
class WorkFileBuilder {
 public:
  /// @return  its slot, for add()
  std::uint32_t add_composer(StoredComposer composer);
  /// @param work  its `composer` is not looked at; `id` is a UUID
  void add(const Work& work, std::uint32_t composer);
  /// Works of the file it goes with that are not to be found there: changed, or gone.
  void hide(const std::string& id) { hidden_.push_back(id); }
  std::size_t size() const { return works_.size(); }

  struct Stamp {
    std::uint64_t build = 0;    ///< of this file
    std::uint64_t base = 0;     ///< of the file it goes with; 0: it stands alone
    std::int64_t rev = 0;       ///< of the catalogue
    std::uint64_t shipped = 0;  ///< fingerprint of the repertoire it leans on
  };
  Status write(const Stamp& stamp, const std::function<Status(BytesView)>& put);

 private:
  std::uint32_t slot_of(std::string_view term);
  struct Kept {
    std::uint64_t offset = 0;  ///< in records_
    std::uint32_t composer = 0, size = 0;
    std::uint32_t first_term = 0, terms = 0;      ///< in terms_of_works_; those of movements have the highest bit
    std::uint32_t first_number = 0, numbers = 0;  ///< in numbers_of_works_
  };
  std::vector<StoredComposer> composers_;
  std::vector<Kept> works_;
  std::string records_;
  std::unordered_map<std::uint64_t, std::uint32_t> slots_;  ///< of a term's hash
  std::vector<std::uint64_t> hashes_;                       ///< of each slot
  std::vector<std::uint32_t> terms_of_works_;
  std::vector<std::uint64_t> numbers_of_works_;             ///< hashes
  std::vector<std::string> hidden_;
};

/// A file that is mapped: reads it where it lies. Bytes that are no such file, or damaged, find nothing; they never do harm.
class WorkFile {
 public:
  /// @param bytes  outlive this
  /// Errors: malformed, and unsupported for another version.
  static Result<WorkFile> open(BytesView bytes);

  const WorkFileBuilder::Stamp& stamp() const { return stamp_; }
  std::uint32_t works() const { return works_; }
  std::vector<StoredComposer> composers() const;
  /// Works of one composer: [first, last).
  std::pair<std::uint32_t, std::uint32_t> works_of(std::uint32_t composer) const;
  std::uint32_t composer_of(std::uint32_t work) const;

  struct Postings {
    std::span<const std::uint32_t> works;  ///< ascending; the highest bit marks a term of a movement's name
    float rarity = 0;
  };
  static constexpr std::uint32_t kOfMovement = 1U << 31;
  std::optional<Postings> term(std::uint64_t hash) const;
  /// Works with a number of this base, "op:27".
  std::span<const std::uint32_t> with_base(std::uint64_t hash) const;
  /// Nothing where the bytes are damaged. `work.composer` is the composer's slot.
  std::shared_ptr<StoredWork> read(std::uint32_t work) const;
  std::optional<std::uint32_t> find(std::string_view id) const;
  std::vector<std::string> hidden() const;

 private:
  template <class T>
  std::span<const T> section(std::size_t number) const;
  BytesView bytes_;
  WorkFileBuilder::Stamp stamp_;
  std::uint32_t works_ = 0, composers_ = 0;
};

}  // namespace ghost::ariascribe
