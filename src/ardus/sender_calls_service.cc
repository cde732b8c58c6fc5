#include <algorithm>
#include <utility>

#include "ardus/chunk_runs.h"
#include "ardus/sender_service.h"
#include "ardus/stream_writing_service.h"
#include "b2/certificate.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kMostRelayed = 10'000;

}  // namespace

void SendingSession::join_relay(Peer& peer, v1::JoinResponse& response) const {
  Grant grant{GrantKind::relay, content_->manifest().content, name_.session, name_.nonce, {}};
  if (peer.identity.public_key.size() != grant.node.size()) return;
  std::ranges::copy(peer.identity.public_key, grant.node.begin());
  response.grant = encode_grant(grant, parts_.node.state().key());
}

Result<v1::RelayedResponse> SendingSession::relayed(const v1::RelayedRequest& request, const b2::Identity& who) {
  const auto relay = peers_.find(who.node);
  if (ended_ || relay == peers_.end() || !relay->second.relay) return Error{Errc::conflict, "join first, as a relay; the session may have ended"};
  if (request.receivers.size() > kMostRelayed) return Error{Errc::exhausted, "one relay has too many receivers"};
  Status wrong;
  for (const v1::RelayedReceiver& one : request.receivers) {
    if (Status taken = take_remote(one, who.node); !taken) wrong = taken;
  }
  calm_since_ = {};
  begin_if_due();
  check_end();
  change();
  if (!wrong) return wrong.error();
  return v1::RelayedResponse{};
}

/// What a relay says of a receiver is believed as far as it costs nothing; that it is verified, only with its own receipt and certificate.
Status SendingSession::take_remote(const v1::RelayedReceiver& told, const b2::NodeId& relay) {
  const auto id = b2::NodeId::from_bytes(told.node);
  if (!id) return id.error();
  if (const auto here = peers_.find(*id); here != peers_.end() && !here->second.left) return {};  // it says so itself
  Remote remote;
  if (const auto known = remotes_.find(*id); known != remotes_.end()) remote = known->second;
  if (remote.told.state == v1::CensusState::verified) return {};
  if (told.state == v1::CensusState::verified) {
    const auto& membership = parts_.node.state().membership();
    if (!membership) return Error{Errc::refused, "this node is no longer in a house"};
    auto member = membership->house().verify_member(told.certificates, std::chrono::system_clock::now(), "");
    if (!member) return member.error();
    if (member->node != *id || !member->roles.has(b2::Role::listen)) return Error{Errc::refused, "the receipt's node is another, or may not listen"};
    const auto receipt = parse_receipt(told.receipt);
    if (!receipt) return receipt.error();
    const auto certificate = b2::read_certificate(told.certificates.front());
    if (!certificate) return certificate.error();
    if (Status right = check_receipt(*receipt, content_->manifest().content, name_.session, name_.nonce, certificate->public_key); !right) return right;
    remote.identity = std::move(*member);
    parts_.log.info("ardus: receiver verified", {{"session", name_.session}, {"receiver", remote.identity.name}, {"by", peers_[relay].identity.name}});
  }
  remote.relay = relay;
  remote.told = told;
  remote.told.name.resize(std::min<std::size_t>(remote.told.name.size(), 64));
  remote.told.detail.resize(std::min<std::size_t>(remote.told.detail.size(), 500));
  if (!remote.identity.name.empty()) remote.told.name = remote.identity.name;
  remotes_[*id] = std::move(remote);
  return {};
}

Result<v1::JoinResponse> SendingSession::join(const v1::JoinRequest& request, const b2::Identity& who) {
  if (who.node.is_none()) return Error{Errc::unauthenticated, "sessions are joined by TLS, with a node's certificate"};
  if (ended_) return Error{Errc::conflict, "the session has ended"};
  if (!content_) return Error{Errc::busy, "the sender still reads what it is to send"};
  Peer& peer = peers_[who.node];
  if (peer.identity.where != who.where) peer.keys = nullptr;  // the connection it gave up for this one: its end says nothing any more
  peer.identity = who;
  peer.left = false;
  const std::size_t way = way_of(request, who).value_or(peer.way);
  if (std::exchange(peer.way, way) != way) peer.reports = {};  // an address of the other IP: it tells its next one by NeedSet
  peer.relay = request.relay;
  tend_ways();
  v1::JoinResponse response;
  response.nonce = to_bytes(name_.nonce);
  response.content = to_bytes(content_->manifest().content);
  response.manifest_bytes = content_->encoded().size();
  response.name = content_->manifest().name;
  const auto from = net::Address::parse(who.where);
  if (peer.trial.joined(peer.relay ? 0 : request.largest, from ? from->host() : std::string(), map_.has_value())) try_anew(peer);
  response.number = core_ && peer.number.value != 0 ? peer.number.value : 0;
  if (peer.relay) join_relay(peer, response);
  else offer_manifest(request, peer, response);
  peer.streamed = response.stream.has_value();
  if (origin_) {
    response.origin.emplace();
    response.origin->certificates = origin_->certificates;
    response.origin->grant = origin_->signed_grant;
  }
  calm_since_ = {};
  change();
  return response;
}

