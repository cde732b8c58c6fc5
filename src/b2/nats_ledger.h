#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "b2/v1/nats.b2.h"

namespace ghost::b2 {

/// The numbers that messages of this node's topics have for other nodes (docs/spec/b2.md §15): all of a subject are counted, also
/// those that nobody else wants, so that who comes back after a while can tell what was missed.
class ExportLedger {
 public:
  explicit ExportLedger(std::size_t subjects = 4096) : most_(subjects) {}

  /// The number of the next message. @param wanted  other nodes are interested: the next tide tells of it
  v1::NatsPosition next(const std::string& subject, bool wanted);
  /// Those that were wanted since this was asked last.
  std::vector<v1::NatsPosition> take_changed();
  bool changed() const { return !changed_.empty(); }
  /// All that fit one of the patterns.
  std::vector<v1::NatsPosition> positions(const std::vector<std::string>& patterns) const;

 private:
  std::size_t most_;
  std::uint64_t order_ = 0;  ///< of messages, over all subjects: what runs are named by
  std::list<v1::NatsPosition> subjects_;  ///< the one used last is the last
  std::unordered_map<std::string, std::list<v1::NatsPosition>::iterator> by_name_;
  std::map<std::string, v1::NatsPosition> changed_;
};

/// How far this node has got in the subjects of one other.
class ImportLedger {
 public:
  struct Verdict {
    bool fresh = false;         ///< comes next, or later; not one that was there, or that was passed over as missing
    std::uint64_t missing = 0;  ///< messages before it that did not come
  };
  /// A message came.
  Verdict message(const v1::NatsPosition& position);
  /// The other says how far it is: everything up to there is here or missing. @return how many are missing
  std::uint64_t reach(const v1::NatsPosition& position);
  /// Forgets what `keep` denies.
  template <class Keep>
  void forget_unless(Keep&& keep) {
    std::erase_if(at_, [&](const auto& entry) { return !keep(entry.first); });
  }
  std::size_t size() const { return at_.size(); }

 private:
  struct At {
    std::uint64_t run = 0, sequence = 0;
  };
  std::unordered_map<std::string, At> at_;
};

}  // namespace ghost::b2
