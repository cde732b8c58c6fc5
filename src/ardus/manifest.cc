#include "ardus/manifest.h"

#include <algorithm>
#include <limits>

#include "ardus/chunker.h"
#include "ardus/merkle.h"
#include "base/text.h"

namespace ghost::ardus {

namespace {

constexpr std::string_view kManifestMagic = "ARDUSMF2";
constexpr std::string_view kManifestDomain = "ardus manifest";
constexpr std::uint8_t kChunkLeaf = 'c', kEntryLeaf = 'e';
constexpr std::size_t kChunkRecord = 4 + 32;
constexpr std::size_t kSmallestEntry = 1 + 1 + 2 + 8 + 4 + 2;
constexpr std::uint8_t kHasOwner = 1, kHasAttributes = 2, kHasHoles = 4;
constexpr std::size_t kMostAttributes = 256, kAttributeBytes = 64 * 1024;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestLink = 4095;

Error bad(std::string why) { return {Errc::malformed, "manifest: " + std::move(why)}; }

Bytes signed_part(const Manifest& manifest) {
  Bytes message;
  ByteWriter(message).bytes(manifest.content).bytes(manifest.publisher).u64(manifest.created_ms).bytes(as_bytes(manifest.name));
  return message;
}

void write_chunk(ByteWriter& out, const Chunk& chunk) { out.u32(chunk.size).bytes(chunk.hash); }

std::uint8_t flags_of(const Entry& entry) {
  return static_cast<std::uint8_t>((entry.owner ? kHasOwner : 0) | (entry.attributes.empty() ? 0 : kHasAttributes) | (entry.holes.empty() ? 0 : kHasHoles));
}

void write_entry(ByteWriter& out, const Entry& entry) {
  out.u8(static_cast<std::uint8_t>(entry.kind)).u8(flags_of(entry)).u16(entry.mode).u64(static_cast<std::uint64_t>(entry.seconds)).u32(entry.nanoseconds);
  out.u16(static_cast<std::uint16_t>(entry.path.size())).bytes(as_bytes(entry.path));
  if (entry.owner) out.u32(entry.owner->user).u32(entry.owner->group);
  if (!entry.attributes.empty()) out.u16(static_cast<std::uint16_t>(entry.attributes.size()));
  for (const Attribute& attribute : entry.attributes) {
    out.u8(static_cast<std::uint8_t>(attribute.name.size())).bytes(as_bytes(attribute.name));
    out.u32(static_cast<std::uint32_t>(attribute.value.size())).bytes(as_bytes(attribute.value));
  }
  if (entry.kind == EntryKind::file) {
    out.u64(entry.size).u32(static_cast<std::uint32_t>(entry.chunks.size()));
    for (const std::uint32_t chunk : entry.chunks) out.u32(chunk);
    if (!entry.holes.empty()) out.u32(static_cast<std::uint32_t>(entry.holes.size()));
    for (const Hole& hole : entry.holes) out.u64(hole.offset).u64(hole.length);
  } else if (entry.kind != EntryKind::directory) {
    out.u16(static_cast<std::uint16_t>(entry.link.size())).bytes(as_bytes(entry.link));
  }
}

/// Holds one entry after the other to the rules, in their order.
class Rules {
 public:
  explicit Rules(const std::vector<Chunk>& chunks) : chunks_(chunks) {}

  Status check(const Entry& entry) {
    if (Status ordered = order_.add(entry.kind, entry.path); !ordered) return ordered.error().in("manifest");
    if (entry.mode > 0777) return bad("'" + printable(entry.path) + "' has a mode with more than permissions");
    if (entry.nanoseconds > 999'999'999) return bad("'" + printable(entry.path) + "' has a time with more than a second of nanoseconds");
    if (Status right = check_attributes(entry); !right) return right;
    switch (entry.kind) {
      case EntryKind::file: return check_file(entry);
      case EntryKind::directory: return {};
      case EntryKind::symlink: return check_link(entry);
      case EntryKind::hardlink: return check_hard_link(entry);
    }
    return bad("'" + printable(entry.path) + "' is of no kind there is");
  }

  /// Every chunk is needed by some file, and every hard link is to a file.
  Status finish(const std::vector<Entry>& entries) const {
    if (used_ != chunks_.size()) return bad("chunk " + std::to_string(used_) + " is in no file");
    for (const Entry* link : hard_links_) {
      const auto at = std::lower_bound(entries.begin(), entries.end(), link->link, [](const Entry& entry, const std::string& path) { return path_less(entry.path, path); });
      if (at == entries.end() || at->path != link->link || at->kind != EntryKind::file || !path_less(at->path, link->path)) {
        return bad("'" + printable(link->path) + "' is a hard link to '" + printable(link->link.substr(0, 200)) + "', which is no file before it");
      }
    }
    return {};
  }

