// Discs whose later tracks lost the work's name, made of the repertoire in the ways players and rippers lose it.
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "ariascribe/album.h"
#include "ariascribe/terms.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {
namespace {

/// What is left of the title of movement `m` behind the first of a work.
using Loss = std::string (*)(const Movement& m);
constexpr auto kLosses = std::to_array<Loss>({
    [](const Movement& m) { return std::to_string(m.number) + ". " + m.title; },
    [](const Movement& m) { return roman_text(m.number) + ". " + m.title; },
    [](const Movement& m) { return m.title; },
    [](const Movement& m) { return m.title.substr(0, m.title.find_first_of(",-(")); },  // only the tempo's beginning
    [](const Movement& m) { return std::to_string(m.number) + ". Satz"; },
    [](const Movement& m) { return fold(m.title) + " (Live)"; },
});

/// A disc: which work each track is of, and what is left of its title.
struct Disc {
  AlbumInput album;
  std::vector<const Work*> works;
  std::vector<int> numbers;
};

class AlbumsThatLostNames : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    repertoire = new Repertoire(std::move(*Repertoire::embedded()));
    matcher = new Matcher(*repertoire);
  }
  static void TearDownTestSuite() {
    delete matcher;
    delete repertoire;
  }

  /// Works in movements with tempos and a number or a key: what discs are made of.
  static std::vector<const Work*> works_in_movements() {
    std::vector<const Work*> found;
    for (const Work& work : repertoire->works()) {
      const bool named = !work.key.empty() || !work.catalogue.empty();
      if (!named || work.movements.size() < 3 || work.movements.size() > 6) continue;
      bool whole = true;
      for (std::size_t i = 0; i < work.movements.size(); ++i) {
        const auto words = tokenise(normalised(work.movements[i].title));
        whole &= work.movements[i].number == static_cast<int>(i) + 1 && !words.empty() && begins_movement(words.front().text);
      }
      if (whole) found.push_back(&work);
    }
    return found;
  }
  static Disc disc_of(std::span<const Work* const> works, Loss loss) {
    Disc disc;
    for (const Work* work : works) {
      for (const Movement& each : work->movements) {
        const bool first = each.number == 1;
        disc.album.tracks.emplace_back().title = first ? repertoire->composer_of(*work).name + ": " + work->full_title() + ": I. " + each.title : loss(each);
        disc.works.push_back(work);
        disc.numbers.push_back(each.number);
      }
    }
    return disc;
  }
  struct Rights {
    double work = 0, number = 0, all = 0;
    std::string wrong;
  };
  static void judge(const Disc& disc, Rights& rights) {
    const auto found = identify_album(*matcher, disc.album);
    for (std::size_t i = 0; i < found.size(); ++i) {
      ++rights.all;
      const bool work = found[i].work_id == disc.works[i]->id, number = found[i].movement_no == disc.numbers[i];
      rights.work += work;
      rights.number += number;
      if (!work || !number) rights.wrong += disc.works[i]->id + " " + std::to_string(disc.numbers[i]) + " '" + disc.album.tracks[i].title + "' is " + found[i].work_id + " " + std::to_string(found[i].movement_no) + "\n";
    }
  }

  static inline Repertoire* repertoire = nullptr;
  static inline Matcher* matcher = nullptr;
};

TEST_F(AlbumsThatLostNames, AreToldWorkByWork) {
  const auto works = works_in_movements();
  ASSERT_GT(works.size(), 300u);
  for (std::size_t k = 0; k < kLosses.size(); ++k) {
    SCOPED_TRACE(k);
    Rights rights;
    // Discs of one to three works that are far from each other in the repertoire.
    const std::size_t stride = works.size() / 3;
    for (std::size_t at = k; at < stride; at += 61) {
      const std::array<const Work*, 3> three = {works[at], works[at + stride], works[at + 2 * stride]};
      judge(disc_of(std::span(three).first(1 + at % 3), kLosses[k]), rights);
    }
    RecordProperty(std::to_string(k), std::to_string(rights.work / rights.all) + " " + std::to_string(rights.number / rights.all));
    EXPECT_GT(rights.work / rights.all, 0.97) << rights.wrong;
    EXPECT_GT(rights.number / rights.all, 0.97) << rights.wrong;
  }
}

TEST_F(AlbumsThatLostNames, OfOneComposerOneAfterTheOther) {
  // Neighbours in the repertoire: sonatas of one composer, alike in form and tempos.
  const auto works = works_in_movements();
  Rights rights;
  for (std::size_t at = 0; at + 3 < works.size(); at += 97) judge(disc_of(std::span(works).subspan(at, 3), kLosses[at % kLosses.size()]), rights);
  RecordProperty("neighbours", std::to_string(rights.work / rights.all) + " " + std::to_string(rights.number / rights.all));
  EXPECT_GT(rights.work / rights.all, 0.97) << rights.wrong;
  EXPECT_GT(rights.number / rights.all, 0.97) << rights.wrong;
}

}  // namespace
}  // namespace ghost::ariascribe
