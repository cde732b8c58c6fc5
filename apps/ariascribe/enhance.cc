#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "app/places.h"
#include "ariascribe/enhancer_service.h"
#include "base/terminal.h"
#include "base/text.h"
#include "catalogue.h"
#include "identification_json.h"
#include "verbs.h"

namespace ghost::app {

using ariascribe::FileProposal;
using ariascribe::TagChange;
using nlohmann::ordered_json;

namespace {

constexpr auto kLenientText = ordered_json::error_handler_t::replace;

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : "; ") + printable(value);
  return all;
}

Colour band_colour(ariascribe::Band band) {
  return band == ariascribe::Band::apply ? Colour::green : band == ariascribe::Band::review ? Colour::yellow : Colour::dim;
}

void print(const Terminal& terminal, const FileProposal& file) {
  std::cout << coloured(terminal, Colour::bold, printable(file.path.filename().string())) << "  ";
  if (!file.problem.empty()) {
    std::cout << coloured(terminal, Colour::red, printable(file.problem)) << "\n";
    return;
  }
  std::cout << coloured(terminal, band_colour(file.found.band), name(file.found.band));
  if (file.changes.empty()) std::cout << (file.found.band == ariascribe::Band::apply ? "  nothing to change" : "  left as it is");
  std::cout << "\n";
  for (const TagChange& each : file.changes) {
    if (!each.before.empty()) std::cout << fmt::format("  {:<15} ", printable(each.tag)) << coloured(terminal, Colour::red, "- " + joined(each.before)) << "\n";
    std::cout << fmt::format("  {:<15} ", each.before.empty() ? printable(each.tag) : "") << coloured(terminal, Colour::green, "+ " + joined(each.after))
              << coloured(terminal, Colour::dim, fmt::format("   {:.0f} %, {}", each.confidence * 100, printable(each.reason))) << "\n";
  }
}

ordered_json file_json(const FileProposal& file) {
  ordered_json changes = ordered_json::array();
  for (const TagChange& each : file.changes) changes.push_back({{"tag", each.tag}, {"before", each.before}, {"after", each.after}, {"confidence", each.confidence}, {"reason", each.reason}});
  ordered_json line = {{"v", 1}, {"event", "file"}, {"path", file.path.string()}, {"title_before", file.title_before}};
  if (!file.problem.empty()) line["problem"] = file.problem;
  else line["identification"] = to_json(file.found);
  line["changes"] = changes;
  return line;
}

/// Asks for each file of the band "review"; those refused keep their tags. False when the answers ended.
bool ask(const Terminal& terminal, std::vector<FileProposal>& files) {
  for (FileProposal& file : files) {
    if (file.found.band != ariascribe::Band::review || file.changes.empty()) continue;
    print(terminal, file);
    std::cout << "  write this? [y/N/q] " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer) || answer == "q") return false;
    if (answer != "y" && answer != "yes") file.changes.clear();
  }
  return true;
}

struct Count {
  std::size_t files = 0, tags = 0, problems = 0, left = 0;
};
Count count(const std::vector<FileProposal>& files) {
  Count all;
  for (const FileProposal& file : files) {
    all.files += !file.changes.empty();
    all.tags += file.changes.size();
    all.problems += !file.problem.empty();
    all.left += file.problem.empty() && file.changes.empty();
  }
  return all;
}

/// What was written, where files were passed by.
Count written(Count counted, const ariascribe::CommitSummary& done) {
  counted.files = done.files;
  return counted;
}

int finish(const Arguments& arguments, Count counted, const ariascribe::CommitSummary& done) {
  const std::string& commit = done.id;
  for (const auto& [path, reason] : done.passed_by) std::cerr << "ariascribe: " << printable(path.string() + ": " + reason) << "\n";
  counted.problems += done.passed_by.size();
  const int exit = code(counted.problems > 0 ? Exit::partly : Exit::done);
  if (arguments.has("json")) {
    std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"commit", commit.empty() ? ordered_json(nullptr) : ordered_json(commit)}, {"files", counted.files}, {"tags", counted.tags}, {"left", counted.left}, {"problems", counted.problems}, {"code", exit}}.dump() << "\n";
    return exit;
  }
  std::string line = fmt::format("{} tags in {} files", counted.tags, counted.files);
  if (commit.empty()) line += counted.files == 0 ? ": nothing to write" : " would be written; --apply writes them";
  else line += " written; `ariascribe undo " + commit + "` puts them back as they were";
  if (counted.left > 0) line += fmt::format(". {} files stay as they are", counted.left);
  if (counted.problems > 0) line += fmt::format(". {} could not be read or written", counted.problems);
  std::cout << line << "\n";
  return exit;
}

