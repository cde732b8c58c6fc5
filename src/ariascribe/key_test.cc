#include "ariascribe/key.h"

#include <gtest/gtest.h>

#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {
namespace {

/// The keys, each with '?' behind it when its mode was not said.
std::string keys_in(std::string_view text) {
  std::string all;
  for (const KeyMention& each : find_keys(tokenise(normalised(text)))) all += (all.empty() ? "" : ", ") + each.key.text() + (each.explicit_mode ? "" : "?");
  return all;
}

struct Row {
  std::string_view text, keys;
};
class Keys : public testing::TestWithParam<Row> {};
TEST_P(Keys, AreReadFromText) { EXPECT_EQ(keys_in(GetParam().text), GetParam().keys) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(English, Keys,
                         testing::Values(Row{"Sonata in C-sharp minor, Op. 27", "C# minor"}, Row{"in E flat major", "Eb major"}, Row{"in E♭ major", "Eb major"}, Row{"IN E FLAT MAJOR", "Eb major"},
                                         Row{"Prelude in F# minor", "F# minor"}, Row{"in Bb major", "Bb major"}, Row{"in C", "C major?"}, Row{"in B Flat, Op. 1", "Bb major?"},
                                         Row{"in A Monastery Garden", ""}, Row{"a major work", ""}, Row{"Concerto in D, RV 93", "D major?"}, Row{"in G for strings", "G major?"}, Row{"A Minor", "A minor"}));
INSTANTIATE_TEST_SUITE_P(German, Keys,
                         testing::Values(Row{"Messe h-Moll", "B minor"}, Row{"B-Dur", "Bb major"}, Row{"cis-moll", "C# minor"}, Row{"Es-Dur", "Eb major"}, Row{"As dur", "Ab major"}, Row{"fis-Moll", "F# minor"},
                                         Row{"e-Moll", "E minor"}, Row{"es ist genug", ""}));
INSTANTIATE_TEST_SUITE_P(Romance, Keys,
                         testing::Values(Row{"en ut dièse mineur", "C# minor"}, Row{"en si bémol majeur", "Bb major"}, Row{"in do minore", "C minor"}, Row{"en la menor", "A minor"}, Row{"sol mineur", "G minor"},
                                         Row{"mi bemolle maggiore", "Eb major"}, Row{"fa sostenido menor", "F# minor"}, Row{"la mer", ""}));
INSTANTIATE_TEST_SUITE_P(Russian, Keys, testing::Values(Row{"до минор", "C minor"}, Row{"ля мажор", "A major"}, Row{"фа-диез минор", "F# minor"}, Row{"ми-бемоль мажор", "Eb major"}));

TEST(Key, IsReadFromTheCatalogueFormOnly) {
  EXPECT_EQ(parse_key("C# minor"), (Key{"C#", true}));
  EXPECT_EQ(parse_key("Eb major")->display(), "E-flat major");
  for (const std::string_view text : {"", "c minor", "C#minor", "H minor", "C# Minor", "Cis minor"}) EXPECT_FALSE(parse_key(text)) << text;
}

}  // namespace
}  // namespace ghost::ariascribe
