#include "b2/trace.h"

#include <algorithm>

#include "base/random.h"

namespace ghost::b2 {

namespace {

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <std::size_t N>
void read_hex_into(std::string_view text, std::array<std::uint8_t, N>& out) {
  const Bytes bytes = from_hex(text).value();
  std::copy(bytes.begin(), bytes.end(), out.begin());
}

/// Random, and never all zeros, which would be no id.
template <std::size_t N>
std::array<std::uint8_t, N> random_id() {
  std::array<std::uint8_t, N> id;
  do random_bytes(id);
  while (is_zero(id));
  return id;
}

Error no_traceparent(std::string_view text) {
  return {Errc::malformed, "'" + std::string(text.substr(0, 80)) + "' is no traceparent: 00-, 32 hexadecimal digits, -, 16 digits, -, 2 digits"};
}

}  // namespace

Result<TraceContext> TraceContext::parse(std::string_view text) {
  constexpr std::size_t kLength = 55, kTrace = 3, kSpan = 36, kFlags = 53;
  if (text.size() < kLength || text[2] != '-' || text[kSpan - 1] != '-' || text[kFlags - 1] != '-') return no_traceparent(text);
  const std::string_view version = text.substr(0, 2);
  const bool later = version != "00" && text.size() > kLength && text[kLength] == '-';
  if (version == "ff" || (text.size() != kLength && !later)) return no_traceparent(text);
  const std::string_view trace = text.substr(kTrace, 32), span = text.substr(kSpan, 16), flags = text.substr(kFlags, 2);
  for (const std::string_view part : {version, trace, span, flags}) {
    if (!is_lower_hex(part)) return no_traceparent(text);
  }
  TraceContext context;
  read_hex_into(trace, context.trace);
  read_hex_into(span, context.span);
  context.flags = from_hex(flags).value()[0];
  if (is_zero(context.trace) || is_zero(context.span)) return no_traceparent(text);
  return context;
}

TraceContext TraceContext::begin(std::uint8_t flags) { return {random_id<16>(), random_id<8>(), flags}; }

TraceContext TraceContext::child() const { return {trace, random_id<8>(), flags}; }

Result<TraceContext> TraceContext::from_wire(const Wire& wire) {
  TraceContext context;
  std::copy_n(wire.begin(), 16, context.trace.begin());
  std::copy_n(wire.begin() + 16, 8, context.span.begin());
  context.flags = wire[24];
  if (is_zero(context.trace) || is_zero(context.span)) return Error{Errc::malformed, "a traceparent with an id of zeros"};
  return context;
}

TraceContext::Wire TraceContext::wire() const {
  Wire wire;
  std::copy(trace.begin(), trace.end(), wire.begin());
  std::copy(span.begin(), span.end(), wire.begin() + 16);
  wire[24] = flags;
  return wire;
}

std::string TraceContext::text() const { return "00-" + trace_text() + "-" + span_text() + "-" + to_hex(BytesView(&flags, 1)); }

}  // namespace ghost::b2
