#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "b2/channel.h"
#include "b2/message.h"
#include "b2/test_service.h"
#include "base/random.h"

/// For tests: two channels wired to each other on a clock of their own.
namespace ghost::b2::test {

struct FakeClock : Clock {
  TimePoint time{std::chrono::seconds(1000)};
  TimePoint now() const override { return time; }
};

/// One end: an endpoint with the test service, its channel and its output.
struct End : ChannelEvents {
  End(Side side, const Clock& clock, std::string where, const ChannelLimits& limits, std::uint64_t epoch = 7) {
    endpoint.name = side == Side::dialer ? "dialer" : "acceptor";
    endpoint.boot_epoch = epoch;
    endpoint.limits = limits;
    endpoint.services.add(service);
    identity->where = std::move(where);
    channel = std::make_shared<Channel>(side, Channel::Wiring{endpoint, clock, output, *this, identity, {}});
  }
  ~End() override { channel->lost(Error{Errc::aborted, "the test is over"}); }
  void on_hello(const v1::Hello&) override { ++hellos; }
  void on_leaving() override {
    left = true;
    if (leaving) leaving();
  }
  void on_finished(const Error& why) override { finished = why; }
  void on_batch() override { batches.push_back(output.size()); }
  void on_wakeup(TimePoint) override {}

  Endpoint endpoint;
  TestService service;
  std::shared_ptr<Identity> identity = std::make_shared<Identity>();
  ByteQueue output;
  std::shared_ptr<Channel> channel;
  int hellos = 0;
  std::vector<std::size_t> batches;  ///< what the output held each time it was worth sending
  bool left = false;  ///< the peer has said GOAWAY
  std::function<void()> leaving;
  std::optional<Error> finished;
};

/// Two ends and what is between them, cut into pieces of random length.
struct Pair {
  /// @param epoch  boot epoch of b
  explicit Pair(const ChannelLimits& limits = {}, std::size_t piece = 0, std::uint64_t epoch = 7)
      : a(Side::dialer, clock, "host-b", limits), b(Side::acceptor, clock, "host-a", limits, epoch), piece_(piece) {
    a.channel->open();
    b.channel->open();
    settle();
  }

  /// Carries bytes until nothing moves.
  void settle() {
    while (!a.output.empty() || !b.output.empty()) {
      carry(a, b);
      carry(b, a);
    }
  }
  void carry(End& from, End& to) {
    const Bytes bytes = from.output.take();
    BytesView left = bytes;
    while (!left.empty()) {
      const std::size_t part = piece_ == 0 ? left.size() : std::min<std::size_t>(left.size(), 1 + random_() % piece_);
      to.channel->on_bytes(left.first(part));
      left = left.subspan(part);
    }
    from.channel->on_writable();
  }
  void wait(Duration span) {
    clock.time += span;
    a.channel->on_time();
    b.channel->on_time();
    settle();
  }
  /// Puts a frame of a test's own making before end b.
  void inject(FrameHeader header, BytesView payload, BytesView extensions = {}) {
    header.length = static_cast<std::uint32_t>(payload.size());
    header.extension_words = static_cast<std::uint8_t>(extensions.size() / 4);
    Bytes frame(kHeaderSize);
    write_header(header, frame.data());
    frame.insert(frame.end(), extensions.begin(), extensions.end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    b.channel->on_bytes(frame);
  }

  FakeClock clock;
  End a, b;

 private:
  std::size_t piece_;
  SeededRandom random_{11};
};

}  // namespace ghost::b2::test
