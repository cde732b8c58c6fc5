#include "ariascribe/text_fold.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ghost::ariascribe {

namespace {

struct Letter {
  char32_t from;
  std::string_view to;
};

/// Letters that have no decomposition into a Latin one with a mark; sorted.
constexpr std::array kLetters = std::to_array<Letter>({
    {U'æ', "ae"}, {U'ð', "d"},  {U'ø', "o"},  {U'þ', "th"}, {U'đ', "d"},  {U'ħ', "h"},  {U'ı', "i"},   {U'ł', "l"},   {U'ŋ', "n"},
    {U'œ', "oe"}, {U'ə', "e"},  {U'α', "a"},  {U'β', "v"},  {U'γ', "g"},  {U'δ', "d"},  {U'ε', "e"},   {U'ζ', "z"},   {U'η', "i"},
    {U'θ', "th"}, {U'ι', "i"},  {U'κ', "k"},  {U'λ', "l"},  {U'μ', "m"},  {U'ν', "n"},  {U'ξ', "x"},   {U'ο', "o"},   {U'π', "p"},
    {U'ρ', "r"},  {U'ς', "s"},  {U'σ', "s"},  {U'τ', "t"},  {U'υ', "y"},  {U'φ', "f"},  {U'χ', "ch"},  {U'ψ', "ps"},  {U'ω', "o"},
    {U'а', "a"},  {U'б', "b"},  {U'в', "v"},  {U'г', "g"},  {U'д', "d"},  {U'е', "e"},  {U'ж', "zh"},  {U'з', "z"},   {U'и', "i"},
    {U'й', "i"},  {U'к', "k"},  {U'л', "l"},  {U'м', "m"},  {U'н', "n"},  {U'о', "o"},  {U'п', "p"},   {U'р', "r"},   {U'с', "s"},
    {U'т', "t"},  {U'у', "u"},  {U'ф', "f"},  {U'х', "kh"}, {U'ц', "ts"}, {U'ч', "ch"}, {U'ш', "sh"},  {U'щ', "shch"}, {U'ъ', ""},
    {U'ы', "y"},  {U'ь', ""},   {U'э', "e"},  {U'ю', "yu"}, {U'я', "ya"}, {U'ё', "e"},  {U'є', "ye"},  {U'і', "i"},   {U'ї', "i"},
});

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void append_utf8(std::string& out, utf8proc_int32_t code_point) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto count = utf8proc_encode_char(code_point, bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
}

/// At most kMaxText bytes, each of them UTF-8 and none a control character.
std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(std::min(text.size(), kMaxText));
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    if (out.size() + bytes > kMaxText) break;
    const bool control = point.bytes == 0 || point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0);
    if (control) out += ' ';
    else out.append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out;
}

void fold_code_point(std::string& out, utf8proc_int32_t value) {
  if (value < 0x80) {
    out += static_cast<char>(value >= 'A' && value <= 'Z' ? value + 32 : value);
    return;
  }
  const auto letter = std::lower_bound(kLetters.begin(), kLetters.end(), static_cast<char32_t>(value),
                                       [](const Letter& each, char32_t wanted) { return each.from < wanted; });
  if (letter != kLetters.end() && letter->from == static_cast<char32_t>(value)) out += letter->to;
  else append_utf8(out, value);
}

}  // namespace

std::string normalised(std::string_view text) {
  std::string clean = cleaned(text);
  if (is_ascii(clean)) return clean;
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(clean.data()), static_cast<utf8proc_ssize_t>(clean.size()), &mapped,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  if (length < 0) return clean;
  std::string out(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
  std::free(mapped);
  return out;
}

std::string fold(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK);
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x80) {
      fold_code_point(out, byte);
      text.remove_prefix(1);
      continue;
    }
    const CodePoint point = first_code_point(text);
    text.remove_prefix(std::max<std::size_t>(point.bytes, 1));
    if (point.bytes == 0) continue;
    std::array<utf8proc_int32_t, 32> parts{};
    int last_class = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point.value), parts.data(), parts.size(), kOptions, &last_class);
    for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i) fold_code_point(out, parts[static_cast<std::size_t>(i)]);
  }
  return out;
}

}  // namespace ghost::ariascribe
