#include "audiojuggler/jobs_service.h"

#include <gtest/gtest.h>

#include "audiojuggler/devices_service.h"
#include "audiojuggler/drives/image_testing.h"
#include "b2/message.h"
#include "base/test_directory.h"
#include "net/epoll.h"

namespace ghost::audiojuggler {
namespace {

constexpr std::string_view kSheet = "TITLE \"Klavierstücke\"\nFILE \"disc.bin\" BINARY\nTRACK 01 AUDIO\nTITLE \"Eins\"\nINDEX 01 00:00:20\nTRACK 02 AUDIO\nINDEX 01 00:04:00\n";

/// The other end of a watch.
class Sink : public b2::CallSink {
 public:
  bool write(std::uint64_t, const b2::Payload& message) override {
    Bytes bytes(message.size);
    message.write_to(bytes.data());
    auto job = b2::decode<v1::Job>(bytes);
    EXPECT_TRUE(job);
    if (job) jobs.push_back(std::move(*job));
    return true;
  }
  void finish(std::uint64_t, const b2::Payload&) override { finished = true; }
  void fail(std::uint64_t, const Error& error) override { failed = error; }
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t, std::function<void()> callback) override { cancel = std::move(callback); }
  void run_on_worker(std::uint64_t, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)>) override {}

  std::vector<v1::Job> jobs;
  bool finished = false;
  std::optional<Error> failed;
  std::function<void()> cancel;
};

