#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "b2/typed_call.h"
#include "net/network.h"

namespace ghost::ariascribe {

/// An answer that a thread makes piece by piece: the loop sends the pieces, and the thread waits while the stream is full. Shared by both; the thread lets go of
/// it before the reactor ends.
template <class Message>
class ThreadStream : public std::enable_shared_from_this<ThreadStream<Message>> {
 public:
  /// On the loop.
  static std::shared_ptr<ThreadStream> make(net::Reactor& reactor, b2::ServerStream<Message> stream) {
    const std::shared_ptr<ThreadStream> made(new ThreadStream(reactor, std::move(stream)));
    made->stream_.on_cancel([weak = std::weak_ptr<ThreadStream>(made)] {
      if (const auto held = weak.lock()) held->cancel();
    });
    made->stream_.on_ready([weak = std::weak_ptr<ThreadStream>(made)] {
      const auto held = weak.lock();
      for (; held && held->kept_ > 0; --held->kept_) held->note_room();
    });
    return made;
  }

  /// Has the thread stop at its next piece. From any thread.
  void cancel() {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    changed_.notify_all();
  }
  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }
  /// On the thread: waits for room, a minute at most. False once nobody wants more; who reads nothing for so long holds up others.
  bool send(Message message) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, std::chrono::minutes(1), [&] { return room_ > 0 || cancelled_; }) || cancelled_) return false;
      --room_;
    }
    reactor_.post([self = this->shared_from_this(), message = std::move(message)] {
      if (self->ended_) return;
      // Room comes back with the stream's own, or at once where it has some.
      if (self->stream_.write(message)) self->note_room();
      else ++self->kept_;
    });
    return true;
  }
  /// On the loop: nothing is sent any more.
  void end(const Status& how) {
    if (std::exchange(ended_, true)) return;
    if (how) stream_.finish();
    else stream_.fail(how.error());
  }

 private:
  ThreadStream(net::Reactor& reactor, b2::ServerStream<Message> stream) : reactor_(reactor), stream_(std::move(stream)) {}
  void note_room() {
    {
      const std::lock_guard lock(mutex_);
      ++room_;
    }
    changed_.notify_all();
  }

  net::Reactor& reactor_;
  b2::ServerStream<Message> stream_;  ///< the loop's, as the next two
  std::size_t kept_ = 0;              ///< pieces whose room comes back when the stream is ready
  bool ended_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t room_ = 4;  ///< pieces that may be on their way to the loop, or in a stream that is full
  bool cancelled_ = false;
};

}  // namespace ghost::ariascribe
