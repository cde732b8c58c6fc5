// What a peer says of itself: the first two bytes are the length of a HELLO's payload, then the payload; the rest are those of
// HELLO_UPDATEs, each behind two bytes of length. A channel hears them and calls whatever it was told of.
#include <cstdint>
#include <cstdlib>

#include "b2/channel.h"
#include "b2/message.h"
#include "b2/test_service.h"

namespace {

using namespace ghost;
using namespace ghost::b2;

constexpr std::size_t kMostCalls = 50;

void must(bool holds) {
  if (!holds) std::abort();
}

struct FakeClock : Clock {
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1000)); }
};

struct Hearing : ChannelEvents {
  Hearing() {
    identity->where = "the peer";
    channel = std::make_shared<Channel>(Side::dialer, Channel::Wiring{endpoint, clock, output, *this, identity, {}});
    channel->open();
  }
  ~Hearing() override {
    channel->lost(Error{Errc::aborted, "the input is over"});
    for (const test::Started& call : calls) must(call->ended());
    must(endpoint.budget.used() == 0);
  }
  void on_hello(const v1::Hello&) override { must(++hellos == 1); }
  void on_finished(const Error&) override { must(++finished == 1); }
  void on_wakeup(TimePoint) override {}

  void say(FrameType type, BytesView payload) {
    Bytes frame(kHeaderSize);
    write_header({.length = static_cast<std::uint32_t>(payload.size()), .type = type}, frame.data());
    frame.insert(frame.end(), payload.begin(), payload.end());
    channel->on_bytes(frame);
    call_all();
  }
  void call_all() {
    if (!channel->ready()) return;
    const auto services = channel->peer_hello().services;
    for (const v1::ServiceEntry& service : services) {
      for (const v1::Method& method : service.methods) {
        if (calls.size() >= kMostCalls) return;
        CallOptions options;
        options.streams_request = method.kind == v1::MethodKind::client_stream || method.kind == v1::MethodKind::bidirectional;
        auto outcome = std::make_shared<test::Outcome>();
        const Bytes request(options.streams_request ? 0 : 20);
        ClientCall call = channel->start(service.name, method.name, Payload(BytesView(request)), options, std::make_unique<test::Recorder>(outcome));
        calls.push_back({outcome, call});
      }
    }
  }

  FakeClock clock;
  Endpoint endpoint;
  std::shared_ptr<Identity> identity = std::make_shared<Identity>();
  ByteQueue output;
  std::shared_ptr<Channel> channel;
  std::vector<test::Started> calls;
  int hellos = 0, finished = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(BytesView(data, size));
  if (const auto hello = decode<v1::Hello>(BytesView(data, size))) {
    must(decode<v1::Hello>(encode(*hello)).has_value());  // what was understood can be said
  }
  Hearing hearing;
  hearing.channel->on_bytes(kPreface);
  FrameType type = FrameType::hello;
  while (in.remaining() > 0 && !hearing.channel->over()) {
    const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
    hearing.say(std::exchange(type, FrameType::hello_update), in.take(length));
  }
  return 0;
}
