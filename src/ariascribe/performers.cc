#include "ariascribe/performers.h"

#include <algorithm>
#include <array>

#include "ariascribe/composer_names.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

namespace {

struct Meaning {
  std::string_view word;
  std::string_view means;
};

constexpr auto kInstrumentWords = std::to_array<Meaning>({
    {"accordion", "accordion"}, {"akkordeon", "accordion"}, {"alt", "contralto"}, {"alto", "contralto"}, {"altus", "countertenor"}, {"bandoneon", "bandoneon"},
    {"bariton", "baritone"}, {"baritone", "baritone"}, {"baryton", "baritone"}, {"baritono", "baritone"}, {"bass", "bass"}, {"bassbariton", "bass-baritone"},
    {"basse", "bass"}, {"basso", "bass"}, {"bajo", "bass"}, {"bassoon", "bassoon"}, {"basson", "bassoon"}, {"bratsche", "viola"}, {"cello", "cello"}, {"celli", "cello"}, {"cemb", "harpsichord"}, {"cl", "clarinet"}, {"fag", "bassoon"}, {"fl", "flute"}, {"git", "guitar"}, {"gtr", "guitar"}, {"hn", "french horn"}, {"hpd", "harpsichord"}, {"hrp", "harp"}, {"kl", "piano"}, {"klav", "piano"}, {"ob", "oboe"}, {"org", "organ"}, {"pf", "piano"}, {"pfte", "piano"}, {"pno", "piano"}, {"sop", "soprano"}, {"ten", "tenor"}, {"tpt", "trumpet"}, {"vc", "cello"}, {"vcl", "cello"}, {"vla", "viola"}, {"vlc", "cello"}, {"vln", "violin"}, {"vn", "violin"},
    {"cembalo", "harpsichord"}, {"clarinet", "clarinet"}, {"clarinette", "clarinet"}, {"clavecin", "harpsichord"}, {"clavicembalo", "harpsichord"},
    {"clavichord", "clavichord"}, {"contralto", "contralto"}, {"contratenor", "countertenor"}, {"cor", "french horn"}, {"cornet", "cornet"}, {"countertenor", "countertenor"},
    {"drums", "percussion"}, {"fagott", "bassoon"}, {"fagotto", "bassoon"}, {"fiddle", "violin"}, {"flauta", "flute"}, {"flauto", "flute"}, {"flote", "flute"},
    {"flute", "flute"}, {"fortepiano", "fortepiano"}, {"geige", "violin"}, {"gitarre", "guitar"}, {"guitar", "guitar"}, {"guitare", "guitar"}, {"guitarra", "guitar"},
    {"hammerflugel", "fortepiano"}, {"harfe", "harp"}, {"harp", "harp"}, {"harpe", "harp"}, {"harpsichord", "harpsichord"}, {"hautbois", "oboe"}, {"horn", "french horn"},
    {"keyboard", "piano"}, {"keyboards", "piano"}, {"klarinette", "clarinet"}, {"klavier", "piano"}, {"kontrabass", "double bass"}, {"contrabass", "double bass"},
    {"laute", "lute"}, {"lute", "lute"}, {"mandolin", "mandolin"}, {"marimba", "marimba"}, {"mezzo", "mezzo-soprano"}, {"mezzosoprano", "mezzo-soprano"},
    {"mezzosopran", "mezzo-soprano"}, {"narrator", "narrator"}, {"oboe", "oboe"}, {"organ", "organ"}, {"orgel", "organ"}, {"orgue", "organ"}, {"organo", "organ"},
    {"percussion", "percussion"}, {"pianist", "piano"}, {"piano", "piano"}, {"pianoforte", "piano"}, {"piccolo", "piccolo"}, {"posaune", "trombone"}, {"recorder", "recorder"},
    {"recitant", "narrator"}, {"saxophone", "saxophone"}, {"saxophon", "saxophone"}, {"skripka", "violin"}, {"sopran", "soprano"}, {"soprano", "soprano"}, {"speaker", "narrator"},
    {"tenor", "tenor"}, {"tenore", "tenor"}, {"theorbo", "theorbo"}, {"timpani", "timpani"}, {"treble", "treble"}, {"trombone", "trombone"}, {"trompete", "trumpet"},
    {"trompette", "trumpet"}, {"trumpet", "trumpet"}, {"tuba", "tuba"}, {"viola", "viola"}, {"violin", "violin"}, {"violine", "violin"}, {"violinist", "violin"},
    {"violino", "violin"}, {"violon", "violin"}, {"violoncelle", "cello"}, {"violoncello", "cello"}, {"vocals", "vocalist"}, {"voice", "vocalist"}, {"vocal", "vocalist"},
});

/// Words that say a role, in front of a name or behind it.
constexpr auto kRoleWords = std::to_array<Meaning>({
    {"cond", "conductor"}, {"conducted", "conductor"}, {"conductor", "conductor"}, {"conductors", "conductor"}, {"chef", "conductor"}, {"dir", "conductor"},
    {"directed", "conductor"}, {"director", "conductor"}, {"direction", "conductor"}, {"direttore", "conductor"}, {"dirigent", "conductor"}, {"dirigenten", "conductor"}, {"dirigentin", "conductor"},
    {"dirizher", "conductor"}, {"leiter", "conductor"}, {"leitung", "conductor"}, {"orchestra", "orchestra"}, {"orchester", "orchestra"}, {"orchestre", "orchestra"},
    {"ensemble", "ensemble"}, {"choir", "choir"}, {"chorus", "choir"}, {"chor", "choir"}, {"soloist", "soloist"}, {"solo", "soloist"},
});

struct GroupWord {
  std::string_view word;  ///< of a word: the beginning, when it ends with '*'; any part, when it begins with one
  std::string_view role;
};
constexpr auto kGroupWords = std::to_array<GroupWord>({
    {"choir*", "choir"}, {"chor", "choir"}, {"chorus*", "choir"}, {"chorale", "choir"}, {"choeur*", "choir"}, {"coro", "choir"}, {"coros", "choir"}, {"kammerchor", "choir"}, {"singers", "choir"}, {"knabenchor", "choir"}, {"rundfunkchor", "choir"}, {"staatsopernchor", "choir"},
    {"singverein", "choir"}, {"singakademie", "choir"}, {"scholars", "choir"}, {"voices", "choir"}, {"glee", "choir"}, {"oratorio", "choir"}, {"choral", "choir"}, {"domspatzen", "choir"}, {"sangerknaben", "choir"}, {"thomanerchor", "choir"}, {"kreuzchor", "choir"}, {"schola", "choir"}, {"school", "choir"}, {"*knabenchor", "choir"}, {"*kinderchor", "choir"}, {"*mannerchor", "choir"}, {"*frauenchor", "choir"}, {"*rundfunkchor", "choir"}, {"*opernchor", "choir"}, {"*bachchor", "choir"}, {"khor", "choir"},
    {"quartet*", "ensemble"}, {"quartett*", "ensemble"}, {"quatuor", "ensemble"}, {"quintet*", "ensemble"}, {"trio", "ensemble"}, {"duo", "ensemble"}, {"octet", "ensemble"}, {"oktett", "ensemble"}, {"octuor", "ensemble"}, {"sextet*", "ensemble"}, {"septet", "ensemble"}, {"ensemble*", "ensemble"}, {"consort", "ensemble"}, {"players", "ensemble"}, {"brass", "ensemble"}, {"blaser*", "ensemble"}, {"soloists", "ensemble"}, {"solisti", "ensemble"}, {"solistes", "ensemble"}, {"solisten", "ensemble"},
    {"orchestr*", "orchestra"}, {"orchester", "orchestra"}, {"orquesta", "orchestra"}, {"orquestra", "orchestra"}, {"orkest*", "orchestra"}, {"orkester*", "orchestra"}, {"kammerorchester", "orchestra"}, {"rundfunkorchester", "orchestra"}, {"sinfonieorchester", "orchestra"}, {"symphonieorchester", "orchestra"}, {"sinfonie*", "orchestra"}, {"philharmon*", "orchestra"}, {"filarm*", "orchestra"}, {"filharm*", "orchestra"}, {"symphon*", "orchestra"}, {"sinfoni*", "orchestra"}, {"staatskapelle", "orchestra"}, {"gewandhaus*", "orchestra"}, {"concertgebouw*", "orchestra"}, {"academy", "orchestra"}, {"akademie", "orchestra"}, {"accademia", "orchestra"}, {"camerata", "orchestra"}, {"sinfonietta", "orchestra"}, {"musici", "orchestra"}, {"musiciens", "orchestra"}, {"virtuosi", "orchestra"}, {"kapelle", "orchestra"}, {"collegium", "orchestra"}, {"concentus", "orchestra"}, {"concert", "orchestra"}, {"concerto", "orchestra"}, {"festspielorchester", "orchestra"}, {"band", "orchestra"}, {"kapell", "orchestra"}, {"philharmonia", "orchestra"}, {"baroque", "orchestra"}, {"strings", "orchestra"}, {"capella", "orchestra"}, {"cappella", "orchestra"}, {"*philharmon", "orchestra"}, {"*orchester", "orchestra"}, {"*orkest", "orchestra"}, {"harmonie", "orchestra"}, {"musica", "ensemble"},
});

constexpr auto kVoices = std::to_array<std::string_view>({"baritone", "bass", "bass-baritone", "contralto", "countertenor", "mezzo-soprano", "soprano", "tenor", "treble", "vocalist"});

bool is_high_voice(std::string_view voice) { return voice == "soprano" || voice == "mezzo-soprano" || voice == "contralto"; }

std::string_view meaning_of(std::string_view word, std::span<const Meaning> table) {
  for (const Meaning& each : table) {
    if (each.word == word) return each.means;
  }
  return {};
}

bool group_word_fits(std::string_view pattern, std::string_view word) {
  if (pattern.starts_with('*')) return word.size() >= pattern.size() && word.find(pattern.substr(1)) != std::string_view::npos;
  if (pattern.ends_with('*')) return word.starts_with(pattern.substr(0, pattern.size() - 1));
  return word == pattern;
}

/// A name's words folded, with single spaces: how known performers are found.
std::string name_key(std::string_view name) {
  std::string key;
  for (const Token& token : tokenise(normalised(name))) {
    if (!token.is_word() || token.is("the")) continue;
    if (!key.empty()) key += ' ';
    key += token.text;
  }
  return key;
}

std::string_view without_article(std::string_view name) {
  if (name.starts_with("The ") || name.starts_with("the ")) name.remove_prefix(4);
  return name;
}

/// A role or an instrument said by words such as "piano", "conductor", "mezzo-soprano", "bass-baritone", "double bass".
struct Said {
  std::string role, instrument;
};
std::optional<Said> said_by(std::span<const Token> words) {
  std::string joined;
  for (const Token& token : words) {
    if (token.is_mark('-') || token.is_mark('.')) continue;
    if (!token.is_word()) return std::nullopt;
    if (!joined.empty()) joined += ' ';
    joined += token.text;
  }
  if (joined == "mezzo soprano" || joined == "mezzo sopran") return Said{"soloist", "mezzo-soprano"};
  if (joined == "bass baritone" || joined == "bass bariton") return Said{"soloist", "bass-baritone"};
  if (joined == "double bass") return Said{"soloist", joined};
  if (joined == "french horn" || joined == "english horn" || joined == "bass clarinet" || joined == "boy soprano") return Said{"soloist", joined};
  if (joined == "cor anglais") return Said{"soloist", "english horn"};
  if (joined == "conducted by" || joined == "directed by") return Said{"conductor", ""};
  if (joined.starts_with("unter der leitung von")) return Said{"conductor", ""};
  if (joined.find(' ') != std::string::npos) return std::nullopt;
  if (const auto role = meaning_of(joined, kRoleWords); !role.empty()) return Said{std::string(role), ""};
  std::string instrument = instrument_of(joined);
  if (!instrument.empty()) return Said{"soloist", std::move(instrument)};
  return std::nullopt;
}

}  // namespace

