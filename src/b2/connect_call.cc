#include "b2/connect_call.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace ghost::b2 {

namespace {

constexpr std::string_view kJsonType = "application/json", kProtoType = "application/proto";
constexpr std::size_t kTimeoutDigits = 10;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

Result<Duration> read_connect_timeout(std::string_view text) {
  std::uint64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || end != text.data() + text.size() || text.size() > kTimeoutDigits) {
    return Error{Errc::malformed, "connect-timeout-ms is a number of milliseconds, at most 10 digits"};
  }
  return Duration(std::chrono::milliseconds(ms));
}

}  // namespace

std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return lower_case(type);
}

std::string_view media_type_of(ConnectCodec codec) { return codec == ConnectCodec::json ? kJsonType : kProtoType; }

std::optional<ConnectCodec> unary_codec(std::string_view media_type) {
  if (media_type == kJsonType) return ConnectCodec::json;
  if (media_type == kProtoType) return ConnectCodec::proto;
  return std::nullopt;
}

bool is_connect_stream(std::string_view media_type) { return media_type.starts_with("application/connect+"); }

Result<ConnectCall> read_connect_call(const ConnectHeaders& headers, ConnectCodec codec) {
  if (headers.protocol_version && *headers.protocol_version != "1") {
    return Error{Errc::malformed, "connect-protocol-version is '" + std::string(*headers.protocol_version) + "'; version 1 is spoken here"};
  }
  if (headers.content_encoding && lower_case(*headers.content_encoding) != "identity") {
    return Error{Errc::unsupported, "the body is compressed by '" + std::string(*headers.content_encoding) + "'; bodies are taken as they are (identity) only"};
  }
  ConnectCall call;
  call.codec = codec;
  if (headers.timeout_ms) {
    const auto timeout = read_connect_timeout(*headers.timeout_ms);
    if (!timeout) return timeout.error();
    call.timeout = *timeout;
  }
  return call;
}

}  // namespace ghost::b2
