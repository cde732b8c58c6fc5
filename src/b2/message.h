#pragma once
#include <concepts>

#include "b2/payload.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

namespace proto {
class Reader;
}

/// A struct that protoc-gen-b2 made of a protobuf message. The four functions are generated beside it:
/// - encoded_size(m)      bytes its encoding takes
/// - write_before(m, end) writes the encoding so that it ends at `end`; gives its first byte. From the back to the front,
///                        because the length of a message within is known once it has been written, and need not be counted again.
/// - read_from(reader, m) adds what the reader holds to m; false when it is malformed (the reader knows why)
/// - decode(bytes, m)     the same with the error told; m is overwritten
template <class M>
concept Message = requires(const M& m, M& out, std::uint8_t* end, proto::Reader& in, BytesView bytes) {
  { encoded_size(m) } -> std::same_as<std::size_t>;
  { write_before(m, end) } -> std::same_as<std::uint8_t*>;
  { read_from(in, out) } -> std::same_as<bool>;
  { decode(bytes, out) } -> std::same_as<Status>;
};

/// Writes encoded_size(m) bytes at `at`; gives the byte after the last.
template <Message M>
std::uint8_t* encode_to(const M& m, std::uint8_t* at) {
  std::uint8_t* const end = at + encoded_size(m);
  write_before(m, end);
  return end;
}

template <Message M>
Bytes encode(const M& m) {
  Bytes bytes(encoded_size(m));
  write_before(m, bytes.data() + bytes.size());
  return bytes;
}

/// The message in `bytes`; malformed names the message, the field and what is wrong with it.
template <Message M>
Result<M> decode(BytesView bytes) {
  Result<M> m;
  if (auto status = decode(bytes, *m); !status) return status.error();
  return m;
}

/// `m` as a payload that writes itself into the output. `m` must stay, unchanged, until it has.
template <Message M>
Payload payload(const M& m) {
  return {encoded_size(m), &m, [](const void* self, std::size_t size, std::uint8_t* at) {
            write_before(*static_cast<const M*>(self), at + size);
          }};
}

}  // namespace ghost::b2
