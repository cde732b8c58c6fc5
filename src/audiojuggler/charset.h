#pragma once
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::audiojuggler {

/// UTF-8 of a text file of unknown make: taken as it is (without a byte order mark) when it is UTF-8, for Windows-1252 (which is
/// Latin-1 with letters where that has control characters) otherwise.
std::string to_utf8(BytesView text);
/// UTF-8 of ISO 8859-1, the character set of CD-TEXT.
std::string latin1_to_utf8(BytesView text);
/// The reverse; unsupported, naming the character, for one that ISO 8859-1 lacks.
Result<Bytes> utf8_to_latin1(std::string_view text);

}  // namespace ghost::audiojuggler
