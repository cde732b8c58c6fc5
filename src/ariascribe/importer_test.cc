#include "ariascribe/importer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ariascribe/exporter.h"
#include "ariascribe/marc.h"

namespace ghost::ariascribe {
namespace {

struct Taken {
  std::vector<Record> records;
  std::vector<std::pair<std::uint64_t, std::string>> problems;
  Status ended;
  std::uint64_t count = 0;

  const Record* find(std::string_view scheme, std::string_view key) const {
    for (const Record& each : records) {
      for (const Ref& ref : each.refs) {
        if (ref.scheme == scheme && ref.key == key) return &each;
      }
    }
    return nullptr;
  }
  std::vector<std::string> values(const Record& record, std::string_view field) const {
    std::vector<std::string> out;
    for (const Said& each : record.said) {
      if (each.field == field) out.push_back(each.to ? each.to->scheme + ":" + each.to->key : each.value);
    }
    return out;
  }
};

/// @param step  bytes given at once: what is cut differently must mean the same
Taken import(std::string_view format, std::string_view text, std::size_t step = std::string::npos, ImportOptions options = {}, std::uint64_t skip = 0) {
  Taken taken;
  auto importer = make_importer(format, options, {[&](std::vector<Record>&& records, std::uint64_t) { taken.records.insert(taken.records.end(), records.begin(), records.end()); },
                                                  [&](std::uint64_t line, std::string why) { taken.problems.emplace_back(line, std::move(why)); }});
  if (!importer) {
    taken.ended = importer.error();
    return taken;
  }
  (*importer)->skip(skip);
  for (std::size_t at = 0; at < text.size() && taken.ended; at += std::min(step, text.size() - at)) taken.ended = (*importer)->feed(text.substr(at, step));
  if (taken.ended) taken.ended = (*importer)->finish();
  taken.count = (*importer)->count();
  return taken;
}

constexpr std::string_view kMusicBrainz = R"({"id":"11111111-1111-4111-8111-111111111111","title":"Sonata no. 14 in C-sharp minor, op. 27 no. 2","type":"Sonata","language":"zxx","attributes":[],"aliases":[{"name":"Mondscheinsonate","locale":"de"}],"relations":[{"type":"composer","direction":"backward","target-type":"artist","end":"1801","artist":{"id":"22222222-2222-4222-8222-222222222222","name":"Ludwig van Beethoven","sort-name":"Beethoven, Ludwig van"}},{"type":"parts","direction":"forward","target-type":"work","ordering-key":1,"work":{"id":"33333333-3333-4333-8333-333333333333","title":"I"}}]}
{"id":"broken
{"id":"33333333-3333-4333-8333-333333333333","title":"Sonata no. 14: I. Adagio","type":null,"relations":[{"type":"parts","direction":"backward","target-type":"work","ordering-key":1,"work":{"id":"11111111-1111-4111-8111-111111111111","title":"x"}}]}
{"id":"22222222-2222-4222-8222-222222222222","name":"Ludwig van Beethoven","sort-name":"Beethoven, Ludwig van","type":"Person","gender":"Male","life-span":{"begin":"1770-12-17","end":"1827-03-26","ended":true},"aliases":[{"name":"Бетховен","locale":"ru"}]}
{"id":"44444444-4444-4444-8444-444444444444"}
)";

TEST(Importer, ReadsWorksAndArtistsOfMusicBrainz) {
  const Taken taken = import("musicbrainz", kMusicBrainz);
  ASSERT_TRUE(taken.ended);
  const Record* sonata = taken.find("musicbrainz-work", "11111111-1111-4111-8111-111111111111");
  ASSERT_NE(sonata, nullptr);
  EXPECT_EQ(taken.values(*sonata, "composer"), std::vector<std::string>{"musicbrainz-artist:22222222-2222-4222-8222-222222222222"});
  EXPECT_EQ(taken.values(*sonata, "catalogue"), std::vector<std::string>{"op:27/2"});
  EXPECT_EQ(sonata->value_of("musical_key"), "C# minor");
  EXPECT_EQ(sonata->value_of("year"), "1801");
  EXPECT_EQ(sonata->value_of("form"), "sonata");
  EXPECT_EQ(sonata->value_of("alias"), "Mondscheinsonate");
  const Record* movement = taken.find("musicbrainz-work", "33333333-3333-4333-8333-333333333333");
  ASSERT_NE(movement, nullptr);
  EXPECT_EQ(taken.values(*movement, "parent"), std::vector<std::string>{"musicbrainz-work:11111111-1111-4111-8111-111111111111"});
  EXPECT_EQ(movement->value_of("part_number"), "1");
  EXPECT_EQ(taken.records.back().value_of("born"), "1770");
}

TEST(Importer, TellsABadRecordWithItsLineAndGoesOn) {
  const Taken taken = import("musicbrainz", kMusicBrainz);
  ASSERT_EQ(taken.problems.size(), 2U);
  EXPECT_EQ(taken.problems[0].first, 2U);
  EXPECT_EQ(taken.problems[1].first, 5U);
  EXPECT_EQ(taken.count, 5U);
}

TEST(Importer, ReadsTheSameHoweverTheBytesCome) {
  const std::string table = "Title,Composer,Opus\r\n\"Trio, \"\"Ghost\"\"\",\"Beethoven, Ludwig van\",Op. 70 No. 1\r\n\"two\nlines\",,\n";
  const std::string opus = R"({"status":{"success":"true"},"composers":[{"name":"Field","complete_name":"John Field","birth":"1782-07-26","works":[{"title":"Nocturne no. 5 in B flat major","genre":"Keyboard"}]},{"x":[{"y":"}"}]}]})";
  for (const auto& [format, text] : {std::pair<std::string_view, std::string_view>{"musicbrainz", kMusicBrainz}, {"csv", table}, {"openopus", opus}}) {
    const Taken whole = import(format, text);
    for (const std::size_t step : {1U, 2U, 7U, 64U}) {
      const Taken cut = import(format, text, step);
      ASSERT_EQ(cut.records.size(), whole.records.size()) << format << " by " << step;
      for (std::size_t i = 0; i < whole.records.size(); ++i) EXPECT_EQ(cut.records[i].value_of("title"), whole.records[i].value_of("title"));
      EXPECT_EQ(cut.problems, whole.problems) << format;
    }
  }
}

TEST(Importer, PassesByWhatWasReadBefore) {
  const Taken taken = import("musicbrainz", kMusicBrainz, std::string::npos, {}, 3);
  EXPECT_EQ(taken.count, 5U);
  ASSERT_EQ(taken.records.size(), 1U);
  EXPECT_EQ(taken.problems.size(), 1U);
}

TEST(Importer, ReadsOpenOpus) {
  const Taken taken = import("openopus", R"({"composers":[
    {"id":"7","name":"Field","complete_name":"John Field","epoch":"Early Romantic","birth":"1782-07-26","death":"1837-01-23","works":[{"id":"9","title":"Nocturne no. 5 in B flat major, H. 37","subtitle":"","genre":"Keyboard"}]},
    {"works":[]}]})");
  ASSERT_TRUE(taken.ended) << taken.ended.error().message;
  ASSERT_EQ(taken.records.size(), 2U);
  EXPECT_EQ(taken.records[0].value_of("died"), "1837");
  EXPECT_EQ(taken.records[1].value_of("musical_key"), "Bb major");
  ASSERT_EQ(taken.problems.size(), 1U);
  EXPECT_EQ(taken.problems[0].first, 3U);
}

