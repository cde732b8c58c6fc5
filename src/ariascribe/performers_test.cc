#include "ariascribe/performers.h"

#include <gtest/gtest.h>

namespace ghost::ariascribe {
namespace {

Repertoire people() {
  const std::vector<RepertoireFile> files = {{"composers.txt", "x | Nobody Known | ? | modern |  | \n"},
                                             {"performers.txt", "Clara Muster | conductor | | C. Muster\nPaul Beispiel | soloist | cello |\n"
                                              "Lise Hochmann | soloist | soprano |\n"}};
  auto read = Repertoire::parse(files);
  EXPECT_TRUE(read) << read.error().message;
  return std::move(*read);
}

std::string text_of(const std::vector<Performer>& performers) {
  std::string all;
  for (const Performer& each : performers) all += (all.empty() ? "" : "; ") + each.name + "=" + each.role + (each.instrument.empty() ? "" : "/" + each.instrument);
  return all;
}

class Performers : public testing::Test {
 protected:
  Repertoire repertoire = people();
  PerformerParser parser{repertoire};
};

TEST_F(Performers, GroupsAreKnownByTheirWords) {
  EXPECT_EQ(group_role("Muster Philharmonic"), "orchestra");
  EXPECT_EQ(group_role("Beispiel Symphony Chorus"), "choir");
  EXPECT_EQ(group_role("Das Musterquartett"), std::nullopt);
  EXPECT_EQ(group_role("Muster Quartet"), "ensemble");
  EXPECT_EQ(group_role("Orquesta de Ejemplo"), "orchestra");
  EXPECT_EQ(group_role("Paul Beispiel"), std::nullopt);
}

TEST_F(Performers, AreKnownByTheirSurnameWhereOneAloneIsCalledSo) {
  ASSERT_NE(parser.meant("Muster"), nullptr);
  EXPECT_EQ(parser.meant("C. Muster")->name, "Clara Muster");
  EXPECT_EQ(parser.meant("Muster, Peter"), nullptr);
  EXPECT_EQ(parser.meant("P. Muster"), nullptr);
}

TEST_F(Performers, WithASopranosFirstNameDoNotConductWhereAnotherMay) {
  auto who = parser.parse_artists("Town Orchestra; Bo Ek; Lise Ahorn");
  parser.complete(who, "soprano, orchestra", "song cycle");
  EXPECT_EQ(text_of(who), "Town Orchestra=orchestra; Bo Ek=conductor; Lise Ahorn=soloist/soprano");
}

TEST_F(Performers, OfAFeatClauseHaveTheRolesItSays) {
  EXPECT_EQ(text_of(parser.parse_clause("The Town Orchestra feat. conductor: Ann Lee, violins: Bo Ek and Cy Fox")),
            "Town Orchestra=orchestra; Ann Lee=conductor; Bo Ek=soloist/violin; Cy Fox=soloist/violin");
  EXPECT_EQ(text_of(parser.parse_clause("feat. klavier: Peter Muster")), "Peter Muster=soloist/piano");
  EXPECT_EQ(text_of(parser.parse_clause("Town Symphony feat. conductor Ann Lee")), "Town Symphony=orchestra; Ann Lee=conductor");
  EXPECT_EQ(text_of(parser.parse_clause("feat. mezzo-soprano: Ann Lee, bass: Bo Ek")), "Ann Lee=soloist/mezzo-soprano; Bo Ek=soloist/bass");
}

TEST_F(Performers, OfAnArtistTagAreSeparatedAndTurnedRound) {
  EXPECT_EQ(text_of(parser.parse_artists("Lee, Ann / Town Philharmonic / Ek, Bo van")), "Ann Lee=; Town Philharmonic=orchestra; Bo van Ek=");
  EXPECT_EQ(text_of(parser.parse_artists("Ann Lee, piano; Bo Ek (violin)")), "Ann Lee=soloist/piano; Bo Ek=soloist/violin");
  EXPECT_EQ(text_of(parser.parse_artists("Ann Lee & Bo Ek")), "Ann Lee=; Bo Ek=");
  EXPECT_EQ(text_of(parser.parse_artists("Lee, Ann")), "Ann Lee=");
  EXPECT_EQ(text_of(parser.parse_artists("Chorus and Orchestra of the Town Opera")), "Chorus and Orchestra of the Town Opera=choir");
}

TEST_F(Performers, WithoutARoleGetTheOneThatFits) {
  auto three = parser.parse_artists("Paul Beispiel / Town Philharmonic / Muster, Clara");
  parser.complete(three, "cello, orchestra", "concerto");
  EXPECT_EQ(text_of(three), "Paul Beispiel=soloist/cello; Town Philharmonic=orchestra; Clara Muster=conductor");

  auto pianist = parser.parse_artists("Ann Lee");
  parser.complete(pianist, "piano", "sonata");
  EXPECT_EQ(text_of(pianist), "Ann Lee=soloist/piano");

  auto duo = parser.parse_artists("Ann Lee, Bo Ek");
  parser.complete(duo, "violin, piano", "sonata");
  EXPECT_EQ(text_of(duo), "Ann Lee=soloist/violin; Bo Ek=soloist/piano");
}

}  // namespace
}  // namespace ghost::ariascribe
