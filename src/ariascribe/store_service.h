#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ariascribe/claims.h"
#include "ariascribe/database_service.h"
#include "ariascribe/uuid.h"

namespace ghost::ariascribe {

/// Who says something. `rank`: 0 a file, 1 a person.
struct Source {
  std::string id, name, licence;
  int rank = 0;
};

/// A subject with all that is said of it.
struct Entity {
  std::string id;
  Kind kind = Kind::work;
  std::int64_t rev = 0;
  bool gone = false;           ///< nobody says anything of it any more
  std::vector<Ref> refs;       ///< what sources call it
  std::vector<Claim> claims;   ///< all of them, also those that do not stand

  std::vector<Claim> shown() const { return ariascribe::shown(claims); }
};

/// A work in a tree of works.
struct TreeNode {
  std::string id, parent, title;
  int position = 0, depth = 0;
};

/// What is shown of a work or an agent, in one go.
struct ShownWork {
  std::string id, title, composer, parent, form, key;  ///< composer, parent: ids; ""
  int part_number = 0, year = 0;
  std::vector<std::string> numbers, aliases;
};
struct ShownAgent {
  std::string id, name, period;
  int born = 0, died = 0;
  std::vector<std::string> aliases;
};

/// How far a file has been read.
struct ImportRun {
  std::string id, source, file;       ///< file: its place; with size and time of change it is the same file
  std::int64_t size = 0, changed_ms = 0;
  std::uint64_t records = 0;          ///< read so far, good and bad
  std::uint64_t problems = 0;
  bool done = false;
};

/// One field of a subject as a person has it, and how it must stand for that to be written.
struct Correction {
  std::string subject, field, value;  ///< value: "" takes back what that person said before
  std::optional<std::string> shown;   ///< what is shown of it; nothing: whatever it is
  std::optional<std::string> said;    ///< what that person says of it, "" for nothing; nothing: whatever it is
};
/// How a field stands.
struct FieldStanding {
  std::string subject;      ///< its id
  std::string shown, said;  ///< said: by the person asked for; ""
};

/// Where a node of the change feed stands.
struct Change {
  std::string id;
  Kind kind = Kind::work;
  std::int64_t rev = 0;
  bool gone = false;
};

struct StoreCounts {
  std::vector<std::pair<std::string, std::uint64_t>> tables;  ///< rows of each
  std::vector<std::pair<Source, std::uint64_t>> sources;      ///< standing claims of each
  std::int64_t rev = 0;
};

/// The catalogue in a database (docs/spec/ariascribe.md §10): what sources claim, and tables of what is shown, kept true by every write. One
/// thread at a time; several stores, also of several machines, may be open on one database.
class Store {
 public:
  /// @param where  a file, or postgresql://… ; the tables are made where there are none
  static Result<std::unique_ptr<Store>> open(const std::string& where);
  /// @param clock  Unix milliseconds
  Store(std::unique_ptr<Database> database, std::function<std::int64_t()> clock) : database_(std::move(database)), clock_(std::move(clock)) {}
  Status prepare();

  /// The source of that name and licence, made where there is none.
  Result<Source> source(const std::string& name, const std::string& licence, int rank = 0);

  struct Written {
    std::uint64_t fresh = 0, changed = 0, same = 0;  ///< subjects
  };
  /// Takes in what a source says, all or nothing. The same again changes nothing. Where `run` is given, it is written with it, so that a
  /// process that is killed goes on where it was.
  Result<Written> write(std::span<const Record> records, const Source& source, const ImportRun* run = nullptr);
  /// Takes back all a source ever said; gives how many subjects are shown otherwise. The source stays, without claims.
  Result<std::uint64_t> forget(const std::string& source_id);

  /// One field of a subject, said by a person; "" takes back what was said before. not_found, malformed.
  Status correct(const std::string& id, const std::string& field, const std::string& value, const std::string& who);
  /// The same for several, all or none. conflict, naming the field, where one stands otherwise than it must.
  Status correct(std::span<const Correction> corrections, const std::string& who);
  /// How a field that can be corrected stands. not_found, malformed.
  Result<FieldStanding> standing(const Correction& correction, const std::string& who);

  /// By its id, or by what a source calls it, "musicbrainz-work:0637…". not_found.
  Result<Entity> get(const std::string& id_or_ref);
  /// Those that are there, in the order of their ids.
  Result<std::vector<Entity>> entities(std::span<const std::string> ids);
  /// The name or title shown of each of these; those without one are left out.
  Result<std::unordered_map<std::string, std::string>> names(std::span<const std::string> ids);
  /// A work and its parts, each behind the one it is a part of, down to 20 levels and 2,000 works.
  Result<std::vector<TreeNode>> tree(const std::string& work);
  /// What was changed since, in the order of (rev, id): the next page begins behind the last.
  Result<std::vector<Change>> changes(std::int64_t since, const std::string& after_id, std::size_t limit);
  /// Subjects of one kind that are not gone, by id, behind `after`.
  Result<std::vector<std::string>> ids(Kind kind, const std::string& after, std::size_t limit);
  enum class Which : std::uint8_t { wholes, parts };  ///< wholes: parts of nothing that is here
  /// Works in the order of their ids, behind `after`; of parts no numbers and aliases.
  Result<std::vector<ShownWork>> shown_works(Which which, const std::string& after, std::size_t limit);
  Result<std::vector<ShownWork>> shown_works_of(std::span<const std::string> ids);
  Result<std::vector<ShownWork>> parts_of(std::span<const std::string> ids);
  Result<std::vector<ShownAgent>> shown_agents(std::span<const std::string> ids);
  /// Ids of works these agents composed, at most `most` or a page more.
  Result<std::vector<std::string>> works_by(std::span<const std::string> agents, std::size_t most);
  Result<std::vector<Source>> sources();
  Result<std::int64_t> rev();
  Result<StoreCounts> counts();

  /// The run of that file that is not done, or a fresh one.
  Result<ImportRun> begin_run(const Source& source, const std::string& file, std::int64_t size, std::int64_t changed_ms);

  std::string_view engine() const { return database_->engine(); }

 private:
  struct Writing;
  template <class F>
  auto transact(F&& work) -> decltype(work());
  using Learned = std::vector<std::pair<std::string, std::string>>;
  Result<Written> write_once(std::span<const Record> records, const Source& source, const ImportRun* run, Learned& learned);
  Status resolve(Writing& writing, std::span<const Record> records);
  Result<std::unordered_map<std::string, std::vector<Claim>>> claims_of(std::span<const std::string> ids);
  Status put_claims(const std::vector<Claim>& claims);
  Status put_shown(const std::string& id, Kind kind, std::span<const Claim> claims, bool is_new, Writing& writing);
  Status flush(Writing& writing);
  Result<Entity> correctable(const Correction& correction);
  Status correct_once(const std::string& id, Kind kind, const Correction& correction, const Source& by, std::int64_t rev);
  Result<std::int64_t> next_rev();
  Status insert(const std::string& table, const std::vector<std::string>& columns, std::span<const Value> values, const std::string& behind = "");
  Status add_details(std::vector<ShownWork>& works);
  Result<std::vector<Row>> select_in(const std::string& sql, std::span<const std::string> ids);

  std::unique_ptr<Database> database_;
  std::function<std::int64_t()> clock_;
  UuidSource uuids_;
  std::unordered_map<std::string, std::string> known_refs_;  ///< of committed transactions: "scheme\0key" to the subject
};

}  // namespace ghost::ariascribe
