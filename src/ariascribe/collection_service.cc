#include "ariascribe/collection_service.h"

#include <algorithm>
#include <map>

#include "ariascribe/collection_streams_service.h"
#include "ariascribe/work_index_service.h"
#include "base/file.h"

namespace ghost::ariascribe {

namespace {

/// Whose corrections a caller's are.
std::string person_of(const b2::CallContext& context) {
  if (!context.caller) return "owner";
  switch (context.caller->kind) {
    // Members choose their names, and may choose another's.
    case b2::Identity::Kind::member: return context.caller->name + " (" + context.caller->node.words() + ")";
    case b2::Identity::Kind::console: return "console";
    case b2::Identity::Kind::stranger: return "a stranger";
    case b2::Identity::Kind::owner: break;
  }
  return "owner";
}

}  // namespace

CollectionService::CollectionService(net::Reactor& reactor, CollectionPlaces places, std::function<Result<Repertoire>()> shipped, std::function<void()> indexed)
    : reactor_(reactor), places_(std::move(places)), shipped_(std::move(shipped)), indexed_(std::move(indexed)), corrections_(Corrections(places_.state)), feed_(reactor, [this] { return open_store(); }),
      importer_(std::make_unique<b2::Workers>(1)), exporters_(std::make_unique<b2::Workers>(2)), indexer_(std::make_unique<b2::Workers>(1)) {}

void CollectionService::stop() {
  if (upload_) upload_->cancelled = true;
  for (const auto& each : sendings_) each->cancel();
  importer_.reset();
  exporters_.reset();
  {
    const std::lock_guard lock(indexer_mutex_);
    indexer_.reset();
  }
  alive_.reset();
  feed_.stop();
  const Error ending{Errc::busy, "the daemon is shutting down"};
  if (const auto upload = std::exchange(upload_, nullptr)) upload->stream.fail(ending);
  for (const auto& each : std::exchange(sendings_, {})) each->end(ending);
}

Result<std::unique_ptr<Store>> CollectionService::open_store() const {
  const bool server = places_.store.starts_with("postgres://") || places_.store.starts_with("postgresql://");
  if (!server) {
    if (const Status made = make_directories(std::filesystem::path(places_.store).parent_path(), 0700); !made) return made.error();
  }
  return Store::open(places_.store);
}

void CollectionService::index_anew(Store& store) const {
  const auto repertoire = shipped_();
  if (repertoire && update_index(store, *repertoire, places_.index) && indexed_) indexed_();
}

void CollectionService::index_soon() {
  const std::lock_guard lock(indexer_mutex_);
  if (!indexer_) return;
  indexer_->run([this] {
    if (auto store = open_store()) index_anew(**store);
  });
}

Result<v1::Subject> CollectionService::show(const v1::ShowRequest& request, const b2::CallContext&) {
  auto store = open_store();
  if (!store) return store.error();
  const auto found = (*store)->get(request.id);
  if (!found) return found.error();
  const auto sources = (*store)->sources();
  if (!sources) return sources.error();
  std::map<std::string, const Source*> source_of;
  for (const Source& each : *sources) source_of[each.id] = &each;
  std::vector<std::string> named;
  for (const Claim& each : found->claims) named.push_back(each.value);
  const auto names = (*store)->names(named);
  if (!names) return names.error();
  const auto top = found->shown();
  v1::Subject out;
  out.id = found->id;
  out.kind = name(found->kind);
  out.rev = found->rev;
  out.gone = found->gone;
  for (const Ref& each : found->refs) out.refs.push_back(each.scheme + ":" + each.key);
  for (const Claim& each : found->claims) {
    v1::SubjectClaim claim;
    claim.field = each.field;
    claim.value = each.value;
    const auto text = names->find(each.value);
    claim.text = text == names->end() ? each.value : text->second;
    claim.detail = each.detail;
    if (const Source* source = source_of[each.source]) {
      claim.source = source->name;
      claim.licence = source->licence;
    }
    claim.confidence = each.confidence;
    claim.standing = each.standing;
    claim.shown = std::any_of(top.begin(), top.end(), [&](const Claim& other) { return other.field == each.field && other.value == each.value && other.detail == each.detail && other.source == each.source; });
    out.claims.push_back(std::move(claim));
  }
  return out;
}

Result<v1::CorrectionsProposal> CollectionService::propose(const v1::CorrectionsRequest& request, const b2::CallContext& context) {
  auto store = open_store();
  if (!store) return store.error();
  std::vector<Correction> wanted;
  for (const v1::Correction& each : request.corrections) wanted.push_back({each.subject, each.field, each.value, {}, {}});
  const auto proposal = corrections_.with([&](Corrections& corrections) { return corrections.propose(**store, wanted, person_of(context)); });
  if (!proposal) return proposal.error();
  v1::CorrectionsProposal out;
  out.id = proposal->id;
  for (const Corrections::Value& each : proposal->values) out.values.push_back({each.subject, each.field, each.before, each.after});
  return out;
}

Result<v1::CommitCorrectionsResponse> CollectionService::commit(const v1::CommitCorrectionsRequest& request, const b2::CallContext& context) {
  auto store = open_store();
  if (!store) return store.error();
  const auto done = corrections_.with([&](Corrections& corrections) { return corrections.commit(**store, request.proposal, person_of(context)); });
  if (!done) return done.error();
  index_soon();
  return v1::CommitCorrectionsResponse{done->commit, static_cast<std::uint32_t>(done->values)};
}

Result<v1::UndoCorrectionsResponse> CollectionService::undo(const v1::UndoCorrectionsRequest& request, const b2::CallContext& context) {
  auto store = open_store();
  if (!store) return store.error();
  const auto done = corrections_.with([&](Corrections& corrections) { return corrections.undo(**store, request.commit, person_of(context)); });
  if (!done) return done.error();
  index_soon();
  return v1::UndoCorrectionsResponse{static_cast<std::uint32_t>(done->values)};
}

}  // namespace ghost::ariascribe
