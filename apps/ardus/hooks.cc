#include "hooks.h"

#include <iostream>

#include "base/text.h"
#include "base/units.h"
#include "report.h"

namespace ghost::app {

Hook transfer_hook(const std::string& command, const ardus::v1::Transfer& transfer) {
  std::size_t verified = 0;
  for (const auto& receiver : transfer.receivers) verified += receiver.state == ardus::v1::ReceiverState::verified ? 1 : 0;
  Hook hook{command, {}};
  const auto tell = [&](const char* key, std::string value) { hook.variables.emplace_back(std::string("ARDUS_") + key, std::move(value)); };
  tell("EVENT", transfer.sending ? "finished" : "received");
  tell("STATE", std::string(name(transfer.phase)));
  tell("NAME", printable(transfer.name));
  tell("SESSION", std::to_string(transfer.session));
  tell("CONTENT", to_hex(transfer.content));
  tell("FILES", std::to_string(transfer.files));
  tell("BYTES", std::to_string(transfer.bytes));
  tell("SECONDS", std::to_string(transfer.seconds));
  tell("DETAIL", printable(transfer.detail));
  tell("INTO", transfer.into);
  tell("SENDER", printable(transfer.sender));
  tell("RECEIVERS", std::to_string(transfer.receivers.size()));
  tell("VERIFIED", std::to_string(verified));
  tell("WIRE_BYTES", std::to_string(transfer.wire_bytes));
  return hook;
}

Result<Duration> hook_limit(const std::string& text) {
  const auto limit = parse_duration(text.empty() ? "60s" : text);
  if (!limit) return limit.error().in("--hook-limit");
  if (*limit <= Duration::zero() || *limit > std::chrono::hours(24)) return Error{Errc::malformed, "--hook-limit " + text + ": a time up to a day"};
  return *limit;
}

Option hook_limit_option() { return {"hook-limit", "TIME", "a command that takes longer is ended (60s)"}; }
Option on_received_option() { return {"on-received", "CMD", "a shell command to run for each transfer that was received, or failed; ARDUS_… variables tell which"}; }
Option on_finished_option() { return {"on-finished", "CMD", "a shell command to run when a transfer from here has ended; ARDUS_… variables tell which"}; }

Result<CommandHooks> CommandHooks::of(const Arguments& arguments, std::string option) {
  CommandHooks made;
  const auto limit = hook_limit(arguments.text("hook-limit"));
  if (!limit) return limit.error();
  made.option_ = std::move(option);
  made.command_ = arguments.text(made.option_);
  made.json_ = arguments.has("json");
  made.quiet_ = arguments.has("quiet");
  if (made.command_.empty()) return made;
  made.ended_ = std::make_unique<Guarded<std::vector<HookResult>>>();
  made.hooks_ = std::make_unique<Hooks>(*limit, [ended = made.ended_.get()](const HookResult& result) { ended->with([&](auto& all) { all.push_back(result); }); });
  return made;
}

void CommandHooks::run(const ardus::v1::Transfer& transfer) {
  if (hooks_ && !hooks_->run(transfer_hook(command_, transfer))) std::cerr << "ardus: a hundred hooks wait; one was left out\n";
}

void CommandHooks::tell() {
  if (!hooks_) return;
  const std::vector<HookResult> ended = ended_->with([](auto& all) { return std::exchange(all, {}); });
  for (const HookResult& result : ended) {
    const double seconds = std::chrono::duration<double>(result.took).count();
    if (json_) print_json({{"v", 1}, {"event", "hook"}, {"hook", option_}, {"status", result.status}, {"timed_out", result.timed_out}, {"seconds", seconds}, {"told", in_words(result)}});
    else if (!quiet_ || !result.well()) std::cerr << "ardus: --" << option_ << " " << in_words(result) << "\n";
  }
}

void CommandHooks::finish() {
  if (hooks_) hooks_->finish();
  tell();
}

}  // namespace ghost::app
