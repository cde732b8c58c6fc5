// Protocols of bytes, over TCP and in datagrams.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "portlight/recognisers.h"

namespace ghost::portlight::recognisers {

namespace {

bool begins(BytesView bytes, std::initializer_list<std::uint8_t> with) {
  return bytes.size() >= with.size() && std::equal(with.begin(), with.end(), bytes.begin());
}

std::size_t big_endian(BytesView bytes, std::size_t at, std::size_t width) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes[at + i];
  return value;
}

std::optional<Recognition> tls(BytesView heard) {
  // An alert of TLS 1.x, or its handshake: content type, major 3, a length that is one.
  if (heard.size() < 5 || heard[1] != 3 || heard[2] > 4) return std::nullopt;
  if (heard[0] == 0x15 && big_endian(heard, 3, 2) == 2) return Recognition{"tls", "", "", 0.65, {}, "tls"};
  if (heard[0] == 0x16) return Recognition{"tls", "", "", 0.9, {}, "tls"};
  return std::nullopt;
}

/// Length, sequence 0, then version 10 and its text, or an error the server greets strangers with.
std::optional<Recognition> mysql(BytesView heard) {
  if (heard.size() < 8 || heard[3] != 0) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(heard[0]) | static_cast<std::size_t>(heard[1]) << 8 | static_cast<std::size_t>(heard[2]) << 16;
  if (length < 5 || length > 4096) return std::nullopt;
  if (heard[4] == 0xff && heard.size() >= 13 && length + 4 == heard.size()) return Recognition{"mysql", "", "", 0.8, {}, {}};
  if (heard[4] != 10) return std::nullopt;
  const auto end = std::find(heard.begin() + 5, heard.end(), std::uint8_t{0});
  if (end == heard.end() || end == heard.begin() + 5 || end - heard.begin() > 128) return std::nullopt;
  const std::string version = printable(as_text(heard.subspan(5, static_cast<std::size_t>(end - heard.begin()) - 5)));
  if (version.find('.') == std::string::npos) return std::nullopt;
  return Recognition{"mysql", version.find("MariaDB") != std::string::npos ? "mariadb" : "mysql", version, 0.98, {}, {}};
}

std::optional<Recognition> postgresql(std::string_view after, BytesView heard) {
  if (after == "postgresql" && heard.size() == 1 && (heard[0] == 'S' || heard[0] == 'N')) return Recognition{"postgresql", "postgresql", "", 0.9, {}, {}};
  // An ErrorResponse: 'E', length, fields that begin with the severity.
  if (heard.size() > 12 && heard[0] == 'E' && heard[5] == 'S' && as_text(heard).find("FATAL") != std::string_view::npos) return Recognition{"postgresql", "postgresql", "", 0.95, {}, {}};
  return std::nullopt;
}

std::optional<Recognition> dns(std::string_view after, BytesView heard) {
  if (after != "dns" || heard.size() < 12) return std::nullopt;
  if (heard[0] != 0x70 || heard[1] != 0x6c || (heard[2] & 0x80) == 0) return std::nullopt;  // our id, and an answer
  return Recognition{"dns", "", "", 0.97, {}, {}};
}

std::optional<Recognition> answers(std::string_view after, BytesView heard) {
  if (after == "mqtt" && heard.size() >= 4 && heard[0] == 0x20 && heard[1] >= 2 && heard[1] < 128) return Recognition{"mqtt", "", "", 0.95, {}, {}};
  if (after == "amqp" && begins(heard, {1, 0, 0})) return Recognition{"amqp", as_text(heard).find("RabbitMQ") != std::string_view::npos ? "RabbitMQ" : "", "", 0.95, {}, {}};
  if (after == "ldap" && heard.size() > 8 && heard[0] == 0x30 && as_text(heard).find("\x02\x01\x01\x61") != std::string_view::npos)
    return Recognition{"ldap", "", "", 0.95, {}, {}};
  if (after == "socks" && heard.size() == 2 && heard[0] == 5 && (heard[1] == 0 || heard[1] == 2 || heard[1] == 0xff)) return Recognition{"socks", "", "", 0.9, {}, {}};
  if (after == "rdp" && begins(heard, {3, 0, 0}) && heard.size() >= 11 && heard[5] == 0xd0) return Recognition{"rdp", "", "", 0.95, {}, {}};
  if (after == "mongodb" && heard.size() >= 16 && (big_endian(heard, 12, 1) == 0xdd || heard[12] == 1) && as_text(heard).find("maxWireVersion") != std::string_view::npos)
    return Recognition{"mongodb", "mongodb", "", 0.97, {}, {}};
  if (after == "x11" && heard.size() >= 8 && heard[0] <= 2 && heard[2] == 11 && heard[3] == 0) return Recognition{"x11", "", "", 0.9, {}, {}};
  if (after == "smb" && heard.size() > 8 && heard[0] == 0 && (heard[4] == 0xfe || heard[4] == 0xff) && as_text(heard.subspan(5, 3)) == "SMB") return Recognition{"smb", "", "", 0.97, {}, {}};
  if (after == "iperf3" && heard.size() == 1 && heard[0] == 9) return Recognition{"iperf3", "iperf3", "", 0.7, {}, {}};
  return std::nullopt;
}

}  // namespace

