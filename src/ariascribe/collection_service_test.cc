#include "ariascribe/collection_service.h"

#include <gtest/gtest.h>

#include "ariascribe/stream_testing_service.h"
#include "base/file.h"
#include "base/test_directory.h"
#include "net/epoll.h"

namespace ghost::ariascribe {
namespace {

constexpr std::string_view kTable = "id,title,composer,composer_born,catalogue\n1,\"Quartet in D minor, op. 7\",Erika Beispiel,1900,op. 7\n2,Zwiegesang,Erika Beispiel,1900,\n,,,,\n";

class CollectionTest : public testing::Test {
 protected:
  CollectionTest() : network_(std::move(*net::EpollNetwork::create())) { make(); }
  ~CollectionTest() override { service_->stop(); }
  void make() {
    service_ = std::make_unique<CollectionService>(network_->reactor(), CollectionPlaces{(folder_ / "c.sqlite").string(), folder_.path(), folder_.path()}, shipped, [this] { ++indexed_; });
  }
  static Result<Repertoire> shipped() {
    const std::vector<RepertoireFile> files = {{"composers.txt", "muster | Karl Mustermann | 1801-1850 | romantic | | \n"}, {"works/muster.txt", "Piano Sonata No. 1 | op:1 | C major | 1820 | piano | sonata\n  1 Allegro\n"}};
    return Repertoire::parse(files);
  }
  template <class Until>
  void turn_until(Until until) {
    const TimePoint give_up = network_->reactor().now() + std::chrono::seconds(60);
    while (!until() && network_->reactor().now() < give_up) network_->turn(network_->reactor().now() + std::chrono::milliseconds(200));
    ASSERT_TRUE(until());
  }

  using ImportEnd = std::shared_ptr<StreamEnd<v1::ImportEvent>>;
  ImportEnd begin_import() {
    auto end = std::make_shared<StreamEnd<v1::ImportEvent>>();
    service_->import(b2::BidiStream<v1::ImportPiece, v1::ImportEvent>(b2::ServerCall(end, 1, {})));
    return end;
  }
  static void send_nonsense(const ImportEnd& end) { end->reader.message(Bytes{0x0a}); }
  static void send(const ImportEnd& end, std::string_view data, const std::string& format = "") {
    v1::ImportPiece piece;
    if (!format.empty()) piece.start = v1::ImportStart{format, "", "library", "CC-BY-4.0"};
    piece.data = to_bytes(as_bytes(data));
    const Bytes bytes = b2::encode(piece);
    if (end->reader.message) end->reader.message(bytes);
  }
  v1::ImportSummary import(std::string_view table) {
    const auto end = begin_import();
    send(end, "", "csv");
    // As it may come: in pieces that end anywhere.
    for (std::size_t at = 0; at < table.size(); at += 50) send(end, table.substr(at, 50));
    end->reader.end();
    turn_until([&] { return end->ended(); });
    EXPECT_TRUE(end->finished) << (end->failed ? end->failed->message : "");
    if (end->got.empty() || !end->got.back().summary) return {};
    return *end->got.back().summary;
  }
  std::shared_ptr<StreamEnd<v1::ChangesPage>> subscribe(std::int64_t rev, const std::string& id = "") {
    auto end = std::make_shared<StreamEnd<v1::ChangesPage>>();
    service_->subscribe({rev, id}, b2::ServerStream<v1::ChangesPage>(b2::ServerCall(end, 2, {})));
    return end;
  }
  std::string export_csv(const std::shared_ptr<StreamEnd<v1::ExportPiece>>& end) {
    service_->export_({v1::ExportFormat::csv}, b2::ServerStream<v1::ExportPiece>(b2::ServerCall(end, 3, {})));
    turn_until([&] { return end->ended() || end->unread >= end->room; });
    while (!end->ended()) {
      end->empty();
      turn_until([&] { return end->ended() || end->unread >= end->room; });
    }
    std::string text;
    for (const auto& each : end->got) text += as_text(each.data);
    return text;
  }
  std::size_t spooled() const {
    std::error_code none;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_ / "ariascribe" / "imports", none), std::filesystem::directory_iterator()));
  }

  TestDirectory folder_;
  std::unique_ptr<net::EpollNetwork> network_;
  std::atomic<int> indexed_ = 0;
  std::unique_ptr<CollectionService> service_;
  const b2::CallContext context_;
};

