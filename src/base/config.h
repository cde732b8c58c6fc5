#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost {

enum class ConfigType : unsigned char {
  text,
  integer,   ///< 64 bits, signed
  boolean,   ///< true or false
  duration,  ///< as parse_duration() takes it
  size,      ///< bytes, as parse_size() takes it
  list,      ///< of texts; in the environment separated by commas, as a flag given several times
  tables     ///< any number of [[NAME]], in the file only; what they hold is for who asked for them to judge
};

/// One [[NAME]] of the file.
struct ConfigTable {
  struct Field {
    std::vector<std::string> values;  ///< one, of a text, number or boolean; any number of a list
    bool is_list = false;
    friend bool operator==(const Field&, const Field&) = default;
  };
  std::map<std::string, Field> fields;
  std::string origin;  ///< "/etc/ghostlight/ghostlight.toml:12"
  friend bool operator==(const ConfigTable&, const ConfigTable&) = default;
};

/// One thing that can be set. The name is "SECTION.KEY", in lower case with underscores, or "KEY" for the top of the file:
/// "b2.listen" is `listen` under [b2] in the file, GHOSTLIGHT_B2_LISTEN in the environment and --listen as a flag.
struct ConfigKey {
  std::string name;
  ConfigType type = ConfigType::text;
  std::string default_value = {};  ///< as the environment would give it
  std::string help = {};
  std::vector<std::string> choices = {};  ///< of a text; empty for any

  std::string flag() const;         ///< "listen"; underscores become dashes
  std::string environment() const;  ///< "GHOSTLIGHT_B2_LISTEN"
};

/// Where the values are taken from; a later one wins over an earlier: default, file, environment, flag.
struct ConfigSources {
  std::filesystem::path file = {};  ///< "" for none
  bool file_must_exist = false;     ///< the person named it; otherwise a missing one is an empty one
  Environment environment = process_environment;
  std::vector<std::pair<std::string, std::string>> flags = {};  ///< Arguments::options_given(); others than the keys' are left alone
  /// Sections of the same file that belong to other programs of ours, not looked into.
  std::vector<std::string> foreign_sections = {};
};

using ConfigValue = std::variant<std::string, std::int64_t, bool, Duration, std::uint64_t, std::vector<std::string>, std::vector<ConfigTable>>;

/// The effective configuration: each declared key with its value and where that came from. Asking for a key that was not declared,
/// or by another type than it has, is a bug.
class Config {
 public:
  static constexpr std::size_t kMaxFile = 1024 * 1024;

  /// Errors name the origin: the file with line, the variable or the flag; for an unknown key also the nearest known one.
  static Result<Config> load(std::span<const ConfigKey> keys, const ConfigSources& sources);
  /// The file's part alone, from its text; `name` is used in origins and errors.
  static Result<Config> from_toml(std::span<const ConfigKey> keys, std::string_view toml, std::string_view name,
                                  std::span<const std::string> foreign_sections = {});

  const std::string& text(std::string_view key) const { return get<std::string>(key); }
  std::int64_t integer(std::string_view key) const { return get<std::int64_t>(key); }
  bool boolean(std::string_view key) const { return get<bool>(key); }
  Duration duration(std::string_view key) const { return get<Duration>(key); }
  std::uint64_t size(std::string_view key) const { return get<std::uint64_t>(key); }
  const std::vector<std::string>& list(std::string_view key) const { return get<std::vector<std::string>>(key); }

  const std::vector<ConfigTable>& tables(std::string_view key) const { return get<std::vector<ConfigTable>>(key); }

  /// "/etc/ghostlight/ghostlight.toml:12", "environment GHOSTLIGHT_B2_LISTEN", "flag --listen" or "default".
  const std::string& origin(std::string_view key) const { return entry(key).origin; }

  /// The whole as a TOML file, each line with its origin and each key with its help in comments.
  std::string to_toml() const;
  /// {"b2.listen": {"value": …, "origin": "…"}, …}, on one line.
  std::string to_json() const;

 private:
  struct Entry {
    ConfigKey key;
    ConfigValue value;
    std::string origin;
  };

  static Result<Config> defaults(std::span<const ConfigKey> keys);
  Status read_toml(std::string_view toml, std::string_view name, std::span<const std::string> foreign_sections);
  Status read_environment(const Environment& environment);
  Status read_flags(const std::vector<std::pair<std::string, std::string>>& flags);
  Status set_from_text(Entry& entry, std::string_view text, std::string origin);
  const Entry& entry(std::string_view key) const;
  Entry* find(std::string_view key);
  template <class T>
  const T& get(std::string_view key) const {
    return std::get<T>(entry(key).value);
  }

  std::vector<Entry> entries_;  ///< as declared
  friend class TomlReader;
};

}  // namespace ghost
