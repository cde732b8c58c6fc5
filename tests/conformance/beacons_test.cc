// docs/spec/vectors/beacons.json against the code that reads and writes datagrams of discovery.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "b2/discovery_message.h"
#include "base/file.h"

namespace ghost::b2::conformance {

namespace {

using nlohmann::json;

json beacons() { return json::parse(read_file(std::string(GHOST_VECTORS "/beacons.json"), 1024 * 1024).value()); }

std::uint64_t number_of(const json& told, const char* key) { return std::stoull(told.at(key).get<std::string>(), nullptr, 16); }

DiscoveryMessage message_of(const json& told) {
  DiscoveryMessage message;
  const std::string kind = told.at("kind");
  message.kind = kind == "beacon" ? DiscoveryKind::beacon : kind == "query" ? DiscoveryKind::query : DiscoveryKind::bye;
  message.flags = told.at("flags");
  message.about.port = told.at("port");
  message.about.node = NodeId::from_bytes(from_hex(told.at("node").get<std::string>()).value()).value();
  message.about.epoch = number_of(told, "epoch");
  message.about.services = number_of(told, "services");
  message.about.house = number_of(told, "house");
  message.time_ms = told.at("time_ms");
  message.hold_ms = told.at("hold_ms");
  message.nonce = told.at("nonce");
  return message;
}

}  // namespace

TEST(BeaconVectors, AreReadAndWritten) {
  int read = 0, ignored = 0;
  const json all = beacons();
  for (const json& vector : all.at("datagrams")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes bytes = from_hex(vector.at("hex").get<std::string>()).value();
    const auto message = DiscoveryMessage::decode(bytes);
    if (vector.contains("error")) {
      EXPECT_FALSE(message);
      ++ignored;
      continue;
    }
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(*message, message_of(vector.at("fields")));
    if (!vector.contains("only_read")) {
      EXPECT_EQ(to_hex(message->encode()), to_hex(bytes));
    }
    ++read;
  }
  EXPECT_GE(read, 9);
  EXPECT_GE(ignored, 10);
}

TEST(BeaconVectors, AgreeOnTheHashOfTheServiceList) {
  const json all = beacons();
  ASSERT_GE(all.at("services").size(), 3u);
  for (const json& vector : all.at("services")) {
    std::vector<v1::ServiceEntry> services;
    for (const json& told : vector.at("services")) {
      v1::ServiceEntry& service = services.emplace_back();
      service.name = told.at("name");
      service.version = told.at("version");
      service.descriptor_hash = from_hex(told.at("descriptor_hash").get<std::string>()).value();
      service.method_count = 1;
    }
    EXPECT_EQ(services_hash(services), number_of(vector, "hash"));
    v1::ServiceEntry left;
    left.name = "one.that.left";
    services.insert(services.begin(), left);
    EXPECT_EQ(services_hash(services), number_of(vector, "hash")) << "what has no methods does not count";
  }
}

}  // namespace ghost::b2::conformance
