#include "b2/datagram.h"

#include <gtest/gtest.h>

#include <set>

#include "b2/datagram_cookie.h"
#include "b2/datagram_seal.h"
#include "base/random.h"

namespace ghost::b2 {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint kNoon{1000s};

DatagramPeer somebody(std::uint8_t last = 1, std::uint16_t port = 4000) {
  DatagramPeer peer;
  peer.host[15] = last;
  peer.port = port;
  return peer;
}

Bytes calls_datagram(DatagramForm form, std::uint64_t number, std::string_view request) {
  DatagramWriter writer({DatagramKind::call, form, 77, number}, {{}, 5, 1});
  writer.add(CallRecord{1, 0x1234, 500, as_bytes(request)});
  return writer.take();
}

TEST(Datagram, ReadsWhatItWrites) {
  const Bytes bytes = calls_datagram(DatagramForm::plain, 9, "hello");
  ASSERT_EQ(form_of(bytes), DatagramForm::plain);
  const auto head = read_head(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->id, 77u);
  EXPECT_EQ(head->number, 9u);
  std::vector<CallRecord> records;
  const auto body = read_calls(BytesView(bytes).subspan(kDatagramHead), records);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->epoch, 5u);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].timeout_ms, 500u);
  EXPECT_EQ(as_text(records[0].request), "hello");
}

TEST(Datagram, CutShortIsNone) {
  const Bytes whole = calls_datagram(DatagramForm::plain, 9, "hello");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const BytesView cut = BytesView(whole).first(length);
    std::vector<CallRecord> records;
    const bool read = form_of(cut) && read_calls(cut.subspan(kDatagramHead), records);
    EXPECT_EQ(read, length == kMinDatagram) << length;  // one without calls
  }
}

TEST(Datagram, HoldsRecordsUpTo1200BytesSealIncluded) {
  for (const DatagramForm form : {DatagramForm::plain, DatagramForm::sealed}) {
    DatagramWriter writer({DatagramKind::answer, form, 1, 1}, {});
    const Bytes most(record_room(form, kAnswerRecord));
    EXPECT_FALSE(writer.fits(kAnswerRecord + most.size() + 1));
    ASSERT_TRUE(writer.fits(kAnswerRecord + most.size()));
    writer.add(AnswerRecord{1, AnswerState::done, 0, most});
    EXPECT_EQ(writer.take().size() + (form == DatagramForm::sealed ? kSealTag : 0), kMaxDatagram);
  }
}

TEST(Datagram, NamesMethodsAsAriascribeDoes) { EXPECT_EQ(method_hash("ariascribe.v1.Catalogue", "Identify"), 0xabf4d163u); }

TEST(Datagram, PureAnswersNeverExceedTheirCall) {
  const Bytes long_one(2000, 'x');
  for (std::size_t room = kMinPureCall; room <= kMaxDatagram; ++room) {
    for (const std::uint16_t status : {std::uint16_t{0}, std::uint16_t{5}}) {
      const Bytes answer = write_pure_answer({status, 1, 2, long_one}, room);
      EXPECT_LE(answer.size(), room);
      EXPECT_NE(read_pure_answer(answer)->status, 0);
    }
  }
  EXPECT_EQ(read_pure_answer(write_pure_answer({0, 1, 2, BytesView(long_one).first(44)}, 64))->payload.size(), 44u);
}

TEST(Datagram, TextsAreCutBetweenCharacters) {
  EXPECT_EQ(cut_text("aé", 2), "a");
  EXPECT_EQ(cut_text("aé", 3), "aé");
  EXPECT_EQ(cut_text("é", 1), "");
}

