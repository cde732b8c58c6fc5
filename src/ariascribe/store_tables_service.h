#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/claims.h"

namespace ghost::ariascribe {

/// A table with one row a subject: what is shown of its fields of one value.
struct ShownTable {
  Kind kind;
  std::string_view table;
  std::vector<std::string_view> texts, numbers;  ///< columns, each a field of that name
};
/// A table with a row for each value of a field that has many.
struct ManyTable {
  std::string_view field;
  std::string_view table;
  Kind kind;                     ///< where `any_kind` is false
  bool any_kind;
  std::string_view subject, value, detail;  ///< what the columns are called
};

std::span<const ShownTable> shown_tables();
std::span<const ManyTable> many_tables();
const ShownTable& shown_table(Kind kind);

/// What makes all tables that are not there. `suffix` ends each CREATE TABLE.
std::vector<std::string> schema(std::string_view suffix);

}  // namespace ghost::ariascribe
