#include "b2/proto_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/host.b2.h"

namespace ghost::b2 {
namespace {

using test::v1::Kinds;
using test::v1::Kinds_Inner;
using test::v1::Leaf;
using test::v1::Tree;

Bytes hex(std::string_view text) { return from_hex(text).value(); }

/// Why `text` cannot be read as an M; "" when it can.
template <class M>
std::string why(std::string_view text) {
  auto m = decode<M>(hex(text));
  return m ? "" : m.error().message;
}

Bytes repeat(std::string_view text, std::size_t count) {
  Bytes bytes;
  const Bytes one = hex(text);
  for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), one.begin(), one.end());
  return bytes;
}

Tree nested(int levels) {
  Tree tree;
  for (int i = 0; i < levels; ++i) {
    Tree outer;
    outer.left = std::move(tree);
    tree = std::move(outer);
  }
  return tree;
}

TEST(ProtoCodec, WritesFieldsInTheOrderOfTheirNumbersAndLeavesDefaultsOut) {
  Kinds m;
  EXPECT_TRUE(encode(m).empty());
  m.a_string = "hi";
  m.a_int32 = 1;
  m.far_away = 2;
  m.maybe_int32 = 0;
  EXPECT_EQ(to_hex(encode(m)), "0801" "72026869" "900100" "f8ffffff0f02");
}

TEST(ProtoCodec, WritesTheSameByPayloadAndInPlace) {
  Tree tree = nested(3);
  tree.named["a"] = Tree{"b", {}, {}, {}, Leaf{Tree{"c", {}, {}, {}, {}}, -1}};
  const Bytes expected = encode(tree);
  const Payload p = payload(tree);
  Bytes by_payload(p.size), in_place(encoded_size(tree));
  p.write_to(by_payload.data());
  EXPECT_EQ(encode_to(tree, in_place.data()), in_place.data() + in_place.size());
  EXPECT_EQ(by_payload, expected);
  EXPECT_EQ(in_place, expected);
  EXPECT_EQ(decode<Tree>(expected).value(), tree);
}

TEST(ProtoCodec, KeepsTheExtremesOfEveryNumber) {
  Kinds m;
  m.a_int32 = std::numeric_limits<std::int32_t>::min();
  m.a_int64 = std::numeric_limits<std::int64_t>::min();
  m.a_uint32 = std::numeric_limits<std::uint32_t>::max();
  m.a_uint64 = std::numeric_limits<std::uint64_t>::max();
  m.a_sint32 = std::numeric_limits<std::int32_t>::min();
  m.a_sint64 = std::numeric_limits<std::int64_t>::max();
  m.a_sfixed64 = -1;
  m.a_double = -0.0;
  m.an_enum = Kinds_Inner::below;
  m.many_int64 = {0, -1, std::numeric_limits<std::int64_t>::max()};
  m.many_bool = {true, false, true};
  const auto back = decode<Kinds>(encode(m)).value();
  EXPECT_EQ(back, m);
  EXPECT_TRUE(std::signbit(back.a_double));
}

TEST(ProtoCodec, KeepsANumberThatTheEnumDoesNotList) {
  const auto m = decode<Kinds>(hex("800109")).value();
  EXPECT_EQ(static_cast<int>(m.an_enum), 9);
  EXPECT_EQ(name(m.an_enum), "?");
  EXPECT_EQ(to_hex(encode(m)), "800109");
  EXPECT_EQ(name(Kinds_Inner::below), "below");
}

TEST(ProtoCodec, ReadsNumbersPackedAndOneByOne) {
  const std::vector<std::int32_t> expected = {1, 2, 300};
  EXPECT_EQ(decode<Kinds>(hex("f201040102ac02")).value().many_int32, expected);
  EXPECT_EQ(decode<Kinds>(hex("f00101f00102f001ac02")).value().many_int32, expected);
  EXPECT_EQ(decode<Kinds>(hex("f00101f201030 2ac02")).value().many_int32, expected);
  EXPECT_EQ(decode<Kinds>(hex("fa020401 02ac02")).value().one_by_one, (std::vector<std::uint32_t>{1, 2, 300}));
  EXPECT_EQ(to_hex(encode(decode<Kinds>(hex("f00101f00102")).value())), "f201020102");
}

