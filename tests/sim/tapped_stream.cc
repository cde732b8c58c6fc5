#include "tapped_stream.h"

#include <utility>

namespace ghost::b2::test {

TappedStream::TappedStream(Machine& machine, std::unique_ptr<net::ByteStream> inner, std::shared_ptr<FlowWitness> witness)
    : machine_(machine), inner_(std::move(inner)), witness_(std::move(witness)) {
  output_.on_first_byte([this] {
    if (std::exchange(planned_, true)) return;
    machine_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) flush();
    });
  });
}

void TappedStream::set_handler(net::StreamHandler& handler) {
  handler_ = &handler;
  inner_->set_handler(*this);
}

void TappedStream::flush() {
  planned_ = false;
  if (output_.size() > kHighWater) full_ = true;
  if (inner_->unsent() >= kHighWater) {
    full_ = true;
    return;
  }
  Bytes bytes = output_.take();
  witness_->sent(bytes);
  inner_->output().append(std::move(bytes));
  if (finishing_) return inner_->finish(*std::exchange(finishing_, std::nullopt));
  if (!full_ || inner_->unsent() >= kLowWater) return;
  full_ = false;
  machine_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired() && handler_ != nullptr) handler_->on_writable();
  });
}

void TappedStream::finish(Duration patience) {
  finishing_ = patience;
  if (!machine_.stands()) flush();
}

void TappedStream::inject(Bytes bytes) {
  flush();
  inner_->output().append(std::move(bytes));
}

void TappedStream::on_bytes(BytesView bytes) {
  if (!machine_.stands()) {
    witness_->received(bytes);
    return handler_->on_bytes(bytes);
  }
  machine_.when_running([this, held = to_bytes(bytes), alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) on_bytes(held);
  });
}

void TappedStream::on_writable() {
  machine_.when_running([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    flush();
    if (alive.expired() || !std::exchange(full_, false) || handler_ == nullptr) return;
    handler_->on_writable();
  });
}

void TappedStream::on_closed(const Error& why) {
  machine_.when_running([this, why, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired() && handler_ != nullptr) std::exchange(handler_, nullptr)->on_closed(why);
  });
}

}  // namespace ghost::b2::test
