#include "ardus/message.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace ghost::ardus {

namespace {

constexpr std::size_t kControlHead = 48;
constexpr std::size_t kRunSize = 8;
constexpr std::size_t kAnnounceHead = 136;
constexpr std::uint8_t kIp4Too = 1, kBeyondToo = 2;  ///< flags of an announcement
constexpr std::size_t kReportFixed = 30;
constexpr std::size_t kDigestHead = 16;
constexpr std::size_t kQuestionSize = 24;
constexpr std::size_t kTrialHead = 8;
constexpr std::uint8_t kAnswerNow = 1, kDigests = 2, kAsksPath = 4, kListenAgain = 8, kSuspects = 1, kMeasured = 2;

constexpr std::uint8_t first_byte(MessageType type) { return static_cast<std::uint8_t>(kVersion << 4 | static_cast<std::uint8_t>(type)); }

template <class T>
void put(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
}

template <class T>
T get(const std::uint8_t* at) {
  if constexpr (std::endian::native == std::endian::little) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  } else {
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) value = value << 8 | at[i];
    return static_cast<T>(value);
  }
}

Error malformed(std::string what) { return Error{Errc::malformed, "ardus datagram: " + std::move(what)}; }

void write_varint(ByteWriter& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.u8(static_cast<std::uint8_t>(value | 0x80));
  out.u8(static_cast<std::uint8_t>(value));
}

