#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "b2/endpoint.h"
#include "b2/nats_bridge.h"
#include "b2/nats_calls.h"
#include "net/reactor.h"

namespace ghost::b2 {

/// Unary calls between nodes by NATS (docs/spec/b2.md §15), both sides. On the reactor's thread only.
class NatsCalls {
 public:
  /// False: there is no room, nothing was sent.
  using Send = std::function<bool(std::string subject, std::string reply, v1::NatsEnvelope envelope)>;

  NatsCalls(net::Reactor& reactor, Endpoint& endpoint, NatsBridge& bridge, Send send);
  ~NatsCalls();

  /// Makes the call that `call` asks for, for its caller, who needs here the right that the method needs there.
  void make(v1::BridgeCallRequest request, UnaryCall<v1::BridgeCallResponse> call);

  void heard(const Identity& from, std::uint64_t epoch, v1::NatsEnvelope envelope);
  void unheard(std::string_view token) { made_.unheard(token); }
  void gone(const NatsCallsMade::Key& node, const std::string& why);
  void count(v1::BridgeCounts& counts) const;

  class Taken;  ///< a call that is being carried out here

 private:
  struct Chosen {
    const NatsBridge::Remote* remote = nullptr;
    const v1::Method* method = nullptr;
  };
  std::size_t most() const;  ///< bytes of a request or an answer
  Result<Chosen> choose(const v1::BridgeCallRequest& request);
  void take(const Identity& from, std::uint64_t epoch, v1::NatsCall call);
  Result<MethodEntry*> allowed(const Identity& from, const v1::NatsCall& call);
  void answer(const NatsCallsMade::Key& to, v1::NatsResult result);
  void plan();

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  NatsBridge& bridge_;
  Send send_;
  NatsCallsMade made_;
  NatsCallsTaken taken_ids_;
  std::map<std::pair<NatsCallsMade::Key, Bytes>, std::shared_ptr<Taken>> taken_;
  std::uint64_t made_count_ = 0, taken_count_ = 0, repeated_ = 0, turn_ = 0;
  net::Timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
