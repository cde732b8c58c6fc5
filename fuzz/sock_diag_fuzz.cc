#include <cstdlib>

#include "portlight/exposure.h"
#include "portlight/owner.h"
#include "portlight/socket_table.h"

using namespace ghost;
using namespace ghost::portlight;

// A datagram of netlink, a file of /proc and nft's JSON: each read as far as it goes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  std::vector<Socket> sockets;
  (void)read_dump(bytes, Transport::tcp, sockets);
  if (sockets.size() > size / 72) std::abort();
  const auto firewall = parse_nft(as_text(bytes));
  for (const Socket& socket : sockets) {
    if (address_text(socket).empty()) std::abort();
    (void)exposure_of(socket, firewall ? *firewall : Firewall());
  }
  (void)parse_process_status(as_text(bytes));
  (void)owner_of_cgroup(as_text(bytes));
  (void)link_inode(as_text(bytes), "socket");
  if (command_text(as_text(bytes)).size() > 2000) std::abort();
  return 0;
}
