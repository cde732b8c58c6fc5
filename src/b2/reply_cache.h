#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/unary_sink.h"
#include "base/sha256.h"

namespace ghost::b2 {

struct Endpoint;
class KeyedCall;

/// What a reply cache keeps at most (docs/spec/b2.md §7).
struct ReplyLimits {
  Duration kept = std::chrono::seconds(60);        ///< an answer, from when it was given
  std::size_t answer_bytes = 1024 * 1024;          ///< of a longer one only that it was given is kept
  std::size_t peer_calls = 32 * 1024;              ///< that one peer may have kept or running
  std::size_t peer_bytes = 8 * 1024 * 1024;        ///< of one peer's answers
  std::size_t calls = 128 * 1024;                  ///< of all peers
  std::size_t bytes = 64 * 1024 * 1024;
  std::size_t peer_abandoned = 256;                ///< of one peer's calls, those that run on with nobody waiting
};

/// The calls that carry an idempotency key, and their answers (docs/spec/b2.md §5): each is done once while its answer is kept, however
/// often it is sent, by whichever connection. Peers are kept apart, so that nobody reads another's answer. Pure; of one endpoint, on
/// its loop.
class ReplyCache {
 public:
  explicit ReplyCache(const Endpoint& endpoint, const ReplyLimits& limits = {});
  ~ReplyCache();
  ReplyCache(const ReplyCache&) = delete;
  ReplyCache& operator=(const ReplyCache&) = delete;

  /// A call as it came in.
  struct Asked {
    const Identity& caller;
    IdempotencyKey key;
    Digest digest;  ///< of the method and the request: another call under the same key is refused
    TimePoint deadline;
    const Clock& clock;  ///< outlives the call
  };
  /// Where an answer goes.
  struct Waiter {
    std::weak_ptr<CallSink> sink;
    std::uint64_t number;
    friend bool operator==(const Waiter& a, const Waiter& b) {
      return a.number == b.number && !a.sink.owner_before(b.sink) && !b.sink.owner_before(a.sink);
    }
  };

  enum class Taken : std::uint8_t {
    first,     ///< it is to be done: what it is done for, its sink, is told beside
    running,   ///< it is being done: the waiter gets its answer, too
    answered,  ///< it was done: answer() gives the answer
  };
  struct Decision {
    Taken taken;
    std::shared_ptr<KeyedCall> call;  ///< unless answered
  };
  /// Errors: conflict when the key names another call, exhausted beyond a limit.
  Result<Decision> take(const Asked& asked, Waiter waiter);
  /// Tells the waiter of a call that was done what came of it.
  void answer(const Asked& asked, const Waiter& waiter) const;

  /// Forgets what was kept long enough; ends calls that run for nobody beyond their deadline.
  void on_time(TimePoint now);
  /// The same, from an owner that rings it every kTick. When a ring comes late by more than kStill, the process stood still or its clock
  /// was put forward, and what came meanwhile is still to be read: as much time does not count for what is kept.
  void on_tick(TimePoint now);
  static constexpr Duration kTick = std::chrono::seconds(2), kStill = std::chrono::seconds(3);

  std::size_t kept() const { return calls_; }  ///< calls, those that run too
  std::size_t kept_bytes() const { return bytes_; }
  std::uint64_t replayed() const { return replayed_; }  ///< calls that were answered without being done again, those that joined too

  /// How peers are told apart: by their key where TLS proved one, otherwise by what they are taken for and, strangers, by their host.
  static std::string peer_of(const Identity& caller);

 private:
  friend class KeyedCall;
  struct Entry {
    Digest digest{};
    std::shared_ptr<KeyedCall> running;  ///< null once it was answered
    std::optional<Error> failed;
    Bytes answer;
    bool dropped = false;  ///< the answer was too long to keep
  };
  struct Peer {
    std::map<IdempotencyKey, Entry> entries;
    std::size_t bytes = 0;
    std::size_t abandoned = 0;
  };
  using Peers = std::map<std::string, Peer>;

  void ended(const KeyedCall& call, const Result<BytesView>& result);
  void notice_standstill(TimePoint now);
  void erase(Peers::iterator peer, const IdempotencyKey& key);

  const Endpoint& endpoint_;
  ReplyLimits limits_;
  Peers peers_;
  struct Kept {
    TimePoint until;  ///< of a clock that stands still with the process: less by stood_still_ than the true one
    std::string peer;
    IdempotencyKey key;
  };
  std::deque<Kept> kept_;  ///< in the order of their ends
  TimePoint ticked_ = TimePoint::max();  ///< the last tick; max where nobody ticks
  Duration stood_still_{};
  std::vector<std::weak_ptr<KeyedCall>> abandoned_;
  std::size_t calls_ = 0, bytes_ = 0;
  std::uint64_t replayed_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

/// A call with a key while it is being done: who waits for it may come and go.
class KeyedCall : public UnarySink {
 public:
  KeyedCall(ReplyCache& cache, std::string peer, const ReplyCache::Asked& asked);

  /// The caller gave up or his time is over. Without anybody else waiting the handler is told, and the waiter stays until it has
  /// ended; otherwise he is let go at once.
  /// @param why  cancelled or timed_out
  void give_up(const ReplyCache::Waiter& waiter, Errc why);
  /// The waiter's connection is gone. The call goes on: he may come back for its answer.
  void lose(const ReplyCache::Waiter& waiter);

  void finish(std::uint64_t, const Payload& last) override;
  void fail(std::uint64_t, const Error& error) override;
  void tell(std::uint64_t, const Metadata& metadata) override;

 private:
  friend class ReplyCache;
  void join(ReplyCache::Waiter waiter);
  void stop(Errc why);
  void end(const Result<BytesView>& result);

  ReplyCache& cache_;
  std::weak_ptr<char> cache_alive_;
  std::string peer_;
  IdempotencyKey key_;
  const Clock& clock_;
  TimePoint until_;  ///< when it is ended if nobody waits
  std::vector<ReplyCache::Waiter> waiters_;
  std::optional<Errc> stopped_;  ///< why its handler was told that nobody waits
  bool ended_ = false;
  bool abandoned_ = false;
};

}  // namespace ghost::b2