class JobsServiceTest : public testing::Test {
 protected:
  JobsServiceTest() : network_(std::move(*net::EpollNetwork::create())), service_(std::make_unique<JobsService>(network_->reactor(), "test 1")) {
    write_test_file(folder_ / "disc.bin", test_samples(600, 31));
    write_test_file(folder_ / "disc.cue", as_bytes(kSheet));
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::shared_ptr<Sink> watch(std::uint64_t id) {
    auto sink = std::make_shared<Sink>();
    service_->watch({id}, b2::ServerStream<v1::Job>(b2::ServerCall(sink, 1, {})));
    return sink;
  }
  /// The last that is told of a job.
  v1::Job ended(std::uint64_t id) {
    const auto sink = watch(id);
    while (!sink->finished && !sink->failed) network_->turn(TimePoint::max());
    EXPECT_FALSE(sink->failed);
    return sink->jobs.empty() ? v1::Job{} : sink->jobs.back();
  }
  v1::Job grabbed(std::string_view into) {
    v1::GrabRequest request;
    request.source = path("disc.cue");
    request.into = path(into);
    const auto job = service_->grab(request, {});
    EXPECT_TRUE(job) << job.error().message;
    return job ? ended(job->id) : v1::Job{};
  }

  TestDirectory folder_;
  std::unique_ptr<net::EpollNetwork> network_;
  std::unique_ptr<JobsService> service_;
};

TEST_F(JobsServiceTest, GrabsThenVerifiesThenConverts) {
  const v1::Job grab = grabbed("out");
  EXPECT_EQ(grab.state, v1::JobState::done) << grab.error;
  EXPECT_EQ(grab.kind, "grab");
  ASSERT_TRUE(grab.disc);
  EXPECT_EQ(grab.disc->title, "Klavierstücke");
  EXPECT_EQ(grab.disc->musicbrainz_id.size(), 28u);
  ASSERT_EQ(grab.tracks.size(), 3u);  // the hidden one has sound
  EXPECT_EQ(grab.tracks[1].title, "Eins");
  EXPECT_EQ(grab.tracks[1].file, path("out/01 - Eins.flac"));
  EXPECT_EQ(grab.tracks[1].sectors_done, grab.tracks[1].sectors);
  EXPECT_TRUE(grab.tracks[1].verified);
  EXPECT_EQ(grab.tracks[1].peaks.size(), 200u);
  EXPECT_EQ(grab.done, grab.total);
  EXPECT_NE(grab.ctdb_crc, 0u);
  EXPECT_EQ(grab.sectors_read, 600u);

  const auto checking = service_->verify({path("out"), path("disc.cue")}, {});
  ASSERT_TRUE(checking);
  const v1::Job verify = ended(checking->id);
  EXPECT_EQ(verify.state, v1::JobState::done) << verify.error;
  ASSERT_EQ(verify.tracks.size(), 3u);
  for (const v1::TrackResult& track : verify.tracks) EXPECT_TRUE(track.verified);

  v1::ConvertRequest request;
  request.files = {grab.tracks[1].file};
  request.to = "wav";
  request.into = path("wavs");
  const auto converting = service_->convert(request, {});
  ASSERT_TRUE(converting);
  const v1::Job convert = ended(converting->id);
  EXPECT_EQ(convert.state, v1::JobState::done) << convert.error;
  EXPECT_EQ(convert.tracks.at(0).file, path("wavs/01 - Eins.wav"));
  EXPECT_EQ(service_->list({}, {})->jobs.size(), 3u);
}

TEST_F(JobsServiceTest, SaysOfAVerificationThatFailedWhichTrackIsWrong) {
  ASSERT_EQ(grabbed("out").state, v1::JobState::done);
  Bytes other = test_samples(600, 31);
  other[500 * kSectorBytes] ^= 1;
  write_test_file(folder_ / "disc.bin", other);
  const v1::Job verify = ended(service_->verify({path("out"), path("disc.cue")}, {})->id);
  EXPECT_EQ(verify.state, v1::JobState::failed);
  EXPECT_TRUE(verify.error.starts_with("track 2: it differs from the disc")) << verify.error;
  EXPECT_TRUE(verify.tracks[1].verified);
  EXPECT_FALSE(verify.tracks[2].verified);
}

TEST_F(JobsServiceTest, LeavesASilentHiddenTrackOutOfWhatItTells) {
  Bytes samples = test_samples(600, 31);
  std::fill_n(samples.begin(), 20 * kSectorBytes, std::uint8_t{0});
  write_test_file(folder_ / "disc.bin", samples);
  const v1::Job grab = grabbed("out");
  ASSERT_EQ(grab.tracks.size(), 2u);
  EXPECT_EQ(grab.tracks[0].number, 1u);
}

TEST_F(JobsServiceTest, FailsWithTheReason) {
  write_test_file(folder_ / "disc.cue", as_bytes("FILE \"disc.bin\" BINARY\nTRACK 01 AUDIO\nINDEX 01 00:99:00\n"));
  const v1::Job grab = grabbed("out");
  EXPECT_EQ(grab.state, v1::JobState::failed);
  EXPECT_NE(grab.error.find("disc.cue: line 3"), std::string::npos) << grab.error;
  EXPECT_EQ(service_->grab({"disc.cue", "/x", "", 0, "", {}}, {}).error().code, Errc::malformed);
  EXPECT_EQ(watch(99)->failed->code, Errc::not_found);
  EXPECT_EQ(DevicesService().read({path("none.cue")}, {}).error().code, Errc::not_found);
}

TEST_F(JobsServiceTest, CancelsAndEndsWhileWorkIsUnderWay) {
  write_test_file(folder_ / "disc.bin", test_samples(3000, 31));
  v1::GrabRequest request;
  request.source = path("disc.cue");
  request.into = path("out");
  const auto job = service_->grab(request, {});
  ASSERT_TRUE(job);
  EXPECT_EQ(service_->grab(request, {}).error().code, Errc::conflict);
  EXPECT_TRUE(service_->cancel({job->id}, {})->found);
  EXPECT_EQ(ended(job->id).state, v1::JobState::cancelled);
  EXPECT_FALSE(service_->cancel({job->id}, {})->found);
  ASSERT_TRUE(service_->grab(request, {}));
  const auto left = watch(2);
  service_->stop();
  EXPECT_TRUE(left->failed);
  EXPECT_EQ(service_->grab(request, {}).error().code, Errc::busy);
}

TEST_F(JobsServiceTest, ForgetsAWatcherWhoLeaves) {
  v1::GrabRequest request;
  request.source = path("disc.cue");
  request.into = path("out");
  const auto job = service_->grab(request, {});
  const auto gone = watch(job->id);
  gone->cancel();
  EXPECT_EQ(gone->failed->code, Errc::cancelled);
  const std::size_t told = gone->jobs.size();
  EXPECT_EQ(ended(job->id).state, v1::JobState::done);
  EXPECT_EQ(gone->jobs.size(), told);
}

}  // namespace
}  // namespace ghost::audiojuggler
