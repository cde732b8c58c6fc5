#include "b2/compression.h"

#include <zstd.h>

#include <string>

namespace ghost::b2 {

namespace {

constexpr int kLevel = 1;  // what a gigabit line does not outrun

struct FreeContexts {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct Compression::State {
  std::unique_ptr<ZSTD_CCtx, FreeContexts> in;
  std::unique_ptr<ZSTD_DCtx, FreeContexts> out;
};

Compression::Compression() : state_(std::make_unique<State>()) {}
Compression::~Compression() = default;

std::optional<Bytes> Compression::compress(BytesView plain) {
  if (plain.size() < kShortest || plain.size() > kLongest) return std::nullopt;
  if (!state_->in) state_->in.reset(ZSTD_createCCtx());
  Bytes out(plain.size() - plain.size() / 8);  // what does not fit does not pay
  const std::size_t size = ZSTD_compressCCtx(state_->in.get(), out.data(), out.size(), plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(size) != 0 || plain.size() / size >= kMostRatio) return std::nullopt;
  out.resize(size);
  return out;
}

Result<std::size_t> Compression::plain_size(BytesView compressed, std::size_t most) {
  const auto size = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  const bool whole = compressed.size() >= 4 && ByteReader(compressed).u32() == ZSTD_MAGICNUMBER && size != ZSTD_CONTENTSIZE_UNKNOWN &&
                     size != ZSTD_CONTENTSIZE_ERROR && ZSTD_getDictID_fromFrame(compressed.data(), compressed.size()) == 0 &&
                     ZSTD_findFrameCompressedSize(compressed.data(), compressed.size()) == compressed.size();
  if (!whole) return Error{Errc::malformed, "a compressed message is not one frame of zstd that tells its length"};
  if (size > most || size / kMostRatio > compressed.size()) {
    return Error{Errc::exhausted, "a compressed message of " + std::to_string(compressed.size()) + " bytes stands for " +
                                      std::to_string(size) + "; the limit is " + std::to_string(most) + ", and " +
                                      std::to_string(kMostRatio) + " for each byte"};
  }
  return static_cast<std::size_t>(size);
}

Result<Bytes> Compression::decompress(BytesView compressed, std::size_t most) {
  const auto told = plain_size(compressed, most);
  if (!told) return told.error();
  if (!state_->out) state_->out.reset(ZSTD_createDCtx());
  Bytes plain(*told);
  const std::size_t size = ZSTD_decompressDCtx(state_->out.get(), plain.data(), plain.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size) != 0) return Error{Errc::malformed, std::string("a compressed message is damaged: ") + ZSTD_getErrorName(size)};
  if (size != plain.size()) return Error{Errc::malformed, "a compressed message is shorter than it tells"};
  return plain;
}

}  // namespace ghost::b2