TEST(Importer, ReadsMusicOfWikidataAndPassesTheRestBy) {
  const Taken taken = import("wikidata", R"([
{"id":"Q1","labels":{"en":{"value":"Moonlight Sonata"},"de":{"value":"Klaviersonate Nr. 14"}},"aliases":{"en":[{"value":"Op. 27 No. 2"}]},"claims":{"P86":[{"mainsnak":{"datavalue":{"value":{"id":"Q255"}}}}],"P435":[{"mainsnak":{"datavalue":{"value":"mb"}}}],"P528":[{"mainsnak":{"datavalue":{"value":"Op. 27 No. 2"}}}],"P571":[{"mainsnak":{"datavalue":{"value":{"time":"+1801-00-00T00:00:00Z"}}}}]}},
{"id":"Q255","labels":{"en":{"value":"Ludwig van Beethoven"}},"claims":{"P106":[{"mainsnak":{"datavalue":{"value":{"id":"Q36834"}}}}],"P569":[{"mainsnak":{"datavalue":{"value":{"time":"+1770-12-16T00:00:00Z"}}}}]}},
{"id":"Q42","labels":{"en":{"value":"A bridge"}},"claims":{}},
{"id":"Q43","labels":[],"claims":{"P86":[]}},
nonsense
]
)");
  ASSERT_EQ(taken.records.size(), 2U);
  EXPECT_NE(taken.find("musicbrainz-work", "mb"), nullptr);
  EXPECT_EQ(taken.records[0].value_of("year"), "1801");
  EXPECT_EQ(taken.values(taken.records[0], "catalogue"), std::vector<std::string>{"op:27/2"});
  EXPECT_EQ(taken.records[1].value_of("born"), "1770");
  ASSERT_EQ(taken.problems.size(), 1U);
  EXPECT_EQ(taken.problems[0].first, 6U);
}

