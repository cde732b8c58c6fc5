#include "b2/udp_port_service.h"

#include <algorithm>
#include <cassert>

namespace ghost::b2 {

void UdpPort::take(std::string_view magic, Handler handler) {
  assert(magic.size() == kMagic);
  Magic key{};
  std::copy_n(magic.begin(), kMagic, key.begin());
  if (handler) handlers_[key] = std::make_shared<Handler>(std::move(handler));
  else handlers_.erase(key);
}

Result<net::Address> UdpPort::listen(const net::Address& at, std::size_t max_datagram) {
  net::DatagramOptions options;
  options.local = at;
  options.share_with_own = options.handed_on = true;
  options.max_datagram = max_datagram;
  auto socket = network_.open_datagram(options);
  if (!socket) return socket.error();
  hear(**socket);
  const net::Address bound = (*socket)->address();
  sockets_.push_back(std::move(*socket));
  return bound;
}

void UdpPort::hear(net::DatagramSocket& socket) {
  socket.on_datagrams([this](std::span<const net::Datagram> batch) {
    for (const net::Datagram& datagram : batch) on_datagram(datagram);
  });
}

void UdpPort::set_hearing(bool on) {
  for (const auto& socket : sockets_) {
    if (on) hear(*socket);
    else socket->on_datagrams({});
  }
}

void UdpPort::on_datagram(const net::Datagram& datagram) {
  ++counters_.received;
  if (datagram.bytes.size() >= kMagic) {
    Magic magic{};
    std::copy_n(datagram.bytes.begin(), kMagic, magic.begin());
    if (const auto found = handlers_.find(magic); found != handlers_.end()) {
      const std::shared_ptr<Handler> handler = found->second;
      return (*handler)(datagram);
    }
  }
  ++counters_.not_taken;
}

net::DatagramSocket* UdpPort::socket_for(const net::Datagram& datagram) const {
  net::DatagramSocket* fits = nullptr;
  for (const auto& socket : sockets_) {
    const net::Address& at = socket->address();
    if (at.family() != datagram.to.family()) continue;
    if (at.ip() == datagram.from.ip() && datagram.from.family() == at.family()) return socket.get();
    if (fits == nullptr || (at.is_any() && !fits->address().is_any())) fits = socket.get();
  }
  return fits;
}

std::size_t UdpPort::send(std::span<const net::Datagram> batch) {
  if (batch.empty()) return 0;
  net::DatagramSocket* const socket = socket_for(batch.front());
  const std::size_t sent = socket != nullptr ? socket->send(batch) : 0;
  counters_.sent += sent;
  return sent;
}

std::vector<net::Address> UdpPort::addresses() const {
  std::vector<net::Address> all;
  for (const auto& socket : sockets_) all.push_back(socket->address());
  return all;
}

}  // namespace ghost::b2
