#include "ardus/outbox_service.h"

#include <algorithm>

namespace ghost::ardus {

namespace {

constexpr int kSendTries = 20;

}  // namespace

void Outbox::add(std::size_t way, const net::Datagram& datagram) {
  if (lanes_.size() <= way) lanes_.resize(way + 1);
  lanes_[way].batch.push_back(datagram);
  ++left_;
}

void Outbox::flush() {
  if (left_ == 0) return;
  for (std::size_t way = 0; way < lanes_.size(); ++way) {
    Lane& lane = lanes_[way];
    const auto rest = std::span<const net::Datagram>(lane.batch).subspan(lane.sent);
    if (rest.empty()) continue;
    const std::size_t taken = std::min(send_(way, rest), rest.size());
    lane.sent += taken;
    left_ -= taken;
  }
  if (left_ == 0 || ++tries_ >= kSendTries) clear();
}

void Outbox::clear() {
  for (Lane& lane : lanes_) lane.batch.clear(), lane.sent = 0;
  left_ = 0;
  tries_ = 0;
}

}  // namespace ghost::ardus
