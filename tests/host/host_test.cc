// The same tests over real processes and in the simulated world.
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "host_fixture.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using test::count_request;
using test::HostFixture;
using test::Started;

template <class World>
class HostTest : public testing::Test {
 protected:
  World world;
  HostFixture at{world};
};

using Worlds = testing::Types<test::RealWorld, test::SimulatedWorld>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    return std::is_same_v<World, test::RealWorld> ? "Real" : "Simulated";
  }
};
TYPED_TEST_SUITE(HostTest, Worlds, WorldNames);

TYPED_TEST(HostTest, ServesWhatItsChildServes) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto echo = this->at.call("Echo", Bytes{1, 2, 3});
  ASSERT_TRUE(this->at.until_end(echo));
  EXPECT_TRUE(*echo->end) << echo->text();
  EXPECT_EQ(echo->messages, (std::vector<Bytes>{{1, 2, 3}}));

  const v1::Child child = this->at.child();
  EXPECT_EQ(child.name, "child");
  EXPECT_GT(child.pid, 0);
  EXPECT_EQ(child.restarts, 0u);
  EXPECT_EQ(child.last_exit, "");
  EXPECT_EQ(child.addresses, std::vector<std::string>{"127.0.0.1:2114"});
  ASSERT_EQ(child.services.size(), 2u) << "its own Core, and what is called through the host";
  EXPECT_EQ(child.services[0].name, "b2.v1.Core");
  EXPECT_EQ(child.services[1].name, "test.v1.Test");
  EXPECT_EQ(child.services[1].health, v1::Health::serving);
  EXPECT_TRUE(this->world.until([&] { return this->at.child().log_tail == "up\n"; }));
  EXPECT_TRUE(this->at.logged("child: up"));
}

