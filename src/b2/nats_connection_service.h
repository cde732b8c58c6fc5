#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "b2/nats_seal.h"
#include "net/reactor.h"

namespace ghost::b2 {

/// How a NATS cluster is reached.
struct NatsServers {
  std::vector<std::string> urls;  ///< "nats://10.0.0.7:4222", "tls://…"; any of a cluster
  std::string credentials;        ///< a .creds file; "" for none
  std::string ca, certificate, key;  ///< PEM files for TLS; "" for the system's, or none
  Duration ping = std::chrono::seconds(1);    ///< between PINGs to the server; two without an answer end the connection
  Duration silent = std::chrono::seconds(7);  ///< nothing heard of a node for so long: it is away (docs/spec/b2.md §15); hello is said every 2/7 of it
};

/// A URL without what it says of user and password, for people.
std::string shown_nats_url(std::string_view url);

/// One connection to a NATS cluster, by libnats, whose threads stay in here: messages are signed and sent by a thread of its own, in the
/// order they came, opened where they arrive, and handed to the reactor. Queues are bounded; what finds one full is counted and gone,
/// which others see by its number. Connects, and connects again, until it is destroyed.
class NatsConnection {
 public:
  /// All on the reactor's thread.
  struct Events {
    std::function<void(std::string server, std::size_t max_payload)> connected;  ///< bytes of a message that the server takes
    std::function<void(std::string why)> disconnected;
    std::function<void(NatsOpener::Opened)> message;
    std::function<void(std::string inbox)> no_responders;  ///< the last token of the subject that was to hear of it
    std::function<void(const Error&)> refused;             ///< a message that was not opened
  };
  /// @param key  signs what is sent
  NatsConnection(net::Reactor& reactor, NatsServers servers, KeyPair key, HouseTrust house, Events events);
  /// Sends what waits, within half a second.
  ~NatsConnection();

  /// Signed, with the time. @param bulk  of a topic: goes first when the queue is full. False when it has gone
  bool send(std::string subject, std::string reply, v1::NatsEnvelope envelope, bool bulk);
  void listen(const std::string& subject, const std::string& queue);
  void unlisten(const std::string& subject, const std::string& queue);
  /// As NatsOpener has it.
  void set_house(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked);
  /// Messages that found a queue full, or the connection gone.
  std::uint64_t overflow() const;

 private:
  struct Shared;
  class Writer;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace ghost::b2
