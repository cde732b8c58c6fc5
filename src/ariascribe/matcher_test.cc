#include "ariascribe/matcher.h"

#include <gtest/gtest.h>

#include "ariascribe/album.h"
#include "ariascribe/knowledge_service.h"

namespace ghost::ariascribe {
namespace {

Repertoire shipped() {
  auto repertoire = Repertoire::embedded();
  EXPECT_TRUE(repertoire) << repertoire.error().message;
  return std::move(*repertoire);
}

class Identify : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    repertoire = new Repertoire(shipped());
    matcher = new Matcher(*repertoire);
  }
  static void TearDownTestSuite() {
    delete matcher;
    delete repertoire;
  }
  static Identification title(std::string text, std::string composer = "") {
    TrackInput input;
    input.title = std::move(text);
    input.composer = std::move(composer);
    return matcher->identify(input);
  }
  static inline Repertoire* repertoire = nullptr;
  static inline Matcher* matcher = nullptr;
};

TEST_F(Identify, AMessyTitleInCapitals) {
  const Identification found = title("BEETHOVEN - SONATA, PIANO, NO. 14, C SHARP MINOR, OP. 27/2: III. PRESTO AGITATO");
  EXPECT_EQ(found.composer, "Ludwig van Beethoven");
  EXPECT_EQ(found.work_id, "beethoven/op-27-2");
  EXPECT_EQ(found.key, "C# minor");
  EXPECT_EQ(found.movement_no, 3);
  EXPECT_EQ(found.band, Band::apply);
}

TEST_F(Identify, AWorkByItsNicknameAlone) {
  const Identification found = title("Moonlight Sonata");
  EXPECT_EQ(found.work_id, "beethoven/op-27-2");
  EXPECT_EQ(found.catalogue, (std::vector<std::string>{"op:27/2"}));
}

TEST_F(Identify, AMovementsNumberFromItsTempo) {
  const Identification found = title("Symphony No. 5 in C minor, Op. 67: Andante con moto", "L. v. Beethoven");
  EXPECT_EQ(found.movement_no, 2);
  EXPECT_EQ(found.movement_count, 4);
}

TEST_F(Identify, WithAReasonForEveryField) {
  const Identification found = title("Beethoven: Symphony No. 5 in C minor, Op. 67: I. Allegro con brio");
  for (const std::string_view field : {"composer", "work", "catalogue", "key", "movement_no", "movement"}) {
    EXPECT_GT(found.confidence(field), 0.9) << field;
  }
  for (const FieldReason& each : found.reasons) EXPECT_FALSE(each.reason.empty()) << each.field;
}

TEST_F(Identify, NothingWhereNothingIsSaid) {
  for (const std::string text : {"", "Track 7", "???", "\xff\xfe", "((((", "\"\"\""}) {
    const Identification found = title(text);
    EXPECT_NE(found.band, Band::apply) << text;
    EXPECT_EQ(found.work_id, "") << text;
  }
}

TEST_F(Identify, AComposerNobodyKnowsAsGiven) {
  const Identification found = title("Sonata in G", "Beispielmann, Karl Otto (1790-1850)");
  EXPECT_EQ(found.composer, "Karl Otto Beispielmann");
  EXPECT_EQ(found.work_id, "");
}

TEST_F(Identify, LongTextsInBoundedTime) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "Sonata No. 3 Op. (";
  EXPECT_NE(title(text).band, Band::apply);
  text.clear();
  for (int i = 0; i < 5000; ++i) text += "sonata piano ";
  EXPECT_NE(title(text).band, Band::apply);
}

TEST_F(Identify, TracksOfAnAlbumFromTheFirstOnes) {
  AlbumInput album;
  for (const std::string text : {"Beethoven: Piano Sonata No. 8 in C minor, Op. 13 'Pathétique': I. Grave - Allegro di molto e con brio", "2. Adagio cantabile", "Rondo: Allegro",
                                 "Beethoven: Piano Sonata No. 14 in C sharp minor, Op. 27 No. 2: I. Adagio sostenuto", "II. Allegretto", "III. Presto agitato"}) {
    TrackInput track;
    track.title = text;
    album.tracks.push_back(track);
  }
  const auto found = identify_album(*matcher, album);
  ASSERT_EQ(found.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(found[i].work_id, i < 3 ? "beethoven/op-13" : "beethoven/op-27-2") << i;
    EXPECT_EQ(found[i].movement_no, static_cast<int>(i % 3) + 1) << i;
  }
}

