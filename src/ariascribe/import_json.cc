// MusicBrainz, Open Opus, Wikidata, the New York Philharmonic and IMSLP: records that are JSON objects.
#include <array>
#include <nlohmann/json.hpp>

#include "ariascribe/import_text.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

using nlohmann::json;

const json kNothing;

const json& member(const json& object, const char* key) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}
/// A text member, or a whole number as text; "" for anything else.
std::string text(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return "";
}
const json::array_t& list(const json& object, const char* key) {
  static const json::array_t kEmpty;
  const json& value = member(object, key);
  return value.is_array() ? *value.get_ptr<const json::array_t*>() : kEmpty;
}

/// Reads one object: what it gives, or why it gives nothing. Nothing at all is fine too: what a dump has that is not music.
using Reader = Result<std::vector<Record>> (*)(const json& object);

// --- MusicBrainz: https://musicbrainz.org/doc/Development/JSON_Data_Dumps, `work` and `artist`

Record musicbrainz_agent(const json& artist) {
  Record record;
  record.kind = Kind::agent;
  record.refs = {{"musicbrainz-artist", text(artist, "id")}};
  record.say("name", text(artist, "name"));
  record.say("sort_name", text(artist, "sort-name"));
  return record;
}

Result<std::vector<Record>> read_musicbrainz_artist(const json& artist) {
  Record record = musicbrainz_agent(artist);
  if (record.value_of("name").empty()) return Error{Errc::malformed, "an artist without a name"};
  const std::string type = text(artist, "type");
  record.say("kind", type == "Person" ? "person" : type.empty() ? "" : "group");
  record.say("gender", text(artist, "gender"));
  const json& life = member(artist, "life-span");
  record.say("born", year_of(text(life, "begin")));
  record.say("died", year_of(text(life, "end")));
  for (const json& alias : list(artist, "aliases")) record.say("alias", text(alias, "name"), 1, text(alias, "locale"));
  return std::vector{std::move(record)};
}

constexpr auto kMusicBrainzRoles = std::to_array<std::string_view>({"arranger", "librettist", "lyricist", "orchestrator", "translator", "writer"});

void read_musicbrainz_relation(const json& relation, Record& work, std::vector<Record>& out) {
  const std::string type = text(relation, "type"), target = text(relation, "target-type");
  const bool backward = text(relation, "direction") == "backward";
  if (target == "artist") {
    const json& artist = member(relation, "artist");
    if (text(artist, "id").empty() || text(artist, "name").empty()) return;
    const Ref ref{"musicbrainz-artist", text(artist, "id")};
    const bool composes = type == "composer" || (type == "writer" && work.value_of("composer").empty());
    const bool first = std::none_of(work.said.begin(), work.said.end(), [](const Said& each) { return each.field == "composer"; });
    if (composes && first) {
      work.say("composer", ref);
      work.say("year", year_of(text(relation, "end")));
    } else if (composes) {
      work.say("credit", ref, 1, "composer");
    } else if (std::find(kMusicBrainzRoles.begin(), kMusicBrainzRoles.end(), type) != kMusicBrainzRoles.end()) {
      work.say("credit", ref, 1, type);
    } else {
      return;
    }
    out.push_back(musicbrainz_agent(artist));
  } else if (target == "work" && backward) {
    const std::string other = text(member(relation, "work"), "id");
    if (other.empty()) return;
    if (type == "parts") {
      work.say("parent", Ref{"musicbrainz-work", other});
      work.say("part_number", text(relation, "ordering-key"));
    } else if (type == "arrangement" || type == "based on" || type == "revision of") {
      work.say("derived_from", Ref{"musicbrainz-work", other}, 1, type);
    }
  } else if (target == "series") {
    say_numbers(work, text(member(relation, "attribute-values"), "number"), 1);
  } else if (target == "url" && type == "wikidata") {
    const std::string url = text(member(relation, "url"), "resource");
    const std::size_t slash = url.rfind('/');
    if (slash != std::string::npos && url.substr(slash + 1).starts_with('Q')) work.refs.push_back({"wikidata", url.substr(slash + 1)});
  }
}

