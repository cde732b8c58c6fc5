#include <cstdlib>
#include <memory>

#include "b2/membership.h"
#include "b2/nats_bridge.h"
#include "b2/topic_bus.h"
#include "base/time.h"

namespace {

using namespace ghost;
using namespace ghost::b2;

struct FuzzClock : Clock {
  TimePoint now() const override { return time; }
  TimePoint time = TimePoint(std::chrono::seconds(1000));
};

/// Feeds real topics, so that what a member of the house sends reaches them.
struct FuzzPort : NatsBridgePort {
  explicit FuzzPort(const Clock& now) : clock(now) {}
  void send(std::string, std::string, v1::NatsEnvelope envelope) override { sent += encode(envelope).size(); }
  void listen(const std::string&, const std::string&) override {}
  void unlisten(const std::string&, const std::string&) override {}
  void deliver(const Identity&, v1::TopicMessage message) override {
    if (!bus.import_message(std::move(message), clock.now())) ++sent;
  }
  bool deliver_to_group(const Identity&, const std::string& group, v1::TopicMessage message) override { return bus.import_to_group(group, std::move(message)); }
  void lost(const std::string& subject, std::uint64_t count) override { bus.lost(subject, count); }
  void lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) override { bus.lost_of_group(group, subject, count); }
  void uncounted(const std::string&) override { bus.uncounted(); }
  bool may_publish(std::string_view) const override { return true; }
  void call_heard(const Identity&, v1::NatsEnvelope) override {}
  void call_unheard(std::string_view) override {}
  void gone(const NodeId&, std::uint64_t, const std::string&) override {}

  const Clock& clock;
  TopicBus bus{1};
  std::size_t sent = 0;
};

}  // namespace

// Messages that carry a member's signature, in any order and with anything in them: pieces of the input, each after its length (two
// bytes) and a byte for how much time passes, are decoded as envelopes of one of four nodes. The numbers that a subscriber sees have no
// hole that was not told.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzClock clock;
  FuzzPort port(clock);
  NatsBridge::Self self;
  self.house.bytes.fill(1);
  self.node.bytes.fill(9);
  self.epoch = 1;
  self.name = "self";
  NatsBridge bridge(port, clock, self);
  bridge.connected();
  v1::SubscribeRequest request;
  request.patterns = {">"};
  const auto subscription = port.bus.subscribe(request, [](std::string_view) { return true; });
  bridge.joining(request.patterns, "", [](const std::vector<std::string>&) {});
  bridge.joining({"a.*"}, "g", [](const std::vector<std::string>&) {});
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t dropped = 0;
  ByteReader reader({data, size});
  for (int turns = 0; reader.remaining() > 3 && turns < 200; ++turns) {
    const std::size_t length = reader.u16();
    const std::uint8_t passed = reader.u8();
    auto envelope = decode<v1::NatsEnvelope>(reader.take(std::min(length, reader.remaining())));
    clock.time += std::chrono::milliseconds(passed * 20);
    if (envelope) {
      Identity from;
      from.kind = Identity::Kind::member;
      from.name = "other";
      from.node.bytes.fill(static_cast<std::uint8_t>(envelope->node.empty() ? 0 : envelope->node[0] % 4));
      bridge.receive(from, std::move(*envelope));
    }
    if (clock.time >= bridge.next_wakeup()) bridge.advance();
    port.bus.take_news(clock.now());
    while (const auto event = port.bus.next(subscription->id)) {
      if (event->dropped) dropped += event->dropped->count;
      if (!event->message) continue;
      std::uint64_t& last = seen[event->message->subject];
      if (event->message->sequence <= last) std::abort();
      const std::uint64_t holes = event->message->sequence - last - 1;
      if (holes > dropped) std::abort();
      dropped -= holes;
      last = event->message->sequence;
    }
    if (seen.size() > 4000) break;
  }
  return 0;
}
