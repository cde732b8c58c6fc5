#include "workflow/job.h"

#include <gtest/gtest.h>

#include "workflow/ledger.h"

namespace ghost::workflow {
namespace {

using namespace std::chrono_literals;
using v1::StepState;

const TimePoint kStart = TimePoint{} + 1h;

v1::StartRequest request() {
  v1::StartRequest made;
  made.source = "/discs/one.cue";
  made.into = "/albums/one";
  made.receivers = 2;
  return made;
}

audiojuggler::v1::Job grab_of_two() {
  audiojuggler::v1::Job job;
  job.state = audiojuggler::v1::JobState::done;
  job.done = job.total = 9000;
  job.disc.emplace();
  job.disc->title = "SONATEN";
  for (std::uint32_t n : {1u, 2u}) {
    audiojuggler::v1::DiscTrack on_disc;
    on_disc.number = n;
    on_disc.sectors = 4500;
    on_disc.audio = true;
    on_disc.title = n == 1 ? "1. ALLEGRO" : "2. Andante";
    job.disc->tracks.push_back(on_disc);
    audiojuggler::v1::TrackResult track;
    track.number = n;
    track.file = "/albums/one/0" + std::to_string(n) + ".flac";
    track.sectors = track.sectors_done = 4500;
    track.crc32 = 0xABCD0000 + n;
    job.tracks.push_back(track);
  }
  return job;
}

constexpr ardus::ContentId kContent{1, 2, 3};

Bytes receipt_for(const ardus::ContentId& content) {
  static const KeyPair key = KeyPair::generate();
  ardus::Receipt receipt;
  receipt.content = content;
  return ardus::encode_receipt(receipt, key);
}

ardus::v1::Transfer transfer(ardus::v1::TransferPhase phase, ardus::v1::ReceiverState second) {
  ardus::v1::Transfer made;
  made.phase = phase;
  made.bytes = made.bytes_needed = made.bytes_done = 1000;
  made.wire_bytes = 1100;
  made.content.assign(kContent.begin(), kContent.end());
  ardus::v1::Receiver one;
  one.name = "reading-room";
  one.state = ardus::v1::ReceiverState::verified;
  one.receipt = receipt_for(kContent);
  ardus::v1::Receiver two = one;
  two.name = "studio";
  two.state = second;
  if (second != ardus::v1::ReceiverState::verified) two.receipt.clear(), two.detail = "not heard of for 30 s";
  made.receivers = {one, two};
  return made;
}

portlight::v1::Listener listener(std::string protocol, std::uint32_t port, std::string status) {
  portlight::v1::Listener made;
  made.protocol = std::move(protocol);
  made.port = port;
  made.address = "127.0.0.1";
  made.owner.emplace();
  made.owner->process = "ardus";
  made.identity.emplace();
  made.identity->status = std::move(status);
  made.verdict = "ok";
  return made;
}

/// Through a step that goes well.
void pass(Job& job, StepKind step, TimePoint now) {
  ASSERT_EQ(job.next(), step);
  job.begin(step, now);
  EXPECT_EQ(job.next(), std::nullopt) << "one step at a time";
  job.finish(step, "fine", now + 1s);
}

TEST(Job, GoesThroughItsFiveStepsInOrder) {
  Job job(1, request(), kStart);
  TimePoint now = kStart;
  for (const StepKind step : kSteps) pass(job, step, now), now += 2s;
  EXPECT_EQ(job.next(), std::nullopt);
  EXPECT_EQ(job.state().state, StepState::done);
  EXPECT_EQ(job.state().seconds, 9);
}

TEST(Job, StopsAtAStepThatFailsAndGoesOnFromThere) {
  Job job(1, request(), kStart);
  pass(job, StepKind::grab, kStart);
  job.begin(StepKind::describe, kStart + 2s);
  job.fail(StepKind::describe, Error{Errc::io, "the disk is full"}, kStart + 3s);
  EXPECT_EQ(job.next(), std::nullopt);
  EXPECT_EQ(job.state().state, StepState::failed);
  EXPECT_EQ(job.state().message, "describe: the disk is full");

  ASSERT_TRUE(job.resume(kStart + 60s));
  EXPECT_EQ(job.next(), StepKind::describe);
  job.begin(StepKind::describe, kStart + 60s);
  job.tick(kStart + 62s);
  EXPECT_EQ(job.state().seconds, 5) << "the time it lay still does not count";
}

TEST(Job, IsResumedFromItsRecordWithTheStepThatRanFailed) {
  Job job(7, request(), kStart);
  pass(job, StepKind::grab, kStart);
  job.begin(StepKind::describe, kStart + 2s);

  Job later(job.record(), kStart);
  EXPECT_EQ(later.state().job, 7u);
  EXPECT_EQ(later.state().state, StepState::failed);
  EXPECT_NE(later.state().message.find("--resume"), std::string::npos);
  ASSERT_TRUE(later.resume(kStart));
  EXPECT_EQ(later.next(), StepKind::describe);
}

TEST(Job, HasNothingToResumeWhenItIsDone) {
  Job job(1, request(), kStart);
  for (const StepKind step : kSteps) pass(job, step, kStart);
  EXPECT_EQ(job.resume(kStart).error().code, Errc::conflict);
}

TEST(Job, ShowsTheTracksOfAGrabAndWhatTheyBecame) {
  Job job(1, request(), kStart);
  job.begin(StepKind::grab, kStart);
  const auto outcome = job.grabbed(grab_of_two());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, "2 tracks, 2.0 minutes, 9000 sectors, no doubt left");

