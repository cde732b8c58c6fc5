// A server of datagrams among strangers: it sends nobody more than it got from there, does nothing twice, and keeps little.
#include "b2/datagram_world.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

/// A server, spoken to byte by byte.
class Abuse : public testing::Test {
 protected:
  explicit Abuse(const DatagramLimits& limits = {}) : server(clock, agenda, 7, limits) {
    server.deliver = [this](const DatagramPeer&, Bytes bytes) { answers.push_back(std::move(bytes)); };
  }

  /// What the server sends because of that datagram, until long after it.
  std::vector<Bytes> ask(BytesView datagram, const DatagramPeer& from) {
    answers.clear();
    server.callee->on_datagram(datagram, from);
    agenda.run_until(clock.time);
    return answers;
  }
  static Bytes plain(std::uint64_t id, const Cookie& cookie, const std::vector<CallRecord>& calls, std::uint64_t epoch = 7, std::uint64_t mark = 1) {
    DatagramWriter writer({DatagramKind::call, DatagramForm::plain, id, 0x5eed}, {cookie, epoch, mark});
    for (const CallRecord& call : calls) writer.add(call);
    return writer.take();
  }
  Bytes sealed(DatagramSeal& seal, std::uint64_t id, const Cookie& cookie, const std::vector<CallRecord>& calls) {
    const std::uint64_t number = seal.next_number();
    DatagramWriter writer({DatagramKind::call, DatagramForm::sealed, id, number}, {cookie, 7, 1});
    for (const CallRecord& call : calls) writer.add(call);
    Bytes bytes = writer.take();
    seal.seal(bytes, number);
    return bytes;
  }
  struct Pass {
    std::uint64_t id;
    Cookie cookie;
  };
  Pass pass_for(const DatagramPeer& from) {
    const auto told = ask(plain(0, {}, {}), from);
    EXPECT_EQ(told.size(), 1u);
    std::vector<AnswerRecord> none;
    return {read_head(told[0])->id, read_answers(BytesView(told[0]).subspan(kDatagramHead), none)->cookie};
  }
  static CallRecord look(std::uint64_t sequence, const Bytes& request, std::string_view method = "Look") {
    return {sequence, method_hash("test.Counting", method), 1000, request};
  }
  std::vector<AnswerRecord> records(const std::vector<Bytes>& datagrams) {
    std::vector<AnswerRecord> all;
    for (const Bytes& each : datagrams) EXPECT_TRUE(read_answers(BytesView(each).subspan(kDatagramHead), all));
    return all;
  }
  const DatagramCounters& counters() { return server.endpoint.counters.datagrams; }
  std::uint64_t dropped(DatagramDrop why) { return counters().dropped[static_cast<std::size_t>(why)]; }

  FakeClock clock;
  Agenda agenda{clock};
  std::vector<Bytes> answers;
  Server server;
};

TEST_F(Abuse, ToAnAddressThatIsNotProvenNoMoreIsSentThanCameFromIt) {
  SeededRandom random(2203);
  const std::uint64_t session = 99;
  ASSERT_TRUE(server.callee->open_session(session, some_keys(session), admin()));
  DatagramSeal owner(some_keys(session).to_server, some_keys(session).to_caller);
  const Pass others = pass_for(peer_at(0x0a000001));
  const Bytes big = request_of(1, 1100);
  std::array<int, 10> hit{};
  std::size_t asked = 0, answered = 0;
  const auto pure = [&](std::string_view method, std::uint32_t size, std::size_t length) {
    return *write_pure_call({method_hash("test.Counting", method), random(), request_of(random(), size)}, length);
  };
  for (int round = 0; round < 6000; ++round) {
    const DatagramPeer from = peer_at(0x0b000000 + static_cast<std::uint32_t>(random.below(1 << 20)));
    const std::size_t length = kMinPureCall + random.below(kMaxDatagram - kMinPureCall + 1);
    Bytes datagram;
    const std::uint64_t kind = random.below(12);
    switch (kind) {
      case 0: datagram = pure("Look", static_cast<std::uint32_t>(random.below(3000)), length); break;
      case 1: datagram = pure("Fail", static_cast<std::uint32_t>(random.below(3000)), length); break;
      case 2: datagram = pure(random.chance(0.5) ? "Do" : "Stream", 5, length); break;
      case 3: datagram = pure("Nothing", 5, length); break;
      case 4: datagram = pure("Never", 5, length); break;
      case 5:
        datagram = pure("Look", 5, std::max<std::size_t>(length, 80));
        datagram[6] = 1;  // a call has no status
        break;
      case 6: datagram = plain(0, {}, {}); break;
      case 7: datagram = plain(others.id, others.cookie, {look(1, big), look(2, big, "Fail")}); break;  // a cookie of another address
      case 8: datagram = plain(random(), {1, 2, 3}, {look(random(), big)}); break;
      case 9: datagram = sealed(owner, session, random.chance(0.5) ? Cookie{} : others.cookie, {look(1, big, "Do")}); break;
      case 10:
        datagram.resize(random.below(1400));
        for (std::uint8_t& byte : datagram) byte = static_cast<std::uint8_t>(random());
        if (datagram.size() > 6 && random.chance(0.8)) datagram[0] = 'b', datagram[1] = '2', datagram[2] = 'u', datagram[3] = '1', datagram[4] = static_cast<std::uint8_t>(random.below(5)), datagram[5] = static_cast<std::uint8_t>(random.below(4));
        break;
      default: {
        datagram = random.chance(0.5) ? pure("Look", 900, length) : plain(0, {}, {look(1, big)});
        for (int i = 0; i < 4; ++i) datagram[random.below(datagram.size())] ^= static_cast<std::uint8_t>(random());
        if (random.chance(0.3)) datagram.resize(random.below(datagram.size()));
      }
    }
    std::size_t back = 0;
    for (const Bytes& answer : ask(datagram, from)) back += answer.size();
    agenda.run_until(clock.time + 3s);  // answers that come late count, too
    back = 0;
    for (const Bytes& answer : answers) back += answer.size();
    EXPECT_LE(back, datagram.size()) << to_hex(datagram);
    if (kind < hit.size() && back != 0) ++hit[kind];
    asked += datagram.size();
    answered += back;
    server.service.held.clear();
  }
  for (std::size_t kind = 0; kind < hit.size(); ++kind) EXPECT_GT(hit[kind], 100) << "answers of kind " << kind << " were tried";
  EXPECT_EQ(counters().plain + counters().sealed, 0u);
  EXPECT_LT(answered, asked);
}

