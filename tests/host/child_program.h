#pragma once
#include <memory>
#include <string>
#include <vector>

#include "b2/child_service.h"
#include "b2/core_service.h"
#include "b2/service.h"
#include "b2/test_service.h"
#include "sim_processes.h"

namespace ghost::b2::test {

/// What a test child serves. Messages are plain bytes; its descriptors are those of b2.v1.Host, to have some.
class ProgramService : public Service {
 public:
  explicit ProgramService(ProcessSelf self);
  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t method, BytesView request, ServerCall call) override;

  std::shared_ptr<Caller> host;  ///< for Ask

 private:
  ProcessSelf self_;
  TestService plain_;  ///< answers Echo, Count, Hold, Collect and Mirror
  std::vector<ServerCall> kept_;
  ServiceInfo info_;
};

/// Makes the link to the host.
using LinkToHost = std::function<std::unique_ptr<HostLink>(Endpoint&, std::function<void(const Error&)> gone)>;

/// A child that behaves as its mode says: "serve"; "mute" never says HELLO; "exit" ends at once, with status 3; "stubborn" does
/// not listen to SIGTERM. The same object runs in a real process and in a simulated one.
class ChildProgram : public SimProgram {
 public:
  ChildProgram(const std::string& mode, ProcessSelf self, LinkToHost link);
  void on_terminate() override;

 private:
  ProcessSelf self_;
  bool stubborn_;
  Endpoint endpoint_;
  CoreService core_;
  ProgramService service_;
  LinkToHost make_link_;  ///< holds the connection open where no link is made of it
  std::unique_ptr<HostLink> link_;
};

}  // namespace ghost::b2::test
