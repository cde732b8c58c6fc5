#include "b2/json.h"

#include <gtest/gtest.h>

#include "b2/message.h"
#include "b2/v1/core.b2.h"

namespace ghost::b2 {

namespace {
JsonCodec core() { return JsonCodec(v1::CoreService::static_info().file_descriptor_set); }
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

TEST(JsonCodec, DescribesAServiceWithItsMessages) {
  const std::string text = core().describe("b2.v1.Core").value();
  EXPECT_NE(text.find("rpc Describe("), std::string::npos);
  EXPECT_NE(text.find("message MethodStats"), std::string::npos);
  EXPECT_NE(text.find("enum Health"), std::string::npos);
}

TEST(JsonCodec, DescriptorsThatFitNothingAreLeftOut) {
  EXPECT_TRUE(JsonCodec(as_bytes("garbage")).services().empty());
  Bytes half = to_bytes(v1::CoreService::static_info().file_descriptor_set);
  half.resize(half.size() / 2);
  EXPECT_TRUE(JsonCodec(half).services().empty());
}

}  // namespace ghost::b2