TEST_F(Abuse, ACallIsDoneOnceHoweverOftenItComesAndItsAnswerIsSentOnlySoOften) {
  const DatagramPeer from = peer_at(0x0a000001);
  const Pass pass = pass_for(from);
  const Bytes request = request_of(5, 1000);
  const Bytes datagram = plain(pass.id, pass.cookie, {look(1, request)});
  std::size_t answered = 0;
  for (int i = 0; i < 100; ++i) answered += ask(datagram, from).size();
  EXPECT_EQ(server.service.executions[5], 1);
  EXPECT_EQ(answered, DatagramLimits().answers);
}

TEST_F(Abuse, WhatACallerIsDoneWithIsForgottenAndNotDoneAgain) {
  const DatagramPeer from = peer_at(0x0a000001);
  const Pass pass = pass_for(from);
  const Bytes one = request_of(1, 10), two = request_of(2, 10);
  EXPECT_EQ(ask(plain(pass.id, pass.cookie, {look(1, one)}), from).size(), 1u);
  EXPECT_EQ(ask(plain(pass.id, pass.cookie, {look(2, two)}, 7, 2), from).size(), 1u);
  EXPECT_EQ(counters().kept_bytes, 22u) << "one answer";
  EXPECT_TRUE(ask(plain(pass.id, pass.cookie, {look(1, one)}), from).empty());
  EXPECT_EQ(server.service.executions[1], 1);
  EXPECT_TRUE(ask(plain(pass.id, pass.cookie, {look(2 + kDatagramWindow, one)}), from).empty()) << "beyond the window";
  EXPECT_EQ(dropped(DatagramDrop::window), 2u);
}

TEST_F(Abuse, ACallOfAnotherEpochIsNotDone) {
  const DatagramPeer from = peer_at(0x0a000001);
  const Pass pass = pass_for(from);
  const Bytes request = request_of(1, 10);
  const auto told = records(ask(plain(pass.id, pass.cookie, {look(1, request)}, 6), from));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].status, static_cast<std::uint8_t>(Errc::unknown));
  EXPECT_EQ(server.service.executions.count(1), 0u);
}

TEST_F(Abuse, TwoServersDoNotAnswerEachOther) {
  const DatagramPeer from = peer_at(0x0a000001);
  const Bytes request = request_of(1, 10);
  const Pass pass = pass_for(from);
  for (const Bytes& answer : {ask(plain(0, {}, {}), from).at(0), ask(plain(pass.id, pass.cookie, {look(1, request)}), from).at(0),
                              ask(*write_pure_call({method_hash("test.Counting", "Look"), 1, request}), from).at(0)}) {
    EXPECT_TRUE(ask(answer, from).empty());
  }
}

TEST_F(Abuse, ForgedAndRepeatedSealsAreNotAnswered) {
  ASSERT_TRUE(server.callee->open_session(9, some_keys(9), admin()));
  DatagramSeal owner(some_keys(9).to_server, some_keys(9).to_caller), forger(some_keys(10).to_server, some_keys(10).to_caller);
  const DatagramPeer from = peer_at(0x0a000001);
  EXPECT_TRUE(ask(sealed(forger, 9, {}, {}), from).empty());
  EXPECT_TRUE(ask(sealed(forger, 10, {}, {}), from).empty()) << "no such session";
  const Bytes honest = sealed(owner, 9, {}, {});
  EXPECT_EQ(ask(honest, from).size(), 1u);
  EXPECT_TRUE(ask(honest, peer_at(0x0a000002)).empty());
  EXPECT_EQ(dropped(DatagramDrop::seal), 3u);
  server.callee->close_session(9);
  EXPECT_TRUE(ask(sealed(owner, 9, {}, {}), from).empty());
}

