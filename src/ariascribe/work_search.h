#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/matcher.h"

namespace ghost::ariascribe {

/// Finds works while somebody types: words in any order, each possibly only begun (docs/spec/ariascribe.md §5.7). What the matcher makes of the text
/// follows, so that misspelt words, other languages and imported works are found too. Any number of threads may use it.
class WorkSearch {
 public:
  /// @param matcher  outlives this
  explicit WorkSearch(const Matcher& matcher) : matcher_(matcher) {}

  /// The best first.
  std::vector<Candidate> find(std::string_view text, std::size_t limit) const;

 private:
  struct Vocabulary;
  const Vocabulary& vocabulary() const;

  const Matcher& matcher_;
  mutable std::once_flag made_;
  mutable std::shared_ptr<const Vocabulary> vocabulary_;  ///< made by the first search: most programs never search
};

}  // namespace ghost::ariascribe
