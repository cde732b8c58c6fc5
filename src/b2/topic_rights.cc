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

Status TopicRights::may_publish(const Identity& who, std::string_view subject) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return matches(one.pattern, subject); });
  return who.may(rule == rules_.end() ? kOfNoRule : rule->publish, "publishing under '" + std::string(subject) + "'");
}

Status TopicRights::may_subscribe(const Identity& who, std::string_view pattern) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return covers(one.pattern, pattern); });
  const std::string_view needs = rule == rules_.end() ? "" : std::string_view(rule->read);  // it may reach over several rules
  return who.may(needs, "subscribing to '" + std::string(pattern) + "'");
}

bool TopicRights::may_read(const Identity& who, std::string_view subject) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const TopicRule& one) { return matches(one.pattern, subject); });
  return who.may(rule == rules_.end() ? kOfNoRule : rule->read, subject).has_value();
}

}  // namespace ghost::b2
