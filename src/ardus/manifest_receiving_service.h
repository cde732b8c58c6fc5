#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "ardus/block_decoder.h"
#include "ardus/receiver.h"
#include "ardus/session_keys.h"
#include "ardus/v1/session.b2.h"
#include "net/epoll.h"

namespace ghost::ardus {

/// The manifest as it comes by its own stream (docs/spec/ardus.md §7.2): a receiver core of its own, which puts the bytes together. What they
/// are worth is its user's question. On the reactor's thread.
class ManifestReceiving : private BlockSink {
 public:
  struct Parts {
    net::EpollNetwork& network;
    std::function<void(BytesView report)> send;  ///< to the address that ManifestStream names, from the one that Join named
    std::function<void(Result<Bytes>)> done;     ///< once, from the reactor: the manifest, or timed_out when nothing came for kStalled
    KeyOptions keys = {};
  };
  /// Without a symbol more from the group: alone, TCP is as quick. The sender begins within a second.
  static constexpr Duration kStalled = std::chrono::seconds(2);

  /// @param sender  whose signature steers the stream
  /// @param bytes   of the manifest, within ManifestLimits
  /// @return  malformed where the offer is none
  static Result<std::unique_ptr<ManifestReceiving>> start(Parts parts, const v1::ManifestStream& offer, const PublicKey& sender, std::uint64_t bytes);
  ~ManifestReceiving() override;

  ReceiverNumber number() const { return options_.number; }
  /// What came to the sockets of the group and of reports; others' is ignored. Also once it is whole: the sender may still ask.
  void on_datagrams(std::span<const net::Datagram> batch);

 private:
  ManifestReceiving(Parts parts, const ReceiverOptions& options, const SessionName& name, std::uint8_t epoch, const Secret& epoch_secret, const Secret& own_secret);
  void on_block(BlockIndex block, BytesView bytes) override;
  void pump();
  void watch();
  void finish(Result<Bytes> result);

  Parts parts_;
  ReceiverOptions options_;
  BlockDecoder decoder_;
  SessionReceiverKeys keys_;
  Receiver core_;
  Bytes bytes_;                 ///< grows with what has come
  std::vector<BytesView> views_;
  std::uint64_t symbols_ = 0;   ///< from the group, at `got_on_`
  TimePoint began_, got_on_, pump_at_{};
  net::Timer pump_timer_, watch_timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::ardus
