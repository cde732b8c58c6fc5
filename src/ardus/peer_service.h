#pragma once
#include <deque>
#include <memory>

#include "ardus/grant.h"
#include "ardus/scan_service.h"
#include "ardus/v1/session.b2.h"
#include "base/log.h"

namespace ghost::ardus {

/// ardus.v1.Peer: hands out what this node has received, to whom the sender of that session named it (docs/spec/ardus.md §9.2). On the
/// reactor's thread.
class PeerDesk : public v1::PeerService {
 public:
  /// A verified copy, and the session it came by.
  struct Holding {
    std::filesystem::path into;
    std::shared_ptr<const Manifest> manifest;
    PublicKey sender{};
    std::uint64_t session = 0;
    ReceiptNonce nonce{};
    std::unique_ptr<Content> content = {};  ///< once somebody asked
  };
  explicit PeerDesk(Logger log) : log_(std::move(log)) {}
  ~PeerDesk() override;

  /// The newest kHeld are remembered.
  void add(Holding holding);
  void chunks(v1::PeerChunksRequest request, b2::ServerStream<v1::FetchedPart> stream) override;

  static constexpr std::size_t kHeld = 16;

 private:
  Result<Holding*> find(const v1::PeerChunksRequest& request, const b2::Identity& who);
  Logger log_;
  std::deque<std::shared_ptr<Holding>> held_;  ///< shared with the streams that read them
};

}  // namespace ghost::ardus
