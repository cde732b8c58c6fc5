#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "b2/identity.h"
#include "b2/membership.h"
#include "b2/v1/nats.b2.h"
#include "base/ed25519.h"
#include "base/guarded.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2 {

/// Signs an envelope with the node's key (docs/spec/b2.md §15): 64 bytes of signature, then its encoding.
Bytes seal_for_nats(const KeyPair& key, const v1::NatsEnvelope& envelope);

/// Opens what came by NATS. The broker is not trusted: what counts is the signature by a node of our house. From any thread.
class NatsOpener {
 public:
  struct Opened {
    std::shared_ptr<const Identity> from;
    v1::NatsEnvelope envelope;
  };
  explicit NatsOpener(const HouseTrust& house);
  /// From here on by this house's list, and without those whose certificate it may have taken before.
  void set_house(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked);

  /// unauthenticated for who did not say hello before (`not_found`: nobody of that id is known yet) or signs wrongly; refused for what is
  /// too old, or sent by a clock that differs too much.
  Result<Opened> open(BytesView bytes, WallTime now);

 private:
  struct Known {
    std::shared_ptr<const Identity> identity;
    WallTime checked;
  };
  Result<std::shared_ptr<const Identity>> sender(const v1::NatsEnvelope& envelope, WallTime now);

  struct State {
    std::shared_ptr<const HouseTrust> house;
    std::map<Bytes, Known> known;  ///< by node id
  };
  Guarded<State> state_;
};

/// How far apart the clocks of two nodes may be, and how long a message may be under way.
inline constexpr std::chrono::seconds kNatsWindow{60};

}  // namespace ghost::b2
