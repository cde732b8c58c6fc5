#include "portlight/owner_service.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

namespace ghost::portlight {

namespace {

constexpr int kInit = 1;

/// Of a socket without a descriptor: ports that the kernel itself answers on when it is told to.
bool is_kernels_own(const Socket& socket) {
  if (socket.inode == 0) return true;
  if (socket.user != 0) return false;
  constexpr std::array<std::uint16_t, 4> kTunnels = {4789, 8472, 6081, 51820};  // vxlan, its old port, geneve, wireguard
  constexpr std::uint16_t kNfs = 2049;
  if (socket.port == kNfs) return true;
  return socket.transport == Transport::udp && std::find(kTunnels.begin(), kTunnels.end(), socket.port) != kTunnels.end();
}

Owner described(const ProcessFacts& facts, std::string user) {
  Owner owner;
  owner.pid = facts.pid;
  owner.process = facts.name;
  owner.user = std::move(user);
  owner.command = facts.command;
  owner.executable = facts.executable;
  const CgroupOwner place = owner_of_cgroup(facts.cgroup);
  owner.unit = place.unit;
  owner.container = place.container;
  // The kernel cuts a process's name at 15 bytes; its executable's name is whole.
  const std::string file = facts.executable.substr(facts.executable.rfind('/') + 1);
  if (owner.process.size() == 15 && file.starts_with(owner.process)) owner.process = file;
  if (facts.memory) owner.status = OwnerStatus::memory;
  else if (facts.deleted) owner.status = OwnerStatus::deleted;
  else if (!owner.container.empty() || (!facts.executable.empty() && !facts.own_files)) owner.status = OwnerStatus::container;
  else owner.status = OwnerStatus::unpackaged;
  return owner;
}

}  // namespace

const std::optional<ProcessFacts>& OwnerService::facts(int pid) {
  const auto found = facts_.find(pid);
  if (found != facts_.end()) return found->second;
  return facts_[pid] = process_facts(pid);
}

/// systemd holds the sockets it activates besides the service; of a server and its workers, the oldest made the socket.
std::optional<ProcessFacts> OwnerService::holder_of(const Socket& socket) {
  std::optional<ProcessFacts> best;
  if (socket.inode == 0) return best;
  for (const ProcessScan::Holding& holding : scan_.holders(socket.inode)) {
    const auto& one = facts(holding.pid);
    if (!one) continue;
    if (!best || best->pid == kInit || (one->pid != kInit && std::pair(one->started, one->pid) < std::pair(best->started, best->pid))) best = one;
  }
  return best;
}

const std::string& OwnerService::user(std::uint32_t number) {
  const auto known = users_.find(number);
  return known != users_.end() ? known->second : users_.emplace(number, user_name(number)).first->second;
}

void OwnerService::fill_in_unseen(const Socket& socket, Owner& owner) {
  if (::geteuid() == 0 && scan_.hidden == 0) {
    owner.status = is_kernels_own(socket) ? OwnerStatus::kernel : OwnerStatus::no_descriptor;
    return;
  }
  owner.status = OwnerStatus::not_visible;
  owner.user = user(socket.user);
  // The kernel tells everyone in which cgroup a socket was made.
  if (socket.cgroup == 0) return;
  const CgroupOwner place = owner_of_cgroup(cgroup_path(socket.cgroup));
  owner.unit = place.unit;
  owner.container = place.container;
}

void OwnerService::fill_in(Listener& listener) {
  const auto holder = holder_of(listener.socket);
  if (!holder) return fill_in_unseen(listener.socket, listener.owner);
  auto known = owners_.find(holder->pid);
  if (known == owners_.end()) known = owners_.emplace(holder->pid, described(*holder, user(holder->user))).first;
  listener.owner = known->second;
}

void OwnerService::fill_in(std::vector<Listener>& listeners) {
  std::set<std::string> programs;
  for (Listener& listener : listeners) {
    fill_in(listener);
    if (listener.owner.status == OwnerStatus::unpackaged && !listener.owner.executable.empty()) programs.insert(listener.owner.executable);
  }
  const auto found = packages_.with([&](PackageService& packages) { return packages.look_up({programs.begin(), programs.end()}); });
  for (Listener& listener : listeners) {
    if (listener.owner.status != OwnerStatus::unpackaged) continue;
    // Whose executable can't even be named may be anything.
    if (listener.owner.executable.empty()) listener.owner.status = OwnerStatus::not_visible;
    const auto one = found.find(listener.owner.executable);
    if (one == found.end()) continue;
    listener.owner.status = one->second.status;
    listener.owner.package = one->second.package;
  }
}

std::string remedy() { return ::geteuid() == 0 ? "need the right to trace every process (CAP_SYS_PTRACE)" : "need root"; }

std::vector<std::string> unix_listeners(const ProcessScan& scan, int pid) {
  std::set<std::uint64_t> own;
  for (const auto& holding : scan.sockets) {
    if (holding.pid == pid) own.insert(holding.inode);
  }
  std::vector<std::string> paths;
  std::ifstream table("/proc/" + std::to_string(pid) + "/net/unix");
  std::string line;
  std::getline(table, line);  // headings: Num RefCount Protocol Flags Type St Inode Path
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, path;
    std::uint64_t inode = 0;
    if (!(words >> number >> references >> protocol >> flags >> type >> state >> inode >> path)) continue;
    const bool listens = flags == "00010000";
    if (listens && path.starts_with('/') && own.count(inode) != 0) paths.push_back(path);
  }
  return paths;
}

}  // namespace ghost::portlight
