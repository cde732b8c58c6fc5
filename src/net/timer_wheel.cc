#include "net/timer_wheel.h"

#include <bit>
#include <utility>

namespace ghost::net {

namespace {

using std::chrono::milliseconds;

std::int64_t whole_ms(TimePoint time) {
  return std::chrono::floor<milliseconds>(time.time_since_epoch()).count();
}

std::int64_t started_ms(TimePoint time) {
  return std::chrono::ceil<milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

TimerWheel::TimerWheel(TimePoint origin) : origin_ms_(whole_ms(origin)), now_(origin), nodes_(kHeads) {
  for (std::uint32_t head = 0; head < kHeads; ++head) nodes_[head].next = nodes_[head].previous = head;
}

TimerWheel::Id TimerWheel::add(TimePoint when, Ring ring) {
  if (when > TimePoint::max() - milliseconds(1)) return {};
  const std::uint32_t node = allocate();
  nodes_[node].ring = std::move(ring);
  ++size_;
  if (when <= now_) {
    link(kDue, node);
  } else {
    nodes_[node].tick = static_cast<std::uint64_t>(started_ms(when) - origin_ms_);
    place(node);
  }
  return {node, nodes_[node].generation};
}

void TimerWheel::cancel(Id id) {
  if (id.node < kHeads || id.node >= nodes_.size() || nodes_[id.node].generation != id.generation) return;
  const Ring ring = std::move(nodes_[id.node].ring);  // destroyed last: it may own a timer that cancels in turn
  unlink(id.node);
  release(id.node);
}

void TimerWheel::advance(TimePoint now) {
  if (now < now_) now = now_;
  now_ = now;
  while (!empty(kDue)) {
    const std::uint32_t node = nodes_[kDue].next;
    unlink(node);
    link(kRinging, node);
  }
  const auto target = static_cast<std::uint64_t>(whole_ms(now) - origin_ms_);
  for (unsigned level = lowest_level(); level < kLevels && slot_start(level) <= target; level = lowest_level()) {
    open_slot(level);
  }
  tick_ = target;
  while (!empty(kRinging)) {
    const std::uint32_t node = nodes_[kRinging].next;
    const Ring ring = std::move(nodes_[node].ring);
    unlink(node);
    release(node);
    ring(now);
  }
}

TimePoint TimerWheel::next_wakeup() const {
  if (!empty(kDue) || !empty(kRinging)) return TimePoint::min();
  const unsigned level = lowest_level();
  if (level == kLevels) return TimePoint::max();
  return TimePoint(milliseconds(static_cast<std::int64_t>(slot_start(level)) + origin_ms_));
}

void TimerWheel::clear() {
  for (std::uint32_t node = kHeads; node < nodes_.size(); ++node) {
    if (nodes_[node].list != node) cancel({node, nodes_[node].generation});
  }
}

std::uint32_t TimerWheel::allocate() {
  if (free_.empty()) {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  const std::uint32_t node = free_.back();
  free_.pop_back();
  return node;
}

void TimerWheel::release(std::uint32_t node) {
  nodes_[node].ring = nullptr;
  nodes_[node].list = node;
  ++nodes_[node].generation;
  free_.push_back(node);
  --size_;
}

/// The level is that of the highest digit, in base 64, in which the entry's tick differs from the present one.
void TimerWheel::place(std::uint32_t node) {
  const std::uint64_t tick = nodes_[node].tick;
  if (tick <= tick_) return link(kRinging, node);
  const unsigned level = static_cast<unsigned>(std::bit_width(tick ^ tick_) - 1) / kBits;
  const unsigned slot = static_cast<unsigned>(tick >> (level * kBits)) % kSlots;
  filled_[level] |= std::uint64_t{1} << slot;
  link(kFirstSlot + level * kSlots + slot, node);
}

void TimerWheel::link(std::uint32_t list, std::uint32_t node) {
  const std::uint32_t last = nodes_[list].previous;
  nodes_[node].list = list;
  nodes_[node].previous = last;
  nodes_[node].next = list;
  nodes_[last].next = node;
  nodes_[list].previous = node;
}

void TimerWheel::unlink(std::uint32_t node) {
  const Node& links = nodes_[node];
  nodes_[links.previous].next = links.next;
  nodes_[links.next].previous = links.previous;
  if (links.list < kFirstSlot || !empty(links.list)) return;
  const std::uint32_t slot = links.list - kFirstSlot;
  filled_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
}

unsigned TimerWheel::lowest_level() const {
  unsigned level = 0;
  while (level < kLevels && filled_[level] == 0) ++level;
  return level;
}

/// The tick at which the first filled slot of `level` begins. All of them lie after the present tick's own slot.
std::uint64_t TimerWheel::slot_start(unsigned level) const {
  const unsigned shift = level * kBits;
  const std::uint64_t above = tick_ >> (shift + kBits) << (shift + kBits);
  return above | static_cast<std::uint64_t>(std::countr_zero(filled_[level])) << shift;
}

/// Moves to the first filled slot of `level`; its entries fall to lower levels, or ring.
void TimerWheel::open_slot(unsigned level) {
  const auto slot = static_cast<std::uint32_t>(std::countr_zero(filled_[level]));
  const std::uint32_t list = kFirstSlot + level * kSlots + slot;
  tick_ = slot_start(level);
  while (!empty(list)) {
    const std::uint32_t node = nodes_[list].next;
    unlink(node);
    place(node);
  }
}

}  // namespace ghost::net