/// At most 5 bytes and 32 bits; nothing otherwise.
std::optional<std::uint32_t> read_varint(ByteReader& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t byte = in.u8();
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return in.ok() && value <= 0xffffffff ? std::optional(static_cast<std::uint32_t>(value)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<MessageType> message_type(BytesView datagram) {
  if (datagram.empty() || datagram[0] >> 4 != kVersion) return std::nullopt;
  const std::uint8_t type = datagram[0] & 0x0f;
  if (type < 1 || type > 10) return std::nullopt;
  return static_cast<MessageType>(type);
}

std::optional<std::uint32_t> session_of(BytesView datagram) {
  if (!message_type(datagram) || datagram.size() < 8) return std::nullopt;
  return get<std::uint32_t>(datagram.data() + 4);
}

void write_data_header(const DataHeader& header, std::uint8_t* at) {
  at[0] = first_byte(header.type);
  at[1] = 0;
  at[2] = header.epoch;
  at[3] = kSchemeCauchy;
  put(at + 4, header.session);
  put(at + 8, header.number);
  put(at + 16, header.block.value);
  put(at + 20, header.symbol.value);
  put(at + 22, header.rate);
}

std::optional<DataHeader> read_data_header(BytesView datagram, Layout layout) {
  if (datagram.size() != data_datagram(layout)) return std::nullopt;
  const std::uint8_t* at = datagram.data();
  DataHeader header;
  header.symbol = SymbolIndex{get<std::uint16_t>(at + 20)};
  const bool parity = header.symbol.value >= kFirstParity;
  if (at[0] == first_byte(MessageType::data) && !parity) {
    header.type = MessageType::data;
  } else if (at[0] == first_byte(MessageType::parity) && parity) {
    header.type = MessageType::parity;
  } else if (at[0] == first_byte(MessageType::repair)) {
    header.type = MessageType::repair;
  } else {
    return std::nullopt;
  }
  if (at[1] != 0 || at[3] != kSchemeCauchy || header.symbol.value >= kSymbolEnd) return std::nullopt;
  header.epoch = at[2];
  header.session = get<std::uint32_t>(at + 4);
  header.number = get<std::uint64_t>(at + 8);
  header.block = BlockIndex{get<std::uint32_t>(at + 16)};
  header.rate = get<std::uint16_t>(at + 22);
  return header;
}

Bytes write_control(const Control& control) {
  Bytes out;
  ByteWriter writer(out);
  const bool asks_path = control.path && control.type == MessageType::probe;
  const int flags = (control.answer_now ? kAnswerNow : 0) | (control.digests ? kDigests : 0) | (asks_path ? kAsksPath : 0) | (control.listen_again ? kListenAgain : 0);
  writer.u8(first_byte(control.type)).u8(static_cast<std::uint8_t>(flags)).u8(control.epoch).u8(0).u32(control.session);
  writer.u64(control.sequence).u64(control.sent).u32(control.ended).u32(control.backoff).u32(control.group).u32(control.sample);
  if (control.type == MessageType::probe) {
    const std::size_t runs = std::min(control.receivers.size(), kMaxRuns);
    writer.u16(control.census).u16(static_cast<std::uint16_t>(runs)).u32(control.slots);
    for (std::size_t i = 0; i < runs; ++i) writer.u32(control.receivers[i].first.value).u32(control.receivers[i].count);
    if (const auto& path = control.path) {
      writer.u32(path->time).u32(path->rate).u32(path->limiting.value).u32(path->told.value).u32(path->round_trip).u32(path->longest);
    }
  } else {
    const std::size_t runs = std::min(control.blocks.size(), kMaxRuns);
    writer.u32(control.window).u16(control.due).u16(static_cast<std::uint16_t>(runs));
    for (std::size_t i = 0; i < runs; ++i) {
      writer.u32(control.blocks[i].first.value).u16(control.blocks[i].count).u16(control.blocks[i].symbols);
    }
  }
  return out;
}

namespace {

Status read_runs(ByteReader& in, bool asks_path, Control& out) {
  const bool probe = out.type == MessageType::probe;
  std::uint16_t runs = 0;
  if (probe) {
    out.census = in.u16();
    runs = in.u16();
    out.slots = in.u32();
  } else {
    out.window = in.u32();
    out.due = in.u16();
    runs = in.u16();
  }
  if (runs > kMaxRuns) return malformed(std::to_string(runs) + " runs; at most " + std::to_string(kMaxRuns) + " are allowed");
  if (in.remaining() != runs * kRunSize + (asks_path ? kQuestionSize : 0) + sizeof(Signature)) return malformed("its length does not fit its number of runs");
  for (std::uint16_t i = 0; i < runs; ++i) {
    const std::uint32_t first = in.u32();
    std::uint32_t count = 0;
    if (probe) {
      count = in.u32();
      out.receivers.push_back({ReceiverNumber{first}, count});
    } else {
      count = in.u16();
      out.blocks.push_back({BlockIndex{first}, static_cast<std::uint16_t>(count), in.u16()});
    }
    if (count == 0 || count > 0xffffffff - first) return malformed("a run is empty or reaches past the last number");
  }
  if (!asks_path) return {};
  PathQuestion& path = out.path.emplace();
  path.time = in.u32();
  path.rate = in.u32();
  path.limiting = ReceiverNumber{in.u32()};
  path.told = ReceiverNumber{in.u32()};
  path.round_trip = in.u32();
  path.longest = in.u32();
  return {};
}

}  // namespace

Result<Control> read_control(BytesView datagram) {
  const auto type = message_type(datagram);
  Control out;
  if (type != MessageType::plan && type != MessageType::window_end && type != MessageType::probe) return malformed("no control message");
  if (datagram.size() < kControlHead + sizeof(Signature)) return malformed("shorter than a control message");
  const bool asks_path = type == MessageType::probe && (datagram[1] & kAsksPath) != 0;
  const int of_probes = type == MessageType::probe ? kAsksPath | kListenAgain : 0;
  if ((datagram[1] & ~(kAnswerNow | kDigests | of_probes)) != 0) return malformed("unknown flags in a control message");
  out.type = *type;
  ByteReader in(datagram);
  in.u8();
  const std::uint8_t flags = in.u8();
  out.answer_now = (flags & kAnswerNow) != 0;
  out.digests = (flags & kDigests) != 0;
  out.listen_again = (flags & kListenAgain) != 0;
  out.epoch = in.u8();
  in.u8();
  out.session = in.u32();
  out.sequence = in.u64();
  out.sent = in.u64();
  out.ended = in.u32();
  out.backoff = in.u32();
  out.group = in.u32();
  out.sample = in.u32();
  if (const Status runs = read_runs(in, asks_path, out); !runs) return runs.error();
  return out;
}

SignedParts split_signature(BytesView datagram) {
  if (datagram.size() < sizeof(Signature)) return {datagram, {}};
  const std::size_t length = datagram.size() - sizeof(Signature);
  return {datagram.first(length), datagram.subspan(length)};
}

Bytes write_digests(const DigestList& list) {
  assert(!list.digests.empty() && list.digests.size() <= kMaxDigests);
  Bytes out;
  ByteWriter writer(out);
  writer.u8(first_byte(MessageType::digest)).u8(0).u8(0).u8(static_cast<std::uint8_t>(list.digests.size())).u32(list.session);
  writer.u32(list.block.value).u16(list.first.value).u16(0);
  for (const SymbolDigest& digest : list.digests) writer.bytes(digest);
  return out;
}

Result<DigestList> read_digests(BytesView datagram) {
  if (message_type(datagram) != MessageType::digest) return malformed("no list of digests");
  if (datagram.size() < kDigestHead + sizeof(Signature)) return malformed("shorter than a list of digests");
  ByteReader in(datagram);
  in.u8();
  DigestList out;
  const std::uint16_t zero = in.u16();
  const std::size_t count = in.u8();
  out.session = in.u32();
  out.block = BlockIndex{in.u32()};
  out.first = SymbolIndex{in.u16()};
  if (zero != 0 || in.u16() != 0) return malformed("unknown flags in a list of digests");
  if (count == 0 || count > kMaxDigests || in.remaining() != count * sizeof(SymbolDigest) + sizeof(Signature)) return malformed("a list whose length does not fit its digests");
  if (out.first.value + count > kSymbolEnd) return malformed("digests of symbols that no block has");
  out.digests.resize(count);
  for (SymbolDigest& digest : out.digests) in.fill(digest);
  return out;
}

Bytes write_trial(const Trial& trial) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(first_byte(MessageType::trial)).u8(0).u16(trial.round).u32(trial.session);
  out.resize((trial.is_long ? kLongestDatagram : kShortTrial) - sizeof(Signature));
  return out;
}

Result<Trial> read_trial(BytesView datagram) {
  if (message_type(datagram) != MessageType::trial) return malformed("no trial");
  if (datagram.size() != kShortTrial && datagram.size() != kLongestDatagram) return malformed("a trial of " + std::to_string(datagram.size()) + " bytes, which no layout has");
  ByteReader in(datagram);
  in.u8();
  if (in.u8() != 0) return malformed("unknown flags in a trial");
  Trial out;
  out.round = in.u16();
  out.session = in.u32();
  out.is_long = datagram.size() == kLongestDatagram;
  const BytesView rest = datagram.subspan(kTrialHead, datagram.size() - kTrialHead - sizeof(Signature));
  if (std::ranges::any_of(rest, [](std::uint8_t byte) { return byte != 0; })) return malformed("a trial that is filled with something");
  return out;
}

void write_report_header(const ReportHeader& header, std::uint8_t* at) {
  at[0] = first_byte(MessageType::report);
  at[1] = header.epoch;
  at[2] = static_cast<std::uint8_t>((header.suspects ? kSuspects : 0) | (header.measured ? kMeasured : 0));
  at[3] = static_cast<std::uint8_t>(header.phase);
  put(at + 4, header.session);
  put(at + 8, header.number);
  put(at + 16, header.receiver.value);
}

std::optional<ReportHeader> read_report_header(BytesView datagram) {
  if (datagram.size() < kReportHeader + kTagSize || datagram[0] != first_byte(MessageType::report)) return std::nullopt;
  const std::uint8_t* at = datagram.data();
  if ((at[2] & ~(kSuspects | kMeasured)) != 0 || at[3] < 1 || at[3] > 4) return std::nullopt;
  return ReportHeader{static_cast<ReceiverPhase>(at[3]), get<std::uint32_t>(at + 4), get<std::uint64_t>(at + 8),
                      ReceiverNumber{get<std::uint32_t>(at + 16)}, at[1], (at[2] & kSuspects) != 0, (at[2] & kMeasured) != 0};
}

Bytes write_report_body(const ReportBody& body) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(body.echo).u32(body.echo_delay).u64(body.seen).u32(body.unicast_seen).u16(body.loss).u16(body.unicast_loss).u32(body.done);
  const std::uint16_t flags = static_cast<std::uint16_t>((body.more ? 1 : 0) | (body.backlog ? 2 : 0) | (body.away ? 4 : 0) | (body.everything ? 8 : 0));
  writer.u16(static_cast<std::uint16_t>(flags << 12 | (body.census & 0x0fff)));
  static_assert(kReportFixed == 30);
  if (const auto& path = body.path) writer.u32(path->loss_events).u32(path->events).u32(path->received).u32(path->one_way);
  std::uint32_t at = 0;
  for (const DeficitRun& run : body.deficits) {
    if (out.size() + 11 > kMaxReportBody) {
      out[kReportFixed - 1] |= 1 << 4;
      break;
    }
    write_varint(writer, run.first.value - at);
    write_varint(writer, run.count);
    writer.u8(run.deficit);
    at = run.first.value + run.count;
  }
  return out;
}

