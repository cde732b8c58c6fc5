#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "b2/identity.h"
#include "b2/rights.h"

namespace ghost::b2 {

/// What it takes to publish under, or to read, the subjects a pattern stands for: "" (a member) or a role, as Identity::may() has it.
struct TopicRule {
  std::string pattern, publish, read;
};

/// Who may use which subjects (docs/spec/b2.md §12). The first rule whose pattern stands for a subject decides.
class TopicRights {
 public:
  /// Each system's own subjects are published by who holds its role, admin's are read by admins, all others are any member's.
  TopicRights();
  /// Patterns must have been checked. A subject that no rule stands for is an admin's.
  explicit TopicRights(std::vector<TopicRule> rules) : rules_(std::move(rules)) {}

  /// What the configuration says besides, or instead; of its rows, too, the first that fits decides.
  void set_rows(std::vector<TopicRight> rows) { rows_ = std::move(rows); }

  Status may_publish(const Identity& who, std::string_view subject) const;
  /// Refused when the pattern lies wholly within a rule that `who` does not meet. A wider one is taken and yields what may_read().
  Status may_subscribe(const Identity& who, std::string_view pattern) const;
  bool may_read(const Identity& who, std::string_view subject) const;

 private:
  const TopicRight* row_of(std::string_view subject) const;

  std::vector<TopicRule> rules_;
  std::vector<TopicRight> rows_;
};

}  // namespace ghost::b2
