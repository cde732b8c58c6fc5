// A stranger's datagrams: read as calls and answers, and heard by both ends. Whoever has not shown a cookie gets no more than was sent, and
// what is read is written back the same.
#include <cstdint>
#include <cstdlib>

#include "b2/datagram_callee.h"
#include "b2/datagram_caller.h"

namespace {

using namespace ghost;

void must_hold(bool holds) {
  if (!holds) std::abort();
}

struct FuzzClock : Clock {
  TimePoint time{std::chrono::seconds(1000)};
  TimePoint now() const override { return time; }
};

class FuzzService : public b2::Service {
 public:
  const b2::ServiceInfo& info() const override { return info_; }
  void handle(std::size_t, BytesView request, b2::ServerCall call) override {
    Bytes answer(request.begin(), request.end());
    answer.resize(answer.size() * 3);
    call.finish(b2::Payload(BytesView(answer)));
  }

 private:
  static constexpr b2::MethodInfo kFuzzMethods[] = {{"Echo", b2::MethodKind::unary, "public", true, true}};
  b2::ServiceInfo info_{"test.Echo", "v1", kFuzzMethods, {}};
};

class IgnoreAnswer : public b2::CallHandler {
 public:
  void on_message(BytesView) override {}
  void on_end(const Status&) override {}
};

void check_written_back(BytesView datagram) {
  const auto head = b2::read_head(datagram);
  if (!head || b2::form_of(datagram) != b2::DatagramForm::plain) return;
  std::vector<b2::CallRecord> calls;
  std::vector<b2::AnswerRecord> answers;
  const bool is_call = head->kind == b2::DatagramKind::call;
  const BytesView inside = datagram.subspan(b2::kDatagramHead);
  const auto body = is_call ? b2::read_calls(inside, calls) : b2::read_answers(inside, answers);
  if (!body) return;
  b2::DatagramWriter writer(*head, *body);
  for (const auto& call : calls) writer.add(call);
  for (const auto& answer : answers) writer.add(answer);
  const Bytes written = writer.take();
  must_hold(std::equal(written.begin(), written.end(), datagram.begin(), datagram.end()));
}

}  // namespace

/// Each datagram stands behind its length, 2 bytes; the one that is empty lets a second pass.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzClock clock;
  b2::Endpoint endpoint;
  endpoint.boot_epoch = 0x2222;
  FuzzService service;
  endpoint.services.add(service);
  std::array<std::uint8_t, 32> secret{};
  secret.fill(7);
  const auto callee = std::make_shared<b2::DatagramCallee>(b2::DatagramCallee::Wiring{endpoint, clock, {}, {}, {}}, secret);
  Bytes exported(b2::kDatagramSecret);
  for (std::size_t i = 0; i < exported.size(); ++i) exported[i] = static_cast<std::uint8_t>(i);
  const std::uint64_t session = 0x99aabbccddeeff00;
  must_hold(callee->open_session(session, b2::derive_datagram_keys(exported, session), std::make_shared<b2::Identity>()).has_value());
  const auto plain = std::make_shared<b2::DatagramCaller>(b2::DatagramCaller::Wiring{clock, "x", {}, {}, {}}, b2::DatagramForm::plain);
  const auto pure = std::make_shared<b2::DatagramCaller>(b2::DatagramCaller::Wiring{clock, "x", {}, {}, {}}, b2::DatagramForm::pure);
  for (const auto& caller : {plain, pure}) caller->start("test.Echo", "Echo", b2::Payload(as_bytes("hi")), {}, std::make_unique<IgnoreAnswer>());

  b2::DatagramPeer peer;
  peer.host = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  peer.port = 40'000;
  ByteReader in({data, size});
  while (in.ok() && in.remaining() != 0) {
    const std::uint16_t told = in.u16();
    const BytesView datagram = in.take(std::min<std::size_t>(told, in.remaining()));
    if (datagram.empty()) {
      clock.time += std::chrono::seconds(1);
      callee->on_time();
      for (const auto& caller : {plain, pure}) caller->on_time(), caller->take_outgoing();
      callee->take_outgoing();
      continue;
    }
    const std::uint64_t taken = endpoint.counters.datagrams.plain + endpoint.counters.datagrams.repeats;
    callee->on_datagram(datagram, peer);
    std::size_t sent = 0;
    for (const auto& answer : callee->take_outgoing()) sent += answer.bytes.size();
    must_hold(sent <= datagram.size() || endpoint.counters.datagrams.plain + endpoint.counters.datagrams.repeats > taken);
    check_written_back(datagram);
    for (const auto& caller : {plain, pure}) caller->on_datagram(datagram), caller->take_outgoing();
  }
  for (const auto& caller : {plain, pure}) caller->lost(Error{Errc::aborted, "over"});
  callee->close();
  return 0;
}
