// The verbs of the catalogue in a database: import, export, stats, correct, forget; and what `show` and `search` do with it.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/places.h"
#include "ariascribe/import_service.h"
#include "ariascribe/work_index_service.h"
#include "base/file.h"
#include "base/terminal.h"
#include "base/text.h"
#include "catalogue.h"
#include "verbs.h"

namespace ghost::app {

using ariascribe::Claim;
using ariascribe::Entity;
using ariascribe::Store;
using nlohmann::ordered_json;

namespace {

constexpr auto kReplace = ordered_json::error_handler_t::replace;

/// Set by SIGINT and SIGTERM; of the process, since a handler knows nothing else.
std::atomic<bool> told_to_stop = false;

void heed_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_stop = true; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const auto& each : ariascribe::import_formats()) names.emplace_back(each.name);
  return names;
}

void print_json(const ordered_json& line) { std::cout << line.dump(-1, ' ', false, kReplace) << "\n"; }

int import_verb_run(const Arguments& arguments) {
  auto store = open_catalogue(arguments, IfMissing::create);
  if (!store) return complain("ariascribe", store.error());
  heed_signals();
  ariascribe::ImportJob job;
  job.format = arguments.text("FORMAT");
  job.file = arguments.text("FILE");
  job.options.mapping = arguments.text("map");
  job.source = arguments.text("source");
  job.licence = arguments.text("licence");
  const bool json = arguments.has("json"), quiet = arguments.has("quiet") || json;
  Progress progress(Terminal::of(STDERR_FILENO), "importing", Progress::Unit::bytes, 0, std::chrono::steady_clock::now());
  bool sized = false;
  const auto show = [&](const std::string& text) {
    if (!quiet && !text.empty()) std::cerr << text << std::flush;
  };
  ariascribe::ImportEvents events;
  events.problem = [&](std::uint64_t line, const std::string& why) {
    if (json) return print_json({{"v", 1}, {"event", "problem"}, {"line", line}, {"message", why}});
    show(progress.clear());
    std::cerr << fmt::format("{}:{}: {}\n", printable(job.file.string()), line, printable(why));
  };
  events.progress = [&](std::uint64_t read, std::uint64_t size, std::uint64_t records) {
    const auto now = std::chrono::steady_clock::now();
    if (json) return print_json({{"v", 1}, {"event", "progress"}, {"bytes", read}, {"size", size}, {"records", records}});
    if (!sized) progress = Progress(Terminal::of(STDERR_FILENO), "importing", Progress::Unit::bytes, size, now);
    sized = true;
    show(progress.update(read, now));
  };
  events.cancelled = [] { return told_to_stop.load(); };
  const auto done = ariascribe::import_file(**store, job, events);
  if (!done) {
    show(progress.clear());
    return complain("ariascribe", done.error());
  }
  show(progress.finish(done->cancelled ? "interrupted" : "done", std::chrono::steady_clock::now()));
  if (!done->cancelled) refresh_index(**store, arguments);
  const int exit = code(done->cancelled ? Exit::interrupted : done->problems > 0 ? Exit::partly : Exit::done);
  if (json) {
    print_json({{"v", 1},
                {"event", "summary"},
                {"records", done->records},
                {"problems", done->problems},
                {"resumed_at", done->resumed_at},
                {"fresh", done->subjects.fresh},
                {"changed", done->subjects.changed},
                {"same", done->subjects.same},
                {"code", exit}});
    return exit;
  }
  std::cout << fmt::format("{} records read: {} works, people and others added, {} changed, {} as they were", done->records - done->resumed_at,
                           done->subjects.fresh, done->subjects.changed, done->subjects.same);
  if (done->resumed_at > 0) std::cout << fmt::format("; went on behind record {}", done->resumed_at);
  if (done->problems > 0) std::cout << fmt::format("; {} bad records passed by", done->problems);
  if (done->cancelled) std::cout << "; the same command goes on from here";
  std::cout << "\n";
  return exit;
}