TEST(Importer, ReadsProgrammesOfThePhilharmonic) {
  const Taken taken = import("nyphil", R"({"programs":[{"id":"p1","orchestra":"New York Philharmonic","concerts":[{"Date":"1842-12-07T05:00:00Z","Venue":"Apollo Rooms"}],
    "works":[{"ID":"52446*","composerName":"Beethoven,  Ludwig  van","workTitle":"SYMPHONY NO. 5 IN C MINOR, OP.67","conductorName":"Hill, Ureli Corelli","soloists":[]},
             {"ID":"0*","interval":"Intermission","soloists":[]},
             {"ID":"8834*4","composerName":"Weber, Carl","workTitle":"OBERON","movement":"\"Ozean, du Ungeheuer\"","conductorName":"Timm, Henry C.","soloists":[{"soloistName":"Otto, Antoinette","soloistInstrument":"Soprano","soloistRoles":"S"}]}]}]})");
  const Record* concert = taken.find("nyphil-performance", "p1/8834*4");
  ASSERT_NE(concert, nullptr);
  EXPECT_EQ(concert->value_of("date"), "1842-12-07");
  EXPECT_EQ(taken.values(*concert, "work"), std::vector<std::string>{"nyphil-work:8834*4"});
  EXPECT_EQ(taken.values(*concert, "credit").size(), 3U);
  EXPECT_EQ(concert->said.back().detail, "soloist:soprano");
  const Record* fifth = taken.find("nyphil-work", "52446");
  ASSERT_NE(fifth, nullptr);
  EXPECT_EQ(taken.values(*fifth, "catalogue"), std::vector<std::string>{"op:67"});
}

TEST(Importer, ReadsTheListOfImslp) {
  const Taken taken = import("imslp", R"J({"0":{"id":"Nocturne No.5 (Field, John)","type":"2","intvals":{"composer":"Field, John","worktitle":"Nocturne No.5","icatno":"H.37","pageid":"77"}},"1":{"id":"x","type":"2","intvals":{"composer":"","worktitle":""}},"metadata":{"start":0}})J");
  ASSERT_EQ(taken.records.size(), 2U);
  EXPECT_EQ(taken.records[0].value_of("name"), "John Field");
  EXPECT_NE(taken.find("imslp", "77"), nullptr);
  EXPECT_EQ(taken.problems.size(), 1U);
}

