#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace ghost {

enum class Verdict : std::uint8_t {
  well,
  note,  ///< no fault, or none that can be seen from here
  wrong
};
constexpr std::string_view name(Verdict verdict) {
  return verdict == Verdict::well ? "well" : verdict == Verdict::note ? "note" : "wrong";
}

/// What a doctor has to say of one thing.
struct Finding {
  Verdict verdict;
  std::string about;   ///< "eth0, IPv4"
  std::string what;    ///< was seen
  std::string remedy;  ///< what to do; "" where there is nothing to
  std::string why{};   ///< it matters; "" where `what` says so
};

}  // namespace ghost
