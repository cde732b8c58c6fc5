#include "base/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <regex>
#include <vector>

namespace ghost {

namespace {

struct Lines {
  std::vector<std::string> all;
  Logger logger(LogLevel level) {
    return Logger::to(level, [this](LogLevel l, std::string_view line) { all.push_back(std::string(name(l)) + "|" + std::string(line)); });
  }
};

}  // namespace

TEST(Log, WritesTheEventAndItsNounsOnOneLine) {
  Lines lines;
  const Logger log = lines.logger(LogLevel::info);
  log.info("ardus: session complete",
           {{"session", 9}, {"receivers", 1000u}, {"bytes", 10737418240ull}, {"s", std::chrono::milliseconds(112400)}, {"ok", true}});
  EXPECT_EQ(lines.all.at(0), "info|ardus: session complete session=9 receivers=1000 bytes=10737418240 s=112.4 ok=yes");
}

TEST(Log, LetsNoStrangerForgeALineOrAField) {
  Lines lines;
  const Logger log = lines.logger(LogLevel::info);
  const std::string name = "x\nerror disk=gone \x1b[31m";
  log.warning("b2: refused", {{"name", name}, {"from", "10.0.0.1:9"}});
  EXPECT_EQ(lines.all.at(0), "warning|b2: refused name=\"x\\nerror disk=gone \\x1b[31m\" from=10.0.0.1:9");
  log.warning("a\nb");
  EXPECT_EQ(lines.all.at(1), "warning|a\\nb");
}

TEST(Log, TakesTextWithBracesAsItIs) {
  Lines lines;
  lines.logger(LogLevel::info).info("got {} and {0:x}", {{"json", "{\"a\":1}"}});
  EXPECT_EQ(lines.all.at(0), "info|got {} and {0:x} json=\"{\\\"a\\\":1}\"");
}

TEST(Log, KeepsToItsLevelAndCopiesFollow) {
  Lines lines;
  const Logger log = lines.logger(LogLevel::warning);
  const Logger copy = log;
  copy.info("unheard");
  copy.debug("unheard");
  EXPECT_TRUE(lines.all.empty());
  EXPECT_FALSE(copy.wants(LogLevel::info));
  log.set_level(LogLevel::debug);
  copy.debug("heard", {{"error", Error{Errc::io, "disk gone"}}});
  copy.error("heard");
  EXPECT_EQ(lines.all, (std::vector<std::string>{"debug|heard error=\"io: disk gone\"", "error|heard"}));
  Logger::none().error("unheard");
}

TEST(Log, ToStderrTellsTimeAndLevel) {
  ::unsetenv("JOURNAL_STREAM");
  testing::internal::CaptureStderr();
  Logger::to_stderr(LogLevel::info).info("b2: listening", {{"port", 2203}});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(std::regex_match(text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info b2: listening port=2203\n)"))) << text;
}

TEST(Log, ToTheJournalTellsThePriorityAndNoTime) {
  testing::internal::CaptureStderr();
  struct stat info {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &info), 0);
  ::setenv("JOURNAL_STREAM", (std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino)).c_str(), 1);
  Logger::to_stderr(LogLevel::info).error("b2: stopped");
  ::setenv("JOURNAL_STREAM", "1:1", 1);  // inherited, but stderr goes elsewhere
  Logger::to_stderr(LogLevel::info).error("b2: stopped");
  ::unsetenv("JOURNAL_STREAM");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.substr(0, text.find('\n') + 1), "<3>b2: stopped\n");
  EXPECT_NE(text.find("Z error b2: stopped\n"), std::string::npos);
}

TEST(LogLevel, IsParsedByItsName) {
  EXPECT_EQ(parse_log_level("debug").value(), LogLevel::debug);
  EXPECT_EQ(parse_log_level("loud").error().message, "'loud' is no log level: error, warning, info or debug");
}

}  // namespace ghost
