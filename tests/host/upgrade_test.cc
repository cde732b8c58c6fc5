// One process of a daemon relieves another, as real processes under load: docs/spec/b2.md §11.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <charconv>
#include <cstring>
#include <list>
#include <map>
#include <set>

#include "b2/client_service.h"
#include "b2/datagram_client_service.h"
#include "b2/message.h"
#include "b2/test_service.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/host.b2.h"
#include "base/file.h"
#include "net/epoll_testing.h"

namespace ghost::b2 {
namespace {

using namespace std::chrono_literals;
using net::testing::SocketDirectory;
using net::testing::turn_until;

/// The daemon as a process, and who calls it.
class UpgradeTest : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = {B2_TEST_DAEMON, "up", "--state", directory_.path("state"), "--listen", "127.0.0.1:0", "--done", directory_.path("done")};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::freopen(directory_.path("log").c_str(), "w", stderr) == nullptr) ::_exit(1);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    const auto owner = net::Address::unix_path(directory_.path("state") + "/b2.sock");
    owner_.emplace(Dial::Parts{*network_, endpoint_, {}, {}}, Target{owner, false});
    const auto state = ask<v1::ListResponse>("List", v1::ListRequest());
    ASSERT_TRUE(state) << state.error().message << log();
    for (const std::string& at : state->state->addresses) {
      if (const auto address = net::Address::parse(at); address && address->is_ip()) address_ = *address;
    }
    ASSERT_TRUE(turn_until(*network_, [&] { return child_is_ready(); })) << log();
    client_.emplace(Dial::Parts{*network_, endpoint_, {}, {}}, Target{address_, false});
  }

  void TearDown() override {
    if (pid_ > 0) end(SIGKILL);
    // Whatever takes over after its end, too.
    std::int32_t serving = 0;
    if (const auto text = read_file(directory_.path("state") + "/up.lock", 64)) std::from_chars(text->data(), text->data() + text->size(), serving);
    if (serving > 0 && serving != pid_) ::kill(serving, SIGKILL);
  }

  template <class Response, class Request>
  Result<Response> ask(std::string_view method, const Request& request) {
    std::optional<Result<Bytes>> answer;
    CallOptions options;
    options.timeout = 60s;
    const Bytes bytes = encode(request);
    owner_->caller().start("b2.v1.Host", method, Payload(BytesView(bytes)), options, std::make_unique<KeepAnswer>(answer));
    if (!turn_until(*network_, [&] { return answer.has_value(); })) return Error{Errc::timed_out, "no answer"};
    if (!*answer) return answer->error();
    return decode<Response>(**answer);
  }
  bool child_is_ready() {
    const auto told = ask<v1::ListResponse>("List", v1::ListRequest());
    return told && told->state->children.at(0).state == v1::ChildState::ready;
  }
  Result<v1::UpgradeResponse> upgrade() { return ask<v1::UpgradeResponse>("Upgrade", v1::UpgradeRequest()); }
  std::string log() { return "\n" + read_file(directory_.path("log"), 1 << 20).value_or(""); }

  /// Its exit code, or less than 0 for a signal.
  int end(int signal) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  void pass(Duration time) {
    bool over = false;
    const net::Timer timer = network_->wake_at(network_->now() + time, [&](TimePoint) { over = true; });
    EXPECT_TRUE(turn_until(*network_, [&] { return over; }));
  }
  void touch(const std::string& name) { ASSERT_TRUE(write_file_atomically(directory_.path("state") + "/" + name, {}, 0600)); }

  SocketDirectory directory_;
  std::unique_ptr<net::EpollNetwork> network_ = net::testing::make_network();
  Endpoint endpoint_;
  pid_t pid_ = 0;
  net::Address address_;
  std::optional<Client> owner_, client_;
};

/// Calls one after the other, each with a number of its own; counts what became of them.
class Repeating {
 public:
  using Start = std::function<void(std::uint64_t number, std::function<void(std::string failed)> ended)>;
  Repeating(std::string name, std::uint64_t first, Start start) : name_(std::move(name)), next_(first), start_(std::move(start)) {}
  void begin() { go_on(); }
  void stop() { stopping_ = true; }
  bool idle() const { return !open_; }

  std::set<std::uint64_t> done;
  std::vector<std::string> failed;
  const std::string& name() const { return name_; }

 private:
  void go_on() {
    const std::uint64_t number = next_++;
    open_ = true;
    start_(number, [this, number](const std::string& how) {
      open_ = false;
      if (how.empty()) done.insert(number);
      else failed.push_back(std::to_string(number) + ": " + how);
      if (!stopping_) go_on();
    });
  }

