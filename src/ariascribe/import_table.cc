// Tables: CSV (RFC 4180) and TSV, with a heading line; the columns are mapped to fields.
#include <algorithm>
#include <array>
#include <map>

#include "ariascribe/import_text.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

/// Fields of a table, and the headings they are known by, folded.
struct Heading {
  std::string_view field;
  std::array<std::string_view, 5> headings;
};
constexpr std::array<Heading, 16> kHeadings = {{
    {"id", {"id", "mbid", "work_id", "path", ""}},
    {"title", {"title", "work", "worktitle", "name", "work title"}},
    {"composer", {"composer", "composername", "composer name", "komponist", "compositeur"}},
    {"composer_born", {"born", "composer_born", "birth", "", ""}},
    {"composer_died", {"died", "composer_died", "death", "", ""}},
    {"catalogue", {"catalogue", "opus", "catalog", "number", "opus number"}},
    {"musical_key", {"key", "tonart", "tonality", "musical_key", ""}},
    {"year", {"year", "date", "composed", "jahr", ""}},
    {"form", {"form", "genre", "gattung", "", ""}},
    {"medium", {"medium", "instrument", "instrumentation", "besetzung", "instruments"}},
    {"movement", {"movement", "satz", "mouvement", "part", ""}},
    {"part_number", {"movement_number", "part_number", "movement number", "", ""}},
    {"alias", {"alias", "also", "nickname", "aliases", ""}},
    {"language", {"language", "sprache", "lang", "", ""}},
    {"movements", {"movements", "movement titles", "saetze", "", ""}},
    {"wikidata", {"wikidata", "", "", "", ""}},
}};

bool is_field(std::string_view name) {
  return std::any_of(kHeadings.begin(), kHeadings.end(), [&](const Heading& each) { return each.field == name; });
}

class TableImporter : public Importer {
 public:
  TableImporter(char separator, std::string scheme, std::map<std::string, std::string> mapping, ImportSink sink)
      : Importer(std::move(sink)), separator_(separator), scheme_(std::move(scheme)), mapping_(std::move(mapping)) {}

  Status feed(std::string_view bytes) override {
    for (std::size_t i = 0; i < bytes.size();) {
      // What stands between two characters that mean something goes in one piece.
      const std::size_t end = quoted_ ? bytes.find_first_of("\"\n", i) : bytes.find_first_of(separator_ == ',' ? ",\"\r\n" : "\t\r\n", i);
      const std::size_t length = std::min(end, bytes.size()) - i;
      if (length > 0) {
        after_quote_ = false;
        put(bytes.substr(i, length));
      }
      i += length;
      if (i >= bytes.size()) break;
      if (const Status read = mark(bytes[i]); !read) return read;
      ++i;
    }
    return {};
  }
  Status finish() override {
    if (quoted_) return Error{Errc::data_loss, "line " + std::to_string(row_line_) + ": a quotation mark is not closed"};
    if (!cells_.empty() || !cell_.empty()) return end_row();
    return {};
  }

 private:
  void put(std::string_view piece) {
    size_ += piece.size();
    if (size_ <= kMaxImportRecord) cell_ += piece;
  }
  Status mark(char c) {
    if (quoted_) {
      if (c == '\n') ++line_;
      if (c == '"') quoted_ = false, after_quote_ = true;
      else put("\n");
      return {};
    }
    if (c == '"') {
      // Two of them inside quotes are one; a lone one in the middle of a cell is what it is.
      if (after_quote_) put("\"");
      else if (!cell_.empty()) return put("\""), Status{};
      after_quote_ = false;
      quoted_ = true;
      return {};
    }
    after_quote_ = false;
    if (c == separator_) {
      end_cell();
    } else if (c == '\n') {
      ++line_;
      const Status read = end_row();
      row_line_ = line_;
      return read;
    }
    return {};
  }
  void end_cell() {
    if (cells_.size() < 1000) cells_.push_back(std::move(cell_));
    cell_.clear();
  }

  Status end_row() {
    end_cell();
    std::vector<std::string> cells = std::move(cells_);
    cells_.clear();
    const bool overlong = size_ > kMaxImportRecord;
    size_ = 0;
    after_quote_ = false;
    if (cells.size() == 1 && trimmed(cells[0]).empty()) return {};
    if (columns_.empty()) return read_headings(cells);
    if (!is_wanted()) return {};
    if (overlong) problem(row_line_, "longer than " + std::to_string(kMaxImportRecord >> 20) + " MiB");
    else read_row(cells);
    return {};
  }

