// A whole connection, stateful: two programs on simulated hosts, and the input says what each does, what is put into the stream
// between them, and what breaks (tests/sim/scripted_run.h). Bytes 0 and 1: limits, link; then acts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "scripted_run.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 300) return 0;  // a longer one says nothing that a few short ones do not
  ghost::b2::test::ScriptedRun run(ghost::BytesView(data, size));
  const auto wrong = run.run();
  for (const std::string& what : wrong) std::fprintf(stderr, "%s\n", what.c_str());
  if (!wrong.empty()) std::abort();
  return 0;
}
