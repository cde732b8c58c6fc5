#include "b2/json.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "b2/message.h"
#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/core.b2.h"

namespace ghost::b2 {

namespace {

namespace pb = google::protobuf;

JsonCodec core() { return JsonCodec(v1::CoreService::static_info().file_descriptor_set); }
JsonCodec work() { return JsonCodec(test::v1::WorkService::static_info().file_descriptor_set); }

/// One file "x.proto" with one service x.S, whose method M takes and gives x.T.
struct Made {
  Made() {
    file().set_name("x.proto");
    file().set_package("x");
    file().set_syntax("proto3");
    type().set_name("T");
    auto& service = *file().add_service();
    service.set_name("S");
    method().set_name("M");
    method().set_input_type(".x.T");
    method().set_output_type(".x.T");
  }
  pb::FileDescriptorProto& file() { return set.file_size() == 0 ? *set.add_file() : *set.mutable_file(0); }
  pb::DescriptorProto& type() { return file().message_type_size() == 0 ? *file().add_message_type() : *file().mutable_message_type(0); }
  pb::MethodDescriptorProto& method() {
    auto& service = *file().mutable_service(0);
    return service.method_size() == 0 ? *service.add_method() : *service.mutable_method(0);
  }
  pb::FieldDescriptorProto& add(const char* name, int number, pb::FieldDescriptorProto::Type kind, const char* of = "") {
    auto& field = *type().add_field();
    field.set_name(name);
    field.set_number(number);
    field.set_type(kind);
    field.set_label(pb::FieldDescriptorProto::LABEL_OPTIONAL);
    if (*of != 0) field.set_type_name(of);
    return field;
  }
  JsonCodec codec() const { return JsonCodec(as_bytes(set.SerializeAsString())); }

