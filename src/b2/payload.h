#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace ghost::b2 {

/// A message that knows its length and can write itself: encoded straight into the output, without a buffer between. Does not
/// own what it points to.
struct Payload {
  std::size_t size = 0;
  const void* self = nullptr;
  void (*write)(const void* self, std::size_t size, std::uint8_t* at) = nullptr;

  Payload() = default;
  Payload(BytesView bytes);  // NOLINT: a view is a payload
  Payload(std::size_t n, const void* object, void (*writer)(const void*, std::size_t, std::uint8_t*))
      : size(n), self(object), write(writer) {}
  void write_to(std::uint8_t* at) const {
    if (size != 0) write(self, size, at);
  }
};

}  // namespace ghost::b2
