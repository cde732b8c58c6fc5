#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace ghost {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::debug: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

LogLevel our_level(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LogLevel::error;
  if (level == spdlog::level::warn) return LogLevel::warning;
  return level == spdlog::level::info ? LogLevel::info : LogLevel::debug;
}

// sd-daemon(3): the number in <N> is syslog's priority.
std::string_view journal_priority(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "<3>";
    case LogLevel::warning: return "<4>";
    case LogLevel::info: return "<6>";
    case LogLevel::debug: return "<7>";
  }
  return "<6>";
}

// JOURNAL_STREAM tells device and inode of the journal's socket; a child whose stderr was redirected inherits the variable but
// not the socket, so both are compared (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return stream == std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Logger::Output output) : output_(std::move(output)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    output_(our_level(message.level), {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  Logger::Output output_;
};

}  // namespace

class Logger::Sink {
 public:
  Sink(LogLevel level, spdlog::sink_ptr sink, bool journal) : spdlog_("ghost", std::move(sink)), journal_(journal) {
    spdlog_.set_level(spdlog_level(level));
    // %^ and %$ are absent: log lines carry no colour, whatever the terminal.
    spdlog_.set_formatter(std::make_unique<spdlog::pattern_formatter>(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                                                                     spdlog::pattern_time_type::utc));
    spdlog_.flush_on(spdlog::level::debug);
  }

  spdlog::logger& logger() { return spdlog_; }
  bool journal() const { return journal_; }

 private:
  spdlog::logger spdlog_;
  bool journal_;
};

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warning: return "warning";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  return "info";
}

Result<LogLevel> parse_log_level(std::string_view text) {
  for (LogLevel level : {LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug})
    if (text == name(level)) return level;
  return Error{Errc::malformed, "'" + printable(text) + "' is no log level: error, warning, info or debug"};
}

LogField::LogField(std::string_view key, std::string_view value) : key_(key), value_(quoted_when_needed(value)) {}
LogField::LogField(std::string_view key, double value) : key_(key), value_(fmt::format("{:.6g}", value)) {}
LogField::LogField(std::string_view key, const Error& error)
    : LogField(key, std::string(name(error.code)) + ": " + error.message) {}

Logger Logger::to_stderr(LogLevel level) {
  return Logger(std::make_shared<Sink>(level, std::make_shared<spdlog::sinks::stderr_sink_mt>(), stderr_is_journal()));
}

Logger Logger::to(LogLevel level, Output output) {
  return Logger(std::make_shared<Sink>(level, std::make_shared<FunctionSink>(std::move(output)), false));
}

Logger Logger::none() {
  Logger silent = to(LogLevel::error, [](LogLevel, std::string_view) {});
  silent.sink_->logger().set_level(spdlog::level::off);
  return silent;
}

bool Logger::wants(LogLevel level) const { return sink_->logger().should_log(spdlog_level(level)); }

void Logger::set_level(LogLevel level) const { sink_->logger().set_level(spdlog_level(level)); }

void Logger::write(LogLevel level, std::string_view event, LogFields fields) const {
  if (!wants(level)) return;
  std::string line(sink_->journal() ? journal_priority(level) : "");
  line += printable(event);
  for (const LogField& field : fields) line += ' ' + field.key() + '=' + field.value();
  sink_->logger().log(spdlog_level(level), spdlog::string_view_t(line));
}

}  // namespace ghost