  pb::FileDescriptorSet set;
};
}  // namespace

TEST(JsonCodec, TurnsARequestIntoTheBytesOurOwnCodecReads) {
  const auto bytes = core().request_from_json("b2.v1.Core", "Describe", R"({"service": "b2.v1.Core", "descriptors": true})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto request = decode<v1::DescribeRequest>(*bytes);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->service, "b2.v1.Core");
  EXPECT_TRUE(request->descriptors);
}

TEST(JsonCodec, TurnsAnAnswerOfOurOwnCodecIntoJson) {
  v1::HealthResponse response;
  response.health = v1::Health::serving;
  const auto json = core().response_to_json("b2.v1.Core", "Health", encode(response), JsonStyle::compact);
  EXPECT_EQ(json.value(), R"({"health":"HEALTH_SERVING","detail":""})");
}

TEST(JsonCodec, NamesTheFieldThatIsWrong) {
  const auto unknown = core().request_from_json("b2.v1.Core", "Health", R"({"servce": "x"})");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::malformed);
  EXPECT_NE(unknown.error().message.find("servce"), std::string::npos) << unknown.error().message;
  EXPECT_EQ(core().request_from_json("b2.v1.Core", "Health", "{").error().code, Errc::malformed);
  EXPECT_EQ(core().request_from_json("b2.v1.Core", "Nothing", "{}").error().code, Errc::not_found);
  EXPECT_EQ(core().response_to_json("b2.v1.Core", "Health", from_hex("ff").value(), JsonStyle::compact).error().code, Errc::malformed);
}

TEST(JsonCodec, ReadsAndWritesEveryKindOfField) {
  test::v1::Tree tree;
  tree.name = "a";
  tree.named["b"].emplace().name = "c";
  tree.leaf = test::v1::Leaf{{}, -3};
  const auto bytes = work().request_from_json("b2.test.v1.Work", "Grind", R"({"name": "a", "named": {"b": {"name": "c"}}, "leaf": {"weight": -3}})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(decode<test::v1::Tree>(*bytes).value(), tree);
  const auto json = work().response_to_json("b2.test.v1.Work", "Grind", encode(test::v1::Leaf{tree, 7}), JsonStyle::compact);
  EXPECT_EQ(json.value(), R"({"tree":{"name":"a","more":[],"named":{"b":{"name":"c","more":[],"named":{}}},"leaf":{"weight":-3}},"weight":7})");
}

TEST(JsonCodec, ListsMethodsWithTheirTypesAndRights) {
  const auto methods = work().methods("b2.test.v1.Work").value();
  ASSERT_EQ(methods.size(), 4u);
  EXPECT_EQ(methods[0].name, "Grind");
  EXPECT_EQ(methods[0].input, "b2.test.v1.Tree");
  EXPECT_EQ(methods[0].output, "b2.test.v1.Leaf");
  EXPECT_FALSE(methods[0].on_loop);
  EXPECT_TRUE(methods[1].on_loop);
  EXPECT_TRUE(methods[1].idempotent);
  EXPECT_EQ(methods[2].needs, "grab");
  EXPECT_EQ(methods[3].kind, MethodKind::server_stream);
  EXPECT_EQ(work().methods("b2.test.v1.None").error().code, Errc::not_found);
  EXPECT_EQ(work().services(), (std::vector<std::string>{"b2.test.v1.Flow", "b2.test.v1.Idle", "b2.test.v1.Work"}));
}

TEST(JsonCodec, TellsWhereAnAnswerIsMalformed) {
  const auto short_text = core().response_to_json("b2.v1.Core", "Health", from_hex("120561").value(), JsonStyle::compact);
  EXPECT_EQ(short_text.error().message, "b2.v1.HealthResponse: field 2: ends in the middle");
  const auto no_text = core().response_to_json("b2.v1.Core", "Health", from_hex("1201ff").value(), JsonStyle::compact);
  EXPECT_EQ(no_text.error().message, "b2.v1.HealthResponse: field 2: text that is not UTF-8");
}

TEST(JsonCodec, RefusesJsonThatIsTooLongOrNestedTooDeep) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += R"({"left":)";
  EXPECT_EQ(work().request_from_json("b2.test.v1.Work", "Grind", deep).error().code, Errc::malformed);
  std::string levels = "{}";
  for (int i = 0; i < 33; ++i) levels = R"({"left":)" + levels + "}";
  EXPECT_EQ(work().request_from_json("b2.test.v1.Work", "Grind", levels).error().message,
            "b2.test.v1.Tree: field 2: messages nested more than 32 deep");
  EXPECT_EQ(work().request_from_json("b2.test.v1.Work", "Grind", std::string(JsonCodec::kMaxJson + 1, ' ')).error().code, Errc::exhausted);
}

TEST(JsonCodec, RefusesAnAnswerThatWouldBeHugeInJson) {
  Bytes many;
  // Two bytes each, and a line for each of thirteen fields.
  for (int i = 0; i < 400'000; ++i) many.insert(many.end(), {0x1a, 0x00});
  test::v1::Leaf leaf;
  Bytes nested = {0x0a, 0x80, 0xea, 0x30};
  nested.insert(nested.end(), many.begin(), many.end());
  const auto json = work().response_to_json("b2.test.v1.Work", "Grind", nested, JsonStyle::compact);
  ASSERT_FALSE(json);
  EXPECT_NE(json.error().message.find("needs far more memory"), std::string::npos) << json.error().message;
}

TEST(JsonCodec, DescribesAServiceWithItsMessagesAndComments) {
  const std::string text = core().describe("b2.v1.Core").value();
  EXPECT_NE(text.find("// What every b2 endpoint answers.\nservice Core {\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  rpc Health(.b2.v1.HealthRequest) returns (.b2.v1.HealthResponse) { option (b2.needs) = \"public\"; option (b2.on_loop) = "
                      "true; option idempotency_level = NO_SIDE_EFFECTS; }\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("message MethodStats"), std::string::npos);
  EXPECT_NE(text.find("enum Health"), std::string::npos);
  EXPECT_NE(text.find("calls turned away"), std::string::npos);
  const std::string types = work().describe("b2.test.v1.Work").value();
  EXPECT_EQ(types.find("message Kinds {"), types.rfind("message Kinds {")) << "a message within another is told with that, once";
  EXPECT_EQ(core().describe("b2.v1.None").error().code, Errc::not_found);
}

TEST(JsonCodec, GivesAnExampleThatIsARequest) {
  for (const char* method : {"Grind", "Handle", "Delete", "Watch"}) {
    const auto example = work().example_request("b2.test.v1.Work", method);
    const auto bytes = work().request_from_json("b2.test.v1.Work", method, example.value());
    EXPECT_TRUE(bytes) << *example << bytes.error().message;
  }
  EXPECT_EQ(core().example_request("b2.v1.Core", "Describe").value(), "{\n  \"service\": \"\",\n  \"descriptors\": false\n}");
  Made made;
  made.file().add_dependency("google/protobuf/timestamp.proto");
  made.add("when", 1, pb::FieldDescriptorProto::TYPE_MESSAGE, ".google.protobuf.Timestamp");
  EXPECT_EQ(made.codec().example_request("x.S", "M").value(), "{\n  \"when\": null\n}");
}

TEST(JsonCodec, UsesItsOwnWellKnownTypesWhateverThePeerSays) {
  Made made;
  auto& theirs = *made.set.add_file();
  theirs.set_name("google/protobuf/timestamp.proto");
  theirs.set_package("google.protobuf");
  theirs.set_syntax("proto3");
  theirs.add_message_type()->set_name("Timestamp");
  made.file().add_dependency("google/protobuf/timestamp.proto");
  made.add("when", 1, pb::FieldDescriptorProto::TYPE_MESSAGE, ".google.protobuf.Timestamp");
  const auto bytes = made.codec().request_from_json("x.S", "M", R"({"when": "2026-01-01T00:00:00Z"})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(made.codec().response_to_json("x.S", "M", *bytes, JsonStyle::compact).value(), R"({"when":"2026-01-01T00:00:00Z"})");
}

TEST(JsonCodec, LeavesOutWhatDoesNotFitTogether) {
  EXPECT_TRUE(JsonCodec(as_bytes("garbage")).services().empty());
  Bytes half = to_bytes(v1::CoreService::static_info().file_descriptor_set);
  half.resize(half.size() / 2);
  EXPECT_TRUE(JsonCodec(half).services().empty());
  EXPECT_TRUE(JsonCodec(Bytes(JsonCodec::kMaxDescriptors + 1)).services().empty());

  Made without_type;
  without_type.method().set_input_type(".x.Missing");
  EXPECT_TRUE(without_type.codec().services().empty());
  Made without_import;
  without_import.file().add_dependency("missing.proto");
  EXPECT_TRUE(without_import.codec().services().empty());
  Made imports_itself;
  imports_itself.file().add_dependency("x.proto");
  EXPECT_TRUE(imports_itself.codec().services().empty());
  Made other_syntax;
  other_syntax.file().set_syntax("proto2");
  EXPECT_TRUE(other_syntax.codec().services().empty());
}

TEST(JsonCodec, SurvivesTypesThatLie) {
  Made entry;
  // Calls itself a map's entry, and is none.
  entry.type().mutable_options()->set_map_entry(true);
  entry.add("key", 1, pb::FieldDescriptorProto::TYPE_DOUBLE);
  (void)entry.codec().request_from_json("x.S", "M", R"({"key": 1})");
  (void)entry.codec().response_to_json("x.S", "M", from_hex("09000000000000f03f").value(), JsonStyle::compact);
  (void)entry.codec().describe("x.S");

  Made control;
  control.add("a", 1, pb::FieldDescriptorProto::TYPE_STRING).set_json_name("\x1b[2J\"");
  EXPECT_EQ(control.codec().example_request("x.S", "M").value(), "{\n  \"?[2J?\": \"\"\n}");

  Made wide;
  for (int i = 1; i <= 3000; ++i) wide.add(("f" + std::to_string(i)).c_str(), i, pb::FieldDescriptorProto::TYPE_MESSAGE, ".x.T");
  EXPECT_LT(wide.codec().example_request("x.S", "M").value().size(), 200'000u);
}

}  // namespace ghost::b2