int export_verb_run(const Arguments& arguments) {
  auto store = open_catalogue(arguments, IfMissing::refuse);
  if (!store) return complain("ariascribe", store.error());
  const std::string format = arguments.text("FORMAT");
  const auto as = format == "jsonld" ? ariascribe::ExportFormat::jsonld : format == "csv" ? ariascribe::ExportFormat::csv : ariascribe::ExportFormat::marcxml;
  const std::string place = arguments.text("out");
  std::string temporary;
  std::ofstream file;
  if (!place.empty()) {
    temporary = place + ".part";  // what was there stays until all is written
    file.open(temporary, std::ios::binary | std::ios::trunc);
  }
  std::ostream& out = place.empty() ? std::cout : file;
  const auto done = ariascribe::export_works(**store, as, [&](std::string_view piece) -> Status {
    out << piece;
    if (!out) return Error{Errc::io, "write " + (place.empty() ? "standard output" : place) + ": it does not take any more"};
    return {};
  });
  out.flush();
  if (!place.empty()) {
    file.close();
    std::error_code failed;
    if (done) std::filesystem::rename(temporary, place, failed);
    if (!done || failed) std::filesystem::remove(temporary, failed);
  }
  if (!done) return complain("ariascribe", done.error());
  if (!place.empty()) std::cout << fmt::format("{} works in {}\n", *done, printable(place));
  return code(Exit::done);
}

int stats(const Arguments& arguments) {
  const auto knowledge = ariascribe::Knowledge::load();
  if (!knowledge) return complain("ariascribe", knowledge.error());
  const auto& shipped = (*knowledge)->repertoire;
  std::optional<ariascribe::StoreCounts> counts;
  auto store = open_catalogue(arguments, IfMissing::refuse);
  if (store) {
    auto counted = (*store)->counts();
    if (!counted) return complain("ariascribe", counted.error());
    counts = std::move(*counted);
  } else if (store.error().code != Errc::not_found || arguments.has("store")) {
    return complain("ariascribe", store.error());
  }
  if (arguments.has("json")) {
    ordered_json tables = ordered_json::object(), sources = ordered_json::array();
    if (counts) {
      for (const auto& [name, rows] : counts->tables) tables[name] = rows;
      for (const auto& [source, claims] : counts->sources)
        sources.push_back({{"id", source.id}, {"name", source.name}, {"licence", source.licence}, {"claims", claims}});
    }
    print_json(
        {{"v", 1},
         {"event", "summary"},
         {"repertoire", {{"composers", shipped.composers().size()}, {"works", shipped.works().size()}, {"performers", shipped.performers().size()}}},
         {"tables", tables},
         {"sources", sources},
         {"rev", counts ? counts->rev : 0},
         {"code", 0}});
    return code(Exit::done);
  }
  std::cout << fmt::format("in this program: {} composers, {} works, {} performers\n", shipped.composers().size(), shipped.works().size(),
                           shipped.performers().size());
  if (!counts) {
    std::cout << "nothing is imported; `ariascribe import` makes a catalogue\n";
    return code(Exit::done);
  }
  std::cout << fmt::format("imported, in {}, revision {}:\n", (*store)->engine(), counts->rev);
  Table tables({"table", "rows"});
  for (const auto& [name, rows] : counts->tables) tables.add({name, std::to_string(rows)});
  std::cout << tables.text(Terminal::of(1));
  Table sources({"source", "licence", "claims"});
  for (const auto& [source, claims] : counts->sources) sources.add({source.name, source.licence, std::to_string(claims)});
  if (!sources.empty()) std::cout << "\n" << sources.text(Terminal::of(1));
  return code(Exit::done);
}

