// What the four systems tell of a job, as the stage shows it.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/bytes.h"
#include "base/units.h"
#include "workflow/job.h"

namespace ghost::workflow {

namespace {

constexpr double kSectorsPerSecond = 75;

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : std::string(between)) + text;
  return all;
}

v1::StageReceiverState receiver_state(ardus::v1::ReceiverState state) {
  using R = ardus::v1::ReceiverState;
  switch (state) {
    case R::verified: return v1::StageReceiverState::verified;
    case R::receiving:
    case R::repairing:
    case R::committing: return v1::StageReceiverState::receiving;
    case R::silent:
    case R::failed: return v1::StageReceiverState::missing;
    case R::unknown:
    case R::expected:
    case R::joined: break;
  }
  return v1::StageReceiverState::waiting;
}

v1::StageReceiver told(const ardus::v1::Receiver& receiver, std::uint64_t bytes) {
  v1::StageReceiver one;
  one.name = receiver.name;
  one.words = receiver.words;
  one.address = receiver.address;
  one.state = receiver_state(receiver.state);
  one.share = one.state == v1::StageReceiverState::verified ? 1
              : bytes == 0                                  ? 0
                                                            : std::min(1.0, static_cast<double>(receiver.bytes_done) / static_cast<double>(bytes));
  one.loss = receiver.loss;
  one.detail = receiver.detail;
  if (!receiver.receipt.empty()) one.receipt = to_hex(BytesView(receiver.receipt).last(std::min<std::size_t>(8, receiver.receipt.size())));
  return one;
}

/// Names of Vorbis comments as the stage calls them; "" for those it does not show.
std::string_view field_of_tag(std::string_view tag) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> known = {{{"COMPOSER", "composer"},
                                                                                   {"WORK", "work"},
                                                                                   {"MOVEMENTNAME", "movement"},
                                                                                   {"MOVEMENT", "movement number"},
                                                                                   {"KEY", "key"},
                                                                                   {"CATALOGUENUMBER", "catalogue"},
                                                                                   {"OPUS", "catalogue"},
                                                                                   {"TITLE", "title"},
                                                                                   {"PERFORMER", "performers"},
                                                                                   {"CONDUCTOR", "conductor"},
                                                                                   {"ENSEMBLE", "ensemble"},
                                                                                   {"ARRANGER", "arranger"}}};
  for (const auto& [from, to] : known) {
    if (from == tag) return to;
  }
  return "";
}

std::string_view band_name(ariascribe::v1::Band band) {
  switch (band) {
    case ariascribe::v1::Band::apply: return "apply";
    case ariascribe::v1::Band::review: return "review";
    case ariascribe::v1::Band::leave: return "leave";
    case ariascribe::v1::Band::unknown: break;
  }
  return "";
}

void describe(v1::StageTrack& track, const ariascribe::v1::TrackProposal& proposal) {
  if (track.title_before.empty()) track.title_before = proposal.title_before;
  if (track.title.empty()) track.title = proposal.title_before;
  track.fields.clear();
  for (const auto& change : proposal.changes) {
    const std::string_view field = field_of_tag(change.tag);
    if (field == "title" && !change.after.empty()) track.title = change.after.front();
    if (field.empty()) continue;
    v1::StageField told;
    told.field = field;
    told.before = joined(change.before, "; ");
    told.after = joined(change.after, "; ");
    told.confidence = change.confidence;
    told.reason = change.reason;
    track.fields.push_back(std::move(told));
  }
  if (!proposal.identification) return;
  const auto& found = *proposal.identification;
  track.composer = found.composer;
  track.work = found.work;
  track.movement = found.movement;
  track.movement_no = found.movement_no;
  track.key = found.key;
  track.catalogue = found.catalogue;
  track.band = band_name(found.band);
  track.performers.clear();
  for (const auto& performer : found.performers) track.performers.push_back({performer.name, performer.role, performer.instrument});
}

}  // namespace

