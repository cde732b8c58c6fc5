#pragma once
#include <functional>

#include "b2/house.h"
#include "b2/v1/house.b2.h"

namespace ghost::b2 {

/// b2.v1.House for the node that keeps a house: turns one-time codes into certificates (docs/spec/house.md §4).
class HouseService : public v1::HouseService {
 public:
  explicit HouseService(House house) : house_(std::move(house)) {}

  Result<v1::JoinResponse> join(const v1::JoinRequest& request, const CallContext& context) override;

 private:
  House house_;
};

}  // namespace ghost::b2
