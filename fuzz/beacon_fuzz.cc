// Datagrams of strangers, to a node that announces itself: what is read is written back and read the same again; nothing is answered at
// greater length, or to a single address that did not ask.
#include <cstdint>
#include <cstdlib>

#include "b2/discovery.h"

namespace {

void must_hold(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

// The input is datagrams, each after a byte of length in units of 4 and a byte that says by which way it came and how much later.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  b2::Discovery node({}, 1);
  b2::Announcement self;
  self.node.bytes.fill(1);
  self.port = 2203;
  self.house = 7;
  TimePoint now{std::chrono::hours(1)};
  node.set_self(self, now);
  node.set_links({{2, true, true}}, now);
  ByteReader reader({data, size});
  std::size_t asked_alone = 0, answered_alone = 0;
  while (reader.remaining() >= 2) {
    const std::size_t length = std::size_t{reader.u8()} * 4;
    const std::uint8_t way = reader.u8();
    const BytesView datagram = reader.take(std::min(length, reader.remaining()));
    const auto message = b2::DiscoveryMessage::decode(datagram);
    if (message) {
      const auto again = b2::DiscoveryMessage::decode(message->encode());
      must_hold(again && *again == *message);
      asked_alone += message->kind == b2::DiscoveryKind::query && message->alone() && datagram.size() >= b2::DiscoveryMessage::kSize ? 1 : 0;
    }
    now += std::chrono::milliseconds(way >> 2) * 50;
    node.on_datagram({2, (way & 1) != 0, (way & 2) == 0, "10.0.0.9", "10.0.0.9:999"}, datagram, now, 0);
    node.on_time(now);
    for (const b2::DiscoveryOut& out : node.take_outgoing(0)) {
      must_hold(out.bytes.size() == b2::DiscoveryMessage::kSize);
      if (!out.alone.empty()) must_hold(++answered_alone <= asked_alone && out.alone == "10.0.0.9:999");
    }
    for (const auto& dial : node.peers().take_dials(now)) node.peers().dialled(dial, Error{Errc::timed_out, "no answer"}, now);
    must_hold(node.peers().all().size() <= 4096);
  }
  return 0;
}
