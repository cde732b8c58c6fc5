#include "base/config.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"

namespace ghost {

namespace {

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error{Errc::malformed, "'" + printable(text) + "' is no whole number"};
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "no" || text == "0") return false;
  return Error{Errc::malformed, "'" + printable(text) + "' is neither true nor false"};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

template <class T>
Result<ConfigValue> as_value(Result<T> parsed) {
  if (!parsed) return parsed.error();
  return ConfigValue(std::move(*parsed));
}

Result<ConfigValue> parse_value(ConfigType type, std::string_view text) {
  switch (type) {
    case ConfigType::text: return ConfigValue(std::string(text));
    case ConfigType::integer: return as_value(parse_integer(text));
    case ConfigType::boolean: return as_value(parse_boolean(text));
    case ConfigType::duration: return as_value(parse_duration(text));
    case ConfigType::size: return as_value(parse_size(text));
    case ConfigType::list: return ConfigValue(split_list(text));
    case ConfigType::tables:
      if (text.empty()) return ConfigValue(std::vector<ConfigTable>());
      return Error{Errc::malformed, "it is set in the file only, as [[tables]]"};
  }
  return ConfigValue();
}

std::string all_of(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

// Only what TOML 1.0 allows inside a basic string.
std::string toml_text(std::string_view text) { return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace); }

nlohmann::json json_of_tables(const std::vector<ConfigTable>& tables) {
  nlohmann::json all = nlohmann::json::array();
  for (const ConfigTable& table : tables) {
    nlohmann::json one = {{"origin", table.origin}};
    for (const auto& [key, field] : table.fields) one[key] = field.is_list ? nlohmann::json(field.values) : nlohmann::json(field.values.front());
    all.push_back(std::move(one));
  }
  return all;
}

nlohmann::json json_of(const ConfigValue& value) {
  return std::visit(
      [](const auto& v) -> nlohmann::json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Duration>) {
          return exact_duration(v);
        } else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::vector<ConfigTable>>) {
          return json_of_tables(v);
        } else {
          return v;
        }
      },
      value);
}

std::string toml_of(const ConfigTable::Field& field) {
  if (!field.is_list) return field.values.front() == "true" || field.values.front() == "false" ? field.values.front() : toml_text(field.values.front());
  std::string text;
  for (const std::string& one : field.values) text += (text.empty() ? "" : ", ") + toml_text(one);
  return "[" + text + "]";
}

std::string toml_of_tables(const std::string& name, const std::vector<ConfigTable>& tables) {
  std::string text;
  for (const ConfigTable& table : tables) {
    text += "\n[[" + name + "]]  # " + printable(table.origin) + "\n";
    for (const auto& [key, field] : table.fields) text += key + " = " + toml_of(field) + "\n";
  }
  return text;
}

std::string toml_of(const ConfigValue& value) {
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    std::string text;
    for (const std::string& one : *list) text += (text.empty() ? "" : ", ") + toml_text(one);
    return "[" + text + "]";
  }
  if (const auto* text = std::get_if<std::string>(&value)) return toml_text(*text);
  return json_of(value).dump();
}

}  // namespace

