#include "ariascribe/store_service.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <memory_resource>
#include <thread>

#include "ariascribe/store_tables_service.h"

namespace ghost::ariascribe {

namespace {

constexpr int kTries = 12;                       ///< of a transaction others came between
constexpr std::size_t kMostKnownRefs = 400'000;  ///< kept in memory, some 60 MB
constexpr int kMostLevels = 20;
constexpr std::size_t kMostParts = 2000;
constexpr std::array<std::size_t, 4> kChunks = {64, 16, 4, 1};  ///< rows of one statement: few statements to prepare, few round trips

std::string ref_key(const Ref& ref) { return ref.scheme + '\0' + ref.key; }

std::int64_t number_of(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

/// A whole number that a column of numbers takes; nothing else does.
std::optional<std::string> as_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::to_string(value);
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::string(text.data(), end) : "0";
}

/// "$3, $4" in `groups` groups of `width`, in brackets where there are several columns.
std::string placeholders(std::size_t groups, std::size_t width, bool brackets) {
  std::string out;
  std::size_t n = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    out += g == 0 ? "" : ", ";
    if (brackets) out += '(';
    for (std::size_t i = 0; i < width; ++i) out += (i == 0 ? "$" : ", $") + std::to_string(++n);
    if (brackets) out += ')';
  }
  return out;
}

Claim claim_of_row(Row&& row) {
  Claim claim;
  claim.subject = std::move(*row[0]);
  claim.field = std::move(*row[1]);
  claim.value = std::move(*row[2]);
  claim.detail = std::move(*row[3]);
  claim.source = std::move(*row[4]);
  std::from_chars(row[5]->data(), row[5]->data() + row[5]->size(), claim.confidence);
  claim.made_ms = number_of(row[6]);
  if (row[7]) claim.supersedes = std::move(*row[7]);
  claim.standing = row[8] == "1";
  claim.rank = static_cast<int>(number_of(row[9]));
  return claim;
}

const std::string kSelectClaims = "SELECT c.subject, c.field, c.value, c.detail, c.source, c.confidence, c.made_ms, c.supersedes, c.standing, s.rank FROM claim c JOIN source s ON s.id = c.source WHERE c.subject IN (@) ORDER BY c.subject, c.field, c.source, c.value, c.detail";

}  // namespace

/// What one transaction has gathered.
struct Store::Writing {
  std::unordered_map<std::string, std::string> refs;  ///< "scheme\0key" to the subject
  std::int64_t rev = 0;
  /// To be inserted in one go: of each table its values, row by row; their texts lie one behind the other in `texts`.
  std::map<std::string, std::vector<Value>, std::less<>> rows;
  std::pmr::monotonic_buffer_resource texts{256U << 10};

  void add(std::string_view table, std::initializer_list<Value> row) {
    auto& of = of_table(table);
    for (const Value& each : row) of.push_back(kept(each));
  }
  void add_claim(const Claim& claim) {
    const std::string confidence = number_text(claim.confidence), made = std::to_string(claim.made_ms);
    add("claim", {claim.subject, claim.field, claim.value, claim.detail, claim.source, confidence, made, claim.supersedes.empty() ? Value() : Value(claim.supersedes), claim.standing ? "1" : "0"});
  }
  std::vector<Value>& of_table(std::string_view table) {
    const auto found = rows.find(table);
    return found != rows.end() ? found->second : rows[std::string(table)];
  }
  /// In the order of their key: then neighbours are written to a page while it is at hand.
  void sort_names() {
    std::vector<Value>& flat = of_table("xref");
    std::vector<std::array<Value, 3>> sorted;
    sorted.reserve(flat.size() / 3);
    for (std::size_t i = 0; i + 2 < flat.size(); i += 3) sorted.push_back({flat[i], flat[i + 1], flat[i + 2]});
    std::sort(sorted.begin(), sorted.end());
    flat.clear();
    for (const auto& each : sorted) flat.insert(flat.end(), each.begin(), each.end());
  }
  Value kept(const Value& value) {
    if (!value) return value;
    auto* const at = static_cast<char*>(texts.allocate(value->size() + 1, 1));
    std::copy(value->begin(), value->end(), at);
    return std::string_view(at, value->size());
  }
};

template <class F>
auto Store::transact(F&& work) -> decltype(work()) {
  for (int attempt = 1;; ++attempt) {
    decltype(work()) out = Error{Errc::aborted, ""};
    if (const Status begun = database_->begin(); !begun) {
      out = begun.error();
    } else {
      out = work();
      if (out) {
        if (const Status done = database_->commit(); !done) out = done.error();
      }
      if (!out) database_->rollback();
    }
    if (out || out.error().code != Errc::aborted || attempt == kTries) return out;
    // The one that came between is to be done before the next try; both waiting the same time would meet again.
    std::uint8_t random = 0;
    random_bytes(std::span(&random, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt + random % (5 * attempt)));
  }
}