TEST(Importer, ReadsATableByItsHeadingsOrByAMapping) {
  const Taken guessed = import("tsv", "id\tcomposer\twork\tmovement\n1\tHaydn, Joseph\tSymphony no. 94, Hob. I:94\t\n2\tHaydn, Joseph\tSymphony no. 94, Hob. I:94\tII. Andante\n3\t\t\t\n");
  const Record* movement = guessed.find("table", "2");
  ASSERT_NE(movement, nullptr);
  EXPECT_EQ(movement->value_of("title"), "II. Andante");
  ASSERT_EQ(guessed.problems.size(), 1U);
  EXPECT_EQ(guessed.problems[0].first, 4U);
  ImportOptions options;
  options.mapping = "title=Werk,composer=Wer";
  const Taken mapped = import("csv", "\xEF\xBB\xBFWerk,Wer,x\nMissa,\"Haydn, Joseph\",y\n", std::string::npos, options);
  ASSERT_EQ(mapped.records.size(), 2U);
  EXPECT_EQ(mapped.records[0].value_of("name"), "Joseph Haydn");
  EXPECT_EQ(import("csv", "a,b\n1,2\n").ended.error().code, Errc::malformed);
  options.mapping = "colour=Werk";
  EXPECT_EQ(import("csv", "", 1, options).ended.error().code, Errc::malformed);
}

/// A MARC record of these fields, as ISO 2709 has it.
std::string marc_of(const std::vector<std::pair<std::string, std::string>>& fields, char encoding = 'a') {
  const auto digits = [](std::size_t value, std::size_t width) {
    std::string text = std::to_string(value);
    return std::string(width - text.size(), '0') + text;
  };
  std::string directory, data;
  for (const auto& [tag, body] : fields) {
    directory += tag + digits(body.size() + 1, 4) + digits(data.size(), 5);
    data += body + '\x1E';
  }
  const std::size_t base = 24 + directory.size() + 1;
  std::string leader = digits(base + data.size() + 1, 5) + "cjm  22" + digits(base, 5) + "   4500";
  leader[9] = encoding;
  return leader + directory + '\x1E' + data + '\x1D';
}

TEST(Importer, ReadsMarc) {
  const std::string text = marc_of({{"001", "42"}, {"100", "1 \x1F" "aBeethoven, Ludwig van,\x1F" "d1770-1827.\x1F" "0(DE-588)118508288"}, {"240", "10\x1F" "aSonatas,\x1F" "mpiano,\x1F" "nno. 14, op. 27, no. 2,\x1F" "rC# minor"},
                                    {"245", "10\x1F" "aMoonlight sonata /"}, {"382", "  \x1F" "bpiano\x1F" "n1"}, {"383", "  \x1F" "bop. 27, no. 2"}, {"384", "  \x1F" "aC-sharp minor"}, {"511", "0 \x1F" "aA. Schnabel, piano."},
                                    {"700", "1 \x1F" "aSchnabel, Artur,\x1F" "d1882-1951\x1F" "4prf"}});
  const std::string broken = "00020nonsense\x1D";
  const Taken taken = import("marc", text + broken + text, 5);
  ASSERT_TRUE(taken.ended);
  ASSERT_EQ(taken.problems.size(), 1U);
  EXPECT_EQ(taken.problems[0].first, 2U);
  ASSERT_EQ(taken.records.size(), 10U);
  EXPECT_EQ(taken.records[0].value_of("name"), "Ludwig van Beethoven");
  EXPECT_EQ(taken.records[0].value_of("died"), "1827");
  const Record& work = taken.records[2];
  EXPECT_EQ(taken.values(work, "catalogue").front(), "op:27/2");
  EXPECT_EQ(work.value_of("musical_key"), "C# minor");
  EXPECT_EQ(work.value_of("medium"), "piano");
  EXPECT_EQ(taken.records[3].kind, Kind::performance);
  EXPECT_EQ(taken.records[4].kind, Kind::recording);
  EXPECT_FALSE(import("marc", text.substr(0, 60)).ended);
}