std::string instrument_of(std::string_view word) {
  const std::string folded = fold(word);
  std::string_view text = folded;
  if (const auto means = meaning_of(text, kInstrumentWords); !means.empty()) return std::string(means);
  if (text.ends_with('s')) {
    text.remove_suffix(1);
    return std::string(meaning_of(text, kInstrumentWords));
  }
  return {};
}

std::optional<std::string_view> group_role(std::string_view name) {
  std::optional<std::string_view> found;
  for (const Token& token : tokenise(normalised(name))) {
    if (!token.is_word()) continue;
    for (const GroupWord& group : kGroupWords) {
      if (!group_word_fits(group.word, token.text)) continue;
      // "Symphony Chorus" is a choir, "Philharmonic Quartet" an ensemble: the narrower word decides.
      if (!found || group.role == "choir" || (group.role == "ensemble" && *found == "orchestra" && token.text != "musica" && !token.text.starts_with("ensemble"))) found = group.role;
      break;
    }
  }
  return found;
}

PerformerParser::PerformerParser(const Repertoire& repertoire) : repertoire_(repertoire) {
  for (const KnownPerformer& each : repertoire_.performers()) {
    by_name_.emplace(name_key(each.name), &each);
    for (const std::string& other : each.other_names) by_name_.emplace(name_key(other), &each);
    if (each.role != "conductor" && each.role != "soloist") continue;
    PersonName person = parse_person(each.name);
    if (is_high_voice(each.instrument) && !person.given.empty()) names_of_high_voices_.insert(person.given.front());
    by_surname_[person.surname].push_back({std::move(person.given), &each});
  }
  for (const auto& [surname, bearers] : by_surname_) {
    for (const NamedPerformer& each : bearers) {
      if (!each.given.empty() && !is_high_voice(each.who->instrument)) names_of_high_voices_.erase(each.given.front());
    }
  }
}