int forget(const Arguments& arguments) {
  auto store = open_catalogue(arguments, IfMissing::refuse);
  if (!store) return complain("ariascribe", store.error());
  auto sources = (*store)->sources();
  if (!sources) return complain("ariascribe", sources.error());
  std::uint64_t changed = 0;
  bool known = false;
  for (const auto& source : *sources) {
    if (source.name != arguments.text("SOURCE")) continue;
    known = true;
    const auto gone = (*store)->forget(source.id);
    if (!gone) return complain("ariascribe", gone.error());
    changed += *gone;
  }
  if (known) refresh_index(**store, arguments);
  if (!known)
    return complain("ariascribe",
                    Error{Errc::not_found, "no source is called '" + printable(arguments.text("SOURCE")) + "'; `ariascribe stats` lists them"});
  if (arguments.has("json")) print_json({{"v", 1}, {"event", "summary"}, {"changed", changed}, {"code", 0}});
  else std::cout << fmt::format("{} subjects are as if {} had never said anything\n", changed, printable(arguments.text("SOURCE")));
  return code(Exit::done);
}

int correct(const Arguments& arguments) {
  auto store = open_catalogue(arguments, IfMissing::refuse);
  if (!store) return complain("ariascribe", store.error());
  const char* user = std::getenv("USER");
  const Status done = (*store)->correct(arguments.text("ID"), arguments.text("FIELD"), arguments.text("VALUE"), arguments.text("who", user && *user ? user : "me"));
  if (!done) return complain("ariascribe", done.error());
  refresh_index(**store, arguments);
  return show_subject(**store, arguments, arguments.text("ID"));
}

Option text_option(std::string name, std::string value, std::string help) {
  Option option;
  option.name = std::move(name);
  option.value = std::move(value);
  option.help = std::move(help);
  return option;
}

}  // namespace

Option store_option() { return text_option("store", "WHERE", "the catalogue: a file, or postgresql://…; STATE/ariascribe/catalogue.sqlite when nothing is said"); }

Result<std::string> catalogue_place(const Arguments& arguments) {
  std::string where = arguments.text("store");
  if (!where.empty()) return where;
  const auto at = places(arguments);
  if (!at) return at.error();
  return (at->state / "ariascribe" / "catalogue.sqlite").string();
}

Result<std::unique_ptr<Store>> open_catalogue(const Arguments& arguments, IfMissing missing) {
  const auto place = catalogue_place(arguments);
  if (!place) return place.error();
  const std::string& where = *place;
  if (missing == IfMissing::create && arguments.text("store").empty()) {
    if (const Status made = make_directories(std::filesystem::path(where).parent_path(), 0700); !made) return made.error();
  }
  const bool server = where.starts_with("postgres://") || where.starts_with("postgresql://");
  std::error_code unknown;
  if (!server && missing == IfMissing::refuse && !std::filesystem::exists(where, unknown))
    return Error{Errc::not_found, "there is no catalogue at " + where + "; `ariascribe import FORMAT FILE` makes one"};
  return Store::open(where);
}

Result<std::filesystem::path> index_directory(const Arguments& arguments) {
  const auto at = places(arguments);
  if (!at) return at.error();
  const std::string where = arguments.text("store");
  const std::filesystem::path own = at->state / "ariascribe";
  return where.empty() ? own : own / fmt::format("index-{:016x}", ariascribe::term_hash(where));
}

void refresh_index(Store& store, const Arguments& arguments) {
  const auto directory = index_directory(arguments);
  const auto repertoire = ariascribe::Repertoire::embedded();
  if (!directory || !repertoire) return;
  const auto updated = ariascribe::update_index(store, *repertoire, *directory);
  if (!updated) std::cerr << "ariascribe: the index is not up to date: " << printable(updated.error().message) << "\n";
}

Result<std::unique_ptr<ariascribe::Knowledge>> load_knowledge(const Arguments& arguments) {
  auto store = open_catalogue(arguments, IfMissing::refuse);
  if (!store) {
    if (arguments.has("store")) return store.error();
    if (store.error().code != Errc::not_found) std::cerr << "ariascribe: without what is imported: " << printable(store.error().message) << "\n";
    return ariascribe::Knowledge::load();
  }
  const auto directory = index_directory(arguments);
  auto repertoire = ariascribe::Repertoire::embedded();
  if (!directory) return directory.error();
  if (!repertoire) return repertoire.error();
  const auto updated = ariascribe::update_index(**store, *repertoire, *directory);
  if (!updated) std::cerr << "ariascribe: the index is not up to date: " << printable(updated.error().message) << "\n";
  auto stored = ariascribe::map_works(*directory, *repertoire);
  if (stored) return std::make_unique<ariascribe::Knowledge>(std::move(*repertoire), std::move(*stored));
  std::cerr << "ariascribe: without what is imported: " << printable(stored.error().message) << "\n";
  return ariascribe::Knowledge::load();
}

