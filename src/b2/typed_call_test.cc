#include "b2/typed_call.h"

#include <acme/hello/v1/greeter.b2.h>
#include <gtest/gtest.h>

#include <map>

#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/host.b2.h"

namespace ghost::b2 {
namespace {

Bytes written(const Payload& payload) {
  Bytes bytes(payload.size);
  payload.write_to(bytes.data());
  return bytes;
}

/// Remembers what handlers answer; work for the pool runs when the test says so.
class FakeSink : public CallSink {
 public:
  bool write(std::uint64_t key, const Payload& message) override {
    messages[key].push_back(written(message));
    return messages[key].size() < 2;
  }
  void finish(std::uint64_t key, const Payload& last) override {
    ++endings;
    answers.emplace(key, written(last));
  }
  void fail(std::uint64_t key, const Error& error) override {
    ++endings;
    answers.emplace(key, error);
  }
  void on_ready(std::uint64_t, std::function<void()> ready) override { ready_ = std::move(ready); }
  void read(std::uint64_t, MessageReader given) override { reader = std::move(given); }
  void release(std::uint64_t, std::size_t bytes) override { released += bytes; }
  void on_cancel(std::uint64_t, std::function<void()> cancelled) override { cancelled_ = std::move(cancelled); }
  void run_on_worker(std::uint64_t key, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) override {
    ++endings;
    pool.emplace_back(key, std::move(work));
  }
  void run_pool() {
    for (auto& [key, work] : pool) answers.emplace(key, work(std::make_shared<std::atomic<bool>>(false)));
    pool.clear();
  }

  std::map<std::uint64_t, Result<Bytes>> answers;
  std::map<std::uint64_t, std::vector<Bytes>> messages;
  std::vector<std::pair<std::uint64_t, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)>>> pool;
  std::function<void()> ready_, cancelled_;
  MessageReader reader;
  std::size_t released = 0;
  int endings = 0;
};

class Core : public v1::CoreService {
 public:
  Result<v1::HealthResponse> health(const v1::HealthRequest& request, const CallContext&) override {
    if (request.service == "gone") return Error{Errc::not_found, "no service gone"};
    v1::HealthResponse response;
    response.health = v1::Health::serving;
    response.detail = "for " + request.service;
    return response;
  }
};

/// A service whose List runs on a worker, to see what a handler there is told.
class OnWorker : public v1::HostService {
 public:
  void answer_list(v1::ListRequest request, UnaryCall<v1::ListResponse> call) override {
    call.answer_on_worker([this, request](const CallContext& context) { return list(request, context); });
  }
  Result<v1::ListResponse> list(const v1::ListRequest&, const CallContext& context) override {
    flag_given = context.cancelled != nullptr;
    if (auto key = context.export_key("label", 32); !key) export_error = key.error().message;
    v1::ListResponse response;
    response.state.emplace().node_name = "archive-3";
    return response;
  }
  bool flag_given = false;
  std::string export_error;
};

class Streams : public v1::HostService {
 public:
  void watch(v1::WatchRequest request, ServerStream<v1::HostState> stream) override {
    interval = request.interval_ms;
    open.emplace(std::move(stream));
  }
  std::optional<ServerStream<v1::HostState>> open;
  std::uint32_t interval = 0;
};

/// Gathers names into a tree; chats by giving each name back as one.
class Flow : public test::v1::FlowService {
 public:
  void gather(UploadStream<test::v1::Names, test::v1::Tree> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    const auto names = std::make_shared<std::string>();
    held->read([names](const test::v1::Names& in) { *names += in.name; },
               [held, names] { held->answer(test::v1::Tree{*names, {}, {}, {}, {}}); });
  }
  void chat(BidiStream<test::v1::Names, test::v1::Tree> stream) override {
    const auto held = std::make_shared<decltype(stream)>(std::move(stream));
    held->read_slowly(
        [held](const test::v1::Names& in, std::size_t bytes) {
          if (held->write(test::v1::Tree{in.name, {}, {}, {}, {}})) held->release(bytes);
        },
        [held] { held->finish(); });
  }
};

class Dispatch : public testing::Test {
 protected:
  ServerCall call(const ServiceInfo& info, std::size_t method, std::uint64_t key = 1) {
    CallContext context;
    context.service = info.name;
    if (method < info.methods.size()) context.method = info.methods[method].name;
    return {sink, key, std::move(context)};
  }
  const Error& error(std::uint64_t key = 1) { return sink->answers.at(key).error(); }

