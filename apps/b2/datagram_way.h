#pragma once
#include <memory>
#include <optional>
#include <string>

#include "app/session_service.h"
#include "b2/datagram_client_service.h"
#include "b2/json.h"
#include "base/command_line.h"

namespace ghost::app {

/// --udp, of the verbs that can do it by datagram.
Option udp_option(std::string help);

/// A way to a server by datagrams, with a connection beside it where one is needed: for keys, and for schemas.
class DatagramWay {
 public:
  /// Look-ups without keys and without any connection. "" is this machine's host.
  static Result<std::unique_ptr<DatagramWay>> open(std::string at, b2::DatagramForm form);
  /// For calls of that method: with keys where the address takes TLS and the method needs more than anyone has. Connects for keys, and
  /// for the schema of services that this program does not know.
  static Result<std::unique_ptr<DatagramWay>> open_for(const Arguments& arguments, std::string at, const std::string& service, const std::string& method);

  /// One call, waited for.
  Result<Bytes> call(std::string_view service, std::string_view method, BytesView request, Duration timeout);
  /// Of open_for().
  const b2::JsonCodec& codec() const { return *codec_; }
  const net::Address& server() const { return client_->server(); }
  net::EpollNetwork& network() { return session_ ? session_->network() : *network_; }

 private:
  Status seal();
  bool wait(const std::function<bool()>& done);

  std::unique_ptr<net::EpollNetwork> network_;  ///< where there is no session
  std::unique_ptr<Session> session_;
  std::optional<b2::JsonCodec> codec_;
  std::unique_ptr<b2::DatagramClient> client_;
};

}  // namespace ghost::app
