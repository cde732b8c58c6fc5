#include "ariascribe/title_text.h"

#include <algorithm>
#include <cstdlib>

#include "ariascribe/asides.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

/// How deep in brackets or quotes each token stands: separators count at 0 only.
std::vector<int> depths_of(std::span<const Token> tokens) {
  std::vector<int> depths(tokens.size());
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is_mark(')') || tokens[i].is_mark(']')) depth = std::max(0, depth - 1);
    depths[i] = depth + (quoted ? 1 : 0);
    if (tokens[i].is_mark('(') || tokens[i].is_mark('[')) ++depth;
    if (tokens[i].is_mark('"')) quoted = !quoted;
  }
  // A quote that never closes encloses nothing.
  if (quoted) {
    depth = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].is_mark(')') || tokens[i].is_mark(']')) depth = std::max(0, depth - 1);
      depths[i] = depth;
      if (tokens[i].is_mark('(') || tokens[i].is_mark('[')) ++depth;
    }
  }
  return depths;
}

/// "BWV 846-869 … BWV 851": the number that is meant stands by itself.
void drop_ranges_around_numbers(std::vector<CatalogueMention>& numbers) {
  const auto all = numbers;
  std::erase_if(numbers, [&](const CatalogueMention& range) {
    const auto bounds = range.number.range();
    return bounds && std::any_of(all.begin(), all.end(), [&](const CatalogueMention& each) {
      const int value = each.number.code == range.number.code && !each.number.range() ? std::atoi(each.number.number.c_str()) : 0;
      return value >= bounds->first && value <= bounds->second;
    });
  });
}

}  // namespace

TitleText::TitleText(std::string_view title, const ComposerNames& names) : names_(names) {
  WithoutAsides without = take_off_asides(normalised(title));
  out_.text = std::move(without.text);
  out_.performers = std::move(without.performers);
  out_.arranger = std::move(without.arranger);
  out_.tokens = tokenise(out_.text);
  out_.catalogue = find_catalogue_numbers(out_.tokens);
  out_.keys = find_keys(out_.tokens);
  taken_.resize(out_.tokens.size());
  for (const CatalogueMention& each : out_.catalogue) {
    std::fill(taken_.begin() + static_cast<std::ptrdiff_t>(each.first), taken_.begin() + static_cast<std::ptrdiff_t>(each.last), char{1});
  }
  drop_ranges_around_numbers(out_.catalogue);
  std::erase_if(out_.keys, [&](const KeyMention& key) { return inside_catalogue(key.first); });
  for (ComposerNames::Mention& each : names.find(out_.tokens)) (each.doubtful ? doubtful_ : out_.names).push_back(std::move(each));
  depths_ = depths_of(out_.tokens);
}

}  // namespace ghost::ariascribe
