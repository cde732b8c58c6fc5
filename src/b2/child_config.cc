#include "b2/child_config.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/units.h"

namespace ghost::b2 {

namespace {

constexpr Duration kIdle = std::chrono::minutes(5);
constexpr Duration kShortestIdle = std::chrono::seconds(1);

Error wrong_row(const ConfigTable& row, std::string_view what) { return {Errc::malformed, row.origin + ": [[child]]: " + std::string(what)}; }

std::string text_of(const ConfigTable& row, const std::string& key) {
  const auto found = row.fields.find(key);
  return found == row.fields.end() || found->second.values.size() != 1 ? std::string() : found->second.values.front();
}

/// Sets one limit; "" leaves it as it is.
Status set_limit(const ConfigTable& row, const std::string& key, std::optional<std::uint64_t>& limit) {
  const std::string text = text_of(row, key);
  if (text.empty()) return {};
  const auto size = parse_size(text);
  if (!size) return wrong_row(row, key + ": " + size.error().message);
  limit = *size;
  return {};
}

Status set_start(const ConfigTable& row, ChildSpec& child, bool& never) {
  const std::string start = text_of(row, "start"), idle = text_of(row, "idle");
  if (!start.empty() && start != "always" && start != "on-call" && start != "never") return wrong_row(row, "start is \"always\", \"on-call\" or \"never\", not '" + printable(start) + "'");
  never = start == "never";
  if (!idle.empty() && start != "on-call") return wrong_row(row, "'idle' goes with start = \"on-call\"");
  if (start != "on-call") return {};
  child.idle_stop = kIdle;
  if (idle.empty()) return {};
  const auto span = parse_duration(idle);
  if (!span) return wrong_row(row, "idle: " + span.error().message);
  if (*span < kShortestIdle) return wrong_row(row, "idle: at least 1 s");
  child.idle_stop = *span;
  return {};
}

}  // namespace

Status configure_children(const std::vector<ConfigTable>& rows, std::vector<ChildSpec>& children) {
  const std::vector<std::string> keys = {"name", "start", "idle", "open_files", "memory", "core"};
  std::vector<std::string> names;
  for (const ChildSpec& child : children) names.push_back(child.name);
  for (const ConfigTable& row : rows) {
    for (const auto& [key, field] : row.fields) {
      const auto meant = nearest(key, keys);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) return wrong_row(row, "there is no '" + printable(key) + "'" + (meant ? "; did you mean '" + *meant + "'?" : ""));
      if (field.is_list) return wrong_row(row, "'" + key + "' takes one value");
    }
    const std::string name = text_of(row, "name");
    const auto child = std::find_if(children.begin(), children.end(), [&](const ChildSpec& one) { return one.name == name; });
    if (child == children.end()) {
      std::string all;
      for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
      return wrong_row(row, "no child is called '" + printable(name) + "'; there are " + all);
    }
    bool never = false;
    if (auto set = set_start(row, *child, never); !set) return set;
    for (const auto& [key, limit] : {std::pair{"open_files", &child->limits.open_files}, {"memory", &child->limits.memory}, {"core", &child->limits.core}}) {
      if (auto set = set_limit(row, key, *limit); !set) return set;
    }
    if (never) children.erase(child);
  }
  return {};
}

}  // namespace ghost::b2
