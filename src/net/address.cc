#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ghost::net {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kMaxText = 128;  // kUnixPrefix and kMaxPath, and every IP address with a scope, are shorter

constexpr std::string_view kExpected = "expected 127.0.0.1:2203, [::1]:2203, localhost:2203 or unix:/path";

/// A stranger's text as it may stand in a message: cut off, and nothing that plays with a terminal.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxText)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > kMaxText ? "…\"" : "\"");
}

Error malformed_address(std::string_view text, std::string_view why) {
  return {Errc::malformed, "address " + in_quotes(text) + ": " + std::string(why)};
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<Address> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(kUnixPrefix.size());
  if (path.empty()) return malformed_address(text, "a path follows unix:, as in unix:/run/b2/b2.sock");
  if (path.size() > kMaxPath) {
    return malformed_address(text, "the path is longer than the " + std::to_string(kMaxPath) +
                                       " bytes a Unix socket may have; use a shorter one");
  }
  if (path.find('\0') != std::string_view::npos) return malformed_address(text, "the path holds a zero byte");
  return Address::unix_path(std::string(path));
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view port) {
  const auto number = whole_number<std::uint16_t>(port);
  if (!number) return malformed_address(text, "the port is a number from 0 to 65535, not " + in_quotes(port));
  return *number;
}

Result<std::uint32_t> parse_scope(std::string_view text, std::string_view scope) {
  if (scope.empty()) return malformed_address(text, "an interface follows %, as in [fe80::1%eth0]:2203");
  if (const unsigned index = if_nametoindex(std::string(scope).c_str())) return index;
  if (const auto number = whole_number<std::uint32_t>(scope)) return *number;
  return Error{Errc::not_found,
               "address " + in_quotes(text) + ": no interface " + in_quotes(scope) + " on this machine"};
}

Result<Address> parse_ip6(std::string_view text, std::string_view inside, std::uint16_t port) {
  std::uint32_t scope = 0;
  const std::size_t percent = inside.find('%');
  if (percent != std::string_view::npos) {
    auto found = parse_scope(text, inside.substr(percent + 1));
    if (!found) return found.error();
    scope = *found;
  }
  std::array<std::uint8_t, 16> bytes;
  const std::string number(inside.substr(0, percent));
  if (inet_pton(AF_INET6, number.c_str(), bytes.data()) != 1) {
    return malformed_address(text, in_quotes(number) + " is no IPv6 address");
  }
  return Address::ip6(bytes, port, scope);
}

Result<Address> parse_ip4(std::string_view text, std::string_view host, std::uint16_t port) {
  if (host == "localhost") return Address::loopback(port);
  std::array<std::uint8_t, 4> bytes;
  if (inet_pton(AF_INET, std::string(host).c_str(), bytes.data()) != 1) {
    return malformed_address(text,
                             in_quotes(host) + " is no IP address (names other than localhost are not looked up)");
  }
  return Address::ip4(bytes, port);
}

bool is_mapped(const std::array<std::uint8_t, 16>& ip) {
  return std::all_of(ip.begin(), ip.begin() + 10, [](std::uint8_t b) { return b == 0; }) && ip[10] == 0xff &&
         ip[11] == 0xff;
}

}  // namespace

Address Address::ip4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) {
  Address address;
  address.family_ = Family::ip4;
  address.port_ = port;
  std::copy(bytes.begin(), bytes.end(), address.ip_.begin());
  return address;
}

Address Address::ip6(std::array<std::uint8_t, 16> bytes, std::uint16_t port, std::uint32_t scope) {
  Address address;
  address.family_ = Family::ip6;
  address.port_ = port;
  address.scope_ = scope;
  address.ip_ = bytes;
  return address;
}

Address Address::unix_path(std::string path) {
  Address address;
  address.family_ = Family::unix_path;
  address.path_ = std::move(path);
  return address;
}

Result<Address> Address::parse(std::string_view text, std::uint16_t default_port) {
  if (text.size() > kMaxText) return malformed_address(text, "too long; " + std::string(kExpected));
  if (text.starts_with(kUnixPrefix)) return parse_unix(text);
  const bool bracketed = text.starts_with('[');
  const std::size_t host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == std::string_view::npos) return malformed_address(text, "the ] is missing");
  if (!bracketed && host_end != text.rfind(':')) {
    return malformed_address(text, "an IPv6 address stands in brackets, as in [::1]:2203");
  }
  const std::string_view host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  std::string_view rest = host_end == std::string_view::npos ? "" : text.substr(host_end + (bracketed ? 1 : 0));
  if (host.empty() || (!rest.empty() && rest[0] != ':')) return malformed_address(text, kExpected);

  std::uint16_t port = default_port;
  if (!rest.empty()) {
    auto given = parse_port(text, rest.substr(1));
    if (!given) return given.error();
    port = *given;
  } else if (default_port == 0) {
    return malformed_address(text, "the port is missing; " + std::string(kExpected));
  }
  return bracketed ? parse_ip6(text, host, port) : parse_ip4(text, host, port);
}

Address Address::with_port(std::uint16_t port) const {
  Address address = *this;
  if (is_ip()) address.port_ = port;
  return address;
}

Address Address::with_scope(std::uint32_t scope) const {
  Address address = *this;
  if (family_ == Family::ip6) address.scope_ = scope;
  return address;
}

bool Address::is_loopback() const {
  if (family_ == Family::ip4) return ip_[0] == 127;
  if (family_ == Family::ip6) {
    if (is_mapped(ip_)) return ip_[12] == 127;
    return ip_[15] == 1 && std::all_of(ip_.begin(), ip_.end() - 1, [](std::uint8_t b) { return b == 0; });
  }
  return family_ == Family::unix_path;
}

bool Address::is_any() const {
  return is_ip() && std::all_of(ip_.begin(), ip_.end(), [](std::uint8_t b) { return b == 0; });
}

bool Address::is_multicast() const {
  if (family_ == Family::ip4) return (ip_[0] & 0xf0) == 0xe0;
  return family_ == Family::ip6 && ip_[0] == 0xff;
}

bool Address::is_link_local() const { return family_ == Family::ip6 && ip_[0] == 0xfe && (ip_[1] & 0xc0) == 0x80; }

std::string Address::host() const {
  if (!is_ip()) return path_;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family_ == Family::ip4 ? AF_INET : AF_INET6, ip_.data(), text, sizeof text);
  if (scope_ == 0) return text;
  char name[IF_NAMESIZE];
  return std::string(text) + "%" + (if_indextoname(scope_, name) != nullptr ? name : std::to_string(scope_));
}

std::string Address::text() const {
  switch (family_) {
    case Family::none:
      return "";
    case Family::ip4:
      return host() + ":" + std::to_string(port_);
    case Family::ip6:
      return "[" + host() + "]:" + std::to_string(port_);
    case Family::unix_path:
      return std::string(kUnixPrefix) + path_;
  }
  return "";
}

}  // namespace ghost::net
