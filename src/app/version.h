#pragma once

namespace ghost::app {

inline constexpr char kVersion[] = GHOST_VERSION;

}  // namespace ghost::app