const KnownPerformer* PerformerParser::known(std::string_view name) const {
  const auto found = by_name_.find(name_key(name));
  return found == by_name_.end() ? nullptr : found->second;
}

const KnownPerformer* PerformerParser::meant(std::string_view name) const {
  if (const KnownPerformer* whole = known(name)) return whole;
  const PersonName person = parse_person(name);
  const auto found = by_surname_.find(person.surname);
  if (found == by_surname_.end()) return nullptr;
  const bool shortened = std::all_of(person.given.begin(), person.given.end(), [](const std::string& given) { return given.size() == 1; });
  const KnownPerformer* only = nullptr;
  for (const NamedPerformer& each : found->second) {
    if (!shortened || !given_names_fit(person.given, each.given)) continue;
    if (only) return nullptr;
    only = each.who;
  }
  return only;
}

bool PerformerParser::sings_high(const Performer& performer) const {
  const PersonName person = parse_person(performer.name);
  return !person.given.empty() && names_of_high_voices_.contains(person.given.front());
}

/// Voices a work asks for to those who may have them: its soprano to one whose first name sopranos bear.
void PerformerParser::assign_voices(std::vector<Performer*>& singers, std::vector<std::string>& parts) const {
  std::erase_if(singers, [&](Performer* each) {
    const bool high = sings_high(*each);
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const std::string& voice) { return std::find(kVoices.begin(), kVoices.end(), voice) != kVoices.end() && voice != "vocalist" && is_high_voice(voice) == high; });
    if (part == parts.end()) return false;
    each->instrument = *part;
    parts.erase(part);
    return true;
  });
}