Result<ReportBody> read_report_body(BytesView bytes, bool measured) {
  if (bytes.size() > kMaxReportBody) return malformed("a report of " + std::to_string(bytes.size()) + " bytes");
  ByteReader in(bytes);
  ReportBody out;
  out.echo = in.u32();
  out.echo_delay = in.u32();
  out.seen = in.u64();
  out.unicast_seen = in.u32();
  out.loss = in.u16();
  out.unicast_loss = in.u16();
  out.done = in.u32();
  const std::uint16_t flags = in.u16();
  if (measured) {
    PathReport& path = out.path.emplace();
    path.loss_events = in.u32();
    path.events = in.u32();
    path.received = in.u32();
    path.one_way = in.u32();
  }
  if (!in.ok()) return malformed("a report that ends early");
  out.more = (flags & 1 << 12) != 0;
  out.backlog = (flags & 2 << 12) != 0;
  out.away = (flags & 4 << 12) != 0;
  out.everything = (flags & 8 << 12) != 0;
  out.census = flags & 0x0fff;
  std::uint64_t at = 0;
  while (in.remaining() > 0) {
    const auto gap = read_varint(in), count = read_varint(in);
    const std::uint8_t deficit = in.u8();
    if (!gap || !count || !in.ok() || *count == 0 || deficit < 1 || deficit > kBlockSymbols) return malformed("a report with a run that is none");
    at += *gap;
    if (at + *count > 0xffffffff) return malformed("a report with a run past the last block");
    out.deficits.push_back({BlockIndex{static_cast<std::uint32_t>(at)}, *count, deficit});
    at += *count;
  }
  return out;
}

