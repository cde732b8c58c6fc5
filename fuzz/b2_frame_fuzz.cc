// A frame of a stranger, by the code that knows its offsets: what is read is written back and read the same again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "b2/frame.h"

namespace {

using namespace ghost;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_extensions(BytesView bytes) {
  const auto read = b2::read_extensions(bytes);
  const auto alone = b2::read_lone_timeout(bytes);
  if (alone) must(read && read->timeout_ms == alone);
  if (!read) return;
  b2::Extensions known = *read;
  known.unknown_critical.reset();
  const Bytes written = b2::write_extensions(known);
  must(written.size() % 4 == 0 && written.size() <= b2::kMaxExtensions + 4);
  const auto again = b2::read_extensions(written);
  must(again && *again == known);
}

void check_metadata(BytesView payload) {
  b2::Metadata metadata;
  const auto message = b2::read_metadata(payload, metadata);
  if (!message) return;
  Bytes written = b2::write_metadata(metadata).value();
  written.insert(written.end(), message->begin(), message->end());
  must(std::equal(written.begin(), written.end(), payload.begin(), payload.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < b2::kHeaderSize) return 0;
  const b2::FrameHeader header = b2::read_header(data);
  std::uint8_t written[b2::kHeaderSize];
  b2::write_header(header, written);
  must(std::equal(written, written + b2::kHeaderSize, data));
  const BytesView rest(data + b2::kHeaderSize, size - b2::kHeaderSize);
  const std::size_t extensions = std::min(rest.size(), header.extension_bytes());
  check_extensions(rest.first(extensions));
  check_metadata(rest.subspan(extensions));
  return 0;
}