  std::shared_ptr<FakeSink> sink = std::make_shared<FakeSink>();
};

TEST_F(Dispatch, TellsTheServiceAsTheSchemaHasIt) {
  const ServiceInfo& info = test::v1::WorkService::static_info();
  EXPECT_EQ(info.name, "b2.test.v1.Work");
  EXPECT_EQ(info.version, "v1");
  ASSERT_EQ(info.methods.size(), 4u);
  EXPECT_EQ(info.methods[0].name, "Grind");
  EXPECT_EQ(info.methods[0].needs, "");
  EXPECT_FALSE(info.methods[0].on_loop);
  EXPECT_FALSE(info.methods[0].idempotent);
  EXPECT_EQ(info.methods[1].needs, "") << "\"member\" in the schema";
  EXPECT_TRUE(info.methods[1].on_loop);
  EXPECT_TRUE(info.methods[1].idempotent);
  EXPECT_EQ(info.methods[2].needs, "grab");
  EXPECT_EQ(info.methods[3].kind, MethodKind::server_stream);
  EXPECT_TRUE(test::v1::IdleService::static_info().methods.empty());
}

/// Method 0 is not on_loop: the generated code sends it to a worker.
class Work : public test::v1::WorkService {
 public:
  Result<test::v1::Leaf> grind(const test::v1::Tree& tree, const CallContext& context) override {
    EXPECT_NE(context.cancelled, nullptr);
    if (tree.name.empty()) return Error{Errc::malformed, "a tree without a name"};
    return test::v1::Leaf{tree, 1};
  }
};

/// Someone else's program, in its own namespace.
class Greeter : public acme::hello::v1::GreeterService {
 public:
  void answer_greet(acme::hello::v1::GreetRequest request, UnaryCall<acme::hello::v1::GreetResponse> call) override {
    call.finish({"good evening, " + request.name});
  }
};

TEST_F(Dispatch, ServesAPackageThatIsNotOurs) {
  Greeter greeter;
  EXPECT_EQ(greeter.info().name, "acme.hello.v1.Greeter");
  greeter.handle(0, encode(acme::hello::v1::GreetRequest{"Ada"}), call(greeter.info(), 0));
  EXPECT_EQ(decode<acme::hello::v1::GreetResponse>(sink->answers.at(1).value()).value().greeting, "good evening, Ada");
}

TEST_F(Dispatch, RunsAMethodNotMarkedOnAWorker) {
  Work work;
  const test::v1::Tree oak{"oak", {}, {}, {}, {}};
  work.handle(0, encode(oak), call(work.info(), 0, 1));
  work.handle(0, {}, call(work.info(), 0, 2));
  EXPECT_TRUE(sink->answers.empty());
  sink->run_pool();
  EXPECT_EQ(decode<test::v1::Leaf>(sink->answers.at(1).value()).value(), (test::v1::Leaf{oak, 1}));
  EXPECT_EQ(error(2).message, "a tree without a name");
}

TEST_F(Dispatch, RunsAMethodMarkedOnLoopAtOnce) {
  Core core;
  core.handle(1, encode(v1::HealthRequest{"b2.v1.Core"}), call(core.info(), 1));
  auto response = decode<v1::HealthResponse>(sink->answers.at(1).value());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->health, v1::Health::serving);
  EXPECT_EQ(response->detail, "for b2.v1.Core");
}

TEST_F(Dispatch, PassesAHandlersErrorOn) {
  Core core;
  core.handle(1, encode(v1::HealthRequest{"gone"}), call(core.info(), 1));
  EXPECT_EQ(error(), (Error{Errc::not_found, "no service gone"}));
}

