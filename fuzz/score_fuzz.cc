// Scores of the demonstration disc, and its plan: parsed, and what parses is played.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../tools/make_disc/disc_plan.h"
#include "../tools/make_disc/performance.h"
#include "../tools/make_disc/score_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto score = ghost::disc::parse_score(text)) (void)ghost::disc::perform(*score);
  (void)ghost::disc::parse_disc_plan(text);
  return 0;
}