  std::string name_;
  std::uint64_t next_;
  Start start_;
  bool open_ = false, stopping_ = false;
};

/// Requests by HTTP, one after the other, on a connection that is used as long as the server lets it.
class HttpCaller : private net::StreamHandler {
 public:
  HttpCaller(net::EpollNetwork& network, net::Address to) : network_(network), to_(std::move(to)) {}

  void call(bool keep_alive, std::function<void(std::string)> ended) {
    ended_ = std::move(ended);
    request_ = "POST /b2.v1.Core/Health HTTP/1.1\r\nhost: " + to_.text() + "\r\ncontent-type: application/json\r\ncontent-length: 2\r\n" +
               (keep_alive ? "" : "connection: close\r\n") + "\r\n{}";
    received_.clear();
    if (stream_) return void(stream_->output().append(as_bytes(request_)));
    attempt_ = network_.connect(to_, 30s, [this](Result<std::unique_ptr<net::ByteStream>> stream) {
      if (!stream) return end(stream.error().message);
      stream_ = std::move(*stream);
      stream_->set_handler(*this);
      stream_->output().append(as_bytes(request_));
    });
  }

 private:
  void on_bytes(BytesView bytes) override {
    received_.append(as_text(bytes));
    if (!received_.ends_with("}")) return;
    if (received_.find("connection: close") != std::string::npos) drop();
    end(received_.starts_with("HTTP/1.1 200") && received_.find("HEALTH_SERVING") != std::string::npos ? "" : received_);
  }
  void on_writable() override {}
  void on_closed(const Error& why) override {
    drop();
    if (ended_) end("the connection ended: " + why.message);
  }
  void drop() {
    network_.post([gone = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(stream_))] {});
  }
  void end(const std::string& how) {
    network_.post([ended = std::exchange(ended_, nullptr), how] { ended(how); });
  }

  net::EpollNetwork& network_;
  net::Address to_;
  std::unique_ptr<net::ByteStream> stream_;
  std::unique_ptr<net::Connecting> attempt_;
  std::function<void(std::string)> ended_;
  std::string request_, received_;
};

/// Tells how a call ended, by "" where it was answered.
class TellingHandler : public CallHandler {
 public:
  explicit TellingHandler(std::function<void(std::string)> ended) : ended_(std::move(ended)) {}
  void on_message(BytesView) override {}
  void on_end(const Status& status) override { ended_(status ? "" : status.error().message); }

 private:
  std::function<void(std::string)> ended_;
};

std::unique_ptr<CallHandler> tell(std::function<void(std::string)> ended) { return std::make_unique<TellingHandler>(std::move(ended)); }

Bytes numbered(std::uint64_t number, std::uint32_t ms) {
  Bytes request;
  ByteWriter(request).u64(number).u32(ms);
  return request;
}

