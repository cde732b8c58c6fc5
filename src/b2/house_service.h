#pragma once
#include <functional>

#include "b2/house.h"
#include "b2/v1/house.b2.h"

namespace ghost::b2 {

/// b2.v1.House for the node that keeps a house: turns one-time codes into certificates (docs/spec/house.md §4).
class HouseService : public v1::HouseService {
 public:
  /// @param wall_clock  the system's where empty
  explicit HouseService(House house, std::function<WallTime()> wall_clock = {}) : house_(std::move(house)), wall_clock_(std::move(wall_clock)) {
    if (!wall_clock_) wall_clock_ = [] { return std::chrono::system_clock::now(); };
  }

  Result<v1::JoinResponse> join(const v1::JoinRequest& request, const CallContext& context) override;
  Result<v1::JoinResponse> renew(const v1::RenewRequest& request, const CallContext& context) override;

 private:
  House house_;
  std::function<WallTime()> wall_clock_;
};

}  // namespace ghost::b2
