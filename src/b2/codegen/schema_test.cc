#include "b2/codegen/schema.h"

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <memory>

#include "b2/codegen/cpp.h"
#include "b2/codegen/ts.h"

namespace ghost::b2::codegen {
namespace {

class Loud : public pb::io::ErrorCollector {
  void AddError(int line, int, const std::string& message) override { ADD_FAILURE() << line << ": " << message; }
};

class Schema : public testing::Test {
 protected:
  /// x.proto with `text` behind its first lines.
  const pb::FileDescriptor& file(const std::string& text, const std::string& head = "syntax = \"proto3\"; package x.v1;\n") {
    const std::string source = head + text;
    pb::io::ArrayInputStream stream(source.data(), static_cast<int>(source.size()));
    Loud errors;
    pb::io::Tokenizer tokenizer(&stream, &errors);
    pb::compiler::Parser parser;
    parser.RecordErrorsTo(&errors);
    pb::FileDescriptorProto proto;
    parser.Parse(&tokenizer, &proto);
    proto.set_name("x.proto");
    pool_ = std::make_unique<pb::DescriptorPool>(pb::DescriptorPool::generated_pool());
    const pb::FileDescriptor* built = pool_->BuildFile(proto);
    EXPECT_NE(built, nullptr);
    return *built;
  }

 private:
  std::unique_ptr<pb::DescriptorPool> pool_;
};

TEST(Names, AreSnakeCase) {
  EXPECT_EQ(snake_case("IdentifyAlbum"), "identify_album");
  EXPECT_EQ(snake_case("GetURL"), "get_url");
  EXPECT_EQ(snake_case("URLPath"), "url_path");
  EXPECT_EQ(snake_case("HTTP2Status"), "http2_status");
  EXPECT_EQ(snake_case("already_so"), "already_so");
  EXPECT_EQ(safe("class"), "class_");
  EXPECT_EQ(safe("klass"), "klass");
}

TEST_F(Schema, StripsAnEnumsNameFromItsEnumerators) {
  const auto& color = *file("enum PaintColor { PAINT_COLOR_NONE = 0; PAINT_COLOR_DEFAULT = 1; RED = 2; PAINT_COLOR_3D = 3; }").enum_type(0);
  EXPECT_EQ(enumerator_name(*color.value(0)), "none");
  EXPECT_EQ(enumerator_name(*color.value(1)), "default_");
  EXPECT_EQ(enumerator_name(*color.value(2)), "red");
  EXPECT_EQ(enumerator_name(*color.value(3)), "_3d");
}

TEST_F(Schema, RefusesWhatTheRuntimeCannotDoAndSaysWhy) {
  EXPECT_EQ(refusal(file("message T {} service S { rpc M(T) returns (stream T); }")), "");
  EXPECT_EQ(refusal(file("message T {} service S { rpc M(stream T) returns (T); rpc N(stream T) returns (stream T); }")), "");
  EXPECT_EQ(refusal(file("message T {}", "syntax = \"proto2\"; package x.v1;\n")), "x.proto: only syntax = \"proto3\" is supported");
  EXPECT_EQ(refusal(file("message T {} service S { rpc Foo(T) returns (T); rpc AnswerFoo(T) returns (T); }")),
            "x.proto: service x.v1.S: method AnswerFoo: another has the same name in C++, answer_foo; rename one");
}

TEST_F(Schema, PutsAMessageAfterThoseItHolds) {
  const auto& f = file("message A { B b = 1; repeated C c = 2; } message B { C c = 1; } message C { map<string, D> d = 1; } message D {}");
  std::vector<std::string> names;
  for (const auto* message : order_of(f).messages) names.push_back(message->name());
  EXPECT_EQ(names, (std::vector<std::string>{"D", "C", "B", "A"}));
  EXPECT_TRUE(order_of(f).recursive.empty());
}

TEST_F(Schema, FindsTheFieldsThatCloseARing) {
  const auto& f = file("message A { B b = 1; Out out = 2; A self = 3; } message B { repeated A a = 1; } message Out { A a = 1; }"
                       " message User { A a = 1; }");
  const Order order = order_of(f);
  const auto closes = [&](const char* message, const char* field) { return order.closes_ring(*f.FindMessageTypeByName(message)->FindFieldByName(field)); };
  EXPECT_TRUE(closes("A", "b"));
  EXPECT_TRUE(closes("A", "out"));
  EXPECT_TRUE(closes("A", "self"));
  EXPECT_TRUE(closes("Out", "a"));
  EXPECT_FALSE(closes("User", "a"));
}

TEST_F(Schema, WritesATypeInFullWhereAFieldHasItsName) {
  const std::string header = Cpp(file("message Limits {} message T { Limits Limits = 1; Limits other = 2; } message U { Limits limits = 1; }"), "").header();
  EXPECT_NE(header.find("std::optional<::x::v1::Limits> Limits;"), std::string::npos) << header;
  EXPECT_NE(header.find("std::optional<::x::v1::Limits> other;"), std::string::npos) << header;
  EXPECT_NE(header.find("std::optional<Limits> limits;"), std::string::npos) << header;
}

TEST_F(Schema, TellsTheKindOfEachMethod) {
  const auto& f = file("message T {} service S { rpc A(T) returns (T); rpc B(T) returns (stream T); rpc C(stream T) returns (T); rpc D(stream T) returns (stream T); }");
  const std::string cpp = Cpp(f, "").source(), ts = TypeScript(f).source();
  for (const char* kind : {"{\"A\", ::ghost::b2::MethodKind::unary,", "{\"B\", ::ghost::b2::MethodKind::server_stream,",
                           "{\"C\", ::ghost::b2::MethodKind::client_stream,", "{\"D\", ::ghost::b2::MethodKind::bidirectional,"}) {
    EXPECT_NE(cpp.find(kind), std::string::npos) << kind << cpp;
  }
  for (const char* kind : {"name: 'A', kind: 'unary'", "name: 'B', kind: 'server_stream'", "name: 'C', kind: 'client_stream'", "name: 'D', kind: 'bidirectional'"}) {
    EXPECT_NE(ts.find(kind), std::string::npos) << kind << ts;
  }
}

TEST_F(Schema, EndsNoCommentInTypeScriptBeforeItsTime) {
  const auto& f = file("// a */ b\nmessage T {}");
  EXPECT_EQ(TypeScript(f).source().find("a */ b"), std::string::npos);
}

TEST_F(Schema, EmbedsAllItImportsAndResolvesByItself) {
  const auto& f = file("import \"google/protobuf/descriptor.proto\";\n// told\nmessage T {}\nextend google.protobuf.MethodOptions { string s = 50001; }");
  pb::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(descriptor_set_of(f)));
  ASSERT_EQ(set.file_size(), 2);
  pb::DescriptorPool pool;
  for (const auto& each : set.file()) EXPECT_NE(pool.BuildFile(each), nullptr) << each.name();
}

TEST(Comments, AreLinesWithoutTheirFirstSpaceAndLastBlankOnes) {
  EXPECT_EQ(split_comment(" one\n  two\n\n three \n\n"), (std::vector<std::string>{"one", " two", "", "three"}));
}

}  // namespace
}  // namespace ghost::b2::codegen
