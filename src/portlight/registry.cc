#include "portlight/registry.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "portlight/iana_csv.h"
#include "portlight/number.h"

namespace ghost::portlight {

extern const std::string_view kRegistryText;  ///< data/registry/registry.tsv, put in by tools/embed_text

namespace {

constexpr std::size_t kMaxLines = 200'000;
constexpr std::uint16_t kFirstDynamic = 49152;  ///< RFC 6335 §6: never assigned
constexpr std::array<std::string_view, 4> kTransports = {"tcp", "udp", "sctp", "dccp"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equal_letters(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char x, char y) { return lower(x) == lower(y); }) != text.end();
}

/// The text up to `separator`, which is taken off `rest` with it.
std::string_view take(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

bool parse_transports(std::string_view text, std::uint8_t& out) {
  out = 0;
  while (!text.empty()) {
    const auto transport = parse_transport(take(text, ','));
    if (!transport) return false;
    out = static_cast<std::uint8_t>(out | 1u << static_cast<unsigned>(*transport));
  }
  return true;
}

std::optional<Era> parse_era(std::string_view text) {
  if (text == "=") return Era::always;
  if (text == "+") return Era::since;
  if (text == "-") return Era::no_more;
  return std::nullopt;
}

bool parse_line(std::string_view line, Registration& row) {
  std::string_view ports = take(line, '\t');
  const auto first = take(ports, '-');
  if (!parse_number(first, row.first) || !parse_number(ports.empty() ? first : ports, row.last) || row.last < row.first) return false;
  if (!parse_transports(take(line, '\t'), row.transports)) return false;
  const auto era = parse_era(take(line, '\t'));
  if (!era) return false;
  row.era = *era;
  for (std::string_view* field : {&row.name, &row.description, &row.assignee, &row.registered, &row.modified, &row.reference, &row.note}) *field = take(line, '\t');
  return true;
}

void write_line(std::string& out, const Registration& row) {
  out += std::to_string(row.first);
  if (row.last != row.first) out += "-" + std::to_string(row.last);
  out += "\t" + row.transport_text() + "\t";
  out += row.era == Era::since ? '+' : row.era == Era::no_more ? '-' : '=';
  for (const std::string_view field : {row.name, row.description, row.assignee, row.registered, row.modified, row.reference, row.note}) {
    out += '\t';
    out += field;
  }
  out += '\n';
}

bool is_free(const Registration& row) {
  if (!row.name.empty()) return false;
  const auto begins = [&](std::string_view word) { return row.description.size() >= word.size() && equal_letters(row.description.substr(0, word.size()), word); };
  return begins("unassigned") || begins("de-registered") || begins("removed");
}

}  // namespace

std::string_view name(Transport transport) { return kTransports[static_cast<std::size_t>(transport)]; }

std::optional<Transport> parse_transport(std::string_view text) {
  for (std::size_t i = 0; i < kTransports.size(); ++i) {
    if (text == kTransports[i]) return static_cast<Transport>(i);
  }
  return std::nullopt;
}

std::string_view name(RegistryStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"assigned", "several", "reserved", "unassigned", "dynamic"};
  return kNames[static_cast<std::size_t>(status)];
}

bool Registration::assigns() const { return era != Era::no_more && !reserves() && !is_free(*this); }

std::string Registration::transport_text() const {
  std::string text;
  for (std::size_t i = 0; i < kTransports.size(); ++i) {
    if ((transports >> i & 1) == 0) continue;
    if (!text.empty()) text += ',';
    text += kTransports[i];
  }
  return text;
}

std::vector<std::string_view> Lookup::names() const {
  std::vector<std::string_view> names;
  for (const Registration* row : rows) {
    if (row->assigns() && std::find(names.begin(), names.end(), row->name) == names.end()) names.push_back(row->name);
  }
  return names;
}

std::string Lookup::history() const {
  std::string text;
  for (const Registration* row : former) {
    if (text.find(row->name) != std::string::npos) continue;
    text += (text.empty() ? "" : ", ") + std::string(row->name);
  }
  if (text.empty()) return "";
  return (names().empty() ? "withdrawn; once " : "formerly ") + text;
}

void assigning_first(std::vector<const Registration*>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Registration* a, const Registration* b) { return std::pair(!a->assigns(), a) < std::pair(!b->assigns(), b); });
}

Result<Registry> Registry::parse(std::string text) {
  Registry registry;
  registry.texts_.push_back(std::make_shared<const std::string>(std::move(text)));
  std::string_view rest = *registry.texts_.back();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    if (number > kMaxLines) return Error{Errc::exhausted, "registry: more than 200,000 lines"};
    Registration row;
    if (!parse_line(take(rest, '\n'), row)) return Error{Errc::malformed, "registry: line " + std::to_string(number) + " is none of tools/update_registry"};
    registry.rows_.push_back(row);
  }
  registry.index();
  return registry;
}

Registry Registry::embedded() {
  Registry registry;
  registry.rows_.reserve(8'000);
  std::string_view rest = kRegistryText;
  while (!rest.empty()) {
    Registration row;
    if (parse_line(take(rest, '\n'), row)) registry.rows_.push_back(row);
  }
  registry.index();
  return registry;
}

void Registry::index() {
  const auto key = [](const Registration& row) { return std::tie(row.first, row.last, row.era, row.name, row.transports, row.description); };
  std::sort(rows_.begin(), rows_.end(), [&](const Registration& a, const Registration& b) { return key(a) < key(b); });
  start_.assign(65'537, 0);
  ranges_.clear();
  std::size_t at = 0;
  for (std::uint32_t port = 0; port <= 65'536; ++port) {
    while (at < rows_.size() && rows_[at].first < port) ++at;
    start_[port] = static_cast<std::uint32_t>(at);
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].last != rows_[i].first) ranges_.push_back(static_cast<std::uint32_t>(i));
  }
}

