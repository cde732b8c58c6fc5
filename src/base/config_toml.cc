#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

#include "base/config.h"
#include "base/text.h"

// toml++ 3.3 takes some malformed files for a fault of its own: "[[[" fails an assertion, or is undefined behaviour where NDEBUG turns
// its assertions into assumptions. Here they are always checked and throw, as its errors do; read_toml() is where both stop.
namespace ghost {
[[noreturn]] static void toml_assertion_failed() { throw std::logic_error("this is no TOML"); }
}  // namespace ghost
#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? void() : ::ghost::toml_assertion_failed())
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace ghost {

/// Carries what a parsed TOML file says into a Config.
class TomlReader {
 public:
  TomlReader(Config& config, std::string_view name, std::span<const std::string> foreign) : config_(config), name_(name), foreign_(foreign) {}

  Status read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      const bool tables = node.is_table() || (node.is_array_of_tables() && config_.find(full) == nullptr);
      if (prefix.empty() && tables && std::find(foreign_.begin(), foreign_.end(), full) != foreign_.end()) continue;
      if (auto done = read_one(full, key.source(), node); !done) return done;
    }
    return {};
  }

 private:
  Status read_one(const std::string& full, const toml::source_region& where, const toml::node& node) {
    Config::Entry* entry = config_.find(full);
    if (entry != nullptr) return set(*entry, node);
    if (node.is_table() && is_section(full)) return read(*node.as_table(), full + ".");
    return unknown(full, where, node.is_table());
  }

  bool is_section(const std::string& name) const {
    return std::any_of(config_.entries_.begin(), config_.entries_.end(), [&](const auto& entry) { return entry.key.name.starts_with(name + "."); });
  }

  std::string origin(const toml::source_region& where) const { return name_ + ":" + std::to_string(where.begin.line); }

  Error unknown(const std::string& full, const toml::source_region& where, bool is_table) const {
    std::vector<std::string> known;
    for (const auto& entry : config_.entries_) {
      const std::string& name = entry.key.name;
      known.push_back(is_table ? name.substr(0, name.find('.')) : name);
    }
    std::string message = origin(where) + ": there is no " + (is_table ? "section [" + printable(full) + "]" : "key '" + printable(full) + "'");
    if (const auto meant = nearest(full, known)) message += is_table ? "; did you mean [" + *meant + "]?" : "; did you mean '" + *meant + "'?";
    return {Errc::malformed, message};
  }

  Status set(Config::Entry& entry, const toml::node& node) {
    const std::string from = origin(node.source());
    const ConfigType type = entry.key.type;
    if (const auto* text = node.as_string(); text != nullptr && type != ConfigType::boolean && type != ConfigType::integer && type != ConfigType::list)
      return config_.set_from_text(entry, text->get(), from);
    if (const auto* number = node.as_integer(); number != nullptr && (type == ConfigType::integer || type == ConfigType::size || type == ConfigType::duration))
      return config_.set_from_text(entry, std::to_string(number->get()), from);
    if (const auto* boolean = node.as_boolean(); boolean != nullptr && type == ConfigType::boolean)
      return config_.set_from_text(entry, boolean->get() ? "true" : "false", from);
    if (const auto* array = node.as_array(); array != nullptr && type == ConfigType::tables) return set_tables(entry, *array, from);
    if (const auto* array = node.as_array(); array != nullptr && type == ConfigType::list) return set_list(entry, *array, from);
    return wrong_type(entry, from);
  }

  static Status wrong_type(const Config::Entry& entry, const std::string& from) {
    constexpr std::string_view kWanted[] = {"a text in quotes", "a whole number", "true or false", "a duration in quotes, as \"250ms\"",
                                            "a size in quotes, as \"64KiB\", or a number of bytes", "a list of texts, as [\"a\", \"b\"]",
                                            "tables, each begun by its name in [[double brackets]]"};
    return Error{Errc::malformed, from + ": " + entry.key.name + " takes " + std::string(kWanted[static_cast<std::size_t>(entry.key.type)])};
  }

  /// A text, a number, a boolean or a list of texts.
  static std::optional<ConfigTable::Field> field_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return ConfigTable::Field{{text->get()}};
    if (const auto* boolean = node.as_boolean()) return ConfigTable::Field{{boolean->get() ? "true" : "false"}};
    if (const auto* number = node.as_integer()) return ConfigTable::Field{{std::to_string(number->get())}};
    const auto* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    ConfigTable::Field field{{}, true};
    for (const auto& one : *array) {
      const auto* text = one.as_string();
      if (text == nullptr) return std::nullopt;
      field.values.push_back(text->get());
    }
    return field;
  }

  Status set_tables(Config::Entry& entry, const toml::array& array, const std::string& from) const {
    std::vector<ConfigTable> all;
    for (const auto& node : array) {
      const auto* table = node.as_table();
      if (table == nullptr) return wrong_type(entry, from);
      ConfigTable one;
      one.origin = origin(table->source());
      for (const auto& [key, value] : *table) {
        auto field = field_of(value);
        if (!field) return Error{Errc::malformed, origin(value.source()) + ": " + entry.key.name + ": '" + printable(key.str()) + "' takes a text or a list of texts"};
        one.fields.emplace(std::string(key.str()), std::move(*field));
      }
      all.push_back(std::move(one));
    }
    entry.value = std::move(all);
    entry.origin = from;
    return {};
  }

  static Status set_list(Config::Entry& entry, const toml::array& array, const std::string& from) {
    std::vector<std::string> list;
    for (const auto& node : array) {
      const auto* text = node.as_string();
      if (text == nullptr) return wrong_type(entry, from);
      list.push_back(text->get());
    }
    entry.value = std::move(list);
    entry.origin = from;
    return {};
  }

  Config& config_;
  std::string name_;
  std::span<const std::string> foreign_;
};