TYPED_TEST(HostTest, DescribesItsChildsServicesCompletely) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  std::optional<Result<v1::DescribeResponse>> answer;
  v1::DescribeRequest request;
  request.service = "test.v1.Test";
  request.descriptors = true;
  v1::CoreClient(this->at.caller()).describe(request, [&](auto told) { answer = std::move(told); });
  ASSERT_TRUE(this->world.until([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().message;
  const BytesView descriptors = v1::HostService::static_info().file_descriptor_set;
  EXPECT_EQ((*answer)->file_descriptor_set, to_bytes(descriptors));
  const auto digest = sha256(descriptors);
  EXPECT_EQ((*answer)->services.at(0).descriptor_hash, Bytes(digest.begin(), digest.end()));
}

TYPED_TEST(HostTest, HoldsAChildsStreamBackWhileItsCallerDoesNotRead) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  CallOptions options;
  options.manual_credit = true;
  auto count = this->at.call("Count", count_request(20'000, 1000), options);
  std::size_t released = 0;
  while (!count->ended()) {
    const std::size_t before = released;
    ASSERT_TRUE(this->world.until([&] { return count->bytes > before || count->ended(); }));
    EXPECT_LE(count->bytes - before, 1'100'000u) << "a window at most";
    count.call.release(count->bytes - before);
    released = count->bytes;
  }
  EXPECT_TRUE(*count->end) << count->text();
  EXPECT_EQ(count->messages.size(), 20'000u);
}

TYPED_TEST(HostTest, TellsTheCallerWhyTheChildCrashedAndHasItBackForTheNextCall) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto first_pid = this->at.child().pid;
  const auto crash = this->at.call("Crash");
  const auto held = this->at.call("Hold");
  ASSERT_TRUE(this->at.until_end(crash));
  EXPECT_EQ(crash->code(), Errc::unknown);
  EXPECT_EQ(crash->text(), "test.v1.Test/Crash at stage: child crashed while it handled this call: killed by signal 11 (SIGSEGV); "
                           "it starts again in 100 ms");
  ASSERT_TRUE(this->at.until_end(held));
  EXPECT_EQ(held->code(), Errc::unknown);

  const auto echo = this->at.call("Echo", Bytes{7});
  ASSERT_TRUE(this->at.until_end(echo));
  EXPECT_EQ(echo->messages, std::vector<Bytes>{Bytes{7}}) << "it waited for the child: " << echo->text();
  const v1::Child child = this->at.child();
  EXPECT_EQ(child.state, v1::ChildState::ready);
  EXPECT_EQ(child.restarts, 1u);
  EXPECT_EQ(child.last_exit, "killed by signal 11 (SIGSEGV)");
  EXPECT_NE(child.pid, first_pid);
  EXPECT_TRUE(this->at.logged("b2: child ended child=child reason=\"killed by signal 11 (SIGSEGV)\" next_start_s=0.1"));
}

TYPED_TEST(HostTest, InvitesTheCallerOfAnIdempotentMethodToCallAgain) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto lookup = this->at.call("Lookup");
  ASSERT_TRUE(this->at.until_end(lookup));
  EXPECT_EQ(lookup->code(), Errc::busy);
}

TYPED_TEST(HostTest, CutsAStreamOffWithTheReason) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  CallOptions options;
  options.manual_credit = true;
  auto count = this->at.call("Count", count_request(1'000'000, 1000), options);
  ASSERT_TRUE(this->world.until([&] { return count->bytes > 0; }));
  const auto crash = this->at.call("Crash");
  ASSERT_TRUE(this->at.until_end(crash));
  count.call.release(count->bytes);
  ASSERT_TRUE(this->at.until_end(count));
  EXPECT_EQ(count->code(), Errc::unknown);
  EXPECT_NE(count->text().find("killed by signal 11 (SIGSEGV)"), std::string::npos) << count->text();
}

TYPED_TEST(HostTest, KillsAChildThatHangsAndStartsItAgain) {
  this->world.impatient = true;
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto hang = this->at.call("Hang");
  ASSERT_TRUE(this->at.until_end(hang));
  EXPECT_EQ(hang->code(), Errc::unknown);
  EXPECT_NE(hang->text().find("killed by the host: it did not answer PING for "), std::string::npos) << hang->text();
  EXPECT_TRUE(this->at.until_ready());
}

TYPED_TEST(HostTest, GivesUpAChildThatExitsAtOnceUntilItIsRestartedByHand) {
  this->at.start("exit");
  ASSERT_TRUE(this->at.until(v1::ChildState::failed));
  const v1::Child child = this->at.child();
  EXPECT_EQ(child.last_exit, "exited with status 3");
  EXPECT_EQ(child.restarts, 4u);
  EXPECT_EQ(child.pid, 0);
  EXPECT_TRUE(child.services.empty());

  std::optional<Result<v1::RestartResponse>> answer;
  v1::HostClient(this->at.caller()).restart({"child"}, [&](auto told) { answer = std::move(told); });
  ASSERT_TRUE(this->world.until([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().message;
  EXPECT_EQ((*answer)->child.value_or(v1::Child{}).state, v1::ChildState::starting);
  EXPECT_TRUE(this->at.until(v1::ChildState::failed));
  EXPECT_EQ(this->at.child().restarts, 9u);
}

TYPED_TEST(HostTest, RestartsAChildByHandWithoutLosingACall) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto first_pid = this->at.child().pid;
  std::optional<Result<v1::RestartResponse>> answer;
  v1::HostClient(this->at.caller()).restart({"child"}, [&](auto told) { answer = std::move(told); });
  std::vector<Started> calls;
  for (std::uint8_t i = 0; i < 20; ++i) calls.push_back(this->at.call("Echo", Bytes{i}));
  for (std::uint8_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(this->at.until_end(calls[i]));
    EXPECT_EQ(calls[i]->messages, std::vector<Bytes>{Bytes{i}}) << calls[i]->text();
  }
  ASSERT_TRUE(answer && *answer);
  const v1::Child child = this->at.child();
  EXPECT_NE(child.pid, first_pid);
  EXPECT_EQ(child.last_exit, "exited with status 0");
}

TYPED_TEST(HostTest, NamesItsChildrenToWhoeverAsksForAnother) {
  this->at.start("serve");
  std::optional<Result<v1::RestartResponse>> answer;
  v1::HostClient(this->at.caller()).restart({"chidl"}, [&](auto told) { answer = std::move(told); });
  ASSERT_TRUE(this->world.until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->error().code, Errc::not_found);
  EXPECT_NE(answer->error().message.find("no child is called 'chidl'; there is child"), std::string::npos);
  EXPECT_EQ(this->at.host->add(this->world.child("serve")).error().code, Errc::exists);
}

TYPED_TEST(HostTest, IsServedToItsChildren) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto ask = this->at.call("Ask");
  ASSERT_TRUE(this->at.until_end(ask));
  ASSERT_TRUE(*ask->end) << ask->text();
  EXPECT_EQ(as_text(ask->messages.at(0)), "the host serves");
}

TYPED_TEST(HostTest, StopsWithoutLeavingAProcessBehind) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const auto pid = this->at.child().pid;
  const auto held = this->at.call("Hold");
  const auto echo = this->at.call("Echo");
  ASSERT_TRUE(this->at.until_end(echo));
  bool stopped = false;
  this->at.host->stop([&] { stopped = true; });
  ASSERT_TRUE(this->world.until([&] { return stopped; }));
  EXPECT_TRUE(this->world.gone(pid));
  EXPECT_EQ(this->at.child().state, v1::ChildState::stopped);
  ASSERT_TRUE(this->at.until_end(held));
  EXPECT_NE(held->text().find("child was stopped while it handled this call: exited with status 0"), std::string::npos) << held->text();
  const auto late = this->at.call("Echo");
  ASSERT_TRUE(this->at.until_end(late));
  EXPECT_EQ(late->code(), Errc::busy);
  EXPECT_EQ(late->text(), "test.v1.Test/Echo at stage: child is stopped");
}

TYPED_TEST(HostTest, KeepsTheLastLinesOfAChildThatWritesTooMuch) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  Bytes lines;
  ByteWriter(lines).u32(5000);
  const auto spam = this->at.call("Spam", lines);
  ASSERT_TRUE(this->at.until_end(spam));
  EXPECT_TRUE(*spam->end) << spam->text();
  ASSERT_TRUE(this->world.until([&] { return this->at.child().log_tail.ends_with("noise 4999\n"); }));
  EXPECT_LE(this->at.child().log_tail.size(), 8192u);
  EXPECT_TRUE(this->at.logged("child: noise 0"));
  EXPECT_FALSE(this->at.logged("child: noise 4000")) << "the log has what it can bear";
  const auto echo = this->at.call("Echo", Bytes{1});
  ASSERT_TRUE(this->at.until_end(echo));
  EXPECT_TRUE(*echo->end) << echo->text();
}

