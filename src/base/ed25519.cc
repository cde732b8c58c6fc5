#include "base/ed25519.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cassert>
#include <new>

#include "base/file.h"
#include "base/sha256.h"

namespace ghost {

namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct DigestFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct Pkcs8Free {
  void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, DigestFree>;

constexpr std::size_t kMaxKeyFile = 16 * 1024;

Bytes with_domain(std::string_view domain, BytesView message) {
  assert(domain.size() <= 255);
  Bytes out;
  out.reserve(1 + domain.size() + message.size());
  ByteWriter(out).u8(static_cast<std::uint8_t>(domain.size())).bytes(as_bytes(domain)).bytes(message);
  return out;
}

// A PEM that is encrypted asks for a passphrase on the terminal unless it is given one: it is told there is none.
int no_passphrase(char*, int, int, void*) { return -1; }

Error no_key(std::string_view source) {
  ERR_clear_error();
  return {Errc::malformed, std::string(source) + ": no Ed25519 private key (PKCS#8, not encrypted) is in it"};
}

}  // namespace

void KeyPair::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

KeyPair::KeyPair(evp_pkey_st* owned) : key_(owned) {
  std::size_t length = public_key_.size();
  const int got = EVP_PKEY_get_raw_public_key(owned, public_key_.data(), &length);
  if (got != 1) throw std::bad_alloc();
}

Result<KeyPair> KeyPair::own(evp_pkey_st* key, std::string_view source) {
  std::unique_ptr<EVP_PKEY, Free> guard(key);
  if (!guard || EVP_PKEY_get_id(guard.get()) != EVP_PKEY_ED25519) return no_key(source);
  return KeyPair(guard.release());
}

KeyPair KeyPair::generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (key == nullptr) throw std::bad_alloc();
  return KeyPair(key);
}

Result<KeyPair> KeyPair::from_der(BytesView pkcs8) {
  if (pkcs8.size() > kMaxKeyFile) return no_key("private key");
  const unsigned char* at = pkcs8.data();
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, Pkcs8Free> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(pkcs8.size())));
  return own(info ? EVP_PKCS82PKEY(info.get()) : nullptr, "private key");
}

Result<KeyPair> KeyPair::from_pem(std::string_view pem) {
  if (pem.size() > kMaxKeyFile) return no_key("private key");
  std::unique_ptr<BIO, BioFree> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return own(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr, "private key");
}

Result<KeyPair> KeyPair::load(const std::filesystem::path& path) {
  auto pem = read_private_file(path, kMaxKeyFile);
  if (!pem) return pem.error();
  auto key = from_pem(*pem);
  wipe({reinterpret_cast<std::uint8_t*>(pem->data()), pem->size()});
  if (!key) return Error{key.error().code, path.string() + " holds no Ed25519 private key (PKCS#8, not encrypted)"};
  return key;
}

Bytes KeyPair::to_der() const {
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, Pkcs8Free> info(EVP_PKEY2PKCS8(key_.get()));
  if (!info) throw std::bad_alloc();
  Bytes der(static_cast<std::size_t>(i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at);
  return der;
}

std::string KeyPair::to_pem() const {
  std::unique_ptr<BIO, BioFree> bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    throw std::bad_alloc();
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

Status KeyPair::save(const std::filesystem::path& path) const {
  std::string pem = to_pem();
  const Status saved = create_file(path, as_bytes(pem), 0600);
  wipe({reinterpret_cast<std::uint8_t*>(pem.data()), pem.size()});
  return saved;
}

Signature KeyPair::sign(std::string_view domain, BytesView message) const {
  const Bytes tagged = with_domain(domain, message);
  Signature signature;
  std::size_t length = signature.size();
  MdContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &length, tagged.data(), tagged.size()) != 1)
    throw std::bad_alloc();
  return signature;
}

bool verify_signature(BytesView public_key, std::string_view domain, BytesView message, BytesView signature) {
  if (public_key.size() != sizeof(PublicKey) || signature.size() != sizeof(Signature)) return false;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()), EVP_PKEY_free);
  const Bytes tagged = with_domain(domain, message);
  MdContext context(EVP_MD_CTX_new());
  const bool valid = key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                     EVP_DigestVerify(context.get(), signature.data(), signature.size(), tagged.data(), tagged.size()) == 1;
  if (!valid) ERR_clear_error();  // this thread's next OpenSSL error must not be blamed for this one
  return valid;
}

}  // namespace ghost
