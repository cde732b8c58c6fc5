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
    /// For ways that lose, where TCP's first packets come again after a second only: while no attempt is connected another is made beside it
    /// each time so long has passed, less often after a while, six at a time; and beside one that is connected, when TLS and HELLO have
    /// taken three times as long, a whole one, and after twice that a third. The first that is through counts, the others are closed.
    /// 0: one attempt.
    Duration impatience = {};
  };
  Dial(Parts parts, Target target, Done done);
  ~Dial();

 private:
  struct Attempt {
    TimePoint begun;
    std::unique_ptr<net::Connecting> connecting;  ///< null once it is connected
    std::unique_ptr<net::TlsHandshake> handshake;
    std::unique_ptr<Link> link;
    bool promising = false;  ///< it was connected at once
    bool failed = false;     ///< or was dropped
  };

  void begin();
  void drop(Attempt& attempt);
  void plan();
  void on_stream(Attempt& attempt, std::unique_ptr<net::ByteStream> stream);
  void secure(Attempt& attempt, std::unique_ptr<net::ByteStream> stream);
  Status judge_server(const net::Peer& peer) const;
  void start_link(Attempt& attempt, std::unique_ptr<net::ByteStream> stream);
  void fail(Attempt& attempt, const Error& why);
  void end(Result<std::unique_ptr<Link>> result);

  Parts parts_;
  Target target_;
  Done done_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  int connected_ = 0;  ///< of these, once
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
