#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "b2/service.h"

namespace ghost::b2 {

/// How the calls that a child was handling came to an end.
struct ChildEnd {
  bool asked = false;   ///< it was told to end
  std::string reason;   ///< "killed by signal 11 (SIGSEGV)"
  std::string outlook;  ///< "it starts again in 100 ms"
};

/// The way of calls to one child. Open while the child answers; while it starts, a few calls wait a little; calls that were under
/// way when the child ended wait until it is known why, so that their callers are told. On the reactor's thread only.
class ChildGate {
 public:
  static constexpr std::size_t kMostWaiting = 64;
  static constexpr Duration kLongestWait = std::chrono::seconds(5);

  /// One call on its way through; made by forward().
  class Relay;

  /// @param planned  rings when next_wakeup() may have become earlier
  ChildGate(std::string child, const Clock& clock, std::function<void()> planned)
      : child_(std::move(child)), clock_(clock), planned_(std::move(planned)) {}
  ~ChildGate();
  ChildGate(const ChildGate&) = delete;
  ChildGate& operator=(const ChildGate&) = delete;

  /// Lets calls through, those that wait first. `connected` tells whether a call that failed was answered, or cut off.
  void open(std::shared_ptr<Caller> to, std::function<bool()> connected);
  /// Has calls wait. `why` is for those that wait in vain: "is starting".
  void hold(std::string why);
  /// Has calls fail at once, those that wait too: "is not running: killed by signal 9 (SIGKILL); it starts again in 12 s".
  void close(std::string why);
  /// Ends the calls that the child left unanswered: Errc::unknown, or busy for those that may be made again.
  void end_cut_calls(const ChildEnd& end);

  /// @param service, method  stay valid during the call
  void forward(std::string_view service, const MethodInfo& method, BytesView request, ServerCall call);

  void on_time(TimePoint now);
  /// When the first of the waiting calls has waited long enough.
  TimePoint next_wakeup() const;
  std::size_t waiting() const { return waiting_.size(); }
  /// Calls that are on their way, waiting ones included.
  std::size_t open_calls() const { return *open_; }
  /// When a call came or ended last.
  TimePoint last_used() const { return last_used_; }
  /// Rings when a call has to wait; may be empty.
  std::function<void()> on_wanted;
  const std::string& child() const { return child_; }

 private:
  enum class Mode : std::uint8_t { open, holding, closed };
  bool connected() const { return to_ != nullptr && connected_(); }
  void forget(const Relay& relay);

  std::string child_;
  const Clock& clock_;
  std::function<void()> planned_;
  Mode mode_ = Mode::closed;
  std::string why_ = "is not running";
  std::shared_ptr<Caller> to_;
  std::function<bool()> connected_;
  std::deque<std::shared_ptr<Relay>> waiting_;
  std::vector<std::shared_ptr<Relay>> cut_;
  TimePoint last_used_{};
  std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);  ///< relays outlive the gate where their caller does
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< relays outlive the gate where their caller does
};

}  // namespace ghost::b2
