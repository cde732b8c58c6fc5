#include "net/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "net/sockaddr.h"

namespace ghost::net {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/// What may be looked up: letters, digits, hyphens and dots, at least one letter.
bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), is_name_character) &&
         std::any_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

std::optional<std::uint16_t> port_of(std::string_view text, std::uint16_t otherwise) {
  if (text.empty()) return otherwise == 0 ? std::nullopt : std::optional(otherwise);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<Address> resolve(std::string_view text, std::uint16_t default_port) {
  auto plain = Address::parse(text, default_port);
  if (plain) return plain;
  const auto colon = text.rfind(':');
  const std::string name(text.substr(0, colon));
  const auto port = port_of(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1), default_port);
  if (!is_host_name(name) || !port) return plain.error();
  addrinfo wish{};
  wish.ai_family = AF_UNSPEC;
  wish.ai_socktype = SOCK_STREAM;
  wish.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &wish, &found);
  if (failed != 0) return Error{Errc::not_found, "look up " + name + ": " + ::gai_strerror(failed)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress kernels;
    if (one->ai_addrlen > sizeof kernels.unix_path) continue;
    std::memcpy(&kernels.base, one->ai_addr, one->ai_addrlen);
    kernels.size = one->ai_addrlen;
    const Address address = kernels.address();
    if (address.is_ip()) return address.with_port(*port);
  }
  return Error{Errc::not_found, "look up " + name + ": it has no IP address"};
}

}  // namespace ghost::net
