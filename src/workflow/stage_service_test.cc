#include "workflow/stage_service.h"

#include <gtest/gtest.h>

#include <fstream>

#include "b2/server_service.h"
#include "base/file.h"
#include "base/test_directory.h"
#include "net/sim.h"

namespace ghost::workflow {
namespace {

using namespace std::chrono_literals;
using v1::StepState;

/// A daemon that only knows what a test tells it to answer: a server on a Unix socket of the simulated host.
class FakeDaemon {
 public:
  FakeDaemon(net::Network& network, const std::string& name) : network_(network), at_("unix:/" + name) { endpoint_.name = name; }

  void serve(b2::Service& service) { endpoint_.services.add(service); }
  void up() {
    server_.emplace(b2::Server::Parts{network_, endpoint_, [](const net::Peer&) {
                                        auto owner = std::make_shared<b2::Identity>();
                                        owner->kind = b2::Identity::Kind::owner;
                                        owner->roles = b2::Roles::all();
                                        return owner;
                                      },
                                      nullptr, {}, {}, {}, {}});
    const auto target = b2::Target::parse(at_);
    ASSERT_TRUE(target);
    const auto listening = server_->listen(target->address);
    ASSERT_TRUE(listening) << listening.error().message;
  }
  void down() { server_.reset(); }

 private:
  net::Network& network_;
  std::string at_;
  b2::Endpoint endpoint_;
  std::optional<b2::Server> server_;
};

class FakeJobs : public audiojuggler::v1::JobsService {
 public:
  Result<audiojuggler::v1::Job> grab(const audiojuggler::v1::GrabRequest& request, const b2::CallContext&) override {
    if (refusal) return *refusal;
    asked = request;
    audiojuggler::v1::Job job;
    job.id = 1;
    return job;
  }
  Result<audiojuggler::v1::Job> verify(const audiojuggler::v1::VerifyRequest&, const b2::CallContext&) override {
    audiojuggler::v1::Job job;
    job.id = 2;
    return job;
  }
  void watch(audiojuggler::v1::WatchRequest request, b2::ServerStream<audiojuggler::v1::Job> stream) override {
    if (hold) return held.push_back(std::move(stream));
    audiojuggler::v1::Job job;
    job.id = request.id;
    job.state = audiojuggler::v1::JobState::done;
    audiojuggler::v1::TrackResult track;
    track.number = 1;
    track.file = "/album/01.flac";
    track.sectors = 750;
    track.verified = request.id == 2;
    job.tracks = {track};
    stream.write(job);
    stream.finish();
  }
  Result<audiojuggler::v1::CancelResponse> cancel(const audiojuggler::v1::CancelRequest& request, const b2::CallContext&) override {
    cancelled = request.id;
    return audiojuggler::v1::CancelResponse{true};
  }

