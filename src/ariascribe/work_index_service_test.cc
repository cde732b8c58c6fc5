#include "ariascribe/work_index_service.h"

#include <gtest/gtest.h>

#include <future>

#include "ariascribe/live_knowledge_service.h"
#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

/// A repertoire of one composer and one work, and a catalogue of others.
class IndexTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::open((directory_ / "c.sqlite").string());
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    source_ = store_->source("test", "CC0-1.0").value();
  }
  static Repertoire shipped() {
    const std::vector<RepertoireFile> files = {{"composers.txt", "muster | Karl Mustermann | 1801-1850 | romantic | | \n"}, {"works/muster.txt", "Piano Sonata No. 1 | op:1 | C major | 1820 | piano | sonata\n  1 Allegro\n"}};
    return Repertoire::parse(files).value();
  }
  static Record person(const std::string& key, const std::string& name, const std::string& born) {
    Record record;
    record.kind = Kind::agent;
    record.refs = {{"a", key}};
    record.say("name", name);
    record.say("born", born);
    return record;
  }
  static Record work(const std::string& key, const std::string& by, const std::string& title, const std::string& number = "") {
    Record record;
    record.refs = {{"t", key}};
    record.say("title", title);
    record.say("composer", Ref{"a", by});
    record.say("catalogue", number);
    return record;
  }
  static Record part(const std::string& key, const std::string& whole, int number, const std::string& title) {
    Record record;
    record.refs = {{"t", key}};
    record.say("title", title);
    record.say("parent", Ref{"t", whole});
    record.say("part_number", std::to_string(number));
    return record;
  }
  void write(const std::vector<Record>& records) { ASSERT_TRUE(store_->write(records, source_)); }
  IndexUpdate update() {
    const auto done = update_index(*store_, shipped(), directory_.path());
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done ? *done : IndexUpdate{};
  }
  void write_usual() {
    write({person("x", "Erika Beispiel", "1900"), person("m", "Mustermann, Karl", "1801"), work("1", "x", "String Quartet no. 2 in D minor, op. 7", "op:7"), part("1b", "1", 2, "String Quartet no. 2: II. Largo misterioso"),
           part("1a", "1", 1, "String Quartet no. 2: I. Allegro"), work("2", "m", "Sonata for piano no. 1, op. 1", "op:1"), work("3", "m", "Der unerhörte Wassermann", ""), work("4", "x", "Zwiegesang", "")});
  }
  /// What is found of a title, by its index.
  Identification identify(const std::string& title, const std::string& composer = "") {
    Repertoire repertoire = shipped();
    auto stored = map_works(directory_.path(), repertoire);
    EXPECT_TRUE(stored) << (stored ? "" : stored.error().message);
    if (!stored) return {};
    const Matcher matcher(repertoire, *stored);
    TrackInput input;
    input.title = title;
    input.composer = composer;
    return matcher.identify(input);
  }
  std::string id(const std::string& ref) { return store_->get(ref).value().id; }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
  Source source_;
};

TEST_F(IndexTest, FindsImportedWorksBesideTheRepertoire) {
  write_usual();
  EXPECT_EQ(update().did, IndexUpdate::Did::all);
  const Identification quartet = identify("Beispiel: Streichquartett Nr. 2 d-Moll op. 7: 2. Largo misterioso");
  EXPECT_EQ(quartet.work_id, id("t:1"));
  EXPECT_EQ(quartet.composer, "Erika Beispiel");
  EXPECT_EQ(quartet.movement_no, 2);
  EXPECT_EQ(quartet.movement_count, 2);
  EXPECT_EQ(quartet.key, "D minor");
  EXPECT_EQ(identify("Der unerhörte Wassermann", "Mustermann").work_id, id("t:3"));
  EXPECT_EQ(identify("Zwiegesang", "E. Beispiel").work_id, id("t:4"));
}

TEST_F(IndexTest, LeavesToTheRepertoireWhatItHas) {
  write_usual();
  EXPECT_EQ(update().works, 3U);
  EXPECT_EQ(identify("Mustermann: Piano Sonata No. 1, Op. 1").work_id, "muster/op-1");
}

TEST_F(IndexTest, TakesChangesOverTheLargeFile) {
  write_usual();
  update();
  EXPECT_EQ(update().did, IndexUpdate::Did::nothing);
  write({work("4", "x", "Dreigesang", ""), work("5", "x", "Umkehrung", ""), part("1c", "1", 3, "String Quartet no. 2: III. Presto fugato")});
  const IndexUpdate changed = update();
  EXPECT_EQ(changed.did, IndexUpdate::Did::changes);
  EXPECT_EQ(changed.works, 3U);
  EXPECT_EQ(identify("Dreigesang", "Beispiel, Erika").work_id, id("t:4"));
  EXPECT_NE(identify("Zwiegesang", "Beispiel, Erika").work_id, id("t:4"));
  EXPECT_EQ(identify("Umkehrung", "Beispiel, Erika").work_id, id("t:5"));
  EXPECT_EQ(identify("Beispiel: String Quartet No. 2, Op. 7: III. Presto fugato").movement_count, 3);
  EXPECT_EQ(identify("Der unerhörte Wassermann", "Mustermann").work_id, id("t:3"));
  ASSERT_TRUE(store_->forget(source_.id));
  update();
  EXPECT_EQ(identify("Umkehrung", "Beispiel, Erika").work_id, "");
}

TEST_F(IndexTest, ARenamedComposerIsFoundByTheNewName) {
  write_usual();
  update();
  write({person("x", "Erika Vorbild", "1900")});
  EXPECT_EQ(update().did, IndexUpdate::Did::changes);
  EXPECT_EQ(identify("Zwiegesang", "Vorbild, Erika").work_id, id("t:4"));
}

