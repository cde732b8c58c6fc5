#include "audiojuggler/disc.h"

#include <algorithm>

namespace ghost::audiojuggler {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

void Text::fill_from(const Text& other) {
  for (const auto member : {&Text::title, &Text::performer, &Text::songwriter, &Text::composer, &Text::arranger, &Text::message}) {
    if ((this->*member).empty()) this->*member = other.*member;
  }
}

bool is_isrc(std::string_view text) {
  if (text.size() != 12 || !std::all_of(text.begin(), text.begin() + 2, letter)) return false;
  return std::all_of(text.begin() + 2, text.begin() + 5, [](char c) { return letter(c) || digit(c); }) &&
         std::all_of(text.begin() + 5, text.end(), digit);
}

bool is_mcn(std::string_view text) { return text.size() == 13 && std::all_of(text.begin(), text.end(), digit); }

}  // namespace ghost::audiojuggler
