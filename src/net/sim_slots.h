#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace ghost::net::sim {

/// Names one entry of a Slots table for as long as the entry lives; afterwards it names nothing.
struct Id {
  std::uint32_t slot = ~std::uint32_t{0};
  std::uint32_t generation = 0;
  friend bool operator==(const Id&, const Id&) = default;
};

/// Values found by an Id that outlives them safely: events hold Ids, so that whatever they were meant for may be gone.
template <class T>
class Slots {
 public:
  Id add(T value) {
    if (free_.empty()) {
      entries_.push_back({std::move(value), 0, true});
      return {static_cast<std::uint32_t>(entries_.size() - 1), 0};
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    entries_[slot].value = std::move(value);
    entries_[slot].used = true;
    return {slot, entries_[slot].generation};
  }

  /// Valid until the next add(); nullptr when it is gone.
  T* find(Id id) {
    if (id.slot >= entries_.size()) return nullptr;
    Entry& entry = entries_[id.slot];
    return entry.used && entry.generation == id.generation ? &entry.value : nullptr;
  }

  /// Takes the entry out, if it is still there, and gives its value back.
  T remove(Id id) {
    T* value = find(id);
    if (!value) return T{};
    T taken = std::exchange(*value, T{});
    entries_[id.slot].used = false;
    ++entries_[id.slot].generation;
    free_.push_back(id.slot);
    return taken;
  }

  /// The Ids of all entries for which `wanted` answers true, in order of their slots.
  template <class F>
  std::vector<Id> select(F&& wanted) const {
    std::vector<Id> ids;
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
      const Entry& entry = entries_[slot];
      if (entry.used && wanted(entry.value)) ids.push_back({slot, entry.generation});
    }
    return ids;
  }

 private:
  struct Entry {
    T value;
    std::uint32_t generation;
    bool used;
  };

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
};

}  // namespace ghost::net::sim
