#include "b2/revocation_list.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

const WallTime kMade = WallTime(std::chrono::seconds(1'770'000'000));

NodeId node_number(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}

/// PKCS#8 of a seed that everyone knows.
KeyPair key_of_seed(BytesView seed) {
  Bytes der = from_hex("302e020100300506032b657004220420").value();
  der.insert(der.end(), seed.begin(), seed.end());
  return KeyPair::from_der(der).value();
}

}  // namespace

TEST(RevocationList, SaysWhatItWasMadeWith) {
  const KeyPair house = KeyPair::generate();
  const auto made = RevocationList::make(house, 7, kMade, {{node_number(9), kMade - 1h}, {node_number(2), kMade}, {node_number(9), kMade - 2h}}).value();
  const auto read = RevocationList::read(made.bytes(), house.public_key()).value();
  EXPECT_EQ(read.number(), 7u);
  EXPECT_EQ(read.made(), kMade);
  EXPECT_EQ(read.nodes(), (std::vector<Revoked>{{node_number(2), kMade}, {node_number(9), kMade - 2h}}));
  ASSERT_NE(read.find(node_number(9)), nullptr);
  EXPECT_EQ(read.find(node_number(3)), nullptr);
  EXPECT_EQ(read.bytes().size(), RevocationList::kHeader + 2 * RevocationList::kEntry + 64);
  EXPECT_TRUE(RevocationList::make(house, 1, kMade, {}).value().nodes().empty());
}

TEST(RevocationList, IsTheHousesOnly) {
  const KeyPair house = KeyPair::generate(), other = KeyPair::generate();
  const auto made = RevocationList::make(house, 7, kMade, {{node_number(9), kMade}}).value();
  EXPECT_EQ(RevocationList::read(made.bytes(), other.public_key()).error().code, Errc::unauthenticated);
  Bytes forged = made.bytes();  // says it is the other's, signed by this one
  const NodeId id = NodeId::of_public_key(other.public_key());
  std::copy(id.bytes.begin(), id.bytes.end(), forged.begin() + 8);
  EXPECT_EQ(RevocationList::read(forged, other.public_key()).error().code, Errc::unauthenticated);
}

TEST(RevocationList, ThatIsDamagedAnywhereIsNotTaken) {
  const KeyPair house = KeyPair::generate();
  const Bytes good = RevocationList::make(house, 7, kMade, {{node_number(1), kMade}, {node_number(9), kMade}}).value().bytes();
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 0x10;
    EXPECT_FALSE(RevocationList::read(bad, house.public_key())) << at;
    EXPECT_FALSE(RevocationList::read(BytesView(good).first(at), house.public_key())) << at;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(RevocationList::read(longer, house.public_key()).error().code, Errc::malformed);
}

TEST(RevocationList, HasAMostThatIsTold) {
  const KeyPair house = KeyPair::generate();
  const auto made = RevocationList::make(house, 7, kMade, std::vector<Revoked>(RevocationList::kMost + 1));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::exhausted);
}

TEST(RevocationList, IsAsTheSpecificationHasIt) {
  const auto vectors = nlohmann::json::parse(read_file(GHOST_VECTORS "/house.json", 1 << 20).value());
  const KeyPair house = key_of_seed(from_hex(vectors["house_seed"].get<std::string>()).value());
  EXPECT_EQ(to_hex(house.public_key()), vectors["house_key"].get<std::string>());
  ASSERT_GE(vectors["lists"].size(), 6u);
  for (const auto& one : vectors["lists"]) {
    const std::string name = one["name"];
    const Bytes bytes = from_hex(one["hex"].get<std::string>()).value();
    const auto read = RevocationList::read(bytes, house.public_key());
    if (one.contains("error")) {
      ASSERT_FALSE(read) << name;
      EXPECT_EQ(ghost::name(read.error().code), one["error"].get<std::string>()) << name;
      continue;
    }
    ASSERT_TRUE(read) << name << ": " << read.error().message;
    EXPECT_EQ(read->number(), one["number"].get<std::uint64_t>()) << name;
    EXPECT_EQ(read->made(), WallTime(std::chrono::seconds(one["made"].get<std::int64_t>()))) << name;
    std::vector<Revoked> nodes;
    for (const auto& node : one["nodes"]) {
      nodes.push_back({NodeId::from_bytes(from_hex(node["node"].get<std::string>()).value()).value(), WallTime(std::chrono::seconds(node["since"].get<std::int64_t>()))});
    }
    EXPECT_EQ(read->nodes(), nodes) << name;
    EXPECT_EQ(to_hex(RevocationList::make(house, read->number(), read->made(), nodes).value().bytes()), to_hex(bytes)) << name;
  }
}

}  // namespace ghost::b2
