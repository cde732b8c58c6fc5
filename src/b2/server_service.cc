#include "b2/server_service.h"

#include <algorithm>
#include <array>

#include "b2/frame.h"
#include "b2/reply_cache.h"
#include "b2/sniff.h"

namespace ghost::b2 {

namespace {

constexpr Duration kLastWords = std::chrono::seconds(1);

/// A stream on its way out: a line of reason is sent, whatever comes is ignored.
class Leaving : public net::StreamHandler {
 public:
  explicit Leaving(std::function<void()> gone) : gone_(std::move(gone)) {}
  void on_bytes(BytesView) override {}
  void on_writable() override {}
  void on_closed(const Error&) override {
    const auto gone = gone_;
    gone();
  }

 private:
  std::function<void()> gone_;
};

}  // namespace

/// A connection that has not said yet what it is: first bytes, TLS handshake, then HELLO.
class Server::Guest : public net::StreamHandler {
 public:
  Guest(Server& server, std::uint64_t number, std::unique_ptr<net::ByteStream> stream, std::string host)
      : server_(server), number_(number), stream_(std::move(stream)), host_(std::move(host)), where_(stream_->peer().remote.text()) {
    if (stream_->peer().remote.family() == net::Address::Family::unix_path) where_ = stream_->peer().local.text();
  }

  void begin() {
    const TimePoint deadline = server_.reactor_.now() + server_.parts_.limits.first_bytes;
    timer_ = server_.reactor_.wake_at(deadline, [this](TimePoint) { leave(Refusal::silence, "nothing was said for " + seconds(server_.parts_.limits.first_bytes)); });
    stream_->set_handler(*this);
  }

  void on_bytes(BytesView bytes) override {
    if (link_) return;
    first_.insert(first_.end(), bytes.begin(), bytes.end());
    const net::Peer& peer = stream_->peer();
    const std::string alpn = peer.tls ? peer.tls->alpn : "";
    switch (sniff(first_)) {
      case Protocol::undecided: return;
      case Protocol::tls:
        if (peer.tls) return leave(Refusal::protocol, "TLS inside TLS");
        if (!server_.parts_.tls) return leave(Refusal::protocol, "TLS is not served here: this node has no key");
        return secure();
      case Protocol::b2:
        if (peer.tls && alpn != "b2/1") return leave(Refusal::protocol, "b2 where '" + alpn + "' was agreed on");
        if (!peer.tls && !peer.remote.is_loopback()) return leave(Refusal::needs_tls, "off this machine b2 is spoken inside TLS only");
        return become_link();
      case Protocol::http:
        if (peer.tls && alpn != "http/1.1") return leave(Refusal::protocol, "HTTP where '" + alpn + "' was agreed on");
        if (!peer.tls && !peer.remote.is_loopback()) return leave(Refusal::needs_tls, "off this machine HTTP is spoken inside TLS only");
        if (!server_.parts_.http) return leave(Refusal::protocol, "HTTP is not served here");
        return become_http();
      case Protocol::none: return leave(Refusal::protocol, "these first bytes are no protocol served here; it speaks b2, TLS and HTTP");
    }
  }
  void on_writable() override {}
  void on_closed(const Error&) override { server_.forget(number_); }

  const std::string& host() const { return host_; }

