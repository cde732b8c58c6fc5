#pragma once
#include <memory>
#include <thread>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/address.h"

namespace ghost::b2::bench {

/// What the mixed load calls, as bytes (a u64 in front is the hash of what follows, or the FNV-1a of a stream so far).
inline constexpr std::string_view kMixed = "b2.bench.v1.Mixed";
inline constexpr std::string_view kMixedEcho = "Echo", kMixedWork = "Work", kMixedCount = "Count", kMixedCollect = "Collect", kMixedMirror = "Mirror";

/// FNV-1a of `bytes`, going on from `hash`.
std::uint64_t fold(BytesView bytes, std::uint64_t hash = 0xcbf29ce484222325u);

/// A server with the mixed service and topics, on a thread of its own.
class MixedServer {
 public:
  /// Listens on loopback, for plain b2 and TLS, and on a Unix socket in `directory`.
  static Result<std::unique_ptr<MixedServer>> start(const std::string& directory);
  ~MixedServer();

  const net::Address& tcp() const;
  const net::Address& unix_socket() const;
  /// Waits until no connection is left, at most `patience`; says what of the books is not back at nothing.
  Status check_books(Duration patience);

 private:
  class Calls;
  struct Inside;
  explicit MixedServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace ghost::b2::bench
