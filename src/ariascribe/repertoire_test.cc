#include "ariascribe/repertoire.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace ghost::ariascribe {
namespace {

std::vector<RepertoireFile> small(std::string works) {
  return {{"composers.txt", "# id | name\nmuster | Anna Muster | 1800-1850 | romantic | A. Muster, Муштер | op, woo\n"}, {"works/muster.txt", std::move(works)}};
}

TEST(Repertoire, ReadsComposersWorksAndMovements) {
  const auto read = Repertoire::parse(small("# hers\nPiano Sonata No. 2 | op:10/2, woo:3 | Eb major | 1829-1830 | piano | sonata | The Clock, Die Uhr\n  1 Allegro | Eb major\n  2 Rondo\n"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->works().size(), 1u);
  const Work& work = read->works()[0];
  EXPECT_EQ(work.full_title(), "Piano Sonata No. 2 in E-flat major, Op. 10 No. 2, WoO 3");
  EXPECT_EQ(work.year, 1830);
  EXPECT_EQ(work.also, (std::vector<std::string>{"The Clock", "Die Uhr"}));
  ASSERT_EQ(work.movements.size(), 2u);
  EXPECT_EQ(work.movements[1].title, "Rondo");
  EXPECT_EQ(read->find("muster/op-10-2"), &work);
  EXPECT_EQ(read->composer_of(work).born, 1800);
}

TEST(Repertoire, NamesFileAndLineOfWhatItCannotRead) {
  for (const auto& [works, told] : std::vector<std::pair<std::string, std::string>>{
           {"Sonata | op10 | | | piano | sonata\n", "works/muster.txt:1"},
           {"\n\nSonata | op:1 | Es-Dur | | piano | sonata\n", "works/muster.txt:3"},
           {"  1 Allegro\n", "before any work"},
           {"Sonata | op:1\n", "title | catalogue"},
           {"Sonata | op:1 | | soon | piano | sonata\n", "years"},
           {"Sonata | op:1 | | | piano | sonata\n  Allegro\n", "begins with its number"}}) {
    const auto read = Repertoire::parse(small(works));
    ASSERT_FALSE(read) << works;
    EXPECT_NE(read.error().message.find(told), std::string::npos) << read.error().message;
  }
}

TEST(Repertoire, ObjectsToNumbersTwiceGapsAndDatesOutsideALife) {
  const auto objections = objections_to(small("Sonata | op:1 | | 1700 | piano | sonata\n  1 Allegro\n  3 Rondo\nSonata | op:1 | | | piano | sonata\n"));
  ASSERT_EQ(objections.size(), 3u);
  EXPECT_NE(objections[0].find("works/muster.txt:1: 1700"), std::string::npos) << objections[0];
  EXPECT_NE(objections[1].find("movement 3 where 2"), std::string::npos) << objections[1];
  EXPECT_NE(objections[2].find("works/muster.txt:4: op:1"), std::string::npos) << objections[2];
}

TEST(Repertoire, ObjectsToNumbersOfNoCatalogueOfTheComposersAndToThoseUsedTwice) {
  const auto objections = objections_to(small("Sonata | bwv:1 | | | piano | sonata\nSonata | woo:2 | | | piano | sonata\nRondo | woo:2 | | | piano | rondo\n"));
  ASSERT_EQ(objections.size(), 2u);
  EXPECT_NE(objections[0].find("works/muster.txt:1: bwv is no catalogue of Anna Muster"), std::string::npos) << objections[0];
  EXPECT_NE(objections[1].find("works/muster.txt:3: woo:2 stands in line 2"), std::string::npos) << objections[1];
}

TEST(Repertoire, ObjectsToOneWorkInTwoLines) {
  const auto objections = objections_to(small("Barcarolle | | D major | | voices | duet | Süße Nacht\nSuße  nacht! | | | | voices | duet |\nBarcarolle | | F major | | voices | duet |\nBarcarolle | | | | piano | piece |\n"
                                              "Già vieni | op:3 | A minor | | voice | aria |\nGià vieni, o cara | | A minor | | voice | aria |\nO cara | | A minor | | voice | aria |\nO cara, dormi | | A minor | | voice | aria |\n"));
  ASSERT_EQ(objections.size(), 2u);
  EXPECT_NE(objections[0].find("works/muster.txt:2: 'Suße  nacht!' stands in line 1"), std::string::npos) << objections[0];
  EXPECT_NE(objections[1].find("works/muster.txt:8: 'O cara, dormi' stands in line 7"), std::string::npos) << objections[1];
}

TEST(Repertoire, ReadsMovementsThatTheScoreLeavesWithoutANumber) {
  const auto files = small("Suite | op:1 | | | piano | suite\n  - Intrada\n  1 Gavotte\n  - Intrada\n  2 Gigue\n");
  const auto read = Repertoire::parse(files);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->works()[0].movements.size(), 4u);
  EXPECT_EQ(read->works()[0].movements[0].title, "Intrada");
  EXPECT_EQ(read->works()[0].movements[0].number, 0);
  EXPECT_EQ(read->works()[0].movement_count(), 2);
  EXPECT_EQ(objections_to(files).size(), 0u);
  EXPECT_EQ(objections_to(small("Suite | op:1 | | | piano | suite\n  1 Gavotte\n  - Intrada\n")).size(), 1u);
}

TEST(Repertoire, ObjectsToComposersAndPerformersThatCannotBe) {
  auto files = small("Sonata | op:1 | | | piano | sonata\n");
  files[0].text += "kurz | Karl Kurz | 1800-1809 | romantic | | op\n";
  files.push_back({"performers.txt", "A. Muster | soloist\nB. Muster | conductor\nB. Muster | conductor\n"});
  const auto objections = objections_to(files);
  ASSERT_EQ(objections.size(), 4u);
  EXPECT_NE(objections[0].find("Karl Kurz has no work"), std::string::npos) << objections[0];
  EXPECT_NE(objections[1].find("lived for 9 years"), std::string::npos) << objections[1];
  EXPECT_NE(objections[2].find("A. Muster plays nothing"), std::string::npos) << objections[2];
  EXPECT_NE(objections[3].find("B. Muster, conductor, stands there twice"), std::string::npos) << objections[3];
}

TEST(Repertoire, SaysWhereItIsFrom) {
  std::ifstream in(std::filesystem::path(GHOST_REPERTOIRE) / "SOURCE.md");
  const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (const std::string_view file : {"composers.txt", "works/", "performers.txt", "licence", "general knowledge"}) EXPECT_NE(source.find(file), std::string::npos) << file;
}

TEST(Repertoire, OfTheProgramHasNothingToObjectTo) {
  const std::filesystem::path folder = GHOST_REPERTOIRE;
  std::vector<RepertoireFile> files;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
    if (each.path().extension() != ".txt") continue;
    std::ifstream in(each.path(), std::ios::binary);
    files.push_back({std::filesystem::relative(each.path(), folder).generic_string(), {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  const auto objections = objections_to(files);
  for (std::size_t i = 0; i < std::min<std::size_t>(objections.size(), 30); ++i) ADD_FAILURE() << objections[i];

  const auto embedded = Repertoire::embedded(), read = Repertoire::parse(files);
  ASSERT_TRUE(embedded && read);
  EXPECT_EQ(embedded->works().size(), read->works().size());
  EXPECT_GE(read->composers().size(), 450u);
  EXPECT_GE(read->works().size(), 10'000u);
  EXPECT_GE(read->performers().size(), 2'500u);
}

}  // namespace
}  // namespace ghost::ariascribe
