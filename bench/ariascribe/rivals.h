#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/text_fold.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

/// The words of a title as a question to FTS5: any of them.
inline std::string any_word_of(const std::string& title) {
  std::string words;
  for (const Token& token : tokenise(normalised(title))) {
    if (token.kind != Token::Kind::mark) words += (words.empty() ? "\"" : " OR \"") + token.text + "\"";
  }
  return words;
}

/// Every text against the title; the least distance in proportion to its length wins.
class LevenshteinScan {
 public:
  void add(const std::string& text) { texts_.push_back(fold(normalised(text))); }
  /// Which of the texts, in the order they were added.
  std::size_t find(const std::string& title) {
    const std::string wanted = fold(normalised(title));
    double best = 2;
    std::size_t found = 0;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const double distance = static_cast<double>(levenshtein(wanted, texts_[i])) / static_cast<double>(std::max({wanted.size(), texts_[i].size(), std::size_t{1}}));
      if (distance < best) best = distance, found = i;
    }
    return found;
  }

 private:
  std::size_t levenshtein(std::string_view a, std::string_view b) {
    row_.resize(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row_[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t diagonal = row_[0];
      row_[0] = i;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t above = row_[j];
        row_[j] = std::min({above + 1, row_[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
        diagonal = above;
      }
    }
    return row_[b.size()];
  }
  std::vector<std::string> texts_;
  std::vector<std::size_t> row_;
};

}  // namespace ghost::ariascribe
