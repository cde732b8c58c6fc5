#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "portlight/owner.h"

namespace ghost::portlight {

/// Who has what open, from /proc.
struct ProcessScan {
  struct Holding {
    std::uint64_t inode;
    int pid, fd;
  };
  std::vector<Holding> sockets;                 ///< by inode, then pid
  std::map<std::uint64_t, int> namespaces;      ///< inode of a network namespace → one process in it
  std::vector<Holding> namespace_descriptors;   ///< network namespaces held open by a descriptor
  std::size_t processes = 0;
  std::size_t hidden = 0;                       ///< of them, those whose descriptors we may not see

  /// Every (process, descriptor) that has this socket open.
  std::vector<Holding> holders(std::uint64_t inode) const;
};

/// Looks through all of /proc on `threads` threads.
ProcessScan scan_processes(unsigned threads);
/// The same for one process.
ProcessScan scan_process(int pid);

struct ProcessFacts {
  int pid = 0;
  int parent = 0;
  std::uint32_t user = 0;
  std::string name, command, executable;
  std::string cgroup;
  bool deleted = false, memory = false;
  bool own_files = true;  ///< its executable's path means the same file to us
  std::uint64_t netns = 0;
  std::uint64_t started = 0;  ///< clock ticks since boot
};
/// What /proc tells of one process; nothing when it has ended. Parts we may not see stay empty.
std::optional<ProcessFacts> process_facts(int pid);

/// A user's name, or its number.
std::string user_name(std::uint32_t user);
/// The path of a cgroup v2 by its id, below /sys/fs/cgroup; "" when it is not there.
std::string cgroup_path(std::uint64_t id);

}  // namespace ghost::portlight
