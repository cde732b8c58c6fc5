#include "b2/topic_rights.h"

#include <algorithm>

#include "b2/topic_subject.h"

namespace ghost::b2 {

namespace {

constexpr std::string_view kOfNoRule = "admin";

}  // namespace

TopicRights::TopicRights()
    : rules_{{"admin.>", "admin", "admin"}, {"ardus.>", "send", ""},      {"ariascribe.>", "describe", ""}, {"audiojuggler.>", "grab", ""},
             {"b2.>", "admin", ""},         {"ghostlight.>", "admin", ""}, {"portlight.>", "admin", ""},     {">", "", ""}} {}

const TopicRight* TopicRights::row_of(std::string_view subject) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const TopicRight& one) { return matches(one.pattern, subject); });
  return row == rows_.end() ? nullptr : &*row;
}

Status TopicRights::may_publish(const Identity& who, std::string_view subject) const {
  const std::string what = "publishing under '" + std::string(subject) + "'";
  const TopicRight* row = row_of(subject);
  if (row != nullptr && !row->publish.empty()) {
    const Status allowed = who.may(row->publish, what);
    if (!allowed || row->instead) return allowed;
  }
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return matches(one.pattern, subject); });
  return who.may(rule == rules_.end() ? kOfNoRule : rule->publish, what);
}

Status TopicRights::may_subscribe(const Identity& who, std::string_view pattern) const {
  const std::string what = "subscribing to '" + std::string(pattern) + "'";
  // It may reach over several rules: then the subjects are judged one by one.
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const TopicRight& one) { return covers(one.pattern, pattern); });
  if (row != rows_.end() && !row->read.empty()) {
    const Status allowed = who.may(row->read, what);
    if (!allowed || row->instead) return allowed;
  }
  const bool replaced = std::any_of(rows_.begin(), rows_.end(), [](const TopicRight& one) { return one.instead && !one.read.empty(); });
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return covers(one.pattern, pattern); });
  const std::string_view needs = rule == rules_.end() || replaced ? "" : std::string_view(rule->read);
  return who.may(needs, what);
}

bool TopicRights::may_read(const Identity& who, std::string_view subject) const {
  const TopicRight* row = row_of(subject);
  if (row != nullptr && !row->read.empty()) {
    const bool allowed = who.may(row->read, subject).has_value();
    if (!allowed || row->instead) return allowed;
  }
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return matches(one.pattern, subject); });
  return who.may(rule == rules_.end() ? kOfNoRule : rule->read, subject).has_value();
}

}  // namespace ghost::b2