  Status read_headings(std::vector<std::string>& cells) {
    if (!cells.empty() && cells[0].starts_with("\xEF\xBB\xBF")) cells[0].erase(0, 3);
    bool titled = false;
    for (const std::string& cell : cells) {
      const std::string heading(trimmed(cell));
      std::string field;
      for (const auto& [to, from] : mapping_) {
        if (from == heading) field = to;
      }
      if (mapping_.empty()) field = guessed(fold(heading));
      titled |= field == "title";
      columns_.push_back(std::move(field));
    }
    for (const auto& [to, from] : mapping_) {
      if (std::find(columns_.begin(), columns_.end(), to) == columns_.end()) return Error{Errc::malformed, "no column is called '" + from + "'"};
    }
    if (!titled) return Error{Errc::malformed, "no column is the title; say which with --map title=COLUMN"};
    return {};
  }
  std::string guessed(const std::string& folded) const {
    for (const Heading& each : kHeadings) {
      const bool known = !folded.empty() && std::find(each.headings.begin(), each.headings.end(), folded) != each.headings.end();
      if (known && std::find(columns_.begin(), columns_.end(), each.field) == columns_.end()) return std::string(each.field);
    }
    return "";
  }

  void read_row(const std::vector<std::string>& cells) {
    std::map<std::string_view, std::string_view> row;
    for (std::size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
      if (!columns_[i].empty()) row[columns_[i]] = trimmed(cells[i]);
    }
    if (row["title"].empty()) return problem(row_line_, "the title is empty");
    std::vector<Record> out;
    Record work;
    Ref composer;
    if (!row["composer"].empty()) {
      out.push_back(agent(row));
      composer = out.back().refs.front();
    }
    const std::string named = composer.key + "/" + fold(normalised(row["title"])).substr(0, 300);
    const bool is_part = !row["movement"].empty();
    // A row of a movement has the movement's id; the work is then called by its name.
    work.refs = {is_part || row["id"].empty() ? Ref{scheme_ + "-title", named} : Ref{scheme_, std::string(row["id"])}};
    if (!row["wikidata"].empty() && !is_part) work.refs.push_back({"wikidata", (row["wikidata"].starts_with('Q') ? "" : "Q") + std::string(row["wikidata"])});
    work.say("title", row["title"]);
    if (!composer.key.empty()) work.say("composer", composer);
    say_numbers(work, row["catalogue"], 1);
    say_key(work, row["musical_key"], 1);
    work.say("year", year_of(row["year"]));
    for (const auto* field : {"form", "language"}) work.say(field, row[field]);
    for (const std::string& each : list_of(row["medium"], ';')) work.say("medium", fold(each));
    for (const std::string& each : list_of(row["alias"], ';')) work.say("alias", each);
    say_from_title(work, row["title"]);
    const Ref whole = work.refs.front();
    out.push_back(std::move(work));
    if (is_part) add_part(whole, row["id"].empty() ? "" : std::string(row["id"]), row["movement"], row["part_number"], out);
    int number = 0;
    for (const std::string_view each : split(row["movements"], '|')) {
      ++number;
      if (!each.empty() && each.find_first_not_of("0123456789") != std::string_view::npos) add_part(whole, "", each, std::to_string(number), out);
    }
    take(std::move(out), row_line_);
  }
  Record agent(std::map<std::string_view, std::string_view>& row) const {
    Record record;
    record.kind = Kind::agent;
    const std::string name(row["composer"]), born = year_of(row["composer_born"]);
    record.refs = {person_ref(name, born)};
    const std::string plain = name.find(',') == std::string::npos ? name : std::string(trimmed(name.substr(name.find(',') + 1))) + " " + name.substr(0, name.find(','));
    record.say("name", plain.substr(0, plain.find(" (")));
    record.say("born", born);
    record.say("died", year_of(row["composer_died"]));
    return record;
  }
  void add_part(const Ref& whole, const std::string& id, std::string_view title, std::string_view number, std::vector<Record>& out) const {
    Record part;
    part.refs = {id.empty() ? Ref{scheme_ + "-part", (whole.key + "/" + std::string(title)).substr(0, 600)} : Ref{scheme_, id}};
    part.say("title", title);
    part.say("parent", whole);
    part.say("part_number", number);
    out.push_back(std::move(part));
  }

  const char separator_;
  const std::string scheme_;
  const std::map<std::string, std::string> mapping_;  ///< field to heading
  std::vector<std::string> columns_;                  ///< the field of each; ""
  std::vector<std::string> cells_;
  std::string cell_;
  std::size_t size_ = 0;
  std::uint64_t line_ = 1, row_line_ = 1;
  bool quoted_ = false, after_quote_ = false;
};

}  // namespace

Result<std::unique_ptr<Importer>> make_table_importer(char separator, const ImportOptions& options, ImportSink sink) {
  std::map<std::string, std::string> mapping;
  for (const std::string& each : list_of(options.mapping)) {
    const std::size_t equals = each.find('=');
    const std::string field = each.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == each.size() || !is_field(field)) {
      std::string fields;
      for (const Heading& heading : kHeadings) fields += (fields.empty() ? "" : ", ") + std::string(heading.field);
      return Error{Errc::malformed, "a mapping is FIELD=COLUMN with one of the fields " + fields + ", not '" + each + "'"};
    }
    mapping[field] = each.substr(equals + 1);
  }
  return std::unique_ptr<Importer>(std::make_unique<TableImporter>(separator, options.scheme, std::move(mapping), std::move(sink)));
}

}  // namespace ghost::ariascribe
