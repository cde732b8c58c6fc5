#include <unistd.h>

#include <iostream>

#include "base/terminal.h"
#include "base/text.h"
#include "json.h"
#include "portlight/registry_store_service.h"
#include "verbs.h"
#include "app/places.h"

namespace ghost::app {

namespace {

using portlight::Era;
using portlight::Registration;
using portlight::Registry;
using Rows = std::vector<const Registration*>;

std::string era_text(const Registration& row) {
  switch (row.era) {
    case Era::always: return "";
    case Era::since: return "since 2015";
    case Era::no_more: return "no more";
    case Era::overlay: return "this machine";
  }
  return "";
}

std::string note_text(const Registration& row) {
  const std::string era = era_text(row);
  if (row.note.empty() || row.era == Era::overlay) return era;
  return (era.empty() ? "" : era + "; ") + std::string(row.note);
}

std::string ports_text(const Registration& row) {
  return row.first == row.last ? std::to_string(row.first) : std::to_string(row.first) + "-" + std::to_string(row.last);
}

nlohmann::ordered_json registration_json(const Registration& row) {
  return {{"name", row.name}, {"transport", row.transport_text()}, {"first", row.first}, {"last", row.last}, {"description", row.description},
          {"assignee", row.assignee}, {"registered", row.registered}, {"modified", row.modified}, {"reference", row.reference}, {"note", row.note}, {"era", era_text(row)}};
}

int print(const Arguments& arguments, const Rows& rows) {
  const Exit exit = rows.empty() ? Exit::failed : Exit::done;
  if (arguments.has("json")) {
    for (const Registration* row : rows) std::cout << line("row", registration_json(*row));
    std::cout << line("summary", {{"rows", rows.size()}, {"code", code(exit)}});
    return code(exit);
  }
  Table table({"PORT", "PROTO", "NAME", "DESCRIPTION", "ASSIGNEE", "REGISTERED", "NOTE"});
  for (const Registration* row : rows) {
    table.add({ports_text(*row), row->transport_text(), std::string(row->name), std::string(row->description), std::string(row->assignee),
               std::string(row->registered.empty() ? row->modified : row->registered), note_text(*row)});
  }
  if (!rows.empty()) std::cout << table.text(Terminal::of(STDOUT_FILENO));
  return code(exit);
}

Result<Registry> open(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return where.error();
  return portlight::open_registry(where->state);
}

Result<Rows> rows_of(const Registry& registry, const std::string& what) {
  if (!is_number(what)) return registry.named(what);
  const auto range = parse_ports(what);
  if (!range) return range.error();
  return registry.range(range->first, range->second);
}

int show(const Arguments& arguments) {
  const auto registry = open(arguments);
  if (!registry) return refuse(registry.error());
  const std::string what = arguments.text("WHAT");
  const auto rows = rows_of(*registry, what);
  if (!rows) return refuse(rows.error());
  if (rows->empty() && !is_number(what)) {
    return refuse(Error{Errc::malformed, "'" + printable(what) + "' is no port and no registered name; 'portlight registry search " + printable(what) + "' looks further"});
  }
  if (rows->empty() && !arguments.has("json")) {
    const auto range = parse_ports(what);
    std::cout << what << " is " << (range->first >= 49152 ? "in the dynamic range, which is never registered" : "unassigned") << "\n";
    return code(Exit::done);
  }
  return print(arguments, *rows);
}

int search(const Arguments& arguments) {
  const auto registry = open(arguments);
  if (!registry) return refuse(registry.error());
  const Rows rows = registry->search(arguments.text("TEXT"));
  if (rows.empty()) std::cerr << "portlight: nothing in the registry says '" << printable(arguments.text("TEXT")) << "'\n";
  return print(arguments, rows);
}

int diff(const Arguments& arguments) {
  const auto registry = open(arguments);
  if (!registry) return refuse(registry.error());
  return print(arguments, registry->changes());
}

int history(const Arguments& arguments) {
  const auto registry = open(arguments);
  if (!registry) return refuse(registry.error());
  const auto range = parse_ports(arguments.text("PORT"));
  if (!range) return refuse(range.error());
  Rows rows;
  for (const Registration* row : registry->range(range->first, range->second)) {
    if (row->era != Era::overlay) rows.push_back(row);
  }
  if (!arguments.has("json")) {
    for (const auto transport : {portlight::Transport::tcp, portlight::Transport::udp}) {
      const auto found = registry->lookup(range->first, transport);
      const auto names = found.names();
      std::cout << range->first << "/" << name(transport) << ": " << (names.empty() ? std::string(name(found.status)) : std::string(names[0]))
                << (found.history().empty() ? ", unchanged since 2015" : ", " + found.history()) << "\n";
    }
    if (!rows.empty()) std::cout << "\n";
  }
  print(arguments, rows);
  return code(Exit::done);
}

int update(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("portlight", where.error());
  const auto done = portlight::update_registry(where->state, arguments.text("FILE"));
  if (!done) return complain("portlight", done.error());
  if (arguments.has("json")) {
    std::cout << line("summary", {{"rows", done->rows}, {"added", done->added}, {"gone", done->gone}, {"file", done->file.string()}, {"code", 0}});
  } else {
    std::cout << done->rows << " rows: " << done->added << " names are new, " << done->gone << " went and are history. Kept in " << done->file.string() << "\n";
  }
  return code(Exit::done);
}

Verb verb_of(std::string name, std::string summary, int (*run)(const Arguments&)) {
  Verb verb;
  verb.name = "registry " + std::move(name);
  verb.summary = std::move(summary);
  verb.options = {state_option(), json_option()};
  verb.run = run;
  return verb;
}

}  // namespace

std::vector<Verb> registry_verbs() {
  Verb shown = verb_of("show", "the registry's rows of a port, a range or a name", show);
  shown.positionals = {{"WHAT", "2203, 1115-1117 or b2-runtime", Positional::Count::one, {}, Complete::nothing}};
  shown.examples = {{"portlight registry show 2256", "who has it"}, {"portlight registry show ardusmul", "which port that is"}};
  Verb searched = verb_of("search", "rows that say something, in name, description, assignee or note", search);
  searched.positionals = {{"TEXT", "a word or a part of one", Positional::Count::one, {}, Complete::nothing}};
  searched.examples = {{"portlight registry search music", "what there is for music"}};
  Verb changed = verb_of("diff", "what came and what went since 2015", diff);
  changed.examples = {{"portlight registry diff", "all of it"}};
  Verb past = verb_of("history", "what a port was before", history);
  past.positionals = {{"PORT", "its number", Positional::Count::one, {}, Complete::nothing}};
  past.examples = {{"portlight registry history 2114", "newheights became ariascribe"}};
  Verb updated = verb_of("update", "take a newer service-names-port-numbers.csv of IANA's", update);
  updated.positionals = {{"FILE", "the file, as downloaded from iana.org", Positional::Count::one, {}, Complete::files}};
  updated.examples = {{"portlight registry update service-names-port-numbers.csv", "kept in the state"}};
  return {shown, searched, changed, past, updated};
}

}  // namespace ghost::app