Performer PerformerParser::named(std::string_view name) const {
  Performer performer;
  performer.name = plain_name(without_article(trimmed(name)));
  if (const auto role = group_role(performer.name)) performer.role = *role;
  return performer;
}

/// One name, perhaps with what it plays: "A. B. (piano)", "A. B., piano", "piano: A. B.".
void PerformerParser::add(std::vector<Performer>& out, std::string_view piece) const {
  std::string text(trimmed(piece));
  if (text.empty()) return;
  Said said;
  const std::size_t open = text.find_first_of("([");
  if (open != std::string::npos && open > 0) {
    const std::size_t close = text.find_first_of(")]", open);
    const std::string inside = text.substr(open + 1, close == std::string::npos ? close : close - open - 1);
    if (const auto found = said_by(tokenise(normalised(inside)))) said = *found;
    text.resize(open);
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    if (const auto found = said_by(tokenise(normalised(std::string_view(text).substr(0, colon))))) {
      said = *found;
      text.erase(0, colon + 1);
    }
  }
  const std::size_t comma = text.rfind(',');
  const std::size_t dash = text.rfind(" - ");
  for (const auto& [at, length] : {std::pair{comma, std::size_t{1}}, std::pair{dash, std::size_t{3}}}) {
    if (at == std::string::npos) continue;
    if (const auto found = said_by(tokenise(normalised(std::string_view(text).substr(at + length))))) {
      said = *found;
      text.resize(at);
      break;
    }
  }
  Performer performer = named(text);
  if (performer.name.empty()) return;
  if (!said.role.empty()) performer.role = said.role;
  performer.instrument = said.instrument;
  out.push_back(std::move(performer));
}

