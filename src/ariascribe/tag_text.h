#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ghost::ariascribe {

/// Text of a file's tags as UTF-8; what is no character of its encoding becomes U+FFFD.
std::string utf8_of_latin1(BytesView bytes);
/// @param big_endian  the order of bytes where no mark at the beginning tells it
std::string utf8_of_utf16(BytesView bytes, bool big_endian);
/// As it is when it is UTF-8, else read as Latin-1, which is what such text mostly is.
std::string utf8_or_latin1(BytesView bytes);

/// UTF-16, little-endian, with the mark in front.
Bytes utf16_of(std::string_view utf8);
bool is_plain_ascii(std::string_view text);
bool is_utf8(std::string_view text);
/// For messages, whose strings are UTF-8: the text when it is that, else with escapes for the bytes that are not (base/text.h: printable()).
std::string utf8_or_escaped(std::string_view text);
/// @param c  a character of Unicode, no surrogate
void append_utf8(std::string& out, char32_t c);

/// The texts between zero bytes; a last one that is empty is none.
std::vector<std::string> split_at_zeros(std::string_view text);

}  // namespace ghost::ariascribe
