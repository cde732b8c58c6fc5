// A daemon as `ghostlight up` is one, with a test child: `b2_test_daemon up --state DIR --listen 127.0.0.1:0 --done FILE`. Another process of it dies
// at once when DIR/dies exists, and its child does not start beside another when DIR/lonely does.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <list>

#include "app/places.h"
#include "app/succession_service.h"
#include "b2/host_service.h"
#include "b2/v1/host.b2.h"
#include "base/file.h"

namespace ghost::app {
namespace {

constexpr b2::MethodInfo kDoneMethods[] = {
    {"Once", b2::MethodKind::unary, "public", true, false},  // u64 id, u32 ms: writes the id to the file, and answers with the request later
    {"Again", b2::MethodKind::unary, "public", true, true},  // the same, and may be done again
};

class DoneService : public b2::Service {
 public:
  DoneService(net::Reactor& reactor, const std::string& file) : reactor_(reactor), file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  const b2::ServiceInfo& info() const override { return info_; }

  void handle(std::size_t method, BytesView request, b2::ServerCall call) override {
    ByteReader in(request);
    in.u64();
    const Duration later = std::chrono::milliseconds(in.u32());
    if (method == 0 && ::write(file_.get(), request.data(), 8) != 8) return call.fail(Error{Errc::io, "the file can't be written"});
    const auto kept = std::make_shared<b2::ServerCall>(std::move(call));
    timers_.push_back(reactor_.wake_at(reactor_.now() + later, [kept, answer = to_bytes(request)](TimePoint) { kept->finish(b2::Payload(BytesView(answer))); }));
    if (timers_.size() > 4096) timers_.pop_front();
  }

 private:
  net::Reactor& reactor_;
  UniqueFd file_;
  std::list<net::Timer> timers_;
  b2::ServiceInfo info_{"test.v1.Done", "v1", kDoneMethods, b2::v1::HostService::static_info().file_descriptor_set};
};

int up(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("b2_test_daemon", where.error());
  if (const Status made = make_private_directory(where->state); !made) return complain("b2_test_daemon", made.error());
  const bool takes_over = std::getenv("B2_SUCCEEDS") != nullptr;
  if (takes_over && std::filesystem::exists(where->state / "dies")) return 3;
  const auto succession = Succession::open(where->state / "up.lock");
  if (!succession) return complain("b2_test_daemon", succession.error());

  std::unique_ptr<b2::KernelProcesses> processes;
  std::unique_ptr<b2::Host> host;
  std::unique_ptr<DoneService> done;
  const Logger log = Logger::to_stderr(LogLevel::info);
  DaemonSpec spec;
  spec.program = "b2_test_daemon";
  spec.port = 2203;
  spec.socket = "b2";
  spec.datagrams = true;
  spec.ready = [&](b2::Node& node) -> Status {
    processes = std::make_unique<b2::KernelProcesses>(node.network());
    const Predecessor* const before = (*succession)->before();
    host = std::make_unique<b2::Host>(b2::HostParts{node.network().reactor(), *processes, node.endpoint(), log, {}, [before] { return before != nullptr && before->lives(); }},
                                      b2::Host::About{node.core(), "test"});
    host->upgrade_self = [&](auto told) {
      (*succession)->upgrade(node.network(), {node.token(), {"child"}}, log, [&] { host->end_watching({Errc::busy, "call again"}); }, std::move(told));
    };
    done = std::make_unique<DoneService>(node.network().reactor(), arguments.text("done"));
    node.endpoint().services.add(*host);
    node.endpoint().services.add(*done);
    return host->add({"child", {B2_TEST_CHILD, std::filesystem::exists(where->state / "lonely") ? "lonely" : "serve"}, {}, {}});
  };
  spec.services_changed = [&](const b2::v1::ServiceEntry& changed) {
    if (host) host->tell_services(changed);
  };
  spec.stands = [&]() -> Result<bool> {
    const b2::v1::Child child = host->state().children.at(0);
    if (!child.last_exit.empty()) return Error{Errc::conflict, "child does not start: " + child.last_exit};
    return child.state == b2::v1::ChildState::ready;
  };
  spec.stopping = [&](std::function<void()> stopped) { host->stop(std::move(stopped)); };
  spec.ended = [&] {
    done.reset();
    host.reset();
  };
  (*succession)->join(spec);
  return (*succession)->end(run_daemon(spec, arguments));
}

}  // namespace
}  // namespace ghost::app

int main(int argc, char** argv) {
  using namespace ghost;
  Verb verb;
  verb.name = "up";
  verb.summary = "run";
  verb.options = app::daemon_options();
  verb.options.push_back(Option{"done", "FILE", "where what was done is written"});
  verb.run = app::up;
  Program program;
  program.name = "b2_test_daemon";
  program.version = "test";
  program.summary = "a daemon for tests";
  program.verbs = {verb};
  return run_command_line(program, argc, argv);
}