TEST_F(CollectionTest, TakesAFileInPiecesAndGivesItBackAndTheSameBytesChangeNothing) {
  const auto first = import(kTable);
  EXPECT_EQ(first.records, 3u);
  EXPECT_EQ(first.problems, 1u);
  EXPECT_EQ(first.fresh, 3u);
  EXPECT_EQ(indexed_, 1);
  EXPECT_EQ(import(kTable).same, 3u);
  EXPECT_EQ(spooled(), 0u);
  const std::string text = export_csv(std::make_shared<StreamEnd<v1::ExportPiece>>());
  EXPECT_NE(text.find("Zwiegesang,Erika Beispiel"), std::string::npos) << text;
  EXPECT_NE(text.find("library (CC-BY-4.0)"), std::string::npos) << text;
}

TEST_F(CollectionTest, RefusesWhatIsNoImport) {
  const auto wrong = [&](std::string_view data, const std::string& format, bool twice, Errc code, std::string_view told) {
    const auto end = begin_import();
    send(end, data, format);
    if (twice) send(end, "", format);
    if (!end->failed) end->reader.end();
    turn_until([&] { return end->ended(); });
    ASSERT_TRUE(end->failed) << told;
    EXPECT_EQ(end->failed->code, code) << end->failed->message;
    EXPECT_NE(end->failed->message.find(told), std::string::npos) << end->failed->message;
    EXPECT_EQ(end->failed->message.find(folder_.path().string()), std::string::npos) << end->failed->message;
  };
  wrong("id,title\n", "", false, Errc::malformed, "the first message");
  wrong("", "shapefile", false, Errc::not_found, "shapefile");
  wrong("", "csv", true, Errc::malformed, "only the first message");
  wrong(std::string(257 * 1024, 'x'), "csv", false, Errc::exhausted, "256 KiB");
  wrong("<no", "marcxml", false, Errc::malformed, "");
  const auto nonsense = begin_import();
  send(nonsense, "id,title\n", "csv");
  send_nonsense(nonsense);  // fails the call itself
  EXPECT_TRUE(nonsense->ended());
  const auto silent = begin_import();
  silent->reader.end();
  EXPECT_EQ(silent->failed->code, Errc::malformed);
  // One at a time; one whose caller goes away leaves nothing and lets the next one begin.
  const auto open = begin_import();
  send(open, kTable, "csv");
  EXPECT_EQ(begin_import()->failed->code, Errc::busy);
  EXPECT_EQ(spooled(), 1u);
  EXPECT_GT(open->released, kTable.size());
  open->cancel();
  EXPECT_EQ(spooled(), 0u);
  EXPECT_EQ(import(kTable).fresh, 3u);
  EXPECT_EQ(spooled(), 0u);
}

TEST_F(CollectionTest, ExportsNoFasterThanItsCallerReads) {
  std::string table = "id,title,composer\n";
  for (int i = 0; i < 1500; ++i) table += std::to_string(i) + ",\"" + std::string(150, 'x') + " " + std::to_string(i) + "\",Erika Beispiel\n";
  import(table);
  const auto end = std::make_shared<StreamEnd<v1::ExportPiece>>();
  end->room = 1;
  const std::string text = export_csv(end);
  EXPECT_TRUE(end->finished);
  EXPECT_GT(end->got.size(), 3u);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1501);
  EXPECT_EQ(end->got.back().works, 1500u);
}

TEST_F(CollectionTest, TellsWhatChangesAndGoesOnFromAnyPlace) {
  const auto all = subscribe(0), from_now = subscribe(-1);
  turn_until([&] { return all->got.size() == 1 && from_now->got.size() == 1; });
  EXPECT_TRUE(all->got[0].changes.empty()) << "one who has everything hears so";
  import(kTable);
  turn_until([&] { return all->got.size() == 2 && from_now->got.size() == 2; });
  EXPECT_EQ(all->got[1].changes.size(), 3u);
  EXPECT_EQ(from_now->got[1].changes.size(), 3u);
  const auto& place = all->got[1].changes[0];
  const auto resumed = subscribe(place.rev, place.id);
  turn_until([&] { return !resumed->got.empty(); });
  EXPECT_EQ(resumed->got[0].changes.size(), 2u);
  EXPECT_EQ(subscribe(-2)->failed->code, Errc::malformed);
  all->cancel();
  service_->stop();
  EXPECT_EQ(resumed->failed->code, Errc::busy);
}

