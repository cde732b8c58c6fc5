#include "acting_service.h"

#include <algorithm>
#include <utility>

namespace ghost::b2::test {

Bytes Ask::write(std::size_t padded_to) const {
  Bytes bytes;
  ByteWriter(bytes).u64(attempt).u8(static_cast<std::uint8_t>(mode)).u32(delay_ms).u32(count).u32(size);
  if (bytes.size() < padded_to) bytes.resize(padded_to);
  return bytes;
}

Ask Ask::read(BytesView bytes) {
  ByteReader in(bytes);
  Ask ask;
  ask.attempt = in.u64();
  ask.mode = static_cast<Mode>(in.u8());
  // Bounded: what the bytes are may be nobody's.
  ask.delay_ms = std::min(in.u32(), 1000u);
  ask.count = std::min(in.u32(), 1000u);
  ask.size = std::min(in.u32(), 30'000u);
  return ask;
}

std::uint64_t fold(std::uint64_t hash, BytesView bytes) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

/// One call under way.
struct ActingService::Acting {
  ServerCall call;
  std::uint64_t execution = 0;  ///< 0 until the first message of a stream has said whose it is
  Ask ask{};
  std::uint32_t messages = 0;
  std::uint64_t hash = 0xcbf29ce484222325u;
  Bytes kept_back{};  /// an echo that waits for the next
  bool ended = false;      ///< the caller's END has come
  bool cancelled = false;
  bool over = false;       ///< finished or failed
};

ActingService::Held ActingService::hold(ServerCall call) {
  const auto held = std::make_shared<Acting>(Acting{std::move(call)});
  held_.insert(held);
  when_cancelled(held);
  return held;
}

void ActingService::close() {
  timers_.clear();
  for (const Held& held : std::exchange(held_, {})) {
    held->over = true;
    held->call.fail({Errc::aborted, "the program ends"});
  }
}

void ActingService::later(std::uint32_t ms, std::function<void()> work) {
  const std::uint64_t number = ++last_timer_;
  timers_[number] = machine_.wake_at(machine_.now() + std::chrono::milliseconds(ms), [this, number, work = std::move(work)](TimePoint) {
    const auto ended = timers_.extract(number);
    work();
  });
}

/// Some handlers end at once when their caller has gone, some take their time, and until then keep their slot.
void ActingService::when_cancelled(const Held& held) {
  held->call.on_cancel([this, weak = std::weak_ptr<Acting>(held)] {
    const Held gone = weak.lock();
    if (!gone) return;
    if (std::exchange(gone->cancelled, true)) truth_.wrong.push_back("a handler was told twice that its call is cancelled");
    if (gone->over) truth_.wrong.push_back("a handler that had ended was told that its call is cancelled");
    if (truth_.lies(Lie::keeps_a_slot)) return;
    if (truth_.random.chance(0.5)) return fail(gone, {Errc::cancelled, "the caller gave up"});
    later(static_cast<std::uint32_t>(truth_.random.below(300)), [this, gone] { fail(gone, {Errc::cancelled, "the caller gave up"}); });
  });
}

void ActingService::finish(const Held& held, const Payload& answer) {
  if (std::exchange(held->over, true)) return;
  held_.erase(held);
  truth_.calls.decide(held->execution, 0);
  held->call.finish(answer);
}

void ActingService::fail(const Held& held, const Error& error) {
  if (std::exchange(held->over, true)) return;
  held_.erase(held);
  truth_.calls.decide(held->execution, static_cast<std::uint16_t>(error.code));
  held->call.fail(error);
}

void ActingService::handle(std::size_t method, BytesView request, ServerCall call) {
  if (method == 3) return collect(std::move(call));
  if (method == 4) return mirror(std::move(call));
  const Ask ask = Ask::read(request);
  if (method == 2) return count(ask, std::move(call));
  act(ask, std::move(call));
}

void ActingService::act(const Ask& ask, ServerCall call) {
  const Held held = hold(std::move(call));
  held->ask = ask;
  if (truth_.lies(Lie::does_nothing, 0.1)) return finish(held, {});
  held->execution = truth_.calls.execute(ask.attempt);
  if (truth_.lies(Lie::does_twice, 0.1)) truth_.calls.execute(ask.attempt);
  if (truth_.lies(Lie::says_busy_afterwards, 0.1)) return fail(held, {Errc::busy, "not now"});
  if (truth_.lies(Lie::late_too_early, 0.1)) return fail(held, {Errc::timed_out, "too late"});
  if (ask.mode == Mode::at_once) return answer(held);
  if (ask.mode == Mode::forget) {
    truth_.calls.decide(held->execution, static_cast<std::uint16_t>(Errc::io));
    held->over = true;
    held_.erase(held);
    return;  // the last of it: the call is dropped unanswered
  }
  if (ask.mode == Mode::by_worker) {
    // The call is the worker's: what it returns is the answer, whatever becomes of the caller meanwhile.
    held->over = true;
    held_.erase(held);
    truth_.calls.decide(held->execution, 0);
    Bytes told;
    ByteWriter(told).u64(held->execution).u64(ask.attempt);
    if (told.size() < ask.size) told.resize(ask.size);
    held->call.answer_on_worker([told](const CallContext&) -> Result<Bytes> { return told; });
    return;
  }
  later(ask.delay_ms, [this, held] {
    if (held->ask.mode == Mode::fail_later) fail(held, {Errc::conflict, "failed on purpose"});
    else answer(held);
  });
}

void ActingService::answer(const Held& held) {
  std::uint64_t execution = held->execution;
  if (execution > 1 && truth_.lies(Lie::answers_another, 0.1)) --execution;
  Bytes told;
  ByteWriter(told).u64(execution).u64(held->ask.attempt);
  if (told.size() < held->ask.size) told.resize(held->ask.size);
  finish(held, Payload(BytesView(told)));
}

void ActingService::count(const Ask& ask, ServerCall call) {
  const Held held = hold(std::move(call));
  held->ask = ask;
  held->execution = truth_.calls.execute(ask.attempt);
  held->call.on_ready([this, weak = std::weak_ptr<Acting>(held)] {
    const Held ready = weak.lock();
    if (!ready) return;
    if (ready->over) truth_.wrong.push_back("a handler that had ended was told that there is room");
    go_on(ready);
  });
  go_on(held);
}

void ActingService::go_on(const Held& held) {
  while (!held->over && !held->cancelled && held->messages < held->ask.count) {
    if (truth_.lies(Lie::skips_in_a_stream, 0.02)) ++held->messages;
    Bytes message;
    ByteWriter(message).u64(held->execution).u32(held->messages++);
    if (message.size() < held->ask.size) message.resize(held->ask.size);
    if (!held->call.write(Payload(BytesView(message)))) return;
  }
  if (!held->over && !held->cancelled) finish(held);
}

void ActingService::begin_stream(const Held& held, BytesView first) {
  held->ask = Ask::read(first);
  held->execution = truth_.calls.execute(held->ask.attempt);
}

void ActingService::collect(ServerCall call) {
  const Held held = hold(std::move(call));
  MessageReader reader;
  reader.manual_credit = truth_.random.chance(0.5);
  const auto end = [this](const Held& ending) {
    Bytes told;
    ByteWriter(told).u64(ending->execution).u32(ending->messages).u64(ending->hash);
    finish(ending, Payload(BytesView(told)));
  };
  reader.message = [this, weak = std::weak_ptr<Acting>(held), end, slowly = reader.manual_credit](BytesView message) {
    const Held reading = weak.lock();
    if (!reading || reading->over || reading->cancelled || reading->ended) return truth_.wrong.push_back("a message came to a reader that had ended");
    if (reading->execution == 0) begin_stream(reading, message);
    if (truth_.lies(Lie::loses_an_upload, 0.05)) return;
    ++reading->messages;
    reading->hash = fold(reading->hash, message);
    if (slowly) {
      later(static_cast<std::uint32_t>(truth_.random.below(40)), [reading, size = message.size()] { reading->call.release(size); });
    }
    if (reading->ask.count != 0 && reading->messages == reading->ask.count) end(reading);  // answered before the caller has ended
  };
  reader.end = [this, weak = std::weak_ptr<Acting>(held), end] {
    const Held reading = weak.lock();
    if (!reading || reading->over || reading->cancelled || std::exchange(reading->ended, true)) return truth_.wrong.push_back("the end of a stream was told to a reader that had ended");
    end(reading);
  };
  held->call.read(std::move(reader));
}

void ActingService::mirror(ServerCall call) {
  const Held held = hold(std::move(call));
  const auto write = [](const Held& to, BytesView message) {
    Bytes echo;
    ByteWriter(echo).u64(to->execution).bytes(message);
    to->call.write(Payload(BytesView(echo)));
  };
  MessageReader reader;
  reader.message = [this, weak = std::weak_ptr<Acting>(held), write](BytesView message) {
    const Held reading = weak.lock();
    if (!reading || reading->over || reading->cancelled || reading->ended) return truth_.wrong.push_back("a message came to a reader that had ended");
    if (reading->execution == 0) begin_stream(reading, message);
    if (!reading->kept_back.empty()) {
      write(reading, message);
      return write(reading, std::exchange(reading->kept_back, {}));
    }
    if (truth_.lies(Lie::echoes_out_of_order, 0.1)) {
      reading->kept_back = to_bytes(message);
    } else {
      write(reading, message);
    }
  };
  reader.end = [this, weak = std::weak_ptr<Acting>(held)] {
    const Held reading = weak.lock();
    if (!reading || reading->over || reading->cancelled || std::exchange(reading->ended, true)) return truth_.wrong.push_back("the end of a stream was told to a reader that had ended");
    finish(reading);
  };
  held->call.read(std::move(reader));
}

}  // namespace ghost::b2::test