/// To many at once what is large: whoever joins when it has begun is told nothing of it, and asks by Manifest.
void SendingSession::offer_manifest(const v1::JoinRequest& request, const Peer& peer, v1::JoinResponse& response) {
  const std::size_t awaited = request_.receivers > 0 ? request_.receivers : request_.expected.size();  // 0: nobody knows
  if (request.reports.empty() || map_ || !is_worth_a_stream(content_->encoded().size(), awaited)) return;
  const auto reports = from_told(request.reports, ways_[peer.way]);
  if (!reports || (manifest_stream_ && (manifest_stream_->has_begun() || manifest_stream_->ended()))) return;
  if (!manifest_stream_) {
    ManifestSending::Parts parts{parts_.node.network(), parts_.node.state().key(), ways_, sources_, {}, {}, {}, parts_.log};
    parts.carries = [this](std::size_t way) { return carries(way); };
    parts.manifest = [this] { return BytesView(content_->encoded()); };
    parts.send = [this](std::size_t way, std::span<const net::Datagram> batch) { return sockets_[way].socket().send_until_full(batch); };
    manifest_stream_ = std::make_unique<ManifestSending>(std::move(parts), name_.session, sender_options());
  }
  response.stream = manifest_stream_->add(peer.identity.node, peer.way, *reports);
  response.stream->reports = to_told(sockets_[peer.way].socket().address());
  const auto here = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& p) { return !p.second.relay && !p.second.left && p.second.state != v1::CensusState::failed; })) + joined_behind();
  if (awaited > 0 && here >= awaited) manifest_stream_->all_here();
}

void SendingSession::manifest(const v1::ManifestRequest& request, b2::ServerStream<v1::ManifestPart> stream) {
  if (!content_ || ended_) return stream.fail({Errc::conflict, "the session has ended, or not begun"});
  if (manifest_stream_) {
    const b2::NodeId who = stream.context().caller->node;
    const auto peer = peers_.find(who);
    if (request.unless_streamed && peer != peers_.end() && peer->second.streamed) return stream.finish();
    manifest_stream_->done(who);
  }
  std::size_t at = 0;
  auto shared = std::make_shared<b2::ServerStream<v1::ManifestPart>>(std::move(stream));
  write_all<v1::ManifestPart>(std::move(shared), [this, at, alive = std::weak_ptr<char>(alive_)]() mutable -> std::optional<Result<v1::ManifestPart>> {
    if (alive.expired()) return Result<v1::ManifestPart>(Error{Errc::cancelled, "the session has ended"});
    const BytesView rest = BytesView(content_->encoded()).subspan(at);
    if (rest.empty()) return std::nullopt;
    v1::ManifestPart part;
    part.bytes = to_bytes(rest.first(std::min(rest.size(), kPiece)));
    at += part.bytes.size();
    return Result<v1::ManifestPart>(std::move(part));
  });
}

/// What a connection that was let go of still carries may come when the next one has long said more.
bool SendingSession::is_given_up(const Peer& peer, const b2::Identity& who) { return peer.identity.where != who.where; }

Result<v1::NeedSetResponse> SendingSession::need_set(const v1::NeedSetRequest& request, const b2::Identity& who) {
  const auto peer = peers_.find(who.node);
  if (ended_ || peer == peers_.end() || !content_) return Error{Errc::conflict, "join first; the session may have ended"};
  if (is_given_up(peer->second, who)) return Error{Errc::conflict, "joined again by another connection"};
  const auto ranges = from_runs(request.chunks.value_or(v1::ChunkRuns{}));
  if (!ranges) return ranges.error();
  auto lacks = ChunkSet::from_ranges(*ranges, content_->manifest().chunks.size());
  if (!lacks) return lacks.error();
  auto reports = from_told(request.reports, ways_[peer->second.way]);
  if (!reports && !peer->second.relay) return reports.error();  // to a relay nothing is sent
  if (manifest_stream_) manifest_stream_->done(who.node);
  Peer& known = peer->second;
  known.lacks = std::move(*lacks);
  known.reports = reports ? std::move(*reports) : net::Address();
  known.elsewhere = false;
  known.serves = request.serves.size() <= 64 && from_told(request.serves, ways_[known.way]) ? request.serves : std::string();
  known.bytes_done = request.bytes_done;
  known.state = v1::CensusState::receiving;
  known.detail.clear();
  known.fetched_before = known.fetched;
  if (!std::exchange(known.ready, true)) known.ready_since = now();
  tend_ways();
  if (map_) admit_when_tried(known);
  else begin_if_due();
  tend_trials();
  pump();
  change();
  return v1::NeedSetResponse{};
}

