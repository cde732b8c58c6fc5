#pragma once
#include "net/datagram_batch.h"
#include "net/event_loop.h"
#include "net/inherited_sockets.h"
#include "net/network.h"

namespace ghost::net {

/// A UDP socket; see Network::open_datagram().
class UdpSocket final : public DatagramSocket, private EventSource {
 public:
  static Result<std::unique_ptr<UdpSocket>> open(EventLoop& loop, const DatagramOptions& options);
  /// One that another process made with the same options: hears from HandedOn::begin() on.
  static std::unique_ptr<UdpSocket> inherit(EventLoop& loop, UniqueFd fd, const DatagramOptions& options);

  void on_datagrams(std::function<void(std::span<const Datagram>)> handler) override;
  std::size_t send(std::span<const Datagram> batch) override { return sending_.send(fd_.get(), batch).taken; }
  std::size_t send_until_full(std::span<const Datagram> batch) override { return sending_.send(fd_.get(), batch).passed; }
  Status join(const Address& group, std::uint32_t interface, const std::optional<Address>& source) override;
  Status leave(const Address& group, std::uint32_t interface, const std::optional<Address>& source) override;
  Status set_multicast(std::uint32_t interface, int hops, bool loop) override;
  const Address& address() const override { return address_; }
  std::size_t receive_buffer() const override;
  std::uint64_t truncated() const override { return truncated_; }
  std::size_t waiting() const override;
  std::weak_ptr<HandedOn> handed_on() const { return handed_on_; }

 private:
  using Handler = std::function<void(std::span<const Datagram>)>;

  UdpSocket(EventLoop& loop, UniqueFd fd, const DatagramOptions& options);
  void on_events(std::uint32_t events) override;
  Status bind(const DatagramOptions& options);
  Status set_membership(bool member, const Address& group, std::uint32_t interface,
                        const std::optional<Address>& source);
  bool is_ip6() const { return address_.family() == Address::Family::ip6; }

  Address address_;
  std::size_t longest_;               ///< bytes of a datagram
  std::size_t stride_;                ///< bytes kept for what comes in one piece
  Bytes own_buffer_;                  ///< for datagrams of which 64 would not fit the loop's buffer
  std::shared_ptr<HandedOn> handed_on_ = std::make_shared<HandedOn>();
  std::shared_ptr<Handler> handler_;  ///< shared with the call under way, which may replace it or destroy the socket
  DatagramBatch receiving_, sending_;
  std::uint64_t truncated_ = 0;
};

}  // namespace ghost::net
