#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "ardus/api.h"
#include "base/command_line.h"
#include "base/terminal.h"

namespace ghost::app {

/// "streaming", "verified": as they stand in JSON.

/// How a command ends with a transfer that ended so: 0 only when every expected copy is verified.
Exit exit_of(const ardus::v1::Transfer& transfer);

/// Whether it gets what it lacks apart from the group; Receiver::detail says why.
bool is_served_alone(const ardus::v1::Receiver& receiver);

/// A transfer under way, and the last line of `ardus send --json` and `receive --json`.
nlohmann::ordered_json progress_event(const ardus::v1::Transfer& transfer);
nlohmann::ordered_json summary_event(const ardus::v1::Transfer& transfer, Exit exit);
void print_json(const nlohmann::ordered_json& line);

/// Each receiver, what became of it and why.
std::string receivers_table(const ardus::v1::Transfer& transfer, const Terminal& terminal);
/// What goes behind the bar of a transfer under way: "3 receivers, 1.2 % repair, 4.0 % lost"; "" when there is nothing to say.
std::string remark(const ardus::v1::Transfer& transfer);
/// One sentence: what was sent, or received, and how it ended.
std::string sentence(const ardus::v1::Transfer& transfer);

}  // namespace ghost::app
