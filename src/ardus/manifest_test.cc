#include "ardus/manifest.h"

#include <gtest/gtest.h>

#include "ardus/merkle.h"
#include "base/random.h"

namespace ghost::ardus {
namespace {

using namespace std::string_literals;

Entry directory(std::string path) { return {EntryKind::directory, std::move(path), 0755, 1'700'000'000, 5, 0, {}, {}}; }
Entry link(std::string path, std::string says) { return {EntryKind::symlink, std::move(path), 0777, 1, 0, 0, {}, std::move(says)}; }
Entry file(std::string path, std::vector<std::uint32_t> chunks, std::uint64_t size) {
  return {EntryKind::file, std::move(path), 0644, -5, 999'999'999, size, std::move(chunks), {}};
}

Manifest album() {
  Manifest manifest;
  manifest.name = "album";
  manifest.created_ms = 1'700'000'000'000;
  manifest.chunks = {{100, sha256(as_bytes("one"))}, {200, sha256(as_bytes("two"))}};
  manifest.entries = {directory("album"), file("album/01.flac", {0, 1, 0}, 400), file("album/02.flac", {1}, 200), file("album/empty", {}, 0),
                      link("album/first", "01.flac")};
  return manifest;
}

const KeyPair& key() {
  static const KeyPair pair = KeyPair::generate();
  return pair;
}

TEST(Manifest, ComesBackAsItWasWritten) {
  Manifest manifest = album();
  const Bytes bytes = encode_manifest(manifest, key()).value();
  const Manifest read = parse_manifest(bytes).value();
  EXPECT_EQ(read.name, "album");
  EXPECT_EQ(read.created_ms, manifest.created_ms);
  EXPECT_EQ(read.chunks, manifest.chunks);
  EXPECT_EQ(read.entries, manifest.entries);
  EXPECT_EQ(read.publisher, key().public_key());
  EXPECT_EQ(read.content, manifest.content);
  EXPECT_EQ(read.bytes(), 600u);
  EXPECT_EQ(read.files(), 3u);
}

TEST(Manifest, HasOneContentIdWhoeverPublishesItWhen) {
  Manifest first = album(), second = album();
  second.name = "another name";
  second.created_ms = 7;
  ASSERT_TRUE(encode_manifest(first, key()));
  ASSERT_TRUE(encode_manifest(second, KeyPair::generate()));
  EXPECT_EQ(first.content, second.content);
  second.entries[1].mode = 0600;
  ASSERT_TRUE(encode_manifest(second, key()));
  EXPECT_NE(first.content, second.content);
}

TEST(Manifest, TellsEveryChangedByte) {
  Manifest manifest = album();
  const Bytes bytes = encode_manifest(manifest, key()).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= 0x20;
    EXPECT_FALSE(parse_manifest(changed)) << at;
  }
}

TEST(Manifest, TellsWhereverItIsCutOffOrGoesOn) {
  Manifest manifest = album();
  Bytes bytes = encode_manifest(manifest, key()).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_manifest(BytesView(bytes).first(size))) << size;
  bytes.push_back(0);
  EXPECT_FALSE(parse_manifest(bytes));
}

/// What an evil publisher could sign: any bytes as chunks and entries, and any counts of them.
Bytes evil_manifest(const std::vector<Bytes>& chunks, const std::vector<Bytes>& entries, std::optional<std::uint32_t> chunk_count = {}, std::optional<std::uint32_t> entry_count = {}) {
  MerkleTree tree;
  Bytes bytes, message;
  ByteWriter out(bytes);
  out.bytes(as_bytes("ARDUSMF2")).bytes(key().public_key()).u64(0);
  out.u32(chunk_count.value_or(static_cast<std::uint32_t>(chunks.size()))).u32(entry_count.value_or(static_cast<std::uint32_t>(entries.size()))).u16(0);
  for (const Bytes& chunk : chunks) tree.add('c', chunk), out.bytes(chunk);
  for (const Bytes& entry : entries) tree.add('e', entry), out.bytes(entry);
  ByteWriter(message).bytes(tree.root()).bytes(key().public_key()).u64(0);
  out.bytes(key().sign("ardus manifest", message));
  return bytes;
}

/// An entry's bytes up to and with its path.
Bytes evil_entry(std::uint8_t kind, const std::string& path, std::uint8_t flags = 0, std::uint16_t mode = 0644) {
  Bytes bytes;
  ByteWriter(bytes).u8(kind).u8(flags).u16(mode).u64(0).u32(0).u16(static_cast<std::uint16_t>(path.size())).bytes(as_bytes(path));
  return bytes;
}
Bytes evil_file(const std::string& path, std::uint64_t size = 0, const std::vector<std::uint32_t>& chunks = {}, const std::vector<Hole>& holes = {}, std::optional<std::uint32_t> count = {}) {
  Bytes bytes = evil_entry(1, path, holes.empty() ? 0 : 4);
  ByteWriter out(bytes);
  out.u64(size).u32(count.value_or(static_cast<std::uint32_t>(chunks.size())));
  for (const std::uint32_t chunk : chunks) out.u32(chunk);
  if (!holes.empty()) out.u32(static_cast<std::uint32_t>(holes.size()));
  for (const Hole& hole : holes) out.u64(hole.offset).u64(hole.length);
  return bytes;
}
Bytes evil_link(std::uint8_t kind, const std::string& path, const std::string& says, std::uint16_t mode = 0) {
  Bytes bytes = evil_entry(kind, path, 0, mode);
  ByteWriter(bytes).u16(static_cast<std::uint16_t>(says.size())).bytes(as_bytes(says));
  return bytes;
}
Bytes evil_attribute(std::uint8_t kind, const std::string& name, std::uint32_t claimed, const std::string& value) {
  Bytes bytes = evil_entry(kind, "a", 2);
  ByteWriter out(bytes);
  out.u16(1).u8(static_cast<std::uint8_t>(name.size())).bytes(as_bytes(name)).u32(claimed).bytes(as_bytes(value));
  if (kind == 1) out.u64(0).u32(0);
  if (kind == 3) out.u16(1).u8('x');
  return bytes;
}
Bytes evil_chunk(std::uint32_t size, std::uint8_t seed = 0) {
  Bytes bytes;
  ByteWriter(bytes).u32(size).bytes(sha256(Bytes{seed}));
  return bytes;
}

TEST(Manifest, RefusesSignedPathsThatEscape) {
  EXPECT_TRUE(parse_manifest(evil_manifest({}, {evil_file("x")})));
  std::vector<std::string> paths = {"", "/", "//", ".", "..", "./", "../", "/.", "/..", "./x", "../x", "../../x", "../../../../../../etc/cron.d/x", "/etc/passwd",
                                    "//etc/passwd", "x/", "x//", "x//y", "x/./y", "x/../y", "x/../../y", "x/..", "x/.", "./../x", "/x", "/tmp/../x", "x/y/../../../z",
                                    ".ardus", ".ardus/x", ".ardus/journal", ".ardus/received/x.manifest", ".ardus/../x", "./.ardus/x", "x/../.ardus/journal", "../.ardus/x",
                                    "/proc/self/root/etc/x", "/dev/shm/x", "/proc/self/fd/3", "..//x", "x\0"s, "\0"s, "x\0/y"s, "../\0"s, "x/\0y"s, ".\0./x"s,
                                    std::string(256, 'x'), "x/" + std::string(256, 'y'), std::string(256, 'x') + "/y", std::string(4097, 'x')};
  std::string deep = "x";
  while (deep.size() <= 4096) deep += "/x";
  paths.push_back(deep);
  std::string climbing = "x";
  for (int i = 0; i < 100; ++i) climbing += "/..";
  paths.push_back(climbing);
  ASSERT_GE(paths.size(), 50u);
  for (const std::string& path : paths) {
    for (const Bytes& entry : {evil_file(path), evil_entry(2, path), evil_link(3, path, "x"), evil_link(4, path, "x")}) {
      const auto parsed = parse_manifest(evil_manifest({}, {entry}));
      ASSERT_FALSE(parsed) << path;
      EXPECT_EQ(parsed.error().code, Errc::malformed) << parsed.error().message;
      EXPECT_NE(parsed.error().message.find("manifest: path '"), std::string::npos) << parsed.error().message;
    }
  }
}

/// A signature makes a manifest genuine, not sane: what it says is refused, with the reason, before anything is made of it.
TEST(Manifest, RefusesSignedBombsAndContradictions) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const Bytes folder = evil_entry(2, "a", 0, 0755);
  struct Case {
    const char* what;
    Bytes bytes;
    std::string why;
  };
  Bytes unknown_flags = evil_entry(1, "a", 8);
  ByteWriter(unknown_flags).u64(0).u32(0);
  Bytes no_attributes = evil_entry(1, "a", 2);
  ByteWriter(no_attributes).u16(0).u64(0).u32(0);
  Bytes many_attributes = evil_entry(1, "a", 2);
  ByteWriter(many_attributes).u16(65535).u64(0).u32(0);
  Bytes owned_link = evil_entry(4, "b", 1, 0);
  ByteWriter(owned_link).u32(0).u32(0).u16(1).u8('a');
  Bytes twice = evil_entry(1, "a", 2);
  ByteWriter(twice).u16(2).u8(6).bytes(as_bytes("user.b")).u32(0).u8(6).bytes(as_bytes("user.a")).u32(0).u64(0).u32(0);
  const std::vector<Case> cases = {
      {"2^32 chunks in no bytes", evil_manifest({}, {}, 0xffffffff, 0), "more chunks or entries than are taken"},
      {"16 million chunks in no bytes", evil_manifest({}, {}, 16'000'000, 0), "cut off"},
      {"2^32 entries in no bytes", evil_manifest({}, {}, 0, 0xffffffff), "more chunks or entries than are taken"},
      {"4 million entries in no bytes", evil_manifest({}, {}, 0, 4'000'000), "cut off"},
      {"a file that needs 2^32 chunks", evil_manifest({}, {evil_file("a", 0, {}, {}, 0xffffffff)}), "cut off"},
      {"a file of 2^64 bytes without a chunk", evil_manifest({}, {evil_file("a", kMost)}), "not as long as its chunks"},
      {"a file of 2^63 bytes without a chunk", evil_manifest({}, {evil_file("a", kMost / 2 + 1)}), "not as long as its chunks"},
      {"a file longer than its chunks", evil_manifest({evil_chunk(5)}, {evil_file("a", 6, {0})}), "not as long as its chunks"},
      {"a file shorter than its chunks", evil_manifest({evil_chunk(5)}, {evil_file("a", 4, {0})}), "not as long as its chunks"},
      {"a hole of 2^64 bytes", evil_manifest({}, {evil_file("a", kMost, {}, {{0, kMost}})}), "larger than any disk"},
      {"holes that add up to more than 2^64", evil_manifest({evil_chunk(5)}, {evil_file("a", 10, {0}, {{0, kMost - 1}, {kMost, 5}})}), "a hole of"},
      {"a hole that wraps around", evil_manifest({evil_chunk(5)}, {evil_file("a", 5, {0}, {{5, kMost - 4}})}), "a hole of"},
      {"a hole past the end", evil_manifest({evil_chunk(5)}, {evil_file("a", 5, {0}, {{6, 1}})}), "a hole of"},
      {"a hole within a chunk", evil_manifest({evil_chunk(5)}, {evil_file("a", 5, {0}, {{1, 2}})}), "a hole of"},
      {"a hole over a chunk's end", evil_manifest({evil_chunk(5), evil_chunk(5, 1)}, {evil_file("a", 12, {0, 1}, {{4, 3}})}), "a hole of"},
      {"holes that overlap", evil_manifest({evil_chunk(5)}, {evil_file("a", 25, {0}, {{5, 10}, {10, 15}})}), "a hole of"},
      {"holes that touch", evil_manifest({evil_chunk(5)}, {evil_file("a", 25, {0}, {{5, 10}, {15, 10}})}), "a hole of"},
      {"holes in the wrong order", evil_manifest({evil_chunk(5)}, {evil_file("a", 15, {0}, {{10, 5}, {0, 5}})}), "a hole of"},
      {"an empty hole", evil_manifest({evil_chunk(5)}, {evil_file("a", 5, {0}, {{0, 0}})}), "a hole of"},
      {"files larger than any disk together", evil_manifest({}, {evil_file("a", std::uint64_t{1} << 60, {}, {{0, std::uint64_t{1} << 60}}), evil_file("b", 1, {}, {{0, 1}})}), "larger than any disk"},
      {"a chunk of no bytes", evil_manifest({evil_chunk(0)}, {evil_file("a", 0, {0})}), "a chunk of 0 bytes"},
      {"a chunk of 2^32 bytes", evil_manifest({evil_chunk(0xffffffff)}, {evil_file("a", 0xffffffff, {0})}), "a chunk of 4294967295 bytes"},
      {"a chunk nobody needs", evil_manifest({evil_chunk(5)}, {folder}), "is in no file"},
      {"a chunk that is not there", evil_manifest({evil_chunk(5)}, {evil_file("a", 5, {1})}), "out of order"},
      {"chunks out of order", evil_manifest({evil_chunk(5), evil_chunk(5, 1)}, {evil_file("a", 10, {1, 0})}), "out of order"},
      {"a kind there is none of", evil_manifest({}, {evil_entry(9, "a")}), "no kind there is"},
      {"a device", evil_manifest({}, {evil_entry(5, "a")}), "no kind there is"},
      {"kind 0", evil_manifest({}, {evil_entry(0, "a")}), "no kind there is"},
      {"flags there are none of", evil_manifest({}, {unknown_flags}), "flags there are none of"},
      {"a folder with holes", evil_manifest({}, {evil_entry(2, "a", 4)}), "flags there are none of"},
      {"a set-uid file", evil_manifest({}, {[] { Bytes b = evil_entry(1, "a", 0, 04755); ByteWriter(b).u64(0).u32(0); return b; }()}), "more than permissions"},
      {"a sticky folder", evil_manifest({}, {evil_entry(2, "a", 0, 01777)}), "more than permissions"},
      {"the same path twice", evil_manifest({}, {evil_file("a"), evil_file("a")}), "there twice"},
      {"paths out of order", evil_manifest({}, {evil_file("b"), evil_file("a")}), "out of order"},
      {"a file beneath a file", evil_manifest({}, {evil_file("a"), evil_file("a/b")}), "no folder of this manifest"},
      {"a file beneath a symbolic link", evil_manifest({}, {evil_link(3, "a", "/etc"), evil_file("a/b")}), "no folder of this manifest"},
      {"a file beneath a hard link", evil_manifest({}, {evil_file("a"), evil_link(4, "b", "a"), evil_file("b/c")}), "no folder of this manifest"},
      {"a file beneath nothing", evil_manifest({}, {evil_file("a/b/c")}), "no folder of this manifest"},
      {"a symbolic link that says nothing", evil_manifest({}, {evil_link(3, "a", "")}), "says nothing, or too much"},
      {"a symbolic link with a NUL", evil_manifest({}, {evil_link(3, "a", "x\0y"s)}), "says nothing, or too much"},
      {"a symbolic link of 5,000 bytes", evil_manifest({}, {evil_link(3, "a", std::string(5000, 'x'))}), "says nothing, or too much"},
      {"a hard link out of the target", evil_manifest({}, {evil_link(4, "a", "/etc/shadow")}), "no file before it"},
      {"a hard link upwards", evil_manifest({}, {evil_link(4, "a", "../x")}), "no file before it"},
      {"a hard link to nothing", evil_manifest({}, {evil_link(4, "a", "")}), "no file before it"},
      {"a hard link to itself", evil_manifest({}, {evil_link(4, "a", "a")}), "no file before it"},
      {"a hard link to a folder", evil_manifest({}, {folder, evil_link(4, "b", "a")}), "no file before it"},
      {"a hard link to a symbolic link", evil_manifest({}, {evil_link(3, "a", "/etc/shadow"), evil_link(4, "b", "a")}), "no file before it"},
      {"a hard link to a hard link", evil_manifest({}, {evil_file("a"), evil_link(4, "b", "a"), evil_link(4, "c", "b")}), "no file before it"},
      {"a hard link to a later file", evil_manifest({}, {evil_link(4, "a", "b"), evil_file("b")}), "no file before it"},
      {"a hard link with a mode", evil_manifest({}, {evil_file("a"), evil_link(4, "b", "a", 0777)}), "metadata of its own"},
      {"a hard link with an owner", evil_manifest({}, {evil_file("a"), owned_link}), "metadata of its own"},
      {"capabilities of a program", evil_manifest({}, {evil_attribute(1, "security.capability", 4, "xxxx")}), "is not carried"},
      {"a label", evil_manifest({}, {evil_attribute(1, "security.selinux", 4, "xxxx")}), "is not carried"},
      {"a trusted attribute", evil_manifest({}, {evil_attribute(1, "trusted.overlay.opaque", 1, "y")}), "is not carried"},
      {"an attribute without a name", evil_manifest({}, {evil_attribute(1, "user.", 1, "y")}), "is not carried"},
      {"an attribute whose name has a NUL", evil_manifest({}, {evil_attribute(1, "user.a\0b"s, 1, "y")}), "is not carried"},
      {"a default ACL of a file", evil_manifest({}, {evil_attribute(1, "system.posix_acl_default", 1, "y")}), "is not carried"},
      {"an attribute of a symbolic link", evil_manifest({}, {evil_attribute(3, "user.a", 1, "y")}), "is not carried"},
      {"an attribute of 2^32 bytes", evil_manifest({}, {evil_attribute(1, "user.a", 0xffffffff, "y")}), "longer than 64 KiB"},
      {"more than 64 KiB of attributes", evil_manifest({}, {evil_attribute(1, "user.a", 65536, std::string(65536, 'y'))}), "64 KiB"},
      {"attributes out of order", evil_manifest({}, {twice}), "out of order"},
      {"attributes, and none", evil_manifest({}, {no_attributes}), "no attributes, or too many"},
      {"65,535 attributes", evil_manifest({}, {many_attributes}), "no attributes, or too many"},
  };
  for (const Case& one : cases) {
    const auto parsed = parse_manifest(one.bytes);
    ASSERT_FALSE(parsed) << one.what;
    EXPECT_TRUE(parsed.error().code == Errc::malformed || parsed.error().code == Errc::exhausted) << one.what;
    EXPECT_NE(parsed.error().message.find(one.why), std::string::npos) << one.what << ": " << parsed.error().message;
  }
}

TEST(Manifest, CarriesOwnersAttributesHolesAndHardLinks) {
  Manifest manifest = album();
  manifest.entries[0].attributes = {{"system.posix_acl_default", "acl"}, {"user.genre", "organ"}};
  Entry& first = manifest.entries[1];
  first.owner = Owner{1000, 100};
  first.attributes = {{"user.a", ""}, {"user.b", "x\0y"s}};
  first.holes = {{0, 70'000}, {70'100, 1}, {70'401, 5}};  // before, between and after its chunks
  first.size = 70'406;
  Entry hard;
  hard.kind = EntryKind::hardlink;
  hard.path = "album/same";
  hard.mode = 0;
  hard.link = "album/01.flac";
  manifest.entries.push_back(hard);
  const Bytes bytes = encode_manifest(manifest, key()).value();
  const Manifest read = parse_manifest(bytes).value();
  EXPECT_EQ(read.entries, manifest.entries);
  EXPECT_EQ(read.content, manifest.content);
  EXPECT_EQ(read.bytes(), 600u);
  std::vector<std::uint64_t> offsets;
  for_each_place(read, read.entries[1], [&](std::uint32_t, std::uint64_t offset) { offsets.push_back(offset); });
  EXPECT_EQ(offsets, (std::vector<std::uint64_t>{70'000, 70'101, 70'301}));
  Bytes other = bytes;
  other[7] = '1';
  EXPECT_EQ(parse_manifest(other).error().code, Errc::unsupported);
}

TEST(Manifest, RefusesFilesThatNeedChunksTooOften) {
  ManifestLimits limits;
  limits.places = 3;
  const Bytes bomb = evil_manifest({evil_chunk(5)}, {evil_file("a", 10, {0, 0}), evil_file("b", 10, {0, 0})});
  EXPECT_TRUE(parse_manifest(bomb));
  EXPECT_EQ(parse_manifest(bomb, limits).error().code, Errc::exhausted);
}

TEST(Manifest, WritesNoPathsThatEscape) {
  for (const std::string& path : {"../../etc/cron.d/x"s, "/etc/passwd"s, "album/../../x"s, ".ardus/x"s, "a\0b"s}) {
    Manifest manifest;
    manifest.entries = {file(path, {}, 0)};
    const auto made = encode_manifest(manifest, key());
    ASSERT_FALSE(made) << path;
    EXPECT_EQ(made.error().code, Errc::malformed);
    EXPECT_NE(made.error().message.find("path '"), std::string::npos);
  }
}

TEST(Manifest, RefusesWhatBreaksARule) {
  const auto refused = [](auto change) {
    Manifest manifest = album();
    change(manifest);
    return !encode_manifest(manifest, key());
  };
  EXPECT_TRUE(refused([](Manifest& m) { m.entries.push_back(file("album/first/x", {}, 0)); })) << "beneath a symbolic link";
  EXPECT_TRUE(refused([](Manifest& m) { std::swap(m.entries[1], m.entries[2]); })) << "order";
  EXPECT_TRUE(refused([](Manifest& m) { m.entries[1].size = 1; })) << "size";
  EXPECT_TRUE(refused([](Manifest& m) { m.entries[1].mode = 04755; })) << "set-uid";
  EXPECT_TRUE(refused([](Manifest& m) { m.entries[1].nanoseconds = 1'000'000'000; })) << "time";
  EXPECT_TRUE(refused([](Manifest& m) { m.entries[1].chunks[0] = 2; })) << "no such chunk";
  EXPECT_TRUE(refused([](Manifest& m) { m.chunks.push_back(m.chunks[0]); })) << "a chunk nobody needs";
  EXPECT_TRUE(refused([](Manifest& m) { m.chunks[0].size = 0; })) << "an empty chunk";
  EXPECT_TRUE(refused([](Manifest& m) { m.chunks[0].size = 262'145; })) << "a chunk too long";
  EXPECT_TRUE(refused([](Manifest& m) { m.entries[4].link = ""; })) << "a link to nothing";
  EXPECT_TRUE(refused([](Manifest& m) { m.name = std::string(256, 'n'); })) << "name";
}

TEST(Manifest, RefusesMoreThanItsLimits) {
  Manifest manifest = album();
  const Bytes bytes = encode_manifest(manifest, key()).value();
  ManifestLimits limits;
  limits.entries = 4;
  EXPECT_EQ(parse_manifest(bytes, limits).error().code, Errc::exhausted);
  limits = {};
  limits.encoded = bytes.size() - 1;
  EXPECT_EQ(parse_manifest(bytes, limits).error().code, Errc::exhausted);
}

/// RFC 6962 §2.1 by its definition.
Digest tree(std::span<const Bytes> leaves) {
  if (leaves.size() == 1) return Sha256().update(Bytes{0, 'x'}).update(leaves[0]).finish();
  std::size_t left = 1;
  while (left * 2 < leaves.size()) left *= 2;
  return Sha256().update(Bytes{1}).update(tree(leaves.first(left))).update(tree(leaves.subspan(left))).finish();
}

TEST(MerkleTree, HasTheShapeOfRfc6962) {
  EXPECT_EQ(MerkleTree().root(), sha256({}));
  std::vector<Bytes> leaves;
  MerkleTree made;
  for (std::uint8_t i = 0; i < 70; ++i) {
    leaves.push_back({i});
    made.add('x', leaves.back());
    EXPECT_EQ(made.root(), tree(leaves)) << leaves.size();
  }
}

}  // namespace
}  // namespace ghost::ardus
