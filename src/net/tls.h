#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/network.h"

namespace ghost::net {

/// One side's certificate, key and what it asks of the other. Immutable once made; shared by all connections of a process (the
/// shared_ptr ties the OpenSSL context to the last of them).
struct TlsConfig {
  std::vector<Bytes> certificates;  ///< DER, leaf first
  Bytes private_key;                ///< DER, PKCS#8 (Ed25519)
  std::vector<std::string> alpn;    ///< offered or accepted, best first; a server refuses a client that offers none of them
  bool ask_peer_certificate = true; ///< a server asks for one (and goes on without); who may do what is decided above TLS
};
class TlsContext;
Result<std::shared_ptr<const TlsContext>> make_tls_context(const TlsConfig& config);

/// Called once with the secured stream, whose peer().tls is filled in, or with why there is none: the error names the peer's
/// address and the phase.
using OnSecured = std::function<void(Result<std::unique_ptr<ByteStream>>)>;

/// A handshake under way; destroying it closes the stream below. TLS 1.3 only. The peer's certificate is taken as it comes, its
/// possession of the key proven: identity is judged by the caller, from peer().tls.
class TlsHandshake {
 public:
  virtual ~TlsHandshake() = default;
};
std::unique_ptr<TlsHandshake> tls_connect(Reactor& reactor, std::unique_ptr<ByteStream> below,
                                          std::shared_ptr<const TlsContext> context, Duration timeout, OnSecured done);
/// @param first  bytes already read from `below` while the protocol was being guessed
std::unique_ptr<TlsHandshake> tls_accept(Reactor& reactor, std::unique_ptr<ByteStream> below,
                                         std::shared_ptr<const TlsContext> context, BytesView first, Duration timeout,
                                         OnSecured done);

}  // namespace ghost::net
