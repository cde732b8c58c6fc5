#include "portlight/identify_service.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "portlight/owner_service.h"

namespace ghost::portlight {

namespace {

constexpr unsigned kAtOnce = 16;
constexpr auto kPatience = std::chrono::milliseconds(1500);
constexpr auto kPatienceWithOurs = std::chrono::seconds(5);  // all are asked at once: only one that hangs costs it

std::string_view owner_protocol(const Owner& owner) {
  const std::string_view by_file = protocol_of_program(owner.executable);
  return by_file.empty() ? protocol_of_program(owner.process) : by_file;
}

bool agrees(std::span<const std::string_view> services, const Identity& identity) {
  return services.empty() || std::any_of(services.begin(), services.end(), [&](std::string_view service) { return speaks(service, identity); });
}

/// Runs all of `tasks`, some at once; each on a thread that it may take into another namespace and that ends with them.
void run_all(std::vector<std::function<void()>> tasks) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::min<std::size_t>(kAtOnce, tasks.size()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t at; (at = next++) < tasks.size();) tasks[at]();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

net::Address dialled(const Socket& socket) {
  Socket reached = socket;
  if (socket.is_any()) {
    reached.ip = {};
    if (socket.ip6) reached.ip[15] = 1;
    else reached.ip = {127, 0, 0, 1};
  }
  if (!reached.ip6) return net::Address::ip4({reached.ip[0], reached.ip[1], reached.ip[2], reached.ip[3]}, reached.port);
  return net::Address::ip6(reached.ip, reached.port, reached.interface);
}

Identity of_claim(const Listener& listener, const ProgramClaim& claim, std::span<const std::string_view> services) {
  Identity identity;
  identity.protocol = "b2";
  identity.product = claim.program;
  identity.version = claim.version;
  identity.evidence.push_back("asked by b2 at " + claim.asked_at + ": " + claim.program + " " + claim.version + (claim.node_name.empty() ? "" : ", node " + claim.node_name));
  identity.confidence = 0.97;
  const bool asked_here = claim.asked_at == dialled(listener.socket).text();
  if (!asked_here) {
    const auto* held = claim.holds(name(listener.socket.transport), listener.socket.port);
    if (held != nullptr) {
      identity.evidence.push_back("its Status, signed by " + claim.signed_by + ", says it holds " + held->address + " for " + held->purpose);
    } else {
      identity.confidence = 0.8;
      identity.evidence.push_back("the same process holds this socket");
      if (!claim.trouble.empty()) identity.evidence.push_back(claim.trouble);
    }
    // ARDUS signs what it holds: a socket it does not name is not confirmed by the process alone.
    if (held == nullptr && claim.program == "ardus") {
      identity.status = IdentityStatus::owner_only;
      return identity;
    }
  }
  identity.status = agrees(services, identity) ? IdentityStatus::confirmed : IdentityStatus::contradicts;
  return identity;
}

}  // namespace

Identity conclude(const Hearing& hearing, std::span<const std::string_view> services, std::string_view prior) {
  Identity identity;
  identity.evidence = hearing.evidence;
  if (hearing.found) {
    identity.protocol = hearing.found->protocol;
    identity.product = hearing.found->product;
    identity.version = hearing.found->version;
    identity.confidence = hearing.found->confidence;
    identity.status = agrees(services, identity) ? IdentityStatus::confirmed : IdentityStatus::contradicts;
    return identity;
  }
  if (prior.empty()) {
    identity.status = hearing.heard_something ? IdentityStatus::owner_only : IdentityStatus::silent;
    return identity;
  }
  identity.protocol = prior;
  identity.confidence = 0.6;
  identity.evidence.push_back("its program is known to speak " + std::string(prior));
  // Which of ours it is was not heard, so it contradicts none of them.
  const bool may_be = std::any_of(services.begin(), services.end(), [&](std::string_view service) { return protocol_of_service(service) == prior; });
  identity.status = may_be || agrees(services, identity) ? IdentityStatus::owner_only : IdentityStatus::contradicts;
  return identity;
}

const NetworkNamespace* IdentifyService::space_of(const Socket& socket) const {
  const auto found = std::find_if(spaces_.begin(), spaces_.end(), [&](const NetworkNamespace& space) { return space.inode == socket.netns; });
  return found == spaces_.end() ? nullptr : &*found;
}

/// One program of ours: at its Unix socket if it has one, which is reached from any namespace; else at a port.
Result<ProgramClaim> IdentifyService::ask(const std::vector<Listener>& listeners, int pid) const {
  Result<ProgramClaim> claim = Error{Errc::not_found, "it has no socket to ask it at"};
  for (const std::string& path : unix_listeners(scan_, pid)) {
    claim = ask_program(net::Address::unix_path(path), kPatienceWithOurs);
    if (claim) return claim;
  }
  for (const Listener& listener : listeners) {
    if (listener.owner.pid != pid || listener.socket.transport != Transport::tcp) continue;
    if (!listener.socket.is_loopback() && !listener.socket.is_any()) continue;  // off loopback strangers are not answered
    const NetworkNamespace* space = space_of(listener.socket);
    if (space == nullptr) continue;
    const Status entered = in_namespace(*space, [&] { claim = ask_program(dialled(listener.socket), kPatienceWithOurs); });
    if (entered && claim) return claim;
  }
  return claim;
}

IdentifyService::Claims IdentifyService::ask_ours(const std::vector<Listener>& listeners) const {
  std::set<int> pids;
  for (const Listener& listener : listeners) {
    if (listener.owner.pid != 0 && owner_protocol(listener.owner) == "b2") pids.insert(listener.owner.pid);
  }
  Claims claims;
  for (const int pid : pids) claims.emplace(pid, Error{Errc::unknown, ""});
  std::vector<std::function<void()>> tasks;
  for (auto& [pid, claim] : claims) tasks.push_back([&, one = pid, out = &claim] { *out = ask(listeners, one); });
  run_all(std::move(tasks));
  return claims;
}

void IdentifyService::identify(Listener& listener, Level level, const Claims& claims) const {
  const auto services = listener.registry.names();
  const std::string_view prior = owner_protocol(listener.owner);
  const bool tcp = listener.socket.transport == Transport::tcp;
  std::vector<std::string> unanswered;
  if (const auto claim = claims.find(listener.owner.pid); claim != claims.end()) {
    // What answers on the very port is worth more than the process's word.
    if (tcp && (listener.socket.is_loopback() || listener.socket.is_any())) {
      const auto direct = ask_program(dialled(listener.socket), kPatience);
      if (direct) {
        // Its signed list of sockets was asked for once already.
        listener.identity = of_claim(listener, *direct, services);
        return;
      }
      unanswered.push_back(direct.error().message);
    }
    if (claim->second) {
      listener.identity = of_claim(listener, *claim->second, services);
      return;
    }
    unanswered.push_back(claim->second.error().message);
  }
  const auto questions = plan(listener.socket.transport, listener.socket.port, prior, services, level);
  listener.identity = conclude(tcp ? listen_and_ask(listener.socket, questions) : ask_by_datagram(listener.socket, questions), services, prior);
  listener.identity.evidence.insert(listener.identity.evidence.end(), unanswered.begin(), unanswered.end());
}

void IdentifyService::fill_in(std::vector<Listener>& listeners, Level level) {
  if (level == Level::off) return;
  const Claims claims = level >= Level::owner ? ask_ours(listeners) : Claims();
  std::vector<std::function<void()>> tasks;
  for (Listener& listener : listeners) {
    const NetworkNamespace* space = space_of(listener.socket);
    if (space == nullptr) continue;
    tasks.push_back([this, &listener, &claims, level, space] {
      if (space->name.empty()) return identify(listener, level, claims);
      if (const Status entered = in_namespace(*space, [&] { identify(listener, level, claims); }); !entered) listener.identity.evidence.push_back(entered.error().message);
    });
  }
  run_all(std::move(tasks));
}

}  // namespace ghost::portlight
