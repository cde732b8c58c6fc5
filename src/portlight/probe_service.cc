#include "portlight/probe_service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>

#include "base/text.h"
#include "base/unique_fd.h"

namespace ghost::portlight {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kConnect = milliseconds(500), kGreeting = milliseconds(250), kAnswer = milliseconds(600), kDatagram = milliseconds(300), kInAll = milliseconds(3000);
constexpr std::size_t kMostHeard = 4096;

/// Where a client of this machine reaches the listener.
socklen_t address_of(const Socket& socket, sockaddr_storage& out) {
  out = {};
  if (socket.ip6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(out);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(socket.port);
    std::copy(socket.ip.begin(), socket.ip.end(), in6.sin6_addr.s6_addr);
    if (socket.is_any()) in6.sin6_addr = in6addr_loopback;
    in6.sin6_scope_id = socket.interface;
    return sizeof in6;
  }
  auto& in4 = reinterpret_cast<sockaddr_in&>(out);
  in4.sin_family = AF_INET;
  in4.sin_port = htons(socket.port);
  std::copy_n(socket.ip.begin(), 4, reinterpret_cast<std::uint8_t*>(&in4.sin_addr));
  if (socket.is_any()) in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof in4;
}

bool wait_for(int fd, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    pollfd one{fd, events, 0};
    const int count = ::poll(&one, 1, static_cast<int>(std::max<long long>(left, 0)));
    if (count < 0 && errno == EINTR) continue;
    return count > 0;
  }
}

Result<UniqueFd> connect_to(const Socket& socket, int type) {
  sockaddr_storage address;
  const socklen_t length = address_of(socket, address);
  UniqueFd fd(::socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("open a socket to", address_text(socket));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0) return fd;
  if (errno != EINPROGRESS) return errno_error("connect to", address_text(socket));
  if (!wait_for(fd.get(), POLLOUT, Clock::now() + kConnect)) return Error{Errc::timed_out, "connect to " + address_text(socket) + ": no answer in 500 ms"};
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return errno_error(error, "connect to", address_text(socket));
  return fd;
}

/// Bytes that go out and in: a socket, or TLS on one.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual bool send(BytesView bytes) = 0;
  /// More bytes, none at the end of the stream, nothing when `until` has passed.
  virtual std::optional<Bytes> receive(Clock::time_point until) = 0;
};

class PlainWire : public Wire {
 public:
  explicit PlainWire(int fd) : fd_(fd) {}
  bool send(BytesView bytes) override { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
  std::optional<Bytes> receive(Clock::time_point until) override {
    if (!wait_for(fd_, POLLIN, until)) return std::nullopt;
    Bytes bytes(kMostHeard);
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }

 private:
  int fd_;
};

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

class TlsWire : public Wire {
 public:
  /// Any certificate will do: it is looked at, not trusted.
  static std::unique_ptr<TlsWire> open(int fd, Clock::time_point until) {
    std::unique_ptr<TlsWire> self(new TlsWire(fd));
    self->context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!self->context_) return nullptr;
    SSL_CTX_set_verify(self->context_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_security_level(self->context_.get(), 0);
    self->ssl_.reset(SSL_new(self->context_.get()));
    static constexpr unsigned char kAlpn[] = "\x08http/1.1\x04" "b2/1";
    SSL_set_alpn_protos(self->ssl_.get(), kAlpn, sizeof kAlpn - 1);
    SSL_set_fd(self->ssl_.get(), fd);
    for (;;) {
      const int done = SSL_connect(self->ssl_.get());
      if (done == 1) return self;
      if (!self->wait_as_told(done, until)) return nullptr;
    }
  }
  bool send(BytesView bytes) override { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()); }
  std::optional<Bytes> receive(Clock::time_point until) override {
    Bytes bytes(kMostHeard);
    for (;;) {
      const int count = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (count > 0) {
        bytes.resize(static_cast<std::size_t>(count));
        return bytes;
      }
      const int why = SSL_get_error(ssl_.get(), count);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return Bytes();
      if (!wait_for(fd_, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until)) return std::nullopt;
    }
  }
  /// "TLSv1.3, ALPN http/1.1, certificate CN=localhost".
  std::string description() const {
    std::string text = SSL_get_version(ssl_.get());
    if (const std::string agreed = alpn(); !agreed.empty()) text += ", ALPN " + agreed;
    const std::unique_ptr<X509, FreeTls> certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (!certificate) return text;
    std::array<char, 256> subject{};
    X509_NAME_oneline(X509_get_subject_name(certificate.get()), subject.data(), subject.size());
    return text + ", certificate " + cut_to_width(printable(subject.data()), 80);
  }
  std::string alpn() const {
    const unsigned char* agreed = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_.get(), &agreed, &length);
    return printable(std::string(reinterpret_cast<const char*>(agreed), length));
  }
  std::string version() const { return SSL_get_version(ssl_.get()); }

 private:
  explicit TlsWire(int fd) : fd_(fd) {}
  bool wait_as_told(int done, Clock::time_point until) {
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ) return wait_for(fd_, POLLIN, until);
    if (why == SSL_ERROR_WANT_WRITE) return wait_for(fd_, POLLOUT, until);
    return false;
  }

  int fd_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::unique_ptr<SSL, FreeTls> ssl_;
};

/// One listener's turn.
class Interview {
 public:
  Interview(const Socket& socket, Hearing& hearing) : socket_(socket), hearing_(hearing), end_(Clock::now() + kInAll) {}

