#include "b2/frame.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

TEST(FrameHeader, StandsAtTheOffsetsOfTheSpec) {
  FrameHeader header;
  header.length = 0x010203;
  header.type = FrameType::call;
  header.stream = 0x04050607;
  header.flags = flag::kEnd | flag::kMeta;
  header.extension_words = 2;
  header.code = 0x0809;
  header.credit = 0x0a0b0c0d;
  std::uint8_t bytes[kHeaderSize];
  write_header(header, bytes);
  EXPECT_EQ(to_hex(bytes), "030201" "03" "07060504" "09" "02" "0908" "0d0c0b0a");
  EXPECT_EQ(read_header(bytes), header);
  EXPECT_EQ(header.total(), 16u + 8u + 0x010203u);
}

TEST(Extensions, AreReadBackAsWritten) {
  Extensions extensions;
  extensions.timeout_ms = 1500;
  extensions.traceparent.emplace().fill(7);
  extensions.idempotency_key.emplace().fill(9);
  extensions.priority = 200;
  const Bytes bytes = write_extensions(extensions);
  EXPECT_EQ(bytes.size() % 4, 0u);
  EXPECT_LE(bytes.size(), kMaxExtensions);
  EXPECT_EQ(read_extensions(bytes).value(), extensions);
}

TEST(Extensions, TheShortFormOfATimeoutIsTheSame) {
  std::uint8_t bytes[kTimeoutExtension];
  write_timeout(70'000, bytes);
  Extensions extensions;
  extensions.timeout_ms = 70'000;
  EXPECT_EQ(to_bytes(bytes), write_extensions(extensions));
}

TEST(Extensions, UnknownOnesAreSkippedOrRefusedByTheirTopBit) {
  EXPECT_EQ(read_extensions(from_hex("2002aabb").value()).value(), Extensions());
  EXPECT_EQ(read_extensions(from_hex("a002aabb").value()).value().unknown_critical, 0xa0);
}

TEST(Extensions, MalformedOnesAreToldApart) {
  EXPECT_EQ(read_extensions(from_hex("0105aabb").value()).error().message, "extension 1 reaches past the end of the extensions");
  EXPECT_EQ(read_extensions(from_hex("0102aabb").value()).error().message, "extension 1 has 2 bytes");
  EXPECT_FALSE(read_extensions(from_hex("00000001").value()));
}

TEST(Metadata, StandsBeforeTheMessage) {
  Bytes payload = write_metadata({{"trace", "a"}, {"x-y.z_1", ""}}).value();
  const Bytes message = {1, 2, 3};
  payload.insert(payload.end(), message.begin(), message.end());
  Metadata read;
  EXPECT_EQ(to_bytes(read_metadata(payload, read).value()), message);
  EXPECT_EQ(read, (Metadata{{"trace", "a"}, {"x-y.z_1", ""}}));
}

TEST(Metadata, IsBounded) {
  EXPECT_EQ(write_metadata({{"Upper", ""}}).error().code, Errc::malformed);
  EXPECT_EQ(write_metadata({{"", ""}}).error().code, Errc::malformed);
  EXPECT_EQ(write_metadata({{"a", std::string(9000, 'x')}}).error().code, Errc::exhausted);
  Metadata read;
  EXPECT_EQ(read_metadata(from_hex("ffff").value(), read).error().code, Errc::exhausted);
  EXPECT_EQ(read_metadata(from_hex("0500016101").value(), read).error().code, Errc::malformed);
}

}  // namespace ghost::b2
