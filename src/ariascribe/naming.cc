#include "ariascribe/naming.h"

#include <algorithm>
#include <vector>

#include "ariascribe/repertoire_lines.h"
#include "ariascribe/terms.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

std::string with_numbers_as_said(std::string title, const Work& work, std::span<const CatalogueMention> all_said) {
  for (const CatalogueMention& mention : all_said) {
    for (const CatalogueNumber& has : work.catalogue) {
      if (has.code != mention.number.code || has == mention.number || !has.part().empty() || has.letterless() != mention.number) continue;
      const std::string own = display(has);
      if (const std::size_t at = title.find(own); at != std::string::npos) title.replace(at, own.size(), display(mention.number));
    }
  }
  return title;
}

std::string_view name_in_language(const Work& work, std::string_view text) {
  const auto words = [](std::string_view name) {
    std::vector<std::string> found;
    for (const Token& token : tokenise(name)) {
      if (token.is_word() && token.text.size() > 2) found.push_back(token.text);
    }
    return found;
  };
  const auto said = words(text);
  const auto shared = [&](std::string_view name) {
    const auto own = words(name);
    return static_cast<double>(std::count_if(own.begin(), own.end(), [&](const std::string& word) { return std::find(said.begin(), said.end(), word) != said.end(); })) / static_cast<double>(std::max<std::size_t>(1, own.size()));
  };
  if (said.empty() || shared(work.title) > 0.5) return work.title;
  for (const std::string& other : work.also) {
    if (words(other).size() >= 2 && shared(other) > 0.8) return other;
  }
  return work.title;
}

std::string_view without_brackets(std::string_view name) {
  const std::size_t open = name.find('(');
  if (open == 0 || open == std::string_view::npos || !name.ends_with(')')) return name;
  const auto inside = tokenise(name.substr(open + 1));
  return !inside.empty() && begins_movement(inside.front().text) ? name : trimmed(name.substr(0, open));
}

std::string without_capitals(const std::string& name) {
  const auto tokens = tokenise(name);
  const bool shouted = std::all_of(tokens.begin(), tokens.end(), [](const Token& each) { return !each.is_word() || each.all_upper; });
  const bool known = std::any_of(tokens.begin(), tokens.end(), [](const Token& each) { return each.is_word() && begins_movement(each.text); });
  if (!shouted || !known) return name;
  std::string out = name;
  bool first = true;
  for (const Token& each : tokens) {
    if (!each.is_word() || roman_value(each.text)) continue;
    const std::size_t begin = each.begin + (first || !(begins_movement(each.text) || each.text.size() < 4) ? 1 : 0);
    if (each.text.size() < 2 && first) continue;
    for (std::size_t i = begin; i < each.end; ++i) {
      if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] - 'A' + 'a');
    }
    first = false;
  }
  return out;
}

}  // namespace ghost::ariascribe