  void run(const std::vector<const Probe*>& probes) {
    auto fd = connect();
    if (!fd) return;
    hearing_.connected = true;
    PlainWire wire(fd->get());
    bool fresh = true;
    if (hear(wire, "", kGreeting)) {
      if (settled() || probes.empty()) return;
      fd.reset();
      follow(hearing_.found->follow);
      fresh = false;
    }
    for (const Probe* probe : probes) {
      if (Clock::now() >= end_ || settled()) return;
      if (!fresh) {
        fd.reset();  // one connection at a time
        fd = connect();
      }
      if (!fd) return;
      fresh = false;
      ask(*fd, *probe);
    }
  }

 private:
  bool settled() const { return hearing_.found && hearing_.found->follow.empty(); }
  Clock::time_point within(milliseconds time) const { return std::min(Clock::now() + time, end_); }

  std::optional<UniqueFd> connect() {
    auto fd = connect_to(socket_, SOCK_STREAM);
    if (fd) return std::move(*fd);
    hearing_.evidence.push_back(fd.error().message);
    return std::nullopt;
  }

  /// True when something known was heard that is at least as sure as what was before.
  bool hear(Wire& wire, std::string_view after, milliseconds time) {
    const auto until = within(time);
    Bytes heard;
    std::optional<Recognition> best;
    while (heard.size() < kMostHeard) {
      const auto more = wire.receive(until);
      if (!more || more->empty()) break;
      heard.insert(heard.end(), more->begin(), more->end());
      best = recognise(socket_.transport, after, heard);
      if (best && best->confidence >= 0.9 && (after != "redis" || heard.size() > 16)) break;
    }
    if (heard.empty()) return false;
    hearing_.heard_something = true;
    const std::string question = after.empty() ? "it greets" : "asked " + std::string(after) + ", it answers";
    if (!best) {
      const std::string_view text = as_text(heard);
      hearing_.evidence.push_back(question + " " + quoted_when_needed(cut_to_width(printable(text.substr(0, 64)), 48)) + ", which I don't know");
      return false;
    }
    hearing_.evidence.push_back(question + " " + quoted_when_needed(best->said) + ": " + best->protocol);
    if (hearing_.found && hearing_.found->confidence > best->confidence) return false;
    hearing_.found = std::move(best);
    return true;
  }

  void ask(UniqueFd& fd, const Probe& probe) {
    if (probe.name == "tls") return ask_tls(fd);
    PlainWire wire(fd.get());
    if (!wire.send(probe.request())) return;
    if (!hear(wire, probe.name, kAnswer) || hearing_.found->follow.empty()) return;
    fd.reset();
    follow(hearing_.found->follow);
  }

  /// A hint is followed once.
  void follow(std::string hint) {
    hearing_.found->follow.clear();
    const Probe* probe = find_probe(hint, Transport::tcp);
    if (probe == nullptr || Clock::now() >= end_) return;
    auto fd = connect();
    if (!fd) return;
    if (hint == "tls") return ask_tls(*fd);
    PlainWire wire(fd->get());
    if (hint == "ehlo") (void)wire.receive(within(kGreeting));
    if (wire.send(probe->request())) hear(wire, probe->name, kAnswer);
    if (hearing_.found) hearing_.found->follow.clear();
  }

  void ask_tls(UniqueFd& fd) {
    const auto tls = TlsWire::open(fd.get(), within(milliseconds(1000)));
    if (!tls) return;
    hearing_.heard_something = true;
    hearing_.evidence.push_back("TLS handshake: " + tls->description());
    hearing_.found = Recognition{"tls", "", tls->version(), 0.95, tls->description(), {}};
    if (tls->alpn() == "b2/1") {
      hearing_.found->protocol = "b2";
      return;
    }
    const Recognition outer = *hearing_.found;
    hearing_.found.reset();
    bool known = tls->alpn().empty() && hear(*tls, "", kGreeting);
    if (!known && tls->send(find_probe("http", Transport::tcp)->request())) known = hear(*tls, "http", kAnswer);
    if (!known || !hearing_.found || hearing_.found->confidence < 0.7) {
      hearing_.found = outer;
      return;
    }
    hearing_.found->follow.clear();
    hearing_.found->protocol += "s";
  }

  const Socket& socket_;
  Hearing& hearing_;
  Clock::time_point end_;
};

}  // namespace

Hearing listen_and_ask(const Socket& socket, const std::vector<const Probe*>& probes) {
  Hearing hearing;
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  Interview(socket, hearing).run(probes);
  // A guess that nothing better followed stays, less sure.
  if (hearing.found) hearing.found->follow.clear();
  return hearing;
}

Hearing ask_by_datagram(const Socket& socket, const std::vector<const Probe*>& probes) {
  Hearing hearing;
  for (const Probe* probe : probes) {
    const auto fd = connect_to(socket, SOCK_DGRAM);
    if (!fd) {
      hearing.evidence.push_back(fd.error().message);
      return hearing;
    }
    PlainWire wire(fd->get());
    if (!wire.send(probe->request())) continue;
    const auto heard = wire.receive(Clock::now() + kDatagram);
    if (!heard || heard->empty()) continue;
    hearing.connected = hearing.heard_something = true;
    hearing.found = recognise(Transport::udp, probe->name, *heard);
    hearing.evidence.push_back("asked " + std::string(probe->name) + ", it answers " + std::to_string(heard->size()) + " bytes" + (hearing.found ? ": " + hearing.found->protocol : ""));
    if (hearing.found) return hearing;
  }
  return hearing;
}

}  // namespace ghost::portlight