std::vector<Performer> PerformerParser::parse_artists(std::string_view given) const {
  const std::string text = normalised(given);
  std::vector<Performer> out;
  for (const std::string_view word : {" feat. ", " featuring ", " feat ", " ft. "}) {
    const std::size_t at = text.find(word);
    if (at == std::string::npos || at == 0) continue;
    out = parse_artists(std::string_view(text).substr(0, at));
    for (Performer& each : parse_artists(std::string_view(text).substr(at + word.size()))) out.push_back(std::move(each));
    return out;
  }
  char separator = 0;
  if (text.find(';') != std::string::npos) separator = ';';
  else if (text.find(" / ") != std::string::npos) separator = '/';
  else if (text.find('|') != std::string::npos) separator = '|';
  if (separator) {
    for (const std::string_view piece : split(text, separator)) add(out, piece);
    return out;
  }
  // Commas separate names, turn one round ("Gould, Glenn"), or introduce an instrument ("A. B., piano").
  std::vector<std::string> pieces;
  for (const std::string_view part : split(text, ',')) {
    if (!pieces.empty() && said_by(tokenise(part))) {
      pieces.back() += ", " + std::string(part);
      continue;
    }
    std::string_view rest = part;
    for (;;) {
      std::size_t at = std::string_view::npos, length = 0;
      for (const std::string_view word : {" & ", " and ", " und ", " et ", " e ", " y "}) {
        const std::size_t found = rest.find(word);
        if (found < at) at = found, length = word.size();
      }
      // "Chorus and Orchestra of …" is one name.
      if (at != std::string_view::npos && tokenise(rest.substr(0, at)).size() < 2) at = std::string_view::npos;
      pieces.emplace_back(trimmed(rest.substr(0, at)));
      if (at == std::string_view::npos) break;
      rest.remove_prefix(at + length);
    }
  }
  if (pieces.size() == 2 && tokenise(pieces[0]).size() == 1 && !group_role(pieces[0]) && !group_role(pieces[1])) pieces = {pieces[0] + ", " + pieces[1]};
  for (const std::string& piece : pieces) add(out, piece);
  return out;
}

