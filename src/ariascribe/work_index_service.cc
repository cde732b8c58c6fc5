#include "ariascribe/work_index_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>

#include "ariascribe/composer_names.h"
#include "ariascribe/import_text.h"
#include "ariascribe/key.h"
#include "ariascribe/movement.h"
#include "ariascribe/text_fold.h"
#include "base/file.h"
#include "base/unique_fd.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kFewChanges = 20'000;     ///< up to so many, or a tenth of all works, go into the small file
constexpr double kSurelyTheSame = 0.9;
constexpr std::size_t kMostMovements = 2000;        ///< of one work
constexpr int kDeepest = 20;

std::string key_of(std::uint32_t composer, std::string_view rest) { return std::to_string(composer) + "|" + std::string(rest); }

std::string words_key(const Work& work) {
  std::string all;
  const WorkWords words = words_of(work);
  for (const std::string& term : words.titles.front()) all += term + " ";
  return all + "|" + work.key;
}

/// Works as they come out of the store, into the builder: composers made one, movements gathered, what is known already left out.
class Indexing {
 public:
  Indexing(Store& store, const Repertoire& repertoire) : store_(store), repertoire_(repertoire), names_(repertoire) {
    for (const Work& work : repertoire.works()) {
      auto& known = shipped_[repertoire.composer_of(work).id];
      for (const CatalogueNumber& number : work.catalogue) known.insert(number.text());
      known.insert(words_key(work));
    }
  }

  Status add_all() {
    for (std::string after;;) {
      auto parts = store_.shown_works(Store::Which::parts, after, kPage);
      if (!parts) return parts.error();
      if (parts->empty()) break;
      after = parts->back().id;
      for (ShownWork& each : *parts) keep_part(std::move(each));
    }
    for (std::string after;;) {
      auto works = store_.shown_works(Store::Which::wholes, after, kPage);
      if (!works) return works.error();
      if (works->empty()) return {};
      after = works->back().id;
      if (const Status added = add(*works); !added) return added;
    }
  }

  /// Works that changed: what stands of them in the large file is hidden.
  Status add_changed(const std::vector<std::string>& ids) {
    for (const std::string& id : ids) builder_.hide(id);
    for (std::size_t at = 0; at < ids.size(); at += kPage) {
      auto works = store_.shown_works_of(std::span(ids).subspan(at, std::min(kPage, ids.size() - at)));
      if (!works) return works.error();
      std::erase_if(*works, [](const ShownWork& each) { return !each.parent.empty(); });
      std::vector<std::string> wholes;
      for (const ShownWork& each : *works) wholes.push_back(each.id);
      for (int level = 0; !wholes.empty() && level < kDeepest; ++level) {
        auto parts = store_.parts_of(wholes);
        if (!parts) return parts.error();
        wholes.clear();
        for (ShownWork& each : *parts) {
          if (kept_.insert(each.id).second) wholes.push_back(each.id), keep_part(std::move(each));
        }
      }
      if (const Status added = add(*works); !added) return added;
    }
    return {};
  }

  WorkFileBuilder& builder() { return builder_; }

 private:
  struct Part {
    std::string id, title, key;
    int number = 0;
  };
  void keep_part(ShownWork&& work) { parts_[work.parent].push_back({std::move(work.id), std::move(work.title), std::move(work.key), work.part_number}); }

  Status add(const std::vector<ShownWork>& works) {
    std::vector<std::string> unknown;
    for (const ShownWork& each : works) {
      if (!each.composer.empty() && !slots_.contains(each.composer)) unknown.push_back(each.composer);
    }
    if (const Status met = meet(unknown); !met) return met;
    for (const ShownWork& each : works) add_work(each);
    return {};
  }

  Status meet(std::vector<std::string>& agents) {
    std::sort(agents.begin(), agents.end());
    agents.erase(std::unique(agents.begin(), agents.end()), agents.end());
    auto found = store_.shown_agents(agents);
    if (!found) return found.error();
    for (ShownAgent& each : *found) {
      StoredComposer composer;
      composer.id = each.id;
      composer.name = std::move(each.name);
      composer.born = each.born;
      composer.died = each.died;
      composer.period = std::move(each.period);
      composer.other_names = std::move(each.aliases);
      if (const Composer* same = shipped_person(composer)) composer.shipped = same->id;
      // The same person of two catalogues is one here.
      const std::string person = composer.shipped.empty() ? person_ref(composer.name, composer.born == 0 ? "" : std::to_string(composer.born)).key : "=" + composer.shipped;
      const auto [known, fresh] = persons_.emplace(person, 0);
      if (fresh) {
        shipped_ids_.push_back(composer.shipped);
        known->second = builder_.add_composer(std::move(composer));
      }
      slots_.emplace(each.id, known->second);
    }
    return {};
  }
  const Composer* shipped_person(const StoredComposer& composer) const {
    if (parse_person(composer.name).given.empty()) return nullptr;
    const auto matches = names_.resolve(composer.name);
    if (matches.empty() || matches.front().certainty < kSurelyTheSame) return nullptr;
    const Composer& same = repertoire_.composer(matches.front().composer);
    if (composer.born != 0 && same.born != 0 && std::abs(composer.born - same.born) > 1) return nullptr;
    return &same;
  }

