#include "ariascribe/repertoire.h"

#include <algorithm>
#include <array>

#include "ariascribe/key.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/terms.h"

namespace ghost::ariascribe {

namespace {

constexpr std::array<std::string_view, 6> kPeriods = {"medieval", "renaissance", "baroque", "classical", "romantic", "modern"};

Error at_line(const RepertoireFile& file, std::size_t line, std::string_view what) {
  return {Errc::malformed, file.path + ":" + std::to_string(line) + ": " + std::string(what)};
}

/// Calls `each` with every line that is neither empty nor a comment and its number, until one fails.
template <class F>
Status for_each_line(std::string_view text, F&& each) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (trimmed(line).empty() || line.front() == '#') continue;
    if (const Status read = each(line, number); !read) return read;
  }
  return {};
}

}  // namespace

class RepertoireReader {
 public:
  Result<Repertoire> read(std::span<const RepertoireFile> files) {
    for (const RepertoireFile& file : files) {
      if (file.path != "composers.txt") continue;
      if (const Status read = read_composers(file); !read) return read.error();
    }
    for (const RepertoireFile& file : files) {
      Status read;
      if (file.path == "performers.txt") read = read_performers(file);
      else if (file.path.starts_with("works/")) read = read_works(file);
      if (!read) return read.error();
    }
    return std::move(repertoire_);
  }

 private:
  Status read_composers(const RepertoireFile& file) {
    return for_each_line(file.text, [&](std::string_view line, std::size_t number) -> Status {
      const auto fields = split(line, '|');
      if (fields.size() < 4) return at_line(file, number, "a composer has at least id | name | years | period");
      Composer composer;
      composer.id = fields[0];
      composer.name = fields[1];
      if (composer.id != slug(composer.id) || composer.id.empty()) return at_line(file, number, "the id '" + composer.id + "' is to be lower-case letters and dashes");
      if (composer.name.empty()) return at_line(file, number, "the name is missing");
      const auto years = parse_years(fields[2]);
      if (!years) return at_line(file, number, "years are written 1770-1827, 1960- or ?, not '" + std::string(fields[2]) + "'");
      composer.born = years->first;
      composer.died = years->second;
      composer.period = fields[3];
      if (std::find(kPeriods.begin(), kPeriods.end(), composer.period) == kPeriods.end()) return at_line(file, number, "there is no period '" + composer.period + "'");
      if (fields.size() > 4) composer.other_names = list_of(fields[4]);
      if (fields.size() > 5) composer.catalogues = list_of(fields[5]);
      for (std::string& code : composer.catalogues) code = code == "kk" ? "k" : code;
      const auto index = static_cast<ComposerIndex>(repertoire_.composers_.size());
      if (!composers_.emplace(composer.id, index).second) return at_line(file, number, "the id '" + composer.id + "' is taken");
      repertoire_.composers_.push_back(std::move(composer));
      return {};
    });
  }

  Status read_performers(const RepertoireFile& file) {
    return for_each_line(file.text, [&](std::string_view line, std::size_t number) -> Status {
      const auto fields = split(line, '|');
      if (fields.size() < 2 || fields[0].empty()) return at_line(file, number, "a performer has at least name | role");
      KnownPerformer performer{std::string(fields[0]), std::string(fields[1]), {}, {}};
      if (performer.role == "quartet" || performer.role == "trio") performer.role = "ensemble";
      constexpr std::array<std::string_view, 5> kRoles = {"orchestra", "choir", "ensemble", "conductor", "soloist"};
      if (std::find(kRoles.begin(), kRoles.end(), performer.role) == kRoles.end()) return at_line(file, number, "there is no role '" + performer.role + "'");
      if (fields.size() > 2) performer.instrument = fields[2];
      if (fields.size() > 3) performer.other_names = list_of(fields[3]);
      repertoire_.performers_.push_back(std::move(performer));
      return {};
    });
  }

  Status read_works(const RepertoireFile& file) {
    std::string id = file.path.substr(6);
    if (id.ends_with(".txt")) id.resize(id.size() - 4);
    const auto composer = composers_.find(id);
    if (composer == composers_.end()) return Error{Errc::malformed, file.path + ": composers.txt has no '" + id + "'"};
    work_allowed_ = false;
    return for_each_line(file.text, [&](std::string_view line, std::size_t number) {
      return line.front() == ' ' || line.front() == '\t' ? read_movement(file, line, number) : read_work(file, composer->second, line, number);
    });
  }