TEST_F(Identify, AnAlbumsUnknownWorkFromItsFirstTrack) {
  AlbumInput album;
  for (const std::string text : {"Karl Beispielmann: Sonata in G major, Op. 999: I. Allegro", "2. Adagio", "3. Presto"}) {
    TrackInput track;
    track.title = text;
    album.tracks.push_back(track);
  }
  const auto found = identify_album(*matcher, album);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[i].catalogue, (std::vector<std::string>{"op:999"})) << i;
    EXPECT_EQ(found[i].composer, "Karl Beispielmann") << i;
    EXPECT_EQ(found[i].movement_no, static_cast<int>(i) + 1);
    EXPECT_NE(found[i].band, Band::apply) << i;
  }
}

std::vector<Identification> album_of(const Matcher& matcher, const std::vector<std::string>& titles) {
  AlbumInput album;
  for (const std::string& text : titles) album.tracks.emplace_back().title = text;
  return identify_album(matcher, album);
}

TEST_F(Identify, AMovementsNumberFromItsNeighbours) {
  const auto found = album_of(*matcher, {"Karl Beispielmann: Sonata in G major, Op. 999: I. Allegro", "Adagio", "3. Presto", "Rondo"});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(found[i].movement_no, static_cast<int>(i) + 1) << i;
  EXPECT_EQ(found[1].catalogue, (std::vector<std::string>{"op:999"}));
}

TEST_F(Identify, WhatManyTracksRepeatIsNoProof) {
  // No work of anybody; that three tracks say it does not make it likelier.
  for (const Identification& each : album_of(*matcher, {"Partita No. 77 in G minor: I. Allemande", "Partita No. 77 in G minor: II. Courante", "Partita No. 77 in G minor: III. Gigue"})) {
    EXPECT_NE(each.band, Band::apply);
    EXPECT_EQ(each.work_id, "");
  }
}

TEST_F(Identify, AWordWithOneWrongLetter) { EXPECT_EQ(title("Schumann: Kinderscenen, Op. 15").work_id, title("Schumann: Kinderszenen, Op. 15").work_id); }

TEST_F(Identify, ANumberWhoseLetterWasLeftOut) {
  const Identification found = title("Mendelssohn: Lieder ohne Worte, Op. 19: 1. Andante con moto");
  EXPECT_EQ(found.work, "Lieder ohne Worte, Op. 19");  // as its number is told
  EXPECT_NE(found.work_id, "");
  EXPECT_EQ(found.composer, "Felix Mendelssohn");
}

TEST_F(Identify, AnothersNumberByTheOneInBrackets) {
  EXPECT_EQ(title("Sonata in A minor, K. 310 (300d)").composer, "Wolfgang Amadeus Mozart");
  EXPECT_EQ(title("Scarlatti: Sonata in B-flat major, K. 310").work_id, "scarlatti-d/k-310");
}

TEST_F(Identify, AMemberAsTheSetItIsOf) {
  const Identification found = title("Chopin: 24 Preludes, Op. 28: No. 20 in C minor");
  EXPECT_EQ(found.work_id, "chopin/op-28");
  EXPECT_EQ(found.catalogue, (std::vector<std::string>{"op:28/20"}));
  EXPECT_GT(found.confidence("work"), 0.99);  // the member of that number is no rival
  EXPECT_EQ(found.band, Band::apply);
}

TEST_F(Identify, AnOpusNumberAndACommonNameAsLittleProof) {
  TrackInput input;
  input.title = "Abendruhe im Gebirge";
  input.album = "6 Lieder, Op. 38";
  EXPECT_NE(matcher->identify(input).band, Band::apply);
  EXPECT_EQ(title("Four Pieces, Op. 9876").work_id, "");
}

TEST_F(Identify, AMembersNumberInItsName) { EXPECT_EQ(title("Franz Schubert: Ständchen, D. 957").work, "Ständchen in D minor, D. 957/4"); }

TEST_F(Identify, ANamePlayersBearTooAsUnsure) {
  EXPECT_LE(title("John Williams - Recuerdos de la Alhambra").confidence("composer"), 0.5);
  EXPECT_GT(title("John Williams - Schindler's List").confidence("composer"), 0.9);
}

TEST_F(Identify, AStageWorkByItsActs) {
  const Identification found = title("Tosca: Atto II, scena 4");
  EXPECT_EQ(found.work_id, "puccini/tosca");
  EXPECT_EQ(found.band, Band::apply);
}

TEST_F(Identify, AMovementCountedOrSpelledOtherwiseButNotOneTheWorkHasNot) {
  EXPECT_EQ(title("Mozart: Requiem in D minor, K. 626: 5. Konfutatis maledictis").band, Band::apply);
  EXPECT_NE(title("Beethoven: Symphony No. 5 in C minor, Op. 67: 9. Furiant").band, Band::apply);
}

