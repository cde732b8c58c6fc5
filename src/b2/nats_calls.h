#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "b2/identity.h"
#include "b2/v1/nats.b2.h"
#include "base/time.h"

namespace ghost::b2 {

/// Which calls by NATS were taken here, so that none is carried out twice, whatever the broker repeats (docs/spec/b2.md §15).
class NatsCallsTaken {
 public:
  /// @param most  calls remembered; `keep` is how long an envelope could come again and be opened
  explicit NatsCallsTaken(std::size_t most = 65536, Duration keep = std::chrono::seconds(121)) : most_(most), keep_(keep) {}

  enum class Verdict : std::uint8_t { fresh, again, full };
  Verdict take(const NodeId& from, const Bytes& id, TimePoint now);

 private:
  std::size_t most_;
  Duration keep_;
  std::map<std::pair<NodeId, Bytes>, TimePoint> taken_;
  std::multimap<TimePoint, std::pair<NodeId, Bytes>> forget_;
};

/// Calls that this node has made by NATS: each ends once, and is sent once.
class NatsCallsMade {
 public:
  using Key = std::pair<NodeId, std::uint64_t>;  ///< a life of a node
  using Done = std::function<void(Result<Bytes>)>;
  struct Call {
    Key to;
    std::string node, what;  ///< "beta", "acme.v1.Store/Add": for messages
    bool idempotent = false;
    TimePoint deadline;
    Done done;
  };

  /// @param id  16 random bytes
  void start(Bytes id, Call call) { calls_.emplace(std::move(id), std::move(call)); }
  /// The caller gave up. False when it has ended before.
  bool give_up(const Bytes& id) { return calls_.erase(id) != 0; }
  void answered(const Key& from, const v1::NatsResult& result);
  /// The broker has nobody at the inbox `token` of the call: it was not made.
  void unheard(std::string_view token);
  /// That life of the node is over, or out of reach.
  void gone(const Key& node, const std::string& why);
  void expire(TimePoint now);
  TimePoint next_wakeup() const;
  std::size_t size() const { return calls_.size(); }

  static std::string token(const Bytes& id) { return "c" + to_hex(id); }

 private:
  void end(std::map<Bytes, Call>::iterator at, Result<Bytes> outcome);

  std::map<Bytes, Call> calls_;
};

}  // namespace ghost::b2
