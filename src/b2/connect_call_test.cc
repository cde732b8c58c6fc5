#include "b2/connect_call.h"

#include <gtest/gtest.h>

#include "b2/connect_error.h"

namespace ghost::b2 {

namespace {

using namespace std::chrono_literals;

Result<ConnectCall> read(const ConnectHeaders& headers) { return read_connect_call(headers, ConnectCodec::json); }

}  // namespace

TEST(ConnectCall, TheContentTypeSaysTheCodec) {
  EXPECT_EQ(unary_codec(media_type("application/json")), ConnectCodec::json);
  EXPECT_EQ(unary_codec(media_type("Application/JSON; charset=utf-8")), ConnectCodec::json);
  EXPECT_EQ(unary_codec(media_type("application/proto ; x")), ConnectCodec::proto);
  for (const char* other : {"", "text/plain", "application/jsonx", "application/connect+json", "application/grpc"}) {
    EXPECT_FALSE(unary_codec(media_type(other))) << other;
  }
  EXPECT_TRUE(is_connect_stream(media_type("application/connect+proto")));
  EXPECT_FALSE(is_connect_stream(media_type("application/proto")));
}

TEST(ConnectCall, WithoutHeadersOfItsOwnACallIsFine) {
  const auto call = read({});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->timeout, std::nullopt);
}

TEST(ConnectCall, TheTimeoutHasAtMostTenDigits) {
  EXPECT_EQ(read({{}, {}, "1500"})->timeout, Duration(1500ms));
  EXPECT_EQ(read({{}, {}, "9999999999"})->timeout, Duration(9'999'999'999ms));
  EXPECT_EQ(read({{}, {}, "0"})->timeout, Duration::zero());
  for (const char* wrong : {"", "-1", "+1", "1.5", "1s", " 1", "10000000000", "99999999999999999999999"}) {
    const auto refused = read({{}, {}, wrong});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Errc::malformed) << wrong;
  }
}

TEST(ConnectCall, AnotherVersionAndACompressedBodyAreRefusedWithWhatWouldDo) {
  EXPECT_TRUE(read({"1", "identity", {}}));
  const auto version = read({"2", {}, {}});
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, Errc::malformed);
  EXPECT_NE(version.error().message.find("version 1"), std::string::npos);
  const auto zipped = read({"1", "gzip", {}});
  ASSERT_FALSE(zipped);
  EXPECT_EQ(zipped.error().code, Errc::unsupported);
  EXPECT_NE(zipped.error().message.find("identity"), std::string::npos);
}

TEST(ConnectQuery, HasTheMessageAsItIsOrInBase64) {
  const auto text = [](std::string_view query) {
    const auto read = read_connect_query(query);
    return read ? std::string(as_text(read->message)) : "failed: " + read.error().message;
  };
  EXPECT_EQ(text("connect=v1&encoding=json&message=%7B%22text%22:+%22a%2Bb%22%7d"), R"({"text": "a+b"})");
  EXPECT_EQ(text("message=eyJhIjoxfQ&base64=1&encoding=json"), R"({"a":1})") << "unpadded";
  EXPECT_EQ(text("message=eyJhIjoxfQ%3D%3D&base64=1&encoding=json"), R"({"a":1})") << "padded";
  EXPECT_EQ(text("message=-_8%2B&base64=1&encoding=proto"), "\xfb\xff\x3e") << "both alphabets";
  EXPECT_EQ(text("encoding=json&message=&utm=1&compression=identity&base64=0"), "") << "what it does not know is passed over";
  EXPECT_EQ(read_connect_query("encoding=proto&message=")->codec, ConnectCodec::proto);
  EXPECT_TRUE(is_connect_query("a&encoding=x"));
  EXPECT_FALSE(is_connect_query("t=encoding&xencoding=1"));
}

TEST(ConnectQuery, WhatCannotBeReadIsRefusedWithWhy) {
  const std::pair<const char*, Errc> cases[] = {
      {"", Errc::malformed},                                   {"encoding=json", Errc::malformed},
      {"message=%7B%7D", Errc::malformed},                     {"encoding=json&message=a&message=a", Errc::malformed},
      {"encoding=json&message=%7", Errc::malformed},           {"encoding=json&message=%zz", Errc::malformed},
      {"encoding=json&message=%+7", Errc::malformed},          {"encoding=json&base64=1&message=a", Errc::malformed},
      {"encoding=json&base64=1&message=ab.d", Errc::malformed}, {"encoding=json&base64=1&message=ab", Errc::malformed},
      {"encoding=json&base64=yes&message=", Errc::malformed},  {"encoding=json&message=&connect=v2", Errc::malformed},
      {"encoding=xml&message=", Errc::unsupported},            {"encoding=json&message=&compression=gzip", Errc::unsupported}};
  for (const auto& [query, code] : cases) {
    const auto refused = read_connect_query(query);
    ASSERT_FALSE(refused) << query;
    EXPECT_EQ(refused.error().code, code) << query << ": " << refused.error().message;
  }
}

TEST(ConnectQuery, IsACallsWhereThePathIsAMethods) {
  for (const char* path : {"/acme.v1.Tally/Get", "/a.b/C"}) EXPECT_TRUE(is_connect_path(path)) << path;
  for (const char* path : {"", "/", "/index.html", "/assets/index-1.js", "/a.b/", "/a.b/c.js", "/a.b/C/D", "/a/C"}) EXPECT_FALSE(is_connect_path(path)) << path;
}

TEST(ConnectError, HasConnectsNameAndStatusForEveryCode) {
  const std::pair<Errc, std::pair<std::string_view, int>> table[] = {
      {Errc::cancelled, {"canceled", 499}},          {Errc::unknown, {"unknown", 500}},
      {Errc::malformed, {"invalid_argument", 400}},  {Errc::timed_out, {"deadline_exceeded", 504}},
      {Errc::not_found, {"not_found", 404}},         {Errc::exists, {"already_exists", 409}},
      {Errc::refused, {"permission_denied", 403}},   {Errc::exhausted, {"resource_exhausted", 429}},
      {Errc::conflict, {"failed_precondition", 400}}, {Errc::aborted, {"aborted", 409}},
      {Errc::out_of_range, {"out_of_range", 400}},   {Errc::unsupported, {"unimplemented", 501}},
      {Errc::io, {"internal", 500}},                 {Errc::busy, {"unavailable", 503}},
      {Errc::data_loss, {"data_loss", 500}},         {Errc::unauthenticated, {"unauthenticated", 401}}};
  for (const auto& [code, told] : table) {
    EXPECT_EQ(connect_name(code), told.first);
    EXPECT_EQ(http_status(code), told.second) << told.first;
  }
}

TEST(ConnectError, IsJsonWhateverItsMessageHolds) {
  EXPECT_EQ(connect_error_json({Errc::not_found, "no \"x\""}), R"({"code":"not_found","message":"no \"x\""})");
  EXPECT_EQ(connect_error_json({Errc::io, "\xff"}), "{\"code\":\"internal\",\"message\":\"\xef\xbf\xbd\"}");
}

TEST(ConnectError, EndsAStreamInAnEnvelope) {
  const Bytes end = connect_stream_end({Errc::unsupported, "no"});
  const std::string body = R"({"error":{"code":"unimplemented","message":"no"}})";
  ASSERT_EQ(end.size(), 5 + body.size());
  EXPECT_EQ(to_hex(BytesView(end).first(5)), "02000000" + to_hex(Bytes{static_cast<std::uint8_t>(body.size())}));
  EXPECT_EQ(as_text(BytesView(end).subspan(5)), body);
}

}  // namespace ghost::b2
