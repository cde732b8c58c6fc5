#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load.h"

/// What the programs have in common that do b2's bench over other libraries. `b2 bench --against` starts two of each, a server and a
/// client, and reads what they print.
namespace ghost::b2::bench {

/// PROGRAM server|client PLACE calls|stream SIZE CONNECTIONS IN_FLIGHT plain|spin|tls DIRECTORY
struct Task {
  bool server = false;
  std::string place;      ///< of a server: "tcp", or the path of a Unix socket; of a client: what its server told
  Work work;
  bool spin = false;      ///< polls before it waits, where the library can
  bool tls = false;
  std::string directory;  ///< for keys that both need
  std::string message;    ///< what is sent, and comes back

  bool calls() const { return work.kind == Work::Kind::calls; }
};

/// Reads the command line; ends the program with 2 when it is none.
Task read_task(int argc, char** argv);

/// Prints where the server listens.
void tell(const std::string& place);

/// Does the runs that are asked for on standard input, a line of seconds each, and prints a line for each: messages a second, median
/// and 99th percentile in microseconds. The program's exit code, once the input ends.
int run_asked(Load& load);

/// Prints why and ends the program with 1.
[[noreturn]] void give_up(std::string_view what);

/// For who spins, 50 us as b2 does: whether something came lately, so that polling pays. Idle ones must not take the processor from
/// the others in the race.
class Busy {
 public:
  bool worth_polling() { return ++looks_ % 4 != 0 || TimePoint::clock::now() - last_ < std::chrono::microseconds(50); }
  void came() { last_ = TimePoint::clock::now(); }

 private:
  TimePoint last_{};
  unsigned looks_ = 0;
};

/// The times at which the open calls of a connection began, where they are answered in order.
class InOrder {
 public:
  explicit InOrder(std::size_t in_flight) : times_(in_flight) {}
  void began(TimePoint when) { times_[(first_ + count_++) % times_.size()] = when; }
  TimePoint ended() {
    const TimePoint when = times_[first_];
    first_ = (first_ + 1) % times_.size();
    --count_;
    return when;
  }

 private:
  std::vector<TimePoint> times_;
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace ghost::b2::bench
