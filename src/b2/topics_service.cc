#include "b2/topics_service.h"

#include <utility>

namespace ghost::b2 {

TopicsService::TopicsService(net::Reactor& reactor, Endpoint& endpoint, TopicLimits limits, TopicRights rights)
    : reactor_(reactor), endpoint_(endpoint), rights_(std::move(rights)), bus_(endpoint.boot_epoch, limits) {}

TopicsService::~TopicsService() { close(); }

Error TopicsService::closed_error() const { return {Errc::busy, endpoint_.name + " is shutting down"}; }

void TopicsService::close() {
  closed_ = true;
  for (auto& [ticket, call] : std::exchange(publishers_, {})) {
    bus_.withdraw(ticket);
    call->fail(closed_error());
  }
  for (auto& [joined, one] : std::exchange(joining_, {})) {
    one->open = false;
    left_bridge(joined);
    one->stream.fail(closed_error());
  }
  for (auto& [id, reader] : std::exchange(readers_, {})) {
    bus_.unsubscribe(id);
    left_bridge(reader->joined);
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
  if (const Status allowed = rights_.may_publish(*call.context().caller, request.subject); !allowed) {
    endpoint_.refuse_right(*call.context().caller, allowed.error());
    return call.fail(allowed.error());
  }
  if (bridge_) {
    if (const Status fits = bridge_->fits(request.subject, request.data.size()); !fits) return call.fail(fits.error());
  }
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
  for (const std::string& pattern : request.patterns) {
    if (const Status allowed = rights_.may_subscribe(*stream.context().caller, pattern); !allowed) {
      endpoint_.refuse_right(*stream.context().caller, allowed.error());
      return stream.fail(allowed.error());
    }
  }
  if (bridge_) return join(std::move(request), std::move(stream));
  begin(request, std::move(stream), 0, {});
}

/// Begins once the other nodes know of it: then nothing they publish after the acknowledgement is missed.
void TopicsService::join(v1::SubscribeRequest request, ServerStream<v1::TopicEvent> stream) {
  if (const Status fine = bus_.check_request(request); !fine) return stream.fail(fine.error());
  const auto one = std::make_shared<Joining>(Joining{std::move(request), std::move(stream)});
  const auto ready = [this, one] {
    joining_.erase(one->joined);
    one->open = false;
    begin(one->request, std::move(one->stream), one->joined, std::move(*one->ready));
  };
  one->joined = bridge_->joining(one->request.patterns, one->request.group,
                                 [one, ready, alive = std::weak_ptr<char>(alive_)](std::vector<std::string> unconfirmed) {
                                   if (alive.expired() || !one->open) return;
                                   one->ready = std::move(unconfirmed);
                                   if (one->joined != 0) ready();
                                 });
  if (one->ready) return ready();
  joining_[one->joined] = one;
  one->stream.on_cancel([this, weak = std::weak_ptr<Joining>(one), alive = std::weak_ptr<char>(alive_)] {
    const auto given_up = weak.lock();
    if (alive.expired() || !given_up || !given_up->open) return;
    given_up->open = false;
    joining_.erase(given_up->joined);
    left_bridge(given_up->joined);
    given_up->stream.fail({Errc::cancelled, "cancelled by the caller"});
  });
}

void TopicsService::left_bridge(std::uint64_t joined) {
  if (bridge_ && joined != 0) bridge_->left(joined);
}

void TopicsService::begin(const v1::SubscribeRequest& request, ServerStream<v1::TopicEvent> stream, std::uint64_t joined,
                          std::vector<std::string> unconfirmed) {
  const std::shared_ptr<const Identity> caller = stream.context().caller;
  auto made = bus_.subscribe(request, [this, caller](std::string_view subject) { return rights_.may_read(*caller, subject); });
  if (!made) {
    left_bridge(joined);
    return stream.fail(made.error());
  }
  made->ack.unconfirmed = std::move(unconfirmed);
  const TopicBus::Subscription id = made->id;
  const auto reader = std::make_shared<Reader>(Reader{std::move(stream), false, joined, request.patterns, request.group});
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
  left_bridge(reader->joined);
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
      if (auto reader = readers_.extract(id)) {
        left_bridge(reader.mapped()->joined);
        reader.mapped()->stream.fail(why);
      }
    }
  }
  settling_ = false;
  plan();
}

void TopicsService::set_bridge(TopicBridge* bridge) {
  for (auto& [joined, one] : std::exchange(joining_, {})) {
    one->open = false;
    left_bridge(joined);
    begin(one->request, std::move(one->stream), 0, {"the bridge to other nodes has ended"});
  }
  for (auto& [id, reader] : readers_) left_bridge(std::exchange(reader->joined, 0));
  bridge_ = bridge;
  bus_.goes_elsewhere = nullptr;
  bus_.on_published = nullptr;
  if (!bridge_) return;
  bus_.goes_elsewhere = [this](std::string_view subject, const std::string& group) { return bridge_->goes_elsewhere(subject, group); };
  bus_.on_published = [this](const v1::TopicMessage& message) { bridge_->published(message); };
  // Those that were there before count on nobody else; what they can get they get.
  for (auto& [id, reader] : readers_) reader->joined = bridge_->joining(reader->patterns, reader->group, [](const std::vector<std::string>&) {});
}

Status TopicsService::take_from_afar(const Identity& from, v1::TopicMessage message) {
  if (closed_) return {};
  if (const Status allowed = rights_.may_publish(from, message.subject); !allowed) return allowed;
  const std::string subject = message.subject;
  if (!bus_.import_message(std::move(message), reactor_.now())) bus_.lost(subject, 1);
  settle();
  return {};
}

bool TopicsService::take_for_group(const Identity& from, const std::string& group, v1::TopicMessage message) {
  if (closed_ || !rights_.may_publish(from, message.subject)) return false;
  const bool taken = bus_.import_to_group(group, std::move(message));
  settle();
  return taken;
}

void TopicsService::lost(const std::string& subject, std::uint64_t count) {
  bus_.lost(subject, count);
  settle();
}

void TopicsService::lost_of_group(const std::string& group, const std::string& subject, std::uint64_t count) {
  bus_.lost_of_group(group, subject, count);
  settle();
}

void TopicsService::uncounted() {
  bus_.uncounted();
  settle();
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
