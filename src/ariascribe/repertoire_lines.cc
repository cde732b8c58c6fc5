#include "ariascribe/repertoire_lines.h"

#include <cstddef>

#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string> list_of(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, separator)) {
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

/// The first run of three or four digits; 0 when there is none.
static int year_in(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t n = 0;
    int value = 0;
    while (i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '9' && n < 5) value = value * 10 + (text[i + n++] - '0');
    if (n == 3 || n == 4) return value;
    i += n;
  }
  return 0;
}

std::optional<std::pair<int, int>> parse_years(std::string_view text) {
  text = trimmed(text);
  if (text == "?" || text.empty()) return std::pair{0, 0};
  const std::size_t dash = text.find('-');
  const int first = year_in(text.substr(0, dash));
  if (dash == std::string_view::npos) return first == 0 ? std::nullopt : std::optional(std::pair{first, first});
  const std::string_view after = trimmed(text.substr(dash + 1));
  const int last = year_in(after);
  if (last == 0 && !after.empty() && after != "?") return std::nullopt;
  if (first == 0 && trimmed(text.substr(0, dash)) != "?") return std::nullopt;
  return std::pair{first, last};
}

std::string slug(std::string_view text) {
  std::string out;
  for (const char c : fold(text)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (kept) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

}  // namespace ghost::ariascribe
