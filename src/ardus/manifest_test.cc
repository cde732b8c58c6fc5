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

/// A manifest of one empty file, in order and signed, whatever its path: what an evil publisher would send.
Bytes evil_manifest(const std::string& path) {
  Bytes entry;
  ByteWriter(entry).u8(1).u16(0644).u64(0).u32(0).u16(static_cast<std::uint16_t>(path.size())).bytes(as_bytes(path)).u64(0).u32(0);
  MerkleTree tree;
  tree.add('e', entry);
  Bytes message, bytes;
  ByteWriter(message).bytes(tree.root()).bytes(key().public_key()).u64(0);
  ByteWriter(bytes).bytes(as_bytes("ARDUSMF1")).bytes(key().public_key()).u64(0).u32(0).u32(1).u16(0).bytes(entry).bytes(key().sign("ardus manifest", message));
  return bytes;
}

TEST(Manifest, RefusesSignedPathsThatEscape) {
  EXPECT_TRUE(parse_manifest(evil_manifest("x")));
  for (const std::string& path : {"../../etc/cron.d/x"s, "/etc/passwd"s, "album/../../x"s, ".ardus/x"s, "a\0b"s, "a//b"s, "./x"s, ""s}) {
    const auto parsed = parse_manifest(evil_manifest(path));
    ASSERT_FALSE(parsed) << path;
    EXPECT_EQ(parsed.error().code, Errc::malformed) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find("manifest: path '"), std::string::npos) << parsed.error().message;
  }
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
