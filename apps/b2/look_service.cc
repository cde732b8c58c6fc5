#include "look_service.h"

#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <csignal>

namespace ghost::app {

Result<std::unique_ptr<Look>> Look::begin(const Places& where) {
  std::unique_ptr<Look> look(new Look());
  auto network = net::EpollNetwork::create({});
  if (!network) return network.error();
  look->network_ = std::move(*network);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  look->signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  look->endpoint_.name = "b2";
  std::error_code none;
  if (std::filesystem::exists(where.state / "membership.pem", none)) {
    const auto now = std::chrono::system_clock::now();
    auto state = b2::NodeState::open_or_create(where.state, "", now);
    if (!state) return state.error();
    auto material = state->tls_material(now);
    if (!material) return material.error();
    auto tls = net::make_tls_context({std::move(material->certificates), std::move(material->private_key), {"b2/1"}, true});
    if (!tls) return tls.error();
    look->tls_ = std::move(*tls);
    look->endpoint_.node = state->id();
    look->endpoint_.name = state->name();
    look->state_.emplace(std::move(*state));
  }
  b2::Finder::Parts parts{*look->network_, look->endpoint_, [own = look.get()] { return own->tls_; },
                          [own = look.get()]() -> const b2::HouseTrust* { return own->is_member() ? &own->state_->membership()->house() : nullptr; }, {}};
  parts.rules.dials = 16;  // a person waits
  parts.rules.dial_rate = parts.rules.dial_burst = 200;
  parts.rules.spread = 1000;
  look->finder_ = std::make_unique<b2::Finder>(std::move(parts));
  look->finder_->start();
  return look;
}

Look::~Look() = default;

bool Look::turn_until(TimePoint end) {
  const auto watch = network_->watch(signals_.get(), POLLIN, [this](short) { interrupted_ = true; });
  const auto timer = network_->wake_at(end, [](TimePoint) {});
  while (!interrupted_ && network_->precise_now() < end) network_->turn(end);
  return !interrupted_;
}

bool Look::listen(Duration span) {
  const TimePoint begin = network_->precise_now();
  finder_->ask();
  if (!turn_until(begin + span / 2)) return false;
  finder_->ask();
  return turn_until(begin + span);
}

std::uint32_t mtu_of(const std::string& interface) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return fd && ::ioctl(fd.get(), SIOCGIFMTU, &request) == 0 ? static_cast<std::uint32_t>(request.ifr_mtu) : 0;
}

}  // namespace ghost::app
