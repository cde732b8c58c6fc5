#include "audiojuggler/subchannel.h"

#include "audiojuggler/crc16.h"
#include "audiojuggler/disc.h"

namespace ghost::audiojuggler {

namespace {

std::optional<std::uint32_t> from_bcd(std::uint8_t byte) {
  if (byte >> 4 > 9 || (byte & 15) > 9) return std::nullopt;
  return std::uint32_t{byte} / 16 * 10 + (byte & 15u);
}

std::uint8_t bcd(std::uint32_t value) { return static_cast<std::uint8_t>(value / 10 % 10 * 16 + value % 10); }

/// Minutes, seconds and sectors in BCD.
std::optional<std::uint32_t> msf(BytesView bytes) {
  const auto minutes = from_bcd(bytes[0]), seconds = from_bcd(bytes[1]), sectors = from_bcd(bytes[2]);
  if (!minutes || !seconds || !sectors || *seconds > 59 || *sectors > 74) return std::nullopt;
  return (*minutes * 60 + *seconds) * kSectorsPerSecond + *sectors;
}

void put_msf(std::uint8_t* out, std::uint32_t sectors) {
  out[0] = bcd(sectors / kSectorsPerSecond / 60);
  out[1] = bcd(sectors / kSectorsPerSecond % 60);
  out[2] = bcd(sectors % kSectorsPerSecond);
}

void seal(QBytes& q) {
  const std::uint16_t crc = crc16(BytesView(q).first(10));
  q[10] = static_cast<std::uint8_t>(crc >> 8);
  q[11] = static_cast<std::uint8_t>(crc & 0xFF);
}

bool is_mode(BytesView q, unsigned mode) { return q.size() >= kQBytes && (q[0] & 15u) == mode && q_is_sound(q); }

/// Characters of an ISRC are 6 bits: the ASCII ones less 0x30.
char isrc_character(std::uint32_t six) { return static_cast<char>(six + 0x30); }

}  // namespace

bool q_is_sound(BytesView q) {
  return q.size() >= kQBytes && crc16(q.first(10)) == static_cast<std::uint16_t>(q[10] << 8 | q[11]);
}

std::optional<QPosition> q_position(BytesView q) {
  if (!is_mode(q, 1)) return std::nullopt;
  const auto track = from_bcd(q[1]), index = from_bcd(q[2]), relative = msf(q.subspan(3)), absolute = msf(q.subspan(7));
  if (q[1] == 0xAA || !track || !index || !relative || !absolute) return std::nullopt;
  return QPosition{static_cast<std::uint8_t>(q[0] >> 4), static_cast<std::uint8_t>(*track), static_cast<std::uint8_t>(*index), *relative,
                   Lba(static_cast<std::int32_t>(*absolute) - static_cast<std::int32_t>(kLeadIn))};
}

std::optional<std::string> q_mcn(BytesView q) {
  if (!is_mode(q, 2)) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < 13; ++i) out += static_cast<char>('0' + (i % 2 == 0 ? q[1 + i / 2] >> 4 : q[1 + i / 2] & 15));
  if (!is_mcn(out) || out == "0000000000000") return std::nullopt;
  return out;
}

std::optional<std::string> q_isrc(BytesView q) {
  if (!is_mode(q, 3)) return std::nullopt;
  const std::uint32_t letters = std::uint32_t{q[1]} << 24 | std::uint32_t{q[2]} << 16 | std::uint32_t{q[3]} << 8 | q[4];
  std::string out;
  for (int i = 0; i < 5; ++i) out += isrc_character(letters >> (26 - 6 * i) & 63);
  for (std::size_t i = 0; i < 7; ++i) out += static_cast<char>('0' + (i % 2 == 0 ? q[5 + i / 2] >> 4 : q[5 + i / 2] & 15));
  if (!is_isrc(out)) return std::nullopt;
  return out;
}

QBytes make_q_position(const QPosition& position) {
  QBytes q{};
  q[0] = static_cast<std::uint8_t>(position.control << 4 | 1);
  q[1] = bcd(position.track);
  q[2] = bcd(position.index);
  put_msf(&q[3], position.relative);
  put_msf(&q[7], static_cast<std::uint32_t>(position.at.value + static_cast<std::int32_t>(kLeadIn)));
  seal(q);
  return q;
}

QBytes make_q_mcn(std::string_view mcn, std::uint32_t sector) {
  QBytes q{};
  q[0] = 2;
  for (std::size_t i = 0; i < mcn.size() && i < 13; ++i) {
    q[1 + i / 2] = static_cast<std::uint8_t>(q[1 + i / 2] | (mcn[i] - '0') << (i % 2 == 0 ? 4 : 0));
  }
  q[9] = bcd(sector % kSectorsPerSecond);
  seal(q);
  return q;
}

QBytes make_q_isrc(std::string_view isrc, std::uint32_t sector) {
  QBytes q{};
  q[0] = 3;
  std::uint32_t letters = 0;
  for (std::size_t i = 0; i < 5 && i < isrc.size(); ++i) letters |= static_cast<std::uint32_t>(isrc[i] - 0x30) << (26 - 6 * i);
  for (std::size_t i = 0; i < 4; ++i) q[1 + i] = static_cast<std::uint8_t>(letters >> (24 - 8 * i) & 0xFF);
  for (std::size_t i = 0; i < 7 && i + 5 < isrc.size(); ++i) {
    q[5 + i / 2] = static_cast<std::uint8_t>(q[5 + i / 2] | (isrc[i + 5] - '0') << (i % 2 == 0 ? 4 : 0));
  }
  q[9] = bcd(sector % kSectorsPerSecond);
  seal(q);
  return q;
}

}  // namespace ghost::audiojuggler
