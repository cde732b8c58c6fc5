#include "b2/datagram_service.h"

#include <algorithm>

#include "base/random.h"
#include "base/sha256.h"

namespace ghost::b2 {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::array<std::uint8_t, 16> widened(const net::Address& address) {
  if (address.family() != net::Address::Family::ip4) return address.ip();
  std::array<std::uint8_t, 16> wide{};
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), wide.begin());
  std::copy_n(address.ip().begin(), 4, wide.begin() + 12);
  return wide;
}

net::Address narrowed(const std::array<std::uint8_t, 16>& wide, bool ip4, std::uint16_t port, std::uint32_t scope) {
  return ip4 ? net::Address::ip4({wide[12], wide[13], wide[14], wide[15]}, port) : net::Address::ip6(wide, port, scope);
}

DatagramPeer sender_of(const net::Datagram& datagram) {
  DatagramPeer peer;
  peer.host = widened(datagram.from);
  peer.port = datagram.from.port();
  peer.ip4 = datagram.from.family() == net::Address::Family::ip4;
  peer.loopback = datagram.from.is_loopback();
  peer.local = widened(datagram.to);
  peer.interface = datagram.interface;
  peer.scope = datagram.from.scope();
  return peer;
}

std::array<std::uint8_t, 32> random_secret() {
  std::array<std::uint8_t, 32> secret;
  random_bytes(secret);
  return secret;
}

}  // namespace

DatagramServer::DatagramServer(net::Reactor& reactor, Endpoint& endpoint, UdpPort& port, const DatagramLimits& limits)
    : reactor_(reactor), endpoint_(endpoint), port_(port) {
  DatagramCallee::Wiring wiring{endpoint, reactor, [this] {
                                  if (std::exchange(flushing_, true)) return;
                                  reactor_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
                                    if (!alive.expired()) flush();
                                  });
                                },
                                [this](TimePoint when) { wake_at(when); },
                                [](const DatagramPeer& peer) { return narrowed(peer.host, peer.ip4, peer.port, peer.scope).text() + " (UDP)"; }};
  callee_ = std::make_shared<DatagramCallee>(std::move(wiring), random_secret(), limits);
  port_.take(kMagic, [this](const net::Datagram& datagram) { callee_->on_datagram(datagram.bytes, sender_of(datagram)); });
}

DatagramServer::~DatagramServer() {
  port_.take(kMagic, {});
  callee_->close();
  for (auto& [id, stream] : std::exchange(sessions_, {})) stream->fail({Errc::busy, endpoint_.name + " is shutting down"});
}

void DatagramServer::flush() {
  flushing_ = false;
  const auto outgoing = callee_->take_outgoing();
  std::vector<net::Datagram> batch;
  for (std::size_t i = 0; i < outgoing.size(); ++i) {
    const DatagramPeer& to = outgoing[i].to;
    batch.push_back({narrowed(to.local, to.ip4, 0, 0), narrowed(to.host, to.ip4, to.port, to.scope), outgoing[i].bytes, to.interface});
    // A batch leaves from one socket.
    const bool last = i + 1 == outgoing.size() || outgoing[i + 1].to.local != to.local || outgoing[i + 1].to.ip4 != to.ip4;
    if (!last) continue;
    port_.send(batch);
    batch.clear();
  }
}

void DatagramServer::wake_at(TimePoint when) {
  if (when >= armed_) return;
  armed_ = when;
  timer_ = reactor_.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    callee_->on_time();
  });
}

void DatagramServer::open(v1::OpenDatagramsRequest, ServerStream<v1::DatagramSession> stream) {
  const auto addresses = port_.addresses();
  if (addresses.empty()) return stream.fail({Errc::unsupported, endpoint_.name + " takes no datagrams: it has no UDP port"});
  if (!stream.context().export_key) {
    return stream.fail({Errc::unsupported, "keys for datagrams come from TLS, and this connection has none: call by TLS, as in tls:127.0.0.1:2203"});
  }
  auto exported = stream.context().export_key(kDatagramExporterLabel, kDatagramSecret);
  if (!exported) return stream.fail(exported.error());
  v1::DatagramSession told;
  std::array<std::uint8_t, 8> random;
  random_bytes(random);
  told.id = ByteReader(random).u64();
  told.port = addresses.front().port();
  told.epoch = endpoint_.boot_epoch;
  const Status opened = callee_->open_session(told.id, derive_datagram_keys(*exported, told.id), stream.context().caller);
  wipe(*exported);
  if (!opened) return stream.fail(opened.error());
  const auto held = std::make_shared<ServerStream<v1::DatagramSession>>(std::move(stream));
  sessions_[told.id] = held;
  held->on_cancel([this, id = told.id, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) leave(id);
  });
  held->write(told);
}

/// The stream, or its connection, has ended.
void DatagramServer::leave(std::uint64_t session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  const auto stream = std::move(found->second);
  sessions_.erase(found);
  callee_->close_session(session);
  stream->fail({Errc::cancelled, "the session was closed"});
}

Result<v1::FetchResponse> DatagramServer::fetch(const v1::FetchRequest& request, const CallContext& context) {
  auto answer = callee_->fetch(request.session, request.sequence, *context.caller);
  if (!answer) return answer.error();
  v1::FetchResponse response;
  response.answer = std::move(*answer);
  return response;
}

void DatagramServer::go_away() {
  callee_->go_away();
  for (auto& [id, stream] : std::exchange(sessions_, {})) {
    callee_->close_session(id);
    stream->fail({Errc::busy, endpoint_.name + " is shutting down"});
  }
}

}  // namespace ghost::b2
