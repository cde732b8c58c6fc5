#include "b2/words.h"

#include <cassert>

namespace ghost::b2 {

static constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
static constexpr std::string_view kVowels = "aiou";

std::string word_of(std::uint16_t value) {
  const auto consonant = [&](int shift) { return kConsonants[static_cast<std::size_t>(value >> shift & 15)]; };
  const auto vowel = [&](int shift) { return kVowels[static_cast<std::size_t>(value >> shift & 3)]; };
  return {consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)};
}

std::optional<std::uint16_t> value_of_word(std::string_view word) {
  if (word.size() != 5) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const std::string_view alphabet = i % 2 == 0 ? kConsonants : kVowels;
    const char letter = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] - 'A' + 'a') : word[i];
    const std::size_t digit = alphabet.find(letter);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << (i % 2 == 0 ? 4 : 2) | static_cast<unsigned>(digit);
  }
  return static_cast<std::uint16_t>(value);
}

std::string words_of(BytesView bytes) {
  assert(bytes.size() % 2 == 0);
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    if (i != 0) text += '-';
    text += word_of(static_cast<std::uint16_t>(bytes[i] << 8 | bytes[i + 1]));
  }
  return text;
}

}  // namespace ghost::b2
