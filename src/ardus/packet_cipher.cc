#include "ardus/packet_cipher.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

#include "ardus/message.h"
#include "base/sha256.h"

#if GHOST_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace ghost::ardus {

struct PacketCipher::Cipher {
  virtual ~Cipher() = default;
  virtual void seal(const std::uint8_t* nonce, BytesView header, BytesView plain, std::uint8_t* out) = 0;
  virtual bool open(const std::uint8_t* nonce, BytesView header, BytesView sealed, std::uint8_t* out) = 0;
};

namespace {

// OpenSSL's cipher calls fail on a wrong tag, and else only when memory is short or AES was configured away.
void must(bool done) {
  if (!done) throw std::bad_alloc();
}

struct FreeContext {
  void operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;
using Nonce = std::array<std::uint8_t, 12>;

/// Four zero bytes, then the packet number, little-endian.
Nonce nonce_of(std::uint64_t number) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return nonce;
}

}  // namespace

struct PacketCipher::ByOpenssl : Cipher {
  explicit ByOpenssl(const AeadKey& key) : sealing(EVP_CIPHER_CTX_new()), opening(EVP_CIPHER_CTX_new()) {
    must(sealing && EVP_EncryptInit_ex(sealing.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr) == 1);
    must(opening && EVP_DecryptInit_ex(opening.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr) == 1);
  }

  void seal(const std::uint8_t* nonce, BytesView header, BytesView plain, std::uint8_t* out) override {
    int length = 0;
    must(EVP_EncryptInit_ex(sealing.get(), nullptr, nullptr, nullptr, nonce) == 1);
    must(EVP_EncryptUpdate(sealing.get(), nullptr, &length, header.data(), static_cast<int>(header.size())) == 1);
    must(EVP_EncryptUpdate(sealing.get(), out, &length, plain.data(), static_cast<int>(plain.size())) == 1);
    must(EVP_EncryptFinal_ex(sealing.get(), out + length, &length) == 1);
    must(EVP_CIPHER_CTX_ctrl(sealing.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize), out + plain.size()) == 1);
  }

  bool open(const std::uint8_t* nonce, BytesView header, BytesView sealed, std::uint8_t* out) override {
    const BytesView cipher = sealed.first(sealed.size() - kTagSize);
    std::array<std::uint8_t, kTagSize> tag;
    std::copy_n(sealed.data() + cipher.size(), kTagSize, tag.begin());
    int length = 0;
    must(EVP_DecryptInit_ex(opening.get(), nullptr, nullptr, nullptr, nonce) == 1);
    must(EVP_CIPHER_CTX_ctrl(opening.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1);
    must(EVP_DecryptUpdate(opening.get(), nullptr, &length, header.data(), static_cast<int>(header.size())) == 1);
    must(EVP_DecryptUpdate(opening.get(), out, &length, cipher.data(), static_cast<int>(cipher.size())) == 1);
    return EVP_DecryptFinal_ex(opening.get(), out + length, &length) == 1;
  }

  Context sealing, opening;
};

#if GHOST_IPSEC_MB

namespace {

/// The library's functions for this CPU; null where it has no AES instructions. Never changed once made: any thread may call by it.
IMB_MGR* ipsec_mb() {
  static const std::unique_ptr<IMB_MGR, void (*)(IMB_MGR*)> manager = [] {
    std::unique_ptr<IMB_MGR, void (*)(IMB_MGR*)> made(::alloc_mb_mgr(0), ::free_mb_mgr);
    constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    if (!made || (made->features & kNeeded) != kNeeded) return decltype(made)(nullptr, ::free_mb_mgr);
    IMB_ARCH chosen = IMB_ARCH_NONE;
    ::init_mb_mgr_auto(made.get(), &chosen);
    if (chosen < IMB_ARCH_SSE || ::imb_get_errno(made.get()) != 0) made.reset();
    return made;
  }();
  return manager.get();
}

}  // namespace

struct PacketCipher::ByIpsecMb : Cipher {
  ByIpsecMb(IMB_MGR* functions, const AeadKey& key) : mb(functions) { IMB_AES128_GCM_PRE(mb, key.data(), &expanded); }
  ~ByIpsecMb() override { wipe({reinterpret_cast<std::uint8_t*>(&expanded), sizeof expanded}); }

  void seal(const std::uint8_t* nonce, BytesView header, BytesView plain, std::uint8_t* out) override {
    gcm_context_data context;
    IMB_AES128_GCM_ENC(mb, &expanded, &context, out, plain.data(), plain.size(), nonce, header.data(), header.size(), out + plain.size(), kTagSize);
  }

  bool open(const std::uint8_t* nonce, BytesView header, BytesView sealed, std::uint8_t* out) override {
    gcm_context_data context;
    const BytesView cipher = sealed.first(sealed.size() - kTagSize);
    std::array<std::uint8_t, kTagSize> tag;
    IMB_AES128_GCM_DEC(mb, &expanded, &context, out, cipher.data(), cipher.size(), nonce, header.data(), header.size(), tag.data(), kTagSize);
    return equal_in_constant_time(tag, sealed.last(kTagSize));
  }

  IMB_MGR* mb;
  alignas(64) gcm_key_data expanded;
};

#endif

PacketCipher::PacketCipher(const AeadKey& key, [[maybe_unused]] By by) {
#if GHOST_IPSEC_MB
  if (IMB_MGR* const mb = by == By::fastest ? ipsec_mb() : nullptr) {
    cipher_ = std::make_unique<ByIpsecMb>(mb, key);
    return;
  }
#endif
  cipher_ = std::make_unique<ByOpenssl>(key);
}
PacketCipher::~PacketCipher() = default;
PacketCipher::PacketCipher(PacketCipher&&) noexcept = default;
PacketCipher& PacketCipher::operator=(PacketCipher&&) noexcept = default;

void PacketCipher::seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out) { cipher_->seal(nonce_of(number).data(), header, plain, out); }

bool PacketCipher::open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out) {
  return sealed.size() >= kTagSize && cipher_->open(nonce_of(number).data(), header, sealed, out);
}

}  // namespace ghost::ardus
