#pragma once
#include "node.h"

namespace ghost::b2::test {

/// Makes one call of a random kind through `channel`, with a random deadline, size and patience; notes what comes of it. A call that
/// was told not to have been taken is made again.
void make_call(Node& node, Channel& channel, bool quick_deadlines);

/// Publishes one message under one of the run's subjects.
void publish(Node& node, Channel& channel, const std::string& subject);

/// Somebody who follows topics over connections and lives of both sides, going on where it was.
class Follower {
 public:
  /// @param pause_ms  at most so long it takes over a message, before it lets another come; 0 reads at once
  Follower(v1::SubscribeRequest request, bool goes_on, std::uint64_t pause_ms) : request_(std::move(request)), goes_on_(goes_on), slow_(pause_ms != 0), pause_ms_(pause_ms) {}

  /// Subscribes; when that ends it is done again, as long as the channel lives.
  void follow(Node& node, Channel& channel);
  /// For good.
  void stop() {
    stopped_ = true;
    call_.cancel();
  }

 private:
  class Handler;
  void on_event(Node& node, std::size_t subscription, const v1::TopicEvent& event);

  v1::SubscribeRequest request_;
  bool goes_on_, slow_;
  std::uint64_t pause_ms_;
  bool active_ = false, stopped_ = false;
  std::uint64_t epoch_ = 0;
  std::map<std::string, std::uint64_t> next_;
  std::uint64_t hidden_ = 0;  ///< of the drops told, by a lie
  std::optional<v1::TopicEvent> held_back_;
  ClientCall call_;
};

}  // namespace ghost::b2::test
