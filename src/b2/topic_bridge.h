#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "b2/v1/topics.b2.h"
#include "base/result.h"

namespace ghost::b2 {

/// What joins the topics of this node to those of others. On the reactor's thread only.
class TopicBridge {
 public:
  /// What is known once the others have been told of a subscription: those that did not confirm it in time, for people.
  using Ready = std::function<void(std::vector<std::string> unconfirmed)>;

  virtual ~TopicBridge() = default;
  /// Whether the message that is published next under `subject` goes to a member of `group` on another node. The same until published().
  virtual bool goes_elsewhere(std::string_view subject, const std::string& group) const = 0;
  /// Why a message of `bytes` under `subject` cannot go where other nodes want it: exhausted. Fine where none does.
  virtual Status fits(std::string_view subject, std::size_t bytes) const = 0;
  /// A message of this node has its number.
  virtual void published(const v1::TopicMessage& message) = 0;
  /// A subscription is about to begin. `ready` may be called from within.
  /// @return  its name for left()
  virtual std::uint64_t joining(const std::vector<std::string>& patterns, const std::string& group, Ready ready) = 0;
  /// It ended, or was given up before it was ready.
  virtual void left(std::uint64_t joined) = 0;
};

}  // namespace ghost::b2
