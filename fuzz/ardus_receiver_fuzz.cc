#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

#include "ardus/block_decoder.h"
#include "ardus/digest_book.h"
#include "ardus/fec.h"
#include "ardus/receiver.h"

// A receiver's core against datagrams that are all authentic, in any order and with any content: what a member with the group's key, or a sender gone
// mad, could send. A block that was proven to be the sender's is the sender's.
namespace {

using namespace ghost;
using namespace ghost::ardus;

/// Two blocks and a little.
StreamShape shape(Layout layout) { return {2 * block_bytes(layout) + 5000, layout}; }
const TimePoint kStart = TimePoint{} + std::chrono::hours(1);

std::uint8_t byte_of(BlockIndex block, std::size_t at) { return static_cast<std::uint8_t>(at / 1408 * 7 + block.value); }

/// Nothing is sealed: the bytes stand as they are.
class OpenKeys : public ReceiverKeys {
 public:
  bool open(Path, const DataHeader&, BytesView datagram, std::uint8_t* out) override {
    if (out != nullptr) std::copy(datagram.begin() + kDataHeader, datagram.end() - kTagSize, out);
    return true;
  }
  bool verify(BytesView) override { return true; }
  bool verify_digests(BytesView) override { return true; }
  Bytes seal_report(const ReportHeader& header, const ReportBody& body) override {
    Bytes out(kReportHeader);
    write_report_header(header, out.data());
    const Bytes plain = write_report_body(body);
    if (!read_report_body(plain, body.path.has_value())) std::abort();
    out.insert(out.end(), plain.begin(), plain.end());
    return out;
  }
  std::uint8_t newest_epoch() const override { return 0; }
  void passed(std::uint8_t, std::uint64_t) override {}
};

struct World : BlockSink {
  OpenKeys keys;
  StreamShape stream;
  BlockDecoder decoder{stream, *this};
  Receiver receiver;
  TimePoint now = kStart;
  std::uint64_t number = 0, own_number = 0, sequence = 0;

  explicit World(Layout layout) : stream(shape(layout)), receiver(options(layout), BlockSet::all(stream.blocks()), keys, decoder, kStart) {}
  static ReceiverOptions options(Layout layout) {
    ReceiverOptions out;
    out.session = 1;
    out.number = ReceiverNumber{1};
    out.stream = shape(layout);
    out.max_open_blocks = 2;
    return out;
  }
  void on_block(BlockIndex block, BytesView bytes) override {
    bool right = true;
    for (std::size_t at = 0; at < bytes.size(); ++at) right = right && bytes[at] == byte_of(block, at);
    if (right) return;
    if (receiver.proven(block)) std::abort();
    receiver.reject(block, now);
  }
  Bytes content(BlockIndex block) const {
    Bytes out(stream.bytes_in(block));
    for (std::size_t at = 0; at < out.size(); ++at) out[at] = byte_of(block, at);
    return out;
  }
  /// Made once: what is fuzzed is what is done with them.
  const Bytes& bytes_of(BlockIndex block, SymbolIndex symbol) const {
    static std::map<std::tuple<Layout, BlockIndex, SymbolIndex>, Bytes> made;
    Bytes& out = made[{stream.layout, block, symbol}];
    if (out.empty()) out = make(block, symbol);
    return out;
  }
  SymbolDigest digest_of(BlockIndex block, SymbolIndex symbol) const {
    static std::map<std::tuple<Layout, BlockIndex, SymbolIndex>, SymbolDigest> made;
    const auto at = made.find({stream.layout, block, symbol});
    return at != made.end() ? at->second : made[{stream.layout, block, symbol}] = symbol_digest(bytes_of(block, symbol));
  }
  Bytes make(BlockIndex block, SymbolIndex symbol) const {
    if (block.value >= stream.blocks()) return Bytes(stream.symbol_size());
    const Bytes whole = content(block);
    Bytes out(stream.symbol_size());
    if (symbol.value >= kFirstParity) fec::encode(whole, stream.symbol_size(), symbol, 1, out);
    else if (symbol.value < stream.symbols_in(block)) std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(symbol.value * stream.symbol_size()), stream.symbol_size(), out.begin());
    return out;
  }
  void symbol(MessageType type, std::uint64_t at, BlockIndex block, SymbolIndex index, const Bytes& bytes) {
    Bytes datagram(data_datagram(stream.layout));
    write_data_header({type, 0, 1, at, block, index, 0}, datagram.data());
    std::ranges::copy(bytes, datagram.begin() + kDataHeader);
    datagram.back() = bytes[0];
    receiver.on_datagram(datagram, now);
  }
  void take(ByteReader& in);
};

void World::take(ByteReader& in) {
  const std::uint8_t what = in.u8();
  const BlockIndex block{in.u8() % 4u};
  const SymbolIndex first{in.u8()};
  const std::uint8_t count = in.u8();
  const auto type = [](SymbolIndex s) { return s.value < kFirstParity ? MessageType::data : MessageType::parity; };
  switch (what % 8) {
    case 0:  // a run of the sender's symbols
      for (std::uint16_t s = first.value; s < kSymbolEnd && s < first.value + count; ++s) symbol(type(SymbolIndex{s}), number++, block, SymbolIndex{s}, bytes_of(block, SymbolIndex{s}));
      break;
    case 1: symbol(type(first), number + count, block, first, Bytes(stream.symbol_size(), count)); break;
    case 2: symbol(type(first), in.u64(), block, first, Bytes(stream.symbol_size(), count)); break;
    case 3: symbol(MessageType::repair, own_number++, block, first, bytes_of(block, first)); break;
    case 4: {  // what the sender signs
      DigestList list{1, block, first, {}};
      for (std::uint16_t s = first.value; s < kSymbolEnd && list.digests.size() < kMaxDigests && list.digests.size() <= count; ++s) list.digests.push_back(digest_of(block, SymbolIndex{s}));
      Bytes datagram = write_digests(list);
      datagram.resize(datagram.size() + sizeof(Signature));
      receiver.on_datagram(datagram, now);
      break;
    }
    case 5: {
      Control control;
      control.type = static_cast<MessageType>(4 + first.value % 3);
      control.session = 1;
      control.sequence = ++sequence;
      control.sent = what & 0x80 ? in.u64() : number;
      control.digests = what & 0x40;
      control.answer_now = what & 0x20;
      control.ended = what & 0x10 ? in.u32() : block.value;
      control.backoff = in.u32();
      control.group = in.u32();
      control.sample = in.u8();
      control.due = in.u16();
      control.slots = in.u32();
      control.blocks = {{block, static_cast<std::uint16_t>(count + 1), first.value}};
      control.receivers = {{ReceiverNumber{block.value}, count + 1u}};
      Bytes datagram = write_control(control);
      datagram.resize(datagram.size() + sizeof(Signature));
      receiver.on_datagram(datagram, now);
      break;
    }
    case 6: receiver.on_datagram(in.take(std::min<std::size_t>(in.remaining(), count * std::size_t{6})), now); break;
    default: now += std::chrono::milliseconds(count * count); break;
  }
  (void)receiver.poll(now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world(size > 0 && data[size - 1] % 16 == 7 ? Layout::jumbo : Layout::standard);
  ByteReader in({data, size});
  for (int steps = 0; in.remaining() >= 4 && steps < 40; ++steps) world.take(in);
  return 0;
}
