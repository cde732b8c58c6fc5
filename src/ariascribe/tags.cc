#include "ariascribe/tags.h"

#include <algorithm>

namespace ghost::ariascribe {

bool same_name(std::string_view a, std::string_view b) {
  const auto capital = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return capital(x) == capital(y); });
}

std::string upper_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::vector<std::string> values_of(const std::vector<Tag>& tags, std::string_view name) {
  std::vector<std::string> values;
  for (const Tag& tag : tags) {
    if (same_name(tag.name, name)) values.push_back(tag.value);
  }
  return values;
}

std::string first_value(const std::vector<Tag>& tags, std::string_view name) {
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const Tag& tag) { return same_name(tag.name, name); });
  return found == tags.end() ? "" : found->value;
}

std::vector<Tag> with_values(std::vector<Tag> tags, std::string_view name, const std::vector<std::string>& values) {
  const auto first = std::find_if(tags.begin(), tags.end(), [&](const Tag& tag) { return same_name(tag.name, name); });
  auto place = static_cast<std::size_t>(first - tags.begin());
  std::erase_if(tags, [&](const Tag& tag) { return same_name(tag.name, name); });
  for (const std::string& value : values) tags.insert(tags.begin() + static_cast<std::ptrdiff_t>(place++), Tag{std::string(name), value, false});
  return tags;
}

std::vector<std::string> names_that_differ(const std::vector<Tag>& before, const std::vector<Tag>& after) {
  std::vector<std::string> seen, changed;
  for (const auto* tags : {&before, &after}) {
    for (const Tag& tag : *tags) {
      std::string name = upper_name(tag.name);
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
      if (values_of(before, name) != values_of(after, name)) changed.push_back(name);
      seen.push_back(std::move(name));
    }
  }
  return changed;
}

NumberOfTotal number_of_total(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string text_of(const NumberOfTotal& numbers) { return numbers.total.empty() ? numbers.number : numbers.number + "/" + numbers.total; }

}  // namespace ghost::ariascribe
