// ariascribe_bench [QUERIES]: identifies titles made of the repertoire's own works by Ariascribe, by SQLite's FTS5 and by a scan of all
// works by Levenshtein's distance, and the first half of each by the search that goes on while one types, one after the other in one thread, and prints how much CPU each took and how often it was right.
#include <fmt/core.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>
#include <random>

#include "ariascribe/work_search.h"
#include "rivals.h"

namespace ghost::ariascribe {
namespace {

/// Seconds of CPU this thread has used: what others do on the machine does not count.
double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
double seconds_since(double start) { return cpu_now() - start; }

struct Query {
  std::string title;
  WorkIndex truth{};
};

/// A title as somebody types it: the surname in front or not, capitals, words left out, one letter wrong, a movement behind.
std::vector<Query> make_queries(const Repertoire& repertoire, std::size_t count) {
  std::mt19937 random(2114);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  std::vector<Query> queries;
  while (queries.size() < count) {
    const auto index = static_cast<WorkIndex>(random() % repertoire.works().size());
    const Work& work = repertoire.work(index);
    const std::string& composer = repertoire.composer_of(work).name;
    std::string title = work.full_title();
    if (work.catalogue.empty() && work.movements.empty() && title.size() < 8) continue;
    const std::size_t comma = title.find(", ");
    if (chance(25) && comma != std::string::npos) title.resize(comma);
    if (chance(70)) title = composer.substr(composer.rfind(' ') + 1) + (chance(50) ? ": " : " - ") + title;
    if (!work.movements.empty() && chance(60)) {
      const Movement& movement = work.movements[random() % work.movements.size()];
      title += ": " + std::to_string(movement.number) + ". " + movement.title;
    }
    if (chance(15) && title.size() > 12) title.erase(5 + random() % (title.size() - 8), 1);
    if (chance(20)) std::transform(title.begin(), title.end(), title.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    queries.push_back({std::move(title), index});
  }
  return queries;
}

struct Measured {
  std::vector<double> times;  ///< CPU seconds of each query
  std::size_t right = 0;
};

template <class Find>
Measured measure(std::span<const Query> queries, Find find) {
  Measured measured;
  for (const Query& query : queries) {
    const double start = cpu_now();
    const std::optional<WorkIndex> found = find(query.title);
    measured.times.push_back(seconds_since(start));
    measured.right += found == query.truth;
  }
  return measured;
}

void print(std::string_view name, Measured measured) {
  double total = 0;
  for (const double each : measured.times) total += each;
  std::sort(measured.times.begin(), measured.times.end());
  const auto at = [&](double share) { return 1e6 * measured.times[static_cast<std::size_t>(share * static_cast<double>(measured.times.size() - 1))]; };
  const double count = static_cast<double>(measured.times.size());
  fmt::print("{:<28} {:>9.0f}/s   median {:>8.0f} us   p99 {:>8.0f} us   right {:>5.1f} %   of {} titles\n", name, count / total, at(0.5), at(0.99), 100.0 * static_cast<double>(measured.right) / count, measured.times.size());
}

/// All works in a table of FTS5 in memory; the words of a title are looked for with OR, the best rank wins.
class FullText {
 public:
  explicit FullText(const Repertoire& repertoire) {
    sqlite3* raw = nullptr;
    sqlite3_open(":memory:", &raw);
    database_.reset(raw);
    sqlite3_exec(raw, "CREATE VIRTUAL TABLE works USING fts5(text, tokenize=\"unicode61 remove_diacritics 2\"); BEGIN", nullptr, nullptr, nullptr);
    auto insert = prepare("INSERT INTO works(rowid, text) VALUES (?, ?)");
    for (std::size_t i = 0; i < repertoire.works().size(); ++i) {
      const Work& work = repertoire.works()[i];
      std::string text = repertoire.composer_of(work).name + " " + work.full_title();
      for (const std::string& also : work.also) text += " " + also;
      for (const Movement& movement : work.movements) text += " " + movement.title;
      sqlite3_bind_int64(insert.get(), 1, static_cast<sqlite3_int64>(i) + 1);
      sqlite3_bind_text(insert.get(), 2, text.c_str(), -1, SQLITE_TRANSIENT);
      sqlite3_step(insert.get());
      sqlite3_reset(insert.get());
    }
    sqlite3_exec(raw, "COMMIT; INSERT INTO works(works) VALUES('optimize')", nullptr, nullptr, nullptr);
    select_ = prepare("SELECT rowid FROM works WHERE works MATCH ? ORDER BY rank LIMIT 1");
  }
  std::optional<WorkIndex> find(const std::string& title) {
    const std::string words = any_word_of(title);
    std::optional<WorkIndex> found;
    sqlite3_bind_text(select_.get(), 1, words.c_str(), -1, SQLITE_TRANSIENT);
    if (sqlite3_step(select_.get()) == SQLITE_ROW) found = static_cast<WorkIndex>(sqlite3_column_int64(select_.get(), 0) - 1);
    sqlite3_reset(select_.get());
    return found;
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;
  Statement prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr);
    return Statement(statement);
  }
  std::unique_ptr<sqlite3, Close> database_;
  Statement select_;
};

int run(std::size_t count) {
  double start = cpu_now();
  const auto repertoire = Repertoire::embedded();
  if (!repertoire) {
    fmt::print(stderr, "ariascribe_bench: {}\n", repertoire.error().message);
    return 1;
  }
  const double read = seconds_since(start);
  start = cpu_now();
  const Matcher matcher(*repertoire);
  fmt::print("{} works; read in {:.0f} ms, indexed in {:.0f} ms\n", repertoire->works().size(), 1e3 * read, 1e3 * seconds_since(start));
  const auto queries = make_queries(*repertoire, count);
  print("ariascribe, all fields", measure(queries, [&](const std::string& title) -> std::optional<WorkIndex> {
          TrackInput input;
          input.title = title;
          const Reading reading = matcher.read(input);
          const Identification found = matcher.conclude(reading);
          return found.work_id.empty() ? std::nullopt : std::optional(reading.candidates.front().work.index);
        }));
  const WorkSearch search(matcher);
  search.find("first", 20);  // makes its vocabulary
  print("ariascribe, search", measure(queries, [&](const std::string& title) -> std::optional<WorkIndex> {
          // As far as somebody has come who types it, the last word mostly only begun.
          const auto found = search.find(std::string_view(title).substr(0, 4 + title.size() / 2), 20);
          return found.empty() ? std::nullopt : std::optional(found.front().work.index);
        }));
  FullText full_text(*repertoire);
  print("SQLite FTS5, best rank", measure(queries, [&](const std::string& title) { return full_text.find(title); }));
  LevenshteinScan scan;
  for (const Work& work : repertoire->works()) scan.add(repertoire->composer_of(work).name + " " + work.full_title());
  print("Levenshtein, all works", measure(std::span(queries).first(std::min<std::size_t>(queries.size(), std::max<std::size_t>(10, count / 50))), [&](const std::string& title) { return std::optional(static_cast<WorkIndex>(scan.find(title))); }));
  return 0;
}

}  // namespace
}  // namespace ghost::ariascribe

int main(int count, char** words) {
  std::size_t queries = 10'000;
  if (count > 1) {
    const std::string_view word = words[1];
    if (std::from_chars(word.data(), word.data() + word.size(), queries).ptr != word.data() + word.size() || queries == 0 || queries > 10'000'000) {
      fmt::print(stderr, "ariascribe_bench: '{}' is no number of queries (1 to 10,000,000)\n", word);
      return 2;
    }
  }
  return ghost::ariascribe::run(queries);
}
