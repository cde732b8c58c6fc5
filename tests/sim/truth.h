#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "call_history.h"
#include "topic_history.h"

namespace ghost::b2::test {

/// A lie that a run is made to tell, so that it can be seen to be found.
enum class Lie : std::uint8_t {
  none,
  does_twice,              ///< a server does a call's work twice
  does_nothing,            ///< a server says it did what it did not
  says_busy_afterwards,    ///< a server does a call's work and says it was not taken
  answers_another,         ///< a server gives the answer of another call
  sends_again_blindly,     ///< a caller sends a call again whose outcome cannot be told
  changes_keys,            ///< a caller sends a call again under another key
  ends_twice,              ///< a call ends twice
  never_ends,              ///< a caller is not told of an end
  late_too_early,          ///< a server says the deadline has passed
  keeps_a_slot,            ///< a handler does not end when its call is cancelled
  skips_in_a_stream,       ///< a message of a server's stream is missing
  loses_an_upload,         ///< a message of a caller's stream is not counted
  echoes_out_of_order,     ///< two messages of a stream both ways change places
  ignores_windows,         ///< a witness believes in half of the windows
  loses_a_message,         ///< of a topic, in silence
  swaps_messages,
  doubles_a_message,
  undercounts_drops,
  hides_missed,            ///< of a subscription that goes on where it was
  acknowledges_early,      ///< the ready barrier
  gives_a_group_twice,
  misnumbers_a_publication,
  denies_a_publication,    ///< tells its publisher that a message was not published
  changes_data,
  count_
};

/// What happened in one run, from all sides.
struct Truth {
  Lie lie = Lie::none;
  bool honest = true;  ///< nothing was put in between the two sides: what they tell each other has to fit together
  CallHistory calls;
  TopicHistory topics;
  std::vector<std::string> wrong;  ///< seen on the way
  SeededRandom random{0};

  bool lies(Lie what, double chance = 1) { return lie == what && random.chance(chance); }
};

}  // namespace ghost::b2::test