namespace {

// toml++ 3.3 comes to undefined behaviour at many characters beyond ASCII, wherever it takes them for anything but a part of a text.
// So it is given none: in double quotes they become escapes, in comments nothing, and elsewhere TOML has no place for them.
class AsciiToml {
 public:
  explicit AsciiToml(std::string_view name) : name_(name) {}

  Result<std::string> convert(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (auto done = add_line(text.substr(0, end)); !done) return done.error();
      out_ += '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(out_);
  }

 private:
  Error problem(std::string_view what) const { return {Errc::malformed, name_ + ":" + std::to_string(line_) + ": " + std::string(what)}; }

  Status add_line(std::string_view line) {
    while (!line.empty() && line[0] != '#') {
      if (line.starts_with("\"\"\"") || line.starts_with("'''")) return problem("texts over several lines are not used here");
      if (line[0] == '"' || line[0] == '\'') {
        if (auto done = add_quoted(line); !done) return done;
        continue;
      }
      if (static_cast<unsigned char>(line[0]) >= 0x80) return problem("a character that TOML has only inside quotes");
      out_ += line[0];
      line.remove_prefix(1);
    }
    return {};
  }

  // Takes a text in quotes off the front of `line`; one that does not end on it is toml++'s to complain of.
  Status add_quoted(std::string_view& line) {
    const char quote = line[0];
    for (bool first = true, escaped = false; !line.empty(); first = false) {
      const char c = line[0];
      if (static_cast<unsigned char>(c) >= 0x80) {
        if (auto done = add_escape(line, quote); !done) return done;
        escaped = false;
        continue;
      }
      out_ += c;
      line.remove_prefix(1);
      if (!first && c == quote && !escaped) return {};
      escaped = c == '\\' && quote == '"' && !escaped;
    }
    return {};
  }

  Status add_escape(std::string_view& line, char quote) {
    const CodePoint c = first_code_point(line);
    if (c.bytes == 0) return problem("a byte that is no UTF-8");
    if (quote != '"') return problem("in single quotes only ASCII is taken: use double quotes");
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "\\U%08lx", static_cast<unsigned long>(c.value));
    out_ += text.data();
    line.remove_prefix(c.bytes);
    return {};
  }

  std::string name_, out_;
  std::size_t line_ = 0;
};

}  // namespace

Status Config::read_toml(std::string_view text, std::string_view name, std::span<const std::string> foreign_sections) {
  if (text.size() > kMaxFile) return Error{Errc::exhausted, std::string(name) + ": longer than 1 MiB"};
  const auto ascii = AsciiToml(name).convert(text);
  if (!ascii) return ascii.error();
  try {
    const toml::table table = toml::parse(*ascii);
    return TomlReader(*this, name, foreign_sections).read(table, "");
  } catch (const toml::parse_error& error) {
    return Error{Errc::malformed, std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " + printable(error.description())};
  } catch (const std::logic_error& error) {
    return Error{Errc::malformed, std::string(name) + ": " + error.what()};
  }
}

}  // namespace ghost