Bytes write_announcement(const Announcement& announcement) {
  assert(announcement.name.size() <= kMaxAnnouncedName);
  Bytes out;
  ByteWriter writer(out);
  writer.u8(first_byte(MessageType::announce)).u8(static_cast<std::uint8_t>((announcement.ip4_too ? kIp4Too : 0) | (announcement.beyond_too ? kBeyondToo : 0))).u16(0).u32(announcement.session).u64(announcement.sequence);
  writer.u64(announcement.time_ms).bytes(announcement.sender).bytes(announcement.content).u64(announcement.bytes);
  writer.u32(announcement.rate).u16(announcement.control_port).u8(announcement.group.family);
  writer.u8(static_cast<std::uint8_t>(announcement.name.size())).bytes(announcement.control.bytes).bytes(announcement.group.bytes);
  writer.bytes(as_bytes(announcement.name));
  return out;
}

Bytes sign_announcement(const Announcement& announcement, const KeyPair& sender) {
  Bytes out = write_announcement(announcement);
  const Signature signature = sender.sign(kAnnounceDomain, out);
  out.insert(out.end(), signature.begin(), signature.end());
  return out;
}

Result<Announcement> read_announcement(BytesView datagram) {
  if (message_type(datagram) != MessageType::announce) return malformed("no announcement");
  if (datagram.size() < kAnnounceHead + sizeof(Signature)) return malformed("shorter than an announcement");
  ByteReader in(datagram);
  Announcement out;
  in.u8();
  const std::uint8_t flags = in.u8();
  if ((flags & ~(kIp4Too | kBeyondToo)) != 0 || in.u16() != 0) return malformed("an announcement with a flag that is none");
  out.ip4_too = (flags & kIp4Too) != 0;
  out.beyond_too = (flags & kBeyondToo) != 0;
  out.session = in.u32();
  out.sequence = in.u64();
  out.time_ms = in.u64();
  in.fill(out.sender);
  in.fill(out.content);
  out.bytes = in.u64();
  out.rate = in.u32();
  out.control_port = in.u16();
  out.control.family = out.group.family = in.u8();
  const std::uint8_t name = in.u8();
  in.fill(out.control.bytes);
  in.fill(out.group.bytes);
  if (out.group.family != 4 && out.group.family != 6) return malformed("an announcement of an unknown address family");
  if (flags != 0 && out.group.family == 4) return malformed("an announcement by IPv4 with a flag of IPv6");
  if (name > kMaxAnnouncedName || in.remaining() != name + sizeof(Signature)) return malformed("an announcement whose length does not fit its name");
  out.name = as_text(in.take(name));
  const SignedParts parts = split_signature(datagram);
  if (!verify_signature(out.sender, kAnnounceDomain, parts.message, parts.signature)) {
    return Error{Errc::unauthenticated, "ardus announcement: its signature is not its sender's"};
  }
  return out;
}

}  // namespace ghost::ardus
