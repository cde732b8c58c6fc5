#pragma once
#include <string>

namespace ghost::b2 {

/// How a process ended, as waitid(2) tells it.
struct ExitStatus {
  int code = 0;    ///< what it returned, when no signal ended it
  int signal = 0;  ///< what killed it; 0: nothing did
  bool core = false;

  /// "exited with status 3", "killed by signal 11 (SIGSEGV)", "killed by signal 6 (SIGABRT), core dumped".
  std::string text() const;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

}  // namespace ghost::b2
