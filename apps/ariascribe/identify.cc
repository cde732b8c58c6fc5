#include <fmt/format.h>

#include <iostream>

#include "app/places.h"
#include "ariascribe/knowledge_service.h"
#include "base/terminal.h"
#include "base/text.h"
#include "catalogue.h"
#include "identification_json.h"
#include "verbs.h"

namespace ghost::app {

using nlohmann::ordered_json;

namespace {

constexpr auto kLenient = ordered_json::error_handler_t::replace;

Colour colour_of(ariascribe::Band band) {
  return band == ariascribe::Band::apply ? Colour::green : band == ariascribe::Band::review ? Colour::yellow : Colour::dim;
}

void print(const ariascribe::Identification& found) {
  const Terminal terminal = Terminal::of(1);
  const auto line = [&](std::string_view label, std::string_view field, const std::string& value) {
    if (value.empty()) return;
    std::string why;
    for (const auto& reason : found.reasons) {
      if (reason.field == field) why = fmt::format("{:3.0f} %  {}", reason.confidence * 100, printable(reason.reason));
    }
    std::cout << fmt::format("{:<11} {:<46} ", label, printable(value)) << coloured(terminal, Colour::dim, why) << "\n";
  };
  line("composer", "composer", found.composer);
  line("work", "work", found.work);
  std::string numbers;
  for (const std::string& number : found.catalogue) numbers += (numbers.empty() ? "" : ", ") + number;
  line("catalogue", "catalogue", numbers);
  line("key", "key", found.key);
  std::string movement = found.movement_no == 0 ? "" : std::to_string(found.movement_no);
  if (found.movement_no != 0 && found.movement_count != 0) movement += " of " + std::to_string(found.movement_count);
  line("number", "movement_no", movement);
  line("movement", "movement", found.movement);
  line("arranger", "arranger", found.arranger);
  for (const auto& each : found.performers) line(each.role.empty() ? "performer" : each.role, "performers", each.name + (each.instrument.empty() ? "" : " (" + each.instrument + ")"));
  std::cout << "band        " << coloured(terminal, colour_of(found.band), name(found.band)) << "\n";
}

ariascribe::Explanation explanation_of(const ariascribe::Matcher& matcher, const ariascribe::TrackInput& input) { return ariascribe::explain(matcher, {input.album, input.artist, {input}}, 0); }

std::string sentences(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : "; ") + each;
  return text;
}

/// The works that were weighed, the likeliest first.
void print_considered(const ariascribe::Knowledge& knowledge, const ariascribe::Explanation& why) {
  const Terminal terminal = Terminal::of(1);
  std::cout << "\nweighed\n";
  for (const auto& each : why.considered) {
    const ariascribe::Work& work = knowledge.matcher.work(each.work);
    std::cout << fmt::format("{:3.0f} %  {}", each.probability * 100, coloured(terminal, each.chosen ? Colour::bold : Colour::dim, printable(knowledge.repertoire.composer_of(work).name + ": " + work.full_title()))) << "\n";
    if (!each.fits.empty()) std::cout << "       + " << printable(sentences(each.fits)) << "\n";
    if (!each.lost_by.empty()) std::cout << "       - " << printable(sentences(each.lost_by)) << "\n";
  }
  std::cout << fmt::format("{:3.0f} %  none of these\n", why.none * 100);
}

ordered_json considered_json(const ariascribe::Knowledge& knowledge, const ariascribe::Explanation& why) {
  ordered_json considered = ordered_json::array();
  for (const auto& each : why.considered) {
    const ariascribe::Work& work = knowledge.matcher.work(each.work);
    considered.push_back({{"id", work.id}, {"composer", knowledge.repertoire.composer_of(work).name}, {"work", work.full_title()}, {"probability", each.probability}, {"chosen", each.chosen}, {"fits", each.fits}, {"lost_by", each.lost_by}});
  }
  return considered;
}

/// What a track is, and with --explain what else was weighed.
ordered_json identified_json(const Arguments& arguments, const ariascribe::Knowledge& knowledge, const ariascribe::TrackInput& input) {
  if (!arguments.has("explain")) return to_json(knowledge.matcher.identify(input));
  const ariascribe::Explanation why = explanation_of(knowledge.matcher, input);
  ordered_json answer = to_json(why.found);
  answer["considered"] = considered_json(knowledge, why);
  answer["none"] = why.none;
  return answer;
}

/// Reads rows of JSON from stdin; `each` makes the answer of one. A row that is no JSON is told with its line, and the others go on.
int for_each_row(const std::function<ordered_json(const nlohmann::json& row)>& each) {
  std::string line;
  std::size_t number = 0, bad = 0;
  while (std::getline(std::cin, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object()) {
      ++bad;
      std::cerr << "ariascribe: line " << number << ": this is no JSON object; it is skipped\n";
      continue;
    }
    std::cout << each(row).dump(-1, ' ', false, kLenient) << "\n";
  }
  return code(bad == 0 ? Exit::done : Exit::partly);
}

ordered_json id_of(const nlohmann::json& row) { return row.contains("id") ? ordered_json(row["id"]) : ordered_json(nullptr); }

int identify(const Arguments& arguments) {
  const auto knowledge = load_knowledge(arguments);
  if (!knowledge) return complain("ariascribe", knowledge.error());
  if (arguments.has("jsonl")) {
    return for_each_row([&](const nlohmann::json& row) {
      ordered_json answer = {{"id", id_of(row)}};
      answer.update(identified_json(arguments, **knowledge, track_input(row.contains("input") ? row["input"] : row)));
      return answer;
    });
  }
  ariascribe::TrackInput input;
  input.title = arguments.text("TEXT");
  input.album = arguments.text("album");
  input.artist = arguments.text("artist");
  input.composer = arguments.text("composer");
  if (input.title.empty() && input.album.empty()) {
    std::cerr << "ariascribe: what is to be identified? Give a title, or --jsonl and rows on standard input\n";
    return code(Exit::usage);
  }
  if (arguments.has("json")) {
    ordered_json answer = {{"v", 1}, {"event", "summary"}};
    answer.update(identified_json(arguments, **knowledge, input));
    answer["code"] = 0;
    std::cout << answer.dump(-1, ' ', false, kLenient) << "\n";
  } else if (arguments.has("explain")) {
    const ariascribe::Explanation why = explanation_of((*knowledge)->matcher, input);
    print(why.found);
    print_considered(**knowledge, why);
  } else {
    print((*knowledge)->matcher.identify(input));
  }
  return code(Exit::done);
}

int identify_album(const Arguments& arguments) {
  const auto knowledge = load_knowledge(arguments);
  if (!knowledge) return complain("ariascribe", knowledge.error());
  return for_each_row([&](const nlohmann::json& row) {
    const ariascribe::AlbumInput album = album_input(row.contains("input") ? row["input"] : row);
    const auto found = ariascribe::identify_album((*knowledge)->matcher, album);
    ordered_json tracks = ordered_json::array();
    for (std::size_t i = 0; i < found.size(); ++i) {
      ordered_json track = {{"track", album.tracks[i].track_number == 0 ? static_cast<int>(i) + 1 : album.tracks[i].track_number}};
      track.update(to_json(found[i]));
      tracks.push_back(std::move(track));
    }
    return ordered_json{{"id", id_of(row)}, {"tracks", tracks}};
  });
}

Option rows_option() {
  Option option;
  option.name = "jsonl";
  option.help = "read a row of JSON a line from standard input, write one a line";
  return option;
}

Option explain_option() {
  Option option;
  option.name = "explain";
  option.help = "also the works that were weighed, with what fits and what they lost by";
  return option;
}

}  // namespace