TEST_F(UpgradeTest, LosesNoCallAndDoesNoneTwice) {
  ASSERT_NO_FATAL_FAILURE(start({"--grace", "1s"}));
  std::list<Repeating> callers;
  const auto add = [&](const std::string& name, Repeating::Start start) { callers.emplace_back(name, (callers.size() + 1) << 32, std::move(start)); };
  const auto call = [](Caller& by, std::string_view service, std::string_view method, const Bytes& request, const CallOptions& options, auto ended) {
    by.start(service, method, Payload(BytesView(request)), options, tell(std::move(ended)));
  };
  for (int i = 0; i < 4; ++i) {
    add("Once without a key", [&](auto number, auto ended) { call(client_->caller(), "test.v1.Done", "Once", numbered(number, number % 4 == 0 ? 20 : 0), {}, ended); });
    add("Once with a key", [&](auto number, auto ended) {
      CallOptions options;
      options.key = random_key();
      call(client_->caller(), "test.v1.Done", "Once", numbered(number, number % 4 == 0 ? 20 : 0), options, ended);
    });
    add("by way of the child", [&](auto number, auto ended) { call(client_->caller(), "test.v1.Test", "Echo", numbered(number, 0), {}, ended); });
  }
  std::unique_ptr<Client> fresh;
  add("by a fresh connection each", [&](auto number, auto ended) {
    auto last = std::shared_ptr<Client>(std::move(fresh));
    fresh = std::make_unique<Client>(Dial::Parts{*network_, endpoint_, {}, {}}, Target{address_, false});
    network_->post([last] {});
    call(fresh->caller(), "test.v1.Done", "Once", numbered(number, 0), {}, [this, ended](const std::string& how) { network_->post([ended, how] { ended(how); }); });
  });
  HttpCaller kept(*network_, address_), closing(*network_, address_);
  add("by HTTP, one connection", [&](auto, auto ended) { kept.call(true, ended); });
  add("by HTTP, a connection each", [&](auto, auto ended) { closing.call(false, ended); });
  auto plain = DatagramClient::open(*network_, address_, DatagramForm::plain);
  auto pure = DatagramClient::open(*network_, address_, DatagramForm::pure);
  ASSERT_TRUE(plain && pure);
  add("by datagram", [&](auto number, auto ended) { call((*plain)->caller(), "test.v1.Done", "Again", numbered(number, number % 4 == 0 ? 20 : 0), {}, ended); });
  add("by datagram, stateless", [&](auto number, auto ended) { call((*pure)->caller(), "test.v1.Done", "Again", numbered(number, 0), {}, ended); });

  // Stays with the process it was begun with, to the end.
  auto stream = test::start_streaming(client_->caller(), "Mirror");
  stream.call.write(Payload(as_bytes("0")));
  const auto total = [&] {
    std::size_t sum = 0;
    for (const Repeating& one : callers) sum += one.done.size();
    return sum;
  };
  const auto all_have = [&](std::map<const Repeating*, std::size_t>& before, std::size_t more) {
    return std::all_of(callers.begin(), callers.end(), [&](const Repeating& one) { return one.done.size() + one.failed.size() >= before[&one] + more; });
  };
  const auto so_far = [&] {
    std::map<const Repeating*, std::size_t> counts;
    for (const Repeating& one : callers) counts[&one] = one.done.size() + one.failed.size();
    return counts;
  };
  for (Repeating& one : callers) one.begin();
  std::set<std::int32_t> processes = {pid_};
  for (int round = 1; round <= 4; ++round) {
    auto before = so_far();
    ASSERT_TRUE(turn_until(*network_, [&] { return all_have(before, 10); })) << log();
    const auto upgraded = upgrade();
    ASSERT_TRUE(upgraded) << upgraded.error().message << log();
    EXPECT_TRUE(processes.insert(upgraded->pid).second) << "another process";
    before = so_far();
    ASSERT_TRUE(turn_until(*network_, [&] { return all_have(before, 10); })) << log();
    stream.call.write(Payload(as_bytes(std::to_string(round))));
  }
  for (Repeating& one : callers) one.stop();
  ASSERT_TRUE(turn_until(*network_, [&] { return std::all_of(callers.begin(), callers.end(), [](const Repeating& one) { return one.idle(); }); }));
  stream.call.finish();
  ASSERT_TRUE(turn_until(*network_, [&] { return stream->ended(); }));
  EXPECT_EQ(stream->text(), "");
  EXPECT_EQ(stream->messages.size(), 5u);

  const auto file = read_file(directory_.path("done"), 1 << 28);
  ASSERT_TRUE(file);
  std::map<std::uint64_t, int> executed;
  for (std::size_t at = 0; at + 8 <= file->size(); at += 8) ++executed[ByteReader(as_bytes(std::string_view(*file).substr(at, 8))).u64()];
  for (const auto& [number, times] : executed) EXPECT_EQ(times, 1) << std::hex << number;
  for (const Repeating& one : callers) {
    EXPECT_EQ(one.failed, std::vector<std::string>{}) << one.name();
    if (!one.name().starts_with("Once")) continue;
    for (const std::uint64_t number : one.done) EXPECT_TRUE(executed.contains(number)) << one.name() << std::hex << number;
  }
  std::printf("  %zu calls over 4 upgrades\n", total());

  // The first stays for whoever started it, and passes on that it is to end.
  EXPECT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0);
  const auto last = upgrade();
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(end(SIGTERM), 0) << log();
  for (const std::int32_t pid : processes) EXPECT_NE(::kill(pid, 0), 0) << pid;
  EXPECT_NE(::kill(last->pid, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(directory_.path("state") + "/b2.sock"));
}

TEST_F(UpgradeTest, LetsTheFirstFinishWhatItHasWhenTheSecondHasLongEnded) {
  ASSERT_NO_FATAL_FAILURE(start({"--grace", "100ms"}));
  auto stream = test::start_streaming(client_->caller(), "Mirror");
  stream.call.write(Payload(as_bytes("0")));
  ASSERT_TRUE(turn_until(*network_, [&] { return stream->messages.size() == 1; }));
  const auto second = upgrade();
  ASSERT_TRUE(second) << second.error().message;
  const auto third = upgrade();
  ASSERT_TRUE(third) << third.error().message;
  const auto has_ended = [&] {  // the first, whose child it is, does not ask for its exit status before it has ended itself
    const auto command = read_file("/proc/" + std::to_string(second->pid) + "/cmdline", 4096);
    return !command || command->empty();
  };
  int looked = 0;
  while (!has_ended() && ++looked < 1000) pass(20ms);
  ASSERT_TRUE(has_ended());
  pass(300ms);
  stream.call.write(Payload(as_bytes("1")));
  stream.call.finish();
  ASSERT_TRUE(turn_until(*network_, [&] { return stream->ended(); }));
  EXPECT_EQ(stream->text(), "");
  EXPECT_EQ(stream->messages.size(), 2u);
  EXPECT_EQ(end(SIGTERM), 0) << log();
}

