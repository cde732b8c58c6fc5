#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "net/lifeline.h"
#include "net/network.h"
#include "net/reactor.h"

namespace ghost::net {

/// The smallest world a stream protocol's test or fuzz target needs: turns and time that pass only when told, and pairs of
/// connected streams. Whole hosts, links and datagrams are SimWorld's.
class MemoryReactor final : public Reactor {
 public:
  TimePoint now() const override { return now_; }
  Timer wake_at(TimePoint when, std::function<void(TimePoint now)> ring) override;
  void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  void at_turn_end(std::function<void()> work) override { turn_end_.push_back(std::move(work)); }

  /// One turn: what was posted, then due timers, then the turn's end.
  void turn();
  /// Turns until nothing is left to do at this time.
  void settle();
  /// Lets time pass, timer by timer.
  void run_for(Duration span);

 private:
  using TimerKey = std::pair<TimePoint, std::uint64_t>;
  bool idle() const;

  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t last_timer_ = 0;
  std::deque<std::function<void()>> posted_;
  std::vector<std::function<void()>> turn_end_;
  std::map<TimerKey, std::function<void(TimePoint)>> timers_;
};

struct MemoryPairOptions {
  std::size_t fragment = 0;             ///< bytes arrive in pieces of at most this many; 0 as sent
  std::size_t capacity = 64 * 1024;     ///< in flight and not read by the other side: the kernel's buffer
};

/// Two connected streams, which look like TCP between 10.0.0.1:1000 and 10.0.0.2:2203.
std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> make_memory_pair(MemoryReactor& reactor,
                                                                                     const MemoryPairOptions& options = {});

/// A handler that keeps what it is told.
struct StreamRecorder : StreamHandler {
  Bytes bytes;
  std::size_t largest = 0;  ///< of the pieces
  int writable = 0;
  std::optional<Error> closed;
  std::function<void(BytesView)> then;       ///< after on_bytes
  std::function<void()> on_room;             ///< after on_writable
  std::function<void(const Error&)> on_end;  ///< after on_closed

  void on_bytes(BytesView view) override {
    bytes.insert(bytes.end(), view.begin(), view.end());
    largest = std::max(largest, view.size());
    if (then) then(view);
  }
  void on_writable() override {
    ++writable;
    if (on_room) on_room();
  }
  void on_closed(const Error& why) override {
    closed = why;
    if (on_end) on_end(why);
  }
  std::string text() const { return std::string(as_text(bytes)); }
};

}  // namespace ghost::net
