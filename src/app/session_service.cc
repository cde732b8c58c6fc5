#include "app/session_service.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <csignal>

#include "b2/message.h"
#include "net/resolve.h"

namespace ghost::app {

namespace {

constexpr Duration kFarewell = std::chrono::milliseconds(200);

}  // namespace

Result<b2::Target> find_target(std::string_view text) {
  auto target = b2::Target::parse(text);
  if (target) return target;
  constexpr std::string_view scheme = "tls:";
  const bool forced = text.starts_with(scheme);
  const auto address = net::resolve(forced ? text.substr(scheme.size()) : text, 2203);
  if (!address) return address.error();
  return b2::Target{*address, forced || !address->is_loopback()};
}

Result<std::unique_ptr<Session>> Session::open(const Places& where, const Wish& wish) {
  std::unique_ptr<Session> session(new Session());
  const bool local = wish.at.empty();
  auto target = find_target(local ? where.socket("b2") : wish.at);
  if (!target) return target.error();
  session->target_ = *target;
  auto network = net::EpollNetwork::create({.spin = wish.spin ? Duration(std::chrono::microseconds(50)) : Duration::zero()});
  if (!network) return network.error();
  session->network_ = std::move(*network);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  session->signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));

  std::shared_ptr<const net::TlsContext> tls;
  b2::Trust trust;
  session->endpoint_.name = "b2";
  if (target->tls) {
    const auto now = std::chrono::system_clock::now();
    auto state = b2::NodeState::open_or_create(where.state, "", now);
    if (!state) return state.error();
    auto material = state->tls_material(now);
    if (!material) return material.error();
    auto context = net::make_tls_context({std::move(material->certificates), std::move(material->private_key), {"b2/1"}, true});
    if (!context) return context.error();
    tls = std::move(*context);
    session->state_.emplace(std::move(*state));
    session->endpoint_.name = session->state_->name();
    session->endpoint_.node = session->state_->id();
    if (session->state_->membership()) trust.house = &session->state_->membership()->house();
    trust.code = wish.code;
  }
  std::optional<Result<std::unique_ptr<b2::Link>>> opened;
  session->parts_.emplace(b2::Dial::Parts{*session->network_, session->endpoint_, tls, trust, wish.timeout});
  session->dial_ = std::make_unique<b2::Dial>(*session->parts_, *target,
                                              [&](Result<std::unique_ptr<b2::Link>> link) { opened = std::move(link); });
  if (!session->wait([&] { return opened.has_value(); })) return Error{Errc::cancelled, "interrupted"};
  if (!*opened) {
    Error error = opened->error();
    if (local && (error.code == Errc::busy || error.code == Errc::not_found)) {
      error.message += "; is the host running? 'ghostlight up' starts it, and --state or an address says where else to look";
    }
    return error;
  }
  session->link_ = std::move(**opened);
  session->dial_.reset();
  return session;
}

/// Says goodbye, so that the other side need not wonder whether bytes were lost.
Session::~Session() {
  if (!link_ && !client_) return;
  bool closed = false;
  if (client_) {
    client_->close([&] { closed = true; });
  } else {
    link_->set_events({{}, {}, [&](const Error&) { closed = true; }});
    link_->close();
  }
  const TimePoint until = network_->precise_now() + kFarewell;
  while (!closed && network_->precise_now() < until) network_->turn(until);
}

b2::Caller& Session::steady() {
  if (!client_) {
    client_ = std::make_unique<b2::Client>(*parts_, target_);
    client_->adopt(std::move(link_));
  }
  return client_->caller();
}

bool Session::wait(const std::function<bool()>& done, TimePoint until) {
  const auto watch = network_->watch(signals_.get(), POLLIN, [this](short) { interrupted_ = true; });
  while (!done() && !interrupted_ && network_->now() < until) network_->turn(until);
  return done();
}

Result<Bytes> Session::call(std::string_view service, std::string_view method, BytesView request, Duration timeout) {
  std::optional<Result<Bytes>> result;
  b2::CallOptions options;
  options.timeout = timeout;
  auto call = channel().start(service, method, b2::Payload(request), options, std::make_unique<b2::KeepAnswer>(result));
  if (!wait([&] { return result.has_value(); })) {
    call.cancel();
    return Error{Errc::cancelled, "interrupted"};
  }
  return std::move(*result);
}

}  // namespace ghost::app
