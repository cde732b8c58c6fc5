#include "net/tls_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ghost::net {

/// SSL_get_error() looks at the queue, so it must be empty before each call. Clearing goes through all of it, looking does not.
static void expect_no_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

/// OpenSSL's view of a session's input and output. It never blocks: what is written goes into the output queue, which the
/// stream keeps short by not encrypting beyond its high water.
struct TlsBio {
  static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, std::size_t room, std::size_t* count) {
    BIO_clear_retry_flags(bio);
    BytesView& in = session(bio).in_;
    *count = std::min(room, in.size());
    if (*count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(to, in.data(), *count);
    in = in.subspan(*count);
    return 1;
  }

  static int write(BIO* bio, const char* from, std::size_t length, std::size_t* count) {
    BIO_clear_retry_flags(bio);
    session(bio).out_.append(as_bytes({from, length}));
    *count = length;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
};

std::unique_ptr<BIO_METHOD, TlsFree> make_tls_bio_method() {
  std::unique_ptr<BIO_METHOD, TlsFree> method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ghostlight"));
  if (!method) return nullptr;
  BIO_meth_set_read_ex(method.get(), TlsBio::read);
  BIO_meth_set_write_ex(method.get(), TlsBio::write);
  BIO_meth_set_ctrl(method.get(), TlsBio::control);
  return method;
}

Result<std::unique_ptr<TlsSession>> TlsSession::create(std::shared_ptr<const TlsContext> context, Role role, ByteQueue& out) {
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context), out));
  const TlsContext& made = *session->context_;
  ERR_clear_error();
  session->ssl_.reset(SSL_new(made.openssl()));
  BIO* bio = session->ssl_ ? BIO_new(made.bio()) : nullptr;
  if (bio == nullptr) return openssl_error();
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL* ssl = session->ssl_.get();
  SSL_set_bio(ssl, bio, bio);
  if (role == Role::server) {
    SSL_set_verify(ssl, made.ask_peer_certificate() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    SSL_set_connect_state(ssl);
  }
  return session;
}

Error TlsSession::failure(int result) const {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) return {Errc::io, "the session is broken"};
  return openssl_error();
}

Result<bool> TlsSession::handshake() {
  expect_no_errors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
    return failure(result);
  }
  const unsigned char* chosen = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &length);
  if (length == 0 && !context_->alpn().empty()) {
    return Error{Errc::unsupported, "it chose none of the protocols offered, " + context_->alpn().front() + " first"};
  }
  return true;
}

Result<TlsSession::Read> TlsSession::read(std::span<std::uint8_t> room) {
  assert(room.size() >= kRecord);
  expect_no_errors();
  Read outcome;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &outcome.count);
  if (result == 1) return outcome;
  outcome.count = 0;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return outcome;
    case SSL_ERROR_ZERO_RETURN: outcome.goodbye = true; return outcome;
    default: return failure(result);
  }
}

Status TlsSession::write(BytesView plain) {
  expect_no_errors();
  while (!plain.empty()) {
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), plain.data(), std::min(plain.size(), kRecord), &written);
    if (result != 1) return failure(result);
    plain = plain.subspan(written);
  }
  return {};
}

void TlsSession::goodbye() {
  if (std::exchange(said_goodbye_, true)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();  // it complains when the handshake never ended; then there is nobody to say goodbye to
}

static Bytes der_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  Bytes bytes;
  if (length > 0) bytes.assign(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

static Bytes ed25519_key_of(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return {};
  Bytes raw(32);
  std::size_t length = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &length) != 1 || length != raw.size()) return {};
  return raw;
}

TlsPeer TlsSession::peer() const {
  ERR_clear_error();
  TlsPeer peer;
  const unsigned char* chosen = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &length);
  if (length > 0) peer.alpn.assign(reinterpret_cast<const char*>(chosen), length);
  X509* leaf = SSL_get0_peer_certificate(ssl_.get());
  if (leaf == nullptr) return peer;
  peer.public_key = ed25519_key_of(leaf);
  peer.certificates.push_back(der_of(leaf));
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
  // A client's view of the chain begins with the leaf, a server's does not.
  for (int i = SSL_is_server(ssl_.get()) == 1 ? 0 : 1; i < sk_X509_num(chain); ++i) {
    peer.certificates.push_back(der_of(sk_X509_value(chain, i)));
  }
  ERR_clear_error();
  return peer;
}

Result<Bytes> TlsSession::export_key(std::string_view label, std::size_t length) const {
  ERR_clear_error();
  Bytes key(length);
  if (SSL_export_keying_material(ssl_.get(), key.data(), key.size(), label.data(), label.size(), nullptr, 0, 0) != 1) {
    return openssl_error().in("export of keying material");
  }
  return key;
}

}  // namespace ghost::net
