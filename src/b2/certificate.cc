#include "b2/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "base/free_by.h"
#include "base/random.h"
#include "base/text.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kMaxCertificate = 8 * 1024, kMaxCertificates = 8, kMaxName = 64;

using X509Ptr = std::unique_ptr<X509, FreeBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using NamePtr = std::unique_ptr<X509_NAME, FreeBy<X509_NAME_free>>;

Error openssl_error(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return {Errc::io, std::string(what) + ": " + text.data()};
}

Error no_certificate(std::string_view why) {
  ERR_clear_error();
  return {Errc::malformed, "this is no certificate of ours: " + std::string(why)};
}

// ---- making ----

struct Subject {
  std::string_view name, house;
  Roles roles;
  std::string node;  ///< id in hex, "" for a house
};

NamePtr make_name(const Subject& subject) {
  NamePtr out(X509_NAME_new());
  const auto add = [&](int nid, std::string_view value) {
    if (value.empty()) return true;
    return X509_NAME_add_entry_by_NID(out.get(), nid, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  const bool done = out && add(NID_organizationName, subject.house) && add(NID_organizationalUnitName, subject.roles.text()) &&
                    add(NID_commonName, subject.name) && add(NID_serialNumber, subject.node);
  return done ? std::move(out) : nullptr;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_random_serial(X509* certificate) {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, and always 16 bytes long (RFC 5280 §4.1.2.2)
  const NumberPtr number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, Validity validity) {
  const auto set = [](ASN1_TIME* field, WallTime time) {
    return ASN1_TIME_adj(field, std::chrono::system_clock::to_time_t(time), 0, 0) != nullptr;
  };
  return set(X509_getm_notBefore(certificate), validity.from) && set(X509_getm_notAfter(certificate), validity.until);
}

bool add_extensions(X509* certificate, bool is_house) {
  if (is_house)
    return add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(certificate, NID_key_usage, "critical,keyCertSign") &&
           add_extension(certificate, NID_subject_key_identifier, "hash");
  return add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash");
}

Result<Bytes> to_der(X509* certificate) {
  const int length = i2d_X509(certificate, nullptr);
  if (length <= 0) return openssl_error("encode certificate");
  Bytes der(static_cast<std::size_t>(length));
  unsigned char* at = der.data();
  i2d_X509(certificate, &at);
  return der;
}

Result<Bytes> make(const KeyPair& signer, const Subject& issuer, EVP_PKEY* key, const Subject& subject, Validity validity) {
  if (auto ok = check_name("node name", subject.name); !ok) return ok.error();
  const bool is_house = subject.node.empty();
  const NamePtr issuer_name = make_name(issuer), subject_name = make_name(subject);
  const X509Ptr certificate(X509_new());
  const bool made = certificate && issuer_name && subject_name && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    set_random_serial(certificate.get()) && set_times(certificate.get(), validity) &&
                    X509_set_issuer_name(certificate.get(), issuer_name.get()) == 1 &&
                    X509_set_subject_name(certificate.get(), subject_name.get()) == 1 &&
                    X509_set_pubkey(certificate.get(), key) == 1 && add_extensions(certificate.get(), is_house) &&
                    X509_sign(certificate.get(), signer.handle(), nullptr) > 0;  // Ed25519 hashes by itself: no digest
  if (!made) return openssl_error("make certificate for '" + std::string(subject.name) + "'");
  return to_der(certificate.get());
}

Subject house_subject(std::string_view name) { return {name, name, {}, ""}; }

// ---- reading ----

Result<X509Ptr> parse(BytesView der) {
  if (der.size() > kMaxCertificate) return no_certificate("it is longer than 8 KiB");
  const unsigned char* at = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) return no_certificate("it is not X.509 in DER");
  if (at != der.data() + der.size()) return no_certificate("something follows it");
  return certificate;
}

// The one entry of this kind; "" when there is none, nothing when there are several or it can't be read.
std::optional<std::string> subject_entry(const X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, nid, -1);
  if (index < 0) return "";
  if (X509_NAME_get_index_by_NID(subject, nid, index) >= 0) return std::nullopt;
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (length < 0) return std::nullopt;
  std::string value(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return value;
}

std::optional<WallTime> time_of(const ASN1_TIME* field) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(field, &utc) != 1) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(utc.tm_year + 1900), std::chrono::month(static_cast<unsigned>(utc.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(utc.tm_mday)));
  // The system's clock counts nanoseconds in 64 bits and ends in 2262; RFC 5280's "no end" is the year 9999.
  if (day.year() > std::chrono::year(2200)) return WallTime::max();
  if (day.year() < std::chrono::year(1900)) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(utc.tm_hour) + std::chrono::minutes(utc.tm_min) + std::chrono::seconds(utc.tm_sec);
}

