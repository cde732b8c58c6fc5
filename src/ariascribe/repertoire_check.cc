#include <algorithm>
#include <set>

#include "ariascribe/repertoire.h"
#include "ariascribe/repertoire_lines.h"

namespace ghost::ariascribe {

namespace {

/// A work may come out this many years after its composer's death.
constexpr int kPosthumous = 100;
/// Lives of composers are at least and at most so many years long.
constexpr int kShortestLife = 15, kLongestLife = 110;

class Checker {
 public:
  explicit Checker(const Repertoire& repertoire) : repertoire_(repertoire) {}

  void check_file(const RepertoireFile& file, std::size_t& next) {
    std::string_view text = file.text;
    std::size_t line_number = 0;
    std::map<std::string, std::size_t> seen;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      ++line_number;
      if (trimmed(line).empty() || line.front() == '#' || line.front() == ' ' || line.front() == '\t') continue;
      check_work(repertoire_.works()[next++], file.path + ":" + std::to_string(line_number) + ": ", line_number, seen);
    }
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  void check_work(const Work& work, const std::string& where, std::size_t line, std::map<std::string, std::size_t>& seen) {
    const Composer& composer = repertoire_.composer_of(work);
    const std::size_t before = found_.size();
    for (const CatalogueNumber& number : work.catalogue) {
      // A code that composers.txt does not give is not read with this composer's name.
      if (std::find(composer.catalogues.begin(), composer.catalogues.end(), number.code) == composer.catalogues.end()) found_.push_back(where + number.code + " is no catalogue of " + composer.name + " in composers.txt");
      const auto [other, fresh] = seen.emplace(number.text(), line);
      // Arrangements and revisions by the composer share an opus; under the same title, or in a catalogue of works, it is a slip.
      if (!fresh && (number.code != "op" || titles_[other->second] == work.title)) found_.push_back(where + number.text() + " stands in line " + std::to_string(other->second) + " too");
    }
    titles_[line] = work.title;
    if (found_.size() == before) check_name(work, where, line);
    if (work.year != 0 && composer.born != 0 && (work.year < composer.born + 3 || (composer.died != 0 && work.year > composer.died + kPosthumous))) {
      found_.push_back(where + std::to_string(work.year) + " is not in the life of " + composer.name);
    }
    int expected = 1;
    if (!work.movements.empty() && work.movements.back().number == 0) found_.push_back(where + "the last movement has no number");
    for (const Movement& movement : work.movements) {
      if (movement.number == 0) continue;
      if (movement.number != expected) {
        found_.push_back(where + "movement " + std::to_string(movement.number) + " where " + std::to_string(expected) + " should be");
        break;
      }
      ++expected;
    }
  }

  struct Named {
    const Work* work = nullptr;
    std::size_t line = 0;
    std::vector<std::string> names;  ///< folded, the title first
  };

  /// One work under two names, or twice: neither of two alike is ever likely enough to be named.
  void check_name(const Work& work, const std::string& where, std::size_t line) {
    Named now{&work, line, {slug(work.title)}};
    for (const std::string& each : work.also) now.names.push_back(slug(each));
    for (const Named& other : named_) {
      if (!may_be_one(work, *other.work)) continue;
      if (is_called(now, other) || is_called(other, now) || goes_on(now, other) || goes_on(other, now)) found_.push_back(where + "'" + work.title + "' stands in line " + std::to_string(other.line) + " too");
    }
    named_.push_back(std::move(now));
  }
  /// Neither form nor key nor numbers tell them apart.
  static bool may_be_one(const Work& one, const Work& other) {
    const bool same_number = one.catalogue.empty() || other.catalogue.empty() || one.catalogue == other.catalogue;
    return one.form == other.form && same_number && (one.key.empty() || other.key.empty() || one.key == other.key);
  }
  static bool is_called(const Named& one, const Named& as) { return !as.names.front().empty() && std::find(one.names.begin(), one.names.end(), as.names.front()) != one.names.end(); }
  /// "Parto, parto, ma tu" of "Parto, parto": without numbers, of one key.
  static bool goes_on(const Named& longer, const Named& shorter) {
    const bool unnumbered = longer.work->catalogue.empty() && shorter.work->catalogue.empty();
    return unnumbered && !longer.work->key.empty() && longer.work->key == shorter.work->key && longer.names.front().starts_with(shorter.names.front() + "-");
  }

  const Repertoire& repertoire_;
  std::vector<std::string> found_;
  std::vector<Named> named_;  ///< the file's works so far
  std::map<std::size_t, std::string> titles_;
};

void check_composers(const Repertoire& repertoire, std::vector<std::string>& found) {
  std::set<std::string> names;
  for (const Composer& composer : repertoire.composers()) {
    const std::string where = "composers.txt: " + composer.name;
    if (!names.insert(composer.name).second) found.push_back(where + " stands there twice");
    if (composer.works == 0) found.push_back(where + " has no work here");
    const int years = composer.died - composer.born;
    if (composer.born != 0 && composer.died != 0 && (years < kShortestLife || years > kLongestLife)) found.push_back(where + " lived for " + std::to_string(years) + " years");
  }
}

void check_performers(const Repertoire& repertoire, std::vector<std::string>& found) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const KnownPerformer& each : repertoire.performers()) {
    const std::string where = "performers.txt: " + each.name;
    if (!seen.emplace(each.name, each.role + " " + each.instrument).second) found.push_back(where + ", " + each.role + ", stands there twice");
    if ((each.role == "soloist") == each.instrument.empty()) found.push_back(where + (each.instrument.empty() ? " plays nothing" : " is a " + each.role + " with an instrument"));
  }
}

}  // namespace

std::vector<std::string> objections_to(std::span<const RepertoireFile> files) {
  const auto repertoire = Repertoire::parse(files);
  if (!repertoire) return {repertoire.error().message};
  std::vector<std::string> all;
  check_composers(*repertoire, all);
  check_performers(*repertoire, all);
  std::size_t next = 0;
  for (const RepertoireFile& file : files) {
    if (!file.path.starts_with("works/")) continue;
    Checker checker(*repertoire);
    checker.check_file(file, next);
    for (std::string& each : checker.take()) all.push_back(std::move(each));
  }
  return all;
}

}  // namespace ghost::ariascribe
