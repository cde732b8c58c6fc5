#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>

#include "ariascribe/import_service.h"
#include "base/bytes.h"
#include "base/unique_fd.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kPiece = 256U << 10;
constexpr std::uint64_t kMostUnpackMemory = 512U << 20;
constexpr std::size_t kBlock = 512;

/// Keeps of a tar what lies below mbdump/; what is no tar goes through as it is.
class TarFilter {
 public:
  void put(std::string_view bytes, std::string& out) {
    if (state_ == State::plain) return void(out += bytes);
    while (!bytes.empty()) {
      if (state_ == State::header) {
        const std::size_t take = std::min(kBlock - header_.size(), bytes.size());
        header_ += bytes.substr(0, take);
        bytes.remove_prefix(take);
        if (header_.size() < kBlock) return;
        read_header(out);
        if (state_ == State::plain) return void(out += bytes);
      } else {
        const std::uint64_t take = std::min<std::uint64_t>(left_ + padding_, bytes.size());
        const std::size_t body = static_cast<std::size_t>(std::min<std::uint64_t>(left_, take));
        if (wanted_) out += bytes.substr(0, body);
        left_ -= body;
        padding_ -= take - body;
        bytes.remove_prefix(static_cast<std::size_t>(take));
        if (left_ == 0 && padding_ == 0) state_ = State::header;
      }
    }
  }
  /// What is shorter than a header can be no tar.
  void finish(std::string& out) {
    if (state_ == State::header && first_) out += header_;
  }

 private:
  enum class State : std::uint8_t { header, body, plain };
  void read_header(std::string& out) {
    const bool is_tar = header_.compare(257, 5, "ustar") == 0;
    if (first_ && !is_tar) {
      state_ = State::plain;
      out += header_;
      return;
    }
    first_ = false;
    std::uint64_t size = 0;
    for (const char c : std::string_view(header_).substr(124, 12)) {
      if (c >= '0' && c <= '7') size = size * 8 + static_cast<std::uint64_t>(c - '0');
    }
    wanted_ = is_tar && header_.starts_with("mbdump/") && (header_[156] == '0' || header_[156] == '\0');
    left_ = is_tar ? size : 0;
    padding_ = (kBlock - left_ % kBlock) % kBlock;
    if (left_ > 0) state_ = State::body;
    header_.clear();
  }
  State state_ = State::header;
  std::string header_;
  std::uint64_t left_ = 0, padding_ = 0;
  bool wanted_ = false, first_ = true;
};

}  // namespace

struct UnpackedFile::Impl {
  enum class Packing : std::uint8_t { none, gzip, xz };
  std::string name;
  UniqueFd fd;
  struct stat info {};
  Packing packing = Packing::none;
  std::uint64_t read_bytes = 0;
  std::array<std::uint8_t, kPiece> in{};
  std::array<std::uint8_t, kPiece> unpacked{};
  std::string out;
  z_stream zlib{};
  lzma_stream lzma = LZMA_STREAM_INIT;
  TarFilter tar;
  bool at_end = false, finished = false, member_open = false;

  ~Impl() {
    if (packing == Packing::gzip) inflateEnd(&zlib);
    if (packing == Packing::xz) lzma_end(&lzma);
  }

