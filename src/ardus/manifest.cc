#include "ardus/manifest.h"

#include <limits>

#include "ardus/chunker.h"
#include "ardus/merkle.h"

namespace ghost::ardus {

namespace {

constexpr std::string_view kManifestMagic = "ARDUSMF1";
constexpr std::string_view kManifestDomain = "ardus manifest";
constexpr std::uint8_t kChunkLeaf = 'c', kEntryLeaf = 'e';
constexpr std::size_t kChunkRecord = 4 + 32;
constexpr std::size_t kSmallestEntry = 1 + 2 + 8 + 4 + 2;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestLink = 4095;

Error bad(std::string why) { return {Errc::malformed, "manifest: " + std::move(why)}; }

Bytes signed_part(const Manifest& manifest) {
  Bytes message;
  ByteWriter(message).bytes(manifest.content).bytes(manifest.publisher).u64(manifest.created_ms).bytes(as_bytes(manifest.name));
  return message;
}

void write_chunk(ByteWriter& out, const Chunk& chunk) { out.u32(chunk.size).bytes(chunk.hash); }

void write_entry(ByteWriter& out, const Entry& entry) {
  out.u8(static_cast<std::uint8_t>(entry.kind)).u16(entry.mode).u64(static_cast<std::uint64_t>(entry.seconds)).u32(entry.nanoseconds);
  out.u16(static_cast<std::uint16_t>(entry.path.size())).bytes(as_bytes(entry.path));
  if (entry.kind == EntryKind::file) {
    out.u64(entry.size).u32(static_cast<std::uint32_t>(entry.chunks.size()));
    for (const std::uint32_t chunk : entry.chunks) out.u32(chunk);
  } else if (entry.kind == EntryKind::symlink) {
    out.u16(static_cast<std::uint16_t>(entry.link.size())).bytes(as_bytes(entry.link));
  }
}

/// Holds one entry after the other to the rules, in their order.
class Rules {
 public:
  explicit Rules(const std::vector<Chunk>& chunks) : chunks_(chunks) {}

  Status check(const Entry& entry) {
    if (Status ordered = order_.add(entry.kind, entry.path); !ordered) return ordered.error().in("manifest");
    if (entry.mode > 0777) return bad("'" + entry.path + "' has a mode with more than permissions");
    if (entry.nanoseconds > 999'999'999) return bad("'" + entry.path + "' has a time with more than a second of nanoseconds");
    switch (entry.kind) {
      case EntryKind::file: return check_file(entry);
      case EntryKind::directory: return {};
      case EntryKind::symlink: return check_link(entry);
    }
    return bad("'" + entry.path + "' is of no kind there is");
  }

  /// Every chunk is needed by some file.
  Status finish() const { return used_ == chunks_.size() ? Status() : Status(bad("chunk " + std::to_string(used_) + " is in no file")); }

 private:
  Status check_file(const Entry& entry) {
    std::uint64_t size = 0;
    for (const std::uint32_t chunk : entry.chunks) {
      if (chunk > used_ || chunk >= chunks_.size()) return bad("'" + entry.path + "' needs chunk " + std::to_string(chunk) + " out of order");
      if (chunk == used_) ++used_;
      size += chunks_[chunk].size;
    }
    if (size != entry.size) return bad("'" + entry.path + "' is not as long as its chunks");
    total_ += size;
    if (total_ > std::uint64_t{1} << 60) return bad("it is larger than any disk");
    return {};
  }

  static Status check_link(const Entry& entry) {
    if (entry.link.empty() || entry.link.size() > kLongestLink || entry.link.find('\0') != std::string::npos) {
      return bad("'" + entry.path + "' is a symbolic link that says nothing, or too much");
    }
    return {};
  }

