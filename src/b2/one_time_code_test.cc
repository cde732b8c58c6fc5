#include "b2/one_time_code.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ghost::b2 {

static PublicKey server_key(std::uint8_t fill = 1) {
  PublicKey key;
  key.fill(fill);
  return key;
}

static std::string replace_word(std::string text, std::size_t index, std::string_view word) {
  return text.replace(index * 6, 5, word);
}

TEST(OneTimeCode, IsReadBackFromItsText) {
  const OneTimeCode code = OneTimeCode::make(server_key());
  EXPECT_EQ(OneTimeCode::parse(code.text()).value(), code);
  EXPECT_EQ(code.text().size(), OneTimeCode::kWords * 6 - 1);
  EXPECT_NE(OneTimeCode::make(server_key()), code);
}

TEST(OneTimeCode, IsReadHoweverItWasTyped) {
  const OneTimeCode code = OneTimeCode::make(server_key());
  std::string shouted = code.text(), bare = code.text(), spaced = code.text();
  std::transform(shouted.begin(), shouted.end(), shouted.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  std::erase(bare, '-');
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  EXPECT_EQ(OneTimeCode::parse(shouted).value(), code);
  EXPECT_EQ(OneTimeCode::parse(bare).value(), code);
  EXPECT_EQ(OneTimeCode::parse("  " + spaced + "\r\n").value(), code);
  EXPECT_EQ(OneTimeCode::parse(code.text_in_lines()).value(), code);
  EXPECT_EQ(OneTimeCode::parse(code.text().replace(5, 1, "\u2013")).value(), code);  // an en dash
}

TEST(OneTimeCode, TellsWhichWordIsWrong) {
  const std::string text = OneTimeCode::make(server_key()).text();
  EXPECT_EQ(OneTimeCode::parse(replace_word(text, 2, "lusax")).error().message,
            "the code's word 3, 'lusax', is none of a code's words: look it up again");
  EXPECT_EQ(OneTimeCode::parse(replace_word(text, 16, "abc")).error().message,
            "the code's word 17, 'abc', has 3 letters: every word has five");
  EXPECT_EQ(OneTimeCode::parse(replace_word(text, 0, "1usab")).error().message,
            "the code's word 1, '1usab', begins with what is no letter: a code is made of letters only");
}

TEST(OneTimeCode, NoticesAWordThatIsPossibleButNotTheOneTold) {
  const OneTimeCode code = OneTimeCode::make(server_key());
  const std::string text = code.text();
  const std::string other = text.substr(0, 5) == "lusab" ? "babad" : "lusab";
  EXPECT_NE(OneTimeCode::parse(replace_word(text, 0, other)).error().message.find("the last one, which checks the others"), std::string::npos);
  EXPECT_EQ(OneTimeCode::parse(text.substr(0, 95)).error().message, "a one-time code has 17 words, this one 16");
  EXPECT_FALSE(OneTimeCode::parse(text + "-lusab"));
  EXPECT_FALSE(OneTimeCode::parse(""));
  EXPECT_FALSE(OneTimeCode::parse(std::string(5000, 'b')));
}

TEST(OneTimeCode, PinsTheKeyItWasMadeFor) {
  const OneTimeCode code = OneTimeCode::make(server_key());
  EXPECT_TRUE(code.is_for(server_key()));
  EXPECT_FALSE(code.is_for(server_key(2)));
  EXPECT_FALSE(code.is_for({}));
}

TEST(OneTimeCode, ProvesItselfForOnePurposeConnectionAndKeyOnly) {
  const OneTimeCode code = OneTimeCode::make(server_key());
  const CodeVerifier verifier = code.verifier();
  const Bytes exporter(32, 5), other(32, 6);
  const PublicKey joiner = server_key(9);
  const Digest proof = code.proof("house join", exporter, joiner);

  EXPECT_EQ(verifier.id, code.id());
  EXPECT_TRUE(verifier.accepts(proof, "house join", exporter, joiner));
  EXPECT_FALSE(verifier.accepts(proof, "ardus send", exporter, joiner));
  EXPECT_FALSE(verifier.accepts(proof, "house join", other, joiner));       // relayed by a man in the middle
  EXPECT_FALSE(verifier.accepts(proof, "house join", exporter, server_key(8)));
  EXPECT_FALSE(verifier.accepts({}, "house join", exporter, joiner));
  EXPECT_FALSE(OneTimeCode::make(server_key()).verifier().accepts(proof, "house join", exporter, joiner));
}

// The worked example of docs/spec/house.md §7, made by another implementation.
TEST(OneTimeCode, AgreesWithTheSpecification) {
  const auto code = OneTimeCode::parse(
      "larat-kupah-farah-bizur-kuhan-mipib-zahig-botut-babad-bamag-bibaj-bimal-boban-bomar-bubat-bumaz-disif").value();
  EXPECT_TRUE(code.is_for(server_key(1)));
  EXPECT_EQ(to_hex(code.id()), "134650e86ef37176");
  EXPECT_EQ(to_hex(code.verifier().proof_key), "d73a2283e30848fe7501adae00efbf8c75c84f57c59c7c0f23089e1be4ac942f");
  EXPECT_EQ(to_hex(code.proof("house join", Bytes(32, 5), server_key(9))),
            "0cf07542d591044c3d916cf47ac2e39fe890c8ffb0b6fd6eceaaa73115e1617d");
}

}  // namespace ghost::b2
