#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// The first packets of a session whose rate is looked for: when the receivers hear, they leave in trains, and each is answered before the next, mostly twice as long, leaves
/// (docs/spec/ardus.md §5.7). So a way that is far slower than the interface says loses little before anybody could tell. What came of a train,
/// and in which time, is a first measure of the way.
class Opening {
 public:
  struct Outcome {
    double carried = 0;    ///< bit/s on the wire that came through, and would without the links' own loss
    double own = 0;        ///< loss that is the links', as far as is known
    bool limited = false;  ///< more of a longer train was lost: this is what the way carries
    bool level = false;    ///< a longer train came no faster: it may be
  };

  /// @param most    bit/s on the wire: no train is faster
  /// @param number  of the first packet
  void begin(double most, std::uint64_t number, Layout layout = Layout::standard);
  bool active() const { return active_; }
  void stop() { active_ = false; }
  /// Packet number after the train under way: none from there on may leave.
  std::uint64_t end() const { return end_; }
  /// Bit/s on the wire, of the train under way.
  double rate() const { return rate_; }

  void sent_first(TimePoint now) { began_ = now; }
  TimePoint began() const { return began_; }
  bool asked() const { return asked_at_ != TimePoint{}; }
  /// The train has left, and this receiver is to answer.
  void ask(ReceiverNumber receiver);
  std::vector<ReceiverNumber> unanswered() const;
  void set_asked(TimePoint now);
  TimePoint asked_at() const { return asked_at_; }
  /// @param seen  packet numbers below this came, or are lost
  /// @param heard when the question came to the receiver, and half a round trip later
  void answer(ReceiverNumber receiver, std::uint64_t seen, double loss, TimePoint heard);
  /// Whether it is known what came of the train: three quarters of those asked have answered, or all where one of them says
  /// that it is too fast; after a while one half is enough, after 500 ms anybody, or nobody.
  bool settled(Duration round_trip, TimePoint now) const;
  /// When settled() changes without an answer.
  TimePoint next_wakeup(Duration round_trip) const;
  bool answered() const { return !answers_.empty(); }
  /// Judges the train, of no packets at first: the next one begins, or it is over (active() is false), and `outcome` says with what.
  Outcome judge();
  /// Of the last train that was judged.
  const std::optional<Outcome>& last() const { return last_; }

 private:
  struct Answer {
    double carried, loss;
  };
  std::size_t spared() const;
  void next_train();

  bool active_ = false;
  double packet_ = 0;                    ///< bits on the wire
  std::uint64_t span_ = 512;             ///< packets that a loss is told over
  std::uint64_t of_size_ = 1;            ///< trains have so many times fewer packets than the standard layout's
  double most_ = 0, rate_ = 0;
  std::uint64_t first_ = 0, end_ = 0, train_ = 0;
  std::uint64_t full_ = 0;               ///< packets that the train would have at any rate
  TimePoint began_{}, asked_at_{};
  std::map<std::uint32_t, bool> asked_;  ///< by receiver's number: has answered
  std::vector<Answer> answers_;
  double own_ = -1, before_ = 0;         ///< least loss of a train; what came through of the last
  std::optional<Outcome> last_;
};

}  // namespace ghost::ardus
