// docs/spec/vectors/codec.json: messages as JSON and as bytes, which this and web/src/b2/proto.test.ts replay. Made by this
// program too: tools/make_vectors.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "b2/json_pool.h"
#include "b2/message.h"
#include "b2/test/v1/kinds.b2.h"

namespace ghost::b2 {
namespace {

using Json = nlohmann::ordered_json;
using test::v1::Kinds;
using test::v1::Kinds_Inner;
using test::v1::Leaf;
using test::v1::Tree;

const std::string kFile = GHOST_SOURCE_DIR "/docs/spec/vectors/codec.json";

/// Reads and writes a message again, by the full name of its type.
Result<Bytes> again(const std::string& type, BytesView bytes) {
  const auto by = []<class M>() -> Result<Bytes> (*)(BytesView) {
    return [](BytesView from) -> Result<Bytes> {
      auto m = decode<M>(from);
      if (!m) return m.error();
      return encode(*m);
    };
  };
  static const std::map<std::string, Result<Bytes> (*)(BytesView)> codecs = {
      {"b2.test.v1.Kinds", by.operator()<Kinds>()},
      {"b2.test.v1.Tree", by.operator()<Tree>()},
      {"b2.test.v1.Leaf", by.operator()<Leaf>()},
  };
  return codecs.at(type)(bytes);
}

/// protobuf's JSON of all services' types, with enums as numbers and without leaving defaults out, so that a program can
/// compare without knowing the types.
class Oracle {
 public:
  Json to_json(const std::string& type, BytesView bytes) const {
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.always_print_enums_as_ints = true;
    std::string text;
    const auto status = google::protobuf::util::BinaryToJsonString(&pool_.resolver(), url(type), std::string(as_text(bytes)), &text, options);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return Json::parse(text);
  }
  std::string from_json(const std::string& type, const Json& json) const {
    std::string bytes;
    const auto status = google::protobuf::util::JsonToBinaryString(&pool_.resolver(), url(type), json.dump(), &bytes);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return bytes;
  }

 private:
  static std::string url(const std::string& type) { return "type.googleapis.com/" + type; }

  JsonPool pool_{test::v1::WorkService::static_info().file_descriptor_set};
};

/// The file, one line an entry.
class Document {
 public:
  template <class M>
  void message(const std::string& type, const std::string& what, const M& m) {
    const Bytes bytes = encode(m);
    messages_.push_back(Json{{"message", type}, {"what", what}, {"json", oracle_.to_json(type, bytes)}, {"hex", to_hex(bytes)}}.dump());
  }
  void tolerated(const std::string& type, const std::string& what, const std::string& hex) {
    const auto bytes = again(type, from_hex(hex).value());
    ASSERT_TRUE(bytes) << what << ": " << bytes.error().message;
    tolerated_.push_back(Json{{"message", type}, {"what", what}, {"hex", to_hex(from_hex(hex).value())}, {"canonical", to_hex(*bytes)}}.dump());
  }
  void refused(const std::string& type, const std::string& hex) {
    const auto bytes = again(type, from_hex(hex).value());
    ASSERT_FALSE(bytes) << type << " " << hex;
    refused_.push_back(Json{{"message", type}, {"hex", to_hex(from_hex(hex).value())}, {"error", bytes.error().message}}.dump());
  }
  std::string text() const {
    return "{\n\"messages\": [\n" + lines(messages_) + "],\n\"tolerated\": [\n" + lines(tolerated_) + "],\n\"refused\": [\n" + lines(refused_) + "]\n}\n";
  }

 private:
  static std::string lines(const std::vector<std::string>& entries) {
    std::string text;
    for (const std::string& entry : entries) text += (text.empty() ? "" : ",\n") + entry;
    return text + "\n";
  }

