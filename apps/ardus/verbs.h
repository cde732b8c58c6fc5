#pragma once
#include "base/command_line.h"
#include "base/result.h"

namespace ghost::ardus {
enum class Congestion : std::uint8_t;
}

namespace ghost::app {

Verb doctor_verb();
Verb publish_verb();
Verb receive_verb();
Verb relay_verb();
Verb send_verb();
Verb serve_verb();
Verb simulate_verb();
Verb status_verb();
Verb verify_verb();

/// `ardus receive --from URL`.
int receive_from_web(const Arguments& arguments);

/// --iface IF, repeated.
Option iface_option();
Option ip_option();
Option ssm_option();
/// --mirror URL and --seed-from DIR, repeated, and --owners: of who receives.
Option mirror_option();
Option seed_option();
Option owners_option();
/// --congestion MODE and --background: how a sender finds its rate; and what was said of it.
Option congestion_option();
Option background_option();
Result<ardus::Congestion> congestion_of(const Arguments& arguments);

}  // namespace ghost::app
