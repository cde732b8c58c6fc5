#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/places.h"
#include "ariascribe/audit_service.h"
#include "base/terminal.h"
#include "base/text.h"
#include "verbs.h"

namespace ghost::app {

using ariascribe::Finding;
using nlohmann::ordered_json;

namespace {

void tell_finding(const Arguments& arguments, const Terminal& terminal, const Finding& each) {
  if (arguments.has("json")) {
    std::cout << ordered_json{{"v", 1}, {"event", "finding"}, {"kind", name(each.kind)}, {"path", each.place}, {"files", each.files}, {"message", each.message}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n";
    return;
  }
  std::cout << coloured(terminal, Colour::yellow, fmt::format("{:<16}", name(each.kind))) << "  " << printable(each.message) << "  " << coloured(terminal, Colour::dim, printable(each.place)) << "\n";
}

int audit_finish(const Arguments& arguments, const ariascribe::AuditSummary& counted) {
  const int exit = code(counted.unread > 0 ? Exit::partly : counted.findings > 0 ? Exit::failed : Exit::done);
  if (arguments.has("json")) {
    std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"files", counted.files}, {"findings", counted.findings}, {"unread", counted.unread}, {"code", exit}}.dump() << "\n";
    return exit;
  }
  std::cout << (counted.findings == 0 ? "nothing to mend" : fmt::format("{} to look at", counted.findings)) << fmt::format(" in {} files", counted.files);
  if (counted.unread > 0) std::cout << fmt::format("; {} could not be read", counted.unread);
  std::cout << "\n";
  return exit;
}

int audit(const Arguments& arguments) {
  const auto knowledge = ariascribe::Knowledge::load();
  if (!knowledge) return complain("ariascribe", knowledge.error());
  const Terminal terminal = Terminal::of(1);
  const std::vector<std::filesystem::path> inputs(arguments.all("PATH").begin(), arguments.all("PATH").end());
  const auto counted = ariascribe::audit_places(**knowledge, inputs, {[&](const Finding& each) { tell_finding(arguments, terminal, each); }, [&](const std::filesystem::path& path, const Error& why) {
    if (arguments.has("json")) std::cout << ordered_json{{"v", 1}, {"event", "unread"}, {"path", path.string()}, {"message", why.message}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n";
    else std::cerr << "ariascribe: " << printable(why.message) << "\n";
  }});
  if (!counted) return complain("ariascribe", counted.error());
  return audit_finish(arguments, *counted);
}

}  // namespace

Verb audit_verb() {
  Verb verb;
  verb.name = "audit";
  verb.summary = "look through a library's tags for what is missing or contradicts itself";
  verb.description = "Tells of tracks without a composer, of works that miss movements or have one twice, of one person written in two ways, and of orchestras, conductors and soloists in the wrong "
                     "field. Reads only; files: FLAC, Ogg Vorbis, Opus, MP3, M4A, WavPack, AIFF, WAV. Exit: 0 nothing found, 1 something, 3 when a file could not be read.";
  verb.examples = {{"ariascribe audit ~/Music", "what to look at"}, {"ariascribe audit --json ~/Music", "one finding a line"}};
  verb.options = {json_option()};
  verb.positionals = {{"PATH", "folders and music files", Positional::Count::at_least_one, {}, Complete::files}};
  verb.run = audit;
  return verb;
}

}  // namespace ghost::app
