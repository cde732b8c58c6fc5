#include "ariascribe/message.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace ghost::ariascribe {
namespace {

nlohmann::json vectors() {
  std::ifstream in(GHOST_VECTORS);
  return nlohmann::json::parse(in);
}

LookupResult result_of(const nlohmann::json& row) {
  return {row["confidence"], row["band"], row["movement_no"], row["work_id"], row["composer"], row["work"], row["catalogue"], row["key"], row["movement"]};
}

TEST(Lookup, CallsAreReadAndWrittenAsTheVectorsSay) {
  const nlohmann::json all = vectors();
  for (const auto& row : all["calls"]) {
    const Bytes bytes = *from_hex(row["hex"].get<std::string>());
    const auto call = decode_call(bytes);
    if (row.contains("error")) {
      ASSERT_FALSE(call) << row["name"];
      EXPECT_EQ(call.error().ignored ? "ignored" : std::string(name(call.error().error.code)), row["error"].get<std::string>()) << row["name"];
      continue;
    }
    ASSERT_TRUE(call) << row["name"] << ": " << call.error().error.message;
    EXPECT_EQ(call->nonce, row["nonce"].get<std::uint64_t>());
    EXPECT_EQ(call->title, row["title"].get<std::string>());
    EXPECT_EQ(call->composer, row["composer"].get<std::string>());
    EXPECT_EQ(call->album, row["album"].get<std::string>());
    EXPECT_EQ(call->artist, row["artist"].get<std::string>());
    EXPECT_EQ(*encode_call(*call, bytes.size()), bytes) << row["name"];
  }
}

TEST(Lookup, AnswersAreReadAndWrittenAsTheVectorsSay) {
  const nlohmann::json all = vectors();
  for (const auto& row : all["answers"]) {
    const Bytes bytes = *from_hex(row["hex"].get<std::string>());
    const auto answer = decode_answer(bytes);
    if (row.contains("error")) {
      EXPECT_FALSE(answer) << row["name"];
      continue;
    }
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->nonce, row["nonce"].get<std::uint64_t>());
    EXPECT_EQ(answer->status, row["status"].get<std::uint16_t>());
    ASSERT_EQ(answer->results.size(), row["results"].size());
    for (std::size_t i = 0; i < answer->results.size(); ++i) EXPECT_EQ(answer->results[i], result_of(row["results"][i]));
    EXPECT_EQ(encode_answer(*answer, kMaxLookupBytes), bytes) << row["name"];
  }
}

TEST(Lookup, AnswersAreNeverLongerThanTheyMay) {
  LookupAnswer answer;
  answer.nonce = 7;
  for (int i = 0; i < 3; ++i) answer.results.push_back({200, 1, 2, std::string(300, 'a'), std::string(100, 'b'), "w", "op:1", "C major", "Rondo"});
  for (std::size_t limit = kMinLookupBytes; limit <= kMaxLookupBytes; ++limit) {
    const Bytes bytes = encode_answer(answer, limit);
    ASSERT_LE(bytes.size(), limit);
    const auto read = decode_answer(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->status == static_cast<std::uint16_t>(Errc::exhausted), read->results.empty());
  }
}

TEST(Lookup, LongTextsDoNotFitACall) {
  LookupCall call;
  call.title = std::string(1190, 'x');
  const auto bytes = encode_call(call);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::exhausted);
}

}  // namespace
}  // namespace ghost::ariascribe