  Status read_work(const RepertoireFile& file, ComposerIndex composer, std::string_view line, std::size_t number) {
    const auto fields = split(line, '|');
    if (fields.size() < 6) return at_line(file, number, "a work has at least title | catalogue | key | year | medium | form");
    Work work;
    work.composer = composer;
    work.title = fields[0];
    if (work.title.empty()) return at_line(file, number, "the title is missing");
    for (const std::string& text : list_of(fields[1])) {
      auto parsed = parse_catalogue_number(text);
      if (!parsed) return at_line(file, number, parsed.error().message);
      work.catalogue.push_back(std::move(*parsed));
    }
    work.key = fields[2];
    if (!work.key.empty() && !parse_key(work.key)) return at_line(file, number, "a key is written \"C# minor\", not '" + work.key + "'");
    const auto years = parse_years(fields[3]);
    if (!years) return at_line(file, number, "years are written 1801 or 1799-1801, not '" + std::string(fields[3]) + "'");
    work.year = years->second != 0 ? years->second : years->first;
    work.medium = fields[4];
    work.form = fields[5];
    if (fields.size() > 6) work.also = list_of(fields[6]);
    Composer& by = repertoire_.composers_[static_cast<std::size_t>(composer)];
    ++by.works;
    work.id = free_id(by.id + "/" + (work.catalogue.empty() ? slug(work.title) : slug(work.catalogue.front().text())));
    repertoire_.by_id_.emplace(work.id, static_cast<WorkIndex>(repertoire_.works_.size()));
    repertoire_.works_.push_back(std::move(work));
    work_allowed_ = true;
    return {};
  }

  std::string free_id(const std::string& wanted) const {
    std::string id = wanted;
    for (int n = 2; repertoire_.by_id_.contains(id); ++n) id = wanted + "." + std::to_string(n);
    return id;
  }

  Status read_movement(const RepertoireFile& file, std::string_view line, std::size_t number) {
    if (!work_allowed_) return at_line(file, number, "a movement stands before any work");
    const auto fields = split(line, '|');
    const std::string_view first = fields[0];
    std::size_t digits = 0;
    int value = 0;
    while (digits < first.size() && digits < 4 && first[digits] >= '0' && first[digits] <= '9') value = value * 10 + (first[digits++] - '0');
    if (first.starts_with("- ")) digits = 1;  // the score leaves it without a number
    else if (value == 0) return at_line(file, number, "a movement begins with its number, or with '-' where it has none");
    Movement movement{value, std::string(trimmed(first.substr(digits))), fields.size() > 1 ? std::string(fields[1]) : ""};
    if (!movement.key.empty() && !parse_key(movement.key)) return at_line(file, number, "a key is written \"C# minor\", not '" + movement.key + "'");
    repertoire_.works_.back().movements.push_back(std::move(movement));
    return {};
  }

  Repertoire repertoire_;
  std::map<std::string, ComposerIndex, std::less<>> composers_;
  bool work_allowed_ = false;
};

Result<Repertoire> Repertoire::parse(std::span<const RepertoireFile> files) { return RepertoireReader().read(files); }

int Work::movement_count() const {
  return static_cast<int>(std::count_if(movements.begin(), movements.end(), [](const Movement& each) { return each.number != 0; }));
}

const Work* Repertoire::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &work(found->second);
}

std::string Work::full_title(std::string_view name, std::size_t numbers) const {
  std::string out(name);
  const auto tokens = tokenise(name);
  if (!tokens.empty()) {
    // "24 Preludes", "4 Balladen"; "Trois gymnopédies" is a name of its own.
    if (const auto count = count_at(tokens, 0); count && count->last < tokens.size()) out.replace(0, tokens[count->last - 1].end, std::to_string(count->value));
    else if (const std::string term = tokens[0].is_word() && tokens.size() > 1 && tokens[1].is_word() && is_form(term_of(tokens[1].text)) ? term_of(tokens[0].text) : ""; term.starts_with('#')) out.replace(0, tokens[0].end, term.substr(1));
  }
  const auto parsed = parse_key(key);
  if (parsed && find_keys(tokens).empty()) out += " in " + parsed->display();
  for (const CatalogueNumber& number : std::span(catalogue).first(std::min(numbers, catalogue.size()))) {
    const std::string shown = display(number);
    if (!out.ends_with(shown)) out += ", " + shown;  // "Two Poems, Op. 32" has it in its title
  }
  return out;
}

}  // namespace ghost::ariascribe
