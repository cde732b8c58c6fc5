#pragma once
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/strong.h"

/// What the protocol cores and those who feed them with content agree on (docs/spec/ardus.md §1).
namespace ghost::ardus {

inline constexpr std::size_t kBlockSymbols = 128;                          ///< k: source symbols of a block
inline constexpr std::size_t kCacheLine = 64;                              ///< bytes, of the CPUs there are; another one's makes it slower only
inline constexpr std::uint16_t kFirstParity = 128;                         ///< symbols 128 … 255 are parity
inline constexpr std::uint16_t kSymbolEnd = 256;

/// A block of the virtual stream, from 0.
using BlockIndex = Strong<struct BlockIndexTag, std::uint32_t>;
/// A symbol of a block: 0 … 127 source, 128 … 255 parity.
using SymbolIndex = Strong<struct SymbolIndexTag, std::uint16_t>;
/// A receiver of one session, from 1, as its sender numbered it at Join.
using ReceiverNumber = Strong<struct ReceiverNumberTag, std::uint32_t>;

/// How large a session's symbols are, and so its datagrams: the same for the whole of it (§1.1). What is bounded in bytes has fewer blocks where they are larger.
enum class Layout : std::uint8_t {
  standard,  ///< for an MTU of 1,500
  jumbo      ///< for an MTU of 9,000
};
inline constexpr std::size_t kSymbolSize = 1408;                         ///< bytes of content in a datagram of the standard layout
inline constexpr std::size_t kJumboSymbolSize = 8832;                    ///< the same of the jumbo layout
inline constexpr std::size_t kBlockBytes = kSymbolSize * kBlockSymbols;  ///< 180,224: of the standard layout
inline constexpr std::size_t kWindowBlocks = 32;                         ///< of the standard layout

constexpr std::size_t symbol_size(Layout layout) { return layout == Layout::jumbo ? kJumboSymbolSize : kSymbolSize; }
constexpr std::size_t block_bytes(Layout layout) { return symbol_size(layout) * kBlockSymbols; }
/// Blocks interleaved with each other: 5.8 MB, 9.0 MB.
constexpr std::size_t window_blocks(Layout layout) { return layout == Layout::jumbo ? 8 : kWindowBlocks; }
/// Half-received blocks that a receiver keeps: 46 MB, 45 MB (§6.4).
constexpr std::size_t open_blocks(Layout layout) { return layout == Layout::jumbo ? 40 : 256; }

/// How a virtual stream of `bytes` falls into blocks and symbols: all blocks have 128 source symbols but the last, which has as
/// many as it needs; the last symbol is filled up with zeros.
struct StreamShape {
  std::uint64_t bytes = 0;
  Layout layout = Layout::standard;

  std::size_t symbol_size() const { return ardus::symbol_size(layout); }
  std::uint64_t symbols() const { return (bytes + symbol_size() - 1) / symbol_size(); }
  std::uint32_t blocks() const { return static_cast<std::uint32_t>((bytes + block_bytes(layout) - 1) / block_bytes(layout)); }
  /// Source symbols of a block of the stream: 1 … 128.
  std::size_t symbols_in(BlockIndex block) const {
    const std::uint64_t before = std::uint64_t{block.value} * kBlockSymbols;
    return static_cast<std::size_t>(symbols() - before < kBlockSymbols ? symbols() - before : kBlockSymbols);
  }
  /// Bytes of a block with the zeros that fill its last symbol.
  std::size_t bytes_in(BlockIndex block) const { return symbols_in(block) * symbol_size(); }

  friend bool operator==(const StreamShape&, const StreamShape&) = default;
};

/// Where a sender reads the stream.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  /// Fills `out`, which has StreamShape::bytes_in(block) bytes; beyond the stream's end with zeros. Called on the sender's thread,
  /// once per block as a rule and again when old blocks are repaired.
  virtual Status read(BlockIndex block, std::span<std::uint8_t> out) = 0;
};

/// Where a receiver hands out what it has rebuilt.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  /// Every byte of the block (StreamShape::bytes_in), valid during the call. A sink that finds it wrong calls Receiver::reject().
  virtual void on_block(BlockIndex block, BytesView bytes) = 0;
};

}  // namespace ghost::ardus