TEST(ProtoCodec, SkipsFieldsItDoesNotKnow) {
  // A varint, 64 bits, bytes, 32 bits, and a group with a group in it, all of field 100 of Leaf; then weight.
  const auto leaf = decode<Leaf>(hex("a006ff01" "a1060102030405060708" "a20603616263" "a506 01020304" "a306 0801 1b1c a406" "1007"));
  ASSERT_TRUE(leaf) << leaf.error().message;
  EXPECT_EQ(leaf->weight, 7);
}

TEST(ProtoCodec, KeepsTheLastMemberOfAOneof) {
  const auto m = decode<Kinds>(hex("b80105" "c2010161")).value();
  EXPECT_FALSE(m.choice_number);
  EXPECT_EQ(m.choice_text, "a");
  const auto merged = decode<Kinds>(hex("ca01030a0161" "ca01021001")).value();
  EXPECT_EQ(merged.choice_part, (test::v1::Kinds_Part{"a", Kinds_Inner::one}));
  const auto boxed = decode<Kinds>(hex("d201030a0161" "b80100")).value();
  EXPECT_FALSE(boxed.choice_tree);
  EXPECT_EQ(boxed.choice_number, 0u);
}

TEST(ProtoCodec, MergesAMessageThatComesTwice) {
  EXPECT_EQ(decode<Tree>(hex("12030a0161" "12042a021005")).value(), (Tree{"", Tree{"a", {}, {}, {}, Leaf{{}, 5}}, {}, {}, {}}));
}

TEST(ProtoCodec, GivesMissingHalvesOfAMapEntryTheirDefaults) {
  EXPECT_EQ(decode<Kinds>(hex("920300")).value().by_name, (std::map<std::string, std::int32_t>{{"", 0}}));
  EXPECT_EQ(decode<Kinds>(hex("9203020a00" "92030 41001 0801")).error().code, Errc::malformed);
  EXPECT_EQ(decode<Kinds>(hex("9203050a01611001" "9203050a01611002")).value().by_name, (std::map<std::string, std::int32_t>{{"a", 2}}));
}

TEST(ProtoCodec, OverwritesWhatTheMessageHeld) {
  Leaf leaf{Tree{}, 5};
  ASSERT_TRUE(decode(BytesView{}, leaf));
  EXPECT_EQ(leaf, Leaf{});
}

TEST(ProtoCodec, OverwritesTextsAndListsInTheirOwnMemory) {
  Kinds full;
  full.a_string = "a text that does not fit into a std::string itself";
  full.a_message = test::v1::Kinds_Part{"text", Kinds_Inner::one};
  full.many_string = {"first", full.a_string, "third"};
  full.many_message = {{full.a_string, Kinds_Inner::one}, {"second", Kinds_Inner::below}};
  full.by_name["a"] = 1;
  full.maybe_int32 = 0;
  full.choice_text = "chosen";
  const Bytes whole = encode(full);
  Kinds m = decode<Kinds>(whole).value();
  const char* const text = m.a_string.data();
  const auto* const first = m.many_message.data();
  const char* const within = first->text.data();

  Kinds small;
  small.a_string = "short";
  small.many_string = {"one"};
  small.many_message = {{"", Kinds_Inner::below}};
  ASSERT_TRUE(decode(encode(small), m));
  EXPECT_EQ(m, small);
  ASSERT_TRUE(decode(whole, m));
  EXPECT_EQ(m, full);
  EXPECT_EQ(m.a_string.data(), text);
  EXPECT_EQ(m.many_message.data(), first);
  EXPECT_EQ(m.many_message[0].text.data(), within);
  EXPECT_FALSE(decode(hex("7205616263"), m));
  ASSERT_TRUE(decode(BytesView{}, m));
  EXPECT_EQ(m, Kinds{});
}

