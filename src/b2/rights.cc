#include "b2/rights.h"

#include <algorithm>
#include <array>

#include "b2/topic_subject.h"
#include "base/text.h"

namespace ghost::b2 {

namespace {

constexpr std::array<std::string_view, 6> kRightKeys = {"match", "allow", "topic", "publish", "read", "instead"};

/// One who is allowed, as Identity::may() reads it.
Result<std::string> allowed_one(std::string_view text) {
  constexpr std::string_view role = "role:", node = "node:";
  const std::string_view named = text.starts_with(role) ? text.substr(role.size()) : text;
  if (text == "public" || named == "public") {
    return Error{Errc::refused, "the table of rights never opens anything to strangers: 'public' is for a method's schema to say"};
  }
  if (text == "member" || text == "owner") return std::string(text);
  if (text.starts_with(node)) {
    if (auto ok = check_node_reference(text.substr(node.size())); !ok) return ok.error();
    return std::string(text);
  }
  if (auto known = Roles::parse(named); !known || named.empty() || named.find(',') != std::string_view::npos) {
    return Error{Errc::malformed, "'" + printable(text) + "' is nobody: write member, owner, role:NAME with listen, send, describe, grab or admin, or node: with a node's "
                                  "words or its id in hex"};
  }
  return std::string(named);
}

Result<std::string> allowed_list(const std::vector<std::string>& list) {
  std::string needs;
  for (const std::string& text : list) {
    auto one = allowed_one(text);
    if (!one) return one;
    needs += (needs.empty() ? "" : " | ") + *one;
  }
  return needs.empty() ? std::string("owner") : needs;
}

Error at(const ConfigTable& row, std::string_view what) { return {Errc::malformed, row.origin + ": [[rights]]: " + std::string(what)}; }

Status check_keys(const ConfigTable& row) {
  const std::vector<std::string> known(kRightKeys.begin(), kRightKeys.end());
  for (const auto& [key, values] : row.fields) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto meant = nearest(key, known);
    return at(row, "there is no '" + printable(key) + "'" + (meant ? "; did you mean '" + *meant + "'?" : ""));
  }
  return {};
}

/// A text where one is wanted; "" when it is not there.
Result<std::string> one_text(const ConfigTable& row, const std::string& key) {
  const auto found = row.fields.find(key);
  if (found == row.fields.end()) return std::string();
  if (found->second.is_list || found->second.values.size() != 1) return at(row, "'" + key + "' takes one text");
  return found->second.values.front();
}

/// A list of those who are allowed; "" when it is not there.
Result<std::string> who(const ConfigTable& row, const std::string& key) {
  const auto found = row.fields.find(key);
  if (found == row.fields.end()) return std::string();
  auto allowed = allowed_list(found->second.values);
  if (!allowed) return Error{allowed.error().code, row.origin + ": [[rights]] " + key + ": " + allowed.error().message};
  return allowed;
}

bool is_one_term(std::string_view needs) { return needs.find(" | ") == std::string_view::npos; }
std::string as_term(std::string_view needs) { return is_one_term(needs) ? std::string(needs) : "(" + std::string(needs) + ")"; }

/// Both of two needs. "member" is in every other but "public".
std::string both(std::string_view schema, const std::string& row) {
  if (row.empty()) return std::string(schema);
  if (schema == "public" || schema.empty() || schema == "member") return row;
  if (row == "member" || schema == row) return std::string(schema);
  const std::string term = as_term(row);
  for (std::string_view rest = schema; !rest.empty();) {
    const std::size_t end = std::min(rest.find(" & "), rest.size());
    if (rest.substr(0, end) == term) return std::string(schema);
    rest.remove_prefix(std::min(end + 3, rest.size()));
  }
  // The schema's own may be narrowed already, by a child's row.
  return (schema.find(" & ") != std::string_view::npos ? std::string(schema) : as_term(schema)) + " & " + term;
}

}  // namespace

bool matches_name(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<Rights> Rights::read(const std::vector<ConfigTable>& rows) {
  Rights rights;
  for (const ConfigTable& row : rows) {
    if (auto ok = check_keys(row); !ok) return ok.error();
    const auto match = one_text(row, "match"), topic = one_text(row, "topic"), instead_text = one_text(row, "instead");
    for (const auto* text : {&match, &topic, &instead_text})
      if (!*text) return text->error();
    const auto allow = who(row, "allow"), publish = who(row, "publish"), read = who(row, "read");
    for (const auto* list : {&allow, &publish, &read})
      if (!*list) return list->error();
    if (!instead_text->empty() && *instead_text != "true" && *instead_text != "false") return at(row, "'instead' is true or false");
    const bool instead = *instead_text == "true";
    if (match->empty() == topic->empty()) return at(row, "it names either methods, by 'match', or topics, by 'topic'");
    if (!match->empty()) {
      if (match->find('/') == std::string::npos && !match->ends_with('*')) return at(row, "match = \"" + printable(*match) + "\" fits no method: write SERVICE/METHOD, as \"" + printable(*match) + "/*\"");
      if (allow->empty() || !publish->empty() || !read->empty()) return at(row, "a row with 'match' takes 'allow', and neither 'publish' nor 'read'");
      rights.methods_.push_back({*match, *allow, instead, row.origin});
    } else {
      if (auto ok = check_pattern(*topic); !ok) return at(row, "topic: " + ok.error().message);
      if (!allow->empty() || (publish->empty() && read->empty())) return at(row, "a row with 'topic' takes 'publish', 'read' or both, and no 'allow'");
      rights.topics_.push_back({*topic, *publish, *read, instead, row.origin});
    }
  }
  return rights;
}

std::string Rights::needs(std::string_view service, std::string_view method, std::string_view needs) const {
  const std::string name = std::string(service) + "/" + std::string(method);
  for (const MethodRight& row : methods_) {
    if (!matches_name(row.match, name)) continue;
    return row.instead ? row.needs : both(needs, row.needs);
  }
  return std::string(needs);
}

}  // namespace ghost::b2
