#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "b2/process_service.h"
#include "b2/supervisor.h"
#include "child_program.h"
#include "net/epoll_testing.h"
#include "net/sim.h"
#include "sim_processes.h"

namespace ghost::b2::test {

/// Where a test of hosting happens: the kernel's processes, or simulated ones on virtual time.
class HostWorld {
 public:
  virtual ~HostWorld() = default;
  virtual net::Network& network() = 0;   ///< the host's
  virtual net::Network& clients() = 0;
  virtual net::Address listen_at() const = 0;
  virtual Processes& processes() = 0;
  virtual ChildSpec child(const std::string& mode) const = 0;
  /// Turns until `done`; false when it will never be.
  virtual bool until(const std::function<bool()>& done) = 0;
  /// Whether no process is left of those that `pid` and the others were.
  virtual bool gone(std::int32_t pid) const = 0;
  /// Waits that end on their own in the world's time; long enough that a slow machine is not taken for a hanging child.
  virtual SupervisionRules rules() const = 0;

  /// For a test whose child is meant to hang: real time is not waited for as long.
  bool impatient = false;
};

class RealWorld : public HostWorld {
 public:
  net::Network& network() override { return *network_; }
  net::Network& clients() override { return *network_; }
  net::Address listen_at() const override { return net::Address::ip4({127, 0, 0, 1}, 0); }
  Processes& processes() override { return processes_; }
  ChildSpec child(const std::string& mode) const override { return {"child", {B2_TEST_CHILD, mode}, {}, {}}; }
  bool until(const std::function<bool()>& done) override { return net::testing::turn_until(*network_, done); }
  bool gone(std::int32_t pid) const override { return ::kill(pid, 0) != 0; }
  SupervisionRules rules() const override {
    SupervisionRules rules;
    rules.hello_patience = mute_patience;
    rules.ping_every = std::chrono::milliseconds(100);
    rules.ping_patience = std::chrono::seconds(impatient ? 1 : 30);
    rules.stop_patience = stop_patience;
    return rules;
  }

  Duration mute_patience = std::chrono::seconds(30);
  Duration stop_patience = std::chrono::seconds(30);

 private:
  std::unique_ptr<net::EpollNetwork> network_ = net::testing::make_network();
  KernelProcesses processes_{*network_};
};

class SimulatedWorld : public HostWorld {
 public:
  net::Network& network() override { return host_; }
  net::Network& clients() override { return clients_; }
  net::Address listen_at() const override { return net::Address::ip4({10, 0, 0, 1}, 2203); }
  Processes& processes() override { return processes_; }
  ChildSpec child(const std::string& mode) const override { return {"child", {"/bin/test", mode}, {}, {}}; }
  bool until(const std::function<bool()>& done) override { return world_.run_until(done, std::chrono::hours(1)); }
  bool gone(std::int32_t) const override { return processes_.running() == 0; }
  SupervisionRules rules() const override { return {}; }
  void run_for(Duration span) { world_.run_for(span); }

 private:
  net::SimWorld world_{2203};
  net::Network& host_ = world_.add_host(net::Address::ip4({10, 0, 0, 1}, 0));
  net::Network& children_ = world_.add_host(net::Address::ip4({10, 0, 0, 2}, 0));
  net::Network& clients_ = world_.add_host(net::Address::ip4({10, 0, 0, 3}, 0));
  SimProcesses processes_{host_, children_, net::Address::ip4({10, 0, 0, 2}, 0),
                          [](const ChildSpec& spec, ProcessSelf self, std::unique_ptr<net::ByteStream> stream) {
                            const auto held = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(stream));
                            net::Reactor& reactor = self.reactor;
                            return std::make_unique<ChildProgram>(
                                spec.command.at(1), std::move(self), [held, &reactor](Endpoint& endpoint, auto gone) {
                                  return std::make_unique<HostLink>(reactor, endpoint, std::move(*held), std::move(gone));
                                });
                          }};
};

}  // namespace ghost::b2::test