  std::optional<Error> refusal;
  std::optional<audiojuggler::v1::GrabRequest> asked;
  bool hold = false;
  std::vector<b2::ServerStream<audiojuggler::v1::Job>> held;
  std::uint64_t cancelled = 0;
};

class FakeLibrary : public ariascribe::v1::LibraryService {
 public:
  Result<ariascribe::v1::Proposal> propose(const ariascribe::v1::ProposeRequest& request, const b2::CallContext&) override {
    paths = request.paths;
    ariascribe::v1::Proposal proposal;
    proposal.id = "p1";
    return proposal;
  }
  Result<ariascribe::v1::CommitResponse> commit(const ariascribe::v1::CommitRequest& request, const b2::CallContext&) override {
    EXPECT_EQ(request.proposal, "p1");
    return ariascribe::v1::CommitResponse{"c1", 1, 5, {}};
  }
  std::vector<std::string> paths;
};

class FakeNode : public ardus::v1::NodeService {
 public:
  void send(ardus::v1::SendRequest request, b2::ServerStream<ardus::v1::Transfer> stream) override {
    asked = request;
    ardus::v1::Transfer transfer;
    transfer.session = 9;
    transfer.phase = phase;
    transfer.content.assign(content.begin(), content.end());
    for (std::uint32_t n = 0; n < request.receivers; ++n) {
      ardus::v1::Receiver receiver;
      receiver.name = "r" + std::to_string(n);
      receiver.state = ardus::v1::ReceiverState::verified;
      ardus::Receipt receipt;
      receipt.content = content;
      receiver.receipt = ardus::encode_receipt(receipt, key);
      transfer.receivers.push_back(receiver);
    }
    stream.write(transfer);
    stream.finish();
  }
  ardus::v1::TransferPhase phase = ardus::v1::TransferPhase::done;
  ardus::ContentId content{7};
  KeyPair key = KeyPair::generate();
  std::optional<ardus::v1::SendRequest> asked;
};

class FakePorts : public portlight::v1::PortsService {
 public:
  Result<portlight::v1::ListResponse> list(const portlight::v1::ListRequest&, const b2::CallContext&) override {
    ++looks;
    portlight::v1::ListResponse response;
    portlight::v1::Listener listener;
    listener.protocol = "tcp";
    listener.port = 1117;
    listener.owner.emplace();
    listener.owner->process = "ardus";
    listener.identity.emplace();
    listener.identity->status = looks >= confirmed_at ? "confirmed" : "not_probed";
    response.listeners = {listener};
    return response;
  }
  unsigned looks = 0, confirmed_at = 1;
};

class Stage : public ::testing::Test {
 protected:
  Stage() {
    for (const auto& [daemon, service] : std::initializer_list<std::pair<FakeDaemon*, b2::Service*>>{
             {&audiojuggler_, &jobs}, {&ariascribe_, &library}, {&ardus_, &node}, {&portlight_, &ports}}) {
      daemon->serve(*service);
      daemon->up();
    }
    std::ofstream(source()) << "FILE";
    open();
  }
  ~Stage() override {
    stage.reset();
    jobs.held.clear();
  }

  void open() {
    stage.reset();
    auto opened = StageService::open({host_, endpoint_, Logger::none(), directory_.path(), [](std::string_view program) { return "unix:/" + std::string(program); },
                                      Expectations{{1117}, {}}, {"lo"}, 2});
    ASSERT_TRUE(opened) << opened.error().message;
    stage = std::move(*opened);
  }
  std::string source() const { return (directory_.path() / "disc.cue").string(); }
  Result<v1::StartResponse> start() {
    v1::StartRequest request;
    request.source = source();
    return stage->start(request, {});
  }
  /// The state as a watcher would see it, once the job has ended.
  v1::StageState outcome() {
    world_.run_for(60s);
    const auto bytes = read_file(directory_.path() / "stage" / "last.pb", 1 << 20);
    EXPECT_TRUE(bytes);
    const auto record = b2::decode<v1::StageRecord>(as_bytes(*bytes));
    EXPECT_TRUE(record);
    return record->state.value();
  }
  std::string ledger() const { return read_file(directory_.path() / "stage" / "ledger.jsonl", 1 << 20).value(); }

  TestDirectory directory_;
  net::SimWorld world_{1};
  net::Network& host_ = world_.add_host(net::Address::ip4({10, 0, 0, 1}, 0));
  b2::Endpoint endpoint_;
  FakeDaemon audiojuggler_{host_, "audiojuggler"}, ariascribe_{host_, "ariascribe"}, ardus_{host_, "ardus"}, portlight_{host_, "portlight"};