Verb identify_verb() {
  Verb verb;
  verb.name = "identify";
  verb.summary = "say what a messy title is: composer, work, movement, who plays";
  verb.description = "Works offline, from the repertoire in this program and what `ariascribe import` has read. Each field comes with how sure it is and why.";
  verb.examples = {{"ariascribe identify 'BEETHOVEN: Sonata No.14 In C# Minor, Op 27/2 - III Presto agitato'", "one title"},
                   {"ariascribe identify 'Rondo alla turca' --artist 'Alfred Brendel' --json", "for a script"},
                   {"ariascribe identify 'Sonata op. 27' --explain", "which works it may be, and what each has for and against it"},
                   {"ariascribe identify --jsonl < rows.jsonl", "rows {\"id\", \"input\": {\"title\", \"album\", \"artist\", \"composer\"}}"}};
  verb.options = {json_option(), rows_option(), explain_option(), Option{"album", "TEXT", "the album it is on"}, Option{"artist", "TEXT", "what the artist tag says"}, Option{"composer", "TEXT", "what the composer tag says"}, store_option(), state_option()};
  verb.positionals = {{"TEXT", "the title", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = identify;
  return verb;
}

Verb identify_album_verb() {
  Verb verb;
  verb.name = "identify-album";
  verb.summary = "the same for all tracks of an album at once";
  verb.description = "Tracks share composer, work and performers, and movement numbers rise: '2. Andante' is understood from its neighbours.";
  verb.examples = {{"ariascribe identify-album --jsonl < albums.jsonl", "rows {\"id\", \"album\", \"artist\", \"tracks\": [{\"track\", \"title\"}]}"}};
  verb.options = {rows_option(), store_option(), state_option()};
  verb.run = identify_album;
  return verb;
}

}  // namespace ghost::app
