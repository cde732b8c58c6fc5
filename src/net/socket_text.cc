#include "net/socket_text.h"

namespace ghost::net {

std::string connection_to(const Peer& peer) {
  const bool named = peer.remote.is_ip() || !peer.remote.path().empty();
  if (named) return "connection to " + peer.remote.text();
  std::string who = peer.process ? "process " + std::to_string(peer.process->pid) : "an unnamed socket";
  if (!peer.local.path().empty()) who += " on " + peer.local.text();
  return "connection to " + who;
}

std::string in_words(Duration span) {
  using namespace std::chrono;
  if (span >= seconds(1) && span % seconds(1) == Duration::zero()) {
    return std::to_string(duration_cast<seconds>(span).count()) + " s";
  }
  return std::to_string(ceil<milliseconds>(span).count()) + " ms";
}

}  // namespace ghost::net
