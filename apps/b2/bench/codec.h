#pragma once
#include <time.h>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2::bench {

/// Of one message of 12 fields, of which 5 are strings of their own and 5 more in lists. In nanoseconds of processor time.
struct CodecTimes {
  double encode_ns = 0;
  double decode_ns = 0;  ///< into a message that was used before, as a client's stream is read
  double fresh_ns = 0;   ///< into a message of its own, as a request is read: its texts and lists are allocated
  double both() const { return encode_ns + decode_ns; }
};

/// The message, encoded.
Bytes codec_message();

/// Encodes and decodes by turns for `span`.
Result<CodecTimes> time_codec(Duration span);

/// Of this thread: a busy machine gives it to others in between.
inline Duration processor_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

/// Nanoseconds of one `work`, which is done again and again for `span`.
template <class Work>
double time_of(Duration span, Work work) {
  const Duration start = processor_time();
  std::uint64_t count = 0;
  Duration spent{};
  while (spent < span) {
    for (int i = 0; i < 256; ++i, ++count) work();
    spent = processor_time() - start;
  }
  return std::chrono::duration<double, std::nano>(spent).count() / static_cast<double>(count);
}

}  // namespace ghost::b2::bench
