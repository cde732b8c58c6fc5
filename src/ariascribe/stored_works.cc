#include "ariascribe/stored_works.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace ghost::ariascribe {

namespace {

/// Where nobody is named, so many works of a number and so many postings of terms are looked at, the rarest terms first.
constexpr std::size_t kMostNumbered = 3000, kMostPostingsStored = 6000;
constexpr std::size_t kMostRead = 64;  ///< works read whole, of which the best are given
constexpr float kNumberWeight = 20, kMovementWeight = 0.4F;

/// Weights by work: a table with open addressing, as large as it may ever have to be. Made once for a thread, and empty between two uses.
class Weights {
 public:
  void make_room(std::size_t most) {
    if (cells_.size() < 2 * most + 16) cells_.assign(std::bit_ceil(2 * most + 16), Cell{});
  }
  void add(std::uint32_t work, float weight) {
    std::size_t at = (work * 0x9E3779B1U) & (cells_.size() - 1);
    while (cells_[at].work != kNone && cells_[at].work != work) at = (at + 1) & (cells_.size() - 1);
    if (cells_[at].work == kNone) used_.push_back(static_cast<std::uint32_t>(at));
    cells_[at].work = work;
    cells_[at].weight += weight;
  }
  /// The best, and empties the table; what a rare query made very large is given back.
  std::vector<std::pair<float, std::uint32_t>> take_best(std::size_t count) {
    std::vector<std::pair<float, std::uint32_t>> all;
    all.reserve(used_.size());
    for (const std::uint32_t at : used_) {
      const Cell cell = std::exchange(cells_[at], Cell{});
      all.emplace_back(cell.weight, cell.work);
    }
    used_.clear();
    if (cells_.size() > kMostKept) cells_ = {};
    const auto better = [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; };
    if (all.size() > count) {
      std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), better);
      all.resize(count);
    }
    std::sort(all.begin(), all.end(), better);
    return all;
  }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  static constexpr std::size_t kMostKept = 1U << 17;
  struct Cell {
    std::uint32_t work = kNone;
    float weight = 0;
  };
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> used_;
};

/// Postings of works [first, last).
std::span<const std::uint32_t> within(std::span<const std::uint32_t> works, std::uint32_t first, std::uint32_t last) {
  const auto place = [&](std::uint32_t wanted) { return std::lower_bound(works.begin(), works.end(), wanted, [](std::uint32_t each, std::uint32_t other) { return (each & ~WorkFile::kOfMovement) < other; }); };
  const auto begin = place(first), end = place(last);
  if (end <= begin) return {};  // also where the file is damaged, and its lists in no order
  return {begin, end};
}

}  // namespace

StoredWorks::StoredWorks(std::vector<WorkFile> files, std::shared_ptr<const void> owner, Repertoire& repertoire) : owner_(std::move(owner)) {
  std::unordered_map<std::string, ComposerIndex> known;
  for (std::size_t i = 0; i < repertoire.composers().size(); ++i) known.emplace(repertoire.composers()[i].id, static_cast<ComposerIndex>(i));
  std::size_t first = repertoire.works().size();
  for (WorkFile& file : files) {
    const bool over = file.stamp().base != 0;
    if (over != !files_.empty() || (over && file.stamp().base != files_.front().file.stamp().build)) continue;
    Attached in{std::move(file), static_cast<std::uint32_t>(first), {}, {}, {}};
    first += in.file.works();
    size_ += in.file.works();
    std::uint32_t slot = 0;
    for (StoredComposer& each : in.file.composers()) {
      const auto [begin, end] = in.file.works_of(slot++);
      const std::string& id = each.shipped.empty() ? each.id : each.shipped;
      auto found = known.find(id);
      Composer composer;
      composer.id = id;
      composer.name = std::move(each.name);
      composer.born = each.born;
      composer.died = each.died;
      composer.period = std::move(each.period);
      composer.other_names = std::move(each.other_names);
      if (found == known.end()) found = known.emplace(id, repertoire.add_composer(std::move(composer))).first;
      else if (each.shipped.empty()) repertoire.rename_composer(found->second, std::move(composer));
      repertoire.count_works(found->second, end - begin);
      in.composers.push_back(found->second);
    }
    if (over) {
      for (const std::string& id : in.file.hidden()) {
        if (const auto work = files_.front().file.find(id)) files_.front().hidden.insert(*work);
      }
      size_ -= files_.front().hidden.size();
    }
    files_.push_back(std::move(in));
  }
  for (Attached& in : files_) {
    in.slots.assign(repertoire.composers().size(), kNoSlot);
    for (std::size_t slot = 0; slot < in.composers.size(); ++slot) in.slots[static_cast<std::size_t>(in.composers[slot])] = static_cast<std::uint32_t>(slot);
  }
}