TEST(ProtoCodec, ReadsFieldsInAnyOrderAndListsInPieces) {
  Kinds high, low, all;
  high.many_string = {"a", "b"};
  high.far_away = 7;
  low.a_int32 = 1;
  low.a_string = "low";
  low.many_string = {"c"};
  all.a_int32 = 1;
  all.a_string = "low";
  all.many_string = {"a", "b", "c"};
  all.far_away = 7;
  Bytes bytes = encode(high);
  const Bytes rest = encode(low);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  EXPECT_EQ(decode<Kinds>(bytes).value(), all);
}

TEST(ProtoCodec, CopiesTextOfEveryLength) {
  for (std::size_t size = 0; size <= 80; ++size) {
    Kinds m;
    for (std::size_t i = 0; i < size; ++i) m.a_string += static_cast<char>('0' + i);
    const Bytes bytes = encode(m);
    EXPECT_EQ(decode<Kinds>(bytes).value().a_string, m.a_string);
    for (std::size_t i = 0; i < size; ++i) {
      Bytes bad = bytes;
      bad[bytes.size() - size + i] = 0x80;
      EXPECT_FALSE(decode<Kinds>(bad)) << i << " of " << size;
    }
  }
}

TEST(ProtoCodec, NamesTheMessageAndFieldThatIsWrong) {
  EXPECT_EQ(why<Kinds>("08"), "b2.test.v1.Kinds: field 1: ends in the middle");
  EXPECT_EQ(why<Kinds>("3d010203"), "b2.test.v1.Kinds: field 7: ends in the middle");
  EXPECT_EQ(why<Kinds>("4101020304050607"), "b2.test.v1.Kinds: field 8: ends in the middle");
  EXPECT_EQ(why<Kinds>("4001020304050607"), "b2.test.v1.Kinds: field 8: has a wire type it should not have");
  EXPECT_EQ(why<Kinds>("7205616263"), "b2.test.v1.Kinds: field 14: ends in the middle");
  EXPECT_EQ(why<Kinds>("8a01030a05 61"), "b2.test.v1.Kinds.Part: field 1: ends in the middle");
  EXPECT_EQ(why<Kinds>("8a01050a0161"), "b2.test.v1.Kinds: field 17: ends in the middle");
  EXPECT_EQ(why<Kinds>("0a0101"), "b2.test.v1.Kinds: field 1: has a wire type it should not have");
  EXPECT_EQ(why<Kinds>("7001"), "b2.test.v1.Kinds: field 14: has a wire type it should not have");
  EXPECT_EQ(why<Kinds>("920304 08011001"), "b2.test.v1.Kinds: field 50: has a wire type it should not have");
  EXPECT_EQ(why<Kinds>("08ffffffffffffffffffff01"), "b2.test.v1.Kinds: field 1: a number that is too long");
  EXPECT_EQ(why<Kinds>("72818080808000 61"), "b2.test.v1.Kinds: field 14: a number that is too long");
  EXPECT_EQ(why<Kinds>("0001"), "b2.test.v1.Kinds: a field without a valid number");
  EXPECT_EQ(why<Kinds>("ffffffff7f01"), "b2.test.v1.Kinds: a field without a valid number");
  EXPECT_EQ(why<Kinds>("ffffffffff0101"), "b2.test.v1.Kinds: a number that is too long");
  EXPECT_EQ(why<Kinds>("80"), "b2.test.v1.Kinds: ends in the middle");
  EXPECT_EQ(why<Leaf>("a306"), "b2.test.v1.Leaf: field 100: a group that does not begin or end");
  EXPECT_EQ(why<Leaf>("a306ac06"), "b2.test.v1.Leaf: field 100: a group that does not begin or end");
  EXPECT_EQ(why<Leaf>("a406"), "b2.test.v1.Leaf: field 100: a group that does not begin or end");
  EXPECT_EQ(why<Leaf>("a606"), "b2.test.v1.Leaf: field 100: has a wire type it should not have");
  EXPECT_EQ(why<Kinds>("f20103 01ff80"), "b2.test.v1.Kinds: field 30: ends in the middle");
  EXPECT_EQ(why<Kinds>("a2020501020304 05"), "b2.test.v1.Kinds: field 36: ends in the middle");
  EXPECT_EQ(decode<Kinds>(hex("08")).error().code, Errc::malformed);
}