 private:
  Status check_attributes(const Entry& entry) const {
    std::size_t bytes = 0;
    const std::string* last = nullptr;
    for (const Attribute& attribute : entry.attributes) {
      if (!may_carry_attribute(entry.kind, attribute.name)) return bad("'" + printable(entry.path) + "' has the attribute '" + printable(attribute.name.substr(0, 100)) + "', which is not carried");
      if (last != nullptr && !(*last < attribute.name)) return bad("the attributes of '" + printable(entry.path) + "' are out of order");
      last = &attribute.name;
      bytes += attribute.name.size() + attribute.value.size();
    }
    if (entry.attributes.size() > kMostAttributes || bytes > kAttributeBytes) return bad("'" + printable(entry.path) + "' has more attributes than 256, or than 64 KiB of them");
    return {};
  }

  Status check_file(const Entry& entry) {
    const Error wrong_length = bad("'" + printable(entry.path) + "' is not as long as its chunks and holes");
    const Error wrong_hole = bad("a hole of '" + printable(entry.path) + "' is empty, out of order, or not between chunks");
    std::uint64_t at = 0;
    auto hole = entry.holes.begin();
    const auto skip_hole = [&] {
      if (hole == entry.holes.end() || hole->offset != at) return true;
      if (hole->length == 0 || hole->length > entry.size - std::min(entry.size, at)) return false;
      at += hole++->length;
      return hole == entry.holes.end() || hole->offset > at;
    };
    for (const std::uint32_t chunk : entry.chunks) {
      if (chunk > used_ || chunk >= chunks_.size()) return bad("'" + printable(entry.path) + "' needs chunk " + std::to_string(chunk) + " out of order");
      if (chunk == used_) ++used_;
      if (!skip_hole()) return wrong_hole;
      at += chunks_[chunk].size;
      if (at > entry.size) return wrong_length;
      if (hole != entry.holes.end() && hole->offset < at) return wrong_hole;
    }
    if (!skip_hole() || hole != entry.holes.end()) return wrong_hole;
    if (at != entry.size) return wrong_length;
    if (entry.size > kLargestTotal - total_) return bad("it is larger than any disk");
    total_ += entry.size;
    return {};
  }

  static Status check_link(const Entry& entry) {
    if (entry.link.empty() || entry.link.size() > kLongestLink || entry.link.find('\0') != std::string::npos) {
      return bad("'" + printable(entry.path) + "' is a symbolic link that says nothing, or too much");
    }
    return {};
  }

  /// It is its file under another name: whatever else there is to say is said there.
  Status check_hard_link(const Entry& entry) {
    if (entry.mode != 0 || entry.seconds != 0 || entry.nanoseconds != 0 || entry.owner) return bad("the hard link '" + printable(entry.path) + "' has metadata of its own");
    hard_links_.push_back(&entry);
    return {};
  }

