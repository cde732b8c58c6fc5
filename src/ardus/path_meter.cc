#include "ardus/path_meter.h"

#include <algorithm>
#include <cmath>

#include "ardus/path_rate.h"

namespace ghost::ardus {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t kCountedPackets = 16;
constexpr Duration kCountedTime = 10ms, kCountedAtMost = 500ms;
constexpr double kNoticeable = 0.9;  // of the rate: who could get so much stays silent
}  // namespace

Duration PathMeter::round_trip() const {
  const Duration trip = own_trip_ > Duration::zero() ? own_trip_ : std::chrono::microseconds(question_->longest);
  return std::max<Duration>(trip, 100us);
}

void PathMeter::arrived(std::uint64_t number, TimePoint now) {
  if (!question_) return;
  if (counted_++ == 0 && counted_since_ == TimePoint{}) counted_since_ = now;
  const Duration span = now - counted_since_;
  if ((counted_ >= kCountedPackets && span >= std::max(kCountedTime, round_trip())) || span >= kCountedAtMost) {
    received_ = static_cast<double>(counted_) * kPacketOnWire / std::chrono::duration<double>(span).count();
    counted_ = 0;
    counted_since_ = now;
  }
  losses_.arrived(number, round_trip(), kPacketOnWire, received_, now);
}

void PathMeter::hear(const PathQuestion& question, ReceiverNumber me, TimePoint now) {
  question_ = question;
  if (question.told == me) own_trip_ = std::chrono::microseconds(question.round_trip);
  const auto clock = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  one_way_ = static_cast<std::uint32_t>(clock) - question.time;
}

std::optional<double> PathMeter::too_fast() const {
  if (!question_ || question_->rate == 0 || losses_.events() == 0) return std::nullopt;
  const double share = tcp_rate(kPacketOnWire, round_trip(), losses_.rate()) / (question_->rate * 1e3);
  return share < kNoticeable ? std::optional(share) : std::nullopt;
}

PathReport PathMeter::report() const {
  PathReport out;
  out.loss_events = static_cast<std::uint32_t>(std::lround(std::min(losses_.rate(), 1.0) * 0xffffffffu));
  out.events = losses_.events();
  out.received = static_cast<std::uint32_t>(std::min(received_ / 1e3, 4e9));
  out.one_way = one_way_;
  return out;
}

}  // namespace ghost::ardus