TEST_F(Identify, NoWorkByItsFormsNumberOfAnotherForm) {
  const Identification found = title("String Trio, Op. 92");
  EXPECT_NE(found.band, Band::apply);
  EXPECT_NE(found.work_id, "beethoven/op-92");
}

TEST_F(Identify, TheTitleInAnotherField) {
  TrackInput input;
  input.title = "Track 07";
  input.artist = "Für Elise (WoO 59)";
  const Identification found = matcher->identify(input);
  EXPECT_EQ(found.catalogue, (std::vector<std::string>{"woo:59"}));
  EXPECT_TRUE(found.performers.empty());
  input.artist = "Some Choir";
  EXPECT_EQ(matcher->identify(input).work_id, "");
}

TEST_F(Identify, ComposersAsTheAuthorsTheyAreAndNotAsPlayers) {
  TrackInput input;
  input.title = "Sonatina in C major, Op. 36 No. 1";
  input.artist = "CLEMENTI, MUZIO";
  const Identification found = matcher->identify(input);
  EXPECT_EQ(found.composer, "Muzio Clementi");
  EXPECT_TRUE(found.performers.empty());
  input.artist = "Sergei Rachmaninoff";
  input.title = "Prelude in C sharp minor, Op. 3 No. 2";
  EXPECT_EQ(matcher->identify(input).performers.size(), 1u);
}

TEST_F(Identify, MovementsInAPrintersSpelling) {
  EXPECT_EQ(title("BEISPIELMANN, KARL: SONATA IN G MAJOR, OP. 999: II. ADAGIO SOSTENUTO E CANTABILE").movement, "Adagio sostenuto e Cantabile");
  EXPECT_EQ(title("Schumann: Waldszenen, Op. 82: 9. Abschied (Farewell)").movement, "Abschied");
}

TEST_F(Identify, AWorkOfACollectionAsTheTextCallsIt) {
  const Identification found = title("J. S. Bach: Das Wohltemperierte Klavier: Book 1, BWV 846-869 - Fugue in D minor, BWV 851");
  EXPECT_EQ(found.work, "The Well-Tempered Clavier, Book 1, BWV 846-869");
  EXPECT_EQ(found.catalogue, (std::vector<std::string>{"bwv:851"}));
  EXPECT_EQ(found.movement_no, 6);
  EXPECT_EQ(title("Bach: Brandenburg Concertos, BWV 1046-1051: Concerto No. 3 in G, BWV 1048: I. Allegro").work, "Brandenburg Concerto No. 3 in G major, BWV 1048");
}

TEST_F(Identify, AMembersNumberAsTheWorksWhereAMovementComesBehind) {
  const Identification found = title("Vivaldi: 12 Concerti, Op. 8: Concerto No. 4 in F minor, RV 297: II. Largo");
  EXPECT_EQ(found.movement_no, 2);
  EXPECT_EQ(found.movement, "Largo");
}

TEST_F(Identify, APersonInFrontOfWhatNobodyKnows) {
  const Identification found = title("Karl Beispielmann - Sommerabend");
  EXPECT_EQ(found.composer, "Karl Beispielmann");
  EXPECT_LT(found.confidence("composer"), 0.7);
  EXPECT_EQ(title("Peter Grimes - Four Sea Interludes").composer, "Benjamin Britten");
  EXPECT_EQ(title("Glenn Gould - Sommerabend").composer, "");  // he plays
}

TEST_F(Identify, WorksBySearching) {
  const auto found = matcher->search("eroica", 5);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(matcher->work(found[0].work).id, "beethoven/op-55");
}

using Numbers = std::vector<std::string>;

TEST_F(Identify, TellsAnOpusWithoutTheNumbersThatGoAlongWithIt) {
  EXPECT_EQ(title("Tchaikovsky: Symphony No. 4 in F minor, Op. 36, TH 27: III. Scherzo").catalogue, Numbers{"op:36"});
  EXPECT_EQ(title("Weber: Clarinet Quintet in B-flat major, Op. 34, J. 182").catalogue, Numbers{"op:34"});
  // What stands there alone is told, and what is known by two numbers has both.
  EXPECT_EQ(title("Quintet in C major, G. 324", "Boccherini").catalogue, Numbers{"g:324"});
  // Boccherini's works are known by Gérard's numbers: publishers' opus numbers differ.
  EXPECT_EQ(title("Boccherini: Quintet, Op. 11 No. 5, G. 275").catalogue, (Numbers{"op:11/5", "g:275"}));
  EXPECT_EQ(title("Bartók: Romanian Folk Dances, Sz. 56, BB 68").catalogue, (Numbers{"sz:56", "bb:68"}));
}