TEST(DatagramSeal, OpensOnceWhatTheOtherEndSealed) {
  const DatagramKeys keys = derive_datagram_keys(Bytes(32, 1), 77);
  DatagramSeal caller(keys.to_server, keys.to_caller), server(keys.to_caller, keys.to_server);
  Bytes datagram = calls_datagram(DatagramForm::sealed, caller.next_number(), "hello");
  const Bytes before = datagram;
  caller.seal(datagram, 1);
  ASSERT_EQ(datagram.size(), before.size() + kSealTag);
  EXPECT_TRUE(std::equal(datagram.begin(), datagram.begin() + kDatagramHead, before.begin()));
  EXPECT_EQ(as_text(datagram).find("hello"), std::string_view::npos);
  for (std::size_t i = 0; i < datagram.size(); ++i) {
    Bytes damaged = datagram;
    damaged[i] ^= 1;
    EXPECT_FALSE(server.open(damaged, 1)) << i;
  }
  EXPECT_FALSE(server.open(datagram, 2));
  const auto opened = server.open(datagram, 1);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::equal(opened->begin(), opened->end(), before.begin() + kDatagramHead, before.end()));
  EXPECT_FALSE(server.open(datagram, 1)) << "the same again";
  EXPECT_FALSE(caller.open(datagram, 1)) << "the other direction has another key";
}

TEST(DatagramSeal, KeysDifferByDirectionSessionAndSecret) {
  std::set<std::array<std::uint8_t, 32>> keys;
  std::set<std::array<std::uint8_t, 12>> constants;
  for (const std::uint8_t secret : {std::uint8_t{1}, std::uint8_t{2}}) {
    for (const std::uint64_t session : {1u, 2u}) {
      const DatagramKeys derived = derive_datagram_keys(Bytes(32, secret), session);
      keys.insert({derived.to_server.key, derived.to_caller.key});
      constants.insert({derived.to_server.iv, derived.to_caller.iv});
    }
  }
  EXPECT_EQ(keys.size(), 8u);
  EXPECT_EQ(constants.size(), 8u);
}

TEST(PacketWindow, TakesEachNumberOnceInAnyOrder) {
  PacketWindow window;
  std::set<std::uint64_t> taken;
  SeededRandom random(1);
  std::uint64_t highest = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t number = random.chance(0.01) ? highest + random.below(3000) : highest - std::min(highest, random.below(1500)) + random.below(40);
    const bool too_old = highest + 1 > number && highest + 1 - number > 1024;
    EXPECT_EQ(window.fresh(number), !too_old && taken.count(number) == 0) << number;
    if (!window.fresh(number)) continue;
    window.take(number);
    taken.insert(number);
    highest = std::max(highest, number);
  }
}

TEST(CookieJar, CookiesAreGoodForTheirAddressPortCallerFormAndTwoMinutesAtMost) {
  const CookieJar jar({1});
  const Cookie cookie = jar.make(somebody(), DatagramForm::plain, 7, kNoon);
  EXPECT_TRUE(jar.good(cookie, somebody(), DatagramForm::plain, 7, kNoon));
  EXPECT_TRUE(jar.good(cookie, somebody(), DatagramForm::plain, 7, kNoon + 60s));
  EXPECT_FALSE(jar.good(cookie, somebody(), DatagramForm::plain, 7, kNoon + 120s));
  EXPECT_FALSE(jar.good(cookie, somebody(2), DatagramForm::plain, 7, kNoon));
  EXPECT_FALSE(jar.good(cookie, somebody(1, 4001), DatagramForm::plain, 7, kNoon));
  EXPECT_FALSE(jar.good(cookie, somebody(), DatagramForm::plain, 8, kNoon));
  EXPECT_FALSE(jar.good(cookie, somebody(), DatagramForm::sealed, 7, kNoon));
  EXPECT_FALSE(CookieJar({2}).good(cookie, somebody(), DatagramForm::plain, 7, kNoon));
  EXPECT_FALSE(jar.good({}, somebody(), DatagramForm::plain, 7, kNoon));
}

TEST(SourceRates, AreOfAnAddressAndOfANetworkInIp6) {
  SourceRates rates(2, 1, 99);
  DatagramPeer a;
  a.host = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
  DatagramPeer same_network = a, other = a;
  same_network.host[15] = 2;
  other.host[7] = 2;
  EXPECT_TRUE(rates.take(a, kNoon));
  EXPECT_TRUE(rates.take(same_network, kNoon));
  EXPECT_FALSE(rates.take(a, kNoon));
  EXPECT_TRUE(rates.take(other, kNoon));
  EXPECT_TRUE(rates.take(a, kNoon + 1s));
}

}  // namespace
}  // namespace ghost::b2