TEST_F(UpgradeTest, GoesOnAsBeforeWhenTheOtherDiesOrItsChildrenDoNotStart) {
  ASSERT_NO_FATAL_FAILURE(start());
  touch("dies");
  auto upgraded = upgrade();
  ASSERT_FALSE(upgraded);
  EXPECT_EQ(upgraded.error().code, Errc::conflict);
  EXPECT_NE(upgraded.error().message.find("the process that was to take over exited with status 3"), std::string::npos) << upgraded.error().message;
  std::filesystem::remove(directory_.path("state") + "/dies");
  touch("lonely");
  upgraded = upgrade();
  ASSERT_FALSE(upgraded);
  EXPECT_NE(upgraded.error().message.find("child does not start: exited with status 3; the one before goes on"), std::string::npos) << upgraded.error().message << log();

  const auto again = test::start(client_->caller(), "Echo", Bytes{1});
  ASSERT_TRUE(turn_until(*network_, [&] { return again->ended(); }));
  EXPECT_EQ(again->text(), "");
  const auto plain = DatagramClient::open(*network_, address_, DatagramForm::plain);
  ASSERT_TRUE(plain);
  std::optional<std::string> by_datagram;
  const Bytes request = numbered(1, 0);
  (*plain)->caller().start("test.v1.Done", "Again", Payload(BytesView(request)), {}, tell([&](const std::string& how) { by_datagram = how; }));
  ASSERT_TRUE(turn_until(*network_, [&] { return by_datagram.has_value(); }));
  EXPECT_EQ(*by_datagram, "");
  std::filesystem::remove(directory_.path("state") + "/lonely");
  upgraded = upgrade();
  EXPECT_TRUE(upgraded) << "nothing of it is left: " << upgraded.error().message << log();
  EXPECT_EQ(end(SIGTERM), 0);
}

/// What becomes of a call that takes so long when the daemon is told to end, with that grace; `more` says so again.
class GraceTest : public UpgradeTest {
 protected:
  std::string end_during_a_call(const std::string& grace, std::uint32_t ms, bool more) {
    start({"--grace", grace});
    std::optional<std::string> ended;
    const Bytes request = numbered(1, ms);
    client_->caller().start("test.v1.Done", "Once", Payload(BytesView(request)), {}, tell([&](const std::string& how) { ended = how; }));
    EXPECT_TRUE(turn_until(*network_, [&] { return std::filesystem::exists(directory_.path("done")) && std::filesystem::file_size(directory_.path("done")) == 8; }));
    ::kill(pid_, SIGTERM);
    if (more) {
      // Its listener goes with the first signal: once that is so, it has been heard.
      bool closed = false;
      std::unique_ptr<net::Connecting> attempt;
      const std::function<void()> knock = [&] {
        attempt = network_->connect(address_, 30s, [&](const auto& stream) {
          closed = !stream;
          if (!closed) network_->post(knock);
        });
      };
      knock();
      EXPECT_TRUE(turn_until(*network_, [&] { return closed; }));
      EXPECT_FALSE(ended) << *ended;
      ::kill(pid_, SIGTERM);
    }
    EXPECT_TRUE(turn_until(*network_, [&] { return ended.has_value(); }));
    EXPECT_EQ(end(0), 0) << log();
    return ended.value_or("not at all");
  }
};

TEST_F(GraceTest, LetsACallEndThatIsDoneInTime) { EXPECT_EQ(end_during_a_call("50s", 500, false), ""); }

TEST_F(GraceTest, CutsACallOffThatIsNot) {
  const std::string how = end_during_a_call("200ms", 55'000, false);
  EXPECT_NE(how.find("has shut down before the call was done"), std::string::npos) << how;
}

TEST_F(GraceTest, EndsAtOnceWhenItIsToldTwice) {
  const std::string how = end_during_a_call("55s", 55'000, true);
  EXPECT_NE(how, "");
}

}  // namespace
}  // namespace ghost::b2