TEST_F(Identify, TellsTheFirstEditionsNumberForALaterOne) {
  EXPECT_EQ(title("Debussy: La mer, CD 111: I. De l'aube à midi sur la mer").catalogue, Numbers{"l:109"});
}

TEST_F(Identify, TakesADiscsNumberForNobodysCatalogue) {
  const Identification found = title("Beethoven: Symphony No. 5 - CD 3");
  EXPECT_EQ(found.work_id, "beethoven/op-67");
  EXPECT_EQ(found.catalogue, Numbers{"op:67"});
  EXPECT_EQ(title("Karl Muster: Sommerabend, CD 3").catalogue, Numbers{});
  TrackInput track;
  track.album = "Mahler: Symphony No. 3, CD 2";
  track.title = "III. Comodo";
  const Identification movement = matcher->identify(track);
  EXPECT_EQ(movement.work_id, "mahler/symphony-no-3");
  EXPECT_EQ(movement.movement_no, 3);
}

TEST_F(Identify, TellsTheCataloguesNumberAndTheOpusWhereNoneStands) {
  const Identification found = title("Wanderer Fantasy", "Schubert");
  EXPECT_EQ(found.catalogue, (Numbers{"d:760", "op:15"}));
  EXPECT_EQ(found.work.find("Op. 15"), std::string::npos) << "one number is enough in a name the text has none of: " << found.work;
}

TEST_F(Identify, NobodyByAnAlbumThatNamesNobodyAndAWorkThatMightHaveAnyPieces) {
  TrackInput input;
  input.title = "Track 04";
  input.album = "Piano Pieces";
  const Identification found = matcher->identify(input);
  EXPECT_EQ(found.composer, "") << found.work;
  EXPECT_EQ(found.band, Band::leave);
  input.album = "Slavonic Dances, Op. 46";
  EXPECT_EQ(matcher->identify(input).composer, "Antonín Dvořák");
}

TEST_F(Identify, CountsBooksInRomanNumeralsToo) {
  EXPECT_EQ(title("WTC I, No. 9 in E major", "J. S. Bach").catalogue, Numbers{"bwv:854"});
  EXPECT_EQ(title("WTC II, No. 5 in D major", "J. S. Bach").catalogue, Numbers{"bwv:874"});
  EXPECT_EQ(title("Debussy: Préludes, Livre II: No. 1").catalogue, Numbers{"l:123"});
}

TEST_F(Identify, TellsSetsApartByTheKeyOfAMember) {
  EXPECT_EQ(title("6 Moments musicaux: 3. Moment musical in F minor").work_id, "schubert/d-780");
  EXPECT_EQ(title("6 Moments musicaux: 3. Moment musical in B minor").work_id, "rachmaninoff/op-16");
}

TEST_F(Identify, NumbersAPieceOfASetAsInTheSet) {
  EXPECT_EQ(title("Brahms: Hungarian Dance No. 5 in F-sharp minor").movement_no, 5);
  EXPECT_EQ(title("Karl Muster: 12 Stücke, op. 31 no. 8: Abendlied").movement_no, 8);
  EXPECT_EQ(title("Karl Muster: Sonata, op. 31 no. 2: Adagio").movement_no, 0) << "a sonata's movement has another number";
  EXPECT_EQ(title("Beethoven: Piano Sonata No. 17 in D minor, Op. 31 No. 2").movement_no, 0);
}

TEST_F(Identify, TellsTheMemberThatIsNamedByItsOwnNumber) {
  const Identification found = title("Chopin: Waltzes, Op. 64: Waltz No. 7 in C-sharp minor, Op. 64 No. 2");
  EXPECT_EQ(found.work_id, "chopin/op-64-2");
  EXPECT_EQ(found.catalogue, Numbers{"op:64/2"});
  EXPECT_EQ(found.movement_no, 2);
  EXPECT_EQ(found.movement, "");
}

TEST_F(Identify, TheFirstOfSeveralMovementsOnOneTrack) {
  const Identification found = title("Mozart: Symphony No. 41 in C major, K. 551: Menuetto. Allegretto - Molto allegro");
  EXPECT_EQ(found.movement_no, 3);
  EXPECT_EQ(title("Vivaldi: Concerto in A minor, Op. 3 No. 8, RV 522: Allegro/Larghetto e spiritoso/Allegro").movement_no, 1);
}

