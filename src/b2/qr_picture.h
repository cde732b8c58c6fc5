#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace ghost::b2 {

/// How a picture is told to a terminal. `fixed` sets black and white by escape sequences and is right on any terminal that knows
/// colours; `plain` is for NO_COLOR and files, and for terminals that are light on dark.
enum class PictureColours : unsigned char { fixed, plain };

/// `text` as a QR code for a telephone to read, of half-block characters, two modules a character in height, one line after the
/// other, with its quiet zone. malformed when the text does not fit one (over about 1 KiB).
Result<std::string> qr_picture(std::string_view text, PictureColours colours);

}  // namespace ghost::b2
