// docs/spec/vectors/ardus_content.json against the code that writes and reads what is sent: manifest, stream map, receipt, grants, publication. After
// a change on purpose, GHOST_MAKE_VECTORS=1 writes the file anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "ardus/chunker.h"
#include "ardus/grant.h"
#include "ardus/merkle.h"
#include "ardus/publication.h"
#include "ardus/stream_map.h"
#include "ardus/test_vectors.h"
#include "base/file.h"

namespace ghost::ardus {
namespace {

/// Every kind of entry, and all that may stand beside it.
Manifest vector_manifest() {
  Manifest manifest;
  manifest.name = "Kegelstatt";
  manifest.created_ms = 1'800'000'000'000;
  for (const auto& [size, text] : {std::pair{100'000u, "one"}, {200'000u, "two"}, {30'000u, "three"}}) manifest.chunks.push_back({size, sha256(as_bytes(text))});
  Entry folder{EntryKind::directory, "a", 0755, 1'700'000'000, 5, 0, {}, {}};
  folder.owner = Owner{1000, 100};
  folder.attributes = {{"user.genre", "chamber"}};
  Entry sparse{EntryKind::file, "a/b", 0644, -5, 999'999'999, 430'000, {0, 1, 0}, {}};
  sparse.holes = {{300'000, 30'000}};
  const Entry other{EntryKind::file, "a/c", 0400, 1, 0, 30'000, {2}, {}}, empty{EntryKind::file, "a/d", 0644, 0, 0, 0, {}, {}};
  const Entry link{EntryKind::symlink, "a/e", 0777, 1, 0, 0, {}, "b"}, hard{EntryKind::hardlink, "a-", 0, 0, 0, 0, {}, "a/b"};
  manifest.entries = {folder, sparse, other, empty, link, hard};
  return manifest;
}

std::vector<std::size_t> vector_cuts() {
  Bytes data, number(4);
  for (std::uint32_t i = 0; i < 31'250; ++i) {
    number.clear();
    ByteWriter(number).u32(i);
    ByteWriter(data).bytes(sha256(number));
  }
  std::vector<std::size_t> sizes;
  for (BytesView rest = data; !rest.empty(); rest = rest.subspan(sizes.back())) sizes.push_back(first_chunk(rest));
  return sizes;
}

struct ContentVectors {
  Bytes manifest, map, jumbo_map, receipt, fetch_grant, relay_grant, publication;
  Manifest read;
};

ContentVectors make_content_vectors() {
  const KeyPair sender = key_from(0x80), receiver = key_from(0xa0);
  ContentVectors made;
  made.read = vector_manifest();
  made.manifest = encode_manifest(made.read, sender).value();
  made.map = encode_segment({kVectorSession, made.read.content, 0, {{0, 1}, {2, 1}}}, sender);
  made.jumbo_map = encode_segment({kVectorSession, made.read.content, 0, {{0, 1}, {2, 1}}, Layout::jumbo}, sender);
  Receipt receipt{made.read.content, kVectorSession, counting<16>(0x40), {}, 1'800'000'123'456, made.read.bytes(), Verified::on_arrival | Verified::read_back};
  made.receipt = encode_receipt(receipt, receiver);
  made.fetch_grant = encode_grant({GrantKind::fetch, made.read.content, kVectorSession, counting<16>(0x40), receiver.public_key()}, sender);
  made.relay_grant = encode_grant({GrantKind::relay, made.read.content, kVectorSession, counting<16>(0x40), receiver.public_key()}, sender);
  made.publication = encode_publication({{to_bytes(as_bytes("a certificate")), to_bytes(as_bytes("the house's"))}, made.manifest});
  return made;
}

std::string content_vectors_text() {
  const ContentVectors made = make_content_vectors();
  std::string cuts, pieces;
  for (const std::size_t size : vector_cuts()) cuts += (cuts.empty() ? "" : ", ") + std::to_string(size);
  StreamMap map(made.read);
  map.append(ChunkSet::from_ranges(std::vector<ChunkRange>{{0, 1}, {2, 1}}, made.read.chunks.size()).value());
  map.append(ChunkSet::from_ranges(std::vector<ChunkRange>{{1, 1}}, made.read.chunks.size()).value());
  for (std::uint64_t block = 0; block < map.blocks(); ++block) {
    for (const StreamMap::Piece& piece : map.pieces(block)) {
      pieces += (pieces.empty() ? "  [" : ",\n  [") + std::to_string(block) + ", " + std::to_string(piece.chunk) + ", " + std::to_string(piece.in_chunk) + ", " +
                std::to_string(piece.in_block) + ", " + std::to_string(piece.size) + "]";
    }
  }
  std::string text = "{\n";
  const auto field = [&](const std::string& name, const std::string& value) { text += " \"" + name + "\": " + value + ",\n"; };
  const auto hex = [&](const std::string& name, BytesView bytes) { field(name, "\"" + to_hex(bytes) + "\""); };
  hex("sender_seed", counting<32>(0x80));
  hex("sender_public", key_from(0x80).public_key());
  hex("receiver_seed", counting<32>(0xa0));
  hex("receiver_public", key_from(0xa0).public_key());
  field("session", std::to_string(kVectorSession));
  hex("nonce", counting<16>(0x40));
  hex("manifest", made.manifest);
  hex("content_id", made.read.content);
  hex("stream_map_segment_0", made.map);
  field("stream_after_another_segment_of_chunk_1",
        "{\"bytes\": " + std::to_string(map.stream_bytes()) + ", \"block, chunk, offset in chunk, offset in block, size\": [\n" + pieces + "\n ]}");
  hex("stream_map_segment_of_the_jumbo_layout", made.jumbo_map);
  hex("receipt", made.receipt);
  hex("grant_to_fetch", made.fetch_grant);
  hex("grant_to_relay", made.relay_grant);
  hex("publication", made.publication);
  field("chunk_path", "\"" + chunk_path(made.read.chunks[0].hash) + "\"");
  text += " \"chunk_sizes_of_sha256_of_u32_0_to_31249_end_to_end\": [" + cuts + "]\n}\n";
  return text;
}

TEST(ContentVectors, OfTheSpecificationAreWhatWeWrite) {
  const std::string path = GHOST_VECTORS "/ardus_content.json", made = content_vectors_text();
  if (std::getenv("GHOST_MAKE_VECTORS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, as_bytes(made)));
  }
  EXPECT_EQ(made, read_file(path, 1024 * 1024).value_or("(no file)"));
}

TEST(ContentVectors, AreReadAsWhatTheySay) {
  const ContentVectors made = make_content_vectors();
  const PublicKey sender = key_from(0x80).public_key(), receiver = key_from(0xa0).public_key();
  const auto manifest = parse_manifest(made.manifest);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->entries, vector_manifest().entries);
  EXPECT_EQ(manifest->content, made.read.content);
  EXPECT_EQ(manifest->publisher, sender);
  const auto segment = parse_segment(made.map, sender);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->chunks, (std::vector<ChunkRange>{{0, 1}, {2, 1}}));
  EXPECT_EQ(parse_segment(made.jumbo_map, sender).value().layout, Layout::jumbo);
  const auto receipt = parse_receipt(made.receipt);
  ASSERT_TRUE(receipt);
  EXPECT_TRUE(check_receipt(*receipt, manifest->content, kVectorSession, counting<16>(0x40), receiver));
  EXPECT_EQ(parse_grant(made.fetch_grant, sender).value().kind, GrantKind::fetch);
  EXPECT_EQ(parse_grant(made.relay_grant, sender).value().node, receiver);
  EXPECT_EQ(parse_publication(made.publication).value().manifest, made.manifest);
}

}  // namespace
}  // namespace ghost::ardus
