#include "audiojuggler/grabber.h"

#include <algorithm>
#include <cstring>

namespace ghost::audiojuggler {

namespace {

constexpr std::uint32_t kUsualCache = 1200;

struct Candidate {
  std::uint32_t value = 0;
  unsigned count = 0;
};

/// The values of one frame and how often each was read.
class Candidates {
 public:
  void add(std::uint32_t value) {
    const auto at = std::find_if(all_.begin(), all_.end(), [&](const Candidate& candidate) { return candidate.value == value; });
    if (at == all_.end()) all_.push_back({value, 1});
    else ++at->count;
  }
  bool empty() const { return all_.empty(); }
  Candidate best() const {
    return *std::max_element(all_.begin(), all_.end(), [](const Candidate& a, const Candidate& b) { return a.count < b.count; });
  }
  /// By how many readings the best leads the next.
  unsigned lead() const {
    unsigned first = 0, second = 0;
    for (const Candidate& candidate : all_) {
      if (candidate.count > first) second = std::exchange(first, candidate.count);
      else second = std::max(second, candidate.count);
    }
    return first - second;
  }
  void clear() { all_.clear(); }

 private:
  std::vector<Candidate> all_;
};

std::uint32_t frame_of(const SectorCopy& copy, std::size_t frame) {
  std::uint32_t value = 0;
  std::memcpy(&value, copy.audio.data() + frame * kFrameBytes, kFrameBytes);
  return value;
}

}  // namespace

GrabRules GrabRules::of(const DriveInfo& drive) {
  GrabRules rules;
  // A quarter more than the drive tells of: sectors that it answers from the cache push nothing out of it.
  rules.cache_sectors = (drive.cache_sectors > 0 ? drive.cache_sectors : kUsualCache) * 5 / 4;
  if (drive.exact) {
    rules.passes = 1;
    rules.lead = 1;
    rules.most_reads = 2;
    rules.cache_sectors = 0;
    rules.chunk = 75;
  }
  return rules;
}

bool SectorCopy::clean() const {
  return !c2 || std::all_of(c2->begin(), c2->end(), [](std::uint8_t bits) { return bits == 0; });
}

bool SectorCopy::clean(std::size_t frame) const {
  if (!c2) return true;
  const unsigned bits = (*c2)[frame / 2];  // four bits a frame, the first in the high half
  return (frame % 2 == 0 ? bits >> 4 : bits & 15u) == 0;
}

Vote vote(std::span<const SectorCopy> copies, unsigned lead) {
  Vote out;
  Candidates clean, marked;
  for (std::size_t frame = 0; frame < kSectorFrames; ++frame) {
    clean.clear();
    marked.clear();
    for (const SectorCopy& copy : copies) (copy.clean(frame) ? clean : marked).add(frame_of(copy, frame));
    const bool certain = !clean.empty() && clean.lead() >= lead;
    if (!certain) out.uncertain.push_back(static_cast<std::uint16_t>(frame));
    const Candidates& from = clean.empty() ? marked : clean;
    if (from.empty()) continue;
    const std::uint32_t value = from.best().value;
    std::memcpy(out.audio.data() + frame * kFrameBytes, &value, kFrameBytes);
  }
  return out;
}

Grabber::Grabber(Lba first, std::uint32_t sectors, const GrabRules& rules, Lba disc_first, Lba disc_end)
    : first_(first),
      rules_(rules),
      disc_first_(disc_first),
      disc_end_(disc_end),
      audio_(std::size_t{sectors} * kSectorBytes),
      state_(sectors, State::unread),
      last_read_(sectors, 0) {}

/// The first run of doubtful sectors that the drive's cache no longer has.
std::optional<GrabRead> Grabber::reread() const {
  std::optional<GrabRead> run;
  for (const auto& [sector, evidence] : evidence_) {
    const Lba at(first_.value + static_cast<std::int32_t>(sector));
    if (run && (at.value != run->first.value + static_cast<std::int32_t>(run->sectors) || run->sectors == rules_.chunk)) break;
    if (cached(sector)) {
      if (run) break;
      continue;
    }
    if (!run) run = GrabRead{at, 0, false, false};
    ++run->sectors;
    run->slow |= evidence.reads >= rules_.slow_after;
  }
  return run;
}

/// Reads what nobody asked for, away from here, until sector `wanted` has left the cache.
GrabRead Grabber::defeat_cache(std::uint32_t wanted) {
  const auto count = static_cast<std::int32_t>(state_.size());
  const std::int32_t before = first_.value - disc_first_.value, after = disc_end_.value - (first_.value + count);
  std::int32_t from = disc_first_.value, room = before;
  if (after > before) from = first_.value + count, room = after;
  if (room < static_cast<std::int32_t>(rules_.chunk)) {
    // There is nothing else on the disc: the half of this run that the sector is not in.
    const bool in_front = static_cast<std::int32_t>(wanted) < count / 2;
    from = first_.value + (in_front ? count / 2 : 0);
    room = std::max(1, count / 2);
  }
  const std::uint64_t missing = rules_.cache_sectors - (serial_ - last_read_[wanted]);
  const auto sectors = static_cast<std::uint32_t>(std::min<std::uint64_t>({missing, rules_.chunk, static_cast<std::uint64_t>(room)}));
  const auto rooms = static_cast<std::uint32_t>(room);
  const std::uint32_t into = elsewhere_ % rooms;
  const std::uint32_t fits = std::min(sectors, rooms - into);
  elsewhere_ += fits;
  return {Lba(from + static_cast<std::int32_t>(into)), fits, true, false};
}

std::optional<GrabRead> Grabber::next() {
  if (auto again = reread()) return again;
  if (position_ == state_.size() && pass_ < rules_.passes) {
    ++pass_;
    position_ = 0;
  }
  if (position_ < state_.size()) {
    if (cached(position_)) return defeat_cache(position_);
    const auto left = static_cast<std::uint32_t>(state_.size()) - position_;
    return GrabRead{Lba(first_.value + static_cast<std::int32_t>(position_)), std::min(rules_.chunk, left), false, false};
  }
  if (!evidence_.empty()) return defeat_cache(evidence_.begin()->first);
  return std::nullopt;
}

void Grabber::on_read(const GrabRead& read, std::span<const SectorRead> sectors) {
  const std::uint64_t begin = serial_;
  serial_ += sectors.size();
  if (read.discard) return;
  const auto from = static_cast<std::uint32_t>(read.first.value - first_.value);
  for (std::uint32_t i = 0; i < sectors.size(); ++i) {
    note(from + i, sectors[i]);
    last_read_[from + i] = begin + i + 1;
  }
  if (from == position_ && sectors.size() == std::min<std::size_t>(rules_.chunk, state_.size() - position_)) position_ += static_cast<std::uint32_t>(sectors.size());
}

SectorCopy Grabber::stored(std::uint32_t sector) const {
  SectorCopy copy{};
  std::memcpy(copy.audio.data(), audio_.data() + std::size_t{sector} * kSectorBytes, kSectorBytes);
  return copy;
}

void Grabber::note(std::uint32_t sector, const SectorRead& read) {
  if (state_[sector] == State::settled) return;
  const Lba place(first_.value + static_cast<std::int32_t>(sector));
  const bool misplaced = !read.error && read.at && *read.at != place;
  const SectorCopy copy{read.audio, read.c2};
  const bool usable = !read.error && !misplaced;
  if (usable && copy.clean() && state_[sector] != State::doubtful) {
    if (state_[sector] == State::unread) {
      std::memcpy(audio_of(sector), copy.audio.data(), kSectorBytes);
      state_[sector] = State::once;
      if (rules_.passes == 1) settle(sector);
      return;
    }
    if (std::memcmp(audio_of(sector), copy.audio.data(), kSectorBytes) == 0) return settle(sector);
  }
  Evidence& evidence = evidence_[sector];
  if (state_[sector] == State::once) {
    evidence.copies.push_back(stored(sector));
    ++evidence.reads;
  }
  state_[sector] = State::doubtful;
  ++evidence.reads;
  if (usable) evidence.copies.push_back(copy);
  else evidence.failure = read.error ? read.error->message : "the drive gave sector " + std::to_string(read.at->value) + " instead";
  weigh(sector, evidence);
}

void Grabber::weigh(std::uint32_t sector, Evidence& evidence) {
  if (evidence.copies.size() < rules_.lead && evidence.reads < rules_.most_reads) return;
  const Vote result = vote(evidence.copies, rules_.lead);
  if (!result.uncertain.empty() && evidence.reads < rules_.most_reads) return;
  std::memcpy(audio_of(sector), result.audio.data(), kSectorBytes);
  if (!result.uncertain.empty()) give_up(sector, evidence, result);
  evidence_.erase(sector);
  settle(sector);
}

void Grabber::give_up(std::uint32_t sector, const Evidence& evidence, const Vote& result) {
  Doubt doubt{Lba(first_.value + static_cast<std::int32_t>(sector)), result.uncertain, evidence.failure};
  const std::string reads = std::to_string(evidence.reads) + (evidence.reads == 1 ? " read" : " reads");
  if (evidence.copies.empty()) doubt.why = "not readable in " + reads + ": " + evidence.failure;
  else doubt.why = std::to_string(result.uncertain.size()) + " of 588 frames uncertain after " + reads;
  const auto place = std::upper_bound(doubts_.begin(), doubts_.end(), doubt.sector, [](Lba at, const Doubt& other) { return at < other.sector; });
  doubts_.insert(place, std::move(doubt));
}

void Grabber::settle(std::uint32_t sector) {
  if (state_[sector] == State::settled) return;
  state_[sector] = State::settled;
  ++settled_;
}

}  // namespace ghost::audiojuggler