 public:
  FakeJobs jobs;
  FakeLibrary library;
  FakeNode node;
  FakePorts ports;
  std::unique_ptr<StageService> stage;
};

TEST_F(Stage, DoesTheFiveStepsAndKeepsALedgerOfThem) {
  ASSERT_TRUE(start());
  const auto state = outcome();
  EXPECT_EQ(state.state, StepState::done) << state.message;
  EXPECT_EQ(jobs.asked->source, source());
  EXPECT_EQ(library.paths, std::vector<std::string>{state.into});
  EXPECT_EQ(node.asked->receivers, 2u);
  EXPECT_EQ(node.asked->interfaces, std::vector<std::string>{"lo"});
  for (const char* step : {"grab", "describe", "distribute", "verify", "account"}) {
    EXPECT_NE(ledger().find("\"event\":\"done\",\"source\":\"" + source() + "\",\"into\":\"" + state.into + "\",\"step\":\"" + step), std::string::npos) << step;
  }
}

TEST_F(Stage, TellsWhyAStepFailedAndGoesOnFromThereWhenAsked) {
  node.phase = ardus::v1::TransferPhase::partly;
  ASSERT_TRUE(start());
  EXPECT_EQ(outcome().steps[2].state, StepState::failed);
  node.phase = ardus::v1::TransferPhase::done;
  jobs.asked.reset();
  ASSERT_TRUE(stage->resume({}, {}));
  EXPECT_EQ(outcome().state, StepState::done);
  EXPECT_FALSE(jobs.asked) << "what was done is not done again";
}

TEST_F(Stage, GoesOnAfterItsProcessEndedInTheMiddle) {
  jobs.hold = true;
  ASSERT_TRUE(start());
  world_.run_for(1s);
  open();
  EXPECT_EQ(outcome().steps[0].state, StepState::running) << "kept as it was left";
  jobs.hold = false;
  ASSERT_TRUE(stage->resume({}, {}));
  EXPECT_EQ(outcome().state, StepState::done);
}

TEST_F(Stage, WaitsForADaemonThatStartsAgain) {
  ardus_.down();
  ASSERT_TRUE(start());
  world_.run_for(3s);
  ardus_.up();
  EXPECT_EQ(outcome().state, StepState::done);
}

TEST_F(Stage, FailsTheStepOfADaemonThatStaysAway) {
  ardus_.down();
  ASSERT_TRUE(start());
  const auto state = outcome();
  EXPECT_EQ(state.steps[2].state, StepState::failed);
  EXPECT_NE(state.message.find("ardus does not answer"), std::string::npos) << state.message;
}

TEST_F(Stage, FailsAStepWhoseDaemonDiesInTheMiddle) {
  jobs.hold = true;
  ASSERT_TRUE(start());
  world_.run_for(1s);
  ASSERT_EQ(jobs.held.size(), 1u);
  audiojuggler_.down();
  EXPECT_EQ(outcome().steps[0].state, StepState::failed);
}

TEST_F(Stage, CancelsTheStepThatRunsAtItsDaemonToo) {
  jobs.hold = true;
  ASSERT_TRUE(start());
  world_.run_for(1s);
  EXPECT_TRUE(stage->cancel({}, {}).value().found);
  EXPECT_EQ(outcome().state, StepState::failed);
  EXPECT_EQ(jobs.cancelled, 1u);
  EXPECT_FALSE(stage->cancel({}, {}).value().found);
}

TEST_F(Stage, RefusesASecondJobWhileOneRuns) {
  jobs.hold = true;
  ASSERT_TRUE(start());
  EXPECT_EQ(start().error().code, Errc::busy);
}

TEST_F(Stage, RefusesASourceThatIsNotThere) {
  v1::StartRequest request;
  EXPECT_EQ(stage->start(request, {}).error().code, Errc::malformed);
  request.source = "/no/such/disc.cue";
  EXPECT_EQ(stage->start(request, {}).error().code, Errc::not_found);
  request.source = "disc.cue";
  EXPECT_EQ(stage->start(request, {}).error().code, Errc::malformed);
}

TEST_F(Stage, LooksAtThePortsAgainBeforeItGivesUp) {
  ports.confirmed_at = 3;
  ASSERT_TRUE(start());
  EXPECT_EQ(outcome().state, StepState::done);
  EXPECT_EQ(ports.looks, 3u);
}

TEST_F(Stage, FailsWhenAPortStaysUnconfirmed) {
  ports.confirmed_at = 100;
  ASSERT_TRUE(start());
  const auto state = outcome();
  EXPECT_EQ(state.steps[4].state, StepState::failed);
  EXPECT_NE(state.message.find("1117/tcp"), std::string::npos) << state.message;
}

}  // namespace
}  // namespace ghost::workflow
