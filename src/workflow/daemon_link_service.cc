#include "workflow/daemon_link_service.h"

namespace ghost::workflow {

static constexpr Duration kAgain = std::chrono::milliseconds(200);

void DaemonLink::open(std::function<void(Result<b2::Caller*>)> ready, Duration patience) {
  waiting_.push_back(std::move(ready));
  if (link_) {
    // From a turn of its own, as after a dial: whoever asks need not expect the answer from within.
    again_ = network_.reactor().wake_at(network_.reactor().now(), [this](TimePoint) {
      if (link_) answer(&link_->channel());
      else dial();
    });
    return;
  }
  give_up_ = network_.reactor().now() + patience;
  if (!dial_) dial();
}

void DaemonLink::dial() {
  const auto target = b2::Target::parse(socket_);
  if (!target) return answer(target.error());
  dial_ = std::make_unique<b2::Dial>(b2::Dial::Parts{network_, endpoint_, nullptr, {}, std::chrono::seconds(5)}, *target,
                                     [this](Result<std::unique_ptr<b2::Link>> link) { on_dialed(std::move(link)); });
}

/// The dial is what calls: it goes when its turn is over.
void DaemonLink::forget_dial() {
  network_.reactor().at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) dial_.reset();
  });
}

void DaemonLink::on_dialed(Result<std::unique_ptr<b2::Link>> link) {
  if (!link) {
    if (network_.reactor().now() >= give_up_) {
      forget_dial();
      return answer(link.error().in(program_ + " does not answer"));
    }
    again_ = network_.reactor().wake_at(network_.reactor().now() + kAgain, [this](TimePoint) { dial(); });
    return;
  }
  link_ = std::move(*link);
  link_->set_events({{}, {}, [this](const Error&) { link_.reset(); }});
  forget_dial();
  answer(&link_->channel());
}

void DaemonLink::answer(const Result<b2::Caller*>& result) {
  for (const auto& ready : std::exchange(waiting_, {})) ready(result);
}

}  // namespace ghost::workflow