int enhance(const Arguments& arguments) {
  const bool apply = arguments.has("apply"), review = arguments.has("review"), all = arguments.has("all");
  if (arguments.has("dry-run") && (apply || review)) {
    std::cerr << "ariascribe: --dry-run writes nothing, --apply and --review do: give one of them\n";
    return code(Exit::usage);
  }
  if (review && (!Terminal::of(0).is_terminal || arguments.has("json"))) {
    std::cerr << "ariascribe: --review asks on a terminal; in a script use --apply, and --all to write the band 'review' unasked\n";
    return code(Exit::usage);
  }
  const auto where = places(arguments);
  if (!where) return complain("ariascribe", where.error());
  const auto knowledge = load_knowledge(arguments);
  if (!knowledge) return complain("ariascribe", knowledge.error());
  std::vector<std::filesystem::path> inputs(arguments.all("PATH").begin(), arguments.all("PATH").end());
  auto files = propose((*knowledge)->matcher, inputs, review || all ? ariascribe::Reach::apply_and_review : ariascribe::Reach::apply);
  if (!files) return complain("ariascribe", files.error());
  if (files->empty()) return complain("ariascribe", Error{Errc::not_found, "there is no file of FLAC, Ogg Vorbis, Opus, MP3, M4A, WavPack, AIFF or WAV at " + printable(inputs.front().string())});
  const Terminal terminal = Terminal::of(1);
  if (review && !ask(terminal, *files)) return code(Exit::interrupted);
  if (arguments.has("json")) {
    for (const FileProposal& each : *files) std::cout << file_json(each).dump(-1, ' ', false, kLenientText) << "\n";
  } else if (!review) {
    for (const FileProposal& each : *files) print(terminal, each);
  }
  if (!apply && !review) return finish(arguments, count(*files), {});
  auto journal = ariascribe::Journal::open(where->state);
  if (!journal) return complain("ariascribe", journal.error());
  const auto done = commit(*journal, *files);
  if (!done) return complain("ariascribe", done.error());
  return finish(arguments, written(count(*files), *done), *done);
}

int undo(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ariascribe", where.error());
  auto journal = ariascribe::Journal::open(where->state);
  if (!journal) return complain("ariascribe", journal.error());
  if (arguments.has("list")) {
    const auto all = journal->list();
    if (!all) return complain("ariascribe", all.error());
    if (arguments.has("json")) {
      for (const auto& each : *all) std::cout << ordered_json{{"v", 1}, {"event", "commit"}, {"commit", each.id}, {"files", each.files}, {"undone", each.undone}}.dump() << "\n";
      std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"commits", all->size()}, {"code", 0}}.dump() << "\n";
      return code(Exit::done);
    }
    Table table({"commit", "files", "state"});
    for (const auto& each : *all) table.add({each.id, std::to_string(each.files), each.undone ? "undone" : "written"});
    std::cout << table.text(Terminal::of(1));
    return code(Exit::done);
  }
  const auto done = journal->undo(arguments.text("COMMIT"));
  if (!done) return complain("ariascribe", done.error());
  if (arguments.has("json")) std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"commit", done->id}, {"files", done->files}, {"code", 0}}.dump() << "\n";
  else std::cout << done->files << " files are as they were before " << done->id << ", byte for byte\n";
  return code(Exit::done);
}

}  // namespace

int show_file(const Arguments& arguments, const std::string& path) {
  const auto file = ariascribe::read_tags(path);
  if (!file) return complain("ariascribe", file.error());
  if (arguments.has("json")) {
    ordered_json tags = ordered_json::array();
    for (const auto& tag : file->tags) tags.push_back({{"name", tag.name}, {"value", tag.value}});
    std::cout << ordered_json{{"v", 1}, {"event", "summary"}, {"path", path}, {"format", name(file->format)}, {"tags", tags}, {"code", 0}}.dump(-1, ' ', false, kLenientText) << "\n";
    return code(Exit::done);
  }
  std::size_t width = 0;
  for (const auto& tag : file->tags) width = std::max(width, std::min<std::size_t>(tag.name.size(), 24));
  for (const auto& tag : file->tags) std::cout << fmt::format("{:<{}}  {}\n", printable(tag.name), width, printable(tag.value));
  return code(Exit::done);
}

Verb enhance_verb() {
  Verb verb;
  verb.name = "enhance";
  verb.summary = "give music files proper tags: composer, work, movement, performers";
  verb.description = "Shows what would change and why; writes only with --apply or --review. Each folder is taken as one album. What the band 'apply' holds is written, 'review' only "
                     "when you say so, 'leave' never. Everything written can be undone, byte for byte. Files: FLAC, Ogg Vorbis, Opus, MP3 (ID3v2.2, 2.3, 2.4), M4A, WavPack, AIFF, WAV.";
  verb.examples = {{"ariascribe enhance ~/Music/Bach", "what would change"}, {"ariascribe enhance ~/Music/Bach --apply", "write what is sure"}, {"ariascribe enhance ~/Music/Bach --review", "ask about the rest"}};
  verb.options = {Option{"dry-run", "", "write nothing (so it is when nothing else is said)"}, Option{"apply", "", "write the tags"}, Option{"review", "", "ask about each file of the band 'review', then write"},
                  Option{"all", "", "with --apply: write the band 'review' without asking"}, store_option(), state_option(), json_option()};
  verb.positionals = {{"PATH", "folders and music files", Positional::Count::at_least_one, {}, Complete::files}};
  verb.run = enhance;
  return verb;
}

Verb undo_verb() {
  Verb verb;
  verb.name = "undo";
  verb.summary = "put files back as they were before their tags were written";
  verb.examples = {{"ariascribe undo", "the last commit"}, {"ariascribe undo --list", "all of them"}, {"ariascribe undo 20260301-170512-4f2a", "one"}};
  verb.options = {Option{"list", "", "print the commits, the oldest first"}, state_option(), json_option()};
  verb.positionals = {{"COMMIT", "as `enhance --apply` printed it; the last one when left out", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = undo;
  return verb;
}

}  // namespace ghost::app