TEST_F(Dispatch, FailsAMethodThatIsNotImplementedByItsName) {
  Core core;
  core.handle(0, {}, call(core.info(), 0));
  EXPECT_EQ(error().code, Errc::unsupported);
  EXPECT_EQ(error().message, "b2.v1.Core/Describe is not implemented here");
}

TEST_F(Dispatch, FailsARequestThatCannotBeReadByItsMethodAndField) {
  Core core;
  const Bytes truncated = {0x0a, 0x05, 'a'};
  core.handle(1, truncated, call(core.info(), 1));
  EXPECT_EQ(error().code, Errc::malformed);
  EXPECT_EQ(error().message, "b2.v1.Core/Health: request: b2.v1.HealthRequest: field 1: ends in the middle");
}

TEST_F(Dispatch, FailsAMethodIndexThatTheServiceDoesNotHave) {
  Core core;
  core.handle(4, {}, call(core.info(), 4));
  EXPECT_EQ(error().code, Errc::not_found);
}

TEST_F(Dispatch, AnswersFromAWorkerWithoutTheLoopsKeys) {
  OnWorker host;
  host.handle(0, {}, call(host.info(), 0));
  EXPECT_TRUE(sink->answers.empty());
  sink->run_pool();
  auto response = decode<v1::ListResponse>(sink->answers.at(1).value());
  ASSERT_TRUE(response && response->state);
  EXPECT_EQ(response->state->node_name, "archive-3");
  EXPECT_TRUE(host.flag_given);
  EXPECT_NE(host.export_error.find("on the loop only"), std::string::npos);
  EXPECT_EQ(sink->endings, 1);
}

TEST_F(Dispatch, StreamsMessagesUntilTheHandlerEndsThem) {
  Streams host;
  host.handle(1, encode(v1::WatchRequest{250}), call(host.info(), 1));
  EXPECT_EQ(host.interval, 250u);
  v1::HostState state;
  state.node_name = "archive-3";
  EXPECT_TRUE(host.open->write(state));
  EXPECT_FALSE(host.open->write(state));
  bool ready = false;
  host.open->on_ready([&] { ready = true; });
  sink->ready_();
  EXPECT_TRUE(ready);
  host.open->finish();
  host.open->finish();
  host.open.reset();
  EXPECT_EQ(sink->endings, 1);
  EXPECT_EQ(decode<v1::HostState>(sink->messages[1][1]).value(), state);
  EXPECT_TRUE(sink->answers.at(1).value().empty());
}

TEST_F(Dispatch, ReadsACallersStreamAndAnswersIt) {
  Flow flow;
  EXPECT_EQ(flow.info().methods[0].kind, MethodKind::client_stream);
  flow.handle(0, {}, call(flow.info(), 0));
  EXPECT_FALSE(sink->reader.manual_credit);
  sink->reader.message(encode(test::v1::Names{"a"}));
  sink->reader.message(encode(test::v1::Names{"b"}));
  EXPECT_TRUE(sink->answers.empty());
  sink->reader.end();
  EXPECT_EQ(decode<test::v1::Tree>(sink->answers.at(1).value()).value().name, "ab");
  sink->reader = {};
  EXPECT_EQ(sink->endings, 1);
}

TEST_F(Dispatch, ReadsAndWritesStreamsOfBothSides) {
  Flow flow;
  EXPECT_EQ(flow.info().methods[1].kind, MethodKind::bidirectional);
  flow.handle(1, {}, call(flow.info(), 1));
  EXPECT_TRUE(sink->reader.manual_credit);
  const Bytes name = encode(test::v1::Names{"a"});
  sink->reader.message(name);
  EXPECT_EQ(sink->released, name.size());
  sink->reader.message(name);
  EXPECT_EQ(sink->released, name.size()) << "the second is held until the first has left";
  EXPECT_EQ(decode<test::v1::Tree>(sink->messages[1].at(1)).value().name, "a");
  sink->reader.end();
  EXPECT_TRUE(sink->answers.at(1).value().empty());
  sink->reader = {};
}

