#include <libpq-fe.h>

#include <unordered_map>

#include "ariascribe/database_service.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostPrepared = 256;

struct ClosePostgres {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, ClosePostgres>;

std::string told(std::string_view message) {
  while (message.ends_with('\n')) message.remove_suffix(1);
  return std::string(message);
}

class PostgresDatabase : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& text) {
    auto database = std::make_unique<PostgresDatabase>();
    database->connection_.reset(PQconnectdb(text.c_str()));
    if (!database->connection_) return Error{Errc::exhausted, "PostgreSQL: no memory"};
    if (PQstatus(database->connection_.get()) != CONNECTION_OK) return Error{Errc::busy, "PostgreSQL: " + told(PQerrorMessage(database->connection_.get()))};
    PQsetNoticeProcessor(database->connection_.get(), [](void*, const char*) {}, nullptr);
    if (auto utf8 = database->plain("SET client_encoding TO 'UTF8'"); !utf8) return utf8.error();
    return database;
  }

  using Database::run;
  Result<std::vector<Row>> run(const std::string& sql, std::span<const Value> values) override {
    std::vector<std::string> texts;  // libpq wants a zero behind each
    std::vector<const char*> pointers;
    texts.reserve(values.size());
    pointers.reserve(values.size());
    for (const Value& each : values) {
      texts.emplace_back(each.value_or(""));
      pointers.push_back(each ? texts.back().c_str() : nullptr);
    }
    const int count = static_cast<int>(values.size());
    if (values.empty()) return rows_of(PostgresResult(PQexecParams(connection_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)), sql);
    auto prepared = prepared_name(sql);
    if (!prepared) return prepared.error();
    return rows_of(PostgresResult(PQexecPrepared(connection_.get(), prepared->c_str(), count, pointers.data(), nullptr, nullptr, 0)), sql);
  }

  Status begin() override { return plain("BEGIN ISOLATION LEVEL SERIALIZABLE"); }
  Status commit() override { return plain("COMMIT"); }
  void rollback() override { PostgresResult(PQexec(connection_.get(), "ROLLBACK")); }
  std::string_view table_suffix() const override { return ""; }
  std::string_view engine() const override { return "PostgreSQL"; }

 private:
  Status plain(const std::string& sql) {
    const auto done = run(sql, std::span<const Value>{});
    if (!done) return done.error();
    return {};
  }
  Result<std::string> prepared_name(const std::string& sql) {
    const auto found = names_.find(sql);
    if (found != names_.end()) return found->second;
    if (names_.size() >= kMostPrepared) {
      if (auto gone = plain("DEALLOCATE ALL"); !gone) return gone.error();
      names_.clear();
    }
    const std::string name = "s" + std::to_string(++named_);
    const PostgresResult made(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
    if (PQresultStatus(made.get()) != PGRES_COMMAND_OK) return failed(made.get(), sql);
    return names_.emplace(sql, name).first->second;
  }
  Result<std::vector<Row>> rows_of(const PostgresResult& result, const std::string& sql) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return failed(result.get(), sql);
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (int c = 0; c < PQnfields(result.get()); ++c) {
        const int at = static_cast<int>(r);
        if (PQgetisnull(result.get(), at, c)) rows[r].emplace_back();
        else rows[r].emplace_back(std::string(PQgetvalue(result.get(), at, c), static_cast<std::size_t>(PQgetlength(result.get(), at, c))));
      }
    }
    return rows;
  }
  Error failed(const PGresult* result, const std::string& sql) const {
    const char* raw = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const std::string_view state = raw ? raw : "";
    // 40001 serialization failure, 40P01 deadlock; 42 faults in the statement; 08, 57 the connection or the server going down; 53 no room.
    const Errc errc = state.starts_with("40") ? Errc::aborted : state.starts_with("42") || state.starts_with("22") ? Errc::malformed : state.starts_with("53") ? Errc::exhausted : state.empty() || state.starts_with("08") || state.starts_with("57") ? Errc::busy : Errc::io;
    const char* message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    return {errc, "PostgreSQL: " + told(message ? message : PQerrorMessage(connection_.get())) + (state.empty() ? "" : " (" + std::string(state) + ")") + ", at: " + sql.substr(0, 120)};
  }

  std::unique_ptr<PGconn, ClosePostgres> connection_;
  std::unordered_map<std::string, std::string> names_;  ///< of prepared statements, by their text
  std::uint64_t named_ = 0;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(const std::string& connection) { return PostgresDatabase::open(connection); }

}  // namespace ghost::ariascribe
