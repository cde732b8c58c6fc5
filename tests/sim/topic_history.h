#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "b2/v1/topics.b2.h"

namespace ghost::b2::test {

/// What was published and what each subscription heard in one run, and whether it fits together (docs/spec/b2.md §12). The order of
/// the run is that of the calls made here.
class TopicHistory {
 public:
  struct Publication {
    std::string subject;
    std::uint64_t began = 0, ended = 0;  ///< order; ended 0: never told
    std::uint16_t outcome = 0;
    std::uint64_t epoch = 0, sequence = 0;
  };
  struct Heard {
    std::uint64_t order = 0;
    std::string subject;         ///< "" for a count of messages dropped
    std::uint64_t sequence = 0;
    std::uint64_t publication = 0;
    std::uint64_t count = 0, total = 0;
  };
  struct Subscription {
    v1::SubscribeRequest request;
    std::uint64_t began = 0, acknowledged = 0, ended = 0;  ///< order
    std::uint16_t outcome = 0;
    v1::SubscribeAck ack{};
    std::vector<Heard> heard{};
    bool single() const { return request.patterns.size() == 1 && request.patterns[0].find_first_of("*>") == std::string::npos; }
  };

  /// A publication's number, which its message is to carry.
  std::uint64_t publish(const std::string& subject);
  void published(std::uint64_t number, std::uint16_t outcome, const v1::PublishResponse& response);
  std::size_t subscribe(const v1::SubscribeRequest& request);
  void heard(std::size_t subscription, const v1::TopicEvent& event);
  void ended(std::size_t subscription, std::uint16_t outcome);
  /// For the tests of the test.
  Subscription& at(std::size_t subscription) { return subscriptions_[subscription]; }

  /// To be asked when all is quiet: every subscription that has not ended has heard all.
  std::vector<std::string> check() const;
  std::uint64_t messages() const { return messages_; }
  std::uint64_t dropped() const { return dropped_; }
  std::size_t subscriptions() const { return subscriptions_.size(); }

 private:
  using Key = std::tuple<std::uint64_t, std::string, std::uint64_t>;  ///< epoch, subject, sequence
  using Wrong = std::vector<std::string>;

  std::string named(std::size_t subscription) const;
  void check_numbers(Wrong& wrong) const;
  void check_order(std::size_t subscription, Wrong& wrong) const;
  void check_single(std::size_t subscription, Wrong& wrong) const;
  void check_groups(Wrong& wrong) const;
  std::uint64_t highest(std::uint64_t epoch, const std::string& subject) const;

  std::uint64_t order_ = 0;
  std::vector<Publication> publications_;
  std::vector<Subscription> subscriptions_;
  std::uint64_t messages_ = 0, dropped_ = 0;
};

}  // namespace ghost::b2::test