TYPED_TEST(HostTest, ServesAServiceOfTwoChildrenFromTheFirst) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  ChildSpec twin = this->world.child("serve");
  twin.name = "twin";
  ASSERT_TRUE(this->at.host->add(twin));
  ASSERT_TRUE(this->world.until([&] { return this->at.host->state().children.at(1).state == v1::ChildState::ready; }));
  std::size_t served = 0;
  for (const v1::ServiceEntry& entry : this->at.endpoint.services.entries()) served += entry.name == "test.v1.Test" ? 1 : 0;
  EXPECT_EQ(served, 1u);
  EXPECT_TRUE(this->at.logged("b2: child's service is served by another already child=twin service=test.v1.Test"));
}

TYPED_TEST(HostTest, UpgradesAChildUnderLoadWithoutALostCall) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  const std::int32_t first = this->at.child().pid;
  auto stream = test::start_streaming(this->at.caller(), "Mirror");  // stays with the first process
  stream.call.write(Payload(as_bytes("before")));
  std::size_t done = 0;
  std::string failed;
  std::vector<Started> load;
  for (int i = 0; i < 16; ++i) load.push_back(this->at.call("Echo", Bytes{7}));
  const auto keep_calling = [&] {
    for (Started& call : load) {
      if (!call->ended()) continue;
      if (call->text().empty()) ++done;
      else failed = call->text();
      call = this->at.call("Echo", Bytes{7});
    }
  };
  for (int round = 1; round <= 3; ++round) {
    std::optional<Result<v1::UpgradeResponse>> upgraded;
    v1::UpgradeRequest request;
    request.name = "child";
    v1::HostClient(this->at.caller()).upgrade(request, [&](auto told) { upgraded = std::move(told); });
    const std::size_t wanted = done + 200;
    ASSERT_TRUE(this->world.until([&] {
      keep_calling();
      return upgraded.has_value() && done >= wanted;
    }));
    ASSERT_TRUE(*upgraded) << upgraded->error().message;
    EXPECT_EQ((*upgraded)->child->pid, this->at.child().pid);
  }
  EXPECT_EQ(failed, "");
  EXPECT_NE(this->at.child().pid, first);
  EXPECT_EQ(this->at.child().restarts, 0u);
  stream.call.write(Payload(as_bytes("after")));
  ASSERT_TRUE(this->world.until([&] { return stream->messages.size() == 2; })) << "the first process still has it";
  stream.call.finish();
  ASSERT_TRUE(this->at.until_end(stream));
  EXPECT_EQ(stream->text(), "");
  if (std::is_same_v<TypeParam, test::RealWorld>) {
    EXPECT_TRUE(this->world.until([&] { return this->world.gone(first); })) << "with its last call it ends";
  }
  EXPECT_TRUE(this->at.logged("b2: child upgraded child=child"));
}