 private:
  static std::string seconds(Duration span) { return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s"; }

  void secure() {
    timer_.reset();
    const Bytes first = std::exchange(first_, {});
    const std::string local = stream_->peer().local.text();
    handshake_ = net::tls_accept(server_.reactor_, std::move(stream_), server_.parts_.tls, first, server_.parts_.limits.tls_handshake,
                                 [this](Result<std::unique_ptr<net::ByteStream>> secured) {
                                   if (!secured) {
                                     if (server_.parts_.log) server_.parts_.log(secured.error().message);
                                     server_.parts_.endpoint.counters.refuse(Refusal::tls);
                                     return server_.forget(number_);
                                   }
                                   stream_ = std::move(*secured);
                                   begin();
                                 });
  }

  void become_link() {
    timer_.reset();
    link_ = true;
    const Bytes first = std::exchange(first_, {});
    server_.start_link(number_, std::move(stream_), first);
  }

  void become_http() {
    const Bytes first = std::exchange(first_, {});
    Server& server = server_;
    const std::uint64_t number = number_;
    server.start_http(std::move(stream_), first);
    server.forget(number);  // ends this object
  }

  void leave(Refusal reason, const std::string& why) {
    Server& server = server_;
    auto stream = std::move(stream_);
    const std::string told = where_ + ": " + why;
    if (server.parts_.log) server.parts_.log(told);
    server.forget(number_);  // ends this object
    server.turn_away(std::move(stream), reason, why);
  }

  Server& server_;
  const std::uint64_t number_;
  std::unique_ptr<net::ByteStream> stream_;
  std::unique_ptr<net::TlsHandshake> handshake_;
  std::string host_, where_;
  Bytes first_;
  bool link_ = false;
  net::Timer timer_;
};

Server::Server(Parts parts) : parts_(std::move(parts)), reactor_(parts_.network.reactor()) { tick(); }

void Server::tick() {
  parts_.endpoint.replies->on_tick(reactor_.now());
  tick_ = reactor_.wake_at(reactor_.now() + ReplyCache::kTick, [this](TimePoint) { tick(); });
}

Server::~Server() {
  alive_.reset();
  guests_.clear();
  http_.clear();
  links_.clear();
}

Result<net::Address> Server::listen(const net::Address& at) {
  if (!at.is_loopback() && !parts_.tls) {
    return Error{Errc::refused, "listen on " + at.text() + ": off loopback only members of a house are served, and this node is in none; "
                                "make one with 'ghostlight house create NAME' or join one with 'ghostlight house join'"};
  }
  auto listener = parts_.network.listen(at, acceptor());
  if (!listener) return listener.error();
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->address();
}

net::OnAccept Server::acceptor() {
  return [this](std::unique_ptr<net::ByteStream> stream) { on_accept(std::move(stream)); };
}

std::vector<net::Address> Server::addresses() const {
  std::vector<net::Address> all;
  for (const auto& listener : listeners_) all.push_back(listener->address());
  return all;
}

void Server::on_accept(std::unique_ptr<net::ByteStream> stream) {
  const ServerLimits& limits = parts_.limits;
  const net::Address& remote = stream->peer().remote;
  const std::string host = remote.is_loopback() ? "" : remote.host();
  std::string full;
  if (guests_.size() + links_.size() + http_.size() >= limits.connections) {
    full = std::to_string(limits.connections) + " connections are open, as many as are allowed; try again later";
  } else if (guests_.size() >= limits.unidentified) {
    full = std::to_string(limits.unidentified) + " connections have not said who they are; try again later";
  } else if (guests_by_host_.contains(host) && guests_by_host_.at(host) >= limits.unidentified_per_address) {
    full = std::to_string(limits.unidentified_per_address) + " connections from " + host + " have not said who they are";
  }
  if (!full.empty()) {
    if (parts_.log) parts_.log(remote.text() + ": " + full);
    return turn_away(std::move(stream), Refusal::connection_limit, full);
  }
  if (!host.empty()) ++guests_by_host_[host];
  const std::uint64_t number = ++guest_count_;
  Guest& guest = *(guests_[number] = std::make_unique<Guest>(*this, number, std::move(stream), host));
  guest.begin();
}

void Server::forget(std::uint64_t guest) {
  const auto found = guests_.find(guest);
  if (found == guests_.end()) return;
  const std::unique_ptr<Guest> ended = std::move(found->second);
  guests_.erase(found);
  if (const auto count = guests_by_host_.find(ended->host()); count != guests_by_host_.end() && --count->second == 0) guests_by_host_.erase(count);
  check_idle();
}

/// Sends one line of reason and closes.
void Server::turn_away(std::unique_ptr<net::ByteStream> stream, Refusal reason, const std::string& why) {
  parts_.endpoint.counters.refuse(reason);
  stream->output().append(as_bytes("b2: " + why + "\r\n"));
  leaving_.push_back(std::move(stream));
  const auto at = std::prev(leaving_.end());
  auto handler = std::make_shared<std::unique_ptr<Leaving>>();
  *handler = std::make_unique<Leaving>([this, at, handler] {
    const auto keep = std::move(*handler);  // this very handler: it must outlive the stream
    leaving_.erase(at);
  });
  (*at)->set_handler(**handler);
  (*at)->finish(kLastWords);
}

void Server::start_link(std::uint64_t guest, std::unique_ptr<net::ByteStream> stream, BytesView first) {
  auto peer = parts_.judge(stream->peer());
  // The guest stands for the connection until HELLO, so that the limits on those without one hold.
  add_link(std::move(stream), std::move(peer), first, guest);
}

void Server::serve(std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer) {
  if (shutting_down_) return;
  add_link(std::move(stream), std::move(peer), {}, 0);
}

void Server::add_link(std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer, BytesView first,
                      std::uint64_t guest) {
  links_.emplace_back();
  const auto at = std::prev(links_.end());
  Link::Events events;
  events.hello = [this, guest] {
    forget(guest);
    if (!handing_over_) return;
    reactor_.post([this, alive = std::weak_ptr<char>(alive_)] {  // nothing may end within a HELLO
      if (!alive.expired()) send_away();
    });
  };
  events.closed = [this, at, guest](const Error& why) {
    if (parts_.log && why.code != Errc::cancelled) parts_.log(why.message);
    forget(guest);  // one that left before HELLO
    const std::unique_ptr<Link> ended = std::move(*at);
    links_.erase(at);
    check_idle();
  };
  *at = std::make_unique<Link>(reactor_, parts_.endpoint, Side::acceptor, std::move(stream), std::move(peer), std::move(events));
  (*at)->open(first);
}

void Server::start_http(std::unique_ptr<net::ByteStream> stream, BytesView first) {
  http_.emplace_back();
  const auto at = std::prev(http_.end());
  const net::Peer& there = stream->peer();
  const HttpPeer peer{parts_.judge(there), !there.tls && there.remote.is_ip() && there.remote.is_loopback()};
  auto handle = [http = parts_.http, peer](net::HttpRequest request, std::unique_ptr<net::HttpReply> reply) {
    http(std::move(request), std::move(reply), peer);
  };
  at->peer = peer.identity;
  at->connection = net::serve_http(reactor_, std::move(stream), first, parts_.http_limits, std::move(handle), [this, at, listed = std::weak_ptr<char>(at->listed)] {
    // Posted: the connection is still on the stack.
    reactor_.post([this, at, listed] {
      if (listed.expired()) return;
      http_.erase(at);
      check_idle();
    });
  });
  if (handing_over_) at->connection->leave(net::HttpConnection::WhenIdle::awaits_one_more);
}

void Server::end_http(const std::function<bool(const Identity&)>& whose) {
  std::erase_if(http_, [&](const HttpLink& one) { return one.connection && whose(*one.peer); });
  check_idle();
}

void Server::tell_services(const v1::ServiceEntry& changed) {
  for (const auto& link : links_) link->channel().tell_services(changed);
}

void Server::shut_down(Duration grace, std::function<void()> done) {
  shutting_down_ = true;
  listeners_.clear();
  guests_.clear();
  guests_by_host_.clear();
  std::erase_if(http_, [](const HttpLink& http) { return !http.connection || http.connection->idle(); });
  for (const HttpLink& http : http_) http.connection->leave();
  idle_ = std::move(done);
  hurry(grace);
  for (const auto& channel : channels()) channel->drain(parts_.endpoint.name + " is shutting down");
  check_idle();
}

void Server::hand_over(Duration grace, std::function<void()> done) {
  handing_over_ = true;
  listeners_.clear();
  idle_ = std::move(done);
  for (const HttpLink& http : http_) {
    if (http.connection) http.connection->leave(net::HttpConnection::WhenIdle::awaits_one_more);
  }
  send_away();
  hurry(grace);
  check_idle();
}

/// Those that have said HELLO: before, GOAWAY would not be understood.
void Server::send_away() {
  for (const auto& channel : channels()) {
    if (channel->ready()) channel->go_away({});
  }
}

void Server::hurry(Duration grace) {
  if (idle_) patience_ = reactor_.wake_at(reactor_.now() + grace, [this](TimePoint) { cut_short(); });
}

void Server::cut_short() {
  guests_.clear();
  guests_by_host_.clear();
  http_.clear();
  patience_ = reactor_.wake_at(reactor_.now() + kLastWords, [this](TimePoint) {
    links_.clear();
    check_idle();
  });
  for (const auto& channel : channels()) channel->go_away(Error{Errc::busy, parts_.endpoint.name + " has shut down before the call was done"});
  check_idle();
}

std::vector<std::shared_ptr<Channel>> Server::channels() const {
  std::vector<std::shared_ptr<Channel>> all;
  for (const auto& link : links_) all.push_back(link->shared_channel());
  return all;
}

void Server::check_idle() {
  if (!idle_ || !links_.empty() || !http_.empty() || !guests_.empty()) return;
  patience_.reset();
  reactor_.post(std::exchange(idle_, nullptr));
}

}  // namespace ghost::b2