TEST(ProtoCodec, RefusesALengthOfAllTheMemoryThereIs) {
  EXPECT_EQ(why<Kinds>("7affffffff0f"), "b2.test.v1.Kinds: field 15: ends in the middle");
  EXPECT_EQ(why<Kinds>("f201ffffffff0f01"), "b2.test.v1.Kinds: field 30: ends in the middle");
}

TEST(ProtoCodec, TakesTextThatIsUtf8AndNoOther) {
  for (const char* good : {"7201 41", "7202 c280", "7202 dfbf", "7203 e0a080", "7203 ed9fbf", "7203 ee8080", "7203 efbfbf", "7204 f0908080",
                           "7204 f48fbfbf", "720c 6162636465666768 c3a9c3a9", "7203 efbbbf", "7201 00"})
    EXPECT_EQ(why<Kinds>(good), "") << good;
  for (const char* bad : {"7201 80", "7201 c2", "7202 c080", "7202 c1bf", "7202 c241", "7203 e09fbf", "7203 eda080", "7203 edbfbf", "7202 e0a0",
                          "7204 f08fbfbf", "7204 f4908080", "7204 f5808080", "7203 f09080", "7201 ff", "7209 6162636465666768 80", "720a 61626364656667c3 2020"})
    EXPECT_EQ(why<Kinds>(bad), "b2.test.v1.Kinds: field 14: text that is not UTF-8") << bad;
}

TEST(ProtoCodec, ReadsThirtyTwoLevelsAndNoMore) {
  EXPECT_TRUE(decode<Tree>(encode(nested(32))));
  const auto deeper = decode<Tree>(encode(nested(33)));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().message, "b2.test.v1.Tree: field 2: messages nested more than 32 deep");
  EXPECT_FALSE(decode<Leaf>(repeat("a306", 100000)));
}

TEST(ProtoCodec, StaysWithinAMultipleOfTheBytesItReads) {
  // Two bytes each, and some five hundred in memory.
  const auto state = decode<v1::HostState>(repeat("3200", 100000));
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().message, "b2.v1.HostState: field 6: needs far more memory than it has bytes");
  EXPECT_TRUE(decode<v1::HostState>(repeat("3200", 1000)));
}

TEST(ProtoCodec, ReadsManyShortRunsOfNumbersInLinearTime) {
  EXPECT_EQ(decode<Kinds>(repeat("f2010101", 200000)).value().many_int32.size(), 200000u);
}

TEST(ProtoCodec, ReadsOrRefusesEveryBeginningOfAMessage) {
  Kinds m;
  m.a_int64 = -5;
  m.a_message = test::v1::Kinds_Part{"text", Kinds_Inner::one};
  m.many_uint64 = {1, 1000, 1000000};
  m.by_number[5] = {"five", Kinds_Inner::below};
  m.choice_tree = nested(2);
  m.many_string = {"a", "", "bc"};
  const Bytes whole = encode(m);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    if (auto read = decode<Kinds>(part)) {
      EXPECT_EQ(encode(*read), part);
      EXPECT_NE(*read, m);
    } else {
      EXPECT_EQ(read.error().code, Errc::malformed);
    }
  }
}

}  // namespace
}  // namespace ghost::b2
