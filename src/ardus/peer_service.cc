#include "ardus/peer_service.h"

#include <algorithm>

#include "ardus/chunk_runs.h"
#include "ardus/stream_writing_service.h"

namespace ghost::ardus {

PeerDesk::~PeerDesk() = default;

void PeerDesk::add(Holding holding) {
  std::erase_if(held_, [&](const auto& held) { return held->session == holding.session && held->sender == holding.sender; });
  held_.push_back(std::make_shared<Holding>(std::move(holding)));
  if (held_.size() > kHeld) held_.pop_front();
}

/// The holding a request is about, if its sender lets this member have it.
Result<PeerDesk::Holding*> PeerDesk::find(const v1::PeerChunksRequest& request, const b2::Identity& who) {
  if (who.node.is_none()) return Error{Errc::unauthenticated, "chunks are handed out by TLS, to a node's certificate"};
  for (const auto& held : held_) {
    if (held->session != request.session) continue;
    const auto grant = parse_grant(request.grant, held->sender);
    if (!grant) return grant.error();
    const bool right = grant->kind == GrantKind::fetch && grant->session == held->session && grant->nonce == held->nonce && grant->content == held->manifest->content &&
                       std::ranges::equal(grant->node, who.public_key);
    if (!right) return Error{Errc::refused, "the grant is for another session, content or node"};
    return held.get();
  }
  return Error{Errc::not_found, "no copy of session " + std::to_string(request.session) + " is kept here"};
}

void PeerDesk::chunks(v1::PeerChunksRequest request, b2::ServerStream<v1::FetchedPart> stream) {
  const auto found = find(request, *stream.context().caller);
  if (!found) return stream.fail(found.error());
  Holding& holding = **found;
  const auto ranges = from_runs(request.chunks.value_or(v1::ChunkRuns{}));
  const auto chunks = ranges ? ChunkSet::from_ranges(*ranges, holding.manifest->chunks.size()) : Result<ChunkSet>(ranges.error());
  if (!chunks) return stream.fail(chunks.error());
  if (!holding.content) {
    log_.info("ardus: hands its copy on", {{"session", holding.session}, {"to", stream.context().caller->name}});
    holding.content = Content::kept(holding.into, holding.manifest, {});
  }
  const auto held = *std::ranges::find_if(held_, [&](const auto& one) { return one.get() == &holding; });
  auto shared = std::make_shared<b2::ServerStream<v1::FetchedPart>>(std::move(stream));
  write_all<v1::FetchedPart>(std::move(shared), [held, chunks = *chunks, at = std::uint32_t{0}]() mutable -> std::optional<Result<v1::FetchedPart>> {
    using Piece = Result<v1::FetchedPart>;
    while (at < chunks.size() && !chunks.has(at)) ++at;
    if (at == chunks.size()) return std::nullopt;
    const Chunk& chunk = held->manifest->chunks[at];
    v1::FetchedPart part;
    part.chunk = at++;
    part.bytes.resize(chunk.size);
    if (Status read = held->content->read(part.chunk, 0, part.bytes); !read) return Piece(Error{Errc::data_loss, "the copy here has changed since"});
    if (sha256(part.bytes) != chunk.hash) return Piece(Error{Errc::data_loss, "the copy here has changed since"});
    return Piece(std::move(part));
  });
}

}  // namespace ghost::ardus