Result<std::vector<Record>> read_musicbrainz_work(const json& object) {
  Record work;
  work.refs = {{"musicbrainz-work", text(object, "id")}};
  const std::string title = text(object, "title");
  if (title.empty()) return Error{Errc::malformed, "a work without a title"};
  work.say("title", title);
  const std::string form = text(object, "type");
  std::string folded = fold(form);
  work.say("form", folded);
  work.say("language", text(object, "language"));
  std::vector<Record> out;
  for (const json& alias : list(object, "aliases")) work.say("alias", text(alias, "name"), 1, text(alias, "locale"));
  for (const json& attribute : list(object, "attributes")) {
    if (text(attribute, "type") == "Key") say_key(work, text(attribute, "value"), 1);
  }
  for (const json& relation : list(object, "relations")) read_musicbrainz_relation(relation, work, out);
  say_from_title(work, title);
  out.push_back(std::move(work));
  return out;
}

Result<std::vector<Record>> read_musicbrainz(const json& object) {
  const std::string id = text(object, "id");
  if (id.size() != 36) return Error{Errc::malformed, "'id' is no MusicBrainz id"};
  if (!member(object, "title").is_null()) return read_musicbrainz_work(object);
  if (!member(object, "name").is_null()) return read_musicbrainz_artist(object);
  return Error{Errc::malformed, "neither a work, with 'title', nor an artist, with 'name'"};
}

// --- Open Opus: https://api.openopus.org/work/dump.json, a composer with the works

Result<std::vector<Record>> read_open_opus(const json& object) {
  Record composer;
  composer.kind = Kind::agent;
  const std::string full = text(object, "complete_name"), name = full.empty() ? text(object, "name") : full;
  if (name.empty()) return Error{Errc::malformed, "a composer without a name"};
  const std::string born = year_of(text(object, "birth"));
  const std::string id = text(object, "id");
  composer.refs = {person_ref(name, born)};
  if (!id.empty()) composer.refs.insert(composer.refs.begin(), {"openopus-composer", id});
  const Ref ref = composer.refs.back();
  composer.say("name", name);
  composer.say("alias", text(object, "name") == name ? "" : text(object, "name"));
  composer.say("kind", "person");
  composer.say("born", born);
  composer.say("died", year_of(text(object, "death")));
  composer.say("period", fold(text(object, "epoch")));
  std::vector<Record> out = {std::move(composer)};
  for (const json& each : list(object, "works")) {
    const std::string title = text(each, "title");
    if (title.empty()) continue;
    Record work;
    const std::string work_id = text(each, "id");
    work.refs = {work_id.empty() ? Ref{"openopus-title", ref.key + "/" + title.substr(0, 300)} : Ref{"openopus-work", work_id}};
    work.say("title", title);
    work.say("composer", ref);
    work.say("form", fold(text(each, "genre")));
    work.say("alias", text(each, "subtitle"));
    say_from_title(work, title);
    out.push_back(std::move(work));
  }
  return out;
}

// --- Wikidata: https://www.wikidata.org/wiki/Wikidata:Database_download, one entity a line

/// The values of a property: texts, times and the ids of items.
std::vector<std::string> values(const json& entity, const char* property) {
  std::vector<std::string> out;
  for (const json& statement : list(member(entity, "claims"), property)) {
    if (text(statement, "rank") == "deprecated") continue;
    const json& value = member(member(member(statement, "mainsnak"), "datavalue"), "value");
    std::string found = value.is_string() ? value.get<std::string>() : !text(value, "id").empty() ? text(value, "id") : text(value, "time");
    if (!found.empty()) out.push_back(std::move(found));
  }
  return out;
}
std::string first_value(const json& entity, const char* property) {
  auto all = values(entity, property);
  return all.empty() ? "" : std::move(all.front());
}

void say_wikidata_names(const json& entity, std::string_view main, Record& record) {
  const json& labels = member(entity, "labels");
  std::string title;
  for (const char* language : {"en", "mul", "de", "fr", "it", "es"}) {
    if (title.empty()) title = text(member(labels, language), "value");
  }
  if (!labels.is_object()) return;
  if (title.empty() && !labels.empty()) title = text(*labels.begin(), "value");
  record.say(main, title);
  for (const auto& [language, label] : labels.items()) {
    if (text(label, "value") != title) record.say("alias", text(label, "value"), 1, language);
  }
  const json& aliases = member(entity, "aliases");
  if (!aliases.is_object()) return;
  for (const auto& [language, all] : aliases.items()) {
    if (!all.is_array()) continue;
    for (const json& alias : all) record.say("alias", text(alias, "value"), 1, language);
  }
}

