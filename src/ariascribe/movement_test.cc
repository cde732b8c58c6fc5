#include "ariascribe/movement.h"

#include <gtest/gtest.h>

namespace ghost::ariascribe {
namespace {

struct Row {
  std::string_view text;
  int number;
  std::string_view name;
};
class Movements : public testing::TestWithParam<Row> {};
TEST_P(Movements, LoseTheirNumber) {
  const MovementText found = parse_movement(GetParam().text);
  EXPECT_EQ(found.number, GetParam().number) << GetParam().text;
  EXPECT_EQ(found.name, GetParam().name) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(Numbers, Movements,
                         testing::Values(Row{"II. Adagio", 2, "Adagio"}, Row{"2. Andante", 2, "Andante"}, Row{"2 Andante", 2, "Andante"}, Row{"III: Rondo (Allegro)", 3, "Rondo (Allegro)"},
                                         Row{"IV Finale", 4, "Finale"}, Row{"I. Allegro - II. Adagio", 1, "Allegro - II. Adagio"}, Row{"2nd movement: Largo", 2, "Largo"}, Row{"3. Satz", 3, ""},
                                         Row{"2ème mouvement - Lent", 2, "Lent"}, Row{"Finale (Presto) (mvt 4)", 4, "Finale (Presto)"}, Row{"first movement", 1, ""}, Row{"Allegro", 0, "Allegro"}));
INSTANTIATE_TEST_SUITE_P(Members, Movements,
                         testing::Values(Row{"No. 7 in A major", 7, ""}, Row{"Prélude No. 17 in A-flat major. Allegretto", 17, "Allegretto"}, Row{"No. 1, Noctuelles", 1, "Noctuelles"},
                                         Row{"Nr. 3 Träumerei", 3, "Träumerei"}, Row{"Variation 5", 5, "Variation"}, Row{"Étude No. 3", 3, "Étude"}));
INSTANTIATE_TEST_SUITE_P(NoNumber, Movements,
                         testing::Values(Row{"Com'è gentil", 0, "Com'è gentil"}, Row{"Act II, Scene 3", 0, "Act II, Scene 3"}, Row{"D'amour l'ardente flamme", 0, "D'amour l'ardente flamme"}, Row{"", 0, ""},
                                         Row{"- ", 0, ""}, Row{"999999999999", 0, "999999999999"}));

TEST(MovementLikeness, SeesThroughLanguagesAndPunctuation) {
  EXPECT_DOUBLE_EQ(movement_likeness("Menuetto: Allegretto", "Minuet (Allegretto)"), 1);
  EXPECT_LT(movement_likeness("Allegro", "Andante"), 0.1);
  EXPECT_GT(movement_likeness("Rondo. Allegro", "Rondo: Allegro ma non troppo"), 0.5);
}

TEST(MovementNames, OfOneTrackAreCutAtDashesAndSlashes) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(movement_names("Allegro - Largo e cantabile - Allegro"), (Names{"Allegro", "Largo e cantabile", "Allegro"}));
  EXPECT_EQ(movement_names("Allegro/Largo/Allegro"), (Names{"Allegro", "Largo", "Allegro"}));
  EXPECT_EQ(movement_names("Adagio (con moto / rubato)"), (Names{"Adagio (con moto / rubato)"}));
  EXPECT_EQ(movement_names("Vivace non-troppo"), (Names{"Vivace non-troppo"}));
  EXPECT_TRUE(movement_names(" - /").empty());
}

}  // namespace
}  // namespace ghost::ariascribe
