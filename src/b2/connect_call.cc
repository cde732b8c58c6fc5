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

/// A value as forms write it: "a+b%2c" is "a b,".
Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return Error{Errc::malformed, "a '%' in the query stands before two hexadecimal digits; '%25' is the character itself"};
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

/// RFC 4648, of both alphabets, with its padding or without.
Result<Bytes> base64_decoded(std::string_view text) {
  const Error wrong{Errc::malformed, "the message is not in base64, as 'base64=1' says"};
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9') value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '-' || c == '+') value = 62;
    else if (c == '_' || c == '/') value = 63;
    else return wrong;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> count));
    bits &= (1U << count) - 1;
  }
  if (count == 6 || bits != 0) return wrong;
  return out;
}

/// "a=1&b=2" part by part; a part without '=' has no value.
template <class Each>
void each_part(std::string_view query, Each&& each) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    each(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())));
  }
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

bool is_connect_path(std::string_view path) {
  const std::string_view rest = path.substr(std::min<std::size_t>(1, path.size()));
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view method = rest.substr(slash + 1);
  return rest.substr(0, slash).find('.') != std::string_view::npos && !method.empty() && method.find_first_of("/.") == std::string_view::npos;
}

bool is_connect_query(std::string_view query) {
  bool is = false;
  each_part(query, [&](std::string_view name, std::string_view) { is |= name == "encoding"; });
  return is;
}

Result<ConnectQuery> read_connect_query(std::string_view query) {
  struct Part {
    std::string_view name;
    std::optional<std::string> value = {};
  };
  Part encoding{"encoding"}, message{"message"}, base64{"base64"}, compression{"compression"}, version{"connect"};
  Status read;
  each_part(query, [&](std::string_view name, std::string_view value) {
    for (Part* each : {&encoding, &message, &base64, &compression, &version}) {
      if (!read || each->name != name) continue;
      if (each->value) read = Error{Errc::malformed, "the query has '" + std::string(name) + "' twice"};
      else if (auto decoded = percent_decoded(value)) each->value = std::move(*decoded);
      else read = decoded.error();
    }
  });
  if (!read) return read.error();
  for (const Part* each : {&encoding, &message}) {
    if (!each->value) return Error{Errc::malformed, "a call by GET has '" + std::string(each->name) + "=' in its query: ?encoding=json&message=%7B%7D"};
  }
  if (version.value && *version.value != "v1") return Error{Errc::malformed, "the query says connect=" + *version.value + "; v1 is spoken here"};
  if (compression.value && *compression.value != "identity") return Error{Errc::unsupported, "the message is compressed by '" + *compression.value + "'; messages are taken as they are (identity) only"};
  if (base64.value && *base64.value != "0" && *base64.value != "1") return Error{Errc::malformed, "the query says base64=" + *base64.value + "; 1 is yes"};
  const auto codec = unary_codec("application/" + *encoding.value);
  if (!codec) return Error{Errc::unsupported, "a call's encoding is json or proto, not '" + *encoding.value + "'"};
  ConnectQuery out;
  out.codec = *codec;
  if (base64.value == "1") {
    auto decoded = base64_decoded(*message.value);
    if (!decoded) return decoded.error();
    out.message = std::move(*decoded);
  } else {
    out.message = to_bytes(as_bytes(*message.value));
  }
  return out;
}

}  // namespace ghost::b2
