#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <map>
#include <set>

#include "base/terminal.h"
#include "base/text.h"
#include "json.h"
#include "portlight/registry_store_service.h"
#include "verbs.h"
#include "app/places.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;
using portlight::v1::Listener;
using portlight::v1::ListResponse;

/// What of all listeners is wanted: ports, and names of services, programs, protocols or units.
struct Selection {
  std::set<std::uint16_t> ports;
  std::vector<std::string> names;

  bool all() const { return ports.empty() && names.empty(); }
};

bool has_name(const Listener& listener, const std::string& name) {
  const auto same = [&](const std::string& text) { return text == name; };
  if (std::any_of(listener.registry.begin(), listener.registry.end(), [&](const auto& row) { return same(row.name); })) return true;
  if (listener.identity && (same(listener.identity->protocol) || same(listener.identity->product))) return true;
  return listener.owner && (same(listener.owner->process) || same(listener.owner->unit) || same(listener.owner->container) || same(listener.owner->user) || same(listener.owner->package));
}

bool wants(const Selection& selection, const Listener& listener) {
  if (selection.all() || selection.ports.count(static_cast<std::uint16_t>(listener.port)) != 0) return true;
  return std::any_of(selection.names.begin(), selection.names.end(), [&](const std::string& name) { return has_name(listener, name); });
}

Result<Selection> selection_of(const std::vector<std::string>& words) {
  Selection selection;
  for (const std::string& word : words) {
    if (!is_number(word)) {
      selection.names.push_back(word);
      continue;
    }
    const auto range = parse_ports(word);
    if (!range) return range.error();
    for (std::uint32_t port = range->first; port <= range->second; ++port) selection.ports.insert(static_cast<std::uint16_t>(port));
  }
  return selection;
}

/// A name that no listener has: known to the registry, or to nobody.
int name_not_found(const std::string& name, const portlight::Registry& registry) {
  const auto rows = registry.named(name);
  if (!rows.empty()) {
    std::cerr << "portlight: nothing that I can see listens as " << printable(name) << ", which is registered on " << rows[0]->first << "\n";
    return code(Exit::failed);
  }
  if (name == "registry") {
    std::cerr << "portlight: 'registry' needs one of: show, search, diff, history, update\nTry: portlight --help\n";
    return code(Exit::usage);
  }
  const std::vector<std::string> verbs = {"why", "identify", "registry", "serve", "help"};
  if (std::find(verbs.begin(), verbs.end(), name) != verbs.end()) {
    std::cerr << "portlight: options stand after the verb: portlight " << name << " … --state DIR\n";
    return code(Exit::usage);
  }
  std::cerr << "portlight: '" << printable(name) << "' is no port, no range, no registered name, and no program, unit or protocol that listens";
  if (const auto meant = nearest(name, verbs)) std::cerr << "; did you mean: portlight " << *meant << "?";
  std::cerr << "\nTry: portlight --help\n";
  return code(Exit::usage);
}

std::string registered_text(const Listener& listener) {
  if (listener.registry_status == "unassigned" || listener.registry_status == "dynamic" || listener.registry_status == "reserved") return "(" + listener.registry_status + ")";
  std::string text;
  for (const auto& row : listener.registry) {
    if (text.find(row.name) == std::string::npos && row.note != "/etc/services") text += (text.empty() ? "" : ",") + row.name;
  }
  return text;
}

std::string speaks_text(const portlight::v1::Identity& identity) {
  std::string text = identity.product.empty() ? identity.protocol : identity.product;
  if (!identity.version.empty() && !identity.product.empty()) text += " " + identity.version;
  if (identity.status == "owner_only" && !text.empty()) return text + "?";
  return text.empty() ? "-" : text;
}

std::string owner_text(const portlight::v1::Owner& owner) {
  if (owner.pid == 0) return owner.unit.empty() ? (owner.status == "not_visible" ? "not visible" : owner.status) : owner.unit;
  std::string text = owner.process + "/" + std::to_string(owner.pid);
  if (!owner.container.empty()) text += " in " + owner.container;
  return text;
}

Colour colour_of(std::string_view verdict) {
  if (verdict == "ok") return Colour::green;
  if (verdict == "notice") return Colour::blue;
  if (verdict == "warn") return Colour::yellow;
  return verdict == "alert" ? Colour::red : Colour::dim;
}

/// The table's rows end in the verdict: it is coloured after the columns were made.
void print_table(const std::vector<const Listener*>& listeners, const Terminal& terminal) {
  const bool spaces = std::any_of(listeners.begin(), listeners.end(), [](const Listener* one) { return !one->netns.empty(); });
  std::vector<std::string> headings = {"PORT", "PROTO", "ADDRESS", "REGISTERED", "SPEAKS", "OWNER", "VERDICT"};
  if (spaces) headings.insert(headings.begin() + 3, "NAMESPACE");
  Table table(headings);
  for (const Listener* one : listeners) {
    std::vector<std::string> cells = {std::to_string(one->port), one->protocol, one->address, registered_text(*one), speaks_text(one->identity.value_or(portlight::v1::Identity{})),
                                      owner_text(one->owner.value_or(portlight::v1::Owner{})), one->verdict};
    if (spaces) cells.insert(cells.begin() + 3, one->netns.empty() ? "here" : one->netns);
    table.add(std::move(cells));
  }
  const std::string text = table.text(terminal);
  std::string_view rest = text;
  std::size_t row = 0;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (row == 0) std::cout << coloured(terminal, Colour::bold, one) << "\n";
    else {
      const std::string& verdict = listeners[row - 1]->verdict;
      const bool whole = one.ends_with(verdict);
      std::cout << one.substr(0, one.size() - (whole ? verdict.size() : 0)) << (whole ? coloured(terminal, colour_of(verdict), verdict) : "") << "\n";
    }
    ++row;
  }
}

