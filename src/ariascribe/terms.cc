#include "ariascribe/terms.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ghost::ariascribe {

namespace {

struct Synonym {
  std::string_view word;
  std::string_view terms;  ///< one, or two with a space
};

/// Folded words of other languages, plurals and compounds. Sorted by word.
constexpr std::array kSynonyms = std::to_array<Synonym>({
    {"conc", "concerto"}, {"cto", "concerto"}, {"symph", "symphony"}, {"sym", "symphony"}, {"sinf", "symphony"}, {"son", "sonata"}, {"qt", "quartet"}, {"qtet", "quartet"}, {"quart", "quartet"}, {"str", "string"}, {"pno", "piano"}, {"vln", "violin"}, {"vn", "violin"}, {"vc", "cello"}, {"pf", "piano"}, {"orch", "orchestra"}, {"var", "variation"}, {"vars", "variation"}, {"ov", "overture"}, {"ouv", "overture"}, {"prel", "prelude"}, {"preamble", "preambule"},
    {"alborada", "alborada"}, {"albumblatt", "album leaf"}, {"altsaxophon", "saxophone"}, {"arabesken", "arabesque"}, {"arien", "aria"},
    {"ballada", "ballade"}, {"ballades", "ballade"}, {"balladen", "ballade"}, {"barcarola", "barcarolle"}, {"barkarole", "barcarolle"},
    {"basson", "bassoon"}, {"berceuses", "berceuse"}, {"bratsche", "viola"}, {"canzona", "canzona"}, {"capricci", "caprice"},
    {"capriccio", "caprice"}, {"caprices", "caprice"}, {"capriccios", "caprice"}, {"capricen", "caprice"}, {"cembalo", "harpsichord"}, {"chansons", "song"},
    {"chant", "song"}, {"chants", "song"}, {"choeur", "choir"}, {"chor", "choir"}, {"choralvorspiel", "chorale prelude"}, {"chorus", "choir"},
    {"ciaccona", "chaconne"}, {"clarinete", "clarinet"}, {"clarinette", "clarinet"}, {"clarinetto", "clarinet"}, {"clavecin", "harpsichord"},
    {"clavicembalo", "harpsichord"}, {"clavier", "piano"}, {"concert", "concerto"}, {"concertos", "concerto"}, {"concerti", "concerto"},
    {"concertino", "concertino"}, {"concierto", "concerto"}, {"contrabbasso", "bass"}, {"cor", "horn"}, {"corno", "horn"}, {"cuarteto", "quartet"},
    {"danse", "dance"}, {"danses", "dance"}, {"danza", "dance"}, {"danzas", "dance"}, {"danze", "dance"}, {"deutsche", "german"}, {"deutschen", "german"},
    {"divertimenti", "divertimento"}, {"divertissement", "divertimento"}, {"duett", "duo"}, {"duet", "duo"}, {"duets", "duo"}, {"duetto", "duo"}, {"dvoinoi", "double"},
    {"ecossaises", "ecossaise"}, {"ecossaisen", "ecossaise"}, {"englische", "english"}, {"etud", "etude"}, {"etuden", "etude"}, {"etudes", "etude"}, {"studies", "etude"}, {"study", "etude"}, {"estudio", "etude"}, {"studi", "etude"},
    {"fagott", "bassoon"}, {"fagotto", "bassoon"}, {"fantaisie", "fantasia"}, {"fantaisies", "fantasia"}, {"fantasie", "fantasia"}, {"fantasien", "fantasia"}, {"fantasies", "fantasia"}, {"fantasy", "fantasia"}, {"fantaziya", "fantasia"},
    {"flauta", "flute"}, {"flauto", "flute"}, {"flote", "flute"}, {"floete", "flute"}, {"fleita", "flute"}, {"fortepiano", "piano"}, {"franzosische", "french"}, {"francaise", "french"}, {"fuga", "fugue"}, {"fuge", "fugue"}, {"fugen", "fugue"}, {"fughetta", "fughetta"},
    {"fugues", "fugue"}, {"geige", "violin"}, {"gesange", "song"}, {"gitarre", "guitar"}, {"guitare", "guitar"}, {"guitarra", "guitar"}, {"grosse", "great"}, {"grande", "great"}, {"grand", "great"}, {"goldbergvariationen", "goldberg variation"},
    {"hammerklaviersonate", "hammerklavier sonata"}, {"harfe", "harp"}, {"harpe", "harp"}, {"hautbois", "oboe"}, {"haydnvariationen", "haydn variation"}, {"hongroise", "hungarian"}, {"hongroises", "hungarian"}, {"impromptus", "impromptu"}, {"intermezzi", "intermezzo"}, {"invention", "invention"}, {"inventionen", "invention"}, {"inventions", "invention"},
    {"kantate", "cantata"}, {"kantaten", "cantata"}, {"cantatas", "cantata"}, {"cantate", "cantata"}, {"chamber", "chamber"}, {"kammersymphonie", "chamber symphony"}, {"kaprice", "caprice"}, {"keyboard", "piano"}, {"kinderszenen", "kinderszenen"}, {"klarinette", "clarinet"}, {"klarinettenkonzert", "clarinet concerto"}, {"klarinettenquintett", "clarinet quintet"}, {"klavier", "piano"},
    {"klavierkonzert", "piano concerto"}, {"klavierkonzerte", "piano concerto"}, {"klavierquartett", "piano quartet"}, {"klavierquintett", "piano quintet"}, {"klaviersonate", "piano sonata"}, {"klaviersonaten", "piano sonata"},
    {"klavierstuck", "piano piece"}, {"klavierstucke", "piano piece"}, {"klaviertrio", "piano trio"}, {"kontrabass", "bass"}, {"kontsert", "concerto"}, {"konzert", "concerto"}, {"konzerte", "concerto"}, {"kvartet", "quartet"}, {"kvintet", "quintet"},
    {"laute", "lute"}, {"lied", "song"}, {"lieder", "song"}, {"liturgie", "liturgy"}, {"luth", "lute"}, {"lyrische", "lyric"}, {"marche", "march"}, {"marches", "march"}, {"marcia", "march"}, {"marsch", "march"}, {"marsche", "march"}, {"mazurkas", "mazurka"}, {"mazurken", "mazurka"}, {"mazurki", "mazurka"}, {"mazurek", "mazurka"},
    {"melodie", "melody"}, {"melodies", "melody"}, {"melodien", "melody"}, {"menuet", "minuet"}, {"menuett", "minuet"}, {"menuetto", "minuet"}, {"minuetto", "minuet"}, {"messa", "mass"}, {"messe", "mass"}, {"missa", "mass"}, {"moments", "moment"}, {"morceaux", "piece"}, {"morceau", "piece"}, {"motette", "motet"}, {"motetten", "motet"},
    {"musicaux", "musical"}, {"musik", "music"}, {"musique", "music"}, {"nachtmusik", "nachtmusik"}, {"nocturnes", "nocturne"}, {"noktyurn", "nocturne"}, {"notturno", "nocturne"}, {"nocturno", "nocturne"}, {"novelletten", "novelette"}, {"novellette", "novelette"}, {"oboen", "oboe"}, {"oktett", "octet"}, {"octuor", "octet"}, {"orchester", "orchestra"}, {"orchestral", "orchestra"}, {"orchestre", "orchestra"}, {"orgel", "organ"}, {"orgue", "organ"}, {"organo", "organ"}, {"oratorium", "oratorio"}, {"orkestr", "orchestra"},
    {"ouverture", "overture"}, {"ouverturen", "overture"}, {"ouvertures", "overture"}, {"obertura", "overture"}, {"papillons", "papillons"}, {"partiten", "partita"}, {"partitas", "partita"}, {"passacaille", "passacaglia"}, {"passionen", "passion"}, {"pathetic", "pathetique"}, {"pastoral", "pastorale"}, {"petite", "little"}, {"pezzi", "piece"}, {"phantasie", "fantasia"}, {"phantasien", "fantasia"}, {"pianoforte", "piano"}, {"pieces", "piece"}, {"pieza", "piece"}, {"pesni", "song"}, {"pesnya", "song"}, {"polkas", "polka"}, {"polonaisen", "polonaise"}, {"polonaises", "polonaise"}, {"polonez", "polonaise"}, {"posaune", "trombone"}, {"praeludium", "prelude"}, {"praludien", "prelude"}, {"praludium", "prelude"}, {"preambule", "preambule"}, {"preludes", "prelude"}, {"preludi", "prelude"}, {"preludio", "prelude"}, {"prelyudiya", "prelude"},
    {"quartett", "quartet"}, {"quartette", "quartet"}, {"quartetto", "quartet"}, {"quartetts", "quartet"}, {"quatuor", "quartet"}, {"quatuors", "quartet"}, {"quintett", "quintet"}, {"quintetto", "quintet"}, {"quintette", "quintet"}, {"rapsodie", "rhapsody"}, {"rapsodia", "rhapsody"}, {"rhapsodie", "rhapsody"}, {"rhapsodien", "rhapsody"}, {"rhapsodies", "rhapsody"}, {"ricercare", "ricercar"}, {"romance", "romance"}, {"romances", "romance"}, {"romanze", "romance"}, {"romanzen", "romance"}, {"romans", "romance"}, {"rondeau", "rondo"}, {"sarabanda", "sarabande"}, {"scherzi", "scherzo"}, {"scherzos", "scherzo"}, {"septett", "septet"}, {"septuor", "septet"}, {"serenada", "serenade"}, {"serenata", "serenade"}, {"serenaden", "serenade"}, {"sextett", "sextet"}, {"sextuor", "sextet"}, {"simfoniya", "symphony"}, {"sinfonia", "symphony"}, {"sinfonie", "symphony"}, {"sinfonien", "symphony"}, {"sinfonische", "symphonic"}, {"symphonische", "symphonic"}, {"symphonique", "symphonic"},
    {"skertso", "scherzo"}, {"skripka", "violin"}, {"skripki", "violin"}, {"sonat", "sonata"}, {"sonate", "sonata"}, {"sonaten", "sonata"}, {"sonates", "sonata"}, {"sonatas", "sonata"}, {"sonaty", "sonata"}, {"sonatine", "sonatina"}, {"sonatinen", "sonatina"}, {"songs", "song"}, {"spanische", "spanish"}, {"espagnole", "spanish"}, {"espanola", "spanish"}, {"espanolas", "spanish"}, {"streicher", "string"}, {"streichoktett", "string octet"}, {"streichquartett", "string quartet"}, {"streichquartette", "string quartet"}, {"streichquintett", "string quintet"}, {"streichsextett", "string sextet"}, {"streichtrio", "string trio"}, {"cordes", "string"}, {"archi", "string"}, {"cuerdas", "string"}, {"strings", "string"}, {"stucke", "piece"}, {"studien", "etude"}, {"suiten", "suite"}, {"suites", "suite"}, {"symphonie", "symphony"}, {"symphonien", "symphony"}, {"symphonies", "symphony"}, {"syuita", "suite"},
    {"tanz", "dance"}, {"tanze", "dance"}, {"tanzes", "dance"}, {"toccaten", "toccata"}, {"tokkata", "toccata"}, {"trios", "trio"}, {"trombe", "trumpet"}, {"tromba", "trumpet"}, {"trompete", "trumpet"}, {"trompette", "trumpet"}, {"trompetenkonzert", "trumpet concerto"}, {"hornkonzert", "horn concerto"}, {"flotenkonzert", "flute concerto"}, {"oboenkonzert", "oboe concerto"}, {"hungarica", "hungarian"}, {"ungarische", "hungarian"}, {"ungarischer", "hungarian"}, {"unvollendete", "unfinished"}, {"inachevee", "unfinished"}, {"valse", "waltz"}, {"valses", "waltz"}, {"vals", "waltz"}, {"walzer", "waltz"}, {"waltzes", "waltz"}, {"valzer", "waltz"}, {"variatsii", "variation"}, {"variationen", "variation"}, {"variations", "variation"}, {"variazioni", "variation"}, {"variaciones", "variation"}, {"vengerskie", "hungarian"},
    {"violine", "violin"}, {"violinen", "violin"}, {"violines", "violin"}, {"violini", "violin"}, {"violino", "violin"}, {"violinkonzert", "violin concerto"}, {"violinsonate", "violin sonata"}, {"violinsonaten", "violin sonata"}, {"violins", "violin"}, {"violon", "violin"}, {"violons", "violin"}, {"cellokonzert", "cello concerto"}, {"cellosonate", "cello sonata"}, {"violoncelle", "cello"}, {"violoncello", "cello"}, {"violonchel", "cello"}, {"vorspiel", "prelude"}, {"wohltemperierte", "well tempered"}, {"wohltemperirte", "well tempered"}, {"wtk", "well tempered"}, {"wtc", "well tempered"}, {"temperee", "tempered"}, {"zigeunerlieder", "gypsy song"}, {"zigeunerweisen", "zigeunerweisen"}, {"zwei", "two"}, {"drei", "three"}, {"vier", "four"}, {"funf", "five"}, {"sechs", "six"}, {"acht", "eight"}, {"zwolf", "twelve"}, {"deux", "two"}, {"trois", "three"}, {"quatre", "four"}, {"cinq", "five"}, {"dix", "ten"}, {"douze", "twelve"}, {"due", "two"}, {"tre", "three"}, {"quattro", "four"}, {"dos", "two"}, {"tres", "three"},
});

/// Number words of titles such as "Six German Dances".
constexpr std::array kCounts = std::to_array<Synonym>({{"two", "#2"}, {"three", "#3"}, {"four", "#4"}, {"five", "#5"}, {"six", "#6"}, {"seven", "#7"}, {"eight", "#8"}, {"nine", "#9"}, {"ten", "#10"}, {"twelve", "#12"}, {"fifteen", "#15"}, {"twenty", "#20"}});

constexpr std::array kSilent = std::to_array<std::string_view>({"a", "al", "alla", "an", "and", "au", "aus", "aux", "book", "da", "das", "de", "dei", "del", "della", "dem", "den", "der", "des", "di", "die", "du", "e", "ed", "ein", "eine", "el", "en", "et", "flat", "for", "from", "fur", "i", "il", "im", "in", "major", "minor", "dur", "moll", "mit", "n", "no", "nos", "nr", "o", "of", "on", "op", "opus", "ou", "per", "pour", "sharp", "solo", "sur", "the", "to", "uber", "und", "von", "with", "y", "zu", "zum", "zur", "dlya", "les", "le", "la", "los", "las", "lo", "gli", "un", "une", "uno", "una", "d", "l", "s", "vol", "for"});

constexpr std::array kForms = std::to_array<std::string_view>({"arabesque", "aria", "bagatelle", "ballade", "ballet", "barcarolle", "berceuse", "bourree", "canon", "cantata", "canzona", "caprice", "chaconne", "chorale", "concertino", "concerto", "dance", "divertimento", "duo", "ecossaise", "etude", "fantasia", "fugue", "gavotte", "gigue", "humoresque", "hymn", "impromptu", "intermezzo", "invention", "landler", "madrigal", "magnificat", "march", "mass", "mazurka", "minuet", "motet", "nocturne", "novelette", "octet", "opera", "oratorio", "overture", "partita", "passacaglia", "passion", "piece", "polka", "polonaise", "prelude", "quartet", "quintet", "requiem", "rhapsody", "ricercar", "romance", "rondo", "scherzo", "septet", "serenade", "sextet", "sinfonietta", "sonata", "sonatina", "song", "suite", "symphony", "tarantella", "toccata", "trio", "variation", "waltz"});

constexpr std::array kInstruments = std::to_array<std::string_view>({"accordion", "alto", "baritone", "bass", "bassoon", "cello", "clarinet", "contralto", "flute", "guitar", "harp", "harpsichord", "horn", "lute", "mandolin", "mezzo", "oboe", "orchestra", "organ", "piano", "recorder", "saxophone", "soprano", "string", "tenor", "trombone", "trumpet", "tuba", "viola", "violin", "voice", "wind"});

constexpr std::array kTempos = std::to_array<std::string_view>({"adagietto", "adagio", "affettuoso", "agitato", "alla", "allegretto", "allegro", "anime", "andante", "andantino", "animato", "appassionato", "arioso", "assez", "ausserst", "bewegt", "breit", "comodo", "con", "energico", "etwas", "feierlich", "fliessend", "frisch", "gemachlich", "gehend", "grave", "grazioso", "gut", "innig", "kraftig", "langsam", "langsamer", "larghetto", "largo", "lebhaft", "leicht", "leidenschaftlich", "lent", "lento", "lentement", "maestoso", "majestatisch", "mit", "massig", "modere", "moderato", "molto", "nicht", "pas", "piu", "poco", "prestissimo", "presto", "rasch", "ruhig", "ruhevoll", "schnell", "sehr", "sostenuto", "stark", "sturmisch", "tempo", "tranquillo", "tres", "un", "vif", "vivace", "vivacissimo", "vivo", "zart", "ziemlich"});

constexpr std::array kMovementNames = std::to_array<std::string_view>({"air", "allemande", "aria", "badinerie", "bourree", "canon", "canzonetta", "cavatina", "chaconne", "coda", "conclusion", "corrente", "courante", "double", "echo", "entree", "epilogue", "final", "finale", "fuga", "fuge", "fugue", "gavotte", "giga", "gigue", "intermezzo", "interlude", "introduction", "introduktion", "introduzione", "intrada", "loure", "marche", "marcia", "menuet", "menuett", "menuetto", "minuet", "minuetto", "ouverture", "passepied", "polonaise", "postludium", "praeludium", "praludium", "prelude", "preludio", "recitativo", "romance", "romanza", "romanze", "rondeau", "rondo", "sarabanda", "sarabande", "scherzando", "scherzo", "siciliana", "siciliano", "tema", "thema", "theme", "trauermarsch", "trio", "variation", "variazione", "vorspiel"});

constexpr std::array kNumberMarks = std::to_array<std::string_view>({"n", "no", "nos", "nr", "nro", "num", "number", "numero", "nummer"});

template <std::size_t N>
std::array<std::string_view, N> sorted_copy(std::array<std::string_view, N> words) {
  std::sort(words.begin(), words.end());
  return words;
}
template <std::size_t N>
std::array<Synonym, N> sorted_copy(std::array<Synonym, N> words) {
  std::sort(words.begin(), words.end(), [](const Synonym& a, const Synonym& b) { return a.word < b.word; });
  return words;
}

std::string_view synonym_of(std::string_view word) {
  static const auto table = sorted_copy(kSynonyms);
  const auto found = std::lower_bound(table.begin(), table.end(), word, [](const Synonym& each, std::string_view wanted) { return each.word < wanted; });
  return found != table.end() && found->word == word ? found->terms : word;
}

/// English plurals, as far as nothing else would be hurt: "nocturnes", not "brass" or "papillons" (which is in the table).
std::string_view singular(std::string_view word) {
  if (word.size() > 4 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is")) word.remove_suffix(1);
  return word;
}

bool is_silent(std::string_view word) {
  static const auto table = sorted_copy(kSilent);
  return std::binary_search(table.begin(), table.end(), word);
}

constexpr auto kUnits = std::to_array<std::string_view>({"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"});
constexpr auto kTens = std::to_array<std::string_view>({"twenty", "thirty", "forty", "fifty", "sixty"});

}  // namespace

std::optional<CountWord> count_at(std::span<const Token> tokens, std::size_t i) {
  if (!tokens[i].is_word()) return std::nullopt;
  const auto unit = std::find(kUnits.begin() + 2, kUnits.end(), tokens[i].text);
  if (unit != kUnits.end()) return CountWord{static_cast<int>(unit - kUnits.begin()), i + 1};
  const auto ten = std::find(kTens.begin(), kTens.end(), tokens[i].text);
  if (ten == kTens.end()) return std::nullopt;
  const int value = 20 + 10 * static_cast<int>(ten - kTens.begin());
  std::size_t next = i + 1;
  if (next < tokens.size() && tokens[next].is_mark('-')) ++next;
  if (next < tokens.size() && tokens[next].is_word()) {
    const auto more = std::find(kUnits.begin() + 1, kUnits.begin() + 10, tokens[next].text);
    if (more != kUnits.begin() + 10) return CountWord{value + static_cast<int>(more - kUnits.begin()), next + 1};
  }
  return CountWord{value, i + 1};
}

std::optional<int> leading_count(std::span<const Token> tokens) {
  if (tokens.empty()) return std::nullopt;
  const auto terms = terms_of(tokens.first(std::min<std::size_t>(tokens.size(), 3)));
  int value = 0;
  if (terms.empty() || !terms.front().starts_with('#')) return std::nullopt;
  const std::string_view digits = std::string_view(terms.front()).substr(1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || value < 2 || value > 60) return std::nullopt;
  return value;
}

bool is_form(std::string_view term) {
  static const auto table = sorted_copy(kForms);
  return std::binary_search(table.begin(), table.end(), term);
}
bool is_tempo(std::string_view folded) {
  static const auto table = sorted_copy(kTempos);
  return std::binary_search(table.begin(), table.end(), folded);
}
bool begins_movement(std::string_view folded) {
  static const auto table = sorted_copy(kMovementNames);
  return is_tempo(folded) || std::binary_search(table.begin(), table.end(), folded);
}
bool is_number_word(std::string_view folded) { return std::find(kNumberMarks.begin(), kNumberMarks.end(), folded) != kNumberMarks.end(); }
bool is_instrument(std::string_view term) { return std::find(kInstruments.begin(), kInstruments.end(), term) != kInstruments.end(); }

std::string term_of(std::string_view folded) {
  if (is_silent(folded)) return {};
  const std::string_view term = synonym_of(folded);
  for (const Synonym& count : kCounts) {
    if (count.word == term) return std::string(count.terms);
  }
  return std::string(term == folded ? singular(term) : term);
}

std::optional<int> book_at(std::span<const Token> tokens, std::size_t i) {
  constexpr auto kBefore = std::to_array<std::string_view>({"book", "buch", "cahier", "clavier", "heft", "klavier", "libro", "livre", "part", "teil", "wtc", "wtk"});
  if (i == 0 || !tokens[i].is_word() || !tokens[i].all_upper || tokens[i].text.find_first_not_of("ivx") != std::string::npos) return std::nullopt;
  const std::size_t before = tokens[i - 1].is_mark(',') && i > 1 ? i - 2 : i - 1;
  return tokens[before].is_word() && is_one_of(tokens[before].text, kBefore) ? roman_value(tokens[i].text) : std::nullopt;
}

std::vector<std::string> terms_of(std::span<const Token> tokens) {
  std::vector<std::string> terms;
  terms.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (const auto count = count_at(tokens, i)) {
      terms.push_back("#" + std::to_string(count->value));
      i = count->last - 1;
    } else if (token.is_number()) {
      terms.push_back("#" + (token.value >= 0 ? std::to_string(token.value) : token.text));
    } else if (const auto book = book_at(tokens, i)) {
      terms.push_back("#" + std::to_string(*book));
    } else if (token.is_word()) {
      std::string term = term_of(token.text);
      const std::size_t space = term.find(' ');
      if (space != std::string::npos) {
        terms.push_back(term.substr(space + 1));
        term.resize(space);
      }
      if (!term.empty()) terms.push_back(std::move(term));
    }
  }
  return terms;
}

}  // namespace ghost::ariascribe
