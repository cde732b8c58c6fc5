#include "ariascribe/change_feed_service.h"

#include <algorithm>

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostSubscribers = 256, kChangesOfPage = 500;
constexpr Duration kFeedEvery = std::chrono::milliseconds(500);

/// What is behind a place, in the worker.
Result<v1::ChangesPage> page_behind(Store& store, std::int64_t rev, const std::string& id) {
  v1::ChangesPage page;
  page.rev = rev;
  page.id = id;
  if (rev < 0) {
    // From here on: behind all of the revision that stands.
    const auto now = store.rev();
    if (!now) return now.error();
    page.rev = *now + 1;
    page.id.clear();
    return page;
  }
  auto changes = store.changes(rev, id, kChangesOfPage);
  if (!changes) return changes.error();
  for (Change& each : *changes) {
    page.rev = each.rev;
    page.id = each.id;
    page.changes.push_back({std::move(each.id), std::string(name(each.kind)), each.rev, each.gone});
  }
  return page;
}

}  // namespace

void ChangeFeed::stop() {
  worker_.reset();
  alive_.reset();
  timer_.reset();
  for (const auto& each : std::exchange(subscribers_, {})) each->stream.fail({Errc::busy, "the daemon is shutting down"});
}

void ChangeFeed::subscribe(const v1::ChangesRequest& request, b2::ServerStream<v1::ChangesPage> stream) {
  if (!worker_) return stream.fail({Errc::busy, "the daemon is shutting down"});
  if (subscribers_.size() >= kMostSubscribers) return stream.fail({Errc::exhausted, "the catalogue's changes are followed " + std::to_string(kMostSubscribers) + " times already"});
  if (request.rev < -1 || request.id.size() > 100) return stream.fail({Errc::malformed, "a place is a revision from 0, or -1 for now, with the id that came with it"});
  const auto subscriber = std::make_shared<Subscriber>(Subscriber{std::move(stream), request.rev, request.id});
  subscribers_.push_back(subscriber);
  const std::weak_ptr<Subscriber> weak = subscriber;
  const std::weak_ptr<char> alive = alive_;
  subscriber->stream.on_cancel([this, weak, alive] {
    if (!alive.expired()) std::erase(subscribers_, weak.lock());
  });
  subscriber->stream.on_ready([this, weak, alive] {
    const auto held = weak.lock();
    if (alive.expired() || !held) return;
    held->full = false;
    read_for(held);
  });
  read_for(subscriber);
  if (subscribers_.size() == 1) look();
}

void ChangeFeed::look() {
  if (subscribers_.empty()) return;
  for (const auto& each : subscribers_) read_for(each);
  timer_ = reactor_.wake_at(reactor_.now() + kFeedEvery, [this](TimePoint) { look(); });
}

void ChangeFeed::read_for(const std::shared_ptr<Subscriber>& subscriber) {
  if (!worker_ || subscriber->asked || subscriber->full) return;
  subscriber->asked = true;
  worker_->run([this, subscriber, rev = subscriber->rev, id = subscriber->id, alive = std::weak_ptr<char>(alive_)]() mutable {
    Result<v1::ChangesPage> page = Error{Errc::io, ""};
    if (!store_) {
      auto opened = open_();
      if (opened) store_ = std::move(*opened);
      else page = opened.error();
    }
    if (store_) page = page_behind(*store_, rev, id);
    if (!page) store_.reset();  // a server that went away may be back the next time
    // Given away: the last to hold a stream ends it, and is to be the reactor's thread.
    reactor_.post([this, subscriber = std::move(subscriber), page = std::move(page), alive]() mutable {
      if (!alive.expired()) tell(subscriber, std::move(page));
    });
  });
}

void ChangeFeed::tell(const std::shared_ptr<Subscriber>& subscriber, Result<v1::ChangesPage> page) {
  subscriber->asked = false;
  if (!subscriber->stream.open()) return void(std::erase(subscribers_, subscriber));
  if (!page) {
    subscriber->stream.fail(page.error());
    return void(std::erase(subscribers_, subscriber));
  }
  if (page->changes.empty() && subscriber->told) return;
  subscriber->told = true;
  subscriber->rev = page->rev;
  subscriber->id = page->id;
  subscriber->full = !subscriber->stream.write(*page);
  if (page->changes.size() == kChangesOfPage) read_for(subscriber);
}

}  // namespace ghost::ariascribe
