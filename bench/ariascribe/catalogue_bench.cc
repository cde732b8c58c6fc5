// ariascribe_catalogue_bench [WORKS [QUERIES]]: makes a file as MusicBrainz's dump is, of so many works with composers, keys, numbers and
// movements, imports it into SQLite, makes the index, and identifies titles of these works by it, by SQLite's FTS5 and by a scan by Levenshtein's distance,
// one after the other in one thread. Prints how long each took by the clock and by CPU, how often it was right, and memory.
#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "ariascribe/import_service.h"
#include "ariascribe/matcher.h"
#include "ariascribe/work_index_service.h"
#include "base/file.h"
#include "base/test_directory.h"
#include "rivals.h"

namespace ghost::ariascribe {
namespace {

double clock_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
struct Timer {
  double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
  std::string text() const { return fmt::format("{:.1f} s by the clock, {:.1f} s of CPU", clock_of(CLOCK_MONOTONIC) - wall, clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu); }
};
double thread_cpu() { return clock_of(CLOCK_THREAD_CPUTIME_ID); }

/// Names and words of syllables: some common, most rare, as in the world.
class Words {
 public:
  explicit Words(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t count) { return random_.below(count); }
  bool chance(double probability) { return random_.chance(probability); }
  std::string made(std::uint64_t number, std::size_t syllables) const {
    static constexpr std::array<const char*, 32> kSyllables = {"ba", "cor", "dan", "el", "fi", "gra", "hel", "in", "ja", "kel", "lo", "mar", "ne", "or", "pe", "qui", "ra", "sol", "ta", "ul", "va", "wen", "xo", "yr", "zel", "bri", "cha", "dru", "fle", "gno", "sta", "tri"};
    std::string word;
    std::uint64_t state = number * 0x9E3779B97F4A7C15ULL + 12345;
    for (std::size_t i = 0; i < syllables; ++i) {
      word += kSyllables[(state >> 59) & 31];
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    return word;
  }
  static std::string capital(std::string word) {
    word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
  }
  /// A word of a title: few are very common.
  std::string word() {
    const double unit = random_.unit();
    return made(static_cast<std::uint64_t>(200'000.0 * unit * unit * unit), 3);
  }
  std::string composer(std::uint64_t number) const { return capital(made(number % 3000, 2)) + " " + capital(made(number + 1'000'000, 3)); }

 private:
  SeededRandom random_;
};

struct Truth {
  std::string key;  ///< what the source calls the work
  std::string title;
};

/// Writes the dump; gives some works as a person would type them.
std::vector<Truth> make_dump(const std::filesystem::path& path, std::size_t works, std::size_t wanted) {
  static constexpr std::array<const char*, 12> kForms = {"Sonata", "Quartet", "Symphony", "Concerto", "Prelude", "Fantasia", "Trio", "Suite", "Variations", "Nocturne", "Etude", "Mass"};
  static constexpr std::array<const char*, 8> kMedia = {"for piano", "for violin and piano", "for strings", "for organ", "for orchestra", "for flute", "for cello", "for voice"};
  static constexpr std::array<const char*, 12> kKeys = {"C major", "D minor", "E-flat major", "F-sharp minor", "G major", "A minor", "B-flat major", "C minor", "D major", "E minor", "A major", "G minor"};
  static constexpr std::array<const char*, 8> kTempi = {"Allegro", "Andante", "Adagio", "Presto", "Largo", "Menuetto", "Rondo", "Vivace"};
  Words words(2114);
  std::vector<Truth> truths;
  std::ofstream out(path);
  std::string line;
  const std::size_t composers = std::max<std::size_t>(works / 60, 10);
  std::string parent;
  int parts_left = 0, part = 0;
  for (std::size_t i = 0; i < works; ++i) {
    const std::string id = fmt::format("{:08x}-0000-4000-8000-{:012x}", i * 2654435761U & 0xFFFFFFFFU, i);
    line.clear();
    if (parts_left > 0) {
      --parts_left;
      ++part;
      line = fmt::format(R"({{"id":"{}","title":"{}: {}. {}","type":null,"language":null,"languages":[],"iswcs":[],"disambiguation":"","attributes":[],"aliases":[],"relations":[{{"type":"parts","type-id":"ca8d3642-ce5f-49f8-91f2-125d72524e6a","direction":"backward","target-type":"work","ordering-key":{},"attributes":[],"work":{{"id":"{}","title":"x"}}}}]}})",
                         id, words.capital(words.word()), roman_text(part), kTempi[words.below(8)], part, parent);
      out << line << '\n';
      continue;
    }
    // A composer of many works is met more often.
    const double skew = static_cast<double>(words.below(1'000'000)) / 1e6;
    const auto composer = static_cast<std::uint64_t>(skew * skew * static_cast<double>(composers));
    const std::string name = words.composer(composer);
    const int opus = static_cast<int>(1 + words.below(180)), number = static_cast<int>(1 + words.below(6));
    std::string title, spoken;
    if (words.chance(0.5)) {
      title = words.capital(words.word()) + " " + words.word() + (words.chance(0.5) ? " " + words.word() : "");
      spoken = title;
      if (words.chance(0.3)) title += fmt::format(", op. {}", opus);
    } else {
      const std::string key = kKeys[words.below(12)];
      const std::string form = kForms[words.below(12)], medium = kMedia[words.below(8)];
      title = fmt::format("{} {} no. {} in {}, op. {} no. {}", form, medium, words.below(20) + 1, key, opus, number);
      spoken = title;
    }
    line = fmt::format(R"({{"id":"{}","title":"{}","type":"Sonata","language":"zxx","languages":["zxx"],"iswcs":[],"disambiguation":"","attributes":[],"aliases":[],"relations":[{{"type":"composer","type-id":"d59d99ea-23d4-4a80-b066-edca32ee158f","direction":"backward","target-type":"artist","begin":null,"end":"{}","ended":true,"attributes":[],"artist":{{"id":"{:08x}-1111-4111-8111-111111111111","name":"{}","sort-name":"{}","disambiguation":"","type":"Person"}}}}]}})",
                       id, title, 1700 + words.below(300), composer, name, name);
    out << line << '\n';
    if (truths.size() < wanted && words.chance(2.0 * static_cast<double>(wanted) / static_cast<double>(works))) {
      std::string typed = words.chance(0.8) ? name.substr(name.find(' ') + 1) + ": " + spoken : spoken;
      if (words.chance(0.2)) std::transform(typed.begin(), typed.end(), typed.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
      truths.push_back({id, std::move(typed)});
    }
    if (words.chance(0.12)) parts_left = 2 + static_cast<int>(words.below(3)), part = 0, parent = id;
  }
  return truths;
}

void print(std::string_view name, std::vector<double> times, std::size_t right) {
  if (times.empty()) return fmt::print("{:<28} no titles\n", name);
  double total = 0;
  for (const double each : times) total += each;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) { return 1e6 * times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))]; };
  const double count = static_cast<double>(times.size());
  fmt::print("{:<28} {:>9.0f}/s   median {:>8.0f} us   p99 {:>8.0f} us   right {:>5.1f} %   of {} titles\n", name, count / total, at(0.5), at(0.99), 100.0 * static_cast<double>(right) / count, times.size());
}

template <class Find>
void measure(std::string_view name, std::span<const Truth> truths, const std::unordered_map<std::string, std::string>& ids, Find find) {
  std::vector<double> times;
  std::size_t right = 0;
  for (const Truth& each : truths) {
    const double start = thread_cpu();
    const std::string found = find(each.title);
    times.push_back(thread_cpu() - start);
    right += found == ids.at(each.key);
  }
  print(name, std::move(times), right);
}

int memory_now() {
  std::ifstream status("/proc/self/status");
  int anonymous = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) anonymous = std::atoi(line.c_str() + 8) / 1024;
  }
  return anonymous;
}

