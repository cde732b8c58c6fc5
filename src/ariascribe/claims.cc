#include "ariascribe/claims.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::array<std::string_view, 6> kKinds = {"agent", "work", "performance", "recording", "track", "concept"};
constexpr auto kOfMany = std::to_array<std::string_view>({"alias", "catalogue", "credit", "label", "medium"});

bool same_value(const Claim& a, const Claim& b) { return a.field == b.field && a.value == b.value && a.detail == b.detail; }

/// At most `limit` bytes of it, whole characters.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

/// Bytes a text of a database cannot hold: what is no UTF-8, and zeros.
std::string stored(std::string_view text) {
  text = cut(text, kMaxClaim);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = first_code_point(text);
    if (next.bytes != 0 && next.value != 0) out.append(text.substr(0, next.bytes));
    text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
  }
  return out;
}

}  // namespace

std::string_view name(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of(std::string_view name) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), name);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<Kind>(found - kKinds.begin());
}

void Record::say(std::string_view field, std::string_view value, double confidence, std::string_view detail) {
  std::string kept = stored(value);
  if (!kept.empty()) said.push_back({std::string(field), std::move(kept), stored(detail), confidence, {}});
}

void Record::say(std::string_view field, Ref to, double confidence, std::string_view detail) {
  said.push_back({std::string(field), "", stored(detail), confidence, Ref{stored(to.scheme), stored(to.key)}});
}

std::string_view Record::value_of(std::string_view field) const {
  for (const Said& each : said) {
    if (each.field == field) return each.value;
  }
  return {};
}

bool has_one_value(std::string_view field) { return std::find(kOfMany.begin(), kOfMany.end(), field) == kOfMany.end(); }

bool is_above(const Claim& a, const Claim& b) {
  if (a.rank != b.rank) return a.rank > b.rank;
  if (a.confidence != b.confidence) return a.confidence > b.confidence;
  if (a.made_ms != b.made_ms) return a.made_ms > b.made_ms;
  return a.value != b.value ? a.value < b.value : a.detail < b.detail;
}

std::vector<const Claim*> shown_of(std::span<const Claim> claims) {
  std::vector<const Claim*> out;
  for (const Claim& each : claims) {
    if (each.standing) out.push_back(&each);
  }
  std::sort(out.begin(), out.end(), [](const Claim* a, const Claim* b) { return a->field != b->field ? a->field < b->field : is_above(*a, *b); });
  std::vector<const Claim*> kept;
  for (const Claim* each : out) {
    const bool again = std::any_of(kept.begin(), kept.end(), [&](const Claim* other) { return other->field == each->field && (has_one_value(each->field) || same_value(*other, *each)); });
    if (!again) kept.push_back(each);
  }
  return kept;
}

std::vector<Claim> shown(std::span<const Claim> claims) {
  std::vector<Claim> out;
  for (const Claim* each : shown_of(claims)) out.push_back(*each);
  return out;
}

std::vector<Claim> distinct(std::vector<Claim> fresh) {
  auto end = fresh.begin();
  for (Claim& each : fresh) {
    const bool again = std::any_of(fresh.begin(), end, [&](const Claim& other) { return other.source == each.source && same_value(other, each); });
    if (again) continue;
    if (&*end != &each) *end = std::move(each);
    ++end;
  }
  fresh.erase(end, fresh.end());
  return fresh;
}

ClaimChanges merge(std::span<const Claim> there, std::span<const Claim> fresh) {
  ClaimChanges changes;
  for (const Claim& each : fresh) {
    const auto is_it = [&](const Claim& other) { return other.source == each.source && same_value(other, each); };
    if (std::any_of(changes.added.begin(), changes.added.end(), is_it)) continue;
    const auto known = std::find_if(there.begin(), there.end(), is_it);
    if (known == there.end()) {
      changes.added.push_back(each);
    } else if (!known->standing && std::none_of(changes.restored.begin(), changes.restored.end(), is_it)) {
      changes.restored.push_back(*known);
      changes.restored.back().standing = true;
      changes.restored.back().made_ms = each.made_ms;
    }
  }
  for (const Claim& old : there) {
    if (!old.standing) continue;
    const auto of_field = [&](const Claim& each) { return each.source == old.source && each.field == old.field; };
    if (std::none_of(fresh.begin(), fresh.end(), of_field)) continue;
    if (std::any_of(fresh.begin(), fresh.end(), [&](const Claim& each) { return each.source == old.source && same_value(each, old); })) continue;
    changes.withdrawn.push_back(old);
    changes.withdrawn.back().standing = false;
    if (!has_one_value(old.field)) continue;
    for (Claim& each : changes.added) {
      if (of_field(each)) each.supersedes = old.value;
    }
  }
  return changes;
}

}  // namespace ghost::ariascribe