Result<std::unique_ptr<Store>> Store::open(const std::string& where) {
  const bool postgres = where.starts_with("postgresql://") || where.starts_with("postgres://");
  auto database = postgres ? open_postgres(where) : open_sqlite(where);
  if (!database) return database.error();
  const auto clock = [] { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); };
  auto store = std::make_unique<Store>(std::move(*database), clock);
  if (const Status made = store->prepare(); !made) return made.error();
  return store;
}

Status Store::prepare() {
  const auto there = database_->run("SELECT value FROM counter WHERE name = 'schema'");
  if (there && !there->empty()) {
    if ((*there)[0][0] == "1") return {};
    return Error{Errc::unsupported, "the catalogue is of version " + (*there)[0][0].value_or("?") + "; this program knows version 1"};
  }
  if (!there && there.error().code != Errc::malformed) return there.error();
  return transact([&]() -> Status {
    for (const std::string& each : schema(database_->table_suffix())) {
      if (const auto made = database_->run(each); !made) {
        // Two that make the tables at once: the other one has won, and its are there at the next try.
        const bool met = made.error().message.find("23505") != std::string::npos || made.error().message.find("42P07") != std::string::npos;
        return met ? Error{Errc::aborted, made.error().message} : made.error();
      }
    }
    for (const char* each : {"INSERT INTO counter (name, value) VALUES ('rev', 0) ON CONFLICT (name) DO NOTHING", "INSERT INTO counter (name, value) VALUES ('schema', 1) ON CONFLICT (name) DO NOTHING"}) {
      if (const auto put = database_->run(each); !put) return put.error();
    }
    return {};
  });
}

Result<Source> Store::source(const std::string& name, const std::string& licence, int rank) {
  return transact([&]() -> Result<Source> {
    const std::string id = uuids_.next(clock_()), rank_text = std::to_string(rank), made = std::to_string(clock_());
    auto rows = database_->run("INSERT INTO source (id, name, licence, rank, made_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name, licence) DO UPDATE SET name = excluded.name RETURNING id, rank", {id, name, licence, rank_text, made});
    if (!rows) return rows.error();
    return Source{*(*rows)[0][0], name, licence, static_cast<int>(number_of((*rows)[0][1]))};
  });
}

Result<std::vector<Source>> Store::sources() {
  auto rows = database_->run("SELECT id, name, licence, rank FROM source ORDER BY name, licence");
  if (!rows) return rows.error();
  std::vector<Source> out;
  for (Row& row : *rows) out.push_back({std::move(*row[0]), std::move(*row[1]), std::move(*row[2]), static_cast<int>(number_of(row[3]))});
  return out;
}

Result<std::int64_t> Store::next_rev() {
  // Who writes holds this row to its commit, so revisions come to be seen in their order.
  auto rows = database_->run("UPDATE counter SET value = value + 1 WHERE name = 'rev' RETURNING value");
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::data_loss, "the catalogue has lost its counter of revisions"};
  return number_of((*rows)[0][0]);
}

Result<std::int64_t> Store::rev() {
  auto rows = database_->run("SELECT value FROM counter WHERE name = 'rev'");
  if (!rows) return rows.error();
  return rows->empty() ? 0 : number_of((*rows)[0][0]);
}

Status Store::insert(const std::string& table, const std::vector<std::string>& columns, std::span<const Value> values, const std::string& behind) {
  std::string head = "INSERT INTO " + table + " (";
  for (std::size_t i = 0; i < columns.size(); ++i) head += (i == 0 ? "" : ", ") + columns[i];
  head += ") VALUES ";
  for (const std::size_t chunk : kChunks) {
    const std::size_t count = chunk * columns.size();
    if (values.size() < count) continue;
    const std::string sql = head + placeholders(chunk, columns.size(), true) + behind;
    for (; values.size() >= count; values = values.subspan(count)) {
      if (const auto put = database_->run(sql, values.first(count)); !put) return put.error();
    }
  }
  return {};
}

/// `sql` with "@" where the ids stand, run for all of them in chunks.
Result<std::vector<Row>> Store::select_in(const std::string& sql, std::span<const std::string> ids) {
  std::vector<Row> all;
  const std::size_t mark = sql.find('@');
  for (const std::size_t chunk : kChunks) {
    if (ids.size() < chunk) continue;
    const std::string text = sql.substr(0, mark) + placeholders(1, chunk, false) + sql.substr(mark + 1);
    for (; ids.size() >= chunk; ids = ids.subspan(chunk)) {
      const std::vector<Value> values(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(chunk));
      auto rows = database_->run(text, values);
      if (!rows) return rows.error();
      all.insert(all.end(), std::make_move_iterator(rows->begin()), std::make_move_iterator(rows->end()));
    }
  }
  return all;
}