TEST_F(Identify, NumbersThePicturesAtAnExhibitionAsTheScoreDoes) {
  EXPECT_EQ(title("Mussorgsky: Bilder einer Ausstellung: Bydło").movement_no, 4);
  EXPECT_EQ(title("Mussorgsky: Quadri di un'esposizione: Limoges. Le marché").movement_no, 7);
  const Identification promenade = title("Mussorgsky: Tableaux d'une exposition: Promenade");
  EXPECT_EQ(promenade.work_id, "mussorgsky/pictures-at-an-exhibition");
  EXPECT_EQ(promenade.movement_no, 0) << "the score counts the pictures only";
  EXPECT_EQ(promenade.movement_count, 10);
  EXPECT_EQ(title("Mussorgsky: Bilder einer Ausstellung: Promenade - Gnomus").movement_no, 1);
  EXPECT_EQ(title("Promenade", "Mussorgsky").work_id, promenade.work_id);
}

TEST_F(Identify, CountsInDigitsInAnyLanguage) {
  EXPECT_EQ(title("Brahms: Zwei Rhapsodien, Op. 79").work, "2 Rhapsodien, Op. 79");
}

TEST(Albums, ATrackWithoutANumberHasThoseTheFirstTrackSays) {
  const auto knowledge = Knowledge::load();
  ASSERT_TRUE(knowledge);
  AlbumInput album;
  for (const std::string_view each : {"Schubert: Piano Sonata in A major, Op. posth. 120, D. 664: I. Allegro moderato", "II. Andante", "III. Allegro"}) {
    album.tracks.emplace_back().title = each;
  }
  const auto found = identify_album((*knowledge)->matcher, album);
  for (const Identification& each : found) {
    EXPECT_EQ(each.work_id, "schubert/d-664");
    EXPECT_EQ(each.work, found.front().work);
    EXPECT_EQ(each.catalogue, found.front().catalogue);
    EXPECT_EQ(each.confidence("catalogue"), found.front().confidence("catalogue")) << "as sure as where it stands";
  }
}

TEST(Albums, APromenadeBetweenPicturesHasNoNumber) {
  const auto knowledge = Knowledge::load();
  ASSERT_TRUE(knowledge);
  AlbumInput album;
  album.album = "Mussorgsky: Bilder einer Ausstellung";
  std::vector<int> numbers;
  for (const std::string_view each : {"Promenade", "Gnomus", "Promenade", "Il vecchio castello", "Promenade", "Tuileries", "Bydło", "Promenade"}) album.tracks.emplace_back().title = each;
  for (const Identification& each : identify_album((*knowledge)->matcher, album)) {
    EXPECT_EQ(each.work_id, "mussorgsky/pictures-at-an-exhibition");
    numbers.push_back(each.movement_no);
  }
  EXPECT_EQ(numbers, (std::vector<int>{0, 1, 0, 2, 0, 3, 4, 0}));
}

TEST(WorkSearch, FindsWorksByWordsThatAreOnlyBegunTheBestKnownFirst) {
  const auto knowledge = Knowledge::load();
  ASSERT_TRUE(knowledge);
  const auto first = [&](std::string_view text) {
    const auto found = (*knowledge)->search.find(text, 20);
    return found.empty() ? std::string() : (*knowledge)->matcher.work(found.front().work).id;
  };
  const auto title = [&](std::string_view text) {
    const auto found = (*knowledge)->search.find(text, 20);
    if (found.empty()) return std::string();
    const Work& work = (*knowledge)->matcher.work(found.front().work);
    return (*knowledge)->repertoire.composer_of(work).name + ": " + work.title;
  };
  EXPECT_EQ(title("goldb"), "Johann Sebastian Bach: Goldberg Variations");
  EXPECT_EQ(title("bee 5 symp"), "Ludwig van Beethoven: Symphony No. 5");
  EXPECT_EQ(title("mahler symphony 2"), "Gustav Mahler: Symphony No. 2");
  EXPECT_EQ(title("2 mahler sinfonie"), "Gustav Mahler: Symphony No. 2");
  EXPECT_EQ(first("moonl"), "beethoven/op-27-2");
  EXPECT_EQ(first("beethoven op 27 no 2"), "beethoven/op-27-2");
  EXPECT_EQ(first("Beethoven: Piano Sonata in C sharp minor"), "beethoven/op-27-2");
  EXPECT_EQ(first("K. 467"), "mozart/k-467");
  EXPECT_TRUE((*knowledge)->search.find("", 20).empty());
  EXPECT_TRUE((*knowledge)->search.find("qqqqzzzz", 20).empty());
  EXPECT_EQ((*knowledge)->search.find("s", 7).size(), 7u);
}

}  // namespace
}  // namespace ghost::ariascribe