TEST(Importer, ReadsLatinLettersOfMarc8) {
  const auto marc = parse_marc(std::string_view(marc_of({{"245", "10\x1F" "aPr\xE2" "elude \xB2"}}, ' ')).substr(0));
  ASSERT_TRUE(marc);
  EXPECT_EQ(marc->first("245")->sub('a'), "Pre\u0301lude ø");
  EXPECT_EQ(parse_marc(marc_of({{"245", "10\x1F" "a\x1B(N"}}, ' ')).error().code, Errc::unsupported);
}

constexpr std::string_view kMarcXml = R"(<?xml version="1.0"?><collection xmlns="http://www.loc.gov/MARC21/slim">
<record><controlfield tag="001">1</controlfield><datafield tag="245" ind1=" " ind2=" "><subfield code="a">Nocturne no. 5 &amp; Rondo</subfield></datafield></record>
<record><controlfield tag="001">2</controlfield></record></collection>)";

TEST(Importer, ReadsMarcXmlAndNoDocumentType) {
  const Taken taken = import("marcxml", kMarcXml, 9);
  ASSERT_TRUE(taken.ended);
  ASSERT_EQ(taken.records.size(), 1U);
  EXPECT_EQ(taken.records[0].value_of("title"), "Nocturne no. 5 & Rondo");
  ASSERT_EQ(taken.problems.size(), 1U);
  EXPECT_EQ(taken.problems[0].first, 3U);
  const Taken entities = import("marcxml", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><collection>&a;</collection>");
  ASSERT_FALSE(entities.ended);
  EXPECT_NE(entities.ended.error().message.find("document type"), std::string::npos);
  EXPECT_EQ(import("marcxml", "<collection><record>").ended.error().code, Errc::malformed);
}

TEST(Importer, ReadsAVocabulary) {
  const Taken taken = import("skos", R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:skos="http://www.w3.org/2004/02/skos/core#">
<skos:Concept rdf:about="http://x/kls"><skos:prefLabel xml:lang="de">Klavier</skos:prefLabel><skos:altLabel xml:lang="en">pianoforte</skos:altLabel><skos:broader rdf:resource="http://x/keys"/></skos:Concept>
<rdf:Description rdf:about="http://x/other"/></rdf:RDF>)", 11);
  ASSERT_TRUE(taken.ended) << taken.ended.error().message;
  ASSERT_EQ(taken.records.size(), 1U);
  EXPECT_EQ(taken.records[0].kind, Kind::concept_);
  EXPECT_EQ(taken.records[0].said[0].detail, "de");
  EXPECT_EQ(taken.values(taken.records[0], "broader"), std::vector<std::string>{"iri:http://x/keys"});
}

constexpr std::string_view kTurtle = R"(# Instruments
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@base <http://x/y/z> .
PREFIX : <#>
:kls a skos:Concept ;  # a comment. With a dot
  skos:prefLabel "Klavier"@de, "piano"@en-GB ; skos:altLabel """forte
"piano\""""@it ;
  skos:notation "mp" , 1.5 ; skos:broader <../keys>, [ skos:prefLabel "none" ] ;
  skos:inScheme :; skos:member ( :a "b" ( ) ) ; .
:scheme a skos:ConceptScheme ; skos:prefLabel "not a concept" .
:broken skos:prefLabel "no end .
:st.r a skos:Concept;skos:prefLabel 'str\u00E9\U0001F3BBng'.<#nolabel> a skos:Concept.
other:x a skos:Concept .
:kls skos:altLabel "later"@fr .
)";

