#include "steering_service.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <csignal>

#include "app/version.h"
#include "portlight/api.h"

namespace ghost::app {

namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(500);

}  // namespace

std::string holder_of(std::string_view transport, std::uint16_t port) {
  const auto holder = portlight::holder_of(transport, port);
  return holder ? *holder : std::string();
}

Result<std::unique_ptr<Steering>> Steering::open(const Arguments& arguments, bool quiet) {
  const auto where = places(arguments);
  if (!where) return where.error();
  std::unique_ptr<Steering> steering(new Steering());
  Session::Wish wish;
  wish.at = where->socket("ardus");
  auto session = Session::open(*where, wish);
  if (session) {
    steering->session_ = std::move(*session);
    return steering;
  }
  if (session.error().code != Errc::not_found && session.error().code != Errc::busy) return session.error();
  if (Status started = steering->start_own(*where, quiet); !started) return started.error();
  return steering;
}

/// No daemon runs: the service lives in this process, steered by its own Unix socket like any other.
Status Steering::start_own(const Places& where, bool quiet) {
  std::error_code failed;
  std::filesystem::create_directories(where.sockets, failed);
  if (failed) return Error{Errc::io, "create " + where.sockets.string() + ": " + failed.message()};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  auto network = net::EpollNetwork::create({.resends_soon = true, .small_segments = true});
  if (!network) return network.error();
  network_ = std::move(*network);
  const std::string socket = where.socket("ardus");
  const auto target = b2::Target::parse(socket);
  if (!target) return target.error();
  const Logger log = Logger::to_stderr(quiet ? LogLevel::error : LogLevel::warning);
  b2::Node::Options options;
  options.program = "ardus";
  options.version = kVersion;
  options.state = where.state;
  options.listen = {target->address};
  auto node = b2::Node::start(*network_, std::move(options), log);
  if (!node) return node.error();
  node_ = std::move(*node);
  ardus_ = std::make_unique<ardus::ArdusNode>(*node_, log, holder_of);
  endpoint_.name = "ardus";
  std::optional<Result<std::unique_ptr<b2::Link>>> opened;
  dial_ = std::make_unique<b2::Dial>(b2::Dial::Parts{*network_, endpoint_, nullptr, {}, std::chrono::seconds(10)}, *target,
                                     [&](Result<std::unique_ptr<b2::Link>> link) { opened = std::move(link); });
  if (!wait([&] { return opened.has_value(); })) return Error{Errc::cancelled, "interrupted"};
  if (!*opened) return opened->error();
  link_ = std::move(**opened);
  dial_.reset();
  return {};
}

/// Says goodbye to receivers and senders: what was answered last still leaves.
Steering::~Steering() {
  if (!node_) return;
  link_.reset();
  bool down = false;
  node_->shut_down([&] { down = true; });
  const TimePoint until = network_->precise_now() + kFarewell;
  while (!down && network_->precise_now() < until) network_->turn(until);
  ardus_.reset();
}

b2::Caller& Steering::caller() { return session_ ? session_->channel() : link_->channel(); }

bool Steering::wait(const std::function<bool()>& done, TimePoint until) {
  if (session_) return session_->wait(done, until);
  const auto watch = network_->watch(signals_.get(), POLLIN, [this](short) { interrupted_ = true; });
  while (!done() && !interrupted_ && network_->now() < until) network_->turn(until);
  return done();
}

}  // namespace ghost::app