  static constexpr std::uint64_t kLargestTotal = std::uint64_t{1} << 60;
  const std::vector<Chunk>& chunks_;
  TreeOrder order_;
  std::size_t used_ = 0;  ///< chunks that files so far needed
  std::uint64_t total_ = 0;
  std::vector<const Entry*> hard_links_;  ///< of the manifest's own
};

Status check_chunk(const Chunk& chunk) {
  if (chunk.size == 0 || chunk.size > kLargestChunk) return bad("a chunk of " + std::to_string(chunk.size) + " bytes");
  return {};
}

Status read_attributes(ByteReader& in, Entry& entry) {
  const std::uint16_t count = in.u16();
  if (count == 0 || count > kMostAttributes) return bad("an entry with no attributes, or too many");
  for (std::uint16_t i = 0; i < count && in.ok(); ++i) {
    Attribute attribute;
    attribute.name = as_text(in.take(in.u8()));
    const std::uint32_t size = in.u32();
    if (size > kAttributeBytes) return bad("an attribute longer than 64 KiB");
    attribute.value = as_text(in.take(size));
    entry.attributes.push_back(std::move(attribute));
  }
  return in.ok() ? Status() : Status(bad("it is cut off"));
}

Status read_file_fields(ByteReader& in, bool has_holes, std::uint64_t& places, Entry& entry) {
  entry.size = in.u64();
  const std::uint32_t count = in.u32();
  if (!in.ok() || count > in.remaining() / 4) return bad("it is cut off");
  if (count > places) return Error{Errc::exhausted, "manifest: its files need chunks more often than is taken"};
  places -= count;
  entry.chunks.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) entry.chunks.push_back(in.u32());
  if (!has_holes) return {};
  const std::uint32_t holes = in.u32();
  if (!in.ok() || holes == 0 || holes > in.remaining() / 16) return bad("it is cut off");
  entry.holes.reserve(holes);
  for (std::uint32_t i = 0; i < holes; ++i) {
    const std::uint64_t offset = in.u64();
    entry.holes.push_back({offset, in.u64()});
  }
  return {};
}

/// Reads what encode_manifest() writes; checks bounds alone.
Status read_entry(ByteReader& in, std::uint64_t& places, Entry& entry) {
  const std::uint8_t kind = in.u8(), flags = in.u8();
  if (kind < 1 || kind > 4) return bad("an entry of no kind there is");
  entry.kind = static_cast<EntryKind>(kind);
  const bool file = entry.kind == EntryKind::file;
  if (flags > 7 || ((flags & kHasHoles) != 0 && !file)) return bad("an entry with flags there are none of");
  entry.mode = in.u16();
  entry.seconds = static_cast<std::int64_t>(in.u64());
  entry.nanoseconds = in.u32();
  entry.path = as_text(in.take(in.u16()));
  if ((flags & kHasOwner) != 0) {
    const std::uint32_t user = in.u32();
    entry.owner = Owner{user, in.u32()};
  }
  if ((flags & kHasAttributes) != 0) {
    if (Status read = read_attributes(in, entry); !read) return read;
  }
  if (file) {
    if (Status read = read_file_fields(in, (flags & kHasHoles) != 0, places, entry); !read) return read;
  } else if (entry.kind != EntryKind::directory) {
    entry.link = as_text(in.take(in.u16()));
  }
  if (!in.ok()) return bad("it is cut off");
  return {};
}

Status read_body(ByteReader& in, std::uint32_t chunk_count, std::uint32_t entry_count, std::uint64_t places, Manifest& manifest) {
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
    Entry& entry = manifest.entries.emplace_back();  // stays where it is: there is room for all
    if (Status read = read_entry(in, places, entry); !read) return read;
    if (Status checked = rules.check(entry); !checked) return checked;
    leaf.clear();
    ByteWriter out(leaf);
    write_entry(out, entry);
    tree.add(kEntryLeaf, leaf);
  }
  manifest.content = tree.root();
  return rules.finish(manifest.entries);
}

}  // namespace

bool is_acl(std::string_view name) { return name == "system.posix_acl_access" || name == "system.posix_acl_default"; }

bool may_carry_attribute(EntryKind kind, std::string_view name) {
  if (kind != EntryKind::file && kind != EntryKind::directory) return false;
  if (name.size() > 255 || name.find('\0') != std::string_view::npos) return false;
  if (is_acl(name)) return kind == EntryKind::directory || name == "system.posix_acl_access";
  return name.starts_with("user.") && name.size() > 5;
}

std::uint64_t Manifest::bytes() const {
  std::uint64_t sum = 0;
  for (const Entry& entry : entries) {
    sum += entry.size;
    for (const Hole& hole : entry.holes) sum -= hole.length;
  }
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
  if (Status finished = rules.finish(manifest.entries); !finished) return finished.error();
  manifest.content = tree.root();
  out.bytes(publisher.sign(kManifestDomain, signed_part(manifest)));
  return bytes;
}

Result<Manifest> parse_manifest(BytesView bytes, const ManifestLimits& limits) {
  if (bytes.size() > limits.encoded) return Error{Errc::exhausted, "manifest: it has " + std::to_string(bytes.size()) + " bytes, and " + std::to_string(limits.encoded) + " are taken at most"};
  ByteReader in(bytes);
  const std::string_view magic = as_text(in.take(kManifestMagic.size()));
  if (magic.starts_with("ARDUSMF") && magic != kManifestMagic) return Error{Errc::unsupported, "manifest: it is of another version of ARDUS"};
  if (magic != kManifestMagic) return bad("it does not begin as one");
  Manifest manifest;
  in.fill(manifest.publisher);
  manifest.created_ms = in.u64();
  const std::uint32_t chunk_count = in.u32(), entry_count = in.u32();
  const BytesView name = in.take(in.u16());
  if (!in.ok() || name.size() > kLongestName) return bad("it is cut off");
  if (chunk_count > limits.chunks || entry_count > limits.entries) return Error{Errc::exhausted, "manifest: more chunks or entries than are taken"};
  manifest.name = as_text(name);
  if (Status read = read_body(in, chunk_count, entry_count, limits.places, manifest); !read) return read.error();
  const BytesView signature = in.rest();
  if (!verify_signature(manifest.publisher, kManifestDomain, signed_part(manifest), signature)) {
    return Error{Errc::unauthenticated, "manifest: its publisher's signature does not hold: it was changed on its way"};
  }
  return manifest;
}

}  // namespace ghost::ardus