Status read_key(const X509* certificate, CertificateInfo& out) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  std::size_t length = out.public_key.size();
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, out.public_key.data(), &length) != 1 || length != out.public_key.size())
    return no_certificate("its key is not Ed25519");
  out.node = NodeId::of_public_key(out.public_key);
  return {};
}

Status read_subject(const X509* certificate, CertificateInfo& out) {
  const auto name = subject_entry(certificate, NID_commonName), house = subject_entry(certificate, NID_organizationName);
  const auto roles = subject_entry(certificate, NID_organizationalUnitName), node = subject_entry(certificate, NID_serialNumber);
  if (!name || !house || !roles || !node) return no_certificate("its subject has an entry twice, or one that is no text");
  if (auto ok = check_name("its subject's name", *name); !ok) return no_certificate(ok.error().message);
  if (!house->empty())
    if (auto ok = check_name("its house's name", *house); !ok) return no_certificate(ok.error().message);
  const auto parsed = Roles::parse(*roles);
  if (!parsed) return no_certificate(parsed.error().message);
  if (!out.is_house && *node != out.node.hex()) return no_certificate("the node id it names is not that of its key");
  out.name = *name;
  out.house = *house;
  out.roles = *parsed;
  return {};
}

}  // namespace

Status check_name(std::string_view what, std::string_view name) {
  const auto bad = [&](std::string_view why) { return Error{Errc::malformed, std::string(what) + " '" + printable(name.substr(0, 80)) + "' " + std::string(why)}; };
  if (name.empty()) return bad("is empty");
  if (name.size() > kMaxName) return bad("is longer than 64 bytes");
  if (printable(name) != name) return bad("has characters in it that can't be printed");
  if (name.front() == ' ' || name.back() == ' ') return bad("has a space at one end");
  return {};
}

Result<Bytes> make_house_certificate(const KeyPair& house, std::string_view name, Validity validity) {
  return make(house, house_subject(name), house.handle(), house_subject(name), validity);
}

Result<Bytes> make_member_certificate(const KeyPair& house, std::string_view house_name, const PublicKey& member,
                                      std::string_view node_name, Roles roles, Validity validity) {
  const KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, member.data(), member.size()));
  if (!key) return openssl_error("read the member's key");
  return make(house, house_subject(house_name), key.get(), {node_name, house_name, roles, NodeId::of_public_key(member).hex()}, validity);
}

Result<Bytes> make_lone_certificate(const KeyPair& node, std::string_view node_name, Validity validity) {
  const Subject subject{node_name, "", {}, NodeId::of_public_key(node.public_key()).hex()};
  return make(node, subject, node.handle(), subject, validity);
}

Result<CertificateInfo> read_certificate(BytesView der) {
  const auto certificate = parse(der);
  if (!certificate) return certificate.error();
  CertificateInfo info;
  info.is_house = X509_check_ca(certificate->get()) != 0;
  if (auto ok = read_key(certificate->get(), info); !ok) return ok.error();
  if (auto ok = read_subject(certificate->get(), info); !ok) return ok.error();
  const auto from = time_of(X509_get0_notBefore(certificate->get())), until = time_of(X509_get0_notAfter(certificate->get()));
  if (!from || !until) return no_certificate("its times can't be read");
  info.validity = {*from, *until};
  ERR_clear_error();
  return info;
}

bool is_signed_by(BytesView der, const PublicKey& signer) {
  const auto certificate = parse(der);
  const KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, signer.data(), signer.size()));
  const bool valid = certificate && key && X509_verify(certificate->get(), key.get()) == 1;
  ERR_clear_error();
  return valid;
}

Result<std::string> to_pem(const std::vector<Bytes>& certificates) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  for (const Bytes& der : certificates) {
    const auto certificate = parse(der);
    if (!certificate) return certificate.error();
    if (!bio || PEM_write_bio_X509(bio.get(), certificate->get()) != 1) return openssl_error("write certificate");
  }
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

Result<std::vector<Bytes>> certificates_from_pem(std::string_view pem) {
  if (pem.size() > 2 * kMaxCertificates * kMaxCertificate) return no_certificate("the file is too long");
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Bytes> all;
  while (bio) {
    const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    auto der = to_der(certificate.get());
    if (!der) return der.error();
    all.push_back(std::move(*der));
    if (all.size() > kMaxCertificates) return no_certificate("there are more than eight");
  }
  ERR_clear_error();
  if (all.empty()) return no_certificate("the file holds no PEM block of one");
  return all;
}

}  // namespace ghost::b2
