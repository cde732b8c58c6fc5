#include <cstdlib>

#include "base/config.h"

using namespace ghost;

// What is accepted is printed as a file that is accepted again and prints the same values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<ConfigKey> keys = {{"log_level", ConfigType::text, "info"},       {"b2.listen", ConfigType::list},
                                              {"b2.idle_timeout", ConfigType::duration},     {"b2.budget", ConfigType::size},
                                              {"b2.spin", ConfigType::boolean, "true"},      {"b2.connections", ConfigType::integer}};
  const auto config = Config::from_toml(keys, as_text({data, size}), "fuzz");
  if (!config) return 0;
  const auto again = Config::from_toml(keys, config->to_toml(), "fuzz");
  if (!again || again->list("b2.listen") != config->list("b2.listen") || again->text("log_level") != config->text("log_level") ||
      again->duration("b2.idle_timeout") != config->duration("b2.idle_timeout") || again->size("b2.budget") != config->size("b2.budget"))
    std::abort();
  (void)config->to_json();
  return 0;
}
