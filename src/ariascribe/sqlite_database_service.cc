#include <sqlite3.h>

#include <unordered_map>

#include "ariascribe/database_service.h"

namespace ghost::ariascribe {

namespace {

constexpr int kBusyMs = 30'000;
constexpr std::size_t kMostStatements = 256;

struct CloseSqlite {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class SqliteDatabase : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    auto database = std::make_unique<SqliteDatabase>();
    database->handle_.reset(raw);
    if (opened != SQLITE_OK) return Error{Errc::io, "open " + file.string() + ": " + (raw ? sqlite3_errmsg(raw) : "no memory")};
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, kBusyMs);
    // The mapped and cached pages make up for keys that come in no order; a commit is safe without one fsync each in WAL mode,
    // and 256 MB between check-points halve the time of a large import, which touches the same pages again and again.
    for (const char* pragma : {"PRAGMA page_size = 8192", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA cache_size = -131072", "PRAGMA wal_autocheckpoint = 32000", "PRAGMA temp_store = MEMORY"}) {
      if (sqlite3_exec(raw, pragma, nullptr, nullptr, nullptr) != SQLITE_OK) return Error{Errc::io, "open " + file.string() + ": " + sqlite3_errmsg(raw)};
    }
    return database;
  }

  using Database::run;
  Result<std::vector<Row>> run(const std::string& sql, std::span<const Value> values) override {
    auto statement = prepared(sql);
    if (!statement) return statement.error();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      const int bound = values[i] ? sqlite3_bind_text(*statement, at, values[i]->data(), static_cast<int>(values[i]->size()), SQLITE_STATIC) : sqlite3_bind_null(*statement, at);
      if (bound != SQLITE_OK) return failed(sql);
    }
    std::vector<Row> rows;
    int step = 0;
    while ((step = sqlite3_step(*statement)) == SQLITE_ROW) rows.push_back(row_of(*statement));
    Result<std::vector<Row>> out = std::move(rows);
    if (step != SQLITE_DONE) out = failed(sql);
    sqlite3_reset(*statement);
    return out;
  }

  Status begin() override { return plain("BEGIN IMMEDIATE"); }
  Status commit() override { return plain("COMMIT"); }
  void rollback() override {
    if (sqlite3_get_autocommit(handle_.get()) == 0) sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  std::string_view table_suffix() const override { return " WITHOUT ROWID"; }
  std::string_view engine() const override { return "SQLite"; }

 private:
  Status plain(const std::string& sql) {
    const auto done = run(sql, std::span<const Value>{});
    if (!done) return done.error();
    return {};
  }
  static Row row_of(sqlite3_stmt* statement) {
    Row row;
    const int columns = sqlite3_column_count(statement);
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      const unsigned char* text = sqlite3_column_text(statement, i);
      if (text) row.emplace_back(std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(statement, i))));
      else row.emplace_back();
    }
    return row;
  }
  Result<sqlite3_stmt*> prepared(const std::string& sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second.get();
    if (statements_.size() >= kMostStatements) statements_.clear();
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) return failed(sql);
    statements_.emplace(sql, raw);
    return raw;
  }
  Error failed(const std::string& sql) const {
    const int code = sqlite3_errcode(handle_.get());
    const Errc errc = code == SQLITE_BUSY ? Errc::busy : code == SQLITE_BUSY_SNAPSHOT ? Errc::aborted : code == SQLITE_FULL ? Errc::exhausted : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Errc::data_loss : code == SQLITE_ERROR ? Errc::malformed : Errc::io;
    return {errc, "SQLite: " + std::string(sqlite3_errmsg(handle_.get())) + ", at: " + sql.substr(0, 120)};
  }

  std::unique_ptr<sqlite3, CloseSqlite> handle_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, CloseSqlite>> statements_;  ///< gone before the handle
};

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file) { return SqliteDatabase::open(file); }

}  // namespace ghost::ariascribe
