#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::ariascribe {

/// A value of a statement: text, as all values go in and come out, or nothing for NULL.
using Value = std::optional<std::string_view>;
using Row = std::vector<std::optional<std::string>>;

/// One connection to a database that speaks SQL: SQLite or PostgreSQL. Statements are the portable part of both, with $1, $2 … in order. One
/// thread at a time.
class Database {
 public:
  virtual ~Database() = default;

  /// Runs one statement and gives its rows. A statement seen before is not compiled again.
  /// Errors: aborted where another transaction came in between (to be tried again from its begin), busy, io, and malformed for a fault in the statement.
  virtual Result<std::vector<Row>> run(const std::string& sql, std::span<const Value> values = {}) = 0;
  Result<std::vector<Row>> run(const std::string& sql, std::initializer_list<Value> values) { return run(sql, std::span(values.begin(), values.size())); }

  /// A transaction that writes; it sees no other one half done.
  virtual Status begin() = 0;
  virtual Status commit() = 0;
  /// Never fails: what cannot be rolled back is gone with the connection.
  virtual void rollback() = 0;
  /// At the end of CREATE TABLE: what the engine needs to keep rows in the order of their key.
  virtual std::string_view table_suffix() const = 0;
  /// "SQLite", "PostgreSQL".
  virtual std::string_view engine() const = 0;
};

/// A file, made with its tables when it is not there, in WAL mode.
Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file);
/// A libpq connection string, "postgresql://…".
Result<std::unique_ptr<Database>> open_postgres(const std::string& connection);

}  // namespace ghost::ariascribe
