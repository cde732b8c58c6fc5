#include <algorithm>

#include "ariascribe/repertoire.h"
#include "ariascribe/repertoire_lines.h"

namespace ghost::ariascribe {

namespace {

/// A work may come out this many years after its composer's death.
constexpr int kPosthumous = 100;

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
    for (const CatalogueNumber& number : work.catalogue) {
      const auto [other, fresh] = seen.emplace(number.text(), line);
      // Arrangements and revisions by the composer share a number; under the same title it is a slip.
      if (!fresh && titles_[other->second] == work.title) found_.push_back(where + number.text() + " stands in line " + std::to_string(other->second) + " too");
    }
    titles_[line] = work.title;
    const Composer& composer = repertoire_.composer_of(work);
    if (work.year != 0 && composer.born != 0 && (work.year < composer.born + 3 || (composer.died != 0 && work.year > composer.died + kPosthumous))) {
      found_.push_back(where + std::to_string(work.year) + " is not in the life of " + composer.name);
    }
    int expected = 1;
    for (const Movement& movement : work.movements) {
      if (movement.number != expected) {
        found_.push_back(where + "movement " + std::to_string(movement.number) + " where " + std::to_string(expected) + " should be");
        break;
      }
      ++expected;
    }
  }

  const Repertoire& repertoire_;
  std::vector<std::string> found_;
  std::map<std::size_t, std::string> titles_;
};

}  // namespace

std::vector<std::string> objections_to(std::span<const RepertoireFile> files) {
  const auto repertoire = Repertoire::parse(files);
  if (!repertoire) return {repertoire.error().message};
  std::vector<std::string> all;
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