/// Q36834 composer, Q158852 conductor, Q639669 musician.
bool is_musician(const json& entity) {
  for (const std::string& occupation : values(entity, "P106")) {
    if (occupation == "Q36834" || occupation == "Q158852" || occupation == "Q639669") return true;
  }
  return false;
}

Result<std::vector<Record>> read_wikidata(const json& entity) {
  const std::string id = text(entity, "id");
  if (id.empty()) return Error{Errc::malformed, "an entity without 'id'"};
  Record record;
  record.refs = {{"wikidata", id}};
  const std::string composer = first_value(entity, "P86");
  if (!composer.empty()) {
    if (const std::string other = first_value(entity, "P435"); !other.empty()) record.refs.push_back({"musicbrainz-work", other});
    say_wikidata_names(entity, "title", record);
    record.say("composer", Ref{"wikidata", composer});
    for (const char* date : {"P571", "P577"}) {
      if (record.value_of("year").empty()) record.say("year", year_of(first_value(entity, date)));
    }
    for (const char* number : {"P528", "P10855"}) {
      for (const std::string& each : values(entity, number)) say_numbers(record, number[1] == '1' ? "Op. " + each : each, 1);
    }
    if (const std::string whole = first_value(entity, "P361"); !whole.empty()) record.say("parent", Ref{"wikidata", whole});
    record.say("part_number", first_value(entity, "P1545"));
    say_from_title(record, record.value_of("title"));
  } else if (is_musician(entity)) {
    record.kind = Kind::agent;
    if (const std::string other = first_value(entity, "P434"); !other.empty()) record.refs.push_back({"musicbrainz-artist", other});
    say_wikidata_names(entity, "name", record);
    record.say("kind", "person");
    record.say("born", year_of(first_value(entity, "P569")));
    record.say("died", year_of(first_value(entity, "P570")));
  } else {
    return std::vector<Record>{};
  }
  if (record.value_of("title").empty() && record.value_of("name").empty()) return Error{Errc::malformed, id + " has no label"};
  return std::vector{std::move(record)};
}

// --- New York Philharmonic: https://github.com/nyphilarchive/PerformanceHistory, a programme with its works

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  return std::string(trimmed(out));
}

Record nyphil_agent(const std::string& name, std::string_view kind) {
  Record agent;
  agent.kind = Kind::agent;
  agent.refs = {{"nyphil-person", person_ref(name).key}};
  agent.say("name", name.find(',') == std::string::npos || kind == "group" ? name : std::string(trimmed(name.substr(name.find(',') + 1))) + " " + name.substr(0, name.find(',')));
  agent.say("kind", kind);
  return agent;
}

void read_nyphil_work(const json& program, const json& each, std::vector<Record>& out) {
  const std::string composer = collapsed(text(each, "composerName")), title = collapsed(text(each, "workTitle")), id = text(each, "ID");
  if (title.empty() || id.empty()) return;  // an intermission
  Record work;
  const std::string number = id.substr(0, id.find('*'));
  work.refs = {{"nyphil-work", number}};
  work.say("title", title);
  if (!composer.empty()) {
    out.push_back(nyphil_agent(composer, "person"));
    work.say("composer", out.back().refs.front());
  }
  say_from_title(work, title);
  Record performed;
  performed.kind = Kind::performance;
  Ref of = work.refs.front();
  out.push_back(std::move(work));
  const std::string movement = collapsed(text(each, "movement"));
  if (!movement.empty() && id.size() > number.size() + 1) {
    Record part;
    part.refs = {{"nyphil-work", id}};
    part.say("title", movement);
    part.say("parent", of);
    of = part.refs.front();
    out.push_back(std::move(part));
  }
  performed.refs = {{"nyphil-performance", text(program, "id") + "/" + id}};
  performed.say("work", of);
  const auto& concerts = list(program, "concerts");
  if (!concerts.empty()) {
    performed.say("date", text(concerts.front(), "Date").substr(0, 10));
    performed.say("place", text(concerts.front(), "Venue"));
  }
  const auto credit = [&](const std::string& name, std::string_view kind, const std::string& role) {
    if (name.empty()) return;
    out.push_back(nyphil_agent(name, kind));
    performed.say("credit", out.back().refs.front(), 1, role);
  };
  credit(text(program, "orchestra"), "group", "orchestra");
  const std::string conductors = text(each, "conductorName");
  for (const std::string& conductor : list_of(conductors, ';')) credit(collapsed(conductor), "person", "conductor");
  for (const json& soloist : list(each, "soloists")) credit(collapsed(text(soloist, "soloistName")), "person", "soloist:" + fold(text(soloist, "soloistInstrument")));
  out.push_back(std::move(performed));
}