std::optional<Recognition> binary(std::string_view after, BytesView heard) {
  if (heard.empty()) return std::nullopt;
  if (auto found = tls(heard)) return found;
  if (auto found = mysql(heard)) return found;
  if (auto found = postgresql(after, heard)) return found;
  // HTTP/2 opens with SETTINGS on stream 0.
  if (heard.size() >= 9 && heard[0] == 0 && heard[3] == 4 && heard[4] <= 1 && big_endian(heard, 5, 4) == 0 && big_endian(heard, 0, 3) % 6 == 0)
    return Recognition{"h2c", "", "", 0.9, {}, {}};
  if (begins(heard, {0xff, 0xfb}) || begins(heard, {0xff, 0xfd}) || begins(heard, {0xff, 0xfe})) return Recognition{"telnet", "", "", 0.9, {}, {}};
  if (after == "dns" && heard.size() > 2 && big_endian(heard, 0, 2) + 2 <= heard.size()) return dns(after, heard.subspan(2));
  return answers(after, heard);
}

std::optional<Recognition> datagram(std::string_view after, BytesView heard) {
  if (auto found = dns(after, heard)) return found;
  if (after == "ntp" && heard.size() >= 48 && (heard[0] & 7) == 4 && (heard[0] >> 3 & 7) >= 1) return Recognition{"ntp", "", "", 0.97, {}, {}};
  if (after == "snmp" && heard.size() > 12 && heard[0] == 0x30 && as_text(heard).find("public") != std::string_view::npos) return Recognition{"snmp", "", "", 0.95, {}, {}};
  if (after == "stun" && heard.size() >= 20 && heard[0] == 1 && big_endian(heard, 4, 4) == 0x2112a442) return Recognition{"stun", "", "", 0.97, {}, {}};
  if (after == "tftp" && heard.size() >= 5 && heard[0] == 0 && heard[1] == 5) return Recognition{"tftp", "", "", 0.9, {}, {}};
  if (after == "memcached" && heard.size() > 8 && as_text(heard.subspan(8)).starts_with("VERSION ")) return Recognition{"memcached", "memcached", "", 0.95, {}, {}};
  const std::string_view text = as_text(heard);
  if (text.starts_with("SIP/2.0")) return Recognition{"sip", "", "", 0.95, {}, {}};
  if (after == "ssdp" && text.starts_with("HTTP/1.1 200")) return Recognition{"ssdp", "", "", 0.95, {}, {}};
  return std::nullopt;
}

}  // namespace ghost::portlight::recognisers