int show_subject(Store& store, const Arguments& arguments, const std::string& id) {
  const auto found = store.get(id);
  if (!found) return complain("ariascribe", found.error());
  auto sources = store.sources();
  if (!sources) return complain("ariascribe", sources.error());
  std::map<std::string, const ariascribe::Source*> source_of;
  for (const auto& each : *sources) source_of[each.id] = &each;
  std::vector<std::string> named;
  for (const Claim& each : found->claims) named.push_back(each.value);
  auto names = store.names(named);
  if (!names) return complain("ariascribe", names.error());
  const auto top = found->shown();
  const auto is_shown = [&](const Claim& each) {
    return std::any_of(top.begin(), top.end(), [&](const Claim& other) {
      return other.field == each.field && other.value == each.value && other.detail == each.detail && other.source == each.source;
    });
  };
  std::vector<ariascribe::TreeNode> tree;
  if (found->kind == ariascribe::Kind::work) {
    auto parts = store.tree(found->id);
    if (!parts) return complain("ariascribe", parts.error());
    tree = std::move(*parts);
  }
  const auto text_of = [&](const Claim& each) {
    const auto name = names->find(each.value);
    return name == names->end() ? each.value : name->second;
  };
  if (arguments.has("json")) {
    ordered_json claims = ordered_json::array(), refs = ordered_json::array(), parts = ordered_json::array();
    for (const auto& each : found->refs) refs.push_back(each.scheme + ":" + each.key);
    for (const Claim& each : found->claims) {
      const auto* source = source_of[each.source];
      claims.push_back({{"field", each.field},
                        {"value", each.value},
                        {"text", text_of(each)},
                        {"detail", each.detail},
                        {"source", source ? source->name : ""},
                        {"licence", source ? source->licence : ""},
                        {"confidence", each.confidence},
                        {"made_ms", each.made_ms},
                        {"supersedes", each.supersedes.empty() ? ordered_json(nullptr) : ordered_json(each.supersedes)},
                        {"standing", each.standing},
                        {"shown", is_shown(each)}});
    }
    for (const auto& each : tree) parts.push_back({{"id", each.id}, {"title", each.title}, {"number", each.position}, {"depth", each.depth}});
    print_json({{"v", 1},
                {"event", "summary"},
                {"id", found->id},
                {"kind", name(found->kind)},
                {"rev", found->rev},
                {"gone", found->gone},
                {"refs", refs},
                {"claims", claims},
                {"parts", parts},
                {"code", 0}});
    return code(Exit::done);
  }
  const Terminal terminal = Terminal::of(1);
  std::cout << coloured(terminal, Colour::bold, std::string(name(found->kind)) + " " + found->id)
            << (found->gone ? "  (nobody says anything of it any more)" : "") << "\n";
  for (const auto& each : found->refs) std::cout << coloured(terminal, Colour::dim, "  " + printable(each.scheme + ":" + each.key)) << "\n";
  for (const Claim& each : found->claims) {
    const auto* source = source_of[each.source];
    const std::string why = fmt::format("{} ({}), {:.0f} %{}{}", source ? source->name : "?", source ? source->licence : "?", each.confidence * 100,
                                        each.standing ? "" : ", withdrawn", each.standing && !is_shown(each) ? ", not the top one" : "");
    std::cout << fmt::format("{} {:<13} {}{}  ", is_shown(each) ? " " : "-", printable(each.field), printable(text_of(each)),
                             each.detail.empty() ? "" : " [" + printable(each.detail) + "]")
              << coloured(terminal, Colour::dim, printable(why)) << "\n";
  }
  for (const auto& each : tree) {
    if (each.depth > 0)
      std::cout << std::string(static_cast<std::size_t>(2 * each.depth), ' ') << (each.position != 0 ? std::to_string(each.position) + "  " : "")
                << printable(each.title) << coloured(terminal, Colour::dim, "  " + each.id) << "\n";
  }
  return code(Exit::done);
}

