// The same tests over every engine the catalogue runs on.
#include "ariascribe/store_service.h"

#include <gtest/gtest.h>

#include <thread>

#include "ariascribe/postgres_testing.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {
namespace {

/// One server for all tests of this program.
TestPostgres& postgres() {
  static TestPostgres server;
  return server;
}

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "PostgreSQL") {
      // In CI it must run; elsewhere the package may not be there.
      if (!postgres().why_not().empty() && std::getenv("CI") == nullptr) GTEST_SKIP() << postgres().why_not();
      ASSERT_EQ(postgres().why_not(), "");
      where_ = postgres().fresh();
    } else {
      where_ = (directory_ / "catalogue.sqlite").string();
    }
    store_ = open();
    ASSERT_NE(store_, nullptr);
    source_ = store_->source("test", "CC0-1.0").value();
  }
  std::unique_ptr<Store> open() {
    auto store = Store::open(where_);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  static Record work(const std::string& key, const std::string& title) {
    Record record;
    record.kind = Kind::work;
    record.refs = {{"t", key}};
    record.say("title", title);
    return record;
  }
  static Record composer() {
    Record record;
    record.kind = Kind::agent;
    record.refs = {{"a", "field"}};
    record.say("name", "John Field");
    record.say("born", "1782");
    return record;
  }
  Store::Written write(const std::vector<Record>& records) {
    const auto written = store_->write(records, source_);
    EXPECT_TRUE(written) << (written ? "" : written.error().message);
    return written ? *written : Store::Written{};
  }
  static std::string value(const Entity& entity, std::string_view field) {
    for (const Claim& each : entity.shown()) {
      if (each.field == field) return each.value;
    }
    return "";
  }

  TestDirectory directory_;
  std::string where_;
  std::unique_ptr<Store> store_;
  Source source_;
};

TEST_P(StoreTest, KeepsWhatIsSaidAndSaysWhoSaidIt) {
  Record nocturne = work("1", "Nocturne No. 1");
  nocturne.say("composer", Ref{"a", "field"});
  nocturne.say("alias", "Première nocturne", 1, "fr");
  nocturne.say("catalogue", "h:24", 0.9);
  nocturne.say("year", "1812");
  EXPECT_EQ(write({composer(), nocturne}).fresh, 2U);
  const auto found = store_->get("t:1");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(value(*found, "title"), "Nocturne No. 1");
  EXPECT_EQ(value(*found, "catalogue"), "h:24");
  EXPECT_EQ(found->claims.size(), 5U);
  EXPECT_EQ(found->claims.front().source, source_.id);
  const std::string by = value(*found, "composer");
  EXPECT_EQ(store_->names(std::span(&by, 1)).value().at(by), "John Field");
  EXPECT_EQ(store_->get("t:2").error().code, Errc::not_found);
}

TEST_P(StoreTest, TakesTheSameTwiceWithoutAChange) {
  const std::vector<Record> all = {composer(), work("1", "A"), work("2", "B")};
  EXPECT_EQ(write(all).fresh, 3U);
  const auto rev = store_->changes(0, "", 100).value().size();
  const Store::Written again = write(all);
  EXPECT_EQ(again.same, 3U);
  EXPECT_EQ(again.fresh + again.changed, 0U);
  EXPECT_EQ(store_->changes(0, "", 100).value().size(), rev);
  // Another process knows nothing of what this one has in memory.
  store_ = open();
  EXPECT_EQ(write(all).same, 3U);
}

TEST_P(StoreTest, ShowsTheLatestOfOneSource) {
  write({work("1", "Old")});
  EXPECT_EQ(write({work("1", "New")}).changed, 1U);
  const auto found = store_->get("t:1").value();
  EXPECT_EQ(value(found, "title"), "New");
  ASSERT_EQ(found.claims.size(), 2U);
  EXPECT_EQ(found.claims[0].supersedes, "Old");
  EXPECT_FALSE(found.claims[1].standing);
  EXPECT_EQ(write({work("1", "Old")}).changed, 1U);
  EXPECT_EQ(value(store_->get("t:1").value(), "title"), "Old");
}

TEST_P(StoreTest, OneSubjectMayBeCalledSeveralNames) {
  Record both = work("1", "A");
  both.refs.push_back({"other", "x"});
  write({both});
  Record again;
  again.refs = {{"other", "x"}};
  again.say("year", "1812");
  write({again});
  EXPECT_EQ(store_->get("t:1").value().id, store_->get("other:x").value().id);
  EXPECT_EQ(value(store_->get("t:1").value(), "year"), "1812");
}

TEST_P(StoreTest, APersonsWordStandsAndCanBeTakenBack) {
  write({work("1", "Nocturn")});
  ASSERT_TRUE(store_->correct("t:1", "title", "Nocturne", "anna"));
  EXPECT_EQ(value(store_->get("t:1").value(), "title"), "Nocturne");
  write({work("1", "Nocturne in E flat")});
  EXPECT_EQ(value(store_->get("t:1").value(), "title"), "Nocturne");
  ASSERT_TRUE(store_->correct("t:1", "title", "", "anna"));
  EXPECT_EQ(value(store_->get("t:1").value(), "title"), "Nocturne in E flat");
  EXPECT_EQ(store_->correct("t:1", "colour", "red", "anna").error().code, Errc::malformed);
  EXPECT_EQ(store_->correct("t:1", "year", "long ago", "anna").error().code, Errc::malformed);
}

