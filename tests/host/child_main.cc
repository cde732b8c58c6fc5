// A child for the tests of hosting: `b2_test_child MODE` behaves as ChildProgram says; `b2_test_child host` is itself a host of
// such a child, to see what becomes of it when its host is killed.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "b2/host_service.h"
#include "child_program.h"
#include "net/epoll.h"

namespace ghost::b2::test {
namespace {

net::EpollNetwork* stopped_by_signal = nullptr;
volatile std::sig_atomic_t terminated = 0;

void on_sigterm(int) {
  terminated = 1;
  stopped_by_signal->stop();
}

[[noreturn]] void end_process(const ExitStatus& status) {
  if (status.signal != 0) {
    ::signal(status.signal, SIG_DFL);  // sanitizers catch it otherwise
    ::raise(status.signal);
  }
  ::_exit(status.code);
}

std::unique_ptr<HostLink> link_to_host(net::EpollNetwork& network, Endpoint& endpoint, std::function<void(const Error&)> gone) {
  auto link = HostLink::from_environment(network, endpoint, std::move(gone));
  if (link && *link) return std::move(*link);
  std::cerr << "b2_test_child: " << (link ? "no host started this" : link.error().message) << "\n";
  ::_exit(1);
}

int run_child(net::EpollNetwork& network, std::string mode) {
  if (mode == "lonely") {  // can't be beside another of its kind
    if (std::getenv("B2_RELIEVES") != nullptr) return 3;
    mode = "serve";
  }
  ProcessSelf self{network, [](std::string_view text) { std::cerr << text; }, end_process,
                   [] {
                     for (;;) ::pause();
                   }};
  ChildProgram program(mode, self, [&](Endpoint& endpoint, auto gone) { return link_to_host(network, endpoint, std::move(gone)); });
  for (;;) {
    network.run();
    if (terminated != 0) program.on_terminate();
    terminated = 0;
  }
}

int run_host(net::EpollNetwork& network, const std::string& own_path) {
  Endpoint endpoint;
  CoreService core(endpoint, network);
  KernelProcesses processes(network);
  Host host({network, processes, endpoint, Logger::none(), {}}, {core, "test"});
  if (const Status added = host.add({"child", {own_path, "serve"}, {}, {}}); !added) return 1;
  while (host.state().children[0].state != v1::ChildState::ready) network.turn(network.now() + std::chrono::milliseconds(50));
  std::cout << "child " << host.state().children[0].pid << std::endl;
  network.run();
  return 0;
}

}  // namespace
}  // namespace ghost::b2::test

int main(int argc, char** argv) {
  using namespace ghost::b2::test;
  if (argc != 2) {
    std::cerr << "usage: b2_test_child serve|mute|exit|stubborn|host\n";
    return 2;
  }
  auto network = ghost::net::EpollNetwork::create();
  if (!network) return 1;
  stopped_by_signal = network->get();
  ::signal(SIGTERM, on_sigterm);
  const std::string mode = argv[1];
  return mode == "host" ? run_host(**network, argv[0]) : run_child(**network, mode);
}
