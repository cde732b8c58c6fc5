#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace ghost::net {

/// Wake-ups in order of time, to the millisecond and never early. Pure: time comes in as an argument.
///
/// A hierarchy of wheels: a wheel has 64 slots of one tick of its level, a tick being 64 ticks of the level below and 1
/// ms at the bottom. Adding and cancelling take constant time; an entry moves down a level when its slot begins, at
/// most kLevels - 1 times. Entries of the same millisecond ring in the order they were added.
class TimerWheel {
 public:
  using Ring = std::function<void(TimePoint now)>;

  /// Names an entry. One that rang or was cancelled is never mistaken for a later one.
  struct Id {
    std::uint32_t node = 0;  ///< 0 names none
    std::uint32_t generation = 0;
  };

  /// @param origin  times before it are due at once
  explicit TimerWheel(TimePoint origin);
  ~TimerWheel() { clear(); }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Rings in the first advance() at or after `when`, but in none under way. TimePoint::max() never rings.
  Id add(TimePoint when, Ring ring);
  /// Takes an entry back; does nothing when it rang or was cancelled. May be called by an entry that is ringing.
  void cancel(Id id);
  /// Rings what is due by `now`, which never goes back.
  void advance(TimePoint now);
  /// When advance() can have something to do: no later than the first entry, and earlier only to move it down a level.
  /// TimePoint::min() when an entry is due already, TimePoint::max() while there is none.
  TimePoint next_wakeup() const;
  std::size_t size() const { return size_; }
  /// Drops every entry.
  void clear();

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1u << kBits;
  static constexpr unsigned kLevels = 8;          // 64^8 ms, longer than a TimePoint reaches
  static constexpr std::uint32_t kDue = 0;        // list heads are the first nodes: what is due at the next advance(),
  static constexpr std::uint32_t kRinging = 1;    // what the advance() under way rings,
  static constexpr std::uint32_t kFirstSlot = 2;  // and the slots, level by level
  static constexpr std::uint32_t kHeads = kFirstSlot + kLevels * kSlots;

  /// A link of a circular list.
  struct Node {
    std::uint32_t next = 0, previous = 0;
    std::uint32_t generation = 0;
    std::uint32_t list = 0;  ///< the head of the list it is in
    std::uint64_t tick = 0;
    Ring ring;
  };

  std::uint32_t allocate();
  void release(std::uint32_t node);
  void place(std::uint32_t node);
  void link(std::uint32_t list, std::uint32_t node);
  void unlink(std::uint32_t node);
  bool empty(std::uint32_t list) const { return nodes_[list].next == list; }
  /// The first level with entries; kLevels when there is none.
  unsigned lowest_level() const;
  std::uint64_t slot_start(unsigned level) const;
  void open_slot(unsigned level);

  std::int64_t origin_ms_;
  std::uint64_t tick_ = 0;  ///< what advance() has reached, in ms since the origin
  TimePoint now_;
  std::size_t size_ = 0;
  std::array<std::uint64_t, kLevels> filled_{};  ///< a bit for each slot with entries
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
};

}  // namespace ghost::net
