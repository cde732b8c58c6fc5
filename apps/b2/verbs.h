#pragma once
#include <memory>
#include <string>
#include <vector>

#include "app/session_service.h"
#include "base/command_line.h"

namespace ghost::app {

Verb ls_verb();
Verb describe_verb();
Verb call_verb();
Verb ping_verb();
Verb top_verb();
Verb trace_verb();
Verb pub_verb();
Verb sub_verb();
std::vector<Verb> child_verbs();  ///< ps, logs, restart, upgrade
Verb bench_verb();
Verb doctor_verb();

/// --at ADDR and --timeout SECONDS, which every verb that connects takes, beside --state.
std::vector<Option> connection_options();
/// The time to wait by --timeout; malformed when it is no number.
Result<Duration> timeout_of(const Arguments& arguments);
/// The time to look around by --wait, 1 s when it is not given; malformed when it is no number.
Result<Duration> wait_of(const Arguments& arguments);
/// Prints "PROGRAM: message"; gives the exit code for a command that is wrong.
int usage_error(std::string_view program, const Error& error);
/// A connection to `at`, "" for this machine's host, that HELLO was said on within that time.
Result<std::unique_ptr<Session>> open_session(const Arguments& arguments, std::string at);

}  // namespace ghost::app