TEST_F(Abuse, CookiesAndPureAnswersAreLimitedBySource) {
  const DatagramPeer flood = peer_at(0x0a000001);
  const Bytes pure = *write_pure_call({method_hash("test.Counting", "Look"), 1, request_of(1, 1)});
  std::size_t cookies = 0, answered = 0;
  for (int i = 0; i < 3000; ++i) cookies += ask(plain(0, {}, {}), flood).size(), answered += ask(pure, flood).size();
  EXPECT_EQ(cookies, 200u);
  EXPECT_EQ(answered, 1000u);
  EXPECT_GT(dropped(DatagramDrop::rate), 4000u);
  std::size_t others = 0;
  for (std::uint32_t i = 0; i < 20; ++i) others += ask(pure, peer_at(0x0c000000 + i * 977)).size();
  EXPECT_GE(others, 19u) << "others hardly notice";
  DatagramPeer here = peer_at(0x7f000001);
  here.loopback = true;
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(ask(pure, here).size(), 1u);
}

class FewCallers : public Abuse {
 protected:
  FewCallers() : Abuse([] {
    DatagramLimits limits;
    limits.callers = 8;
    limits.callers_per_source = 2;
    limits.open = 4;
    limits.kept_bytes = 10'000;
    return limits;
  }()) {}
};

TEST_F(FewCallers, AForgottenCallerIsNotServedTwice) {
  const DatagramPeer first = peer_at(0x0a000001);
  const Pass pass = pass_for(first);
  const Bytes request = request_of(1, 10);
  const Bytes datagram = plain(pass.id, pass.cookie, {look(1, request)});
  EXPECT_EQ(ask(datagram, first).size(), 1u);
  for (std::uint32_t i = 0; i < 20; ++i) {
    const DatagramPeer other = peer_at(0x0b000001 + i);
    const Pass its = pass_for(other);
    const Bytes its_request = request_of(100 + i, 1);
    EXPECT_EQ(records(ask(plain(its.id, its.cookie, {look(1, its_request)}), other)).size(), 1u);
  }
  EXPECT_EQ(counters().callers, 8u);
  const auto again = ask(datagram, first);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(read_head(again[0])->kind, DatagramKind::cookie) << "and another id";
  EXPECT_GT(read_head(again[0])->id, pass.id);
  EXPECT_EQ(server.service.executions[1], 1);
}

TEST_F(FewCallers, OneSourceMakesRoomForItselfOnly) {
  const DatagramPeer quiet = peer_at(0x0a000001);
  const Pass pass = pass_for(quiet);
  const Bytes request = request_of(1, 10);
  ask(plain(pass.id, pass.cookie, {look(1, request)}), quiet);
  for (std::uint16_t port = 1; port < 100; ++port) {
    const DatagramPeer loud = peer_at(0x0b000001, port);
    const Pass its = pass_for(loud);
    ask(plain(its.id, its.cookie, {look(1, request)}), loud);
  }
  EXPECT_EQ(counters().callers, 3u);
  const auto told = records(ask(plain(pass.id, pass.cookie, {look(1, request)}), quiet));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].status, 0);
}

TEST_F(FewCallers, CallsUnderWayAndBytesKeptAreBounded) {
  const DatagramPeer from = peer_at(0x0a000001);
  const Pass pass = pass_for(from);
  const Bytes request = request_of(1, 0), big = request_of(2, 1000);
  for (std::uint64_t i = 1; i <= 6; ++i) {
    const auto told = records(ask(plain(pass.id, pass.cookie, {look(i, request, "Never")}), from));
    ASSERT_EQ(told.size(), i > 4 ? 1u : 0u);
    if (i > 4) {
      EXPECT_EQ(told[0].status, static_cast<std::uint8_t>(Errc::exhausted));
    }
  }
  server.service.held.clear();
  for (std::uint64_t i = 7; i < 60; ++i) ask(plain(pass.id, pass.cookie, {look(i, big)}), from);
  EXPECT_LE(counters().kept_bytes, 10'000u);
  const auto repeat = records(ask(plain(pass.id, pass.cookie, {look(7, big)}), from));
  EXPECT_TRUE(repeat.empty() || repeat[0].status == static_cast<std::uint8_t>(Errc::unknown) || repeat[0].status == 0);
  EXPECT_EQ(server.service.executions[2], 53) << "none of them twice, for all that their answers had to go";
}

}  // namespace
}  // namespace ghost::b2::test