std::optional<WorkHandle> StoredWorks::read(const Attached& in, std::uint32_t work) const {
  if (in.hidden.contains(work)) return std::nullopt;
  auto stored = in.file.read(work);
  const std::size_t slot = stored ? static_cast<std::size_t>(stored->work.composer) : 0;
  if (!stored || slot >= in.composers.size()) return std::nullopt;
  stored->work.composer = in.composers[slot];
  return WorkHandle(static_cast<WorkIndex>(in.first + work), std::move(stored));
}

std::optional<WorkHandle> StoredWorks::find(std::string_view id) const {
  for (const Attached& in : files_) {
    const auto work = in.file.find(id);
    if (!work) continue;
    if (auto handle = read(in, *work)) return handle;
  }
  return std::nullopt;
}

void StoredWorks::gather(const Attached& in, const StoredQuery& query, Found& found) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  for (const ComposerIndex composer : query.composers) {
    const auto index = static_cast<std::size_t>(composer);
    if (index < in.slots.size() && in.slots[index] != kNoSlot) ranges.push_back(in.file.works_of(in.slots[index]));
  }
  struct List {
    std::span<const std::uint32_t> works;
    float weight = 0;
  };
  std::vector<List> lists;
  for (std::size_t i = 0; i < query.terms.size(); ++i) {
    const auto postings = in.file.term(query.terms[i]);
    if (postings) lists.push_back({postings->works, postings->rarity});
  }
  std::vector<List> wanted;
  std::size_t most = 0;
  const auto want = [&](std::span<const std::uint32_t> works, float weight) {
    if (works.empty()) return;
    wanted.push_back({works, weight});
    most += works.size();
  };
  for (const auto& [first, last] : ranges) {
    for (const std::uint64_t number : query.numbers) want(within(in.file.with_base(number), first, last), kNumberWeight);
    for (const List& each : lists) want(within(each.works, first, last), each.weight);
  }
  if (!query.only_composers) {
    for (const std::uint64_t number : query.numbers) {
      const auto works = in.file.with_base(number);
      want(works.first(std::min(works.size(), kMostNumbered)), kNumberWeight);
    }
    std::sort(lists.begin(), lists.end(), [](const List& a, const List& b) { return a.works.size() < b.works.size(); });
    std::size_t left = kMostPostingsStored;
    for (const List& each : lists) {
      want(each.works.first(std::min(each.works.size(), left)), each.weight);
      left -= std::min(each.works.size(), left);
    }
  }
  thread_local Weights weights;
  weights.make_room(most);
  for (const List& each : wanted) {
    for (const std::uint32_t posting : each.works) weights.add(posting & ~WorkFile::kOfMovement, (posting & WorkFile::kOfMovement) != 0 ? each.weight * kMovementWeight : each.weight);
  }
  for (const auto& [weight, work] : weights.take_best(kMostRead)) {
    if (auto handle = read(in, work)) found.works.push_back(std::move(*handle));
  }
}

std::vector<std::uint64_t> StoredWorks::builds() const {
  std::vector<std::uint64_t> builds;
  for (const Attached& each : files_) builds.push_back(each.file.stamp().build);
  return builds;
}

StoredWorks::Found StoredWorks::find(const StoredQuery& query) const {
  Found found;
  if (files_.empty()) return found;
  const WorkFile& base = files_.front().file;
  const auto unknown = static_cast<float>(std::log((base.works() + 1.0) / 0.5) + 0.2);
  for (const std::uint64_t term : query.terms) {
    const auto postings = base.term(term);
    found.rarities.push_back(postings ? postings->rarity : unknown);
  }
  for (const Attached& in : files_) gather(in, query, found);
  if (found.works.size() <= query.limit) return found;
  // Of those that were read, the ones whose best name says the most of what was asked.
  std::vector<std::pair<double, std::size_t>> ranked;
  for (std::size_t i = 0; i < found.works.size(); ++i) {
    const StoredWork& work = *found.works[i].stored;
    double best = 0;
    for (const auto& title : work.titles) {
      double shared = 0, all = 0;
      for (const StoredTerm& term : title) {
        all += term.rarity;
        if (std::find(query.terms.begin(), query.terms.end(), term.hash) != query.terms.end()) shared += term.rarity;
      }
      best = std::max(best, shared - 0.25 * (all - shared));
    }
    for (const CatalogueNumber& number : work.work.catalogue) {
      if (std::find(query.numbers.begin(), query.numbers.end(), term_hash(number.base().text())) != query.numbers.end()) best += kNumberWeight;
    }
    ranked.emplace_back(-best, i);
  }
  std::nth_element(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(query.limit), ranked.end());
  std::vector<WorkHandle> kept;
  for (std::size_t i = 0; i < query.limit; ++i) kept.push_back(std::move(found.works[ranked[i].second]));
  found.works = std::move(kept);
  return found;
}

}  // namespace ghost::ariascribe
