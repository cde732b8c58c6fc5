#pragma once
#include <memory>
#include <vector>

#include "ardus/receiver.h"

namespace ghost::ardus {

/// Keeps a receiver's symbols in memory, rebuilds each block when enough have come, and hands it to a sink. Memory of finished
/// blocks is used again.
class BlockDecoder : public SymbolStore {
 public:
  /// `sink` outlives the decoder.
  BlockDecoder(const StreamShape& stream, BlockSink& sink);
  ~BlockDecoder() override;

  std::uint8_t* place(BlockIndex block, SymbolIndex symbol) override;
  void keep(BlockIndex block, SymbolIndex symbol) override;
  void finish(BlockIndex block) override;
  void drop(BlockIndex block) override;
  BytesView bytes(BlockIndex block, SymbolIndex symbol) override;
  void forget(BlockIndex block, SymbolIndex symbol) override;

 private:
  struct Assembly;
  Assembly& open(BlockIndex block);
  std::unique_ptr<Assembly> take(BlockIndex block);
  void recycle(std::unique_ptr<Assembly> assembly);

  StreamShape stream_;
  std::size_t size_;  ///< of a symbol
  BlockSink& sink_;
  std::vector<std::unique_ptr<Assembly>> open_;  ///< few: looked through from the newest
  std::vector<std::unique_ptr<Assembly>> spare_;
};

}  // namespace ghost::ardus