  void add_work(const ShownWork& shown) {
    const auto slot = slots_.find(shown.composer);
    if (slot == slots_.end() || shown.title.empty()) return;  // nobody it is by: "Sonata" alone says nothing
    Work work;
    work.id = shown.id;
    work.title = shown.title;
    work.key = shown.key;
    work.form = shown.form;
    work.year = shown.year;
    work.also = shown.aliases;
    for (const std::string& text : shown.numbers) {
      if (auto number = parse_catalogue_number(text)) work.catalogue.push_back(std::move(*number));
    }
    work.title = without_numbers(work.title);
    const std::string& shipped = shipped_ids_[slot->second];
    const auto known = shipped_.find(shipped);
    const std::string words = words_key(work);
    for (const CatalogueNumber& number : work.catalogue) {
      if (known != shipped_.end() && !shipped.empty() && known->second.contains(number.text())) return;
    }
    if (known != shipped_.end() && !shipped.empty() && known->second.contains(words)) return;
    bool again = !seen_.insert(term_hash(key_of(slot->second, words + (work.catalogue.empty() ? "" : work.catalogue.front().text())))).second;
    for (const CatalogueNumber& number : work.catalogue) again |= !seen_.insert(term_hash(key_of(slot->second, number.text() + " " + std::to_string(words_of(work).ordinal.value_or(0))))).second;
    if (again) return;
    add_movements(shown.id, work, 0);
    int number = 0;
    bool counted = true;
    for (const Movement& each : work.movements) counted &= each.number > number, number = each.number;
    if (!counted) {
      number = 0;
      for (Movement& each : work.movements) each.number = ++number;
    }
    builder_.add(work, slot->second);
  }

  /// "Sonata in C-sharp minor, op. 27 no. 2" is kept without key and number, which have fields of their own.
  static std::string without_numbers(const std::string& title) {
    const std::string text = normalised(title);
    const auto tokens = tokenise(text);
    std::size_t end = text.size();
    for (const CatalogueMention& each : find_catalogue_numbers(tokens)) {
      if (each.certain && each.first > 0) end = std::min<std::size_t>(end, tokens[each.first].begin);
    }
    for (const KeyMention& each : find_keys(tokens)) {
      if (!each.explicit_mode || each.first == 0) continue;
      const bool in = tokens[each.first - 1].is("in") && each.first > 1;
      end = std::min<std::size_t>(end, tokens[each.first - (in ? 1 : 0)].begin);
    }
    std::string out = text.substr(0, end);
    while (!out.empty() && (out.back() == ' ' || out.back() == ',' || out.back() == '-' || out.back() == '(' || out.back() == ':')) out.pop_back();
    return out.size() < 3 ? text : out;
  }

  /// The leaves of the tree, in order.
  void add_movements(const std::string& id, Work& work, int level) {
    const auto found = parts_.find(id);
    if (found == parts_.end() || level == kDeepest) return;
    auto& parts = found->second;
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.number != b.number ? a.number < b.number : a.title < b.title; });
    for (const Part& each : parts) {
      if (work.movements.size() >= kMostMovements) return;
      if (parts_.contains(each.id)) {
        add_movements(each.id, work, level + 1);
        continue;
      }
      // "Sonata no. 14: I. Adagio" is the movement "Adagio".
      const std::size_t colon = each.title.rfind(": ");
      const std::string text = normalised(colon == std::string::npos ? each.title : each.title.substr(colon + 2));
      const MovementText said = parse_movement(text, tokenise(text));
      work.movements.push_back({each.number != 0 ? each.number : said.number, said.name.empty() ? text : std::string(said.name), each.key});
    }
  }

  Store& store_;
  const Repertoire& repertoire_;
  const ComposerNames names_;
  WorkFileBuilder builder_;
  std::unordered_map<std::string, std::unordered_set<std::string>> shipped_;  ///< of a composer: numbers and words of the works
  std::unordered_map<std::string, std::uint32_t> slots_;                      ///< of an agent
  std::unordered_map<std::string, std::uint32_t> persons_;
  std::vector<std::string> shipped_ids_;                                      ///< of each slot; ""
  std::unordered_set<std::uint64_t> seen_;
  std::unordered_map<std::string, std::vector<Part>> parts_;                  ///< by what they are parts of
  std::unordered_set<std::string> kept_;
};

std::uint64_t random_build() {
  std::array<std::uint8_t, 8> bytes{};
  random_bytes(bytes);
  return ByteReader(bytes).u64() | 1;
}

