#include "b2/exit_status.h"

#include <cstring>

namespace ghost::b2 {

std::string ExitStatus::text() const {
  if (signal == 0) return "exited with status " + std::to_string(code);
  std::string told = "killed by signal " + std::to_string(signal);
  if (const char* abbreviation = ::sigabbrev_np(signal)) told += " (SIG" + std::string(abbreviation) + ")";
  return core ? told + ", core dumped" : told;
}

}  // namespace ghost::b2
