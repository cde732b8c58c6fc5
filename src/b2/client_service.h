#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "b2/link_service.h"
#include "b2/membership.h"
#include "b2/one_time_code.h"
#include "b2/steady_caller.h"
#include "net/network.h"
#include "net/tls.h"

namespace ghost::b2 {

/// Where to call, as people write it.
struct Target {
  net::Address address;
  bool tls = false;

  /// "unix:/run/b2/b2.sock"; "127.0.0.1:2203", plain, since it is loopback; "10.0.0.7:2203" or "tls:127.0.0.1:2203", TLS.
  static Result<Target> parse(std::string_view text, std::uint16_t default_port = 2203);
  std::string text() const { return (tls && address.is_loopback() ? "tls:" : "") + address.text(); }
};

/// What a dialer asks of the node that answers by TLS.
struct Trust {
  const HouseTrust* house = nullptr;  ///< it must be a member of this house; null asks nothing
  const OneTimeCode* code = nullptr;  ///< it must hold the key the code names
  /// For a peer on this machine, whose key nobody else can have put there: any key will do.
  bool any_key_on_loopback = true;
  /// By what clock its certificate holds; the system's where empty.
  std::function<WallTime()> wall_clock = {};
};

/// Opening one connection: TCP or Unix socket, TLS where it is due, HELLO. Destroying it gives up.
class Dial {
 public:
  using Done = std::function<void(Result<std::unique_ptr<Link>>)>;

  /// `done` is called once, with a link that has said HELLO and whose events are still to be set, or with why not: the error names
  /// the address and the phase.
  struct Parts {
    net::Network& network;
    Endpoint& endpoint;
    std::shared_ptr<const net::TlsContext> tls;  ///< may be null when the target is plain
    Trust trust;
    Duration timeout = std::chrono::seconds(10);
    /// Where a connection takes longer another attempt is made beside it, and a third: on a way that loses, TCP's first packet comes again after a second
    /// only. 0: none.
    Duration impatience = {};
  };
  Dial(Parts parts, Target target, Done done);
  ~Dial();

 private:
  void connect();
  void on_stream(std::unique_ptr<net::ByteStream> stream);
  void on_secured(std::unique_ptr<net::ByteStream> stream);
  Status judge_server(const net::Peer& peer) const;
  void start_link(std::unique_ptr<net::ByteStream> stream);
  void end(Result<std::unique_ptr<Link>> result);

  Parts parts_;
  Target target_;
  Done done_;
  std::vector<std::unique_ptr<net::Connecting>> connecting_;
  std::size_t failed_ = 0;    ///< of these
  bool is_connected_ = false;
  std::unique_ptr<net::TlsHandshake> handshake_;
  std::unique_ptr<Link> link_;
  net::Timer timer_, impatience_;
};

/// Calls to one place: dials when a call wants it and again when the connection was lost or its peer leaves, so that callers see
/// neither; a SteadyCaller decides which calls are made again. Destroying it ends all calls. On the reactor's thread only.
class Client {
 public:
  /// All that `parts` refers to outlives the client.
  Client(Dial::Parts parts, Target target, RetryRules rules = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Caller& caller() { return *caller_; }
  std::shared_ptr<Caller> shared_caller() { return caller_; }
  /// A link to the target that stands already.
  void adopt(std::unique_ptr<Link> link);
  /// Makes no call again and no connection; open calls end in their time, then `done`.
  void close(std::function<void()> done);
  /// The connection that calls go by; null while there is none.
  Link* link() { return current_; }

 private:
  void dial();
  void on_dialled(Result<std::unique_ptr<Link>> link);
  void on_closed(const Link* link);
  void wake(TimePoint when);

  Dial::Parts parts_;
  Target target_;
  net::Reactor& reactor_;
  std::shared_ptr<SteadyCaller> caller_;
  std::unique_ptr<Dial> dial_;
  std::vector<std::unique_ptr<Link>> links_;  ///< the current one, and those whose peers leave, until their calls have ended
  Link* current_ = nullptr;
  std::function<void()> done_;
  net::Timer soon_, timer_;
  TimePoint armed_ = TimePoint::max();
};

}  // namespace ghost::b2
