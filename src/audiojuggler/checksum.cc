#include "audiojuggler/checksum.h"

#include <zlib.h>

#include <algorithm>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::uint64_t kAccurateRipSkip = 5 * kSectorFrames;
constexpr std::uint64_t kCtdbSkip = 10 * kSectorFrames;

}  // namespace

Crc32& Crc32::update(BytesView bytes) {
  value_ = static_cast<std::uint32_t>(::crc32_z(value_, bytes.data(), bytes.size()));
  return *this;
}

std::uint32_t crc32(BytesView bytes) { return Crc32().update(bytes).value(); }

AccurateRip::AccurateRip(std::uint64_t frames, Place place) : from_(1), to_(frames) {
  if ((static_cast<unsigned>(place) & 1u) != 0) from_ = kAccurateRipSkip;
  if ((static_cast<unsigned>(place) & 2u) != 0) to_ = frames > kAccurateRipSkip ? frames - kAccurateRipSkip : 0;
}

void AccurateRip::update(BytesView samples) {
  for (std::size_t at = 0; at + kFrameBytes <= samples.size(); at += kFrameBytes) {
    ++place_;
    if (place_ < from_ || place_ > to_) continue;
    const std::uint32_t frame = static_cast<std::uint32_t>(samples[at]) | static_cast<std::uint32_t>(samples[at + 1]) << 8 |
                                static_cast<std::uint32_t>(samples[at + 2]) << 16 | static_cast<std::uint32_t>(samples[at + 3]) << 24;
    const std::uint64_t product = std::uint64_t{frame} * static_cast<std::uint32_t>(place_);
    low_ += static_cast<std::uint32_t>(product);
    high_ += static_cast<std::uint32_t>(product >> 32);
  }
}

CtdbCrc::CtdbCrc(std::uint64_t frames) : bytes_(frames * kFrameBytes), from_(kCtdbSkip * kFrameBytes), to_(0) {
  const std::uint64_t end = kCtdbSkip + frames % kCtdbSkip;
  if (frames > end) to_ = (frames - end) * kFrameBytes;
}

void CtdbCrc::update(BytesView samples) {
  const std::uint64_t begin = at_, end = at_ + samples.size();
  at_ = end;
  const std::uint64_t first = std::max(begin, from_), last = std::min(end, to_);
  if (first < last) crc_.update(samples.subspan(first - begin, last - first));
}

}  // namespace ghost::audiojuggler