  Oracle oracle_;
  std::vector<std::string> messages_, tolerated_, refused_;
};

Kinds numbers(bool least) {
  const auto pick = [least](auto low, auto high) { return least ? low : high; };
  Kinds m;
  m.a_int32 = pick(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
  m.a_int64 = pick(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  m.a_uint32 = pick(1u, std::numeric_limits<std::uint32_t>::max());
  m.a_uint64 = pick(std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max());
  m.a_sint32 = m.a_int32;
  m.a_sint64 = m.a_int64;
  m.a_fixed32 = m.a_uint32;
  m.a_fixed64 = m.a_uint64;
  m.a_sfixed32 = m.a_int32;
  m.a_sfixed64 = m.a_int64;
  m.a_float = pick(-1.5f, 3.25f);
  m.a_double = pick(-1e300, 1.0 / 1024);
  m.a_bool = true;
  m.an_enum = pick(Kinds_Inner::below, Kinds_Inner::one);
  m.far_away = m.a_int32;
  return m;
}

Kinds lists() {
  Kinds m;
  m.many_int32 = {0, -1, 300};
  m.many_int64 = {0, -1, std::int64_t{1} << 40};
  m.many_uint32 = {127, 128, 16383, 16384, 4294967295};
  m.many_uint64 = {0, std::uint64_t{1} << 32, (std::uint64_t{1} << 53) + 1, ~std::uint64_t{0}};
  m.many_sint32 = {0, -1, 1, -64, 64};
  m.many_sint64 = {-1, std::int64_t{1} << 50};
  m.many_fixed32 = {1, 2};
  m.many_fixed64 = {3};
  m.many_sfixed32 = {-4};
  m.many_sfixed64 = {-5, 5};
  m.many_float = {0.5f, -0.25f};
  m.many_double = {0, 1e-300};
  m.many_bool = {true, false, true};
  m.many_string = {"", "a", "ü→\U0001F56F"};
  m.many_bytes = {{}, {0, 255}};
  m.many_enum = {Kinds_Inner::one, Kinds_Inner::none, Kinds_Inner::below};
  m.many_message = {{"x", Kinds_Inner::one}, {}};
  m.one_by_one = {1, 1000};
  return m;
}

Kinds maps() {
  Kinds m;
  m.by_name = {{"", 0}, {"a", 1}, {"b", -1}};
  m.by_number = {{1, {"one", Kinds_Inner::one}}, {2, {}}};
  m.by_bool = {{false, {1}}, {true, {}}};
  m.by_signed = {{5, v1::Health::serving}};
  m.by_fixed = {{7, 0.5}};
  return m;
}

void add_messages(Document& doc) {
  doc.message("b2.test.v1.Kinds", "nothing set", Kinds{});
  doc.message("b2.test.v1.Kinds", "the least of every number", numbers(true));
  doc.message("b2.test.v1.Kinds", "the most of every number", numbers(false));
  Kinds m;
  m.a_string = "Grüße, \U0001F56F";
  m.a_bytes = {0, 1, 254, 255};
  m.a_message = test::v1::Kinds_Part{"part", Kinds_Inner::one};
  m.imported = v1::Limits{65536, 8192, 256, 4194304, 65536, 65536};
  doc.message("b2.test.v1.Kinds", "text, bytes, messages", m);
  m = {};
  m.maybe_int32 = 0;
  m.maybe_string = "";
  m.maybe_bool = false;
  m.maybe_enum = Kinds_Inner::none;
  m.maybe_bytes = Bytes{};
  m.a_message.emplace();
  doc.message("b2.test.v1.Kinds", "there, at their defaults", m);
  m = {};
  m.choice_number = 0;
  m.no = 0.5;
  doc.message("b2.test.v1.Kinds", "a number of a oneof, at its default", m);
  m = {};
  m.choice_tree = Tree{"oak", {}, {}, {}, {}};
  doc.message("b2.test.v1.Kinds", "a message of a oneof", m);
  doc.message("b2.test.v1.Kinds", "lists", lists());
  doc.message("b2.test.v1.Kinds", "maps", maps());
  m = {};
  m.an_enum = static_cast<Kinds_Inner>(1000);
  doc.message("b2.test.v1.Kinds", "a number the enum does not list", m);
  m = {};
  m.a_string = std::string(300, 'x');
  doc.message("b2.test.v1.Kinds", "a length of two bytes", m);
  Tree tree{"root", Tree{"left", {}, {}, {}, Leaf{{}, -1}}, {Tree{}, Tree{"b", {}, {}, {}, {}}}, {{"k", Tree{"named", {}, {}, {}, {}}}}, Leaf{Tree{}, 7}};
  doc.message("b2.test.v1.Tree", "messages within themselves", tree);
}

void add_tolerated(Document& doc) {
  doc.tolerated("b2.test.v1.Leaf", "unknown fields of every wire type", "a006ff01a1060102030405060708a20603616263a50601020304a30608011b1ca4061007");
  doc.tolerated("b2.test.v1.Kinds", "a list of numbers packed, then one by one", "f201020102f00103");
  doc.tolerated("b2.test.v1.Kinds", "a list that is written one by one, packed", "fa0204010 2ac02");
  doc.tolerated("b2.test.v1.Kinds", "two members of a oneof", "b80105c2010161");
  doc.tolerated("b2.test.v1.Kinds", "a member of a oneof twice", "ca01030a0161ca01021001");
  doc.tolerated("b2.test.v1.Tree", "a message in two parts", "12030a016112042a021005");
  doc.tolerated("b2.test.v1.Kinds", "map entries without key, without value, and the same key twice", "920300920302100592030 30a01619203050a01611002");
  doc.tolerated("b2.test.v1.Kinds", "fields in the wrong order, and one twice", "1002080110030802");
  doc.tolerated("b2.test.v1.Kinds", "numbers of more bytes than they need", "88800005");
  doc.tolerated("b2.test.v1.Kinds", "a number of 64 bits where there are 32", "08ffffffff1f18ffffffffffffffffff01");
  doc.tolerated("b2.test.v1.Kinds", "minus zero, which JSON has not", "610000000000000080");
  doc.tolerated("b2.test.v1.Kinds", "true as another number than one", "6805");
  doc.tolerated("b2.test.v1.Kinds", "defaults that need not have been sent", "0800720061000000000000000068008001008a0100");
}

void add_refused(Document& doc) {
  for (const char* hex : {"08", "80", "3d010203", "41010203", "7205616263", "8a01030a0561", "8a01050a0161", "7affffffff0f", "f201ffffffff0f01", "f2010301ff80",
                          "a2020501020304 05", "0a0101", "7001", "9203020801", "08ffffffffffffffffffff01", "7281808080800061", "0001", "ffffffff7f01",
                          "ffffffffff0101", "720180", "7202c080", "7203eda080", "7204f4908080", "7209616263646566676880", "0b", "0c", "0e"})
    doc.refused("b2.test.v1.Kinds", hex);
  for (const char* hex : {"a306", "a306ac06", "a406", "a606"}) doc.refused("b2.test.v1.Leaf", hex);
  std::string nested;
  for (int i = 0; i < 33; ++i) nested = "12" + (nested.size() / 2 < 128 ? to_hex(Bytes{static_cast<std::uint8_t>(nested.size() / 2)}) : "") + nested;
  doc.refused("b2.test.v1.Tree", nested);
}

std::string read_file() {
  std::stringstream text;
  text << std::ifstream(kFile).rdbuf();
  return text.str();
}

TEST(CodecVectors, AreWhatTheseMessagesMake) {
  Document doc;
  add_messages(doc);
  add_tolerated(doc);
  add_refused(doc);
  if (std::getenv("GHOST_MAKE_VECTORS") != nullptr) std::ofstream(kFile) << doc.text();
  EXPECT_EQ(read_file(), doc.text()) << "if the codec was changed on purpose, run tools/make_vectors";
}

TEST(CodecVectors, AreReadAndWrittenAsTheySay) {
  const Oracle oracle;
  const Json doc = Json::parse(read_file());
  for (const Json& entry : doc["messages"]) {
    const Bytes bytes = from_hex(entry["hex"].get<std::string>()).value();
    EXPECT_EQ(again(entry["message"], bytes).value(), bytes) << entry["what"];
    const std::string of_json = oracle.from_json(entry["message"], entry["json"]);
    EXPECT_EQ(to_hex(again(entry["message"], as_bytes(of_json)).value()), entry["hex"].get<std::string>()) << entry["what"];
  }
  for (const Json& entry : doc["tolerated"]) {
    EXPECT_EQ(to_hex(again(entry["message"], from_hex(entry["hex"].get<std::string>()).value()).value()), entry["canonical"].get<std::string>());
  }
  for (const Json& entry : doc["refused"]) {
    const auto read = again(entry["message"], from_hex(entry["hex"].get<std::string>()).value());
    ASSERT_FALSE(read) << entry;
    EXPECT_EQ(read.error().message, entry["error"].get<std::string>());
  }
}

}  // namespace
}  // namespace ghost::b2
