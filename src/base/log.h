#pragma once
#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ghost {

/// error wants a person, warning may soon, info is the story of a day, debug is for us.
enum class LogLevel : unsigned char { error, warning, info, debug };
std::string_view name(LogLevel level);
Result<LogLevel> parse_log_level(std::string_view text);

/// One noun of an event: {"session", 9}. Text is quoted where it needs to be, whoever wrote it.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const std::string& value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, bool value) : key_(key), value_(value ? "yes" : "no") {}
  template <std::integral T>
  LogField(std::string_view key, T value) : key_(key), value_(std::to_string(value)) {}
  LogField(std::string_view key, double value);
  /// Seconds with what decimals matter: "s=112.4".
  template <class Rep, class Period>
  LogField(std::string_view key, std::chrono::duration<Rep, Period> value)
      : LogField(key, std::chrono::duration<double>(value).count()) {}
  /// "code: message" of an error.
  LogField(std::string_view key, const Error& error);

  const std::string& key() const { return key_; }
  const std::string& value() const { return value_; }  ///< as it is printed

 private:
  std::string key_, value_;
};
using LogFields = std::initializer_list<LogField>;

/// Writes one line an event: `log.info("ardus: session complete", {{"session", 9}, {"receivers", 1000}})` gives
/// `ardus: session complete session=9 receivers=1000`. main() makes one and hands copies around; copies share the output and the
/// level. May be used from several threads.
class Logger {
 public:
  using Output = std::function<void(LogLevel level, std::string_view line)>;

  /// To stderr: with time (UTC) and level, or, where systemd's journal reads it, with <N> before the line and no time.
  static Logger to_stderr(LogLevel level);
  /// To a function, for tests and for a host that keeps its children's last lines. Calls are never made at the same time.
  static Logger to(LogLevel level, Output output);
  /// Nowhere.
  static Logger none();

  void error(std::string_view event, LogFields fields = {}) const { write(LogLevel::error, event, fields); }
  void warning(std::string_view event, LogFields fields = {}) const { write(LogLevel::warning, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::info, event, fields); }
  void debug(std::string_view event, LogFields fields = {}) const { write(LogLevel::debug, event, fields); }

  /// Whether a line of this level would be written: for events that are costly to describe.
  bool wants(LogLevel level) const;
  /// For this logger and all its copies.
  void set_level(LogLevel level) const;

 private:
  class Sink;
  explicit Logger(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void write(LogLevel level, std::string_view event, LogFields fields) const;

  std::shared_ptr<Sink> sink_;  ///< lives as long as the last copy
};

}  // namespace ghost
