#pragma once
#include <array>
#include <optional>
#include <string>

#include "audiojuggler/toc.h"
#include "base/bytes.h"

namespace ghost::audiojuggler {

constexpr std::size_t kQBytes = 12;  ///< 10 of data, 2 of checksum
using QBytes = std::array<std::uint8_t, kQBytes>;

/// Where a sector is, as its Q sub-channel says (mode 1; IEC 60908 §17.5).
struct QPosition {
  std::uint8_t control = 0;        ///< flags of the track
  std::uint8_t track = 0;
  std::uint8_t index = 0;
  std::uint32_t relative = 0;      ///< sectors into the track; in the pregap counting down to 0
  Lba at{};
};

/// Whether the checksum fits.
bool q_is_sound(BytesView q);
/// Nothing unless `q` is 12 sound bytes of mode 1.
std::optional<QPosition> q_position(BytesView q);
/// The media catalogue number of mode 2.
std::optional<std::string> q_mcn(BytesView q);
/// The ISRC of mode 3.
std::optional<std::string> q_isrc(BytesView q);

QBytes make_q_position(const QPosition& position);
/// @param sector  its last two digits go in
QBytes make_q_mcn(std::string_view mcn, std::uint32_t sector);
QBytes make_q_isrc(std::string_view isrc, std::uint32_t sector);

}  // namespace ghost::audiojuggler
