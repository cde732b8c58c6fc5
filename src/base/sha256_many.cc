#include "base/sha256_many.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cassert>
#include <optional>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace ghost {

#if defined(__x86_64__)

namespace {

constexpr std::size_t kBlock = 64;  // bytes
constexpr int kLanes = 2;           // three or four take more registers than there are

/// The constants of FIPS 180-4 §4.2.2.
alignas(16) constexpr std::uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
    0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
    0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
    0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

bool has_sha_instructions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

/// Takes `blocks` blocks of 64 bytes of each text into its state, the rounds of one between those of the other.
__attribute__((target("sha,sse4.1"))) void take_blocks(SHA256_CTX* const* states, const std::uint8_t* const* texts, std::size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[kLanes], cdgh[kLanes];
  const std::uint8_t* at[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    const __m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(states[lane]->h)), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(states[lane]->h + 4)), 0x1b);
    abef[lane] = _mm_alignr_epi8(dcba, efgh, 8);
    cdgh[lane] = _mm_blend_epi16(efgh, dcba, 0xf0);
    at[lane] = texts[lane];
  }
  for (; blocks > 0; --blocks) {
    __m128i abef_before[kLanes], cdgh_before[kLanes], words[kLanes][4];
    for (int lane = 0; lane < kLanes; ++lane) {
      abef_before[lane] = abef[lane];
      cdgh_before[lane] = cdgh[lane];
      for (int i = 0; i < 4; ++i) words[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at[lane] + 16 * i)), big_endian);
      at[lane] += kBlock;
    }
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {  // of four rounds
      const int now = group & 3, next = (group + 1) & 3, after = (group + 2) & 3, last = (group + 3) & 3;
#pragma GCC unroll 2
      for (int lane = 0; lane < kLanes; ++lane) {
        __m128i* const w = words[lane];
        __m128i sum = _mm_add_epi32(w[now], _mm_load_si128(reinterpret_cast<const __m128i*>(kRounds + 4 * group)));
        cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sum);
        sum = _mm_shuffle_epi32(sum, 0x0e);
        abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], sum);
        if (group >= 12) continue;
        const __m128i early = _mm_add_epi32(_mm_sha256msg1_epu32(w[now], w[next]), _mm_alignr_epi8(w[last], w[after], 4));
        w[now] = _mm_sha256msg2_epu32(early, w[last]);
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
      cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    const __m128i feba = _mm_shuffle_epi32(abef[lane], 0x1b), dchg = _mm_shuffle_epi32(cdgh[lane], 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(states[lane]->h), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(states[lane]->h + 4), _mm_alignr_epi8(dchg, feba, 8));
  }
}

/// A text under way.
struct Lane {
  explicit Lane(BytesView text, Digest& out) : rest(text), digest(&out) { SHA256_Init(&state); }

  std::size_t blocks() const { return rest.size() / kBlock; }
  void pass(std::size_t count) {
    // SHA256_CTX counts bits.
    const std::uint64_t bits = (std::uint64_t{state.Nh} << 32 | state.Nl) + count * kBlock * 8;
    state.Nl = static_cast<SHA_LONG>(bits);
    state.Nh = static_cast<SHA_LONG>(bits >> 32);
    rest = rest.subspan(count * kBlock);
  }
  void finish() {
    SHA256_Update(&state, rest.data(), rest.size());
    SHA256_Final(digest->data(), &state);
  }

  SHA256_CTX state;
  BytesView rest;
  Digest* digest;
};

void two_at_a_time(std::span<const BytesView> texts, std::span<Digest> out) {
  std::size_t next = 0;
  std::optional<Lane> lanes[kLanes];
  for (;;) {
    for (auto& lane : lanes) {
      while (next < texts.size() && (!lane || lane->blocks() == 0)) {
        if (lane) lane->finish();
        lane.emplace(texts[next], out[next]);
        ++next;
      }
    }
    const std::size_t blocks = lanes[0] && lanes[1] ? std::min(lanes[0]->blocks(), lanes[1]->blocks()) : 0;
    if (blocks == 0) break;
    SHA256_CTX* const states[kLanes] = {&lanes[0]->state, &lanes[1]->state};
    const std::uint8_t* const at[kLanes] = {lanes[0]->rest.data(), lanes[1]->rest.data()};
    take_blocks(states, at, blocks);
    for (auto& lane : lanes) lane->pass(blocks);
  }
  for (auto& lane : lanes) {
    if (lane) lane->finish();
  }
}

}  // namespace

#endif

void sha256_many(std::span<const BytesView> texts, std::span<Digest> out) {
  assert(texts.size() == out.size());
#if defined(__x86_64__)
  static const bool by_lanes = has_sha_instructions();
  if (by_lanes && texts.size() > 1) return two_at_a_time(texts, out);
#endif
  for (std::size_t i = 0; i < texts.size(); ++i) out[i] = sha256(texts[i]);
}

}  // namespace ghost