TEST(Importer, ReadsAVocabularyInTurtle) {
  for (const std::size_t step : {std::string::npos, std::size_t{1}, std::size_t{7}}) {
    const Taken taken = import("skos", kTurtle, step);
    ASSERT_TRUE(taken.ended) << taken.ended.error().message;
    ASSERT_EQ(taken.records.size(), 2U);
    const Record& piano = *taken.find("iri", "http://x/y/z#kls");
    EXPECT_EQ(taken.values(piano, "label"), (std::vector<std::string>{"Klavier", "piano", "forte\n\"piano\"", "later"}));
    EXPECT_EQ(piano.said[1].detail, "en-GB");
    EXPECT_EQ(piano.said[2].confidence, 0.9);
    EXPECT_EQ(taken.values(piano, "notation"), (std::vector<std::string>{"mp", "1.5"}));
    EXPECT_EQ(taken.values(piano, "broader"), std::vector<std::string>{"iri:http://x/keys"});
    EXPECT_EQ(taken.values(piano, "vocabulary"), std::vector<std::string>{"http://x/y/z#"});
    EXPECT_EQ(taken.find("iri", "http://x/y/z#st.r")->value_of("label"), "str\u00e9\U0001f3bbng");
    ASSERT_EQ(taken.problems.size(), 3U);
    EXPECT_EQ(taken.problems[0], (std::pair<std::uint64_t, std::string>(11, "line end in short string")));
    EXPECT_EQ(taken.problems[1], (std::pair<std::uint64_t, std::string>(13, "the prefix 'other:' is not declared")));
    EXPECT_EQ(taken.problems[2], (std::pair<std::uint64_t, std::string>(12, "a concept without a label")));
    EXPECT_EQ(taken.count, 5U);
  }
  const Taken later = import("skos", kTurtle, 5, {}, 3);
  EXPECT_EQ(later.records.size() + later.problems.size(), 2U) << "those read before are passed by";
}

