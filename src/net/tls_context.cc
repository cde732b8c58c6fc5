#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "net/tls_session.h"

namespace ghost::net {

namespace {

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

/// Longer chains are refused: a leaf and its house need less than 2 KiB.
constexpr long kMaxChainBytes = 32 * 1024;

Errc code_of(int reason) {
  switch (reason) {
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL:
    case SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE: return Errc::unsupported;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC: return Errc::data_loss;
    default: return reason >= SSL_AD_REASON_OFFSET ? Errc::refused : Errc::malformed;
  }
}

/// Who may do what is judged above TLS, from the key whose possession the handshake proves: any chain will do here.
int accept_any_chain(X509_STORE_CTX* store, void*) {
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

/// A client that offers no ALPN at all never reaches choose_protocol(); it is refused here (ALPACA).
int require_alpn(SSL* ssl, int* alert, void*) {
  const unsigned char* data = nullptr;
  std::size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &length) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  ERR_raise(ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL);
  return SSL_CLIENT_HELLO_ERROR;
}

/// Picks the first of ours that the client offers too.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned int offered_length, void* ours) {
  const auto& wire = *static_cast<const std::string*>(ours);
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned int>(wire.size()), offered, offered_length);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Error openssl_error() {
  const unsigned long first = ERR_peek_error();  // the cause; later ones say who passed it on
  ERR_clear_error();
  if (first == 0) return {Errc::io, "OpenSSL gave no reason"};
  const int reason = ERR_GET_REASON(first);
  if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
    return {code_of(reason), std::string("the other side refused it with the alert \"") +
                                 SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET) + "\""};
  }
  const char* text = ERR_reason_error_string(first);
  const Errc code = ERR_GET_LIB(first) == ERR_LIB_SSL ? code_of(reason) : Errc::malformed;
  return {code, text != nullptr ? text : "OpenSSL error " + std::to_string(first)};
}

Status TlsContext::set_identity(const TlsConfig& config) {
  if (config.certificates.empty() != config.private_key.empty()) {
    return Error{Errc::malformed, "a certificate and its private key are needed together"};
  }
  for (std::size_t i = 0; i < config.certificates.size(); ++i) {
    const Bytes& der = config.certificates[i];
    const unsigned char* at = der.data();
    std::unique_ptr<X509, X509Free> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    const std::string which = "certificate " + std::to_string(i + 1);
    if (!certificate) return openssl_error().in(which);
    const bool taken = i == 0 ? SSL_CTX_use_certificate(openssl_.get(), certificate.get()) == 1
                              : SSL_CTX_add1_chain_cert(openssl_.get(), certificate.get()) == 1;
    if (!taken) return openssl_error().in(which);
  }
  if (config.private_key.empty()) return {};
  const unsigned char* at = config.private_key.data();
  std::unique_ptr<EVP_PKEY, X509Free> key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(config.private_key.size())));
  if (!key) return openssl_error().in("private key");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return Error{Errc::unsupported, "the private key is no Ed25519 key"};
  if (SSL_CTX_use_PrivateKey(openssl_.get(), key.get()) != 1) return openssl_error().in("private key");
  return {};
}

Status TlsContext::set_alpn(const TlsConfig& config) {
  for (const std::string& name : config.alpn) {
    if (name.empty() || name.size() > 255) return Error{Errc::malformed, "an ALPN name has 1 to 255 bytes"};
    alpn_wire_ += static_cast<char>(name.size());
    alpn_wire_ += name;
  }
  alpn_ = config.alpn;
  if (alpn_.empty()) return {};
  SSL_CTX_set_client_hello_cb(openssl_.get(), require_alpn, nullptr);
  SSL_CTX_set_alpn_select_cb(openssl_.get(), choose_protocol, &alpn_wire_);
  // This one call answers 0 when it worked.
  if (SSL_CTX_set_alpn_protos(openssl_.get(), reinterpret_cast<const unsigned char*>(alpn_wire_.data()),
                              static_cast<unsigned int>(alpn_wire_.size())) != 0) {
    return openssl_error().in("ALPN");
  }
  return {};
}

Status TlsContext::set_up(const TlsConfig& config) {
  ERR_clear_error();
  openssl_.reset(SSL_CTX_new(TLS_method()));
  bio_ = make_tls_bio_method();
  if (!openssl_ || !bio_) return openssl_error();
  SSL_CTX* context = openssl_.get();
  const bool configured =
      SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
      SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 && SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1 &&
      SSL_CTX_set_num_tickets(context, 0) == 1;
  if (!configured) return openssl_error();
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection keeps no record buffers
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, kMaxChainBytes);
  SSL_CTX_set_cert_verify_callback(context, accept_any_chain, nullptr);
  ask_peer_certificate_ = config.ask_peer_certificate;
  auto identity = set_identity(config);
  return identity ? set_alpn(config) : identity;
}

Result<std::shared_ptr<const TlsContext>> make_tls_context(const TlsConfig& config) {
  auto context = std::make_shared<TlsContext>();
  auto done = context->set_up(config);
  if (!done) return done.error().in("TLS configuration");
  return std::shared_ptr<const TlsContext>(std::move(context));
}

}  // namespace ghost::net
