#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "b2/link_service.h"
#include "net/http.h"
#include "net/network.h"
#include "net/tls.h"

namespace ghost::b2 {

/// Says who is at the other end of a connection, from what the transport proved (docs/spec/b2.md §9).
using Judge = std::function<std::shared_ptr<const Identity>(const net::Peer&)>;

/// Who sends an HTTP request, as its connection shows; a token in the request may show more.
struct HttpPeer {
  std::shared_ptr<const Identity> identity;
  bool loopback = false;  ///< TCP on this machine, without TLS
};
using OnHttp = std::function<void(net::HttpRequest, std::unique_ptr<net::HttpReply>, const HttpPeer&)>;

/// What a server holds strangers to (docs/spec/b2.md §7).
struct ServerLimits {
  std::size_t connections = 10'000;
  std::size_t unidentified = 256;           ///< before HELLO, or before the first HTTP request
  std::size_t unidentified_per_address = 16;  ///< not counted for loopback and Unix sockets, which all have one address
  Duration first_bytes = std::chrono::seconds(5);
  Duration tls_handshake = std::chrono::seconds(10);
};

/// Accepts connections on any number of addresses and takes each for what its first bytes say: b2, TLS with b2 or HTTP inside, or
/// HTTP (docs/spec/b2.md §1). On the reactor's thread only.
class Server {
 public:
  struct Parts {
    net::Network& network;
    Endpoint& endpoint;
    Judge judge;
    std::shared_ptr<const net::TlsContext> tls;  ///< null: TLS is refused, and only loopback may be listened on
    OnHttp http;                                 ///< empty: HTTP is refused
    net::HttpLimits http_limits;
    ServerLimits limits;
    std::function<void(std::string_view)> log;   ///< one line about each connection that was turned away or broke; may be empty
  };
  explicit Server(Parts parts);
  ~Server();

  /// Listens; answers where it really does (port 0 chosen by the kernel). refused for an address off loopback without TLS: the
  /// message says how to get a house.
  Result<net::Address> listen(const net::Address& at);
  /// Listens on a socket that does already (socket activation).
  net::OnAccept acceptor();
  void adopt(std::unique_ptr<net::Listener> listener) { listeners_.push_back(std::move(listener)); }

  /// Serves b2 on a stream that was opened elsewhere (a WebSocket), to that peer.
  void serve(std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer);

  std::vector<net::Address> addresses() const;
  /// For handshakes from now on: the node has a new certificate.
  void set_tls(std::shared_ptr<const net::TlsContext> tls) { parts_.tls = std::move(tls); }
  /// Calls that connections are open: all links, for HELLO_UPDATE.
  void tell_services(const v1::ServiceEntry& changed);
  /// Ends HTTP connections of those that are no longer what they were taken for; b2 connections are the endpoint's channels. Not from
  /// within the handler of a request.
  void end_http(const std::function<bool(const Identity&)>& whose);
  /// Stops listening, says GOAWAY, ends streams and lets other calls end (docs/spec/b2.md §6); `done` once no connection is left. Calls
  /// that are open after `grace` are cut off, and their callers told why.
  void shut_down(Duration grace, std::function<void()> done);
  /// After shut_down(): the grace is over. Who still has a call open hears why it ends, and has a moment to take that.
  void cut_short();
  /// Another process has the listeners: says GOAWAY, also to whoever says HELLO from here on, and lets calls, streams and HTTP requests end,
  /// those too that are on their way. `done` once no connection is left; what is open after `grace` is cut off.
  void hand_over(Duration grace, std::function<void()> done);
  /// While it shuts down or hands over: what is open after `grace` is cut off.
  void hurry(Duration grace);
  std::size_t unidentified() const { return guests_.size(); }

 private:
  class Guest;
  using LinkList = std::list<std::unique_ptr<Link>>;
  struct HttpLink {
    std::shared_ptr<const Identity> peer;
    std::unique_ptr<net::HttpConnection> connection;
    std::shared_ptr<char> listed = std::make_shared<char>();  ///< while it stands in the list
  };
  using HttpList = std::list<HttpLink>;

  void on_accept(std::unique_ptr<net::ByteStream> stream);
  void forget(std::uint64_t guest);
  void start_link(std::uint64_t guest, std::unique_ptr<net::ByteStream> stream, BytesView first);
  void start_http(std::unique_ptr<net::ByteStream> stream, BytesView first);
  /// @param guest  who stands for the connection until HELLO; 0 for nobody
  void add_link(std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer, BytesView first,
                std::uint64_t guest);
  void turn_away(std::unique_ptr<net::ByteStream> stream, Refusal reason, const std::string& why);
  void tick();
  void check_idle();
  void send_away();
  std::vector<std::shared_ptr<Channel>> channels() const;

  Parts parts_;
  net::Reactor& reactor_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::map<std::string, std::size_t> guests_by_host_;
  std::map<std::uint64_t, std::unique_ptr<Guest>> guests_;
  std::uint64_t guest_count_ = 0;
  LinkList links_;
  HttpList http_;
  std::list<std::unique_ptr<net::ByteStream>> leaving_;
  std::function<void()> idle_;
  net::Timer patience_;
  net::Timer tick_;
  bool shutting_down_ = false;
  bool handing_over_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