Status Store::resolve(Writing& writing, std::span<const Record> records) {
  std::vector<const Ref*> asked;
  std::unordered_map<std::string, bool> seen;
  const auto ask = [&](const Ref& ref) {
    const std::string key = ref_key(ref);
    if (!seen.emplace(key, true).second) return;
    const auto known = known_refs_.find(key);
    if (known != known_refs_.end()) writing.refs.emplace(key, known->second);
    else asked.push_back(&ref);
  };
  for (const Record& record : records) {
    for (const Ref& ref : record.refs) ask(ref);
    for (const Said& each : record.said) {
      if (each.to) ask(*each.to);
    }
  }
  std::vector<Value> values;
  std::span<const Ref* const> left = asked;
  for (const std::size_t chunk : kChunks) {
    if (left.size() < chunk) continue;
    // A list of pairs behind IN would have SQLite read the whole table.
    const std::string sql = "SELECT x.scheme, x.key, x.subject FROM (VALUES " + placeholders(chunk, 2, true) + ") AS v CROSS JOIN xref x WHERE x.scheme = v.column1 AND x.key = v.column2";
    for (; left.size() >= chunk; left = left.subspan(chunk)) {
      values.clear();
      for (const Ref* ref : left.first(chunk)) {
        values.emplace_back(ref->scheme);
        values.emplace_back(ref->key);
      }
      auto rows = database_->run(sql, values);
      if (!rows) return rows.error();
      for (Row& row : *rows) writing.refs.emplace(*row[0] + '\0' + *row[1], std::move(*row[2]));
    }
  }
  return {};
}

Result<std::unordered_map<std::string, std::vector<Claim>>> Store::claims_of(std::span<const std::string> ids) {
  auto rows = select_in(kSelectClaims, ids);
  if (!rows) return rows.error();
  std::unordered_map<std::string, std::vector<Claim>> out;
  for (Row& row : *rows) {
    Claim claim = claim_of_row(std::move(row));
    auto& of = out[claim.subject];
    of.push_back(std::move(claim));
  }
  return out;
}

Status Store::put_claims(const std::vector<Claim>& claims) {
  for (const Claim& each : claims) {
    const std::string made = std::to_string(each.made_ms);
    const auto put = database_->run("UPDATE claim SET standing = $1, made_ms = $2 WHERE subject = $3 AND field = $4 AND source = $5 AND value = $6 AND detail = $7", {each.standing ? "1" : "0", made, each.subject, each.field, each.source, each.value, each.detail});
    if (!put) return put.error();
  }
  return {};
}

/// What is shown of a subject, into the tables of its kind.
Status Store::put_shown(const std::string& id, Kind kind, std::span<const Claim> claims, bool is_new, Writing& writing) {
  const std::vector<const Claim*> top = shown_of(claims);
  const ShownTable& table = shown_table(kind);
  if (!is_new) {
    const auto gone = database_->run("DELETE FROM " + std::string(table.table) + " WHERE id = $1", {id});
    if (!gone) return gone.error();
  }
  const auto top_of = [&](std::string_view field) -> const Claim* {
    const auto found = std::find_if(top.begin(), top.end(), [&](const Claim* each) { return each->field == field; });
    return found == top.end() ? nullptr : *found;
  };
  if (!top.empty()) {
    std::vector<Value>& row = writing.of_table(table.table);
    row.push_back(writing.kept(id));
    for (const std::string_view text : table.texts) {
      const Claim* claim = top_of(text);
      row.push_back(claim ? writing.kept(claim->value) : Value());
    }
    for (const std::string_view number : table.numbers) {
      const Claim* claim = top_of(number);
      const auto value = claim ? as_number(claim->value) : std::nullopt;
      row.push_back(value ? writing.kept(*value) : Value());
    }
  }
  for (const ManyTable& many : many_tables()) {
    if (!many.any_kind && many.kind != kind) continue;
    if (!is_new) {
      const auto gone = database_->run("DELETE FROM " + std::string(many.table) + " WHERE " + std::string(many.subject) + " = $1", {id});
      if (!gone) return gone.error();
    }
    for (const Claim* each : top) {
      if (each->field == many.field) writing.add(many.table, {id, each->value, each->detail});
    }
  }
  const std::string rev = std::to_string(writing.rev);
  writing.add("entity", {id, name(kind), rev, top.empty() ? "1" : "0"});
  return {};
}

Status Store::flush(Writing& writing) {
  const auto strings = [](std::span<const std::string_view> views) { return std::vector<std::string>(views.begin(), views.end()); };
  writing.sort_names();
  if (const Status put = insert("xref", {"scheme", "key", "subject"}, writing.of_table("xref")); !put) return put;
  if (const Status put = insert("entity", {"id", "kind", "rev", "gone"}, writing.rows["entity"], " ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, gone = excluded.gone"); !put) return put;
  std::vector<std::string> claim_columns;
  for (const auto* each : {"subject", "field", "value", "detail", "source", "confidence", "made_ms", "supersedes", "standing"}) claim_columns.emplace_back(each);
  if (const Status put = insert("claim", claim_columns, writing.rows["claim"]); !put) return put;
  for (const ShownTable& each : shown_tables()) {
    std::vector<std::string> columns = {"id"};
    for (std::string& text : strings(each.texts)) columns.push_back(std::move(text));
    for (std::string& number : strings(each.numbers)) columns.push_back(std::move(number));
    if (const Status put = insert(std::string(each.table), columns, writing.rows[std::string(each.table)]); !put) return put;
  }
  for (const ManyTable& each : many_tables()) {
    if (const Status put = insert(std::string(each.table), {std::string(each.subject), std::string(each.value), std::string(each.detail)}, writing.rows[std::string(each.table)]); !put) return put;
  }
  return {};
}

