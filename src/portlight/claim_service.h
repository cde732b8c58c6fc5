#pragma once
#include <string>
#include <vector>

#include "b2/client_service.h"
#include "base/result.h"
#include "base/time.h"
#include "portlight/registry.h"

namespace ghost::portlight {

/// What a program that speaks b2 says of itself.
struct ProgramClaim {
  struct HeldSocket {
    std::string transport, address, purpose;
    std::uint16_t port = 0;
  };
  std::string program, version;        ///< "ardus", "0.1.0"
  std::string node_name;
  std::string asked_at;                ///< "127.0.0.1:1117", "unix:/run/…/ardus.sock"
  std::vector<HeldSocket> sockets;     ///< of its signed Status; only filled in when the signature is valid
  std::string signed_by;               ///< the key's node in words; "" when there was no valid signature
  std::string trouble;                 ///< why its Status was not believed

  /// The socket of that transport and port among `sockets`; null when it is not there.
  const HeldSocket* holds(std::string_view transport, std::uint16_t port) const;
};

/// Calls b2.v1.Core/Describe there and, of a program that has it, ardus.v1.Node/Status with a nonce, whose signature is checked.
/// Blocks its thread; in whatever network namespace that is.
Result<ProgramClaim> ask_program(const net::Address& at, Duration timeout);

}  // namespace ghost::portlight
