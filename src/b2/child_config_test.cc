#include "b2/child_config.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

Result<std::vector<ChildSpec>> configured(std::string_view toml) {
  const std::vector<ConfigKey> keys = {{"child", ConfigType::tables}};
  std::vector<ChildSpec> children(2);
  children[0].name = "ariascribe";
  children[1].name = "portlight";
  const auto config = Config::from_toml(keys, toml, "f.toml");
  if (!config) return config.error();
  if (auto done = configure_children(config->tables("child"), children); !done) return done.error();
  return children;
}

}  // namespace

TEST(ChildConfig, SaysHowAChildStartsAndWhatItMayUse) {
  const auto children = configured("[[child]]\nname = \"ariascribe\"\nstart = \"on-call\"\nidle = \"90s\"\nopen_files = 256\nmemory = \"512MiB\"\n").value();
  EXPECT_EQ(children[0].idle_stop, 90s);
  EXPECT_EQ(children[0].limits.open_files, 256u);
  EXPECT_EQ(children[0].limits.memory, 512u * 1024 * 1024);
  EXPECT_EQ(children[0].limits.core, 0u);
  EXPECT_EQ(children[1].idle_stop, 0s) << "the other is as it was";
  EXPECT_EQ(configured("[[child]]\nname = \"portlight\"\nstart = \"on-call\"\n").value()[1].idle_stop, 5min);
  EXPECT_EQ(configured("[[child]]\nname = \"portlight\"\nstart = \"never\"\n").value().size(), 1u);
}

TEST(ChildConfig, TellsAMistakeWithItsLine) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"\n[[child]]\nname = \"portlihgt\"\n", "f.toml:2: [[child]]: no child is called 'portlihgt'; there are ariascribe, portlight"},
      {"[[child]]\nname = \"portlight\"\nmemori = \"1MiB\"\n", "there is no 'memori'; did you mean 'memory'?"},
      {"[[child]]\nname = \"portlight\"\nmemory = \"much\"\n", "f.toml:1: [[child]]: memory: "},
      {"[[child]]\nname = \"portlight\"\nstart = \"sometimes\"\n", "start is \"always\", \"on-call\" or \"never\""},
      {"[[child]]\nname = \"portlight\"\nidle = \"1h\"\n", "'idle' goes with start"},
      {"[[child]]\nname = \"portlight\"\nstart = \"on-call\"\nidle = \"1ms\"\n", "idle: at least 1 s"},
      {"[[child]]\nname = [\"portlight\"]\n", "'name' takes one value"},
  };
  for (const auto& [toml, told] : mistakes) {
    const auto children = configured(toml);
    ASSERT_FALSE(children) << toml;
    EXPECT_NE(children.error().message.find(told), std::string::npos) << children.error().message;
  }
}

}  // namespace ghost::b2