Result<std::vector<Record>> read_nyphil(const json& program) {
  if (text(program, "id").empty()) return Error{Errc::malformed, "a programme without 'id'"};
  std::vector<Record> out;
  for (const json& each : list(program, "works")) read_nyphil_work(program, each, out);
  return out;
}

// --- IMSLP: its list of works, API.ISCR.php with type=2

Result<std::vector<Record>> read_imslp(const json& object) {
  if (!member(object, "type").is_null() && text(object, "type") != "2") return std::vector<Record>{};
  const json& more = member(object, "intvals");
  if (more.is_null()) return std::vector<Record>{};  // "metadata", which says how the list was asked for
  const std::string title = text(more, "worktitle"), by = text(more, "composer"), page = text(more, "pageid");
  if (title.empty() || by.empty()) return Error{Errc::malformed, "a page without title or composer"};
  Record composer;
  composer.kind = Kind::agent;
  composer.refs = {{"imslp-composer", by}};
  composer.say("sort_name", by);
  composer.say("name", by.find(',') == std::string::npos ? by : std::string(trimmed(by.substr(by.find(',') + 1))) + " " + by.substr(0, by.find(',')));
  Record work;
  work.refs = {{"imslp", page.empty() ? text(object, "id") : page}};
  work.say("title", title);
  work.say("composer", composer.refs.front());
  say_numbers(work, text(more, "icatno"), 1);
  say_from_title(work, title);
  return std::vector{std::move(composer), std::move(work)};
}

/// One JSON object after the other, each by itself: one that cannot be read costs no other.
class JsonImporter : public Importer {
 public:
  enum class Form : std::uint8_t { lines, arrays, members };
  JsonImporter(Form form, Reader reader, ImportSink sink)
      : Importer(std::move(sink)), form_(form), reader_(reader), lines_([this](std::string_view line, std::uint64_t number, bool whole) { on_line(line, number, whole); }),
        objects_(form == Form::members ? JsonCutter::Of::members : JsonCutter::Of::arrays, [this](std::string_view object, std::uint64_t line) { on_object(object, line); }) {}

  Status feed(std::string_view bytes) override {
    if (form_ != Form::lines) return objects_.feed(bytes);
    lines_.feed(bytes);
    return {};
  }
  Status finish() override {
    if (form_ != Form::lines) return objects_.finish();
    lines_.finish();
    return {};
  }

 private:
  void on_line(std::string_view line, std::uint64_t number, bool whole) {
    line = trimmed(line);
    // Wikidata's dump is an array with an element a line.
    if (line == "[" || line == "]" || line.empty()) return;
    if (line.ends_with(',')) line.remove_suffix(1);
    if (!whole) {
      if (is_wanted()) problem(number, "longer than " + std::to_string(kMaxImportRecord >> 20) + " MiB");
      return;
    }
    on_object(line, number);
  }
  void on_object(std::string_view object, std::uint64_t line) {
    if (!is_wanted()) return;
    const json parsed = json::parse(object, nullptr, false);
    if (!parsed.is_object()) return problem(line, "this is no JSON object");
    auto records = reader_(parsed);
    if (!records) return problem(line, records.error().message);
    take(std::move(*records), line);
  }

  Form form_;
  Reader reader_;
  LineCutter lines_;
  JsonCutter objects_;
};

}  // namespace

Result<std::unique_ptr<Importer>> make_json_importer(std::string_view format, ImportSink sink) {
  struct Entry {
    std::string_view name;
    JsonImporter::Form form;
    Reader reader;
  };
  constexpr std::array<Entry, 5> kEntries = {{{"musicbrainz", JsonImporter::Form::lines, read_musicbrainz}, {"wikidata", JsonImporter::Form::lines, read_wikidata},
                                              {"openopus", JsonImporter::Form::arrays, read_open_opus}, {"nyphil", JsonImporter::Form::arrays, read_nyphil}, {"imslp", JsonImporter::Form::members, read_imslp}}};
  for (const Entry& each : kEntries) {
    if (each.name == format) return std::unique_ptr<Importer>(std::make_unique<JsonImporter>(each.form, each.reader, std::move(sink)));
  }
  return Error{Errc::not_found, "no such format"};
}

}  // namespace ghost::ariascribe
