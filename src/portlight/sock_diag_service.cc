#include "portlight/sock_diag_service.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace ghost::portlight {

namespace {

constexpr std::size_t kMostForeignSockets = 20'000;  ///< looked at for a hidden namespace, a few microseconds each

std::uint64_t inode_of(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

std::string bare_name(std::uint64_t inode) { return "net:[" + std::to_string(inode) + "]"; }

/// Namespaces by inode; the first that names one wins.
class Finder {
 public:
  void add(std::uint64_t inode, std::string name, std::string path) {
    if (inode == 0 || !known_.insert(inode).second) return;
    NetworkNamespace space;
    space.inode = inode;
    space.name = name.empty() ? bare_name(inode) : std::move(name);
    space.path = std::move(path);
    found_.push_back(std::move(space));
  }
  void know(std::uint64_t inode) { known_.insert(inode); }
  void add_held(std::uint64_t inode, UniqueFd fd) {
    if (inode == 0 || !known_.insert(inode).second) return;
    NetworkNamespace space;
    space.inode = inode;
    space.name = bare_name(inode);
    space.held = std::make_shared<UniqueFd>(std::move(fd));
    found_.push_back(std::move(space));
  }
  std::vector<NetworkNamespace> take() { return std::move(found_); }

 private:
  std::set<std::uint64_t> known_;
  std::vector<NetworkNamespace> found_;
};

/// Files of /run/netns, and network namespaces mounted elsewhere ("net:[…]" of nsfs in mountinfo).
void add_mounted(Finder& finder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator at("/run/netns", failed), end; !failed && at != end; at.increment(failed)) {
    struct stat facts {}, folder {};
    // A file left behind by `ip netns` that is not mounted is on the folder's own file system.
    if (::stat(at->path().c_str(), &facts) != 0 || ::stat("/run/netns", &folder) != 0 || facts.st_dev == folder.st_dev) continue;
    finder.add(facts.st_ino, at->path().filename().string(), at->path().string());
  }
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string skip, root, point;
    words >> skip >> skip >> skip >> root >> point;
    if (root.starts_with("net:[")) finder.add(inode_of(point), "", point);
  }
}

/// A namespace without process and mount lives as long as a socket in it: ask sockets for theirs, through copies of the descriptors.
void add_hidden(Finder& finder, const ProcessScan& scan, const std::set<std::uint64_t>& seen) {
  std::map<int, UniqueFd> processes;
  std::uint64_t last = 0;
  std::size_t looked_at = 0;
  for (const ProcessScan::Holding& holding : scan.sockets) {
    if (holding.inode == last || seen.count(holding.inode) != 0) continue;
    last = holding.inode;
    if (++looked_at > kMostForeignSockets) return;
    auto& process = processes.try_emplace(holding.pid).first->second;
    if (!process) process.reset(static_cast<int>(::syscall(SYS_pidfd_open, holding.pid, 0)));
    if (!process) continue;
    const UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), holding.fd, 0)));
    int domain = 0;
    socklen_t length = sizeof domain;
    if (!copy || ::getsockopt(copy.get(), SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || (domain != AF_INET && domain != AF_INET6)) continue;
    UniqueFd space(::ioctl(copy.get(), SIOCGSKNS));
    struct stat facts {};
    if (space && ::fstat(space.get(), &facts) == 0) finder.add_held(facts.st_ino, std::move(space));
  }
}

UniqueFd entrance(const NetworkNamespace& space) {
  if (space.held) return UniqueFd(::fcntl(space.held->get(), F_DUPFD_CLOEXEC, 3));
  return UniqueFd(::open(space.path.c_str(), O_RDONLY | O_CLOEXEC));
}

Status enter(const NetworkNamespace& space) {
  if (space.inode == own_namespace()) return {};
  const UniqueFd door = entrance(space);
  if (!door) return errno_error("open the network namespace", space.name);
  if (::setns(door.get(), CLONE_NEWNET) != 0) return errno_error("enter the network namespace", space.name);
  return {};
}

Status dump(int netlink, Transport transport, bool ip6, std::vector<Socket>& out) {
  const Bytes request = dump_request(transport, ip6);
  if (::send(netlink, request.data(), request.size(), 0) < 0) return errno_error("ask", "sock_diag");
  std::array<std::uint8_t, 64 * 1024> buffer;
  for (;;) {
    const ssize_t count = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read from", "sock_diag");
    const auto more = read_dump(BytesView(buffer).first(static_cast<std::size_t>(count)), transport, out);
    if (!more) return more.error();
    if (*more == Dump::done || count == 0) return {};
  }
}

}  // namespace

std::uint64_t own_namespace() {
  static const std::uint64_t own = inode_of("/proc/self/ns/net");
  return own;
}

std::vector<NetworkNamespace> network_namespaces(const ProcessScan& scan) {
  Finder finder;
  finder.add(own_namespace(), "here", "/proc/self/ns/net");
  add_mounted(finder);
  for (const auto& [inode, pid] : scan.namespaces) finder.add(inode, "", "/proc/" + std::to_string(pid) + "/ns/net");
  for (const auto& held : scan.namespace_descriptors) finder.add(held.inode, "", "/proc/" + std::to_string(held.pid) + "/fd/" + std::to_string(held.fd));
  auto found = finder.take();
  if (!found.empty()) found[0].name.clear();
  return found;
}

std::vector<NetworkNamespace> hidden_namespaces(const ProcessScan& scan, const std::vector<NetworkNamespace>& known, const std::vector<Socket>& seen) {
  if (::geteuid() != 0) return {};
  Finder finder;
  for (const NetworkNamespace& space : known) finder.know(space.inode);
  std::set<std::uint64_t> inodes;
  for (const Socket& socket : seen) inodes.insert(socket.inode);
  add_hidden(finder, scan, inodes);
  return finder.take();
}

Status in_namespace(const NetworkNamespace& space, const std::function<void()>& work) {
  Status entered;
  std::thread thread([&] {
    entered = enter(space);
    if (entered) work();
  });
  thread.join();
  return entered;
}

Result<std::vector<Socket>> listening_sockets_here() {
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return errno_error("open", "sock_diag");
  std::vector<Socket> sockets;
  for (const Transport transport : {Transport::tcp, Transport::udp}) {
    for (const bool ip6 : {false, true}) {
      const Status status = dump(netlink.get(), transport, ip6, sockets);
      // A kernel without IPv6 has no listeners of it to tell of.
      if (!status && !(ip6 && status.error().code == Errc::not_found)) return status.error();
    }
  }
  return sockets;
}

SocketScan listening_sockets(const std::vector<NetworkNamespace>& spaces) {
  SocketScan scan;
  std::size_t closed = 0;
  // One thread goes through them all: it never needs to come back, and other threads stay where they are.
  std::thread thread([&] {
    for (const NetworkNamespace& space : spaces) {
      if (const Status entered = enter(space); !entered) {
        if (entered.error().code == Errc::refused) ++closed;
        continue;  // else it ended a moment ago
      }
      auto sockets = listening_sockets_here();
      if (!sockets) {
        scan.unseen.push_back("listeners of " + (space.name.empty() ? "this network namespace" : space.name) + ": " + sockets.error().message);
        continue;
      }
      for (Socket& socket : *sockets) socket.netns = space.inode;
      scan.sockets.insert(scan.sockets.end(), sockets->begin(), sockets->end());
    }
  });
  thread.join();
  if (closed > 0) scan.unseen.push_back(std::to_string(closed) + " other network namespace" + (closed > 1 ? "s are" : " is") + " not visible to me: need root");
  return scan;
}

}  // namespace ghost::portlight
