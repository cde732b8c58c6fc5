#include "ardus/opening.h"

#include <algorithm>

#include "ardus/loss_meter.h"
#include "ardus/sender.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t kFirstTrain = 64, kLongestTrain = 4096;  // packets: 95 KB, less than any queue that is worth its name
constexpr std::uint64_t kFewerJumbo = 4;  // as many bytes would be too few packets to tell a loss by
constexpr double kNextRate = 3;           // of what came through, that the next train leaves at
constexpr double kOverrun = 0.15;         // so much more lost than of a shorter train …
constexpr double kSlowed = 0.7;           // … and come at less than this share of the rate it left at
constexpr double kFaster = 1.1;           // a longer train that comes less than so much faster tells what the way carries
constexpr double kLeastRate = 500'000;    // of a train
constexpr double kLongestSeconds = 0.25;      // that a train may last …
constexpr std::uint64_t kShortestTrain = 32;  // … unless it has no more packets than this
constexpr double kLaggard = 0.7;          // of what the middle one got: who gets less may be left out
constexpr Duration kHalfIsEnough = 100ms, kAnybodyIsEnough = 500ms;
}  // namespace

void Opening::begin(double most, std::uint64_t number, Layout layout) {
  active_ = true;
  packet_ = static_cast<double>((data_datagram(layout) + kWireOverhead) * 8);
  span_ = loss_span(layout);
  of_size_ = layout == Layout::jumbo ? kFewerJumbo : 1;
  most_ = rate_ = most;
  first_ = number;
  end_ = number;
}

void Opening::ask(ReceiverNumber receiver) { asked_.try_emplace(receiver.value, false); }

std::vector<ReceiverNumber> Opening::unanswered() const {
  std::vector<ReceiverNumber> out;
  for (const auto& [number, answered] : asked_) {
    if (!answered) out.push_back(ReceiverNumber{number});
  }
  return out;
}

void Opening::set_asked(TimePoint now) {
  if (!asked()) asked_at_ = now;
}

void Opening::answer(ReceiverNumber receiver, std::uint64_t seen, double loss, TimePoint heard) {
  const auto asked = asked_.find(receiver.value);
  if (asked == asked_.end() || asked->second || seen < end_) return;
  asked->second = true;
  if (train_ == 0) return answers_.push_back({});
  // It tells its loss since the beginning, or of late (LossMeter): what was lost before this train is not this one's.
  const std::uint64_t all = seen - first_, told = all < span_ ? all : span_ + all % span_;
  const auto train = static_cast<double>(train_);
  const double before = told > train_ ? std::max(own_, 0.0) * static_cast<double>(told - train_) : 0;
  const double lost = std::clamp(loss * static_cast<double>(told) - before, 0.0, train);
  const double seconds = std::max(std::chrono::duration<double>(heard - began_).count(), 1e-6);
  answers_.push_back({(train - lost) * packet_ / seconds, lost / train});
}

/// How many of so many may be left out: one of two to seven, a quarter of more.
std::size_t Opening::spared() const { return asked_.size() < 2 ? 0 : std::max<std::size_t>(1, asked_.size() / 4); }

bool Opening::settled(Duration round_trip, TimePoint now) const {
  if (!asked()) return false;
  // Those that answer first may be the ones that the others are not to wait for: they are not believed alone that the rate is too much.
  const bool slow = std::ranges::any_of(answers_, [this](const Answer& each) { return train_ > 0 && each.carried < kSlowed * rate_; });
  if (answers_.size() + (slow ? 0 : spared()) >= asked_.size()) return true;
  const Duration waited = now - asked_at_;
  return waited >= kAnybodyIsEnough || (waited >= kHalfIsEnough + 2 * round_trip && answers_.size() * 2 >= asked_.size());
}

TimePoint Opening::next_wakeup(Duration round_trip) const {
  const bool half = answers_.size() * 2 >= asked_.size();
  return asked() ? asked_at_ + (half ? std::min(kAnybodyIsEnough, kHalfIsEnough + 2 * round_trip) : kAnybodyIsEnough) : TimePoint::max();
}

Opening::Outcome Opening::judge() {
  if (answers_.empty()) {
    active_ = false;
    return {};
  }
  if (train_ == 0) {
    next_train();
    return {};
  }
  std::ranges::sort(answers_, {}, &Answer::carried);
  std::size_t at = 0;
  while (at < std::min(spared(), answers_.size() / 2) && answers_[at].carried < kLaggard * answers_[answers_.size() / 2].carried) ++at;
  // One that had bad luck is not the measure: it is a quarter of them, of one way.
  std::size_t alike = answers_.size() / 4;
  while (answers_[at].carried < kLaggard * answers_[at + alike].carried) --alike;
  Answer way{answers_[at + alike / 2].carried, 0};
  for (std::size_t i = at; i <= at + alike; ++i) way.loss += answers_[i].loss / static_cast<double>(alike + 1);
  double mean = 0;
  for (const Answer& each : answers_) mean += each.loss / static_cast<double>(answers_.size());
  Outcome& out = last_.emplace(Outcome{});
  const double own = out.own = own_ < 0 ? mean : own_;
  out.carried = way.carried / (1 - std::min(own, 0.9));
  out.limited = own_ >= 0 && way.loss - own > kOverrun && way.carried < kSlowed * rate_;
  const bool fast = 2 * way.carried >= most_;
  out.level = !out.limited && !fast && before_ > 0 && way.carried < kFaster * before_;
  // The longer train tells it better, where it lost no more than by chance.
  if (!out.limited) own_ = own_ < 0 || mean < own_ + kOverrun ? mean : own_;
  before_ = way.carried;
  active_ = !out.limited && !fast && !out.level && full_ < kLongestTrain / of_size_;
  rate_ = std::clamp(kNextRate * way.carried, std::min(kLeastRate, most_), most_);
  next_train();
  return out;
}

void Opening::next_train() {
  const std::uint64_t first = kFirstTrain / of_size_;
  full_ = full_ == 0 ? first : full_ * (full_ == first ? 4 : 2);
  train_ = std::min(full_, std::max(kShortestTrain / of_size_, static_cast<std::uint64_t>(rate_ * kLongestSeconds / packet_)));
  end_ += train_;
  asked_at_ = began_ = {};
  asked_.clear();
  answers_.clear();
}

}  // namespace ghost::ardus