void SendingSession::keys(b2::ServerStream<v1::KeysUpdate> stream) {
  const b2::NodeId who = stream.context().caller->node;
  const auto peer = peers_.find(who);
  if (ended_ || peer == peers_.end()) return stream.fail({Errc::conflict, "join first; the session may have ended"});
  if (is_given_up(peer->second, *stream.context().caller)) return stream.fail({Errc::conflict, "joined again by another connection"});
  auto shared = std::make_shared<b2::ServerStream<v1::KeysUpdate>>(std::move(stream));
  peer->second.keys = shared;
  peer->second.left = false;  // also where the connection it gave up for this one was seen to end after Join
  shared->on_cancel([this, who, weak = std::weak_ptr(shared), alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    const auto gone = peers_.find(who);
    if (gone == peers_.end() || gone->second.keys != weak.lock()) return;
    gone->second.left = true;
    gone->second.left_at = now();
    if (!map_ && gone->second.state != v1::CensusState::verified) gone->second.ready = false;
    const auto kept = std::exchange(gone->second.keys, nullptr);
    if (kept) kept->fail({Errc::cancelled, "cancelled by the caller"});
    announce_timer_ = parts_.node.network().wake_at(now() + kAnnounceFirst, [this](TimePoint) { announce(); });
    change();
  });
  tell_keys(peer->second);
}

Result<v1::CensusResponse> SendingSession::census(const v1::CensusRequest& request, const b2::Identity& who) {
  const auto found = peers_.find(who.node);
  if (found == peers_.end()) return Error{Errc::conflict, "join first; the session may have ended"};
  Peer& peer = found->second;
  if (is_given_up(peer, who)) return Error{Errc::conflict, "joined again by another connection"};
  if (request.state == v1::CensusState::receiving) {
    if (peer.state != v1::CensusState::receiving) return v1::CensusResponse{};
    peer.detail = request.detail.substr(0, 500);
    set_elsewhere(peer, request.elsewhere);
    change();
    return v1::CensusResponse{};
  }
  const TimePoint now = parts_.node.network().precise_now();
  if (request.state == v1::CensusState::verified) {
    const auto receipt = parse_receipt(request.receipt);
    if (!receipt) return receipt.error();
    // What is relayed is acknowledged to its own sender.
    const std::uint64_t session = origin_ ? origin_->grant.session : name_.session;
    if (Status right = check_receipt(*receipt, content_->manifest().content, session, origin_ ? origin_->grant.nonce : name_.nonce, who.public_key); !right) return right.error();
    if (origin_) peer.certificates = request.certificates;
    peer.receipt = request.receipt;
    peer.bytes_done = content_->manifest().bytes();
    if (core_ && peer.number.value != 0) core().set_verified(peer.number, now);
    parts_.log.info("ardus: receiver verified", {{"session", name_.session}, {"receiver", peer.identity.name}});
  } else if (request.state == v1::CensusState::failed) {
    if (peer.state == v1::CensusState::verified) return v1::CensusResponse{};
    peer.ready = false;  // it counts as one that failed, and not twice
    evict(peer);
    if (manifest_stream_) manifest_stream_->done(who.node);
    parts_.log.warning("ardus: receiver failed", {{"session", name_.session}, {"receiver", peer.identity.name}, {"why", request.detail}});
  }
  peer.state = request.state;
  peer.detail = request.detail.substr(0, 500);
  tend_ways();
  begin_if_due();
  pump();
  change();
  check_end();
  return v1::CensusResponse{};
}

void SendingSession::fetch(const v1::FetchRequest& request, b2::ServerStream<v1::FetchedPart> stream) {
  if (!content_ || ended_ || (origin_ && !provided_)) return stream.fail({Errc::conflict, "the session has ended, or not begun"});
  const auto ranges = from_runs(request.chunks.value_or(v1::ChunkRuns{}));
  const auto chunks = ranges ? ChunkSet::from_ranges(*ranges, content_->manifest().chunks.size()) : Result<ChunkSet>(ranges.error());
  if (!chunks) return stream.fail(chunks.error());
  const b2::NodeId who = stream.context().caller->node;
  auto shared = std::make_shared<b2::ServerStream<v1::FetchedPart>>(std::move(stream));
  const auto go_on = write_all<v1::FetchedPart>(std::move(shared), [this, who, chunks = *chunks, at = std::uint32_t{0}, alive = std::weak_ptr<char>(alive_)]() mutable -> std::optional<Result<v1::FetchedPart>> {
    using Piece = Result<v1::FetchedPart>;
    if (alive.expired() || ended_) return Piece(Error{Errc::cancelled, "the session has ended"});
    while (at < chunks.size() && !chunks.has(at)) ++at;
    if (at == chunks.size()) return std::nullopt;
    v1::FetchedPart part;
    part.chunk = at;
    part.bytes.resize(content_->manifest().chunks[at].size);
    if (Status read = read_chunk(at, 0, part.bytes); !read) return Piece(read.error());
    ++at;
    fetched_bytes_ += part.bytes.size();
    if (const auto peer = peers_.find(who); peer != peers_.end()) {
      peer->second.fetched += part.bytes.size();
      peer->second.fetched_at = now();
    }
    return Piece(std::move(part));
  });
  if (!origin_) return;
  std::erase_if(fetching_, [](const auto& waits) { return !waits(); });
  if (go_on()) fetching_.push_back(go_on);
}

}  // namespace ghost::ardus
