#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace ghost::net {

struct TlsFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

/// OpenSSL's half of a TlsConfig. One context serves both sides; the role is chosen for each session.
class TlsContext {
 public:
  SSL_CTX* openssl() const { return openssl_.get(); }
  const BIO_METHOD* bio() const { return bio_.get(); }
  const std::vector<std::string>& alpn() const { return alpn_; }
  bool ask_peer_certificate() const { return ask_peer_certificate_; }

 private:
  friend Result<std::shared_ptr<const TlsContext>> make_tls_context(const TlsConfig& config);

  Status set_up(const TlsConfig& config);
  Status set_identity(const TlsConfig& config);
  Status set_alpn(const TlsConfig& config);

  std::unique_ptr<SSL_CTX, TlsFree> openssl_;
  std::unique_ptr<BIO_METHOD, TlsFree> bio_;
  std::vector<std::string> alpn_;
  std::string alpn_wire_;  ///< each name after its length byte (RFC 7301 §3.1)
  bool ask_peer_certificate_ = true;
};

/// What OpenSSL's error queue says, emptied: a peer's alert, or our own reason.
Error openssl_error();

}  // namespace ghost::net