TEST(Importer, ReadsAVocabularyInNTriples) {
  const Taken taken = import("skos", R"(<http://x/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> .
<http://x/b> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> .
<http://x/b> <http://www.w3.org/2004/02/skos/core#prefLabel> "B"@en .
<http://x/b> <http://www.w3.org/2004/02/skos/core#prefLabel> "zwei" "drei" .
<http://x/a> <http://www.w3.org/2004/02/skos/core#prefLabel> "A\t\"\u00c4\""^^<http://www.w3.org/2001/XMLSchema#string> .
_:n <http://www.w3.org/2004/02/skos/core#prefLabel> "none" .)", 3);
  ASSERT_TRUE(taken.ended) << taken.ended.error().message;
  ASSERT_EQ(taken.records.size(), 2U);
  EXPECT_EQ(taken.find("iri", "http://x/a")->value_of("label"), "A\t\"\u00c4\"");
  EXPECT_EQ(taken.find("iri", "http://x/b")->value_of("label"), "B");
  ASSERT_EQ(taken.problems.size(), 1U);
  EXPECT_EQ(taken.problems[0].first, 4U);
}

TEST(Importer, TurtleThatIsBrokenOrTooMuchEndsNoOtherStatement) {
  const std::string head = "@prefix s: <http://www.w3.org/2004/02/skos/core#> .\n", good = "\n<http://x/g> a s:Concept; s:prefLabel \"g\" .\n";
  for (const std::string& bad : {std::string("<a b> s:p s:q ."), std::string("<a"), std::string("s:x s:y"), std::string("s:a s:b s:c; s:d ."), std::string("s:a s:b \"\\q\" ."), std::string("s:a s:b \"\\uD800\" ."),
                                 std::string("<\\u0041\\x> s:b s:c ."), std::string("@nonsense ."), std::string("s:a s:b ."), std::string("s:a s:b (s:c ."), std::string("s:a s:b \"x\"@ ."), std::string("."), std::string("s:a s:b \xff ."),
                                 "s:a s:b " + std::string(100, '[') + " .", "<http://x/" + std::string(2100, 'a') + "> a s:Concept .", std::string("s:a\0s:b s:c .", 14)}) {
    const Taken taken = import("skos", head + bad + " .\n" + good);
    EXPECT_TRUE(taken.ended) << bad << taken.ended.error().message;
    EXPECT_GE(taken.problems.size(), 1U) << bad;
    EXPECT_EQ(taken.problems.front().first, 2U) << bad;
    EXPECT_TRUE(taken.find("iri", "http://x/g")) << bad;
  }
  // A short name that stands for a long one, again and again.
  std::string many = "@prefix l: <http://x/" + std::string(1500, 'l') + "> .\nl: l: l:";
  for (int i = 0; i < 20'000; ++i) many += ",l:";
  const Taken much = import("skos", head + many + " ." + good);
  ASSERT_EQ(much.problems.size(), 1U);
  EXPECT_NE(much.problems[0].second.find("more than 32 MiB"), std::string::npos);
  EXPECT_EQ(much.records.size(), 1U);
  // Brackets without end, and statements of a few bytes each.
  for (const char bracket : {'(', '['}) EXPECT_EQ(import("skos", head + "s:a s:b " + std::string(200'000, bracket)).ended.error().code, Errc::data_loss);
  std::string few = "s:a s:b \"\"";
  for (int i = 0; i < 300'000; ++i) few += ",\"\"";
  const Taken small = import("skos", head + few + " ." + good);
  ASSERT_EQ(small.problems.size(), 1U);
  EXPECT_NE(small.problems[0].second.find("more than 32 MiB"), std::string::npos);
  EXPECT_EQ(import("skos", head + "s:a s:b \"\"\"open").ended.error().code, Errc::data_loss);
  EXPECT_TRUE(import("skos", "PREFIX s: <http://x/>\nBASE <http://y/>").ended);
}

TEST(Importer, SaysWhichFormatsThereAre) {
  EXPECT_EQ(make_importer("mp3", {}, {}).error().code, Errc::not_found);
  for (const ImportFormat& each : import_formats()) EXPECT_TRUE(make_importer(each.name, {}, {})) << each.name;
}

TEST(Exporter, WritesWhatItsReadersReadAgain) {
  ExportedWork work;
  work.id = "0190-1";
  work.title = "Trio, \"Ghost\" <in D>";
  work.composer = "Ludwig van Beethoven";
  work.catalogue = {"op:70/1"};
  work.key = "D major";
  work.aliases = {{"Geistertrio", "de"}};
  work.media = {{"piano", "1 solo"}};
  work.refs = {{"wikidata", "Q1"}};
  work.licences = {{"test", "CC0-1.0"}};
  const auto text = [&](ExportFormat format) { return export_head(format) + export_work(format, work, true) + export_work(format, work, false) + export_tail(format); };
  const auto graph = nlohmann::json::parse(text(ExportFormat::jsonld));
  ASSERT_EQ(graph["@graph"].size(), 2U);
  EXPECT_EQ(graph["@graph"][0]["identifier"][0], "Op. 70 No. 1");
  EXPECT_EQ(graph["@graph"][0]["sameAs"][0], "http://www.wikidata.org/entity/Q1");
  EXPECT_EQ(graph["@graph"][0]["sdPublisher"][0]["license"], "CC0-1.0");
  const Taken table = import("csv", text(ExportFormat::csv));
  ASSERT_EQ(table.records.size(), 4U);
  EXPECT_EQ(table.records[1].value_of("title"), work.title);
  EXPECT_EQ(table.records[1].value_of("catalogue"), "op:70/1");
  const Taken marc = import("marcxml", text(ExportFormat::marcxml));
  ASSERT_TRUE(marc.ended) << marc.ended.error().message;
  EXPECT_EQ(marc.records[1].value_of("title"), work.title + ", D major");
  EXPECT_EQ(marc.records[1].value_of("catalogue"), "op:70/1");
  EXPECT_EQ(marc.records[1].said.back().field, "musical_key");
}

}  // namespace
}  // namespace ghost::ariascribe
