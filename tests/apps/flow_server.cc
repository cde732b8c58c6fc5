// A program of someone's with a service of its own, for the tests of `b2 call`: b2.test.v1.Flow by its generated stubs. Prints its
// address, and ends with its standard input.
#include <poll.h>

#include <csignal>
#include <iostream>

#include "b2/node_service.h"
#include "b2/test/v1/kinds.b2.h"

namespace {

using namespace ghost;
using namespace ghost::b2;

/// Gather answers with a tree of all names, or at once to the name "enough"; Chat gives each name back.
class Flow : public test::v1::FlowService {
 public:
  void gather(UploadStream<test::v1::Names, test::v1::Tree> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    const auto tree = std::make_shared<test::v1::Tree>();
    held->read(
        [held, tree](const test::v1::Names& in) {
          tree->more.push_back({in.name, {}, {}, {}, {}});
          if (in.name == "enough") held->finish(*tree);
        },
        [held, tree] { held->finish(*tree); });
  }
  void chat(BidiStream<test::v1::Names, test::v1::Tree> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    held->read([held](const test::v1::Names& in) { held->write({in.name, {}, {}, {}, {}}); }, [held] { held->finish(); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  auto network = net::EpollNetwork::create();
  if (argc != 2 || !network) {
    std::cerr << "flow_server: " << (network ? "it takes the folder of its state" : network.error().message) << "\n";
    return 2;
  }
  Flow flow;
  Node::Options options;
  options.program = "flow_server";
  options.version = "1";
  options.state = argv[1];
  options.listen = {net::Address::loopback(0)};
  auto node = Node::start(**network, options, Logger::none());
  if (!node) {
    std::cerr << "flow_server: " << node.error().message << "\n";
    return 1;
  }
  (*node)->endpoint().services.add(flow);
  std::cout << (*node)->addresses().front() << std::endl;
  const auto end = (*network)->watch(0, POLLIN, [&](short) { (*network)->stop(); });
  (*network)->run();
  return 0;
}
