#include "ariascribe/store_tables_service.h"

#include <algorithm>
#include <array>

namespace ghost::ariascribe {

std::span<const ShownTable> shown_tables() {
  static const std::array<ShownTable, 6> kTables = {{
      {Kind::agent, "agent", {"name", "sort_name", "kind", "period", "gender"}, {"born", "died"}},
      {Kind::work, "work", {"title", "composer", "parent", "form", "musical_key", "language", "derived_from", "period"}, {"part_number", "year"}},
      {Kind::performance, "performance", {"work", "date", "place"}, {}},
      {Kind::recording, "recording", {"title", "performance", "isrc"}, {"duration_ms"}},
      {Kind::track, "track", {"title", "recording", "release_title"}, {"disc", "track_number"}},
      {Kind::concept_, "concept", {"vocabulary", "notation", "broader"}, {}},
  }};
  return kTables;
}

std::span<const ManyTable> many_tables() {
  static const std::array<ManyTable, 6> kTables = {{
      {"alias", "work_title", Kind::work, false, "work", "title", "kind"},
      {"catalogue", "work_cat", Kind::work, false, "work", "number", "status"},
      {"medium", "medium", Kind::work, false, "work", "instrument", "amount"},
      {"alias", "agent_name", Kind::agent, false, "agent", "name", "kind"},
      {"label", "concept_label", Kind::concept_, false, "concept", "label", "language"},
      {"credit", "credit", Kind::work, true, "subject", "agent", "role"},
  }};
  return kTables;
}

const ShownTable& shown_table(Kind kind) {
  const auto tables = shown_tables();
  return *std::find_if(tables.begin(), tables.end(), [&](const ShownTable& each) { return each.kind == kind; });
}

std::vector<std::string> schema(std::string_view suffix) {
  std::vector<std::string> all;
  const auto table = [&](std::string_view name, std::string columns) { all.push_back("CREATE TABLE IF NOT EXISTS " + std::string(name) + " (" + std::move(columns) + ")" + std::string(suffix)); };
  const auto index = [&](std::string_view name, std::string on) { all.push_back("CREATE INDEX IF NOT EXISTS " + std::string(name) + " ON " + std::move(on)); };
  table("counter", "name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL");
  table("source", "id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, licence TEXT NOT NULL, rank INTEGER NOT NULL, made_ms BIGINT NOT NULL, UNIQUE (name, licence)");
  table("import_run",
        "id TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, file TEXT NOT NULL, size BIGINT NOT NULL, changed_ms BIGINT NOT NULL, records BIGINT NOT NULL, problems BIGINT NOT NULL, done INTEGER NOT NULL");
  table("xref", "scheme TEXT NOT NULL, key TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (scheme, key)");
  index("xref_subject", "xref (subject)");
  table("entity", "id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, rev BIGINT NOT NULL, gone INTEGER NOT NULL");
  index("entity_rev", "entity (rev, id)");
  table("claim",
        "subject TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, detail TEXT NOT NULL, source TEXT NOT NULL, confidence REAL NOT NULL, made_ms BIGINT NOT NULL, supersedes TEXT, standing INTEGER NOT NULL, PRIMARY KEY (subject, field, source, value, detail)");
  for (const ShownTable& each : shown_tables()) {
    std::string columns = "id TEXT NOT NULL PRIMARY KEY";
    for (const std::string_view text : each.texts) columns += ", " + std::string(text) + " TEXT";
    for (const std::string_view number : each.numbers) columns += ", " + std::string(number) + " BIGINT";
    table(each.table, columns);
  }
  index("work_parent", "work (parent)");
  index("work_composer", "work (composer)");
  for (const ManyTable& each : many_tables()) {
    const std::string subject(each.subject), value(each.value), detail(each.detail);
    table(each.table, subject + " TEXT NOT NULL, " + value + " TEXT NOT NULL, " + detail + " TEXT NOT NULL, PRIMARY KEY (" + subject + ", " + value + ", " + detail + ")");
  }
  return all;
}

}  // namespace ghost::ariascribe
