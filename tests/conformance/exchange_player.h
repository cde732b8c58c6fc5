#pragma once
#include <nlohmann/json.hpp>

#include "base/result.h"

/// The worked exchanges of docs/spec/vectors/exchanges.json.
namespace ghost::b2::conformance {

using Json = nlohmann::ordered_json;

/// Plays what an exchange's steps tell the two sides to do, on a pair of real channels and a clock of its own, and gives the
/// exchange as it was then: the same acts, between them the frames each side sent, at the end what came of its calls. What was
/// recorded before is not looked at. malformed names the step that is not understood.
Result<Json> play(const Json& exchange);

/// The file's text: a list of exchanges, one step a line.
std::string to_text(const Json& exchanges);

}  // namespace ghost::b2::conformance