TEST_F(Dispatch, FailsACallersStreamWhoseMessageCannotBeRead) {
  Flow flow;
  flow.handle(0, {}, call(flow.info(), 0));
  sink->reader.message(Bytes{0x0a, 0x05, 'a'});
  EXPECT_EQ(error().code, Errc::malformed);
  EXPECT_EQ(error().message, "b2.test.v1.Flow/Gather: message: b2.test.v1.Names: field 1: ends in the middle");
  sink->reader = {};
}

TEST_F(Dispatch, FailsACallersStreamThatIsNotImplementedByItsName) {
  test::v1::FlowService flow;
  flow.handle(0, {}, call(flow.info(), 0, 1));
  flow.handle(1, {}, call(flow.info(), 1, 2));
  EXPECT_EQ(error(1).message, "b2.test.v1.Flow/Gather is not implemented here");
  EXPECT_EQ(error(2).message, "b2.test.v1.Flow/Chat is not implemented here");
}

TEST_F(Dispatch, FailsACallThatIsDroppedWithoutAnAnswer) {
  Streams host;
  host.handle(1, {}, call(host.info(), 1));
  host.open.reset();
  EXPECT_EQ(error(), (Error{Errc::io, "b2.v1.Host/Watch: its handler ended without an answer"}));
}

TEST_F(Dispatch, FailsACallThatAnotherIsMovedOver) {
  ServerCall first = call(v1::CoreService::static_info(), 0, 1);
  first = call(v1::CoreService::static_info(), 1, 2);
  EXPECT_EQ(error(1).code, Errc::io);
  EXPECT_FALSE(sink->answers.contains(2));
  first.finish();
  EXPECT_TRUE(sink->answers.at(2));
}

/// Keeps the handler of the one call made, so that the test can be its peer.
class FakeCaller : public Caller, public std::enable_shared_from_this<FakeCaller> {
 public:
  ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                   std::unique_ptr<CallHandler> handler) override {
    path = std::string(service) + "/" + std::string(method);
    sent = written(request);
    timeout = options.timeout;
    streams_request = options.streams_request;
    handler_ = std::move(handler);
    return {weak_from_this(), 7};
  }
  void cancel(std::uint64_t key) override {
    cancelled = key;
    end(Error{Errc::cancelled, "cancelled"});
  }
  void release(std::uint64_t key, std::size_t bytes) override { released[key] += bytes; }
  bool write_request(std::uint64_t, const Payload& message) override {
    requests.push_back(written(message));
    return requests.size() < 2;
  }
  void finish_request(std::uint64_t) override { ++finished; }
  void ready() { handler_->on_ready(); }

  void message(BytesView bytes) { handler_->on_message(bytes); }
  void end(const Status& status) {
    handler_->on_end(status);
    ended.push_back(std::move(handler_));
  }

  std::string path;
  Bytes sent;
  Duration timeout{};
  bool streams_request = false;
  std::vector<Bytes> requests;
  int finished = 0;
  std::uint64_t cancelled = 0;
  std::map<std::uint64_t, std::size_t> released;
  std::vector<std::unique_ptr<CallHandler>> ended;

 private:
  std::unique_ptr<CallHandler> handler_;
};

class Stub : public testing::Test {
 protected:
  void health() {
    v1::CoreClient(*caller).health({"b2.v1.Core"}, [this](Result<v1::HealthResponse> r) { answer = std::move(r); });
  }
  void watch() {
    call = v1::HostClient(*caller).watch({250}, [this](const v1::HostState& s) { states.push_back(s); },
                                         [this](const Status& s) { ending = s; });
  }

  std::shared_ptr<FakeCaller> caller = std::make_shared<FakeCaller>();
  std::optional<Result<v1::HealthResponse>> answer;
  std::vector<v1::HostState> states;
  std::optional<Status> ending;
  ClientCall call;
};

TEST_F(Stub, SendsTheRequestAndReadsTheAnswer) {
  health();
  EXPECT_EQ(caller->path, "b2.v1.Core/Health");
  EXPECT_EQ(decode<v1::HealthRequest>(caller->sent).value().service, "b2.v1.Core");
  EXPECT_EQ(caller->timeout, std::chrono::seconds(30));
  v1::HealthResponse response;
  response.detail = "well";
  caller->message(encode(response));
  EXPECT_FALSE(answer);
  caller->end({});
  EXPECT_EQ(answer->value(), response);
}

