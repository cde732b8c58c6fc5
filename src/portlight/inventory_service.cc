#include "portlight/inventory_service.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <tuple>

#include "base/unique_fd.h"
#include "portlight/identify_service.h"
#include "portlight/owner_service.h"
#include "portlight/sock_diag_service.h"

extern char** environ;

namespace ghost::portlight {

namespace {

constexpr std::size_t kLongestRules = 8 * 1024 * 1024;

/// What `nft -j list ruleset` prints; "" where there is no nft.
std::string nft_rules() {
  constexpr const char* kTool = "/usr/sbin/nft";
  if (::access(kTool, X_OK) != 0) return "";
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return "";
  const UniqueFd out(pipe[0]);
  UniqueFd in(pipe[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::array<std::string, 4> words = {kTool, "-j", "list", "ruleset"};
  std::array<char*, 5> arguments = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, kTool, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  in.reset();
  if (failed != 0) return "";
  std::string text;
  std::array<char, 64 * 1024> buffer;
  for (ssize_t count; (count = ::read(out.get(), buffer.data(), buffer.size())) > 0 && text.size() < kLongestRules;) text.append(buffer.data(), static_cast<std::size_t>(count));
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? text : "";
}

/// The rules of our namespace; a stranger's are not read, so nothing there is called published or blocked.
Firewall firewall() {
  if (::geteuid() != 0) return {};
  auto rules = parse_nft(nft_rules());
  return rules ? std::move(*rules) : Firewall();
}

void judge_all(std::vector<Listener>& listeners) {
  for (Listener& listener : listeners) {
    Findings findings;
    findings.axes = {listener.registry.status, listener.identity.status, listener.owner.status, listener.exposure, listener.novelty};
    findings.port = listener.socket.port;
    for (const std::string_view name : listener.registry.names()) findings.registered += (findings.registered.empty() ? "" : ", ") + std::string(name);
    if (findings.registered.empty() && !listener.registry.rows.empty()) findings.registered = listener.registry.rows[0]->description;
    findings.history = listener.registry.history();
    findings.identity = listener.identity.text();
    findings.owner = listener.owner.text();
    findings.package = listener.owner.package;
    findings.container = listener.owner.container;
    findings.remedy = remedy();
    listener.verdict = judge(findings.axes);
    listener.why = sentence(findings);
  }
}

bool is_wanted(const Socket& socket, const std::vector<std::uint16_t>& ports) { return ports.empty() || std::find(ports.begin(), ports.end(), socket.port) != ports.end(); }

/// Sockets made after the first look through /proc have no holder in it: look again before saying that nobody has them.
bool someone_new(const std::vector<Socket>& sockets, const ProcessScan& scan, const std::vector<std::uint16_t>& ports) {
  return std::any_of(sockets.begin(), sockets.end(), [&](const Socket& socket) { return socket.inode != 0 && is_wanted(socket, ports) && scan.holders(socket.inode).empty(); });
}

/// Adds namespaces that came to light late, and their listeners.
void look_into(std::vector<NetworkNamespace> found, std::vector<NetworkNamespace>& spaces, SocketScan& seen) {
  if (found.empty()) return;
  SocketScan more = listening_sockets(found);
  seen.sockets.insert(seen.sockets.end(), more.sockets.begin(), more.sockets.end());
  seen.unseen.insert(seen.unseen.end(), more.unseen.begin(), more.unseen.end());
  std::move(found.begin(), found.end(), std::back_inserter(spaces));
}

}  // namespace

InventoryService::InventoryService(const Registry& registry, std::filesystem::path cache)
    : registry_(registry), packages_(PackageService("/var/lib/dpkg/info", std::move(cache))) {}

InventoryService::Answer InventoryService::look(const Wish& wish) {
  const auto begin = std::chrono::steady_clock::now();
  Answer answer;
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
  ProcessScan scan = scan_processes(threads);
  std::vector<NetworkNamespace> spaces = network_namespaces(scan);
  if (wish.here_only) spaces.resize(std::min<std::size_t>(spaces.size(), 1));
  SocketScan seen = listening_sockets(spaces);
  if (!wish.here_only) look_into(hidden_namespaces(scan, spaces, seen.sockets), spaces, seen);
  if (::geteuid() == 0 && someone_new(seen.sockets, scan, wish.ports)) scan = scan_processes(threads);

  const Firewall rules = firewall();
  for (const Socket& socket : seen.sockets) {
    if (!is_wanted(socket, wish.ports)) continue;
    Listener listener;
    listener.socket = socket;
    const auto space = std::find_if(spaces.begin(), spaces.end(), [&](const NetworkNamespace& one) { return one.inode == socket.netns; });
    if (space != spaces.end()) listener.netns = space->name;
    listener.registry = registry_.lookup(socket.port, socket.transport);
    listener.exposure = exposure_of(socket, socket.netns == own_namespace() ? rules : Firewall());
    answer.listeners.push_back(std::move(listener));
  }
  OwnerService(scan, packages_).fill_in(answer.listeners);
  IdentifyService(scan, spaces).fill_in(answer.listeners, wish.level);
  judge_all(answer.listeners);
  std::sort(answer.listeners.begin(), answer.listeners.end(), [](const Listener& a, const Listener& b) {
    return std::tuple(a.socket.port, a.socket.transport, a.netns, a.socket.ip6, a.socket.ip) < std::tuple(b.socket.port, b.socket.transport, b.netns, b.socket.ip6, b.socket.ip);
  });
  answer.unseen = std::move(seen.unseen);
  const auto hidden = std::count_if(answer.listeners.begin(), answer.listeners.end(), [](const Listener& one) { return one.owner.status == OwnerStatus::not_visible; });
  if (hidden > 0) answer.unseen.push_back("the owner" + std::string(hidden > 1 ? "s" : "") + " of " + std::to_string(hidden) + " listener" + (hidden > 1 ? "s are" : " is") + " not visible to me: " + remedy());
  answer.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return answer;
}

}  // namespace ghost::portlight