std::vector<Performer> PerformerParser::parse_clause(std::string_view given) const {
  const std::string text = normalised(given);
  const std::vector<Token> tokens = tokenise(text);
  std::vector<Performer> out;
  std::size_t begin = 0;   // of the name under way
  Said said;
  const auto flush = [&](std::size_t end) {
    auto name = std::span(tokens).subspan(begin, end - begin);
    const auto idle = [](const Token& token) {
      return token.is_mark(',') || token.is_mark(':') || token.is_mark(';') || token.is_mark('-') || token.is_mark('/') || token.is_mark('&') || token.is_mark('(') || token.is_mark(')') || token.is("and") || token.is("und") || token.is("et") ||
             token.is("with") || token.is("mit");
    };
    while (!name.empty() && idle(name.front())) name = name.subspan(1);
    while (!name.empty() && idle(name.back())) name = name.first(name.size() - 1);
    if (name.empty()) return;
    Performer performer = named(text_of(text, name));
    if (performer.name.empty()) return;
    if (!said.role.empty()) performer.role = said.role, performer.instrument = said.instrument;
    out.push_back(std::move(performer));
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.is("feat") || token.is("featuring") || token.is("ft")) {
      flush(i);
      said = {};
      begin = i + 1;
      if (begin < tokens.size() && tokens[begin].is_mark('.')) begin = ++i + 1;
      continue;
    }
    if (token.is_mark(',') || token.is_mark(';') || token.is_mark('/') || token.is_mark('&') || token.is("and") || token.is("und")) {
      // Inside a group's name "and" joins: "Chorus and Orchestra of …"; between two whole names it does not.
      const bool word = token.is("and") || token.is("und") || token.is_mark('&');
      const bool joins = word && begin + 1 == i && group_role(tokens[begin].text);
      if (joins) continue;
      flush(i);
      begin = i + 1;
      continue;
    }
    // A role word with a colon behind it, or one at the beginning of a piece.
    for (const std::size_t length : {3u, 2u, 1u}) {
      if (i + length > tokens.size() || i != begin) continue;
      auto words = std::span(tokens).subspan(i, length);
      const auto role = said_by(words);
      if (!role) continue;
      const std::size_t after = i + length;
      const bool colon = after < tokens.size() && tokens[after].is_mark(':');
      const bool lower = !token.upper;
      if (!colon && !lower) continue;
      said = *role;
      i = after - (colon ? 0 : 1);
      begin = i + 1;
      break;
    }
  }
  flush(tokens.size());
  return out;
}

void PerformerParser::complete(std::vector<Performer>& performers, std::string_view medium, std::string_view form) const {
  std::vector<Performer*> open;
  bool has_conductor = false, has_group = false;
  for (Performer& each : performers) {
    if (const KnownPerformer* who = meant(each.name)) {
      if (each.role.empty()) each.role = who->role;
      if (each.instrument.empty() && each.role == "soloist") each.instrument = who->instrument;
    }
    has_conductor |= each.role == "conductor";
    has_group |= each.role == "orchestra" || each.role == "choir";
    if (each.role.empty()) open.push_back(&each);
  }
  const auto parts = list_of(medium);
  // With an orchestra somebody conducts: where nobody is known to, the last name, as programmes have it, but a singer's last of all.
  if (has_group && !has_conductor && !open.empty()) {
    auto last = std::find_if(open.rbegin(), open.rend(), [&](const Performer* each) { return !sings_high(*each); });
    if (last == open.rend()) last = open.rbegin();
    (*last)->role = "conductor";
    open.erase(std::next(last).base());
  }
  for (Performer* each : open) each->role = "soloist";
  std::vector<std::string> solos;
  for (const std::string& part : parts) {
    std::string instrument = instrument_of(part);
    if (!instrument.empty()) solos.push_back(std::move(instrument));
  }
  std::vector<Performer*> without;
  for (Performer& each : performers) {
    if (each.role == "soloist" && each.instrument.empty()) without.push_back(&each);
    const auto taken = std::find(solos.begin(), solos.end(), each.instrument);
    if (each.role == "soloist" && taken != solos.end()) solos.erase(taken);
  }
  if (form == "opera" || solos.empty()) return;
  assign_voices(without, solos);
  if (solos.empty()) return;
  for (std::size_t i = 0; i < without.size(); ++i) {
    const std::string& instrument = solos[std::min(i, solos.size() - 1)];
    // "voice" tells no more than that somebody sings.
    if (instrument != "vocalist" || std::find(kVoices.begin(), kVoices.end(), instrument) == kVoices.end()) without[i]->instrument = instrument;
  }
}

}  // namespace ghost::ariascribe