void Job::set_folder() {
  is_folder_ = true;
  const std::filesystem::path path = std::filesystem::path(request().source).lexically_normal();
  if (state().title.empty()) mutable_state().title = (path.has_filename() ? path : path.parent_path()).filename().string();
}

void Job::on_grab(const audiojuggler::v1::Job& job) {
  v1::StageState& state = mutable_state();
  step(StepKind::grab).done = job.done;
  step(StepKind::grab).total = job.total;
  if (job.disc) {
    if (!job.disc->title.empty()) state.title = job.disc->title;
    if (!job.disc->performer.empty()) state.performer = job.disc->performer;
    state.disc_id = job.disc->musicbrainz_id;
    for (const auto& from : job.disc->tracks) {
      if (!from.audio) continue;
      v1::StageTrack& one = track(from.number);
      if (one.title_before.empty()) one.title_before = from.title;
      one.sectors = from.sectors;
      one.seconds = from.sectors / kSectorsPerSecond;
    }
  }
  for (const auto& from : job.tracks) {
    v1::StageTrack& one = track(from.number);
    one.file = from.file;
    if (from.sectors > 0) one.sectors = from.sectors, one.seconds = from.sectors / kSectorsPerSecond;
    else if (from.seconds > 0) one.seconds = from.seconds;
    one.sectors_done = from.sectors_done;
    one.doubts = from.doubts;
    one.crc32 = from.crc32;
    if (!from.title.empty() && !is_folder_) one.title_before = from.title;  // a file's name is no title
    if (!from.peaks.empty()) one.peaks = from.peaks;
  }
}

Result<std::string> Job::grabbed(const audiojuggler::v1::Job& job) {
  on_grab(job);
  if (job.state != audiojuggler::v1::JobState::done) {
    return Error{job.state == audiojuggler::v1::JobState::cancelled ? Errc::cancelled : Errc::data_loss,
                 job.error.empty() ? "the grab ended without a result" : job.error};
  }
  std::uint64_t sectors = 0, doubts = 0;
  for (const auto& one : job.tracks) sectors += one.sectors, doubts += one.doubts;
  if (is_folder_) return fmt::format("{} files made ready", job.tracks.size());
  const double minutes = static_cast<double>(sectors) / kSectorsPerSecond / 60;
  return fmt::format("{} tracks, {:.1f} minutes, {} sectors, {}", job.tracks.size(), minutes, sectors,
                     doubts == 0 ? std::string("no doubt left") : fmt::format("{} sectors in doubt", doubts));
}

void Job::on_proposal(const ariascribe::v1::Proposal& proposal) {
  std::uint32_t number = 0;
  for (const auto& from : proposal.tracks) {
    ++number;
    v1::StageTrack* one = track_of_file(from.path);
    if (one == nullptr) {
      one = &track(number);
      one->file = from.path;
    }
    describe(*one, from);
  }
}

std::string Job::described(const ariascribe::v1::CommitResponse& commit) {
  record_.commit = commit.commit;
  const auto& tracks = state().tracks;
  const auto count = [&](std::string_view band) { return std::count_if(tracks.begin(), tracks.end(), [&](const auto& one) { return one.band == band; }); };
  std::string text = fmt::format("{} of {} tracks described, {} tags written", count("apply"), tracks.size(), commit.tags);
  if (const auto review = count("review"); review > 0) text += fmt::format(", {} to review", review);
  return text;
}

