#pragma once
#include <charconv>
#include <string_view>

namespace ghost::portlight {

/// The whole of `text` as a number in base 10; false when it is none or does not fit.
template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace ghost::portlight
