#include "b2/datagram_client_service.h"

#include "b2/message.h"
#include "b2/v1/datagrams.b2.h"
#include "base/sha256.h"

namespace ghost::b2 {

/// Waits for a session, and then tells its caller when it ends.
class DatagramClient::Opening : public std::enable_shared_from_this<Opening> {
 public:
  Opening(net::Network& network, Link& link, Done done) : network_(network), link_(link), done_(std::move(done)) {}
  ~Opening() {
    if (done_) call_.cancel();
  }

  void begin() {
    class Events final : public CallHandler {
     public:
      explicit Events(const std::shared_ptr<Opening>& opening) : opening_(opening), caller_(opening->caller_) {}
      void on_message(BytesView message) override {
        if (const auto opening = opening_.lock()) opening->on_session(message);
      }
      void on_end(const Status& status) override {
        const Error why = status ? Error{Errc::busy, "the session for datagrams has ended"} : status.error();
        if (const auto opening = opening_.lock()) opening->end(Error(why));
        if (const auto caller = caller_->lock()) caller->lost(why);
      }

     private:
      std::weak_ptr<Opening> opening_;
      std::shared_ptr<std::weak_ptr<DatagramCaller>> caller_;
    };
    CallOptions options;
    options.timeout = Duration::max();
    call_ = link_.channel().start("b2.v1.Datagrams", "Open", payload(v1::OpenDatagramsRequest{}), options, std::make_unique<Events>(shared_from_this()));
  }

 private:
  void on_session(BytesView message) {
    if (!done_) return;
    const auto session = decode<v1::DatagramSession>(message);
    if (!session) return end(session.error());
    auto exported = link_.export_key(kDatagramExporterLabel, kDatagramSecret);
    if (!exported) return end(exported.error());
    const DatagramCaller::Session keys{session->id, session->epoch, derive_datagram_keys(*exported, session->id)};
    wipe(*exported);
    std::unique_ptr<DatagramClient> client(new DatagramClient(network_, link_.peer().remote.with_port(static_cast<std::uint16_t>(session->port))));
    if (const Status bound = client->bind(network_); !bound) return end(bound.error());
    client->caller_ = std::make_shared<DatagramCaller>(client->wiring(link_.shared_channel()), keys);
    client->session_ = call_;
    *caller_ = client->caller_;
    end(std::move(client));
  }

  void end(Result<std::unique_ptr<DatagramClient>> result) {
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  net::Network& network_;
  Link& link_;
  Done done_;
  ClientCall call_;
  std::shared_ptr<std::weak_ptr<DatagramCaller>> caller_ = std::make_shared<std::weak_ptr<DatagramCaller>>();
};

std::shared_ptr<void> DatagramClient::open_sealed(net::Network& network, Link& link, Done done) {
  const auto opening = std::make_shared<Opening>(network, link, std::move(done));
  network.reactor().post([weak = std::weak_ptr<Opening>(opening)] {
    if (const auto still = weak.lock()) still->begin();
  });
  return opening;
}

Result<std::unique_ptr<DatagramClient>> DatagramClient::open(net::Network& network, const net::Address& server, DatagramForm form,
                                                             std::weak_ptr<Caller> connection) {
  if (!server.is_ip() || server.is_multicast()) return Error{Errc::malformed, server.text() + ": calls by datagram go to HOST:PORT"};
  std::unique_ptr<DatagramClient> client(new DatagramClient(network, server));
  if (const Status bound = client->bind(network); !bound) return bound.error();
  client->caller_ = std::make_shared<DatagramCaller>(client->wiring(std::move(connection)), form);
  return client;
}

Status DatagramClient::bind(net::Network& network) {
  net::DatagramOptions options;
  options.local = server_.family() == net::Address::Family::ip6 ? net::Address::ip6({}, 0) : net::Address::ip4({0, 0, 0, 0}, 0);
  auto socket = network.open_datagram(options);
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  socket_->on_datagrams([this, alive = std::weak_ptr<char>(alive_)](std::span<const net::Datagram> batch) {
    for (const net::Datagram& datagram : batch) {
      if (alive.expired()) return;
      if (datagram.from.ip() == server_.ip() && datagram.from.port() == server_.port()) caller_->on_datagram(datagram.bytes);
    }
  });
  return {};
}

DatagramCaller::Wiring DatagramClient::wiring(std::weak_ptr<Caller> connection) {
  const std::weak_ptr<char> alive = alive_;
  return {reactor_, server_.text(), [this, alive] {
            if (alive.expired()) return;
            reactor_.at_turn_end([this, alive] {
              if (!alive.expired()) flush();
            });
          },
          [this, alive](TimePoint when) {
            if (alive.expired() || when >= armed_) return;
            armed_ = when;
            timer_ = reactor_.wake_at(when, [this](TimePoint) {
              armed_ = TimePoint::max();
              caller_->on_time();
            });
          },
          std::move(connection)};
}

void DatagramClient::flush() {
  const std::vector<Bytes> outgoing = caller_->take_outgoing();
  std::vector<net::Datagram> batch;
  for (const Bytes& bytes : outgoing) batch.push_back({{}, server_, bytes, 0});
  if (!batch.empty()) socket_->send(batch);
}

DatagramClient::~DatagramClient() {
  alive_.reset();
  timer_.reset();
  session_.cancel();
  if (caller_) caller_->lost(Error{Errc::aborted, "the client was closed on this side"});
}

}  // namespace ghost::b2
