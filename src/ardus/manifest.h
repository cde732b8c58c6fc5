#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ardus/path_rules.h"
#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "base/sha256.h"

namespace ghost::ardus {

using ContentId = Digest;  ///< root of the hash tree over a manifest's chunks and entries

/// A run of bytes that files are made of.
struct Chunk {
  std::uint32_t size;  ///< 1 … kLargestChunk bytes
  Digest hash;         ///< SHA-256
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

/// Whose a file is, by the numbers of the publisher's machine.
struct Owner {
  std::uint32_t user = 0, group = 0;
  friend bool operator==(const Owner&, const Owner&) = default;
};

/// An extended attribute. An ACL is one too: system.posix_acl_access, and system.posix_acl_default of a folder (acl(5)).
struct Attribute {
  std::string name;   ///< as may_carry_attribute() has it
  std::string value;  ///< any bytes
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// A run of zeros that takes no room on the disk.
struct Hole {
  std::uint64_t offset = 0, length = 0;  ///< bytes
  friend bool operator==(const Hole&, const Hole&) = default;
};

/// Whether a manifest may carry this attribute: `user.` and ACLs. Others would give rights (security.capability), or are the kernel's.
bool may_carry_attribute(EntryKind kind, std::string_view name);
/// Whether an attribute is an ACL: it names users and groups by the numbers of the publisher's machine.
bool is_acl(std::string_view name);

struct Entry {
  EntryKind kind = EntryKind::file;
  std::string path;                     ///< as check_path() has it
  std::uint16_t mode = 0644;            ///< permission bits, at most 0777: set-uid, set-gid and sticky are not carried
  std::int64_t seconds = 0;             ///< of the last change, since 1970
  std::uint32_t nanoseconds = 0;        ///< 0 … 999,999,999
  std::uint64_t size = 0;               ///< of a file: the sum of its chunks and holes
  std::vector<std::uint32_t> chunks = {};  ///< of a file, in order: indexes into Manifest::chunks
  std::string link = {};                ///< of a symbolic link: what it says, 1 … 4,095 bytes; of a hard link: the path of its file
  std::optional<Owner> owner = {};
  std::vector<Attribute> attributes = {};  ///< of a file or folder, by name
  std::vector<Hole> holes = {};            ///< of a file, ascending, apart; chunks end where one begins
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// What is sent: a tree, and the chunks its files are made of (docs/spec/ardus.md, "Manifest"). Chunks stand in the order in which
/// the files first need them; each is there once, however many files share it.
struct Manifest {
  std::string name;                 ///< for people, at most 255 bytes
  std::uint64_t created_ms = 0;     ///< UTC
  std::vector<Chunk> chunks;
  std::vector<Entry> entries;       ///< in the order of path_less()
  PublicKey publisher{};
  ContentId content{};              ///< of chunks and entries alone: the same tree has the same whoever publishes it when

  std::uint64_t bytes() const;      ///< of all files, without their holes
  std::uint64_t files() const;
};

/// Hands out a file's chunks in order, each with where in the file it stands: `each(std::uint32_t chunk, std::uint64_t offset)`.
template <class Each>
void for_each_place(const Manifest& manifest, const Entry& file, Each each) {
  std::uint64_t offset = 0;
  auto hole = file.holes.begin();
  for (const std::uint32_t chunk : file.chunks) {
    if (hole != file.holes.end() && hole->offset == offset) offset += hole++->length;
    each(chunk, offset);
    offset += manifest.chunks[chunk].size;
  }
}

/// What a stranger's manifest may ask of us.
struct ManifestLimits {
  std::size_t encoded = 512 * 1024 * 1024;
  std::uint32_t chunks = 16'000'000;
  std::uint32_t entries = 4'000'000;
  std::uint64_t places = 64'000'000;  ///< times that a file needs a chunk
};

/// Signs and writes the manifest; fills in `publisher` and `content`. malformed when its entries or chunks break a rule of the spec.
Result<Bytes> encode_manifest(Manifest& manifest, const KeyPair& publisher);

/// Reads a stranger's manifest: every rule of the spec holds for what it returns, the publisher's signature and the content id
/// among them. Whether the publisher is to be trusted is the caller's question.
Result<Manifest> parse_manifest(BytesView bytes, const ManifestLimits& limits = {});

}  // namespace ghost::ardus
