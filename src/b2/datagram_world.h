#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "b2/channel_pair.h"
#include "b2/datagram_callee.h"
#include "b2/datagram_caller.h"
#include "base/random.h"

/// For tests: both ends of calls in datagrams on virtual time, and a network between them that loses, repeats and overtakes.
namespace ghost::b2::test {

inline constexpr MethodInfo kDatagramMethods[] = {
    {"Look", MethodKind::unary, "public", true, true},     // u64 number, u32 size: the number and as many bytes; counts how often
    {"Do", MethodKind::unary, "admin", true, false},       // the same, for those with the role
    {"Slow", MethodKind::unary, "admin", true, false},     // the same, when the test says so
    {"Stream", MethodKind::server_stream, "public", true, true},
    {"Open", MethodKind::unary, "public", true, false},    // for everyone, and no look-up
    {"Fail", MethodKind::unary, "public", true, true},     // fails with a text of the u32 size behind the number
    {"Never", MethodKind::unary, "public", true, true},    // is not answered
};

class CountingService : public Service {
 public:
  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t method, BytesView request, ServerCall call) override {
    ByteReader in(request);
    const std::uint64_t number = in.u64();
    const std::uint32_t size = std::min<std::uint32_t>(in.u32(), 5'000'000);
    ++executions[number];
    const std::string_view name = kDatagramMethods[method].name;
    if (name == "Slow" || name == "Never") return held.push_back({number, size, std::move(call)});
    if (name == "Fail") return call.fail(Error{Errc::conflict, std::string(size, 'e')});
    finish(std::move(call), number, size);
  }
  struct Held {
    std::uint64_t number;
    std::uint32_t size;
    ServerCall call;
  };
  void answer_held() {
    for (Held& each : std::exchange(held, {})) finish(std::move(each.call), each.number, each.size);
  }
  static Bytes answer_of(std::uint64_t number, std::uint32_t size) {
    Bytes answer;
    ByteWriter(answer).u64(number ^ 0xffff).u32(size);
    answer.resize(answer.size() + size, static_cast<std::uint8_t>(number));
    return answer;
  }

  std::map<std::uint64_t, int> executions;
  std::vector<Held> held;

 private:
  static void finish(ServerCall call, std::uint64_t number, std::uint32_t size) { call.finish(Payload(BytesView(answer_of(number, size)))); }
  ServiceInfo info_{"test.Counting", "v1", kDatagramMethods, {}};
};

inline Bytes request_of(std::uint64_t number, std::uint32_t size) {
  Bytes request;
  ByteWriter(request).u64(number).u32(size);
  return request;
}

/// What happens to a datagram on its way.
struct Weather {
  double loss = 0, twice = 0;
  Duration least = std::chrono::milliseconds(1), most = std::chrono::milliseconds(1);  ///< of delay, drawn for each
};

/// Things to be done at their time, in order of it.
class Agenda {
 public:
  explicit Agenda(FakeClock& clock) : clock_(clock) {}
  void at(TimePoint when, std::function<void()> what) { items_.emplace(std::pair{std::max(when, clock_.time), ++count_}, std::move(what)); }
  void after(Duration span, std::function<void()> what) { at(clock_.time + span, std::move(what)); }
  void run_until(TimePoint end) {
    while (!items_.empty() && items_.begin()->first.first <= end) {
      auto item = items_.extract(items_.begin());
      clock_.time = item.key().first;
      item.mapped()();
    }
    clock_.time = end;
  }

 private:
  FakeClock& clock_;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> items_;
  std::uint64_t count_ = 0;
};

/// A server; it may be started again, and then knows nothing of before.
struct Server {
  Server(FakeClock& on, Agenda& when, std::uint64_t epoch, const DatagramLimits& limits = {}) : clock(on), agenda(when) {
    endpoint.name = "server";
    endpoint.boot_epoch = epoch;
    endpoint.services.add(service);
    std::array<std::uint8_t, 32> secret{};
    secret[0] = static_cast<std::uint8_t>(epoch);
    callee = std::make_shared<DatagramCallee>(
        DatagramCallee::Wiring{endpoint, clock, [this] { agenda.after({}, [this, weak = std::weak_ptr<DatagramCallee>(callee)] { flush(weak); }); },
                               [this](TimePoint when_due) {
                                 agenda.at(when_due, [this, weak = std::weak_ptr<DatagramCallee>(callee)] {
                                   const auto still = weak.lock();
                                   if (still && still->next_wakeup() <= clock.time) still->on_time();
                                 });
                               },
                               {}},
        secret, limits);
  }
  ~Server() {
    callee->close();
    service.held.clear();
  }
  void flush(const std::weak_ptr<DatagramCallee>& weak) {
    const auto still = weak.lock();
    if (!still) return;
    for (auto& datagram : still->take_outgoing()) {
      if (deliver) deliver(datagram.to, std::move(datagram.bytes));
    }
  }

  FakeClock& clock;
  Agenda& agenda;
  Endpoint endpoint;
  CountingService service;
  std::shared_ptr<DatagramCallee> callee;
  std::function<void(const DatagramPeer&, Bytes)> deliver;
};

inline DatagramPeer peer_at(std::uint32_t host, std::uint16_t port = 4000) {
  DatagramPeer peer;
  peer.ip4 = true;
  peer.host[10] = peer.host[11] = 0xff;
  for (std::size_t i = 0; i < 4; ++i) peer.host[12 + i] = static_cast<std::uint8_t>(host >> (24 - 8 * i));
  peer.port = port;
  return peer;
}

inline std::shared_ptr<const Identity> admin() {
  auto identity = std::make_shared<Identity>();
  identity->kind = Identity::Kind::member;
  identity->roles = Roles::all();
  identity->where = "a member";
  return identity;
}

inline DatagramKeys some_keys(std::uint64_t session) { return derive_datagram_keys(Bytes(kDatagramSecret, 7), session); }

/// Stands for the connection that sealed callers have: carries Fetch, and look-ups, to the server at once.
class DirectCaller : public Caller {
 public:
  DirectCaller(std::function<Server&()> server, std::shared_ptr<const Identity> identity) : server_(std::move(server)), identity_(std::move(identity)) {}
  ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions&, std::unique_ptr<CallHandler> handler) override;
  void cancel(std::uint64_t) override {}
  void release(std::uint64_t, std::size_t) override {}
  int calls = 0;

 private:
  std::function<Server&()> server_;
  std::shared_ptr<const Identity> identity_;
};

}  // namespace ghost::b2::test
