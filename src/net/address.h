#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ghost::net {

/// Where a socket is: an IP address and port, or the path of a Unix socket.
class Address {
 public:
  enum class Family : std::uint8_t { none, ip4, ip6, unix_path };

  Address() = default;
  static Address ip4(std::array<std::uint8_t, 4> bytes, std::uint16_t port);
  static Address ip6(std::array<std::uint8_t, 16> bytes, std::uint16_t port, std::uint32_t scope = 0);
  static Address unix_path(std::string path);
  static Address loopback(std::uint16_t port) { return ip4({127, 0, 0, 1}, port); }

  /// "127.0.0.1:2203", "[::1]:2203", "[fe80::1%eth0]:2203", "localhost:2203", "unix:/run/b2/b2.sock". A name is not looked
  /// up, but for localhost. `default_port` serves where none stands; 0 means that one must.
  /// Errors: malformed, with what was expected; not_found for a scope that is no interface here.
  static Result<Address> parse(std::string_view text, std::uint16_t default_port = 0);

  Family family() const { return family_; }
  std::uint16_t port() const { return port_; }
  const std::array<std::uint8_t, 16>& ip() const { return ip_; }  ///< the first 4 bytes for ip4
  std::uint32_t scope() const { return scope_; }
  const std::string& path() const { return path_; }

  Address with_port(std::uint16_t port) const;
  Address with_scope(std::uint32_t scope) const;  ///< as it is for another family than ip6
  bool is_ip() const { return family_ == Family::ip4 || family_ == Family::ip6; }
  bool is_loopback() const;   ///< 127.0.0.0/8, ::1, v4-mapped ones, and Unix sockets
  bool is_any() const;        ///< 0.0.0.0 or ::
  bool is_multicast() const;
  bool is_link_local() const;  ///< fe80::/10: means something on its link alone, which scope() names
  std::string host() const;   ///< "127.0.0.1", "::1": the address alone
  std::string text() const;   ///< as parse() takes it

  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  Family family_ = Family::none;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::array<std::uint8_t, 16> ip_{};
  std::string path_;
};

}  // namespace ghost::net
