#include "b2/topics_service.h"

#include <utility>

namespace ghost::b2 {

TopicsService::TopicsService(net::Reactor& reactor, const Endpoint& endpoint, TopicLimits limits, TopicRights rights)
    : reactor_(reactor), endpoint_(endpoint), rights_(std::move(rights)), bus_(endpoint.boot_epoch, limits) {}

TopicsService::~TopicsService() { close(); }

Error TopicsService::closed_error() const { return {Errc::busy, endpoint_.name + " is shutting down"}; }

void TopicsService::close() {
  closed_ = true;
  for (auto& [ticket, call] : std::exchange(publishers_, {})) {
    bus_.withdraw(ticket);
    call->fail(closed_error());
  }
  for (auto& [id, reader] : std::exchange(readers_, {})) {
    bus_.unsubscribe(id);
    reader->stream.fail(closed_error());
  }
  timer_.reset();
}

v1::PublishResponse TopicsService::told(const TopicBus::Accepted& accepted) const {
  v1::PublishResponse response;
  response.sequence = accepted.sequence;
  response.delivered = accepted.delivered;
  response.epoch = bus_.epoch();
  return response;
}

void TopicsService::answer_publish(v1::PublishRequest request, UnaryCall<v1::PublishResponse> call) {
  if (closed_) return call.fail(closed_error());
  if (const Status allowed = rights_.may_publish(*call.context().caller, request.subject); !allowed) return call.fail(allowed.error());
  const TopicBus::Ticket ticket = ++last_ticket_;
  const auto accepted = bus_.publish(ticket, std::move(request.subject), std::move(request.data), reactor_.now());
  if (!accepted) return call.fail(accepted.error());
  if (*accepted) {
    call.finish(told(**accepted));
  } else {
    const auto waiting = std::make_shared<UnaryCall<v1::PublishResponse>>(std::move(call));
    publishers_[ticket] = waiting;
    waiting->on_cancel([this, ticket, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) withdraw(ticket);
    });
  }
  settle();
}

/// Its caller gave up, or the deadline passed.
void TopicsService::withdraw(TopicBus::Ticket ticket) {
  const auto found = publishers_.find(ticket);
  if (found == publishers_.end()) return;
  const Waiting call = std::move(found->second);
  publishers_.erase(found);
  bus_.withdraw(ticket);
  call->fail({Errc::cancelled, "cancelled by the caller while a subscription that blocks had no room: it was not published"});
  settle();
}

void TopicsService::subscribe(v1::SubscribeRequest request, ServerStream<v1::TopicEvent> stream) {
  if (closed_) return stream.fail(closed_error());
  const std::shared_ptr<const Identity> caller = stream.context().caller;
  for (const std::string& pattern : request.patterns) {
    if (const Status allowed = rights_.may_subscribe(*caller, pattern); !allowed) return stream.fail(allowed.error());
  }
  const auto made = bus_.subscribe(request, [this, caller](std::string_view subject) { return rights_.may_read(*caller, subject); });
  if (!made) return stream.fail(made.error());
  const TopicBus::Subscription id = made->id;
  const auto reader = std::make_shared<Reader>(Reader{std::move(stream)});
  readers_[id] = reader;
  reader->stream.on_cancel([this, id, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) leave(id);
  });
  reader->stream.on_ready([this, id, weak = std::weak_ptr<Reader>(reader), alive = std::weak_ptr<char>(alive_)] {
    const auto ready = weak.lock();
    if (!ready || alive.expired()) return;
    ready->full = false;
    drain(id);
    settle();
  });
  v1::TopicEvent first;
  first.ack = made->ack;
  if (!reader->stream.write(first)) reader->full = true;
  drain(id);
  settle();
}

void TopicsService::leave(TopicBus::Subscription id) {
  const auto found = readers_.find(id);
  if (found == readers_.end()) return;
  const auto reader = std::move(found->second);
  readers_.erase(found);
  bus_.unsubscribe(id);
  reader->stream.fail({Errc::cancelled, "cancelled by the caller"});
  settle();
}

/// Writes what waits for a subscription, as far as its connection takes it.
void TopicsService::drain(TopicBus::Subscription id) {
  const auto found = readers_.find(id);
  if (found == readers_.end()) return;
  const auto reader = found->second;
  while (!reader->full) {
    const TopicBus::Event event = bus_.next(id);
    if (!event) return;
    if (!reader->stream.write(*event)) reader->full = true;
  }
}

/// Carries out what came of the calls before, until nothing more comes of that.
void TopicsService::settle() {
  if (settling_ || closed_) return;  // an answer that ends a call may lead back here
  settling_ = true;
  for (TopicBus::News news = bus_.take_news(reactor_.now()); !news.empty(); news = bus_.take_news(reactor_.now())) {
    for (const TopicBus::Subscription id : news.readable) drain(id);
    for (const auto& [ticket, accepted] : news.accepted) {
      if (auto call = publishers_.extract(ticket)) call.mapped()->finish(told(accepted));
    }
    for (const auto& [id, why] : news.ended) {
      if (auto reader = readers_.extract(id)) reader.mapped()->stream.fail(why);
    }
  }
  settling_ = false;
  plan();
}

void TopicsService::plan() {
  const TimePoint when = bus_.next_wakeup();
  if (when == armed_) return;
  armed_ = when;
  if (when == TimePoint::max()) return timer_.reset();
  timer_ = reactor_.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    settle();
  });
}

}  // namespace ghost::b2
