#pragma once
#include <memory>

#include "app/hook_service.h"
#include "ardus/api.h"
#include "base/command_line.h"
#include "base/guarded.h"

namespace ghost::app {

/// What a hook is told of a transfer that ended, by the names ARDUS_NAME, ARDUS_STATE, ….
Hook transfer_hook(const std::string& command, const ardus::v1::Transfer& transfer);

/// --hook-limit, 60 s where it is not given.
Result<Duration> hook_limit(const std::string& text);
Option hook_limit_option();
Option on_received_option();
Option on_finished_option();

/// The hooks of a command that waits for transfers. How each ended is told on the caller's thread: on stderr, or with --json as {"event":"hook"}.
class CommandHooks {
 public:
  /// @param option  "on-received" or "on-finished"; where it was not given, nothing is run
  static Result<CommandHooks> of(const Arguments& arguments, std::string option);

  void run(const ardus::v1::Transfer& transfer);
  /// Of those that ended since.
  void tell();
  /// Waits for all, and tells.
  void finish();

 private:
  std::string option_, command_;
  bool json_ = false, quiet_ = false;
  std::unique_ptr<Guarded<std::vector<HookResult>>> ended_;
  std::unique_ptr<Hooks> hooks_;  ///< null where there is no command
};

}  // namespace ghost::app
