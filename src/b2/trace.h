#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

/// Where something that is under way stands in a trace (W3C Trace Context, https://www.w3.org/TR/trace-context/).
struct TraceContext {
  static constexpr std::size_t kWireSize = 25;
  using Wire = std::array<std::uint8_t, kWireSize>;
  static constexpr std::uint8_t kSampled = 1;

  std::array<std::uint8_t, 16> trace{};
  std::array<std::uint8_t, 8> span{};  ///< of whoever has this: the parent of what is called with it
  std::uint8_t flags = 0;

  /// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", also of later versions; malformed otherwise, and for ids of zeros.
  static Result<TraceContext> parse(std::string_view text);
  /// A trace that begins here.
  static TraceContext begin(std::uint8_t flags = kSampled);
  /// The extension TRACEPARENT (docs/spec/b2.md §2); malformed for ids of zeros.
  static Result<TraceContext> from_wire(const Wire& wire);

  Wire wire() const;
  std::string text() const;
  std::string trace_text() const { return to_hex(trace); }
  std::string span_text() const { return to_hex(span); }
  /// A span of the same trace, with an id of its own.
  TraceContext child() const;
  bool sampled() const { return (flags & kSampled) != 0; }
  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

}  // namespace ghost::b2
