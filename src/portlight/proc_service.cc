#include "portlight/proc_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <thread>

#include "base/unique_fd.h"

namespace ghost::portlight {

namespace {

constexpr std::size_t kLongestFile = 64 * 1024;

std::optional<int> pid_of(const char* text) {
  int pid = 0;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), pid);
  if (error != std::errc() || end != view.data() + view.size() || pid <= 0) return std::nullopt;
  return pid;
}

/// Files of /proc have no length: read until the end.
std::string slurp(int folder, const char* file) {
  const UniqueFd fd(::openat(folder, file, O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd) return text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count <= 0 || text.size() > kLongestFile) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::string link_at(int folder, const char* file) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::readlinkat(folder, file, buffer.data(), buffer.size());
  return count <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(count));
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

void scan_descriptors(int folder, int pid, ProcessScan& scan) {
  const int fds = ::openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fds < 0) {
    ++scan.hidden;
    return;
  }
  const Directory directory(::fdopendir(fds));
  if (!directory) return;
  std::array<char, 64> link;
  bool refused = false;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto fd = entry->d_name[0] == '0' ? std::optional<int>(0) : pid_of(entry->d_name);
    if (!fd) continue;
    const ssize_t length = ::readlinkat(fds, entry->d_name, link.data(), link.size());
    if (length < 0) refused = refused || errno == EACCES || errno == EPERM;
    if (length <= 0) continue;
    const std::string_view text(link.data(), static_cast<std::size_t>(length));
    if (const auto socket = link_inode(text, "socket")) scan.sockets.push_back({*socket, pid, *fd});
    else if (const auto space = link_inode(text, "net")) scan.namespace_descriptors.push_back({*space, pid, *fd});
  }
  // Root without CAP_SYS_PTRACE, or under a security module, may list descriptors and not read them.
  if (refused) ++scan.hidden;
}

void scan_one(int proc, int pid, ProcessScan& scan) {
  const UniqueFd folder(::openat(proc, std::to_string(pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return;
  ++scan.processes;
  if (const auto space = link_inode(link_at(folder.get(), "ns/net"), "net")) scan.namespaces.emplace(*space, pid);
  scan_descriptors(folder.get(), pid, scan);
}

std::vector<int> all_pids() {
  std::vector<int> pids;
  const Directory directory(::opendir("/proc"));
  if (!directory) return pids;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (const auto pid = pid_of(entry->d_name)) pids.push_back(*pid);
  }
  return pids;
}

void sort(ProcessScan& scan) {
  std::sort(scan.sockets.begin(), scan.sockets.end(), [](const auto& a, const auto& b) { return std::tie(a.inode, a.pid, a.fd) < std::tie(b.inode, b.pid, b.fd); });
}

void merge(ProcessScan& into, ProcessScan part) {
  into.sockets.insert(into.sockets.end(), part.sockets.begin(), part.sockets.end());
  into.namespaces.merge(part.namespaces);
  into.namespace_descriptors.insert(into.namespace_descriptors.end(), part.namespace_descriptors.begin(), part.namespace_descriptors.end());
  into.processes += part.processes;
  into.hidden += part.hidden;
}

/// Field 22 of /proc/PID/stat, counted after the name, which may hold spaces and brackets.
std::uint64_t start_time(std::string_view stat) {
  const auto close = stat.rfind(')');
  if (close == std::string_view::npos) return 0;
  stat.remove_prefix(close + 1);
  for (int field = 2; field < 22; ++field) {
    const auto space = stat.find(' ');
    if (space == std::string_view::npos) return 0;
    stat.remove_prefix(space + 1);
  }
  std::uint64_t ticks = 0;
  std::from_chars(stat.data(), stat.data() + stat.size(), ticks);
  return ticks;
}

void read_executable(int folder, ProcessFacts& facts) {
  facts.executable = link_at(folder, "exe");
  constexpr std::string_view gone = " (deleted)";
  if (facts.executable.ends_with(gone)) {
    facts.executable.resize(facts.executable.size() - gone.size());
    facts.deleted = true;
  }
  facts.memory = facts.executable.starts_with("/memfd:");
  struct stat theirs {}, ours {};
  if (facts.executable.empty() || facts.deleted || ::fstatat(folder, "exe", &theirs, 0) != 0) return;
  facts.own_files = ::stat(facts.executable.c_str(), &ours) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

}  // namespace

std::vector<ProcessScan::Holding> ProcessScan::holders(std::uint64_t inode) const {
  const auto begin = std::lower_bound(sockets.begin(), sockets.end(), inode, [](const Holding& holding, std::uint64_t value) { return holding.inode < value; });
  auto end = begin;
  while (end != sockets.end() && end->inode == inode) ++end;
  return {begin, end};
}

ProcessScan scan_processes(unsigned threads) {
  const UniqueFd proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::vector<int> pids = all_pids();
  constexpr std::size_t kAtOnce = 64;
  std::atomic<std::size_t> next{0};
  std::vector<ProcessScan> parts(std::max(1u, threads));
  const auto work = [&](ProcessScan& part) {
    for (std::size_t begin; (begin = next.fetch_add(kAtOnce)) < pids.size();) {
      for (std::size_t i = begin; i < std::min(begin + kAtOnce, pids.size()); ++i) scan_one(proc.get(), pids[i], part);
    }
  };
  std::vector<std::thread> others;
  if (pids.size() > kAtOnce) {
    for (std::size_t i = 1; i < parts.size(); ++i) others.emplace_back([&, i] { work(parts[i]); });
  }
  work(parts[0]);
  for (std::thread& other : others) other.join();
  ProcessScan whole = std::move(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) merge(whole, std::move(parts[i]));
  sort(whole);
  return whole;
}

ProcessScan scan_process(int pid) {
  const UniqueFd proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ProcessScan scan;
  scan_one(proc.get(), pid, scan);
  sort(scan);
  return scan;
}

std::optional<ProcessFacts> process_facts(int pid) {
  const UniqueFd folder(::open(("/proc/" + std::to_string(pid)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return std::nullopt;
  const auto status = parse_process_status(slurp(folder.get(), "status"));
  if (!status) return std::nullopt;
  ProcessFacts facts;
  facts.pid = pid;
  facts.parent = status->parent;
  facts.user = status->user;
  facts.name = status->name;
  facts.command = command_text(slurp(folder.get(), "cmdline"));
  facts.netns = link_inode(link_at(folder.get(), "ns/net"), "net").value_or(0);
  facts.started = start_time(slurp(folder.get(), "stat"));
  const std::string cgroup = slurp(folder.get(), "cgroup");
  if (const auto at = cgroup.find("0::"); at != std::string::npos) facts.cgroup = cgroup.substr(at + 3, cgroup.find('\n', at) - at - 3);
  read_executable(folder.get(), facts);
  return facts;
}

std::string user_name(std::uint32_t user) {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(user);
}

std::string cgroup_path(std::uint64_t id) {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::error_code failed;
  std::filesystem::recursive_directory_iterator at(root, std::filesystem::directory_options::skip_permission_denied, failed), end;
  struct stat facts {};
  for (; !failed && at != end; at.increment(failed)) {
    std::error_code unseen;
    if (!at->is_directory(unseen)) continue;
    if (::stat(at->path().c_str(), &facts) == 0 && facts.st_ino == id) return "/" + at->path().lexically_relative(root).string();
  }
  return "";
}

}  // namespace ghost::portlight