  const std::vector<Chunk>& chunks_;
  TreeOrder order_;
  std::size_t used_ = 0;  ///< chunks that files so far needed
  std::uint64_t total_ = 0;
};

Status check_chunk(const Chunk& chunk) {
  if (chunk.size == 0 || chunk.size > kLargestChunk) return bad("a chunk of " + std::to_string(chunk.size) + " bytes");
  return {};
}

/// Reads what encode_manifest() writes; checks bounds alone.
Status read_entry(ByteReader& in, Entry& entry) {
  const std::uint8_t kind = in.u8();
  if (kind < 1 || kind > 3) return bad("an entry of no kind there is");
  entry.kind = static_cast<EntryKind>(kind);
  entry.mode = in.u16();
  entry.seconds = static_cast<std::int64_t>(in.u64());
  entry.nanoseconds = in.u32();
  entry.path = as_text(in.take(in.u16()));
  if (entry.kind == EntryKind::symlink) {
    entry.link = as_text(in.take(in.u16()));
  } else if (entry.kind == EntryKind::file) {
    entry.size = in.u64();
    const std::uint32_t count = in.u32();
    if (!in.ok() || count > in.remaining() / 4) return bad("it is cut off");
    entry.chunks.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) entry.chunks.push_back(in.u32());
  }
  if (!in.ok()) return bad("it is cut off");
  return {};
}

Status read_body(ByteReader& in, std::uint32_t chunk_count, std::uint32_t entry_count, Manifest& manifest) {
  if (chunk_count > in.remaining() / kChunkRecord || entry_count > in.remaining() / kSmallestEntry) return bad("it is cut off");
  MerkleTree tree;
  manifest.chunks.reserve(chunk_count);
  for (std::uint32_t i = 0; i < chunk_count; ++i) {
    const BytesView record = in.take(kChunkRecord);
    ByteReader fields(record);
    Chunk chunk{fields.u32(), {}};
    const BytesView hash = fields.take(chunk.hash.size());
    if (!fields.ok()) return bad("it is cut off");
    std::copy(hash.begin(), hash.end(), chunk.hash.begin());
    if (Status checked = check_chunk(chunk); !checked) return checked;
    manifest.chunks.push_back(chunk);
    tree.add(kChunkLeaf, record);
  }
  Rules rules(manifest.chunks);
  Bytes leaf;
  manifest.entries.reserve(entry_count);
  for (std::uint32_t i = 0; i < entry_count; ++i) {
    Entry entry;
    if (Status read = read_entry(in, entry); !read) return read;
    if (Status checked = rules.check(entry); !checked) return checked;
    leaf.clear();
    ByteWriter out(leaf);
    write_entry(out, entry);
    tree.add(kEntryLeaf, leaf);
    manifest.entries.push_back(std::move(entry));
  }
  manifest.content = tree.root();
  return rules.finish();
}

}  // namespace

std::uint64_t Manifest::bytes() const {
  std::uint64_t sum = 0;
  for (const Entry& entry : entries) sum += entry.size;
  return sum;
}

std::uint64_t Manifest::files() const {
  std::uint64_t count = 0;
  for (const Entry& entry : entries) count += entry.kind == EntryKind::file ? 1 : 0;
  return count;
}

Result<Bytes> encode_manifest(Manifest& manifest, const KeyPair& publisher) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (manifest.name.size() > kLongestName) return bad("its name is longer than 255 bytes");
  if (manifest.chunks.size() > kMost || manifest.entries.size() > kMost) return bad("it has more than 2^32 chunks or entries");
  manifest.publisher = publisher.public_key();
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(kManifestMagic)).bytes(manifest.publisher).u64(manifest.created_ms);
  out.u32(static_cast<std::uint32_t>(manifest.chunks.size())).u32(static_cast<std::uint32_t>(manifest.entries.size()));
  out.u16(static_cast<std::uint16_t>(manifest.name.size())).bytes(as_bytes(manifest.name));
  MerkleTree tree;
  for (const Chunk& chunk : manifest.chunks) {
    if (Status checked = check_chunk(chunk); !checked) return checked.error();
    const std::size_t at = bytes.size();
    write_chunk(out, chunk);
    tree.add(kChunkLeaf, BytesView(bytes).subspan(at));
  }
  Rules rules(manifest.chunks);
  for (const Entry& entry : manifest.entries) {
    if (Status checked = rules.check(entry); !checked) return checked.error();
    const std::size_t at = bytes.size();
    write_entry(out, entry);
    tree.add(kEntryLeaf, BytesView(bytes).subspan(at));
  }
  if (Status finished = rules.finish(); !finished) return finished.error();
  manifest.content = tree.root();
  out.bytes(publisher.sign(kManifestDomain, signed_part(manifest)));
  return bytes;
}

Result<Manifest> parse_manifest(BytesView bytes, const ManifestLimits& limits) {
  if (bytes.size() > limits.encoded) return Error{Errc::exhausted, "manifest: it has " + std::to_string(bytes.size()) + " bytes, and " + std::to_string(limits.encoded) + " are taken at most"};
  ByteReader in(bytes);
  if (as_text(in.take(kManifestMagic.size())) != kManifestMagic) return bad("it does not begin as one");
  Manifest manifest;
  const BytesView publisher = in.take(manifest.publisher.size());
  manifest.created_ms = in.u64();
  const std::uint32_t chunk_count = in.u32(), entry_count = in.u32();
  const BytesView name = in.take(in.u16());
  if (!in.ok() || name.size() > kLongestName) return bad("it is cut off");
  if (chunk_count > limits.chunks || entry_count > limits.entries) return Error{Errc::exhausted, "manifest: more chunks or entries than are taken"};
  std::copy(publisher.begin(), publisher.end(), manifest.publisher.begin());
  manifest.name = as_text(name);
  if (Status read = read_body(in, chunk_count, entry_count, manifest); !read) return read.error();
  const BytesView signature = in.rest();
  if (!verify_signature(manifest.publisher, kManifestDomain, signed_part(manifest), signature)) {
    return Error{Errc::unauthenticated, "manifest: its publisher's signature does not hold: it was changed on its way"};
  }
  return manifest;
}

}  // namespace ghost::ardus
