#pragma once
#include <string>
#include <vector>

#include "b2/child_gate.h"
#include "b2/service.h"
#include "b2/v1/hello.b2.h"

namespace ghost::b2 {

/// A child's service as its host serves it: the same methods, each call passed on through the child's gate. Messages are not
/// looked into, so a host needs no schema of what it forwards.
class ForwardedService : public Service {
 public:
  /// @param entry                what the child told in its HELLO
  /// @param file_descriptor_set  of the service, from the child's Describe; empty when it has none
  /// @param gate                 outlives the service
  ForwardedService(const v1::ServiceEntry& entry, Bytes file_descriptor_set, ChildGate& gate);
  ForwardedService(const ForwardedService&) = delete;
  ForwardedService& operator=(const ForwardedService&) = delete;

  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t method, BytesView request, ServerCall call) override;

  /// Whether `entry`, of a later HELLO, is this service unchanged, whatever its health and its indexes there.
  bool is(const v1::ServiceEntry& entry) const;

 private:
  v1::ServiceEntry entry_;  ///< owns the texts of info_
  Bytes file_descriptor_set_;
  std::vector<MethodInfo> methods_;
  ServiceInfo info_;
  ChildGate& gate_;
};

}  // namespace ghost::b2
