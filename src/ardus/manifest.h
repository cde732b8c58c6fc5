#pragma once
#include <cstdint>
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

struct Entry {
  EntryKind kind = EntryKind::file;
  std::string path;                     ///< as check_path() has it
  std::uint16_t mode = 0644;            ///< permission bits, at most 0777: set-uid, set-gid and sticky are not carried
  std::int64_t seconds = 0;             ///< of the last change, since 1970
  std::uint32_t nanoseconds = 0;        ///< 0 … 999,999,999
  std::uint64_t size = 0;               ///< of a file: the sum of its chunks
  std::vector<std::uint32_t> chunks = {};  ///< of a file, in order: indexes into Manifest::chunks
  std::string link = {};                ///< of a symbolic link: what it says, 1 … 4,095 bytes
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

  std::uint64_t bytes() const;      ///< of all files
  std::uint64_t files() const;
};

/// What a stranger's manifest may ask of us.
struct ManifestLimits {
  std::size_t encoded = 512 * 1024 * 1024;
  std::uint32_t chunks = 16'000'000;
  std::uint32_t entries = 4'000'000;
};

/// Signs and writes the manifest; fills in `publisher` and `content`. malformed when its entries or chunks break a rule of the spec.
Result<Bytes> encode_manifest(Manifest& manifest, const KeyPair& publisher);

/// Reads a stranger's manifest: every rule of the spec holds for what it returns, the publisher's signature and the content id
/// among them. Whether the publisher is to be trusted is the caller's question.
Result<Manifest> parse_manifest(BytesView bytes, const ManifestLimits& limits = {});

}  // namespace ghost::ardus