Verb import_verb() {
  Verb verb;
  verb.name = "import";
  verb.summary = "read a catalogue of works and people into the database";
  verb.description =
      "Each value is kept with its source and licence. A bad record is told with its line and passed by. Interrupted, the same command goes on where "
      "it was; done twice, nothing changes.";
  for (const auto& each : ariascribe::import_formats()) verb.description += fmt::format(" {}: {} ({}).", each.name, each.summary, each.licence);
  verb.description += " gzip and xz are unpacked on the way.";
  verb.examples = {
      {"ariascribe import musicbrainz work.tar.xz", "MusicBrainz's dump, as it comes"},
      {"ariascribe import csv works.csv --map title=Werk,composer=Komponist --source library --licence CC-BY-4.0", "a table of your own"}};
  verb.options = {text_option("map", "FIELD=COLUMN,…", "of a table: which column is which field"),
                  text_option("source", "NAME", "who says it"),
                  text_option("licence", "LICENCE", "under which licence, as SPDX writes it"),
                  store_option(),
                  state_option(),
                  json_option(),
                  quiet_option()};
  verb.positionals = {{"FORMAT", "what the file is", Positional::Count::one, format_names(), Complete::nothing},
                      {"FILE", "the file", Positional::Count::one, {}, Complete::files}};
  verb.run = import_verb_run;
  return verb;
}

Verb export_verb() {
  Verb verb;
  verb.name = "export";
  verb.summary = "write the works of the database as JSON-LD, CSV or MARCXML";
  verb.description = "What is shown of each work, with the sources and licences it comes from. It is written to standard output where no file is named.";
  verb.examples = {{"ariascribe export jsonld --out works.jsonld", "for the web of data"}, {"ariascribe export csv | head", "a look"}};
  verb.options = {text_option("out", "FILE", "where to"), store_option(), state_option()};
  verb.options[0].complete = Complete::files;
  verb.positionals = {{"FORMAT", "jsonld, csv or marcxml", Positional::Count::one, {"jsonld", "csv", "marcxml"}, Complete::nothing}};
  verb.run = export_verb_run;
  return verb;
}

Verb stats_verb() {
  Verb verb;
  verb.name = "stats";
  verb.summary = "count what is known, and who says it under which licence";
  verb.examples = {{"ariascribe stats", "the repertoire and what is imported"}};
  verb.options = {store_option(), state_option(), json_option()};
  verb.run = stats;
  return verb;
}

Verb correct_verb() {
  Verb verb;
  verb.name = "correct";
  verb.summary = "say a value of the database better; with \"\" take that back";
  verb.description = "What a person says stands over every file. What the files say stays, and is shown again when the correction is taken back.";
  verb.examples = {{"ariascribe correct musicbrainz-work:06378… title 'Nocturne No. 5'", "a title"},
                   {"ariascribe correct musicbrainz-work:06378… title ''", "as the files have it"}};
  verb.options = {text_option("who", "NAME", "who says it; the user's name when nothing is said"), store_option(), state_option(), json_option()};
  verb.positionals = {{"ID", "as `ariascribe show` takes it", Positional::Count::one, {}, Complete::nothing},
                      {"FIELD", "title, composer, year, musical_key, …", Positional::Count::one, {}, Complete::nothing},
                      {"VALUE", "the value", Positional::Count::one, {}, Complete::nothing}};
  verb.run = correct;
  return verb;
}

Verb forget_verb() {
  Verb verb;
  verb.name = "forget";
  verb.summary = "take back all that a source has said";
  verb.examples = {{"ariascribe forget openopus", "an import that should not have been"}};
  verb.options = {store_option(), state_option(), json_option()};
  verb.positionals = {{"SOURCE", "its name, as `ariascribe stats` prints it", Positional::Count::one, {}, Complete::nothing}};
  verb.run = forget;
  return verb;
}

}  // namespace ghost::app
