#include "ariascribe/library_service.h"

#include <algorithm>
#include <set>

#include "ariascribe/catalogue_service.h"
#include "ariascribe/tag_reader_service.h"
#include "ariascribe/tag_text.h"
#include "base/random.h"

namespace ghost::ariascribe {

namespace {

/// Proposals wait this many deep to be committed; older ones are forgotten.
constexpr std::size_t kKeptProposals = 32;
constexpr std::size_t kMostPaths = 100'000;

std::string proposal_id() {
  std::array<std::uint8_t, 8> bytes{};
  random_bytes(bytes);
  return to_hex(bytes);
}

v1::TrackProposal track_message(const FileProposal& file) {
  v1::TrackProposal out;
  out.path = utf8_or_escaped(file.path.native());
  out.identification = to_message(file.found);
  out.title_before = file.title_before;
  out.problem = utf8_or_escaped(file.problem);
  for (const TagChange& each : file.changes) {
    v1::TagChange change;
    change.tag = each.tag;
    change.before = each.before;
    change.after = each.after;
    change.confidence = each.confidence;
    change.reason = each.reason;
    out.changes.push_back(std::move(change));
  }
  return out;
}

}  // namespace

Result<v1::Proposal> LibraryService::propose(const v1::ProposeRequest& request, const b2::CallContext&) {
  const auto places = places_of_caller(request.paths);
  if (!places) return places.error();
  const auto knowledge = knowledge_.now();
  auto files = ariascribe::propose(knowledge->matcher, *places, request.with_review ? Reach::apply_and_review : Reach::apply);
  if (!files) return files.error();
  v1::Proposal out;
  out.id = proposal_id();
  for (const FileProposal& each : *files) out.tracks.push_back(track_message(each));
  proposals_.with([&](auto& proposals) {
    proposals.push_back({out.id, std::move(*files)});
    if (proposals.size() > kKeptProposals) proposals.pop_front();
  });
  return out;
}

Result<std::vector<FileProposal>> LibraryService::take(const v1::CommitRequest& request) {
  return proposals_.with([&](auto& proposals) -> Result<std::vector<FileProposal>> {
    const auto found = std::find_if(proposals.begin(), proposals.end(), [&](const Kept& each) { return each.id == request.proposal; });
    if (found == proposals.end()) return Error{Errc::not_found, "there is no proposal '" + request.proposal + "'; it was committed, or forgotten after newer ones: propose again"};
    if (request.paths.empty()) {
      std::vector<FileProposal> all = std::move(found->files);
      proposals.erase(found);
      return all;
    }
    const std::set<std::string, std::less<>> wanted(request.paths.begin(), request.paths.end());
    auto missing = wanted;
    std::set<std::string, std::less<>> told;
    for (const FileProposal& each : found->files) {
      const std::string path = utf8_or_escaped(each.path.native());
      missing.erase(path);
      if (!told.insert(path).second && wanted.contains(path)) return Error{Errc::conflict, "two files are told as " + path + ": rename one of them; nothing was written"};
    }
    if (!missing.empty()) return Error{Errc::not_found, "the proposal '" + request.proposal + "' has no file " + *missing.begin() + ", or it was committed; nothing was written"};
    std::vector<FileProposal> some, others;
    for (FileProposal& each : found->files) (wanted.contains(utf8_or_escaped(each.path.native())) ? some : others).push_back(std::move(each));
    found->files = std::move(others);
    if (found->files.empty()) proposals.erase(found);
    return some;
  });
}

Result<v1::CommitResponse> LibraryService::commit(const v1::CommitRequest& request, const b2::CallContext&) {
  if (request.paths.size() > kMostPaths) return Error{Errc::exhausted, "a commit names at most " + std::to_string(kMostPaths) + " files; without paths it is for all"};
  const auto files = take(request);
  if (!files) return files.error();
  auto journal = Journal::open(state_);
  if (!journal) return journal.error();
  const auto done = ariascribe::commit(*journal, *files);
  if (!done) return done.error();
  v1::CommitResponse response;
  response.commit = done->id;
  response.files = static_cast<std::uint32_t>(done->files);
  for (const FileProposal& each : *files) {
    const auto passed = std::find_if(done->passed_by.begin(), done->passed_by.end(), [&](const PassedBy& other) { return other.path == each.path; });
    if (passed != done->passed_by.end()) response.skipped.push_back({utf8_or_escaped(each.path.native()), utf8_or_escaped(passed->reason)});
    else if (!each.changes.empty()) response.tags += static_cast<std::uint32_t>(each.changes.size());
    else if (!request.paths.empty()) response.skipped.push_back({utf8_or_escaped(each.path.native()), each.problem.empty() ? "nothing would change" : utf8_or_escaped(each.problem)});
  }
  return response;
}

Result<v1::UndoResponse> LibraryService::undo(const v1::UndoRequest& request, const b2::CallContext&) {
  auto journal = Journal::open(state_);
  if (!journal) return journal.error();
  const auto done = journal->undo(request.commit);
  if (!done) return done.error();
  v1::UndoResponse response;
  response.files = static_cast<std::uint32_t>(done->files);
  return response;
}

}  // namespace ghost::ariascribe
