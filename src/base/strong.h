#pragma once
#include <compare>
#include <functional>

namespace ghost {

/// A number that only mixes with its own kind: `using SymbolIndex = Strong<struct SymbolIndexTag, std::uint64_t>`.
template <class Tag, class Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

}  // namespace ghost

template <class Tag, class Rep>
struct std::hash<ghost::Strong<Tag, Rep>> {
  std::size_t operator()(const ghost::Strong<Tag, Rep>& s) const noexcept { return std::hash<Rep>{}(s.value); }
};