Result<Store::Written> Store::write(std::span<const Record> records, const Source& source, const ImportRun* run) {
  Learned learned;
  auto written = transact([&] { return write_once(records, source, run, learned); });
  if (!written) return written;
  if (known_refs_.size() > kMostKnownRefs) known_refs_.clear();
  known_refs_.insert(std::make_move_iterator(learned.begin()), std::make_move_iterator(learned.end()));
  return written;
}

Result<Store::Written> Store::write_once(std::span<const Record> records, const Source& source, const ImportRun* run, Learned& learned) {
  learned.clear();
  Writing writing;
  auto rev = next_rev();
  if (!rev) return rev.error();
  writing.rev = *rev;
  if (const Status resolved = resolve(writing, records); !resolved) return resolved.error();
  const std::int64_t now = clock_();
  const auto give = [&](const Ref& ref, const std::string& subject) {
    if (writing.refs.emplace(ref_key(ref), subject).second) writing.add("xref", {ref.scheme, ref.key, subject});
  };
  struct Gathered {
    std::string id;
    Kind kind{};
    bool is_new = false;
    std::vector<Claim> fresh;
  };
  std::vector<Gathered> subjects;
  std::unordered_map<std::string, std::size_t> at;
  const auto subject_of = [&](std::span<const Ref> refs, bool& is_new) {
    for (const Ref& ref : refs) {
      const auto known = writing.refs.find(ref_key(ref));
      if (known != writing.refs.end()) return known->second;
    }
    is_new = true;
    return uuids_.next(now);
  };
  for (const Record& record : records) {
    if (record.refs.empty()) continue;
    bool is_new = false;
    const std::string id = subject_of(record.refs, is_new);
    for (const Ref& ref : record.refs) give(ref, id);
    const auto [found, first] = at.emplace(id, subjects.size());
    if (first) subjects.push_back({id, record.kind, is_new, {}});
    std::vector<Claim>& fresh = subjects[found->second].fresh;
    fresh.reserve(fresh.size() + record.said.size());
    for (const Said& each : record.said) {
      Claim& claim = fresh.emplace_back();
      claim.subject = id;
      claim.field = each.field;
      claim.value = each.value;
      if (each.to) {
        bool unused = false;
        claim.value = subject_of(std::span(&*each.to, 1), unused);
        give(*each.to, claim.value);
      }
      claim.detail = each.detail;
      claim.source = source.id;
      claim.confidence = each.confidence;
      claim.made_ms = now;
      claim.rank = source.rank;
    }
  }
  std::vector<std::string> old;
  for (const Gathered& each : subjects) {
    if (!each.is_new) old.push_back(each.id);
  }
  auto there = claims_of(old);
  if (!there) return there.error();
  Written written;
  for (Gathered& each : subjects) {
    const auto known = there->find(each.id);
    if (known == there->end()) {
      if (each.fresh.empty()) {
        ++written.same;
        continue;
      }
      const std::vector<Claim> claims = distinct(std::move(each.fresh));
      ++written.fresh;
      for (const Claim& claim : claims) writing.add_claim(claim);
      if (const Status put = put_shown(each.id, each.kind, claims, true, writing); !put) return put.error();
      continue;
    }
    std::vector<Claim>& claims = known->second;
    ClaimChanges changes = merge(claims, each.fresh);
    if (changes.none()) {
      ++written.same;
      continue;
    }
    ++written.changed;
    if (const Status put = put_claims(changes.withdrawn); !put) return put.error();
    if (const Status put = put_claims(changes.restored); !put) return put.error();
    for (const auto* again : {&changes.withdrawn, &changes.restored}) {
      for (const Claim& changed : *again) {
        for (Claim& claim : claims) {
          if (claim.source == changed.source && claim.field == changed.field && claim.value == changed.value && claim.detail == changed.detail) claim = changed;
        }
      }
    }
    for (Claim& added : changes.added) {
      writing.add_claim(added);
      claims.push_back(std::move(added));
    }
    if (const Status put = put_shown(each.id, each.kind, claims, false, writing); !put) return put.error();
  }
  if (const Status put = flush(writing); !put) return put.error();
  if (run) {
    const std::string size = std::to_string(run->size), changed = std::to_string(run->changed_ms), read = std::to_string(run->records), problems = std::to_string(run->problems);
    const auto put = database_->run("INSERT INTO import_run (id, source, file, size, changed_ms, records, problems, done) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET records = excluded.records, problems = excluded.problems, done = excluded.done",
                                    {run->id, run->source, run->file, size, changed, read, problems, run->done ? "1" : "0"});
    if (!put) return put.error();
  }
  // Works are named once and seldom again; agents and concepts by every other record.
  for (const Record& record : records) {
    if (record.kind == Kind::work || record.kind == Kind::performance) continue;
    for (const Ref& ref : record.refs) learned.emplace_back(ref_key(ref), writing.refs[ref_key(ref)]);
  }
  return written;
}