std::string Registry::text() const {
  std::string out;
  for (const Registration& row : rows_) {
    if (row.era != Era::overlay) write_line(out, row);
  }
  return out;
}

Lookup Registry::lookup(std::uint16_t port, Transport transport) const {
  Lookup found;
  bool reserved = false;
  for (const Registration* row : range(port, port)) {
    if (!row->is_for(transport)) continue;
    if (row->era == Era::overlay) found.overlay.push_back(row);
    else if (row->era == Era::no_more) found.former.push_back(row);
    else found.rows.push_back(row);
    reserved = reserved || (row->era != Era::no_more && row->reserves());
  }
  assigning_first(found.rows);
  const std::size_t names = found.names().size();
  found.status = names > 1              ? RegistryStatus::several
                 : names == 1           ? RegistryStatus::assigned
                 : port >= kFirstDynamic ? RegistryStatus::dynamic
                 : reserved             ? RegistryStatus::reserved
                                        : RegistryStatus::unassigned;
  return found;
}

std::vector<const Registration*> Registry::range(std::uint16_t first, std::uint16_t last) const {
  std::vector<const Registration*> found;
  for (const std::uint32_t i : ranges_) {
    if (rows_[i].first < first && rows_[i].last >= first) found.push_back(&rows_[i]);
  }
  for (std::uint32_t i = start_[first]; i < start_[std::size_t{last} + 1]; ++i) found.push_back(&rows_[i]);
  return found;
}

std::vector<const Registration*> Registry::named(std::string_view wanted) const {
  std::vector<const Registration*> found;
  for (const Registration& row : rows_) {
    if (!wanted.empty() && equal_letters(row.name, wanted)) found.push_back(&row);
  }
  return found;
}

std::vector<const Registration*> Registry::search(std::string_view text) const {
  auto found = named(text);
  for (const Registration& row : rows_) {
    if (equal_letters(row.name, text)) continue;
    if (contains(row.name, text) || contains(row.description, text) || contains(row.assignee, text) || contains(row.note, text)) found.push_back(&row);
  }
  return found;
}

std::vector<const Registration*> Registry::changes() const {
  std::vector<const Registration*> found;
  for (const Registration& row : rows_) {
    if ((row.era == Era::since && !row.name.empty()) || row.era == Era::no_more) found.push_back(&row);
  }
  return found;
}

void Registry::add_overlay(std::string_view services_file) {
  std::vector<Registration> added;
  while (!services_file.empty()) {
    std::string_view line = take(services_file, '\n');
    line = line.substr(0, line.find('#'));
    const auto word = [&line] {
      const auto begin = std::min(line.find_first_not_of(" \t\r"), line.size());
      line.remove_prefix(begin);
      const auto end = std::min(line.find_first_of(" \t\r"), line.size());
      const auto text = line.substr(0, end);
      line.remove_prefix(end);
      return text;
    };
    Registration row;
    const auto service = word();
    auto number = word();
    const auto port = take(number, '/');
    const auto transport = parse_transport(number);
    if (service.empty() || !transport || !parse_number(port, row.first) || added.size() >= kMaxLines) continue;
    row.last = row.first;
    row.transports = static_cast<std::uint8_t>(1u << static_cast<unsigned>(*transport));
    row.era = Era::overlay;
    row.name = service;
    row.note = "/etc/services";
    added.push_back(row);
  }
  // The rows' names look into the caller's text until here.
  std::string names;
  for (const Registration& row : added) names += row.name;
  texts_.push_back(std::make_shared<const std::string>(std::move(names)));
  std::string_view kept = *texts_.back();
  for (Registration& row : added) {
    const auto length = row.name.size();
    row.name = kept.substr(0, length);
    kept.remove_prefix(length);
  }
  rows_.insert(rows_.end(), added.begin(), added.end());
  index();
}

Result<Registry> Registry::updated_from_csv(std::string_view csv) const {
  const auto records = parse_iana_csv(csv);
  if (!records) return records.error();
  using Key = std::tuple<std::uint16_t, std::uint16_t, std::string, std::string>;  // first, last, transport, name
  std::map<Key, const CsvRow*> today;
  for (const CsvRow& record : *records) today[{record.first, record.last, record.transport, record.name}] = &record;

  std::string out;
  std::set<Key> known;
  for (const Registration& row : rows_) {
    if (row.era == Era::overlay) continue;
    std::string transports = row.transport_text();
    std::string_view rest = transports;
    do {
      const std::string transport(take(rest, ','));
      const bool held = row.era != Era::no_more;
      const auto found = today.find({row.first, row.last, transport, std::string(row.name)});
      if (found != today.end()) {
        if (held) known.insert(found->first);
        continue;  // written below, with its fields of today
      }
      if (row.name.empty()) continue;  // a reservation that is gone leaves nothing to remember
      Registration former = row;
      former.era = Era::no_more;
      parse_transports(transport, former.transports);
      write_line(out, former);
    } while (!rest.empty());
  }
  for (const auto& [key, record] : today) {
    Registration row;
    row.first = record->first;
    row.last = record->last;
    if (!parse_transports(record->transport, row.transports)) return Error{Errc::malformed, "port " + std::to_string(row.first) + ": '" + record->transport + "' is no transport"};
    row.name = record->name;
    row.description = record->description;
    row.assignee = record->assignee;
    row.registered = record->registered;
    row.modified = record->modified;
    row.reference = record->reference;
    row.note = record->note;
    row.era = known.count(key) != 0 ? Era::always : Era::since;
    if (!is_free(row) || !row.note.empty()) write_line(out, row);
  }
  return parse(std::move(out));
}

}  // namespace ghost::portlight