TEST_F(CollectionTest, CorrectionsAreProposedCommittedAndUndone) {
  import(kTable);
  const auto shown = [&](std::string_view field) {
    const auto subject = service_->show({"library:1"}, context_);
    EXPECT_TRUE(subject) << subject.error().message;
    for (const auto& each : subject->claims) {
      if (each.shown && each.field == field) return each.value;
    }
    return std::string();
  };
  const std::string title = shown("title");
  ASSERT_FALSE(title.empty());
  const auto propose = [&](std::vector<v1::Correction> wanted) { return service_->propose({std::move(wanted)}, context_); };
  const auto proposal = propose({{"library:1", "title", "Streichquartett"}, {"library:1", "year", "1931"}});
  ASSERT_TRUE(proposal) << proposal.error().message;
  ASSERT_EQ(proposal->values.size(), 2u);
  EXPECT_EQ(proposal->values[0].before, title);
  EXPECT_EQ(shown("title"), title) << "a proposal writes nothing";
  const auto stale = propose({{"library:1", "title", "Etwas anderes"}, {"library:2", "year", "1932"}});
  const auto commit = service_->commit({proposal->id}, context_);
  ASSERT_TRUE(commit) << commit.error().message;
  EXPECT_EQ(commit->values, 2u);
  EXPECT_EQ(shown("title") + shown("year"), "Streichquartett1931");
  EXPECT_EQ(service_->commit({proposal->id}, context_).error().code, Errc::not_found);
  EXPECT_EQ(service_->commit({stale->id}, context_).error().code, Errc::conflict);
  const auto other = service_->show({"library:2"}, context_);
  EXPECT_TRUE(std::none_of(other->claims.begin(), other->claims.end(), [](const auto& each) { return each.field == "year"; })) << "all or nothing";
  b2::CallContext stranger;
  stranger.caller = std::make_shared<b2::Identity>(b2::Identity{.kind = b2::Identity::Kind::console, .roles = {}, .node = {}, .public_key = {}, .name = {}, .where = {}, .why_stranger = {}});
  EXPECT_EQ(service_->undo({commit->commit}, stranger).error().code, Errc::refused);
  // The daemon may have been started again meanwhile.
  service_->stop();
  make();
  ASSERT_TRUE(service_->undo({""}, context_));
  EXPECT_EQ(shown("title"), title);
  EXPECT_EQ(shown("year"), "");
  EXPECT_EQ(service_->undo({""}, context_).error().code, Errc::not_found);
  EXPECT_EQ(service_->undo({"../../c"}, context_).error().code, Errc::not_found);
  // As if the process had been killed after the proposal was written down, and before the values were.
  ASSERT_TRUE(write_file_atomically(folder_ / "ariascribe" / "corrections" / "ffffffff-0000-7000-8000-000000000000.json",
                                    as_bytes(R"({"who":"owner","values":[{"subject":")" + service_->show({"library:1"}, context_)->id + R"(","field":"year","said":"","value":"1933"}]})"), 0600));
  EXPECT_EQ(service_->undo({""}, context_).error().code, Errc::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "ariascribe" / "corrections"));
  EXPECT_EQ(propose({}).error().code, Errc::malformed);
  EXPECT_EQ(propose({{"library:1", "title", std::string("a\0b", 3)}}).error().code, Errc::malformed);
  EXPECT_EQ(propose({{"library:9", "title", "x"}}).error().code, Errc::not_found);
  EXPECT_EQ(propose({{"library:1", "colour", "x"}}).error().code, Errc::malformed);
  EXPECT_EQ(propose({{"library:1", "alias", "x"}}).error().code, Errc::malformed);
  EXPECT_EQ(propose({{"library:1", "year", "x"}}).error().code, Errc::malformed);
  EXPECT_EQ(propose({{"library:1", "title", "x"}, {"library:1", "title", "y"}}).error().code, Errc::malformed);
}

}  // namespace
}  // namespace ghost::ariascribe