Result<ImportRun> Store::begin_run(const Source& source, const std::string& file, std::int64_t size, std::int64_t changed_ms) {
  const std::string size_text = std::to_string(size), changed = std::to_string(changed_ms);
  auto rows = database_->run("SELECT id, records, problems FROM import_run WHERE source = $1 AND file = $2 AND size = $3 AND changed_ms = $4 AND done = 0 ORDER BY id DESC LIMIT 1", {source.id, file, size_text, changed});
  if (!rows) return rows.error();
  ImportRun run;
  run.source = source.id;
  run.file = file;
  run.size = size;
  run.changed_ms = changed_ms;
  if (rows->empty()) {
    run.id = uuids_.next(clock_());
  } else {
    run.id = *(*rows)[0][0];
    run.records = static_cast<std::uint64_t>(number_of((*rows)[0][1]));
    run.problems = static_cast<std::uint64_t>(number_of((*rows)[0][2]));
  }
  return run;
}

Result<std::uint64_t> Store::forget(const std::string& source_id) {
  constexpr std::size_t kAtOnce = 500;
  std::uint64_t changed = 0;
  std::string after;
  for (;;) {
    // Piece by piece: a source may have said something of millions.
    auto step = transact([&]() -> Result<std::vector<std::string>> {
      auto rev = next_rev();
      if (!rev) return rev.error();
      auto rows = database_->run("SELECT DISTINCT subject FROM claim WHERE source = $1 AND subject > $2 ORDER BY subject LIMIT " + std::to_string(kAtOnce), {source_id, after});
      if (!rows) return rows.error();
      std::vector<std::string> ids;
      for (Row& row : *rows) ids.push_back(std::move(*row[0]));
      if (ids.empty()) {
        if (auto gone = database_->run("DELETE FROM import_run WHERE source = $1", {source_id}); !gone) return gone.error();
        return ids;
      }
      if (auto gone = database_->run("DELETE FROM claim WHERE source = $1 AND subject >= $2 AND subject <= $3", {source_id, ids.front(), ids.back()}); !gone) return gone.error();
      auto left = claims_of(ids);
      if (!left) return left.error();
      auto kinds = select_in("SELECT id, kind FROM entity WHERE id IN (@)", ids);
      if (!kinds) return kinds.error();
      Writing writing;
      writing.rev = *rev;
      for (const Row& row : *kinds) {
        if (const Status put = put_shown(*row[0], kind_of(*row[1]).value_or(Kind::work), (*left)[*row[0]], false, writing); !put) return put.error();
      }
      if (const Status put = flush(writing); !put) return put.error();
      return ids;
    });
    if (!step) return step.error();
    if (step->empty()) return changed;
    changed += step->size();
    after = step->back();
  }
}

namespace {

std::string value_shown(std::span<const Claim> claims, std::string_view field) {
  for (const Claim& each : shown(claims)) {
    if (each.field == field) return each.value;
  }
  return "";
}

std::string value_said(std::span<const Claim> claims, std::string_view field, const std::string& source) {
  for (const Claim& each : claims) {
    if (each.standing && each.field == field && each.source == source) return each.value;
  }
  return "";
}

}  // namespace

Result<Entity> Store::correctable(const Correction& correction) {
  auto entity = get(correction.subject);
  if (!entity) return entity;
  const std::string& field = correction.field;
  const ShownTable& table = shown_table(entity->kind);
  const auto has = [&](const std::vector<std::string_view>& columns) { return std::find(columns.begin(), columns.end(), field) != columns.end(); };
  const auto many = many_tables();
  const bool of_many = std::any_of(many.begin(), many.end(), [&](const ManyTable& each) { return each.field == field && (each.any_kind || each.kind == entity->kind); });
  if (!has(table.texts) && !has(table.numbers) && !of_many) return Error{Errc::malformed, "a " + std::string(name(entity->kind)) + " has no field '" + field + "'"};
  if (has(table.numbers) && !correction.value.empty() && !as_number(correction.value)) return Error{Errc::malformed, "'" + field + "' is a whole number, not '" + correction.value + "'"};
  return entity;
}

Result<FieldStanding> Store::standing(const Correction& correction, const std::string& who) {
  const auto entity = correctable(correction);
  if (!entity) return entity.error();
  const auto by = source(who, "own", 1);
  if (!by) return by.error();
  return FieldStanding{entity->id, value_shown(entity->claims, correction.field), value_said(entity->claims, correction.field, by->id)};
}

Status Store::correct(const std::string& id, const std::string& field, const std::string& value, const std::string& who) {
  const Correction one{id, field, value, {}, {}};
  return correct(std::span(&one, 1), who);
}

