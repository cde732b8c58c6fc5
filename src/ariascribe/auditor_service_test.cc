#include "ariascribe/auditor_service.h"

#include <gtest/gtest.h>

#include <fstream>

#include "ariascribe/flac_testing.h"
#include "ariascribe/stream_testing_service.h"
#include "ariascribe/tag_reader_service.h"
#include "base/test_directory.h"
#include "net/epoll.h"

namespace ghost::ariascribe {
namespace {

class AuditorTest : public testing::Test {
 protected:
  AuditorTest() : network_(std::move(*net::EpollNetwork::create())), knowledge_(std::make_unique<Knowledge>(*Repertoire::parse(std::vector<RepertoireFile>{{"composers.txt", "muster | Karl Mustermann | 1801-1850 | romantic | | \n"}}))), service_(network_->reactor(), *knowledge_) {}

  void put(const std::string& name, const std::vector<Tag>& tags) {
    const Bytes bytes = flac_file(tags, 64);
    std::ofstream(folder_ / name, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  using End = std::shared_ptr<StreamEnd<v1::AuditEvent>>;
  End audit(const std::vector<std::string>& paths) {
    auto end = std::make_shared<StreamEnd<v1::AuditEvent>>();
    service_.audit(v1::AuditRequest{paths}, b2::ServerStream<v1::AuditEvent>(b2::ServerCall(end, 1, {})));
    return end;
  }
  template <class Until>
  void turn_until(Until until) {
    const TimePoint give_up = network_->reactor().now() + std::chrono::seconds(60);
    while (!until() && network_->reactor().now() < give_up) network_->turn(network_->reactor().now() + std::chrono::milliseconds(200));
    ASSERT_TRUE(until());
  }

  TestDirectory folder_;
  std::unique_ptr<net::EpollNetwork> network_;
  std::unique_ptr<Knowledge> knowledge_;
  AuditorService service_;
};

TEST_F(AuditorTest, TellsWhatItFindsWhatItCannotReadAndHowMuch) {
  put("1.flac", {{"TITLE", "a", false}, {"COMPOSER", "Karl Mustermann", false}, {"CONDUCTOR", "Berliner Philharmoniker", false}});
  put("2.flac", {{"TITLE", "b", false}});
  std::ofstream(folder_ / "3.flac") << "fLaC and no more";
  const End end = audit({folder_.path().string()});
  turn_until([&] { return end->ended(); });
  ASSERT_TRUE(end->finished) << end->failed->message;
  std::vector<std::string> kinds, unread;
  for (const v1::AuditEvent& each : end->got) {
    if (each.finding) kinds.push_back(each.finding->kind);
    if (each.unread) unread.push_back(each.unread->path);
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"missing_composer", "wrong_field"}));
  EXPECT_EQ(unread, std::vector<std::string>{(folder_ / "3.flac").string()});
  const auto& summary = end->got.back().summary;
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->files, 3U);
  EXPECT_EQ(summary->findings, 2U);
  EXPECT_EQ(summary->unread, 1U);
}

TEST_F(AuditorTest, RefusesWhatItCannotLookAt) {
  EXPECT_EQ(audit({})->failed->code, Errc::malformed);
  EXPECT_EQ(audit({"Music"})->failed->code, Errc::malformed) << "whose folder is 'Music'?";
  const End empty = audit({folder_.path().string()});
  turn_until([&] { return empty->ended(); });
  EXPECT_EQ(empty->failed->code, Errc::not_found);
}

TEST_F(AuditorTest, WaitsForASlowReaderAndEndsWithTheDaemon) {
  for (int i = 0; i < 40; ++i) {
    std::filesystem::create_directory(folder_ / std::to_string(i));
    put(std::to_string(i) + "/a.flac", {{"TITLE", "x", false}});
  }
  auto end = std::make_shared<StreamEnd<v1::AuditEvent>>();
  end->room = 3;
  service_.audit(v1::AuditRequest{{folder_.path().string()}}, b2::ServerStream<v1::AuditEvent>(b2::ServerCall(end, 1, {})));
  turn_until([&] { return end->unread >= end->room; });
  for (int i = 0; i < 20; ++i) network_->turn(network_->reactor().now() + std::chrono::milliseconds(5));
  EXPECT_LT(end->got.size(), 12U) << "the thread waits";
  end->empty();
  turn_until([&] { return end->got.size() > 4; });
  EXPECT_FALSE(end->ended());
  service_.stop();
  ASSERT_TRUE(end->failed);
  EXPECT_EQ(end->failed->code, Errc::busy);
  EXPECT_EQ(audit({folder_.path().string()})->failed->code, Errc::busy);
}

TEST_F(AuditorTest, AnAuditThatWasStoppedAmongItsLastFindingsIsNoWholeOne) {
  for (int i = 0; i < 40; ++i) put(std::to_string(i) + ".flac", {{"TITLE", "x", false}, {"COMPOSER", "Karl Mustermann", false}, {"CONDUCTOR", "Berliner Philharmoniker", false}});
  auto end = std::make_shared<StreamEnd<v1::AuditEvent>>();
  end->room = 3;
  service_.audit(v1::AuditRequest{{folder_.path().string()}}, b2::ServerStream<v1::AuditEvent>(b2::ServerCall(end, 1, {})));
  turn_until([&] { return end->unread >= end->room; });
  end->cancel();
  turn_until([&] { return end->ended(); });
  ASSERT_TRUE(end->failed) << "it ended as if it were whole";
  EXPECT_EQ(end->failed->code, Errc::cancelled);
}

TEST_F(AuditorTest, WhoGaveUpWaitingTakesNoPlace) {
  for (int i = 0; i < 40; ++i) {
    std::filesystem::create_directory(folder_ / std::to_string(i));
    put(std::to_string(i) + "/a.flac", {{"TITLE", "x", false}});
  }
  std::vector<End> all;
  const auto begin = [&] {
    all.push_back(std::make_shared<StreamEnd<v1::AuditEvent>>());
    all.back()->room = 3;
    service_.audit(v1::AuditRequest{{folder_.path().string()}}, b2::ServerStream<v1::AuditEvent>(b2::ServerCall(all.back(), 1, {})));
  };
  for (int i = 0; i < 8; ++i) begin();
  begin();
  ASSERT_TRUE(all[8]->failed);
  EXPECT_EQ(all[8]->failed->code, Errc::exhausted);
  all[5]->cancel();
  begin();
  EXPECT_FALSE(all[9]->ended());
  ASSERT_TRUE(all[5]->failed);
  EXPECT_EQ(all[5]->failed->code, Errc::cancelled);
  for (const int running : {0, 1}) all[static_cast<std::size_t>(running)]->cancel();
  turn_until([&] { return all[2]->unread > 0 && all[3]->unread > 0; });
}

TEST_F(AuditorTest, NamesThatAreNoUtf8HaveEscapes) {
  put("Dvo\xf8" "ak.flac", {{"TITLE", "a", false}, {"COMPOSER", "Karl Mustermann", false}, {"CONDUCTOR", "Berliner Philharmoniker", false}});
  std::ofstream(folder_ / "Fibi\xe8.flac") << "fLaC and no more";
  const End end = audit({folder_.path().string()});
  turn_until([&] { return end->ended(); });
  ASSERT_TRUE(end->finished) << end->failed->message;
  std::vector<std::string> paths;
  for (const v1::AuditEvent& each : end->got) {
    if (each.finding) paths.push_back(each.finding->path);
    if (each.unread) paths.push_back(each.unread->path);
  }
  EXPECT_EQ(paths, (std::vector<std::string>{(folder_ / "Fibi\\xe8.flac").string(), (folder_ / "Dvo\\xf8" "ak.flac").string()}));
}

TEST_F(AuditorTest, AFolderInsideAnotherIsReadOnceAndListingCanBeStopped) {
  std::filesystem::create_directories(folder_ / "a/b");
  put("a/1.flac", {});
  put("a/b/2.flac", {});
  std::filesystem::create_directory_symlink(folder_ / "a/b", folder_ / "a/link");
  const auto a = folder_ / "a", b = folder_ / "a/b", linked = folder_ / "a/link";
  std::size_t asked = 0;
  const auto count = [&] { return ++asked > 0; };
  const auto once = tagged_files({a}, count);
  EXPECT_EQ(*once, (std::vector<std::filesystem::path>{a / "1.flac", b / "2.flac"}));
  const std::size_t alone = std::exchange(asked, 0);
  EXPECT_EQ(*tagged_files({a, b, a / "", b / "../b"}, count), *once);
  EXPECT_EQ(asked, alone + 3) << "asked once for each place, and nothing in them is read again";
  EXPECT_EQ(*tagged_files({b, a}), (std::vector<std::filesystem::path>{b / "2.flac", a / "1.flac"}));
  EXPECT_EQ(tagged_files({a, linked})->back(), linked / "2.flac") << "a link that is named is followed";
  asked = 0;
  EXPECT_EQ(tagged_files({a}, [&] { return ++asked < 3; }).error().code, Errc::cancelled);
  EXPECT_EQ(asked, 3U);
}

}  // namespace
}  // namespace ghost::ariascribe
