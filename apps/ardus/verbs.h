#pragma once
#include "base/command_line.h"

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
/// --mirror URL and --seed-from DIR, repeated, and --owners: of who receives.
Option mirror_option();
Option seed_option();
Option owners_option();

}  // namespace ghost::app
