#pragma once
#include "base/result.h"
#include "base/time.h"

namespace ghost::b2::bench {

/// Of one message of 12 fields, of which 5 are strings of their own and 5 more in lists.
struct CodecTimes {
  double encode_ns = 0;
  double decode_ns = 0;  ///< into a message that was used before, as a handler of a stream does it
};

/// Encodes and decodes in turn for `span`.
Result<CodecTimes> time_codec(Duration span);

}  // namespace ghost::b2::bench