void print_worries(const std::vector<const Listener*>& listeners, const Terminal& terminal, bool all) {
  bool first = true;
  for (const Listener* one : listeners) {
    if (!all && one->verdict != "warn" && one->verdict != "alert") continue;
    std::cout << (std::exchange(first, false) ? "\n" : "") << coloured(terminal, colour_of(one->verdict), one->verdict) << ": " << printable(one->why) << "\n";
  }
}

std::map<std::string, std::size_t> count(const std::vector<const Listener*>& listeners) {
  std::map<std::string, std::size_t> counts;
  for (const Listener* one : listeners) ++counts[one->verdict];
  return counts;
}

void print_json(const std::vector<const Listener*>& listeners, const ListResponse& seen, int exit) {
  for (const Listener* one : listeners) {
    std::cout << line("listener", to_json(*one));
  }
  std::cout << line("summary", {{"listeners", listeners.size()}, {"verdicts", count(listeners)}, {"unseen", seen.unseen}, {"ms", seen.milliseconds}, {"code", exit}});
}

void print_people(const std::vector<const Listener*>& listeners, const ListResponse& seen, bool selected) {
  const Terminal terminal = Terminal::of(STDOUT_FILENO);
  print_table(listeners, terminal);
  print_worries(listeners, terminal, selected);
  if (!selected) {
    std::string counts;
    for (const std::string verdict : {"ok", "notice", "warn", "alert", "unknown"}) {
      const auto counted = count(listeners);
      if (const auto found = counted.find(verdict); found != counted.end()) counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", found->second, verdict);
    }
    std::cout << fmt::format("\n{} listeners: {}  ({:.0f} ms)\n", listeners.size(), counts.empty() ? "none" : counts, seen.milliseconds);
  }
  for (const std::string& unseen : seen.unseen) std::cerr << "portlight: " << printable(unseen) << "\n";
}

int list(const Arguments& arguments) {
  const auto selection = selection_of(arguments.all("WHAT"));
  if (!selection) return refuse(selection.error());
  auto engine = open_portlight(arguments);
  if (!engine) return refuse(engine.error());
  portlight::v1::ListRequest request;
  request.level = arguments.text("level");
  request.this_namespace_only = arguments.has("here");
  if (selection->names.empty()) request.ports.assign(selection->ports.begin(), selection->ports.end());
  const auto seen = (*engine)->list(request);
  if (!seen) return refuse(seen.error());

  std::vector<const Listener*> listeners;
  for (const Listener& one : seen->listeners) {
    if (wants(*selection, one)) listeners.push_back(&one);
  }
  for (const std::string& name : selection->names) {
    if (std::none_of(listeners.begin(), listeners.end(), [&](const Listener* one) { return has_name(*one, name); })) return name_not_found(name, (*engine)->registry());
  }
  const bool nothing = !selection->all() && listeners.empty();
  const Exit exit = !seen->unseen.empty() ? Exit::partly : nothing ? Exit::failed : Exit::done;
  if (arguments.has("json")) {
    print_json(listeners, *seen, code(exit));
  } else if (nothing) {
    std::cerr << "portlight: nothing that I can see listens there; 'portlight why " << *selection->ports.begin() << "' tells what the port is for\n";
    for (const std::string& unseen : seen->unseen) std::cerr << "portlight: " << unseen << "\n";
  } else {
    print_people(listeners, *seen, !selection->all());
  }
  return code(exit);
}

}  // namespace

bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text[0] >= '0' && text[0] <= '9' && text.find_first_not_of("0123456789-") == std::string_view::npos;
}

Result<std::pair<std::uint16_t, std::uint16_t>> parse_ports(std::string_view text) {
  const auto parse = [](std::string_view number, std::uint16_t& out) {
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out);
    return error == std::errc() && end == number.data() + number.size() && !number.empty() && out != 0;
  };
  const auto dash = text.find('-');
  std::pair<std::uint16_t, std::uint16_t> range;
  const bool good = parse(text.substr(0, dash), range.first) && parse(dash == std::string_view::npos ? text : text.substr(dash + 1), range.second);
  if (!good) return Error{Errc::malformed, "'" + printable(text) + "' is no port: they go from 1 to 65535, a range is written 1117-1120"};
  if (range.second < range.first) return Error{Errc::malformed, "'" + printable(text) + "': the range ends before it begins"};
  return range;
}

Result<std::unique_ptr<portlight::Portlight>> open_portlight(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return where.error();
  auto registry = portlight::open_registry(where->state);
  if (!registry) return registry.error();
  return std::make_unique<portlight::Portlight>(std::move(*registry), where->state / "portlight" / "packages");
}

int refuse(const Error& error) {
  complain("portlight", error);
  return code(error.code == Errc::malformed ? Exit::usage : exit_code_of(error));
}

Option level_option() {
  Option level;
  level.name = "level";
  level.value = "LEVEL";
  level.help = "how far to ask listeners: off, passive (only wait for a greeting), owner (what owner and registry suggest; the default), safe, all";
  level.choices = {"off", "passive", "owner", "safe", "all"};
  return level;
}

Verb list_verb() {
  Verb verb;
  verb.name = "";
  verb.summary = "every listener of this machine, in every network namespace";
  verb.description = "Exits 3 when something could not be seen, 1 when nothing listens on what was asked for.";
  Option here;
  here.name = "here";
  here.help = "this network namespace only";
  verb.options = {state_option(), json_option(), level_option(), here};
  verb.positionals = {{"WHAT", "ports (2203), ranges (1117-1120), or names of services, programs or units", Positional::Count::any, {}, Complete::nothing}};
  verb.run = list;
  return verb;
}

}  // namespace ghost::app
