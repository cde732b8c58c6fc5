// What people type: a surname, a form and a number, in any order and case. The titles are made of the repertoire itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <span>

#include "ariascribe/matcher.h"

namespace ghost::ariascribe {
namespace {

struct NumberedWork {
  const Work* work;
  std::string surname, form;
  int number;
};

std::string in_small_letters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}
std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

class ShortTitles : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    repertoire = new Repertoire(std::move(*Repertoire::embedded()));
    matcher = new Matcher(*repertoire);
  }
  static void TearDownTestSuite() {
    delete matcher;
    delete repertoire;
  }
  static Identification title(const std::string& text) {
    TrackInput input;
    input.title = text;
    return matcher->identify(input);
  }

  /// "Symphony No. 4" and its like, once where a composer has it once, of composers whose surname means nobody else.
  static std::vector<NumberedWork> numbered_works() {
    const ComposerNames names(*repertoire);
    std::map<std::pair<ComposerIndex, std::string>, int> said;
    for (const Work& work : repertoire->works()) ++said[{work.composer, work.title}];
    std::vector<NumberedWork> found;
    for (const Work& work : repertoire->works()) {
      const std::size_t at = work.title.rfind(" No. ");
      if (at == std::string::npos || at + 5 >= work.title.size() || said[{work.composer, work.title}] > 1) continue;
      const std::string digits = work.title.substr(at + 5);
      if (!std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); }) || digits.size() > 3) continue;
      // Forms every composer counts from 1: a "Hungarian Dance" is a member of a set, with a number of the set's.
      const std::string form = work.title.substr(0, at);
      if (!form.ends_with("Symphony") && !form.ends_with("Concerto") && !form.ends_with("Sonata") && !form.ends_with("Quartet") && !form.ends_with("Quintet") && !form.ends_with("Trio")) continue;
      const std::string& name = repertoire->composer_of(work).name;
      const std::string surname = name.substr(name.rfind(' ') + 1);
      const auto whose = names.resolve(surname);
      if (whose.empty() || whose.front().composer != work.composer || whose.front().certainty < 0.9) continue;
      found.push_back({&work, surname, form, std::stoi(digits)});
    }
    return found;
  }

  struct Counted {
    double composers = 0, works = 0, applied = 0, wrongly_applied = 0;
  };
  static Counted shares(std::span<const NumberedWork> works, const std::function<std::string(const NumberedWork&)>& said) {
    Counted count;
    for (const NumberedWork& each : works) {
      const Identification found = title(said(each));
      const bool right = found.work_id == each.work->id;
      count.composers += found.composer == repertoire->composer_of(*each.work).name;
      count.works += right;
      count.applied += found.band == Band::apply;
      count.wrongly_applied += found.band == Band::apply && !right;
    }
    const auto all = static_cast<double>(works.size());
    return {count.composers / all, count.works / all, count.applied / all, count.wrongly_applied};
  }

  static inline Repertoire* repertoire = nullptr;
  static inline Matcher* matcher = nullptr;
};

TEST_F(ShortTitles, OfAnyComposerInAnyOrderAndCase) {
  const auto works = numbered_works();
  ASSERT_GT(works.size(), 500u);
  using W = const NumberedWork&;
  const std::vector<std::pair<std::string, std::function<std::string(W)>>> shapes = {
      {"Mahler Symphony 2", [](W w) { return w.surname + " " + w.form + " " + std::to_string(w.number); }},
      {"mahler symphony 2", [](W w) { return in_small_letters(w.surname + " " + w.form + " " + std::to_string(w.number)); }},
      {"mahler symphony no. 2", [](W w) { return in_small_letters(w.surname + " " + w.form + " no. " + std::to_string(w.number)); }},
      {"MAHLER SYMPHONY NR. 2", [](W w) { return in_capitals(w.surname + " " + w.form + " Nr. " + std::to_string(w.number)); }},
      {"symphony 2 mahler", [](W w) { return in_small_letters(w.form + " " + std::to_string(w.number) + " " + w.surname); }},
      {"Symphony № 2 (Mahler)", [](W w) { return w.form + " № " + std::to_string(w.number) + " (" + w.surname + ")"; }},
      {"Mahler Symphony II", [](W w) { return w.surname + " " + w.form + " " + in_capitals(roman_text(w.number)); }},
      {"Mahler's Symphony #2", [](W w) { return w.surname + "'s " + w.form + " #" + std::to_string(w.number); }},
      {"mahler no. 2 symphony", [](W w) { return in_small_letters(w.surname + " no. " + std::to_string(w.number) + " " + w.form); }},
      {"Mahler 2. Symphony", [](W w) { return w.surname + " " + std::to_string(w.number) + ". " + w.form; }},
  };
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    // Every work in one of the shapes, every composer in most of them.
    std::vector<NumberedWork> some;
    for (std::size_t k = i; k < works.size(); k += shapes.size()) some.push_back(works[k]);
    const Counted count = shares(some, shapes[i].second);
    SCOPED_TRACE(shapes[i].first);
    EXPECT_GT(count.composers, 0.98);
    EXPECT_GT(count.works, 0.95);
    EXPECT_GT(count.applied, 0.84);
    EXPECT_EQ(count.wrongly_applied, 0);
  }
}

TEST_F(ShortTitles, InOtherLanguages) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"mahler symphony 2", "mahler/symphony-no-2"}, {"Mahlers zweite Sinfonie", "mahler/symphony-no-2"}, {"Малер: Симфония № 2", "mahler/symphony-no-2"},
      {"Симфония № 2 Малера", "mahler/symphony-no-2"}, {"Вторая симфония Малера", "mahler/symphony-no-2"}, {"Mahler - 2ème symphonie", "mahler/symphony-no-2"},
      {"Mahler, Sinfonia n. 2", "mahler/symphony-no-2"}, {"Symphonie n° 2 de Mahler", "mahler/symphony-no-2"}, {"Mahler: Sinfonía núm. 2", "mahler/symphony-no-2"},
      {"Beethovens neunte Sinfonie", "beethoven/op-125"}, {"Beethoven 5th", ""}, {"Шостакович Симфония 5", "shostakovich/op-47"}, {"Симфония № 5 Чайковского", "tchaikovsky/op-64"},
      {"brahms klavierkonzert 2", "brahms/op-83"}, {"Rachmaninoff 2. Klavierkonzert", "rachmaninoff/op-18"}, {"field piano concerto no. 2", "field/h-31"}};
  for (const auto& [text, id] : rows) EXPECT_EQ(title(text).work_id, id) << text;
}

TEST_F(ShortTitles, WordsThatAreNoNamesHere) {
  // Surnames among them: Pärt, Field, Berg, Wolf, Bach (a brook), German.
  for (const std::string text : {"part 2", "field recording 3", "berg und tal", "am bach", "the wolf song", "german dance no. 3", "Variations on a Theme of Haydn", "young at heart 2"}) {
    const Identification found = title(text);
    EXPECT_TRUE(found.band != Band::apply || found.composer != "") << text;
    EXPECT_LT(found.confidence("composer"), 0.97) << text;
  }
}

}  // namespace
}  // namespace ghost::ariascribe