Status Store::correct(std::span<const Correction> corrections, const std::string& who) {
  std::vector<std::pair<std::string, Kind>> subjects;
  for (const Correction& each : corrections) {
    auto entity = correctable(each);
    if (!entity) return entity.error();
    subjects.emplace_back(std::move(entity->id), entity->kind);
  }
  const auto by = source(who, "own", 1);
  if (!by) return by.error();
  return transact([&]() -> Status {
    const auto rev = next_rev();
    if (!rev) return rev.error();
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      if (const Status done = correct_once(subjects[i].first, subjects[i].second, corrections[i], *by, *rev); !done) return done;
    }
    return {};
  });
}

Status Store::correct_once(const std::string& id, Kind kind, const Correction& correction, const Source& by, std::int64_t rev) {
  auto there = claims_of(std::span(&id, 1));
  if (!there) return there.error();
  std::vector<Claim>& claims = (*there)[id];
  const std::string& field = correction.field;
  const auto stands = [&](const std::optional<std::string>& wanted, const std::string& is) -> Status {
    if (!wanted || *wanted == is) return {};
    return Error{Errc::conflict, "'" + field + "' of " + id + " is '" + is + "', and '" + *wanted + "' was expected: it was changed meanwhile, and nothing is written"};
  };
  if (const Status as_wanted = stands(correction.shown, value_shown(claims, field)); !as_wanted) return as_wanted;
  if (const Status as_wanted = stands(correction.said, value_said(claims, field, by.id)); !as_wanted) return as_wanted;
  Record record;
  record.say(field, correction.value);
  std::vector<Claim> fresh;
  for (const Said& said : record.said) {
    Claim claim;
    claim.subject = id;
    claim.field = field;
    claim.value = said.value;
    claim.source = by.id;
    claim.made_ms = clock_();
    claim.rank = 1;
    fresh.push_back(std::move(claim));
  }
  ClaimChanges changes = merge(claims, fresh);
  if (fresh.empty()) {
    for (const Claim& each : claims) {
      if (each.source != by.id || each.field != field || !each.standing) continue;
      changes.withdrawn.push_back(each);
      changes.withdrawn.back().standing = false;
    }
  }
  Writing writing;
  writing.rev = rev;
  if (const Status put = put_claims(changes.withdrawn); !put) return put;
  if (const Status put = put_claims(changes.restored); !put) return put;
  for (const Claim& added : changes.added) writing.add_claim(added);
  if (const Status put = insert("claim", {"subject", "field", "value", "detail", "source", "confidence", "made_ms", "supersedes", "standing"}, writing.rows["claim"]); !put) return put;
  writing.rows.clear();
  auto then = claims_of(std::span(&id, 1));
  if (!then) return then.error();
  if (const Status put = put_shown(id, kind, (*then)[id], false, writing); !put) return put;
  return flush(writing);
}

Result<Entity> Store::get(const std::string& id_or_ref) {
  std::string id = id_or_ref;
  const std::size_t colon = id_or_ref.find(':');
  if (colon != std::string::npos) {
    const std::string scheme = id_or_ref.substr(0, colon), key = id_or_ref.substr(colon + 1);
    auto rows = database_->run("SELECT subject FROM xref WHERE scheme = $1 AND key = $2", {scheme, key});
    if (!rows) return rows.error();
    if (!rows->empty()) id = *(*rows)[0][0];
  }
  auto found = entities(std::span(&id, 1));
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::not_found, "the catalogue has nothing called '" + id_or_ref + "'"};
  return std::move(found->front());
}

Result<std::vector<Entity>> Store::entities(std::span<const std::string> ids) {
  auto rows = select_in("SELECT id, kind, rev, gone FROM entity WHERE id IN (@)", ids);
  if (!rows) return rows.error();
  auto refs = select_in("SELECT subject, scheme, key FROM xref WHERE subject IN (@) ORDER BY subject, scheme, key", ids);
  if (!refs) return refs.error();
  auto claims = claims_of(ids);
  if (!claims) return claims.error();
  std::unordered_map<std::string, std::vector<Ref>> refs_of;
  for (Row& row : *refs) refs_of[*row[0]].push_back({std::move(*row[1]), std::move(*row[2])});
  std::vector<Entity> out;
  for (Row& row : *rows) {
    Entity each;
    each.id = std::move(*row[0]);
    each.kind = kind_of(*row[1]).value_or(Kind::work);
    each.rev = number_of(row[2]);
    each.gone = row[3] == "1";
    each.refs = std::move(refs_of[each.id]);
    each.claims = std::move((*claims)[each.id]);
    out.push_back(std::move(each));
  }
  std::sort(out.begin(), out.end(), [](const Entity& a, const Entity& b) { return a.id < b.id; });
  return out;
}

