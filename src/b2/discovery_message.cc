#include "b2/discovery_message.h"

#include <algorithm>
#include <vector>

#include "base/sha256.h"

namespace ghost::b2 {

namespace {
constexpr std::string_view kBeaconMagic = "b2d1";
}

Bytes DiscoveryMessage::encode() const {
  Bytes out;
  out.reserve(kSize);
  ByteWriter(out).bytes(as_bytes(kBeaconMagic)).u8(static_cast<std::uint8_t>(kind)).u8(flags).u16(about.port).bytes(about.node.bytes).u64(about.epoch)
      .u64(about.services).u64(about.house).u64(time_ms).u32(hold_ms).u32(nonce);
  return out;
}

Result<DiscoveryMessage> DiscoveryMessage::decode(BytesView datagram) {
  const auto wrong = [](const char* why) { return Error{Errc::malformed, std::string("a datagram of discovery ") + why}; };
  if (datagram.size() < kSize || datagram.size() > kLongest) return wrong("has 80 to 512 bytes");
  ByteReader reader(datagram);
  if (as_text(reader.take(kBeaconMagic.size())) != kBeaconMagic) return wrong("begins with b2d1");
  DiscoveryMessage message;
  const std::uint8_t kind = reader.u8();
  if (kind < 1 || kind > 3) return wrong("is of kind 1, 2 or 3");
  message.kind = static_cast<DiscoveryKind>(kind);
  message.flags = reader.u8() & (kAlone | kCopied);
  message.about.port = reader.u16();
  std::ranges::copy(reader.take(message.about.node.bytes.size()), message.about.node.bytes.begin());
  message.about.epoch = reader.u64();
  message.about.services = reader.u64();
  message.about.house = reader.u64();
  message.time_ms = reader.u64();
  message.hold_ms = reader.u32();
  message.nonce = reader.u32();
  if (message.about.node.is_none() ? message.kind != DiscoveryKind::query : message.about.port == 0) return wrong("names a node and its port");
  return message;
}

std::uint64_t services_hash(std::span<const v1::ServiceEntry> services) {
  std::vector<const v1::ServiceEntry*> sorted;
  for (const v1::ServiceEntry& service : services) {
    if (service.method_count != 0) sorted.push_back(&service);
  }
  std::ranges::sort(sorted, {}, &v1::ServiceEntry::name);
  Bytes text;
  ByteWriter writer(text);
  for (const v1::ServiceEntry* service : sorted) {
    for (const BytesView part : {as_bytes(service->name), as_bytes(service->version), BytesView(service->descriptor_hash)}) {
      writer.u16(static_cast<std::uint16_t>(part.size())).bytes(part);
    }
  }
  const auto hash = sha256(text);
  return ByteReader(hash).u64();
}

std::uint64_t house_tag(BytesView house_id) { return house_id.size() < 8 ? 0 : ByteReader(house_id).u64(); }

}  // namespace ghost::b2
