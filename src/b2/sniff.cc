#include "b2/sniff.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "b2/frame.h"

namespace ghost::b2 {

Protocol sniff(BytesView first) {
  if (first.empty()) return Protocol::undecided;
  if (first[0] == 0x16) return Protocol::tls;
  const auto may_be = [&](std::string_view start) {
    const std::size_t length = std::min(start.size(), first.size());
    return as_text(first.first(length)) == start.substr(0, length);
  };
  const std::string_view preface(reinterpret_cast<const char*>(kPreface.data()), kPreface.size());
  if (may_be(preface)) return first.size() >= preface.size() ? Protocol::b2 : Protocol::undecided;
  constexpr std::array<std::string_view, 7> methods = {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH "};
  for (const std::string_view method : methods) {
    if (may_be(method)) return first.size() >= method.size() ? Protocol::http : Protocol::undecided;
  }
  return Protocol::none;
}

}  // namespace ghost::b2
