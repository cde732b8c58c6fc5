#pragma once
#include "b2/endpoint.h"
#include "b2/v1/core.b2.h"

namespace ghost::b2 {

/// b2.v1.Core (docs/spec/b2.md §8): what every endpoint answers about itself.
class CoreService : public v1::CoreService {
 public:
  /// @param unidentified, per_address, connections  told by Limits; enforced by the server
  struct Told {
    std::uint32_t connections = 10'000;
    std::uint32_t unidentified = 256;
    std::uint32_t unidentified_per_address = 16;
    std::uint32_t first_bytes_ms = 5'000;
  };
  CoreService(Endpoint& endpoint, const Clock& clock) : CoreService(endpoint, clock, Told()) {}
  CoreService(Endpoint& endpoint, const Clock& clock, Told told) : endpoint_(endpoint), clock_(clock), told_(told), started_(clock.now()) {}

  Result<v1::DescribeResponse> describe(const v1::DescribeRequest& request, const CallContext& context) override;
  Result<v1::HealthResponse> health(const v1::HealthRequest& request, const CallContext& context) override;
  Result<v1::StatsResponse> stats(const v1::StatsRequest& request, const CallContext& context) override;
  Result<v1::LimitsResponse> limits(const v1::LimitsRequest& request, const CallContext& context) override;

  v1::StatsResponse stats_now() const;
  /// Of the whole endpoint: not_serving when one of its services is not; `detail` says which.
  v1::HealthResponse health_now() const;

 private:
  Endpoint& endpoint_;
  const Clock& clock_;
  Told told_;
  TimePoint started_;
};

/// Bytes of memory this process has resident (/proc/self/statm); 0 when that can't be told.
std::uint64_t resident_bytes();

}  // namespace ghost::b2