Result<std::unordered_map<std::string, std::string>> Store::names(std::span<const std::string> ids) {
  std::unordered_map<std::string, std::string> out;
  for (const char* sql : {"SELECT id, name FROM agent WHERE id IN (@)", "SELECT id, title FROM work WHERE id IN (@)"}) {
    auto rows = select_in(sql, ids);
    if (!rows) return rows.error();
    for (Row& row : *rows) {
      if (row[1]) out.emplace(std::move(*row[0]), std::move(*row[1]));
    }
  }
  return out;
}

Result<std::vector<TreeNode>> Store::tree(const std::string& work) {
  // UNION, not UNION ALL, and a depth: works that are parts of each other end all the same.
  const std::string sql = "WITH RECURSIVE part (id, parent, title, part_number, depth) AS (SELECT id, CAST(NULL AS TEXT), title, part_number, 0 FROM work WHERE id = $1 UNION "
                          "SELECT w.id, w.parent, w.title, w.part_number, p.depth + 1 FROM work w JOIN part p ON w.parent = p.id WHERE p.depth < " + std::to_string(kMostLevels) +
                          ") SELECT id, parent, title, part_number, depth FROM part ORDER BY depth, part_number, title, id LIMIT " + std::to_string(kMostParts);
  auto rows = database_->run(sql, {work});
  if (!rows) return rows.error();
  std::vector<TreeNode> flat, out;
  for (Row& row : *rows) flat.push_back({*row[0], row[1].value_or(""), row[2].value_or(""), static_cast<int>(number_of(row[3])), static_cast<int>(number_of(row[4]))});
  // Each behind the one it is a part of.
  std::unordered_map<std::string, std::vector<const TreeNode*>> parts;
  for (const TreeNode& each : flat) {
    if (each.depth > 0) parts[each.parent].push_back(&each);
  }
  std::vector<const TreeNode*> waiting;
  std::unordered_map<std::string, bool> placed;
  if (!flat.empty()) waiting.push_back(&flat.front());
  while (!waiting.empty()) {
    const TreeNode* next = waiting.back();
    waiting.pop_back();
    if (!placed.emplace(next->id, true).second) continue;
    out.push_back(*next);
    const auto& below = parts[next->id];
    waiting.insert(waiting.end(), below.rbegin(), below.rend());
  }
  return out;
}

namespace {

constexpr std::string_view kWorkColumns = "w.id, w.title, w.composer, w.parent, w.form, w.musical_key, w.part_number, w.year";

ShownWork shown_work(Row&& row) {
  ShownWork work;
  std::string* const texts[] = {&work.id, &work.title, &work.composer, &work.parent, &work.form, &work.key};
  for (std::size_t i = 0; i < 6; ++i) {
    if (row[i]) *texts[i] = std::move(*row[i]);
  }
  work.part_number = static_cast<int>(std::clamp<std::int64_t>(number_of(row[6]), 0, 100'000));
  work.year = static_cast<int>(std::clamp<std::int64_t>(number_of(row[7]), 0, 9999));
  return work;
}

}  // namespace

Result<std::vector<ShownWork>> Store::shown_works(Which which, const std::string& after, std::size_t limit) {
  const std::string columns(kWorkColumns);
  const std::string sql = which == Which::parts ? "SELECT " + columns + " FROM work w JOIN work p ON p.id = w.parent WHERE w.id > $1 AND w.parent IS NOT NULL ORDER BY w.id LIMIT " + std::to_string(limit)
                                                : "SELECT " + columns + " FROM work w LEFT JOIN work p ON p.id = w.parent WHERE w.id > $1 AND p.id IS NULL ORDER BY w.id LIMIT " + std::to_string(limit);
  auto rows = database_->run(sql, {after});
  if (!rows) return rows.error();
  std::vector<ShownWork> works;
  for (Row& row : *rows) works.push_back(shown_work(std::move(row)));
  if (which == Which::wholes && !works.empty()) {
    if (const Status added = add_details(works); !added) return added.error();
  }
  return works;
}

/// Numbers and aliases of works in the order of their ids: one statement for each table, over the range.
Status Store::add_details(std::vector<ShownWork>& works) {
  std::unordered_map<std::string_view, ShownWork*> by_id;
  for (ShownWork& each : works) by_id.emplace(each.id, &each);
  const auto range = std::minmax_element(works.begin(), works.end(), [](const ShownWork& a, const ShownWork& b) { return a.id < b.id; });
  for (const bool numbers : {true, false}) {
    auto rows = database_->run(numbers ? "SELECT work, number FROM work_cat WHERE work >= $1 AND work <= $2" : "SELECT work, title FROM work_title WHERE work >= $1 AND work <= $2", {range.first->id, range.second->id});
    if (!rows) return rows.error();
    for (Row& row : *rows) {
      const auto found = by_id.find(*row[0]);
      if (found != by_id.end()) (numbers ? found->second->numbers : found->second->aliases).push_back(std::move(*row[1]));
    }
  }
  return {};
}

Result<std::vector<ShownWork>> Store::shown_works_of(std::span<const std::string> ids) {
  auto rows = select_in("SELECT " + std::string(kWorkColumns) + " FROM work w WHERE w.id IN (@)", ids);
  if (!rows) return rows.error();
  std::vector<ShownWork> works;
  std::unordered_map<std::string, std::size_t> places;
  for (Row& row : *rows) {
    works.push_back(shown_work(std::move(row)));
    places.emplace(works.back().id, works.size() - 1);
  }
  for (const bool numbers : {true, false}) {
    auto more = select_in(numbers ? "SELECT work, number FROM work_cat WHERE work IN (@)" : "SELECT work, title FROM work_title WHERE work IN (@)", ids);
    if (!more) return more.error();
    for (Row& row : *more) {
      const auto found = places.find(*row[0]);
      if (found != places.end()) (numbers ? works[found->second].numbers : works[found->second].aliases).push_back(std::move(*row[1]));
    }
  }
  return works;
}

Result<std::vector<ShownWork>> Store::parts_of(std::span<const std::string> ids) {
  auto rows = select_in("SELECT " + std::string(kWorkColumns) + " FROM work w WHERE w.parent IN (@)", ids);
  if (!rows) return rows.error();
  std::vector<ShownWork> works;
  for (Row& row : *rows) works.push_back(shown_work(std::move(row)));
  return works;
}

Result<std::vector<ShownAgent>> Store::shown_agents(std::span<const std::string> ids) {
  auto rows = select_in("SELECT id, name, period, born, died FROM agent WHERE id IN (@)", ids);
  if (!rows) return rows.error();
  auto names = select_in("SELECT agent, name FROM agent_name WHERE agent IN (@)", ids);
  if (!names) return names.error();
  std::unordered_map<std::string, std::vector<std::string>> aliases;
  for (Row& row : *names) aliases[*row[0]].push_back(std::move(*row[1]));
  std::vector<ShownAgent> agents;
  for (Row& row : *rows) {
    ShownAgent each;
    each.id = std::move(*row[0]);
    each.name = row[1].value_or("");
    each.period = row[2].value_or("");
    each.born = static_cast<int>(std::clamp<std::int64_t>(number_of(row[3]), 0, 9999));
    each.died = static_cast<int>(std::clamp<std::int64_t>(number_of(row[4]), 0, 9999));
    each.aliases = std::move(aliases[each.id]);
    if (!each.name.empty()) agents.push_back(std::move(each));
  }
  return agents;
}

Result<std::vector<std::string>> Store::works_by(std::span<const std::string> agents, std::size_t most) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < agents.size() && out.size() < most; at += 64) {
    auto rows = select_in("SELECT id FROM work WHERE composer IN (@)", agents.subspan(at, std::min<std::size_t>(64, agents.size() - at)));
    if (!rows) return rows.error();
    for (Row& row : *rows) out.push_back(std::move(*row[0]));
  }
  return out;
}