  ariascribe::v1::Proposal proposal;
  ariascribe::v1::TrackProposal track;
  track.path = "/albums/one/02.flac";
  track.title_before = "2. Andante";
  track.identification.emplace();
  track.identification->composer = "Muzio Clementi";
  track.identification->movement_no = 2;
  track.identification->band = ariascribe::v1::Band::apply;
  track.changes = {{.tag = "COMPOSER", .before = {}, .after = {"Muzio Clementi"}, .confidence = 0.99, .reason = "Op. 36 no. 1 stands in the title of track 1"}};
  proposal.tracks = {track};
  job.on_proposal(proposal);

  ASSERT_EQ(job.state().tracks.size(), 2u);
  const v1::StageTrack& shown = job.state().tracks[1];
  EXPECT_EQ(shown.title_before, "2. Andante");
  EXPECT_EQ(shown.composer, "Muzio Clementi");
  EXPECT_EQ(shown.band, "apply");
  ASSERT_EQ(shown.fields.size(), 1u);
  EXPECT_EQ(shown.fields[0].field, "composer");
  EXPECT_EQ(job.described({.commit = "c", .files = 1, .tags = 1, .skipped = {}}), "1 of 2 tracks described, 1 tags written");
}

TEST(Job, FailsADistributionThatLeavesAReceiverWithoutACopy) {
  Job job(1, request(), kStart);
  const auto outcome = job.distributed(transfer(ardus::v1::TransferPhase::partly, ardus::v1::ReceiverState::silent));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "1 of 2 receivers hold a verified copy (studio: not heard of for 30 s)");
}

TEST(Job, TakesOnlyReceiptsThatAreSignedAndForThisContent) {
  Job job(1, request(), kStart);
  const auto whole = transfer(ardus::v1::TransferPhase::done, ardus::v1::ReceiverState::verified);
  ASSERT_TRUE(job.distributed(whole));
  ASSERT_TRUE(job.verified(nullptr));
  auto without = whole;
  without.receivers[1].receipt.clear();
  ASSERT_TRUE(job.distributed(without));
  EXPECT_EQ(job.verified(nullptr).error().message, "studio gave no receipt");
  auto other = whole;
  other.receivers[1].receipt = receipt_for(ardus::ContentId{9});
  ASSERT_TRUE(job.distributed(other));
  EXPECT_EQ(job.verified(nullptr).error().code, Errc::data_loss);
  auto changed = whole;
  changed.receivers[0].receipt[100] ^= 1;
  ASSERT_TRUE(job.distributed(changed));
  EXPECT_EQ(job.verified(nullptr).error().code, Errc::unauthenticated);
}

TEST(Job, DoesNotCallATrackVerifiedThatDiffersFromTheDisc) {
  Job job(1, request(), kStart);
  ASSERT_TRUE(job.grabbed(grab_of_two()));
  auto compared = grab_of_two();
  compared.tracks[0].verified = true;
  EXPECT_EQ(job.verified(&compared).error().message, "1 of 2 tracks are bit for bit as on the disc; the others differ");
  compared.tracks[1].verified = true;
  EXPECT_TRUE(job.verified(&compared));
}

TEST(Job, AccountsForItsPortsOnlyWhenTheyAreConfirmed) {
  Job job(1, request(), kStart);
  const Expectations expected{.tcp = {1117}, .udp = {1835}};
  portlight::v1::ListResponse ports;
  ports.listeners = {listener("tcp", 1117, "confirmed"), listener("udp", 1835, "owner_only")};
  EXPECT_FALSE(job.accounted(ports, expected));
  ports.listeners[1].identity->status = "confirmed";
  EXPECT_TRUE(job.accounted(ports, expected));
  ports.listeners.pop_back();
  EXPECT_EQ(job.accounted(ports, expected).error().message, "nothing of ours listens on 1835/udp");
}

TEST(Ledger, WritesOneLineOfJsonWithTheFactsOfAStep) {
  Job job(3, request(), kStart);
  job.begin(StepKind::grab, kStart);
  ASSERT_TRUE(job.grabbed(grab_of_two()));
  job.finish(StepKind::grab, "fine\n\xFF", kStart + 1s);
  const std::string line = ledger_line(job, "done", StepKind::grab, WallTime{} + 5ms);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("\"time_ms\":5,\"job\":3,\"event\":\"done\""), std::string::npos);
  EXPECT_NE(line.find("\"crc32\":\"abcd0001\""), std::string::npos);
}

}  // namespace
}  // namespace ghost::workflow
