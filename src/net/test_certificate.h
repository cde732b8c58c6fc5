#pragma once
#include <openssl/x509.h>

#include <string>

#include "base/ed25519.h"
#include "net/tls.h"

namespace ghost::net {

/// A key and a certificate it signed itself, for tests of TLS, which judges nobody.
struct TestCertificate {
  KeyPair key = KeyPair::generate();
  Bytes der;

  explicit TestCertificate(const std::string& name) {
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key.handle());
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.data()),
                               static_cast<int>(name.size()), -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key.handle(), nullptr);
    unsigned char* out = nullptr;
    const int length = i2d_X509(certificate, &out);
    der.assign(out, out + length);
    OPENSSL_free(out);
    X509_free(certificate);
  }

  /// Fit for both sides, speaking `alpn`.
  TlsConfig config(std::vector<std::string> alpn = {"b2/1"}) const { return {{der}, key.to_der(), std::move(alpn), true}; }
};

}  // namespace ghost::net
