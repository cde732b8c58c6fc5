#include <algorithm>
#include <cstdlib>

#include "ardus/sender.h"

// A sender's core against reports that are authentic and say anything: what a member could send. It reads only blocks that there are, and stays within its rate.
namespace {

using namespace ghost;
using namespace ghost::ardus;

const TimePoint kStart = TimePoint{} + std::chrono::hours(1);
constexpr std::uint32_t kBlocks = 40;
constexpr std::uint64_t kCeiling = 2'000'000;  // bit/s: a run costs what is sealed in it

struct Source : BlockSource {
  Status read(BlockIndex block, std::span<std::uint8_t> out) override {
    if (block.value >= kBlocks) std::abort();
    std::ranges::fill(out, std::uint8_t{1});
    return {};
  }
};

struct World {
  static const KeyPair& key() {
    static const KeyPair one = KeyPair::generate();
    return one;
  }
  SessionName name{1, {1}, key().public_key()};
  SenderKeys keys{name, Secret{2}, key()};
  Source source;
  Sender sender{options(), name, keys, source, kStart};
  std::vector<std::unique_ptr<SessionReceiverKeys>> receivers;
  std::uint64_t reports = 0, sent = 0;
  TimePoint now = kStart;

  World() {
    for (std::uint8_t i = 0; i < 4; ++i) {
      const JoinedReceiver joined = sender.add_receiver(BlockSet::all(kBlocks), Secret{static_cast<std::uint8_t>(3 + i)}, now);
      receivers.push_back(std::make_unique<SessionReceiverKeys>(name, std::uint8_t{0}, Secret{2}, joined.number, Secret{static_cast<std::uint8_t>(3 + i)}));
    }
    sender.begin(now);
  }
  static SenderOptions options() {
    SenderOptions out;
    out.stream = {kBlocks * kBlockBytes - 7};
    out.ceiling = kCeiling;
    out.fixed_rate = false;
    return out;
  }
  void report(ByteReader& in) {
    const std::uint8_t who = in.u8() % 4, how = in.u8();
    ReportBody body;
    body.echo = in.u32();
    body.echo_delay = in.u32();
    body.seen = in.u64();
    body.unicast_seen = in.u32();
    body.loss = in.u16();
    body.unicast_loss = in.u16();
    body.done = in.u32();
    body.census = in.u8();
    body.more = how & 1, body.backlog = how & 2, body.away = how & 4, body.everything = how & 8;
    std::uint32_t at = 0;
    for (int i = 0; i < how >> 6; ++i) {
      at += in.u8();
      const std::uint32_t count = in.u16() + 1u;
      body.deficits.push_back({BlockIndex{at}, count, static_cast<std::uint8_t>(in.u8() % 128 + 1)});
      at += count;
    }
    const ReportHeader header{static_cast<ReceiverPhase>(1 + (how >> 4) % 4), 1, reports++, ReceiverNumber{who + 1u}, in.u8(), (how & 0x20) != 0};
    sender.on_datagram(receivers[who]->seal_report(header, body), now);
  }
  void pass(Duration span) {
    const TimePoint end = now + span;
    while (now < end) {
      for (auto batch = sender.poll(now); !batch.empty(); batch = sender.poll(now)) {
        for (const Outgoing& one : batch) sent += one.bytes.size();
      }
      now = std::max(now + std::chrono::milliseconds(1), std::min(end, sender.next_wakeup()));
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  ByteReader in({data, size});
  for (int steps = 0; in.remaining() >= 4 && steps < 24; ++steps) {
    switch (in.u8() % 4) {
      case 0: world.pass(std::chrono::milliseconds(in.u8() / 8)); break;
      case 1: world.sender.on_datagram(in.take(std::min<std::size_t>(in.remaining(), in.u8())), world.now); break;
      case 2:
        if (in.u8() == 7) world.sender.evict(ReceiverNumber{4}, world.now);
        if (world.sender.wants_secret(world.now)) world.sender.set_next_secret(Secret{9}, world.now);
        break;
      default: world.report(in);
    }
  }
  world.pass(std::chrono::milliseconds(5));
  const double seconds = std::chrono::duration<double>(world.now - kStart).count() + 0.2;
  if (static_cast<double>(world.sent) > seconds * static_cast<double>(kCeiling) / 8 + 400'000) std::abort();
  (void)world.sender.receivers(world.now);
  return 0;
}
