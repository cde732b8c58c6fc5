#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::ariascribe {

// Look-ups in one datagram (docs/spec/ariascribe.md §9). This is the one place that knows their byte offsets.

inline constexpr std::size_t kMaxLookupBytes = 1200;
/// A call shorter than this is not answered: padding is what keeps the port from being used to flood others.
inline constexpr std::size_t kMinLookupBytes = 64;

struct LookupCall {
  std::uint64_t nonce = 0;  ///< of the caller's choosing; comes back
  std::string title, composer, album, artist;
};

/// One identification, as far as a datagram holds it.
struct LookupResult {
  std::uint8_t confidence = 0;   ///< in the work, of 255
  std::uint8_t band = 0;         ///< 1 apply, 2 review, 3 leave
  std::uint16_t movement_no = 0; ///< 0: none
  std::string work_id, composer, work, catalogue, key, movement;  ///< each at most 255 bytes
  friend bool operator==(const LookupResult&, const LookupResult&) = default;
};

struct LookupAnswer {
  std::uint64_t nonce = 0;
  std::uint16_t status = 0;  ///< 0, or a status of b2 (docs/spec/b2.md §5)
  std::vector<LookupResult> results;
};

/// @param pad_to  the call's length, kMinLookupBytes … kMaxLookupBytes: the answer is never longer. exhausted when the texts need more.
Result<Bytes> encode_call(const LookupCall& call, std::size_t pad_to = kMaxLookupBytes);
/// Errors: malformed; `ignored` tells whether such a datagram gets no answer at all (too short, not ours, itself an answer).
struct LookupProblem {
  Error error;
  bool ignored = false;
  std::uint64_t nonce = 0;
};
tl::expected<LookupCall, LookupProblem> decode_call(BytesView datagram);

/// As many results as fit into `limit` bytes, whole ones, the first ones first.
Bytes encode_answer(const LookupAnswer& answer, std::size_t limit);
Result<LookupAnswer> decode_answer(BytesView datagram);

}  // namespace ghost::ariascribe
