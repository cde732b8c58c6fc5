#include "base/config.h"

#include <gtest/gtest.h>

#include "base/test_directory.h"
#include "base/test_environment.h"

namespace ghost {

using namespace std::chrono_literals;

namespace {

const std::vector<ConfigKey> kKeys = {
    {"log_level", ConfigType::text, "info", "what is logged", {"error", "warning", "info", "debug"}},
    {"b2.listen", ConfigType::list, "127.0.0.1:2203", "where to listen"},
    {"b2.idle_timeout", ConfigType::duration, "30s"},
    {"b2.receive_budget", ConfigType::size, "256MiB"},
    {"b2.spin", ConfigType::boolean, "true"},
    {"b2.connections", ConfigType::integer, "10000"},
    {"node.name", ConfigType::text},
};

std::string error_of(std::string_view toml) {
  const std::vector<std::string> foreign = {"ardus"};
  const auto config = Config::from_toml(kKeys, toml, "g.toml", foreign);
  return config ? "accepted" : config.error().message;
}

}  // namespace

TEST(Config, HasItsDefaults) {
  const Config config = Config::load(kKeys, {.environment = environment_of({})}).value();
  EXPECT_EQ(config.text("log_level"), "info");
  EXPECT_EQ(config.list("b2.listen"), std::vector<std::string>{"127.0.0.1:2203"});
  EXPECT_EQ(config.duration("b2.idle_timeout"), 30s);
  EXPECT_EQ(config.size("b2.receive_budget"), 256u << 20);
  EXPECT_TRUE(config.boolean("b2.spin"));
  EXPECT_EQ(config.integer("b2.connections"), 10000);
  EXPECT_EQ(config.text("node.name"), "");
  EXPECT_EQ(config.origin("b2.spin"), "default");
}

TEST(Config, TakesTheFlagOverTheEnvironmentOverTheFileAndTellsWhich) {
  const TestDirectory dir;
  const std::string path = (dir / "g.toml").string();
  ASSERT_TRUE(write_file_atomically(path, as_bytes("log_level = \"debug\"\n[b2]\nlisten = [\"a:1\", \"b:2\"]\n"
                                                   "idle_timeout = \"5min\"\nreceive_budget = 1024\nconnections = 5\n[ardus]\nrate = 1\n")));
  const Config config = Config::load(kKeys, {.file = path,
                                             .environment = environment_of({{"GHOSTLIGHT_B2_IDLE_TIMEOUT", "2s"}, {"GHOSTLIGHT_B2_CONNECTIONS", "6"},
                                                                  {"GHOSTLIGHT_B2_LISTEN", "c:3, d:4"}}),
                                             .flags = {{"connections", "7"}, {"listen", "e:5"}, {"listen", "f:6"}, {"json", "true"}},
                                             .foreign_sections = {"ardus"}}).value();
  EXPECT_EQ(config.origin("log_level"), path + ":1");
  EXPECT_EQ(config.text("log_level"), "debug");
  EXPECT_EQ(config.origin("b2.receive_budget"), path + ":5");
  EXPECT_EQ(config.size("b2.receive_budget"), 1024u);
  EXPECT_EQ(config.origin("b2.idle_timeout"), "environment GHOSTLIGHT_B2_IDLE_TIMEOUT");
  EXPECT_EQ(config.duration("b2.idle_timeout"), 2s);
  EXPECT_EQ(config.origin("b2.connections"), "flag --connections");
  EXPECT_EQ(config.integer("b2.connections"), 7);
  EXPECT_EQ(config.list("b2.listen"), (std::vector<std::string>{"e:5", "f:6"}));
  EXPECT_EQ(config.origin("node.name"), "default");
}

TEST(Config, SplitsListsOfTheEnvironmentAtCommas) {
  const Config config = Config::load(kKeys, {.environment = environment_of({{"GHOSTLIGHT_B2_LISTEN", "c:3, d:4,"}})}).value();
  EXPECT_EQ(config.list("b2.listen"), (std::vector<std::string>{"c:3", "d:4"}));
}

TEST(Config, MayBeWithoutAFileUnlessThePersonNamedOne) {
  EXPECT_TRUE(Config::load(kKeys, {.file = "/no/such", .environment = environment_of({})}));
  EXPECT_EQ(Config::load(kKeys, {.file = "/no/such", .file_must_exist = true, .environment = environment_of({})}).error().message,
            "configuration: open /no/such: no such file or directory");
}

TEST(Config, TellsTheLineAndTheKeyThatWasProbablyMeant) {
  EXPECT_EQ(error_of("[b2]\n\nlsiten = []\n"), "g.toml:3: there is no key 'b2.lsiten'; did you mean 'b2.listen'?");
  EXPECT_EQ(error_of("[b3]\nlisten = []\n"), "g.toml:1: there is no section [b3]; did you mean [b2]?");
  EXPECT_EQ(error_of("colour = 1"), "g.toml:1: there is no key 'colour'");
  EXPECT_EQ(error_of("[ardus]\nwhatever = 1\n"), "accepted");
  EXPECT_EQ(error_of("[b2.listen]\nx = 1\n"), "g.toml:1: b2.listen takes a list of texts, as [\"a\", \"b\"]");
}

TEST(Config, TellsTheLineOfAValueOfTheWrongType) {
  EXPECT_EQ(error_of("[b2]\nspin = \"yes\"\n"), "g.toml:2: b2.spin takes true or false");
  EXPECT_EQ(error_of("[b2]\nlisten = \"a\"\n"), "g.toml:2: b2.listen takes a list of texts, as [\"a\", \"b\"]");
  EXPECT_EQ(error_of("[b2]\nlisten = [1]\n"), "g.toml:2: b2.listen takes a list of texts, as [\"a\", \"b\"]");
  EXPECT_EQ(error_of("[b2]\nconnections = 1.5\n"), "g.toml:2: b2.connections takes a whole number");
  EXPECT_EQ(error_of("[b2]\nidle_timeout = \"soon\"\n"),
            "g.toml:2: b2.idle_timeout: 'soon' is no duration: a number with ms, s, min, h or d, as in 250ms or 24h");
  EXPECT_EQ(error_of("log_level = \"loud\""), "g.toml:1: log_level: 'loud' is none of error, warning, info, debug");
  EXPECT_EQ(error_of("b2 = 3"), "g.toml:1: there is no key 'b2'");
}

TEST(Config, TellsTheLineOfBrokenToml) {
  EXPECT_TRUE(error_of("[b2]\nlisten = [\n").starts_with("g.toml:")) << error_of("[b2]\nlisten = [\n");
  EXPECT_TRUE(error_of("log_level = \"info\"\nx =\n").starts_with("g.toml:2: "));
  EXPECT_EQ(error_of("[[[a]]]"), "g.toml: this is no TOML");  // toml++ asserts that this cannot be
  EXPECT_EQ(error_of("[node] # é\n\nname = \"é\\\"é\"\nname = é"), "g.toml:4: a character that TOML has only inside quotes");
  EXPECT_EQ(error_of("[node]\nname = \"\"\"a\n\"\"\""), "g.toml:2: texts over several lines are not used here");
  EXPECT_EQ(error_of("[node]\nname = \"caf\xe9\""), "g.toml:2: a byte that is no UTF-8");
  EXPECT_EQ(error_of("[node]\nname = 'é'"), "g.toml:2: in single quotes only ASCII is taken: use double quotes");
  EXPECT_EQ(error_of("[node]\nname = 'C:\\' # é"), "accepted");
  EXPECT_NE(error_of("a = " + std::string(5000, '[')), "accepted");
  EXPECT_NE(error_of(std::string(Config::kMaxFile + 1, '\n')), "accepted");
}

TEST(Config, TellsTheVariableOrFlagThatIsWrong) {
  EXPECT_EQ(Config::load(kKeys, {.environment = environment_of({{"GHOSTLIGHT_B2_CONNECTIONS", "many"}})}).error().message,
            "environment GHOSTLIGHT_B2_CONNECTIONS: b2.connections: 'many' is no whole number");
  EXPECT_EQ(Config::load(kKeys, {.environment = environment_of({}), .flags = {{"log-level", "loud"}}}).error().message,
            "flag --log-level: log_level: 'loud' is none of error, warning, info, debug");
}

TEST(Config, PrintedIsReadBackTheSame) {
  const Config config = Config::from_toml(kKeys, "[b2]\nidle_timeout = \"1.5s\"\nlisten = [\"a\\\"b\\u0001\"]\n[node]\nname = \"Dvořák\"\n", "g.toml").value();
  const std::string printed = config.to_toml();
  EXPECT_NE(printed.find("idle_timeout = \"1500ms\"  # g.toml:2\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("# what is logged\nlog_level = \"info\"  # default\n"), std::string::npos);
  EXPECT_EQ(printed.find("log_level"), printed.find("log_level = "));
  const Config again = Config::from_toml(kKeys, printed, "again").value();
  EXPECT_EQ(again.list("b2.listen"), config.list("b2.listen"));
  EXPECT_EQ(again.text("node.name"), "Dvořák");
  EXPECT_EQ(again.duration("b2.idle_timeout"), 1500ms);
  EXPECT_NE(config.to_json().find("\"b2.idle_timeout\":{\"value\":\"1500ms\",\"origin\":\"g.toml:2\"}"), std::string::npos) << config.to_json();
}

TEST(Config, TakesTablesInDoubleBracketsAndWritesThemLast) {
  const std::vector<ConfigKey> keys = {{"rights", ConfigType::tables, "", "who may"}, {"b2.name", ConfigType::text, "n"}};
  const auto config = Config::from_toml(keys, "[b2]\nname = \"x\"\n\n[[rights]]\nmatch = \"a/*\"\nallow = [\"b\", \"c\"]\ninstead = true\n[[rights]]\nmatch = \"d\"\n", "f.toml").value();
  const auto& tables = config.tables("rights");
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].origin, "f.toml:4");
  EXPECT_EQ(tables[0].fields.at("allow").values, (std::vector<std::string>{"b", "c"}));
  EXPECT_TRUE(tables[0].fields.at("allow").is_list);
  EXPECT_EQ(tables[0].fields.at("instead").values, std::vector<std::string>{"true"});
  EXPECT_EQ(tables[1].origin, "f.toml:8");
  const std::string text = config.to_toml();
  const auto again = Config::from_toml(keys, text, "again").value();
  EXPECT_EQ(again.tables("rights")[0].fields, tables[0].fields) << text;
  EXPECT_EQ(again.tables("rights")[1].fields, tables[1].fields) << text;
  EXPECT_NE(config.to_json().find(R"("rights":{"value":[{)"), std::string::npos) << config.to_json();
  EXPECT_TRUE(Config::from_toml(keys, "", "empty").value().tables("rights").empty());
}

TEST(Config, TakesNoTableFromTheEnvironment) {
  ConfigSources sources;
  sources.environment = [](const std::string& name) { return name == "GHOSTLIGHT_RIGHTS" ? std::optional<std::string>("x") : std::nullopt; };
  const std::vector<ConfigKey> keys = {{"rights", ConfigType::tables}};
  const auto config = Config::load(keys, sources);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("GHOSTLIGHT_RIGHTS: rights: it is set in the file only"), std::string::npos) << config.error().message;
}

}  // namespace ghost
