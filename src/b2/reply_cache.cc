#include "b2/reply_cache.h"

#include <algorithm>
#include <utility>

#include "b2/endpoint.h"

namespace ghost::b2 {

ReplyCache::ReplyCache(const Endpoint& endpoint, const ReplyLimits& limits) : endpoint_(endpoint), limits_(limits) {}
ReplyCache::~ReplyCache() = default;

std::string ReplyCache::peer_of(const Identity& caller) {
  if (!caller.node.is_none()) return "node " + caller.node.hex();
  switch (caller.kind) {
    case Identity::Kind::owner: return "owner";
    case Identity::Kind::console: return "console";
    case Identity::Kind::member: return "member " + caller.name;
    case Identity::Kind::stranger: break;
  }
  const auto colon = caller.where.rfind(':');
  return "stranger " + (caller.where.starts_with("unix:") ? caller.where : caller.where.substr(0, colon));
}

Result<ReplyCache::Decision> ReplyCache::take(const Asked& asked, Waiter waiter) {
  on_time(asked.clock.now());
  const std::string name = peer_of(asked.caller);
  const auto peer = peers_.try_emplace(name).first;
  const auto found = peer->second.entries.find(asked.key);
  if (found != peer->second.entries.end()) {
    const Entry& entry = found->second;
    if (entry.digest != asked.digest) return Error{Errc::conflict, "its idempotency key was used for another call within the last minute"};
    ++replayed_;
    if (!entry.running) return Decision{Taken::answered, nullptr};
    entry.running->join(std::move(waiter));
    return Decision{Taken::running, entry.running};
  }
  const char* full = nullptr;
  if (peer->second.entries.size() >= limits_.peer_calls || calls_ >= limits_.calls) full = "as many calls with a key as are kept were made within the last minute";
  if (peer->second.abandoned >= limits_.peer_abandoned) full = "too many calls with a key go on whose connections were lost";
  if (full != nullptr) {
    if (peer->second.entries.empty()) peers_.erase(peer);
    return Error{Errc::exhausted, std::string(full) + "; try again later"};
  }
  auto call = std::make_shared<KeyedCall>(*this, name, asked);
  call->join(std::move(waiter));
  Entry& entry = peer->second.entries[asked.key];
  entry.digest = asked.digest;
  entry.running = call;
  ++calls_;
  return Decision{Taken::first, std::move(call)};
}

void ReplyCache::answer(const Asked& asked, const Waiter& waiter) const {
  const auto sink = waiter.sink.lock();
  const auto peer = peers_.find(peer_of(asked.caller));
  if (!sink || peer == peers_.end()) return;
  const auto found = peer->second.entries.find(asked.key);
  if (found == peer->second.entries.end()) return;
  const Entry& entry = found->second;
  if (entry.dropped) return sink->fail(waiter.number, Error{Errc::data_loss, "the call was done; its answer was too long to be kept"});
  if (entry.failed) return sink->fail(waiter.number, *entry.failed);
  sink->finish(waiter.number, Payload(BytesView(entry.answer)));
}

/// Keeps what came of a call. One that was not done, as its handler says by Errc::busy, leaves its key free.
void ReplyCache::ended(const KeyedCall& call, const Result<BytesView>& result) {
  const auto peer = peers_.find(call.peer_);
  if (peer == peers_.end()) return;
  Entry& entry = peer->second.entries[call.key_];
  entry.running.reset();
  if (!result && result.error().code == Errc::busy) return erase(peer, call.key_);
  kept_.push_back({call.clock_.now() - stood_still_ + limits_.kept, call.peer_, call.key_});
  if (!result) {
    entry.failed = result.error();
    return;
  }
  const std::size_t size = result->size();
  entry.dropped = size > limits_.answer_bytes || size > limits_.peer_bytes - peer->second.bytes || size > limits_.bytes - bytes_;
  if (entry.dropped) return;
  entry.answer = to_bytes(*result);
  peer->second.bytes += size;
  bytes_ += size;
}

void ReplyCache::erase(Peers::iterator peer, const IdempotencyKey& key) {
  const auto found = peer->second.entries.find(key);
  if (found == peer->second.entries.end()) return;
  peer->second.bytes -= found->second.answer.size();
  bytes_ -= found->second.answer.size();
  peer->second.entries.erase(found);
  --calls_;
  if (peer->second.entries.empty()) peers_.erase(peer);
}

void ReplyCache::on_tick(TimePoint now) {
  notice_standstill(now);
  ticked_ = now;
  on_time(now);
}

void ReplyCache::notice_standstill(TimePoint now) {
  if (ticked_ == TimePoint::max() || now - ticked_ <= kTick + kStill) return;
  stood_still_ += now - ticked_;
  ticked_ = now;
}

void ReplyCache::on_time(TimePoint now) {
  notice_standstill(now);
  while (!kept_.empty() && kept_.front().until <= now - stood_still_) {
    const Kept kept = std::move(kept_.front());
    kept_.pop_front();
    if (const auto peer = peers_.find(kept.peer); peer != peers_.end()) erase(peer, kept.key);
  }
  for (const auto& weak : std::vector(abandoned_)) {
    const auto call = weak.lock();
    if (call && call->abandoned_ && call->until_ <= now) call->stop(Errc::timed_out);
  }
  std::erase_if(abandoned_, [](const auto& weak) {
    const auto call = weak.lock();
    return !call || call->ended_ || !call->abandoned_;
  });
}

KeyedCall::KeyedCall(ReplyCache& cache, std::string peer, const ReplyCache::Asked& asked)
    : UnarySink(cache.endpoint_), cache_(cache), cache_alive_(cache.alive_), peer_(std::move(peer)), key_(asked.key), clock_(asked.clock), until_(asked.deadline) {}

void KeyedCall::join(ReplyCache::Waiter waiter) {
  waiters_.push_back(std::move(waiter));
  if (std::exchange(abandoned_, false)) --cache_.peers_[peer_].abandoned;
}

void KeyedCall::give_up(const ReplyCache::Waiter& waiter, Errc why) {
  if (ended_) return;
  if (waiters_.size() == 1) return stop(why);
  std::erase(waiters_, waiter);
  if (const auto sink = waiter.sink.lock()) sink->fail(waiter.number, Error{why, "its caller gave up"});
}

void KeyedCall::stop(Errc why) {
  if (!stopped_) stopped_ = why;
  cancel_handler();
}

/// A handler that was told of a deadline says "cancelled", too; whoever sends the call again hears what it was.
void KeyedCall::fail(std::uint64_t, const Error& error) {
  if (error.code == Errc::cancelled && stopped_ == Errc::timed_out) return end(Error{Errc::timed_out, "its deadline passed before it was done, and nobody waited for it"});
  end(error);
}

void KeyedCall::lose(const ReplyCache::Waiter& waiter) {
  std::erase(waiters_, waiter);
  if (ended_ || cache_alive_.expired() || !waiters_.empty() || abandoned_) return;
  abandoned_ = true;
  until_ = std::min(until_, clock_.now() + cache_.limits_.kept);
  ++cache_.peers_[peer_].abandoned;
  cache_.abandoned_.push_back(std::static_pointer_cast<KeyedCall>(shared_from_this()));
}

void KeyedCall::tell(std::uint64_t, const Metadata& metadata) {
  for (const ReplyCache::Waiter& waiter : std::vector(waiters_)) {
    if (const auto sink = waiter.sink.lock()) sink->tell(waiter.number, metadata);
  }
}

void KeyedCall::finish(std::uint64_t, const Payload& last) {
  Bytes bytes(last.size);
  last.write_to(bytes.data());
  end(BytesView(bytes));
}

void KeyedCall::end(const Result<BytesView>& result) {
  if (std::exchange(ended_, true)) return;
  const auto self = shared_from_this();
  forget_handler();
  if (!cache_alive_.expired()) {
    if (std::exchange(abandoned_, false)) --cache_.peers_[peer_].abandoned;
    cache_.ended(*this, result);
  }
  for (const ReplyCache::Waiter& waiter : std::exchange(waiters_, {})) {
    const auto sink = waiter.sink.lock();
    if (!sink) continue;
    if (result) sink->finish(waiter.number, Payload(*result));
    else sink->fail(waiter.number, result.error());
  }
}

}  // namespace ghost::b2
