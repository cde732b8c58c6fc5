// A peer that says anything: a channel with the test service hears the input in pieces, while time passes between them.
//
// Byte 0: bit 0 the channel's side, bit 1 whether a genuine preface and HELLO come before the input, bit 2 whether the channel has
// calls of its own open, bit 3 whether what it says is never taken away, bit 4 whether its windows are small, bit 5 whether it
// streams the requests of two calls, and its service releases what it reads only later. Then pieces: a byte of length, 255 for one
// of two bytes that follow; 0 is a pause of as many 100 ms as the next byte tells.
#include <cstdint>
#include <cstdlib>

#include "b2/channel.h"
#include "b2/message.h"
#include "b2/test_service.h"

namespace {

using namespace ghost;
using namespace ghost::b2;

constexpr std::uint64_t kBudget = 300 * 1024;
// The test service's Count writes as many messages of any size as it is asked for: what is asked is bounded, so that the target
// tries the channel and not the memory.
constexpr std::uint32_t kMostBytes = 100'000, kMostMessages = 200;

void must(bool holds) {
  if (!holds) std::abort();
}

struct FakeClock : Clock {
  TimePoint time{std::chrono::seconds(1000)};
  TimePoint now() const override { return time; }
};

class BoundedService : public test::TestService {
 public:
  void handle(std::size_t method, BytesView request, ServerCall call) override {
    ByteReader in(request);
    const bool much = in.u32() > kMostMessages || in.u32() > kMostBytes;
    if (test::kMethods[method].kind == MethodKind::server_stream && much) return call.finish();
    TestService::handle(method, request, std::move(call));
  }
};

struct Fuzzed : ChannelEvents {
  Fuzzed(Side side, std::uint8_t flags) : takes((flags & 8) == 0) {
    endpoint.name = "fuzzed";
    endpoint.budget = ReceiveBudget(kBudget);
    endpoint.boot_epoch = 7;
    endpoint.services.add(service);
    service.read_slowly = (flags & 32) != 0;
    if ((flags & 16) != 0) {
      endpoint.limits.frame_bytes = endpoint.limits.connection_window = endpoint.limits.stream_window = 4096;
      endpoint.limits.streams = 4;
      endpoint.limits.control_burst = 8;
    }
    identity->where = "the peer";
    channel = std::make_shared<Channel>(side, Channel::Wiring{endpoint, clock, output, *this, identity, {}});
    channel->open();
  }
  ~Fuzzed() override {
    channel->lost(Error{Errc::aborted, "the input is over"});
    service.held.clear();
    service.collecting.reset();
    must(endpoint.budget.used() == 0);  // whatever came, what was taken is given back
    for (const test::Started& call : calls) must(call->ended());
  }
  void on_hello(const v1::Hello&) override { ++hellos; }
  void on_finished(const Error&) override { must(++finished == 1); }
  void on_wakeup(TimePoint) override {}

  void hear(BytesView bytes) {
    channel->on_bytes(bytes);
    after();
  }
  void pause(Duration span) {
    clock.time += span;
    channel->on_time();
    must(channel->over() || channel->next_wakeup() > clock.now());
    after();
  }
  void after() {
    go_on();
    if (takes) {
      output.clear();
      channel->on_writable();
    }
    must(endpoint.budget.used() <= kBudget);
    must(channel->open_streams() <= 2 * endpoint.limits.streams);
  }
  /// Writes and reads a little on the streams that are open.
  void go_on() {
    for (test::Writer& writer : writers) {
      writer.go_on();
      if (!writer.call->messages.empty()) writer.call.call.release(writer.call->messages.back().size());
    }
    if (const auto reading = service.collecting; reading && !reading->messages.empty()) reading->call.release(reading->messages.back().size());
  }
  void stream(std::string_view method, std::uint32_t count, std::size_t size) {
    CallOptions options;
    options.timeout = std::chrono::seconds(5);
    options.manual_credit = true;
    calls.push_back(test::start_streaming(*channel, method, options));
    writers.push_back({calls.back(), count, size});
  }
  void call(std::string_view method, BytesView request, bool manual) {
    CallOptions options;
    options.timeout = std::chrono::seconds(5);
    options.manual_credit = manual;
    calls.push_back(test::start(*channel, method, request, options));
  }

  bool takes;
  FakeClock clock;
  Endpoint endpoint;
  BoundedService service;
  std::shared_ptr<Identity> identity = std::make_shared<Identity>();
  ByteQueue output;
  std::shared_ptr<Channel> channel;
  std::vector<test::Started> calls;
  std::vector<test::Writer> writers;
  int hellos = 0, finished = 0;
};

void say_hello(Fuzzed& fuzzed, const Endpoint& peer) {
  const Bytes hello = encode(peer.hello());
  Bytes bytes(kPreface.begin(), kPreface.end());
  bytes.resize(kPreface.size() + kHeaderSize);
  write_header({.length = static_cast<std::uint32_t>(hello.size()), .type = FrameType::hello}, bytes.data() + kPreface.size());
  bytes.insert(bytes.end(), hello.begin(), hello.end());
  fuzzed.hear(bytes);
  must(fuzzed.hellos == 1);
}

void say_all(Fuzzed& fuzzed, ByteReader in) {
  while (in.remaining() > 0 && !fuzzed.channel->over()) {
    const std::uint8_t first = in.u8();
    if (first == 0) {
      fuzzed.pause(std::chrono::milliseconds(100) * in.u8());
      continue;
    }
    const std::size_t length = first == 255 ? in.u16() : first;
    fuzzed.hear(in.take(std::min(length, in.remaining())));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t flags = data[0];
  test::TestService served;
  Endpoint peer;
  peer.name = "peer";
  peer.services.add(served);
  Fuzzed fuzzed((flags & 1) != 0 ? Side::dialer : Side::acceptor, flags);
  if ((flags & 2) != 0) say_hello(fuzzed, peer);
  if ((flags & 4) != 0) {
    fuzzed.call("Echo", Bytes(10'000, 1), false);
    fuzzed.call("Count", test::count_request(3, 10), true);
    fuzzed.call("Hold", {}, false);
  }
  if ((flags & 32) != 0) {
    fuzzed.stream("Collect", 5, 30'000);
    fuzzed.stream("Mirror", 20, 100);
  }
  say_all(fuzzed, ByteReader(BytesView(data + 1, size - 1)));
  return 0;
}