/// Titles of all works in FTS5, in a file.
class FullText {
 public:
  explicit FullText(const std::filesystem::path& path, Store& store) {
    sqlite3_open(path.c_str(), &database_);
    sqlite3_exec(database_, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE VIRTUAL TABLE works USING fts5(text, tokenize=\"unicode61 remove_diacritics 2\"); BEGIN", nullptr, nullptr, nullptr);
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(database_, "INSERT INTO works(text) VALUES (?)", -1, &insert, nullptr);
    std::unordered_map<std::string, std::string> names;
    for (std::string after;;) {
      const auto works = store.shown_works(Store::Which::wholes, after, 4096);
      if (!works || works->empty()) break;
      after = works->back().id;
      std::vector<std::string> composers;
      for (const ShownWork& each : *works) {
        if (!names.contains(each.composer)) composers.push_back(each.composer);
      }
      const auto more = store.names(composers);
      if (more) names.insert(more->begin(), more->end());
      for (const ShownWork& each : *works) {
        const std::string text = names[each.composer] + " " + each.title;
        sqlite3_bind_text(insert, 1, text.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        ids_.push_back(each.id);
        scan_.add(text);
      }
    }
    sqlite3_finalize(insert);
    sqlite3_exec(database_, "COMMIT; INSERT INTO works(works) VALUES('optimize')", nullptr, nullptr, nullptr);
    sqlite3_prepare_v2(database_, "SELECT rowid FROM works WHERE works MATCH ? ORDER BY rank LIMIT 1", -1, &select_, nullptr);
  }
  FullText(const FullText&) = delete;
  FullText& operator=(const FullText&) = delete;
  ~FullText() {
    sqlite3_finalize(select_);
    sqlite3_close(database_);
  }
  std::string find(const std::string& title) {
    const std::string words = any_word_of(title);
    std::string found;
    sqlite3_bind_text(select_, 1, words.c_str(), -1, SQLITE_TRANSIENT);
    if (sqlite3_step(select_) == SQLITE_ROW) found = ids_[static_cast<std::size_t>(sqlite3_column_int64(select_, 0) - 1)];
    sqlite3_reset(select_);
    return found;
  }
  /// The text nearest by Levenshtein's distance in proportion to its length.
  std::string scan(const std::string& title) { return ids_[scan_.find(title)]; }

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
  std::vector<std::string> ids_;
  LevenshteinScan scan_;
};

int failed(const Error& error) {
  fmt::print(stderr, "ariascribe_catalogue_bench: {}\n", error.message);
  return 1;
}

int run(std::size_t works, std::size_t queries) {
  const TestDirectory directory;
  const auto dump = directory / "work", database = directory / "catalogue.sqlite";
  const auto truths = make_dump(dump, works, queries);
  fmt::print("{} works in {} MB of JSON\n", works, std::filesystem::file_size(dump) >> 20);
  auto store = Store::open(database.string());
  if (!store) return failed(store.error());
  Timer importing;
  const auto imported = import_file(**store, {"musicbrainz", dump, {}, "", ""}, {});
  if (!imported) return failed(imported.error());
  fmt::print("import            {}; {} MB in SQLite, {} problems\n", importing.text(), std::filesystem::file_size(database) >> 20, imported->problems);
  auto repertoire = Repertoire::embedded();
  if (!repertoire) return failed(repertoire.error());
  Timer indexing;
  const auto indexed = update_index(**store, *repertoire, directory.path());
  if (!indexed) return failed(indexed.error());
  fmt::print("index             {}; {} works, {} MB\n", indexing.text(), indexed->works, std::filesystem::file_size(IndexPaths(directory.path()).works) >> 20);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  fmt::print("most memory so far {} MB\n", used.ru_maxrss / 1024);
  std::unordered_map<std::string, std::string> ids;
  for (const Truth& each : truths) {
    const auto found = (*store)->get("musicbrainz-work:" + each.key);
    if (!found) return failed(found.error());
    ids.emplace(each.key, found->id);
  }
  const int before = memory_now();
  Timer loading;
  auto stored = map_works(directory.path(), *repertoire);
  if (!stored) return failed(stored.error());
  const Matcher matcher(*repertoire, *stored);
  fmt::print("loading           {}; {} MB of memory of its own, the rest is mapped\n", loading.text(), memory_now() - before);
  const auto identify = [&](const std::string& title) {
    TrackInput input;
    input.title = title;
    return matcher.identify(input).work_id;
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(truths.size(), 200); ++i) identify(truths[i].title);  // the first pages come from disk
  measure("ariascribe, all fields", truths, ids, identify);
  FullText full_text(directory / "fts", **store);
  const std::span<const Truth> all(truths);
  measure("SQLite FTS5, best rank", all.first(std::min<std::size_t>(all.size(), 40)), ids, [&](const std::string& title) { return full_text.find(title); });
  measure("Levenshtein, all works", all.first(std::min<std::size_t>(all.size(), 5)), ids, [&](const std::string& title) { return full_text.scan(title); });
  // A few works more: what a running catalogue pays.
  std::vector<Record> more(1000);
  const auto source = (*store)->source("more", "CC0-1.0");
  if (!source) return failed(source.error());
  for (std::size_t i = 0; i < more.size(); ++i) {
    more[i].refs = {{"more", std::to_string(i)}};
    more[i].say("title", "Further piece " + std::to_string(i));
  }
  if (const auto written = (*store)->write(more, *source); !written) return failed(written.error());
  const auto shipped = Repertoire::embedded();
  Timer updating;
  const auto updated = update_index(**store, *shipped, directory.path());
  if (!updated) return failed(updated.error());
  fmt::print("1,000 works more  {}\n", updating.text());
  return 0;
}

std::size_t number(const char* word, std::size_t most) {
  std::size_t value = 0;
  const std::string_view text = word;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ptr != text.data() + text.size() || value == 0 || value > most) return 0;
  return value;
}

}  // namespace
}  // namespace ghost::ariascribe

int main(int count, char** words) {
  const std::size_t works = count > 1 ? ghost::ariascribe::number(words[1], 20'000'000) : 2'000'000, queries = count > 2 ? ghost::ariascribe::number(words[2], 1'000'000) : 5000;
  if (works == 0 || queries == 0) {
    fmt::print(stderr, "ariascribe_catalogue_bench [WORKS (1 to 20,000,000) [QUERIES (1 to 1,000,000)]]\n");
    return 2;
  }
  return ghost::ariascribe::run(works, queries);
}
