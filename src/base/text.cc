#include "base/text.h"

#include <clocale>
#include <cwchar>
#include <algorithm>
#include <cstdint>
#include <vector>

namespace ghost {

CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0, 0};
  char32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {0, 0};
  return {value, length};
}

namespace {

bool between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

// C0, DEL, C1 (U+009B is a terminal escape of its own), line and paragraph separators, and what changes the direction of writing.
bool deceives(char32_t c) {
  return c < 0x20 || between(c, 0x7f, 0x9f) || c == 0x061c || between(c, 0x200e, 0x200f) || between(c, 0x2028, 0x202e) ||
         between(c, 0x2066, 0x2069) || c == 0xfeff || between(c, 0xe0000, 0xe007f);
}

std::string hex_digits(char32_t value, std::size_t at_least) {
  std::string digits;
  for (; value != 0 || digits.size() < at_least; value >>= 4) digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
  return digits;
}

std::string escaped(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  return c < 0x80 ? "\\x" + hex_digits(c, 2) : "\\u{" + hex_digits(c, 4) + "}";
}

// wcwidth() follows the locale of the thread; the answer here is the same whatever that is.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(::uselocale(locale_)) {}
  ~Utf8Locale() {
    ::uselocale(before_);
    if (locale_ != nullptr) ::freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_, before_;
};

std::size_t width_of(char32_t c) {
  if (c < 0x7f) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(c));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_back(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_back.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    if (c.bytes == 0) {
      out += "\\x" + hex_digits(static_cast<std::uint8_t>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    if (deceives(c.value)) {
      out += escaped(c.value);
    } else {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string quoted_when_needed(std::string_view text) {
  const std::string shown = printable(text);
  if (!shown.empty() && shown == text && text.find_first_of(" =\"\\") == std::string_view::npos) return shown;
  std::string marked;
  for (char c : text) {
    if (c == '"' || c == '\\') marked += '\\';
    marked += c;
  }
  return '"' + printable(marked) + '"';
}

// One column a byte, without asking the locale.
static bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::size_t display_width(std::string_view text) {
  if (is_plain(text)) return text.size();
  const Utf8Locale utf8;
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    width += c.bytes == 0 ? 1 : width_of(c.value);
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  const Utf8Locale utf8;
  std::size_t width = 1, kept = 0;  // the one column is for the ellipsis
  while (kept < text.size()) {
    const CodePoint c = first_code_point(text.substr(kept));
    width += c.bytes == 0 ? 1 : width_of(c.value);
    if (width > columns) break;
    kept += std::max<std::size_t>(c.bytes, 1);
  }
  return std::string(text.substr(0, kept)) + "…";
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t kLongest = 64;  // the work grows with the square
  if (word.empty() || word.size() > kLongest) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongest) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace ghost