TYPED_TEST(HostTest, EndsAChildThatNobodyCallsAndStartsItWithTheNextCall) {
  ChildSpec spec = this->world.child("serve");
  spec.idle_stop = 300ms;
  this->at.start(spec);
  ASSERT_TRUE(this->at.until_ready());
  ASSERT_TRUE(this->world.until([&] { return this->at.child().starts_on_call && this->at.child().pid == 0; }));
  EXPECT_TRUE(this->at.knows("test.v1.Test", v1::Health::serving)) << "as whoever calls will find";
  EXPECT_EQ(this->at.core.health_now().health, v1::Health::serving);
  for (int i = 0; i < 2; ++i) {
    const auto echo = this->at.call("Echo", Bytes{1});
    ASSERT_TRUE(this->at.until_end(echo));
    EXPECT_EQ(echo->text(), "");
    EXPECT_GT(this->at.child().pid, 0);
    EXPECT_FALSE(this->at.child().starts_on_call);
    auto stream = test::start_streaming(this->at.caller(), "Mirror");
    stream.call.write(Payload(as_bytes("x")));
    ASSERT_TRUE(this->world.until([&] { return stream->messages.size() == 1; }));
    EXPECT_EQ(this->at.child().state, v1::ChildState::ready) << "a call that is open keeps it";
    stream.call.finish();
    ASSERT_TRUE(this->at.until_end(stream));
    ASSERT_TRUE(this->world.until([&] { return this->at.child().starts_on_call && this->at.child().pid == 0; }));
  }
  EXPECT_EQ(this->at.child().restarts, 0u) << "none of it was a failure";
}

TYPED_TEST(HostTest, TellsWhatAChildWritesLineByLine) {
  this->at.start("serve");
  ASSERT_TRUE(this->at.until_ready());
  ASSERT_TRUE(this->world.until([&] { return this->at.child().log_tail == "up\n"; }));
  std::vector<std::string> lines;
  std::optional<Status> ended;
  v1::LogsRequest request;
  request.name = "child";
  request.follow = true;
  ClientCall follow = v1::HostClient(this->at.caller()).logs(request, [&](const v1::LogLine& line) { lines.push_back(line.child + " " + line.line); }, [&](const Status& status) { ended = status; });
  ASSERT_TRUE(this->world.until([&] { return lines.size() == 1; }));
  Bytes many;
  ByteWriter(many).u32(3);
  const auto spam = this->at.call("Spam", many);
  ASSERT_TRUE(this->at.until_end(spam));
  ASSERT_TRUE(this->world.until([&] { return lines.size() == 4; }));
  EXPECT_EQ(lines, (std::vector<std::string>{"child up", "child noise 0", "child noise 1", "child noise 2"}));
  follow.cancel();
  ASSERT_TRUE(this->world.until([&] { return ended.has_value(); }));
  request.follow = false;
  ended.reset();
  lines.clear();
  v1::HostClient(this->at.caller()).logs(request, [&](const v1::LogLine& line) { lines.push_back(line.line); }, [&](const Status& status) { ended = status; });
  ASSERT_TRUE(this->world.until([&] { return ended.has_value(); }));
  EXPECT_TRUE(*ended);
  EXPECT_EQ(lines.size(), 4u);
}

}  // namespace
}  // namespace ghost::b2