Result<std::vector<Change>> Store::changes(std::int64_t since, const std::string& after_id, std::size_t limit) {
  const std::string from = std::to_string(since);
  auto rows = database_->run("SELECT id, kind, rev, gone FROM entity WHERE (rev, id) > ($1, $2) ORDER BY rev, id LIMIT " + std::to_string(limit), {from, after_id});
  if (!rows) return rows.error();
  std::vector<Change> out;
  for (Row& row : *rows) out.push_back({std::move(*row[0]), kind_of(*row[1]).value_or(Kind::work), number_of(row[2]), row[3] == "1"});
  return out;
}

Result<std::vector<std::string>> Store::ids(Kind kind, const std::string& after, std::size_t limit) {
  auto rows = database_->run("SELECT id FROM " + std::string(shown_table(kind).table) + " WHERE id > $1 ORDER BY id LIMIT " + std::to_string(limit), {after});
  if (!rows) return rows.error();
  std::vector<std::string> out;
  for (Row& row : *rows) out.push_back(std::move(*row[0]));
  return out;
}

Result<StoreCounts> Store::counts() {
  StoreCounts out;
  std::vector<std::string> tables = {"xref", "claim"};
  for (const ShownTable& each : shown_tables()) tables.emplace_back(each.table);
  for (const ManyTable& each : many_tables()) tables.emplace_back(each.table);
  for (const std::string& each : tables) {
    auto rows = database_->run("SELECT COUNT(*) FROM " + each);
    if (!rows) return rows.error();
    out.tables.emplace_back(each, static_cast<std::uint64_t>(number_of((*rows)[0][0])));
  }
  auto rows = database_->run("SELECT s.id, s.name, s.licence, s.rank, COUNT(c.subject) FROM source s LEFT JOIN claim c ON c.source = s.id AND c.standing = 1 GROUP BY s.id, s.name, s.licence, s.rank ORDER BY s.name, s.licence");
  if (!rows) return rows.error();
  for (Row& row : *rows) out.sources.emplace_back(Source{*row[0], *row[1], *row[2], static_cast<int>(number_of(row[3]))}, static_cast<std::uint64_t>(number_of(row[4])));
  auto at = rev();
  if (!at) return at.error();
  out.rev = *at;
  return out;
}

}  // namespace ghost::ariascribe
