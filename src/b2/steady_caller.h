#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/channel.h"
#include "base/random.h"

namespace ghost::b2 {

/// When a call is sent again (docs/spec/b2.md §5).
struct RetryRules {
  Duration first_pause = std::chrono::milliseconds(50);  ///< before the second try; doubles from try to try, and a random half is left out
  Duration longest_pause = std::chrono::seconds(2);
  Duration keyed_within = std::chrono::seconds(30);  ///< a call that is done once by its key is not sent later than so after the first time
  bool patient = true;  ///< calls wait for a connection; otherwise they fail with the attempt to make one
};

/// Calls to one place, over connections that come and go. A call waits for a connection; one that was not taken is made again, and one
/// whose connection broke, too, where that does no harm: methods that are idempotent, and calls with a key while the callee's boot
/// epoch is the same. With a back-off, and within the call's deadline. What cannot be told ends with Errc::unknown.
///
/// Streams are made again as long as nothing was heard of them and no message was written. Pure: who makes the connections is told when
/// one is wanted. On the reactor's thread only.
class SteadyCaller : public Caller, public std::enable_shared_from_this<SteadyCaller> {
 public:
  struct Wiring {
    const Clock& clock;
    Endpoint& endpoint;                 ///< counts what is sent again
    std::string where;                  ///< for messages: "10.0.0.7:2203"
    std::function<void()> connect;      ///< a connection is wanted: connected() or failed() follows, not from within
    std::function<void(TimePoint)> wake;  ///< on_time() is wanted then
    std::uint64_t seed = 1;             ///< of the pauses' random part
  };
  explicit SteadyCaller(Wiring wiring, RetryRules rules = {});
  ~SteadyCaller() override;

  /// A channel that has said HELLO. Calls go by it from here on.
  void connected(std::shared_ptr<Channel> channel);
  /// There is no connection, and why. Another try follows, unless another would not help.
  void failed(const Error& why);
  /// The channel takes no more calls: it is lost, or its peer said GOAWAY.
  void disconnected();
  void on_time();
  TimePoint next_wakeup() const;
  /// Ends every call that waits; those under way go on, and none is made again.
  void close(const Error& why);

  std::size_t open_calls() const { return calls_.size(); }

  // Caller
  ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                   std::unique_ptr<CallHandler> handler) override;
  void cancel(std::uint64_t key) override;
  void release(std::uint64_t key, std::size_t bytes) override;
  bool write_request(std::uint64_t key, const Payload& message) override;
  void finish_request(std::uint64_t key) override;

 private:
  class Attempt;
  struct Call {
    std::uint64_t number = 0;
    std::string service, method;
    Bytes request;
    CallOptions options;
    std::unique_ptr<CallHandler> handler;
    TimePoint deadline = TimePoint::max();

    bool under_way = false;
    ClientCall onward;
    unsigned tries = 0;
    TimePoint first_sent{};
    TimePoint again_at{};             ///< not sent before
    std::uint64_t tried_epoch = 0;    ///< of the peer that the last try went to
    std::optional<std::uint64_t> maybe_done;  ///< the epoch of the peer that may have done it
    bool heard = false;               ///< a message of the answer was handed over
    bool wrote = false;               ///< a message of the request was
    std::vector<Bytes> early;         ///< messages of the request from before there was a connection
    std::size_t early_bytes = 0;
    bool request_finished = false;
    std::optional<Error> last;        ///< why it waits
    bool ended = false;
  };
  using CallPointer = std::shared_ptr<Call>;

  bool connected() const { return channel_ && channel_->takes_calls(); }
  CallPointer find(std::uint64_t number) const;
  void go_on(const CallPointer& call);
  void send(const CallPointer& call);
  void pass_early(const CallPointer& call);
  void on_attempt_end(const CallPointer& call, const Status& status, bool cut);
  bool may_send_again(const Call& call) const;
  Error truth(const Call& call, const Error& error) const;
  void end(const CallPointer& call, const Status& status);
  void want_connection();
  Duration pause(unsigned tries);
  void plan(TimePoint when);

  Wiring wiring_;
  RetryRules rules_;
  SeededRandom random_;
  std::shared_ptr<Channel> channel_;
  bool connecting_ = false;
  unsigned failures_ = 0;  ///< dials in a row that failed
  TimePoint dial_at_{};    ///< not dialled before
  std::optional<Error> closed_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, CallPointer> calls_;  ///< by number: in the order they were made
};

}  // namespace ghost::b2
