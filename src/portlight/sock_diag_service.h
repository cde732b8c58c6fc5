#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "portlight/proc_service.h"
#include "portlight/socket_table.h"

namespace ghost::portlight {

/// A network namespace we know of, and how to get into it.
struct NetworkNamespace {
  std::uint64_t inode = 0;
  std::string name;                ///< "" for ours, the file's name in /run/netns, else "net:[4026532501]"
  std::string path;                ///< of a file that enters it
  std::shared_ptr<UniqueFd> held;  ///< instead of `path`, where only a socket keeps it alive; shared with copies of this value
};

/// Ours first. From processes, /run/netns, bind mounts and descriptors.
std::vector<NetworkNamespace> network_namespaces(const ProcessScan& scan);

/// Calls `work` inside the namespace, on a thread of its own that ends with it. refused when we may not enter.
Status in_namespace(const NetworkNamespace& space, const std::function<void()>& work);

struct SocketScan {
  std::vector<Socket> sockets;
  std::vector<std::string> unseen;  ///< what could not be seen, and what would show it
};
/// Listeners of all these namespaces; ours, where it is among them, must be the first.
SocketScan listening_sockets(const std::vector<NetworkNamespace>& spaces);
/// Namespaces beyond `known` that have neither process nor mount nor descriptor: found, as root, by asking sockets that processes have
/// open, and that are none of the listeners in `seen`, for theirs.
std::vector<NetworkNamespace> hidden_namespaces(const ProcessScan& scan, const std::vector<NetworkNamespace>& known, const std::vector<Socket>& seen);

/// Those of the namespace the calling thread is in.
Result<std::vector<Socket>> listening_sockets_here();

/// Inode of the network namespace this process was started in.
std::uint64_t own_namespace();

}  // namespace ghost::portlight
