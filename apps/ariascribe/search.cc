#include <fmt/format.h>

#include <charconv>
#include <filesystem>
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

ordered_json work_json(const ariascribe::Repertoire& repertoire, const ariascribe::Work& work) {
  ordered_json numbers = ordered_json::array(), movements = ordered_json::array();
  for (const auto& number : work.catalogue) numbers.push_back(number.text());
  for (const auto& each : work.movements) movements.push_back({{"number", each.number}, {"title", each.title}, {"key", each.key.empty() ? ordered_json(nullptr) : ordered_json(each.key)}});
  return {{"id", work.id}, {"composer", repertoire.composer_of(work).name}, {"title", work.title}, {"full_title", work.full_title()}, {"catalogue", numbers},
          {"key", work.key.empty() ? ordered_json(nullptr) : ordered_json(work.key)}, {"year", work.year == 0 ? ordered_json(nullptr) : ordered_json(work.year)},
          {"medium", work.medium}, {"form", work.form}, {"also", work.also}, {"movements", movements}};
}

int search(const Arguments& arguments) {
  std::size_t limit = 20;
  const std::string limit_text = arguments.text("limit", "20");
  const auto [end, error] = std::from_chars(limit_text.data(), limit_text.data() + limit_text.size(), limit);
  if (error != std::errc() || end != limit_text.data() + limit_text.size() || limit < 1 || limit > 200) {
    std::cerr << "ariascribe: --limit " << limit_text << ": a number from 1 to 200\n";
    return code(Exit::usage);
  }
  const auto knowledge = load_knowledge(arguments);
  if (!knowledge) return complain("ariascribe", knowledge.error());
  const ariascribe::Repertoire& repertoire = (*knowledge)->repertoire;
  std::string text;
  for (const std::string& word : arguments.all("TEXT")) text += (text.empty() ? "" : " ") + word;
  const auto found = (*knowledge)->search.find(text, limit);
  if (arguments.has("json")) {
    for (const auto& each : found) {
      ordered_json line = {{"v", 1}, {"event", "work"}};
      line.update(work_json(repertoire, (*knowledge)->matcher.work(each.work)));
      std::cout << line.dump() << "\n";
    }
    std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"works", found.size()}, {"code", found.empty() ? 1 : 0}}.dump() << "\n";
  } else if (found.empty()) {
    std::cerr << "ariascribe: no work of " << (*knowledge)->matcher.size() << " fits '" << printable(text) << "'\n";
  } else {
    Table table({"id", "composer", "work", "year"});
    for (const auto& each : found) {
      const ariascribe::Work& work = (*knowledge)->matcher.work(each.work);
      table.add({work.id, repertoire.composer_of(work).name, work.full_title(), work.year == 0 ? "" : std::to_string(work.year)});
    }
    std::cout << table.text(Terminal::of(1));
  }
  return code(found.empty() ? Exit::failed : Exit::done);
}

void print(const ariascribe::Repertoire& repertoire, const ariascribe::Work& work) {
  const ariascribe::Composer& composer = repertoire.composer_of(work);
  std::cout << composer.name << "\n" << work.full_title() << "\n";
  std::string facts;
  for (const std::string& each : {work.form, work.medium, work.year == 0 ? std::string() : std::to_string(work.year), composer.period}) {
    if (!each.empty()) facts += (facts.empty() ? "" : "; ") + each;
  }
  std::cout << facts << "\n";
  std::string also;
  for (const std::string& each : work.also) also += (also.empty() ? "" : ", ") + each;
  if (!also.empty()) std::cout << "also: " << also << "\n";
  for (const auto& each : work.movements) std::cout << fmt::format("  {:>3}  {}{}\n", each.number == 0 ? "-" : std::to_string(each.number), each.title, each.key.empty() ? "" : "  (" + each.key + ")");
}

int show(const Arguments& arguments) {
  std::error_code none;
  if (std::filesystem::is_regular_file(arguments.text("ID"), none)) return show_file(arguments, arguments.text("ID"));
  const auto knowledge = ariascribe::Knowledge::load();
  if (!knowledge) return complain("ariascribe", knowledge.error());
  const std::string id = arguments.text("ID");
  const ariascribe::Work* work = (*knowledge)->repertoire.find(id);
  if (!work) {
    // What is not the repertoire's own may be in the catalogue.
    auto store = open_catalogue(arguments, IfMissing::refuse);
    if (store) return show_subject(**store, arguments, id);
    if (store.error().code != Errc::not_found || arguments.has("store")) return complain("ariascribe", store.error());
    return complain("ariascribe", Error{Errc::not_found, "no work has the id '" + printable(id) + "'; `ariascribe search WORDS` prints ids"});
  }
  if (arguments.has("json")) {
    ordered_json line = {{"v", 1}, {"event", "summary"}};
    line.update(work_json((*knowledge)->repertoire, *work));
    line["code"] = 0;
    std::cout << line.dump() << "\n";
  } else {
    print((*knowledge)->repertoire, *work);
  }
  return code(Exit::done);
}

}  // namespace

Verb search_verb() {
  Verb verb;
  verb.name = "search";
  verb.summary = "find works, of the repertoire and imported";
  verb.examples = {{"ariascribe search moonlight", "by a nickname"}, {"ariascribe search Brahms violin sonata", "by words"}, {"ariascribe search bee 5 symp", "by words that are only begun"}, {"ariascribe search 'K. 467' --json", "for a script"}};
  Option limit;
  limit.name = "limit";
  limit.value = "N";
  limit.help = "how many at most (20; up to 200)";
  verb.options = {json_option(), limit, store_option(), state_option()};
  verb.positionals = {{"TEXT", "composer, title, catalogue number, nickname", Positional::Count::at_least_one, {}, Complete::nothing}};
  verb.run = search;
  return verb;
}

Verb show_verb() {
  Verb verb;
  verb.name = "show";
  verb.summary = "print a work with its movements, what sources say of something imported, or the tags of a file";
  verb.examples = {{"ariascribe show beethoven/op-27-2", "a work, as `ariascribe search` names it"}, {"ariascribe show musicbrainz-work:063782a1-da45-4ab1-bcf2-09cfe7fb5756", "something imported: who says what"}, {"ariascribe show 01.flac", "a file's tags"}};
  verb.options = {store_option(), state_option(), json_option()};
  verb.positionals = {{"ID", "the work's id, what a source calls it, or a music file", Positional::Count::one, {}, Complete::files}};
  verb.run = show;
  return verb;
}

}  // namespace ghost::app
