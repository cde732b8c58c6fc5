#include "ariascribe/lookup_service.h"

#include <gtest/gtest.h>

#include <chrono>

#include "ariascribe/catalogue_service.h"
#include "net/epoll.h"

namespace ghost::ariascribe {
namespace {

using namespace std::chrono_literals;

class Lookups : public testing::Test {
 protected:
  static void SetUpTestSuite() { knowledge = Knowledge::load()->release(); }
  static void TearDownTestSuite() { delete knowledge; }
  static inline const Knowledge* knowledge = nullptr;

  static Bytes call(std::string title, std::size_t pad = kMaxLookupBytes) {
    LookupCall wanted;
    wanted.nonce = 99;
    wanted.title = std::move(title);
    return *encode_call(wanted, pad);
  }
};

TEST_F(Lookups, AreAnsweredInNoMoreThanWasAsked) {
  for (std::size_t pad = kMinLookupBytes; pad <= kMaxLookupBytes; pad += 37) {
    const Bytes asked = call("Beethoven Op. 27/2: III. Presto agitato", pad);
    const auto bytes = answer_lookup(*knowledge, asked);
    ASSERT_TRUE(bytes);
    EXPECT_LE(bytes->size(), asked.size());
    const auto answer = decode_answer(*bytes);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->nonce, 99u);
    if (!answer->results.empty()) {
      EXPECT_EQ(answer->results[0].work_id, "beethoven/op-27-2");
    }
  }
}

TEST_F(Lookups, OfNoMeaningAreNotAnswered) {
  EXPECT_FALSE(answer_lookup(*knowledge, {}));
  EXPECT_FALSE(answer_lookup(*knowledge, Bytes(1200, 0)));
  const auto answer = answer_lookup(*knowledge, call("x"));
  Bytes echoed = *answer;
  echoed.resize(100);
  EXPECT_FALSE(answer_lookup(*knowledge, echoed)) << "two servers must not talk to each other for ever";
}

TEST_F(Lookups, GoOverUdp) {
  auto network = net::EpollNetwork::create({});
  ASSERT_TRUE(network);
  LookupService lookups(*knowledge);
  ASSERT_TRUE(lookups.listen(**network, net::Address::loopback(0)));
  net::DatagramOptions options;
  options.local = net::Address::loopback(0);
  auto client = (*network)->open_datagram(options);
  ASSERT_TRUE(client);
  std::optional<LookupAnswer> answer;
  (*client)->on_datagrams([&](std::span<const net::Datagram> batch) {
    answer = *decode_answer(batch[0].bytes);
    (*network)->stop();
  });
  const Bytes asked = call("Eroica Symphony");
  net::Datagram datagram;
  datagram.to = lookups.addresses().at(0);
  datagram.bytes = asked;
  ASSERT_EQ((*client)->send({&datagram, 1}), 1u);
  const auto patience = (*network)->reactor().wake_at((*network)->reactor().now() + 30s, [&](TimePoint) { (*network)->stop(); });
  (*network)->run();
  ASSERT_TRUE(answer);
  ASSERT_FALSE(answer->results.empty());
  EXPECT_EQ(answer->results[0].work_id, "beethoven/op-55");
}

TEST_F(Lookups, ByCallsSayWhatIsWrongWithThem) {
  CatalogueService catalogue(*knowledge);
  const b2::CallContext context;
  EXPECT_EQ(catalogue.identify({}, context).error().code, Errc::malformed);
  EXPECT_EQ(catalogue.search({}, context).error().code, Errc::malformed);
  v1::GetRequest get;
  get.id = "nobody/nothing";
  EXPECT_EQ(catalogue.get(get, context).error().code, Errc::not_found);
  get.id = "beethoven/op-27-2";
  const auto work = catalogue.get(get, context);
  ASSERT_TRUE(work);
  EXPECT_EQ(work->movements.size(), 3u);
  v1::SearchRequest search;
  search.text = "moonlight";
  search.limit = 3;
  const auto found = catalogue.search(search, context);
  ASSERT_TRUE(found && !found->works.empty());
  EXPECT_LE(found->works.size(), 3u);
  EXPECT_EQ(found->works[0].id, "beethoven/op-27-2");
  v1::IdentifyAlbumRequest album;
  album.tracks.resize(401);
  EXPECT_EQ(catalogue.identify_album(album, context).error().code, Errc::exhausted);
}

TEST(Messages, OfATrackKeepAllItsTexts) {
  v1::TrackInput message;
  message.title = "a";
  message.album = "b";
  message.artist = "c";
  message.composer = "d";
  message.performer = "e";
  message.conductor = "f";
  message.ensemble = "g";
  message.track_number = 100'000;
  const TrackInput input = from_message(message);
  EXPECT_EQ(input.title + input.album + input.artist + input.composer + input.performer + input.conductor + input.ensemble, "abcdefg");
  EXPECT_EQ(input.songwriter, "");
  EXPECT_EQ(input.track_number, 9999);
}

}  // namespace
}  // namespace ghost::ariascribe