TEST_F(IndexTest, ReadersOfTheOldFilesKeepThem) {
  write_usual();
  update();
  Repertoire repertoire = shipped();
  const auto stored = map_works(directory_.path(), repertoire).value();
  const Matcher matcher(repertoire, stored);
  ASSERT_TRUE(store_->forget(source_.id));
  std::filesystem::remove(IndexPaths(directory_.path()).works);
  update();
  TrackInput input;
  input.title = "Zwiegesang";
  input.composer = "Erika Beispiel";
  input.composer = "Erika Beispiel";
  EXPECT_EQ(matcher.identify(input).work_id, id("t:4"));
}

TEST_F(IndexTest, AnIndexOfAnotherRepertoireIsRefusedAndMadeAnew) {
  write_usual();
  update();
  Repertoire other = Repertoire::parse(std::vector<RepertoireFile>{{"composers.txt", "b | B. Bee | 1801-1850 | romantic | | \n"}}).value();
  EXPECT_EQ(map_works(directory_.path(), other).error().code, Errc::conflict);
  EXPECT_EQ(update_index(*store_, other, directory_.path()).value().did, IndexUpdate::Did::all);
}

TEST_F(IndexTest, DamagedBytesDoNoHarm) {
  write_usual();
  update();
  const auto whole = read_file(IndexPaths(directory_.path()).works, 1 << 24).value();
  std::vector<std::uint64_t> aligned(whole.size() / 8 + 1);
  const auto bytes = [&](std::string_view text) {
    std::copy(text.begin(), text.end(), reinterpret_cast<char*>(aligned.data()));
    return BytesView(reinterpret_cast<const std::uint8_t*>(aligned.data()), text.size());
  };
  for (std::size_t size = 0; size < whole.size(); size += 7) EXPECT_FALSE(WorkFile::open(bytes(std::string_view(whole).substr(0, size))));
  SeededRandom random(6);
  for (int round = 0; round < 400; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 4; ++i) damaged[48 + random.below(damaged.size() - 48)] = static_cast<char>(random.below(256));
    auto file = WorkFile::open(bytes(damaged));
    if (!file) continue;
    Repertoire repertoire = shipped();
    const auto stored = std::make_shared<const StoredWorks>(std::vector<WorkFile>{*file}, nullptr, repertoire);
    const Matcher matcher(repertoire, stored);
    TrackInput input;
    input.title = "Beispiel: String Quartet No. 2, Op. 7: III. Largo";
    (void)matcher.identify(input);
    for (std::uint32_t i = 0; i < 8; ++i) (void)file->read(i);
  }
}

TEST_F(IndexTest, IsFollowedByThoseWhoAnswerFromIt) {
  // Two daemons of one machine, and what one of them still answers from while the index is replaced.
  const auto fresh = [] { return LiveKnowledge(std::make_shared<const Knowledge>(shipped())); };
  const auto again = []() -> Result<Repertoire> { return shipped(); };
  LiveKnowledge one = fresh(), other = fresh();
  std::vector<std::string> told;
  const auto note = [&](const Result<std::size_t>& works) { told.push_back(works ? std::to_string(*works) : works.error().message); };
  IndexFollower first(one, directory_.path(), again, note), second(other, directory_.path(), again);
  EXPECT_FALSE(first.look()) << "there is no index";
  write_usual();
  update();
  const auto before = one.now();
  EXPECT_TRUE(first.look());
  EXPECT_FALSE(first.look());
  EXPECT_FALSE(before->matcher.find(id("t:1")));
  const auto read = one.now();
  EXPECT_TRUE(read->matcher.find(id("t:1")));
  write({work("5", "x", "Nachgereicht", "op:8")});
  update();
  for (auto* follower : {&first, &second}) EXPECT_TRUE(follower->look());
  for (const auto* knowledge : {&one, &other}) EXPECT_TRUE(knowledge->now()->matcher.find(id("t:5")));
  TrackInput input;
  input.title = "Zwiegesang";
  input.composer = "Erika Beispiel";
  EXPECT_EQ(read->matcher.identify(input).work_id, id("t:4")) << "what is replaced is whole until its last reader is done";
  // The same files under another time are not read again; a broken one leaves what is known.
  std::filesystem::last_write_time(IndexPaths(directory_.path()).works, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_FALSE(first.look());
  ASSERT_TRUE(write_file_atomically(IndexPaths(directory_.path()).works, as_bytes("no index")));
  EXPECT_FALSE(first.look());
  EXPECT_TRUE(one.now()->matcher.find(id("t:5")));
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0] + "," + told[1], std::to_string(read->matcher.stored()->size()) + "," + std::to_string(one.now()->matcher.stored()->size()));
  EXPECT_NE(told[2].find("works.index"), std::string::npos) << told[2];
}

TEST_F(IndexTest, IsReadByAThreadThatFollowsIt) {
  LiveKnowledge knowledge(std::make_shared<const Knowledge>(shipped()));
  std::promise<std::size_t> works;
  IndexFollower follower(knowledge, directory_.path(), []() -> Result<Repertoire> { return shipped(); }, [&](const Result<std::size_t>& read) { works.set_value(read.value_or(0)); });
  follower.follow();
  write_usual();
  update();
  follower.nudge();
  auto read = works.get_future();
  ASSERT_EQ(read.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(read.get(), knowledge.now()->matcher.stored()->size());
}

}  // namespace
}  // namespace ghost::ariascribe
