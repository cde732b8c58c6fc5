#include "ariascribe/title.h"

#include <gtest/gtest.h>

#include "ariascribe/asides.h"

namespace ghost::ariascribe {
namespace {

Repertoire two_composers() {
  const std::vector<RepertoireFile> files = {
      {"composers.txt", "bach-js | Johann Sebastian Bach | 1685-1750 | baroque | Иоганн Себастьян Бах | bwv\nbach-cpe | Carl Philipp Emanuel Bach | 1714-1788 | classical | | wq\n"
                        "vw | Ralph Vaughan Williams | 1872-1958 | modern | |\nhandel | George Frideric Handel | 1685-1759 | baroque | Georg Friedrich Händel | hwv\nfield | John Field | 1782-1837 | romantic | |\n"},
      {"works/bach-js.txt", "Partita No. 1 | bwv:825 | Bb major | | piano | suite |\n"}};
  auto read = Repertoire::parse(files);
  EXPECT_TRUE(read) << read.error().message;
  return std::move(*read);
}

class Titles : public testing::Test {
 protected:
  Repertoire repertoire = two_composers();
  ComposerNames names{repertoire};
  ParsedTitle parsed(std::string_view text) { return parse_title(text, names); }
  std::string first(std::string_view name) {
    const auto matches = names.resolve(name);
    return matches.empty() ? "" : repertoire.composer(matches.front().composer).id;
  }
};

TEST_F(Titles, NamesOfComposersInAnyShape) {
  for (const std::string_view name : {"Bach", "J. S. Bach", "Bach, J.S.", "Bach, Johann Sebastian (1685-1750)", "JOHANN SEBASTIAN BACH", "И. С. Бах", "Johann S. Bach"}) EXPECT_EQ(first(name), "bach-js") << name;
  EXPECT_EQ(first("C. P. E. Bach"), "bach-cpe");
  EXPECT_EQ(first("Vaughan Williams"), "vw");
  EXPECT_EQ(first("Haendel"), "handel");
  EXPECT_EQ(first("Händel, Georg Friedrich"), "handel");
  EXPECT_EQ(first("P. D. Q. Bach"), "");
  EXPECT_EQ(first("Nobody"), "");
}

TEST_F(Titles, AreDividedIntoComposerWorkAndMovement) {
  const ParsedTitle title = parsed("Bach: Partita No. 1 in B-flat major, BWV 825: II. Allemande");
  EXPECT_EQ(title.composer_text, "Bach");
  EXPECT_EQ(title.work_text(), "Partita No. 1 in B-flat major, BWV 825");
  EXPECT_EQ(title.movement, (MovementText{2, "Allemande", false}));
  EXPECT_EQ(title.ordinal, 1);
}

TEST_F(Titles, AreDividedWhateverSeparates) {
  struct Row {
    std::string_view title, work;
    int number;
    std::string_view movement;
  };
  for (const Row& row : {Row{"Partita No. 1, BWV 825 - Gigue", "Partita No. 1, BWV 825", 0, "Gigue"}, Row{"Concerto No. 5 in E flat Op. 73, 'Emperor' - III: Rondo (Allegro)", "Concerto No. 5 in E flat Op. 73, 'Emperor'", 3, "Rondo (Allegro)"},
                         Row{"Partita in D minor BWV 1004 V. Ciaccona", "Partita in D minor BWV 1004", 5, "Ciaccona"}, Row{"Sonata in C K. 545 Allegro", "Sonata in C K. 545", 0, "Allegro"},
                         Row{"24 Preludes, Op. 28: No. 7 in A major", "24 Preludes, Op. 28", 7, ""}, Row{"Waltz No. 5, Op. 42 - \"Grande valse\"", "Waltz No. 5, Op. 42 - \"Grande valse\"", 0, ""},
                         Row{"2. Andante", "", 2, "Andante"}, Row{"Scherzo No. 2, Op. 31", "Scherzo No. 2, Op. 31", 0, ""}, Row{"Hob. XVI:50 / 2. Adagio", "Hob. XVI:50", 2, "Adagio"}}) {
    const ParsedTitle title = parsed(row.title);
    EXPECT_EQ(title.work_text(), row.work) << row.title;
    EXPECT_EQ(title.movement.number, row.number) << row.title;
    EXPECT_EQ(title.movement.name, row.movement) << row.title;
  }
}

TEST_F(Titles, ComposersThatStandBehindAreTakenOff) {
  EXPECT_EQ(parsed("Andantino in A flat (Handel)").composer_text, "Handel");
  EXPECT_EQ(parsed("Nocturne in E flat - John Field").composer_text, "John Field");
  EXPECT_EQ(parsed("Field of Roses").composer_text, "");
}

TEST_F(Titles, LoseAsides) {
  const WithoutAsides title = take_off_asides("Aria (Live) [Remastered 2011] (Town Orchestra feat. piano: A. B.) (arr. for organ by C. Dee)");
  EXPECT_EQ(title.text, "Aria    ");
  EXPECT_EQ(title.performers, "Town Orchestra feat. piano: A. B.");
  EXPECT_EQ(title.arranger, "C. Dee");
  EXPECT_EQ(take_off_asides("Rondo (Allegro)").text, "Rondo (Allegro)");
  EXPECT_EQ(take_off_asides("Sonata (").text, "Sonata (");
}

}  // namespace
}  // namespace ghost::ariascribe
