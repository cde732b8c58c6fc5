// What b2spec tries our library by: `spec_peer serve STATE` is a node that serves b2.spec.v1.Drill, prints its addresses and its
// token, drains when it is told to end and ends with its standard input; `spec_peer connect ADDR` is a client that does as Drill/Next says.
#include "spec_peer.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "b2/node_service.h"
#include "b2/spec/v1/drill.b2.h"

namespace {

using ghost::Errc;
using ghost::Error;
using ghost::Result;
namespace b2 = ghost::b2;
namespace drill = ghost::b2::spec::v1;

class Drill : public drill::DrillService {
 public:
  Result<drill::Piece> echo(const drill::Piece& request, const b2::CallContext&) override { return request; }
  Result<drill::Piece> guarded(const drill::Piece& request, const b2::CallContext&) override { return request; }
  Result<drill::Total> tally(const drill::Piece&, const b2::CallContext&) override { return drill::Total{++calls_, 0}; }
  Result<drill::Piece> fail(const drill::FailRequest& request, const b2::CallContext&) override {
    return Error{static_cast<Errc>(request.status % 17 == 0 ? 2 : request.status % 17), "asked to fail"};
  }
  void answer_hold(drill::Piece, b2::UnaryCall<drill::Piece> call) override {
    const auto held = std::make_shared<decltype(call)>(std::move(call));
    held->on_cancel([held] { held->fail(Error{Errc::cancelled, "given up"}); });
  }
  void hold_stream(b2::UploadStream<drill::Piece, drill::Piece> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    held->read_slowly([](const drill::Piece&, std::size_t) {}, [] {});
    held->on_cancel([held] { held->fail(Error{Errc::cancelled, "given up"}); });
  }
  void count(drill::CountRequest request, b2::ServerStream<drill::Piece> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    const auto left = std::make_shared<std::uint32_t>(request.count);
    drill::Piece piece;
    piece.payload.assign(request.size, 'x');
    const auto go_on = [weak = std::weak_ptr(held), left, piece = std::move(piece)] {
      const auto stream_now = weak.lock();
      while (stream_now && stream_now->open()) {
        if (*left == 0) return stream_now->finish();
        --*left;
        if (!stream_now->write(piece)) return;
      }
    };
    held->on_ready([held, go_on] { go_on(); });
    held->on_cancel([held] { held->fail(Error{Errc::cancelled, "given up"}); });
    go_on();
  }
  void sum(b2::UploadStream<drill::Piece, drill::Total> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    const auto total = std::make_shared<drill::Total>();
    held->read(
        [total](const drill::Piece& piece) {
          ++total->messages;
          total->bytes += piece.payload.size();
        },
        [held, total] { held->finish(*total); });
    held->on_cancel([held] { held->fail(Error{Errc::cancelled, "given up"}); });
  }
  void chat(b2::BidiStream<drill::Piece, drill::Piece> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    held->read([held](const drill::Piece& piece) { held->write(piece); }, [held] { held->finish(); });
    held->on_cancel([held] { held->fail(Error{Errc::cancelled, "given up"}); });
  }

 private:
  std::uint32_t calls_ = 0;
};

/// SIGTERM as a descriptor. Before there are threads.
ghost::UniqueFd end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return ghost::UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int serve(ghost::net::EpollNetwork& network, const std::string& state) {
  const ghost::UniqueFd signals = end_signals();
  Drill service;
  b2::Node::Options options;
  options.program = "spec_peer";
  options.version = "1";
  options.state = state;
  options.listen = {ghost::net::Address::loopback(0), ghost::net::Address::unix_path(state + "/b2.sock")};
  auto node = b2::Node::start(network, options, ghost::Logger::none());
  if (!node) {
    std::cerr << node.error().message << "\n";
    return 1;
  }
  (*node)->endpoint().services.add(service);
  (*node)->endpoint().compress = b2::Compress::always;  // b2spec is on this machine, too
  for (const std::string& address : (*node)->addresses()) std::cout << address << "\n";
  std::cout << (*node)->token() << std::endl;
  const auto end = network.watch(0, POLLIN, [&](short) { network.stop(); });
  bool told = false;
  const auto drain = network.watch(signals.get(), POLLIN, [&](short) {
    signalfd_siginfo info;
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
      if (std::exchange(told, true)) (*node)->cut_short();
      else (*node)->shut_down([&] { network.stop(); });
    }
  });
  network.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  auto network = ghost::net::EpollNetwork::create();
  const std::string verb = argc == 3 ? argv[1] : "";
  if (!network) {
    std::cerr << "spec_peer: " << network.error().message << "\n";
    return 1;
  }
  if (verb == "serve") return serve(**network, argv[2]);
  if (verb == "connect") return b2::spec_peer::connect(**network, argv[2]);
  std::cerr << "spec_peer serve STATE | connect ADDR\n";
  return 2;
}
