#include "b2/proto_codec.h"

#include <algorithm>

namespace ghost::b2::proto {

std::uint32_t Reader::long_tag() {
  const std::uint64_t tag = short_varint();
  if (ok() && tag <= 0xffffffff) return static_cast<std::uint32_t>(tag);
  fail(Problem::tag);
  return 0;
}

std::uint64_t Reader::long_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at_ == end_) {
      fail(Problem::truncated);
      return 0;
    }
    const std::uint8_t byte = *at_++;
    // Of the tenth byte one bit counts; the others fall off the end, as in protobuf's own parsers.
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  fail(Problem::long_number);
  return 0;
}

void Reader::other(std::uint32_t tag, std::initializer_list<std::uint32_t> known) {
  if (std::find(known.begin(), known.end(), tag >> 3) != known.end()) {
    fail(Problem::wire_type);
  } else {
    skip(tag);
  }
}

void Reader::skip(std::uint32_t tag) {
  switch (static_cast<Wire>(tag & 7)) {
    case Wire::varint: varint(); return;
    case Wire::fixed64: fixed<std::uint64_t>(); return;
    case Wire::bytes: run(); return;
    case Wire::fixed32: fixed<std::uint32_t>(); return;
    case Wire::group:
      skip_group(tag >> 3);
      field_ = tag >> 3;
      return;
    case Wire::group_end: fail(Problem::group); return;
  }
  fail(Problem::wire_type);
}

/// Until the end tag of `field`. Recursive, as deep as nesting may be.
void Reader::skip_group(std::uint32_t field) {
  if (depth_ == kMaxNesting) return fail(Problem::nesting);
  ++depth_;
  while (const std::uint32_t tag = next()) {
    if (tag == make_tag(field, Wire::group_end)) {
      --depth_;
      return;
    }
    skip(tag);
  }
  fail(Problem::group);
}

std::size_t Reader::count_varints(BytesView bytes) {
  return static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b < 0x80; }));
}

/// Bytes of the UTF-8 sequence at `p` (RFC 3629 §4): 0 when it is none. Overlong forms and surrogates are none.
static std::size_t sequence_length(const std::uint8_t* p, std::size_t left) {
  const auto tail = [&](std::size_t i, unsigned low, unsigned high) { return i < left && p[i] >= low && p[i] <= high; };
  const std::uint8_t lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return tail(1, 0x80, 0xbf) ? 2 : 0;
  if (lead < 0xf0) {
    const bool second = tail(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
    return second && tail(2, 0x80, 0xbf) ? 3 : 0;
  }
  const bool second = tail(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
  return second && tail(2, 0x80, 0xbf) && tail(3, 0x80, 0xbf) ? 4 : 0;
}

void Reader::check_sequences(BytesView text) {
  const std::uint8_t* p = text.data();
  std::size_t left = text.size();
  while (left != 0) {
    std::uint64_t eight = 0;
    if (left >= sizeof eight) {
      std::memcpy(&eight, p, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        p += sizeof eight;
        left -= sizeof eight;
        continue;
      }
    }
    const std::size_t length = sequence_length(p, left);
    if (length == 0) return fail(Problem::utf8);
    p += length;
    left -= length;
  }
}

Error Reader::error() const {
  const auto what = [this] {
    switch (problem_) {
      case Problem::none: return "nothing is wrong";
      case Problem::tag: return "a field without a valid number";
      case Problem::truncated: return "ends in the middle";
      case Problem::long_number: return "a number that is too long";
      case Problem::wire_type: return "has a wire type it should not have";
      case Problem::group: return "a group that does not begin or end";
      case Problem::utf8: return "text that is not UTF-8";
      case Problem::nesting: return "messages nested more than 32 deep";
      case Problem::memory: return "needs far more memory than it has bytes";
    }
    return "malformed";
  };
  std::string where = message_ == nullptr ? "message" : message_;
  if (field_ != 0) where += ": field " + std::to_string(field_);
  return {Errc::malformed, where + ": " + what()};
}

}  // namespace ghost::b2::proto
