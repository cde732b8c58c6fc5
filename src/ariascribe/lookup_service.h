#pragma once
#include <memory>
#include <vector>

#include "ariascribe/live_knowledge_service.h"
#include "ariascribe/message.h"
#include "net/network.h"

namespace ghost::ariascribe {

/// The answer to one datagram, or nothing: never longer than what came, and the same for the same bytes.
std::optional<Bytes> answer_lookup(const Knowledge& knowledge, BytesView datagram);

/// Look-ups by UDP (docs/spec/ariascribe.md §9). Stateless; answers on the loop, since one takes some ten microseconds.
class LookupService {
 public:
  explicit LookupService(LiveKnowledge knowledge) : knowledge_(std::move(knowledge)) {}

  /// Answers on that address too. busy, naming it, when it is taken.
  Status listen(net::Network& network, const net::Address& at);
  std::vector<net::Address> addresses() const;

 private:
  void on_datagrams(net::DatagramSocket& socket, std::span<const net::Datagram> batch);

  const LiveKnowledge knowledge_;
  std::vector<std::unique_ptr<net::DatagramSocket>> sockets_;
};

}  // namespace ghost::ariascribe