void Job::on_transfer(const ardus::v1::Transfer& transfer) {
  if (!state().transfer) mutable_state().transfer.emplace();
  v1::StageTransfer& told_of = *mutable_state().transfer;
  told_of.phase = transfer.phase == ardus::v1::TransferPhase::unknown ? "" : name(transfer.phase);
  told_of.bytes = transfer.bytes;
  told_of.files = transfer.files;
  told_of.wire_bytes = transfer.wire_bytes;
  told_of.source_packets = transfer.source_packets;
  told_of.sent_packets = transfer.sent_packets;
  told_of.repair_symbols = transfer.repair_symbols;
  told_of.rate = transfer.rate;
  told_of.share = transfer.bytes_needed == 0 ? 0 : std::min(1.0, static_cast<double>(transfer.bytes_done) / static_cast<double>(transfer.bytes_needed));
  told_of.content = to_hex(transfer.content);
  told_of.receivers.clear();
  record_.receipts.clear();
  for (const auto& receiver : transfer.receivers) {
    told_of.receivers.push_back(told(receiver, transfer.bytes_needed));
    record_.receipts.push_back(receiver.receipt);
  }
  step(StepKind::distribute).done = transfer.bytes_done;
  step(StepKind::distribute).total = transfer.bytes_needed;
  if (!transfer.detail.empty()) step(StepKind::distribute).detail = transfer.detail;
}

Result<std::string> Job::distributed(const ardus::v1::Transfer& transfer) {
  on_transfer(transfer);
  const auto& receivers = state().transfer->receivers;
  std::string missing;
  std::size_t verified = 0;
  for (const v1::StageReceiver& one : receivers) {
    if (one.state == v1::StageReceiverState::verified) ++verified;
    else missing += (missing.empty() ? "" : "; ") + one.name + (one.detail.empty() ? "" : ": " + one.detail);
  }
  if (transfer.phase != ardus::v1::TransferPhase::done || verified < request().receivers) {
    std::string why = fmt::format("{} of {} receivers hold a verified copy", verified, std::max<std::size_t>(request().receivers, receivers.size()));
    if (!missing.empty()) why += " (" + missing + ")";
    if (!transfer.detail.empty()) why += ": " + transfer.detail;
    return Error{Errc::aborted, why};
  }
  const double share = transfer.bytes == 0 ? 0 : static_cast<double>(transfer.wire_bytes) / static_cast<double>(transfer.bytes);
  return fmt::format("{} of {} receivers verified, {} once, {:.3f} wire bytes per byte", verified, verified, format_size(transfer.bytes), share);
}

void Job::on_verification(const audiojuggler::v1::Job& job) {
  step(StepKind::verify).done = job.done;
  step(StepKind::verify).total = job.total;
  for (const auto& from : job.tracks) track(from.number).verified = from.verified;
}

/// Whether a receiver's receipt is signed, and for this content.
static Status check_copy(const v1::StageReceiver& receiver, BytesView signed_receipt, std::string_view content) {
  if (signed_receipt.empty()) return Error{Errc::data_loss, receiver.name + " gave no receipt"};
  const auto receipt = ardus::parse_receipt(signed_receipt);
  if (!receipt) return receipt.error().in(receiver.name);
  if (to_hex(receipt->content) != content) return Error{Errc::data_loss, receiver.name + ": its receipt is for other content, " + to_hex(receipt->content)};
  return {};
}

Result<std::string> Job::verified(const audiojuggler::v1::Job* job) {
  if (job != nullptr) {
    on_verification(*job);
    if (job->state != audiojuggler::v1::JobState::done) return Error{Errc::data_loss, job->error.empty() ? "the comparison ended without a result" : job->error};
  }
  std::size_t same = 0;
  for (const v1::StageTrack& one : state().tracks) same += one.verified ? 1 : 0;
  if (job != nullptr && same < state().tracks.size()) {
    return Error{Errc::data_loss, fmt::format("{} of {} tracks are bit for bit as on the disc; the others differ", same, state().tracks.size())};
  }
  for (std::size_t i = 0; i < record_.receipts.size(); ++i) {
    if (const Status good = check_copy(state().transfer->receivers[i], record_.receipts[i], state().transfer->content); !good) return good.error();
  }
  std::string text = job == nullptr ? std::string("no disc to compare with") : fmt::format("{} of {} tracks bit for bit as on the disc", same, same);
  if (!record_.receipts.empty()) text += fmt::format(", {} signed receipts checked", record_.receipts.size());
  return text;
}