std::string ConfigKey::flag() const {
  const std::size_t dot = name.rfind('.');
  std::string text = dot == std::string::npos ? name : name.substr(dot + 1);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string ConfigKey::environment() const {
  std::string text = "GHOSTLIGHT_" + name;
  for (char& c : text) c = c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

Result<Config> Config::load(std::span<const ConfigKey> keys, const ConfigSources& sources) {
  auto config = defaults(keys);
  if (!config) return config;
  if (!sources.file.empty()) {
    const auto text = read_file(sources.file, kMaxFile);
    const bool absent = !text && text.error().code == Errc::not_found && !sources.file_must_exist;
    if (!text && !absent) return text.error().in("configuration");
    if (text) {
      if (auto read = config->read_toml(*text, sources.file.string(), sources.foreign_sections); !read) return read.error();
    }
  }
  if (auto read = config->read_environment(sources.environment); !read) return read.error();
  if (auto read = config->read_flags(sources.flags); !read) return read.error();
  return config;
}

Result<Config> Config::from_toml(std::span<const ConfigKey> keys, std::string_view toml, std::string_view name,
                                 std::span<const std::string> foreign_sections) {
  auto config = defaults(keys);
  if (!config) return config;
  if (auto read = config->read_toml(toml, name, foreign_sections); !read) return read.error();
  return config;
}

Result<Config> Config::defaults(std::span<const ConfigKey> keys) {
  Config config;
  for (const ConfigKey& key : keys) {
    config.entries_.push_back({key, {}, "default"});
    // A default may be "": then a number is 0, a switch off.
    const bool none = key.default_value.empty() && key.type != ConfigType::text && key.type != ConfigType::list && key.type != ConfigType::tables;
    const std::string_view text = !none ? std::string_view(key.default_value) : key.type == ConfigType::boolean ? "false" : "0";
    if (auto set = config.set_from_text(config.entries_.back(), text, "default"); !set) return set.error();
  }
  return config;
}

Status Config::set_from_text(Entry& entry, std::string_view text, std::string origin) {
  const auto problem = [&](const std::string& message) { return Error{Errc::malformed, origin + ": " + entry.key.name + ": " + message}; };
  auto value = parse_value(entry.key.type, text);
  if (!value) return problem(value.error().message);
  const auto& choices = entry.key.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end())
    return problem("'" + printable(text) + "' is none of " + all_of(choices));
  entry.value = std::move(*value);
  entry.origin = std::move(origin);
  return {};
}

Status Config::read_environment(const Environment& environment) {
  for (Entry& entry : entries_) {
    const std::string name = entry.key.environment();
    const auto text = environment(name);
    if (!text) continue;
    if (auto set = set_from_text(entry, *text, "environment " + name); !set) return set;
  }
  return {};
}

Status Config::read_flags(const std::vector<std::pair<std::string, std::string>>& flags) {
  for (Entry& entry : entries_) {
    const std::string flag = entry.key.flag();
    const std::string origin = "flag --" + flag;
    std::vector<std::string> all;
    for (const auto& [name, text] : flags) {
      if (name != flag) continue;
      if (auto set = set_from_text(entry, text, origin); !set) return set;
      all.push_back(text);
    }
    if (entry.key.type == ConfigType::list && !all.empty()) entry.value = std::move(all);
  }
  return {};
}

const Config::Entry& Config::entry(std::string_view key) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.key.name == key; });
  assert(found != entries_.end());
  return *found;
}

Config::Entry* Config::find(std::string_view key) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.key.name == key; });
  return found == entries_.end() ? nullptr : &*found;
}

std::string Config::to_toml() const {
  // By section, the top of the file ("") first, as TOML wants it.
  std::map<std::string, std::vector<const Entry*>> sections;
  for (const Entry& entry : entries_) {
    if (entry.key.type != ConfigType::tables) sections[entry.key.name.substr(0, entry.key.name.rfind('.') + 1)].push_back(&entry);
  }
  std::string text;
  for (const auto& [section, entries] : sections) {
    if (!section.empty()) text += (text.empty() ? "[" : "\n[") + section.substr(0, section.size() - 1) + "]\n";
    for (const Entry* entry : entries) {
      if (!entry->key.help.empty()) text += "# " + entry->key.help + "\n";
      text += entry->key.name.substr(section.size()) + " = " + toml_of(entry->value) + "  # " + printable(entry->origin) + "\n";
    }
  }
  // Whatever follows [[NAME]] would be the table's, so these come last.
  for (const Entry& entry : entries_) {
    if (const auto* tables = std::get_if<std::vector<ConfigTable>>(&entry.value)) text += toml_of_tables(entry.key.name, *tables);
  }
  return text;
}

std::string Config::to_json() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const Entry& entry : entries_) all[entry.key.name] = {{"value", json_of(entry.value)}, {"origin", entry.origin}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ghost