TEST_F(Stub, TakesAnEmptyAnswerForAMessageOfDefaults) {
  health();
  caller->end({});
  EXPECT_EQ(answer->value(), v1::HealthResponse{});
}

TEST_F(Stub, TellsWhyACallFailed) {
  health();
  caller->end(Error{Errc::refused, "not you"});
  EXPECT_EQ(answer->error(), (Error{Errc::refused, "not you"}));
}

TEST_F(Stub, TellsWhichAnswerCannotBeRead) {
  health();
  caller->message(Bytes{0x08});
  caller->end({});
  EXPECT_EQ(answer->error().message, "b2.v1.Core/Health: answer: b2.v1.HealthResponse: field 1: ends in the middle");
}

TEST_F(Stub, WatchesWithoutADeadline) {
  watch();
  EXPECT_EQ(caller->timeout, Duration::max());
  v1::HostState state;
  state.uptime_ms = 5;
  caller->message(encode(state));
  caller->message(encode(state));
  EXPECT_EQ(states.size(), 2u);
  caller->end({});
  EXPECT_TRUE(ending->has_value());
}

TEST_F(Stub, EndsAStreamWhoseMessageCannotBeRead) {
  watch();
  caller->message(Bytes{0x0f});
  EXPECT_EQ(caller->cancelled, 7u);
  EXPECT_EQ(ending->error().code, Errc::malformed);
  EXPECT_EQ(ending->error().message, "b2.v1.Host/Watch: message: b2.v1.HostState: field 1: has a wire type it should not have");
}

TEST_F(Stub, StreamsARequestAndReadsTheAnswer) {
  std::optional<Result<test::v1::Tree>> tree;
  auto gather = test::v1::FlowClient(*caller).gather([&](Result<test::v1::Tree> r) { tree = std::move(r); });
  EXPECT_EQ(caller->path, "b2.test.v1.Flow/Gather");
  EXPECT_TRUE(caller->streams_request && caller->sent.empty());
  EXPECT_EQ(caller->timeout, Duration::max());
  EXPECT_TRUE(gather.write({"a"}));
  EXPECT_FALSE(gather.write({"b"}));
  int rings = 0;
  caller->ready();  // nobody listens yet
  gather.on_ready([&] { ++rings; });
  caller->ready();
  EXPECT_EQ(rings, 1);
  EXPECT_EQ(decode<test::v1::Names>(caller->requests.at(1)).value().name, "b");
  gather.finish();
  EXPECT_EQ(caller->finished, 1);
  caller->message(encode(test::v1::Tree{"ab", {}, {}, {}, {}}));
  caller->end({});
  EXPECT_EQ(tree->value().name, "ab");
}

TEST_F(Stub, StreamsBothWaysUntilAMessageCannotBeRead) {
  std::vector<std::string> names;
  auto chat = test::v1::FlowClient(*caller).chat([&](const test::v1::Tree& tree) { names.push_back(tree.name); }, [&](const Status& s) { ending = s; });
  EXPECT_TRUE(chat.write({"a"}));
  caller->message(encode(test::v1::Tree{"a", {}, {}, {}, {}}));
  EXPECT_EQ(names, std::vector<std::string>{"a"});
  chat.release(3);
  EXPECT_EQ(caller->released[7], 3u);
  caller->message(Bytes{0x0f});
  EXPECT_EQ(caller->cancelled, 7u);
  EXPECT_EQ(ending->error().code, Errc::malformed);
}

TEST_F(Stub, CancelsAndReleasesThroughTheCallerWhileItLives) {
  watch();
  call.release(100);
  EXPECT_EQ(caller->released[7], 100u);
  call.cancel();
  EXPECT_EQ(ending->error().code, Errc::cancelled);
  caller.reset();
  call.cancel();
  call.release(1);
}

}  // namespace
}  // namespace ghost::b2