  Status begin() {
    std::array<std::uint8_t, 6> magic{};
    const ssize_t got = ::pread(fd.get(), magic.data(), magic.size(), 0);
    constexpr std::array<std::uint8_t, 6> kXz = {0xFD, '7', 'z', 'X', 'Z', 0};
    if (got >= 2 && magic[0] == 0x1F && magic[1] == 0x8B) {
      if (inflateInit2(&zlib, 15 + 16) != Z_OK) return Error{Errc::exhausted, name + ": no memory"};
      packing = Packing::gzip;
    } else if (got == 6 && magic == kXz) {
      if (lzma_stream_decoder(&lzma, kMostUnpackMemory, LZMA_CONCATENATED) != LZMA_OK) return Error{Errc::exhausted, name + ": no memory"};
      packing = Packing::xz;
    }
    return {};
  }
  Result<std::size_t> fill() {
    for (;;) {
      const ssize_t got = ::read(fd.get(), in.data(), in.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read", name);
      read_bytes += static_cast<std::uint64_t>(got);
      at_end = got == 0;
      return static_cast<std::size_t>(got);
    }
  }
  Error damaged() const { return {Errc::data_loss, name + ": the packed file is damaged or cut off"}; }

  Result<std::string_view> piece() {
    if (packing == Packing::none) {
      auto got = fill();
      if (!got) return got.error();
      return as_text(BytesView(in).first(*got));
    }
    return packing == Packing::gzip ? gunzip() : unxz();
  }
  Result<std::string_view> gunzip() {
    for (;;) {
      if (zlib.avail_in == 0 && !at_end) {
        auto got = fill();
        if (!got) return got.error();
        zlib.next_in = in.data();
        zlib.avail_in = static_cast<uInt>(*got);
      }
      if (zlib.avail_in == 0) {
        if (member_open) return damaged();
        return std::string_view{};
      }
      zlib.next_out = unpacked.data();
      zlib.avail_out = static_cast<uInt>(unpacked.size());
      member_open = true;
      const int done = inflate(&zlib, Z_NO_FLUSH);
      if (done == Z_STREAM_END) {
        member_open = false;
        inflateReset(&zlib);
      } else if (done != Z_OK && done != Z_BUF_ERROR) {
        return damaged();
      }
      const std::size_t made = unpacked.size() - zlib.avail_out;
      if (made > 0) return as_text(BytesView(unpacked).first(made));
    }
  }
  Result<std::string_view> unxz() {
    for (;;) {
      if (lzma.avail_in == 0 && !at_end) {
        auto got = fill();
        if (!got) return got.error();
        lzma.next_in = in.data();
        lzma.avail_in = *got;
      }
      lzma.next_out = unpacked.data();
      lzma.avail_out = unpacked.size();
      const lzma_ret done = lzma_code(&lzma, at_end ? LZMA_FINISH : LZMA_RUN);
      if (done == LZMA_MEMLIMIT_ERROR) return Error{Errc::exhausted, name + ": unpacking needs more than " + std::to_string(kMostUnpackMemory >> 20) + " MiB"};
      if (done != LZMA_OK && done != LZMA_STREAM_END) return damaged();
      const std::size_t made = unpacked.size() - lzma.avail_out;
      if (made > 0) return as_text(BytesView(unpacked).first(made));
      if (done == LZMA_STREAM_END) return std::string_view{};
      if (at_end) return damaged();
    }
  }
};

void UnpackedFile::Destroy::operator()(Impl* impl) const { delete impl; }

Result<UnpackedFile> UnpackedFile::open(const std::filesystem::path& path) {
  UnpackedFile file;
  file.impl_.reset(new Impl);
  Impl& impl = *file.impl_;
  impl.name = path.string();
  impl.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!impl.fd || ::fstat(impl.fd.get(), &impl.info) != 0) return errno_error("open", impl.name);
  if (!S_ISREG(impl.info.st_mode)) return Error{Errc::malformed, impl.name + ": this is no file"};
  if (const Status begun = impl.begin(); !begun) return begun.error();
  return file;
}

Result<std::string_view> UnpackedFile::next() {
  Impl& impl = *impl_;
  impl.out.clear();
  while (impl.out.empty() && !impl.finished) {
    auto piece = impl.piece();
    if (!piece) return piece.error();
    if (piece->empty()) {
      impl.finished = true;
      impl.tar.finish(impl.out);
    } else {
      impl.tar.put(*piece, impl.out);
    }
  }
  return std::string_view(impl.out);
}

std::uint64_t UnpackedFile::packed_read() const { return impl_->read_bytes; }
std::uint64_t UnpackedFile::packed_size() const { return static_cast<std::uint64_t>(impl_->info.st_size); }
std::int64_t UnpackedFile::changed_ms() const { return impl_->info.st_mtim.tv_sec * 1000 + impl_->info.st_mtim.tv_nsec / 1'000'000; }

}  // namespace ghost::ariascribe