/// Written beside and renamed, so that readers have the old or the new one.
Status write_index(WorkFileBuilder& builder, const WorkFileBuilder::Stamp& stamp, const std::filesystem::path& path) {
  const std::string temporary = path.string() + ".part";
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return errno_error("write", temporary);
  std::string gathered;  // records are small: one call each would cost more than they do
  const auto flush = [&]() -> Status {
    for (std::string_view left = gathered; !left.empty();) {
      const ssize_t put = ::write(fd.get(), left.data(), left.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error("write", temporary);
      left.remove_prefix(static_cast<std::size_t>(put));
    }
    gathered.clear();
    return {};
  };
  Status done = builder.write(stamp, [&](BytesView bytes) -> Status {
    gathered += as_text(bytes);
    return gathered.size() < (1U << 20) ? Status{} : flush();
  });
  if (done) done = flush();
  if (done && (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)) done = errno_error("write", path.string());
  if (!done) ::unlink(temporary.c_str());
  return done;
}

/// The works of what changed since: of a part the whole, of a person the works. Nothing where there are too many.
Result<std::optional<std::vector<std::string>>> changed_since(Store& store, std::int64_t rev, std::size_t most) {
  std::unordered_set<std::string> works;
  for (Change at{"\x7F", Kind::work, rev, false};;) {
    auto page = store.changes(at.rev, at.id, kPage);
    if (!page) return page.error();
    if (page->empty()) break;
    at = page->back();
    std::vector<std::string> ids, agents;
    for (const Change& each : *page) (each.kind == Kind::work ? ids : agents).push_back(each.id);
    auto by = store.works_by(agents, most + 1);
    if (!by) return by.error();
    ids.insert(ids.end(), by->begin(), by->end());
    // Up to the roots, whatever of the tree changed.
    for (int level = 0; !ids.empty() && level < kDeepest; ++level) {
      works.insert(ids.begin(), ids.end());
      if (works.size() > most) return std::optional<std::vector<std::string>>{};
      auto rows = store.shown_works_of(ids);
      if (!rows) return rows.error();
      ids.clear();
      for (ShownWork& each : *rows) {
        if (!each.parent.empty() && !works.contains(each.parent)) ids.push_back(std::move(each.parent));
      }
    }
  }
  return std::optional(std::vector<std::string>(works.begin(), works.end()));
}

struct Standing {
  bool usable = false;
  std::uint64_t build = 0;
  std::int64_t base_rev = 0, rev = 0;
  std::size_t works = 0;
};

Standing standing_of(const IndexPaths& paths, std::uint64_t shipped) {
  Standing out;
  const auto base = MappedFile::open(paths.works);
  const auto file = base ? WorkFile::open((*base)->bytes()) : Result<WorkFile>(base.error());
  if (!file || file->stamp().shipped != shipped) return out;
  out = {true, file->stamp().build, file->stamp().rev, file->stamp().rev, file->works()};
  const auto over = MappedFile::open(paths.changes);
  const auto changes = over ? WorkFile::open((*over)->bytes()) : Result<WorkFile>(over.error());
  if (changes && changes->stamp().base == out.build && changes->stamp().shipped == shipped) out.rev = changes->stamp().rev;
  return out;
}

}  // namespace

Result<IndexUpdate> update_index(Store& store, const Repertoire& repertoire, const std::filesystem::path& directory) {
  const IndexPaths paths(directory);
  if (const Status made = make_directories(directory, 0700); !made) return made.error();
  const auto lock = FileLock::acquire(paths.lock, std::chrono::minutes(10));
  if (!lock) return lock.error();
  const auto rev = store.rev();
  if (!rev) return rev.error();
  const std::uint64_t shipped = fingerprint(repertoire);
  const Standing standing = standing_of(paths, shipped);
  if (standing.usable && standing.rev >= *rev) return IndexUpdate{IndexUpdate::Did::nothing, 0, standing.rev};
  Indexing indexing(store, repertoire);
  if (standing.usable) {
    auto changed = changed_since(store, standing.base_rev, std::max(kFewChanges, standing.works / 10));
    if (!changed) return changed.error();
    if (*changed) {
      if (const Status added = indexing.add_changed(**changed); !added) return added.error();
      if (const Status written = write_index(indexing.builder(), {random_build(), standing.build, *rev, shipped}, paths.changes); !written) return written.error();
      return IndexUpdate{IndexUpdate::Did::changes, indexing.builder().size(), *rev};
    }
  }
  if (const Status added = indexing.add_all(); !added) return added.error();
  if (const Status written = write_index(indexing.builder(), {random_build(), 0, *rev, shipped}, paths.works); !written) return written.error();
  // Of the old file, or of none: it does not go over the new one in any case.
  std::error_code gone;
  std::filesystem::remove(paths.changes, gone);
  return IndexUpdate{IndexUpdate::Did::all, indexing.builder().size(), *rev};
}

}  // namespace ghost::ariascribe