TEST_P(StoreTest, ASourceCanBeForgotten) {
  write({work("1", "A"), work("2", "B")});
  const Source other = store_->source("other", "CC-BY-4.0").value();
  ASSERT_TRUE(store_->write(std::vector<Record>{work("1", "C")}, other));
  EXPECT_EQ(store_->forget(source_.id).value(), 2U);
  EXPECT_EQ(value(store_->get("t:1").value(), "title"), "C");
  EXPECT_TRUE(store_->get("t:2").value().gone);
  EXPECT_EQ(store_->ids(Kind::work, "", 10).value().size(), 1U);
  write({work("2", "B")});
  EXPECT_FALSE(store_->get("t:2").value().gone);
}

TEST_P(StoreTest, FeedsChangesInTheOrderTheyWereMade) {
  write({work("1", "A"), work("2", "B")});
  const auto first = store_->changes(0, "", 100).value();
  ASSERT_EQ(first.size(), 2U);
  write({work("1", "C")});
  const auto next = store_->changes(first.back().rev, first.back().id, 100).value();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].id, store_->get("t:1").value().id);
  // Page by page is the same as all at once.
  std::vector<std::string> paged;
  for (Change at;;) {
    const auto page = store_->changes(at.rev, at.id, 1).value();
    if (page.empty()) break;
    at = page.front();
    paged.push_back(at.id);
  }
  EXPECT_EQ(paged.size(), 2U);
}

TEST_P(StoreTest, GivesAWorkWithItsParts) {
  std::vector<Record> all = {work("opera", "Opera")};
  for (int act = 1; act <= 2; ++act) {
    all.push_back(work("act" + std::to_string(act), "Act " + std::to_string(act)));
    all.back().say("parent", Ref{"t", "opera"});
    all.back().say("part_number", std::to_string(act));
    all.push_back(work("aria" + std::to_string(act), "Aria " + std::to_string(act)));
    all.back().say("parent", Ref{"t", "act" + std::to_string(act)});
  }
  std::reverse(all.begin(), all.end());  // a part may come before what it is a part of
  write(all);
  const auto tree = store_->tree(store_->get("t:opera").value().id).value();
  ASSERT_EQ(tree.size(), 5U);
  EXPECT_EQ(tree[1].title, "Act 1");
  EXPECT_EQ(tree[2].title, "Aria 1");
  EXPECT_EQ(tree[2].depth, 2);
  EXPECT_EQ(tree[3].title, "Act 2");
}

TEST_P(StoreTest, WorksThatArePartsOfEachOtherEnd) {
  Record a = work("a", "A"), b = work("b", "B");
  a.say("parent", Ref{"t", "b"});
  b.say("parent", Ref{"t", "a"});
  write({a, b});
  EXPECT_EQ(store_->tree(store_->get("t:a").value().id).value().size(), 2U);
}

TEST_P(StoreTest, AnImportGoesOnWhereItWas) {
  ImportRun run = store_->begin_run(source_, "/dump.json", 100, 5).value();
  EXPECT_EQ(run.records, 0U);
  run.records = 7;
  ASSERT_TRUE(store_->write(std::vector<Record>{work("1", "A")}, source_, &run));
  store_ = open();
  ImportRun again = store_->begin_run(source_, "/dump.json", 100, 5).value();
  EXPECT_EQ(again.id, run.id);
  EXPECT_EQ(again.records, 7U);
  EXPECT_EQ(store_->begin_run(source_, "/dump.json", 101, 5).value().records, 0U);  // another file by now
  again.done = true;
  ASSERT_TRUE(store_->write({}, source_, &again));
  EXPECT_EQ(store_->begin_run(source_, "/dump.json", 100, 5).value().records, 0U);
}

TEST_P(StoreTest, SeveralWriteAtOnceAndNothingIsLost) {
  constexpr int kWriters = 3, kEach = 12;
  std::vector<std::string> problems(kWriters);
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] {
        auto store = Store::open(where_);
        if (!store) return void(problems[static_cast<std::size_t>(writer)] = store.error().message);
        for (int i = 0; i < kEach; ++i) {
          // All of them name the same subjects: each is to be there once.
          const auto written = (*store)->write(std::vector<Record>{work(std::to_string(i), "Work"), work(std::to_string(i) + "of" + std::to_string(writer), "Own")}, source_);
          if (!written && written.error().code != Errc::aborted) problems[static_cast<std::size_t>(writer)] = written.error().message;
          if (!written) --i;
        }
      });
    }
  }
  for (const std::string& each : problems) EXPECT_EQ(each, "");
  EXPECT_EQ(store_->ids(Kind::work, "", 1000).value().size(), static_cast<std::size_t>(kEach * (1 + kWriters)));
}

TEST_P(StoreTest, ManyAtOnceComeBackWhole) {
  std::vector<Record> all;
  for (int i = 0; i < 333; ++i) {
    all.push_back(work(std::to_string(i), "Work '" + std::to_string(i) + "' Ω"));
    all.back().say("catalogue", "op:" + std::to_string(i), 1, "sure");
    all.back().say("part_number", i % 2 == 0 ? "2" : "none");  // no number is kept as a claim and shown in no column
  }
  EXPECT_EQ(write(all).fresh, 333U);
  const auto ids = store_->ids(Kind::work, "", 1000).value();
  ASSERT_EQ(ids.size(), 333U);
  const auto entities = store_->entities(ids).value();
  ASSERT_EQ(entities.size(), 333U);
  for (const Entity& each : entities) EXPECT_EQ(each.claims.size(), 3U);
  const auto counts = store_->counts().value();
  EXPECT_EQ(counts.sources.front().second, 999U);
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreTest, testing::Values("SQLite", "PostgreSQL"), [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace ghost::ariascribe
