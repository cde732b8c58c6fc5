#include "ardus/stream_map.h"

#include <algorithm>

namespace ghost::ardus {

namespace {

constexpr std::string_view kSegmentMagic = "ARDUSSM1";       ///< of the standard layout, and of no other
constexpr std::string_view kSizedSegmentMagic = "ARDUSSM2";  ///< says how large symbols are
constexpr std::string_view kSegmentDomain = "ardus stream map";
constexpr std::size_t kSegmentSignature = 64;

}  // namespace

Result<ChunkSet> ChunkSet::from_ranges(std::span<const ChunkRange> ranges, std::size_t size) {
  ChunkSet set(size);
  std::uint64_t next = 0;
  for (const ChunkRange& range : ranges) {
    if (range.count == 0 || range.first < next || std::uint64_t{range.first} + range.count > size) {
      return Error{Errc::malformed, "chunks " + std::to_string(range.first) + " + " + std::to_string(range.count) + ": empty, out of order, or not in the manifest"};
    }
    next = std::uint64_t{range.first} + range.count;
    for (std::uint64_t chunk = range.first; chunk < next; ++chunk) set.insert(chunk);
  }
  return set;
}

ChunkSet& ChunkSet::operator|=(const ChunkSet& other) {
  for (std::size_t chunk = 0; chunk < std::min(size(), other.size()); ++chunk) {
    if (other.bits_[chunk]) insert(chunk);
  }
  return *this;
}

std::vector<ChunkRange> ChunkSet::ranges() const {
  std::vector<ChunkRange> all;
  for (std::uint32_t chunk = 0; chunk < bits_.size(); ++chunk) {
    if (!bits_[chunk]) continue;
    if (!all.empty() && all.back().first + all.back().count == chunk) ++all.back().count;
    else all.push_back({chunk, 1});
  }
  return all;
}

void StreamMap::append(const ChunkSet& chunks) {
  place_of_.resize(manifest_->chunks.size(), kNowhere);
  std::uint64_t at = blocks_ * block_bytes_;
  for (std::uint32_t chunk = 0; chunk < place_of_.size(); ++chunk) {
    if (place_of_[chunk] != kNowhere || !chunks.has(chunk)) continue;
    place_of_[chunk] = static_cast<std::uint32_t>(places_.size());
    places_.push_back({chunk, at});
    at += manifest_->chunks[chunk].size;
    bytes_ += manifest_->chunks[chunk].size;
    end_ = at;
  }
  blocks_ = (at + block_bytes_ - 1) / block_bytes_;
}

bool StreamMap::has(std::uint32_t chunk) const { return chunk < place_of_.size() && place_of_[chunk] != kNowhere; }

std::pair<std::uint64_t, std::uint64_t> StreamMap::blocks_of(std::uint32_t chunk) const {
  if (!has(chunk)) return {0, 0};
  const std::uint64_t at = places_[place_of_[chunk]].at;
  return {at / block_bytes_, (at + manifest_->chunks[chunk].size - 1) / block_bytes_ + 1};
}

std::vector<StreamMap::Piece> StreamMap::pieces(std::uint64_t block) const {
  const std::uint64_t begin = block * block_bytes_, end = begin + block_bytes_;
  auto place = std::upper_bound(places_.begin(), places_.end(), begin, [](std::uint64_t at, const Place& p) { return at < p.at; });
  if (place != places_.begin()) --place;
  std::vector<Piece> all;
  for (; place != places_.end() && place->at < end; ++place) {
    const std::uint64_t from = std::max(place->at, begin);
    const std::uint64_t to = std::min(place->at + manifest_->chunks[place->chunk].size, end);
    if (from >= to) continue;
    all.push_back({place->chunk, static_cast<std::uint32_t>(from - place->at), static_cast<std::uint32_t>(from - begin), static_cast<std::uint32_t>(to - from)});
  }
  return all;
}

std::vector<bool> StreamMap::blocks_with(const ChunkSet& needed) const {
  std::vector<bool> wanted(blocks_);
  for (const Place& place : places_) {
    if (!needed.has(place.chunk)) continue;
    const std::uint64_t last = (place.at + manifest_->chunks[place.chunk].size - 1) / block_bytes_;
    for (std::uint64_t block = place.at / block_bytes_; block <= last; ++block) wanted[block] = true;
  }
  return wanted;
}

Bytes encode_segment(const MapSegment& segment, const KeyPair& sender) {
  Bytes bytes;
  ByteWriter out(bytes);
  const bool sized = segment.layout != Layout::standard;
  out.bytes(as_bytes(sized ? kSizedSegmentMagic : kSegmentMagic)).u64(segment.session).bytes(segment.content).u32(segment.number);
  if (sized) out.u32(static_cast<std::uint32_t>(symbol_size(segment.layout)));
  out.u32(static_cast<std::uint32_t>(segment.chunks.size()));
  for (const ChunkRange& range : segment.chunks) out.u32(range.first).u32(range.count);
  const Signature signature = sender.sign(kSegmentDomain, bytes);
  out.bytes(signature);
  return bytes;
}

Result<MapSegment> parse_segment(BytesView bytes, const PublicKey& sender) {
  const Error bad{Errc::malformed, "stream map: it is cut off, or none"};
  if (bytes.size() < kSegmentSignature) return bad;
  const BytesView body = bytes.first(bytes.size() - kSegmentSignature);
  if (!verify_signature(sender, kSegmentDomain, body, bytes.last(kSegmentSignature))) {
    return Error{Errc::unauthenticated, "stream map: the sender's signature does not hold"};
  }
  ByteReader in(body);
  const std::string_view magic = as_text(in.take(kSegmentMagic.size()));
  const bool sized = magic == kSizedSegmentMagic;
  if (!sized && magic != kSegmentMagic) return bad;
  MapSegment segment;
  segment.session = in.u64();
  in.fill(segment.content);
  segment.number = in.u32();
  if (sized) {
    const std::uint32_t size = in.u32();
    if (in.ok() && size != kJumboSymbolSize) return Error{Errc::unsupported, "stream map: symbols of " + std::to_string(size) + " bytes, a layout that is not known here"};
    segment.layout = Layout::jumbo;
  }
  const std::uint32_t count = in.u32();
  if (!in.ok() || in.remaining() != std::uint64_t{count} * 8) return bad;
  segment.chunks.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t first = in.u32();
    segment.chunks.push_back({first, in.u32()});
  }
  return segment;
}

}  // namespace ghost::ardus