namespace {

bool is_ours(const portlight::v1::Listener& listener) {
  constexpr std::array<std::string_view, 6> programs = {"ghostlight", "ardus", "ariascribe", "audiojuggler", "portlight", "b2"};
  if (!listener.owner) return false;
  return std::find(programs.begin(), programs.end(), listener.owner->process) != programs.end();
}

std::string identity_text(const portlight::v1::Identity& identity) {
  std::string text = identity.product.empty() ? identity.protocol : identity.product;
  if (!identity.version.empty()) text += " " + identity.version;
  if (!identity.product.empty() && !identity.protocol.empty() && identity.protocol != identity.product) text += " (" + identity.protocol + ")";
  return text;
}

std::string owner_text(const portlight::v1::Owner& owner) {
  std::string text = owner.process.empty() ? owner.status : owner.process;
  if (owner.pid != 0) text += fmt::format(", pid {}", owner.pid);
  if (!owner.user.empty()) text += ", " + owner.user;
  return text;
}

v1::StagePort told(const portlight::v1::Listener& listener) {
  v1::StagePort port;
  port.port = listener.port;
  port.protocol = listener.protocol;
  port.address = listener.address;
  port.netns = listener.netns;
  if (!listener.registry.empty()) port.registered = listener.registry.front().name;
  if (listener.identity) port.identity = identity_text(*listener.identity), port.status = listener.identity->status;
  if (listener.owner) port.owner = owner_text(*listener.owner);
  port.verdict = listener.verdict;
  port.why = listener.why;
  port.ours = is_ours(listener);
  return port;
}

/// Our listeners on a port: whether there is one, and whether all are what the registry says.
Status check_port(const std::vector<v1::StagePort>& ports, std::string_view protocol, std::uint16_t number) {
  bool found = false;
  for (const v1::StagePort& port : ports) {
    if (!port.ours || port.port != number || port.protocol != protocol) continue;
    found = true;
    if (port.status != "confirmed") return Error{Errc::conflict, fmt::format("{}/{} at {}: {}", number, protocol, port.address, port.why.empty() ? port.status : port.why)};
  }
  if (!found) return Error{Errc::not_found, fmt::format("nothing of ours listens on {}/{}", number, protocol)};
  return {};
}

}  // namespace

Result<std::string> Job::accounted(const portlight::v1::ListResponse& ports, const Expectations& expected) {
  v1::StageState& state = mutable_state();
  state.ports.clear();
  for (const auto& listener : ports.listeners) state.ports.push_back(told(listener));
  std::stable_sort(state.ports.begin(), state.ports.end(), [](const auto& a, const auto& b) {
    return std::tuple(!a.ours, a.port, a.protocol, a.netns) < std::tuple(!b.ours, b.port, b.protocol, b.netns);
  });
  state.unseen = ports.unseen;
  std::string wrong;
  const auto look = [&](std::string_view protocol, const std::vector<std::uint16_t>& numbers) {
    for (const std::uint16_t number : numbers) {
      if (const Status right = check_port(state.ports, protocol, number); !right) wrong += (wrong.empty() ? "" : "; ") + right.error().message;
    }
  };
  look("tcp", expected.tcp);
  look("udp", expected.udp);
  if (!wrong.empty()) return Error{Errc::conflict, wrong};
  const auto ours = std::count_if(state.ports.begin(), state.ports.end(), [](const auto& one) { return one.ours; });
  const auto worry = std::count_if(state.ports.begin(), state.ports.end(), [](const auto& one) { return one.verdict == "warn" || one.verdict == "alert"; });
  std::string text = fmt::format("{} listeners, {} of them ours and confirmed", state.ports.size(), ours);
  text += worry == 0 ? ", none to worry about" : fmt::format(", {} to look at", worry);
  if (!state.unseen.empty()) text += fmt::format(", {} not visible", state.unseen.size());
  return text;
}

}  // namespace ghost::workflow
