#include "ardus/sender_service.h"

#include <algorithm>
#include <numeric>

#include "ardus/chunk_runs.h"
#include "ardus/grant.h"
#include "ardus/stream_writing_service.h"
#include "b2/certificate.h"
#include "base/random.h"
#include "base/units.h"

namespace ghost::ardus {

namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kCalm = std::chrono::seconds(2);          ///< nobody left to wait for: as long for somebody to come back
constexpr Duration kAnnounceFirst = std::chrono::seconds(1);
constexpr Duration kAnnounceMost = std::chrono::seconds(10);
constexpr std::uint64_t kCeiling = 1'000'000'000;            ///< bit/s, for interfaces that do not tell their speed
constexpr std::uint32_t kUsualWait = 5000, kUsualPatience = 60'000;  ///< ms
constexpr std::size_t kPiece = 256 * 1024;
constexpr int kBatchesATurn = 8;
constexpr int kSendTries = 20;
constexpr std::size_t kMostRelayed = 10'000;
constexpr std::uint32_t kWorthAPeer = 8;                     ///< blocks lacking: below, unicast is as quick
constexpr std::size_t kMostPeersNamed = 4;
constexpr Duration kStuckElsewhere = std::chrono::seconds(5);  ///< without a block: it is served from here again

std::uint64_t utc_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

std::string seconds_text(Duration span) { return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s"; }

}  // namespace

SendingSession::SendingSession(Parts parts, v1::SendRequest request) : SendingSession(std::move(parts), std::move(request), Origin{}) {}

SendingSession::SendingSession(Parts parts, v1::SendRequest request, Origin origin)
    : parts_(std::move(parts)), request_(std::move(request)), pump_timer_(parts_.node.network(), [this] { pump(); }), worker_(std::make_unique<b2::Workers>(1)) {
  if (origin.manifest) origin_.emplace(std::move(origin));
  std::array<std::uint8_t, 4> number;
  do random_bytes(number);
  while (ByteReader(number).u32() == 0);
  name_.session = ByteReader(number).u32();
  random_bytes(name_.nonce);
  random_bytes(first_secret_);
  name_.sender = parts_.node.state().key().public_key();
  started_ = now();
  const Status opened = open_ways();
  parts_.node.network().post([this, opened, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || ended_) return;
    if (!opened) return fail(opened.error());
    if (!origin_) return scan_on_worker();
    on_scanned(Content::kept({}, origin_->manifest, origin_->encoded));
  });
}

SendingSession::~SendingSession() {
  *cancelled_ = true;
  wipe(first_secret_);
}

Status SendingSession::open_ways() {
  const auto& membership = parts_.node.state().membership();
  if (!membership) {
    return Error{Errc::refused, "this node is in no house, and receivers take nothing from strangers: make a house with 'ghostlight house create NAME', "
                                "invite the receivers with 'ghostlight house invite'"};
  }
  if (!origin_ && !membership->own().roles.has(b2::Role::send)) {
    return Error{Errc::refused, "this node may not send in the house '" + membership->house().name() + "': it has the roles " + membership->own().roles.text() +
                                    "; its keeper gives others with 'ghostlight house invite --roles send'"};
  }
  std::vector<std::string> names = request_.interfaces;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    auto way = parts_.ports.way(name);
    if (!way) return way.error();
    auto socket = parts_.ports.reports(*way, [this](std::span<const net::Datagram> batch) { on_reports(batch); });
    if (!socket) return socket.error();
    sockets_.push_back(std::move(*socket));
    if (Status listening = listen_for_control(*way); !listening) return listening;
    ways_.push_back(std::move(*way));
  }
  return {};
}

/// Receivers must reach a control listener on the interface they hear the announcement on.
Status SendingSession::listen_for_control(const Way& way) {
  for (const net::Address& at : parts_.node.server().addresses()) {
    if (at.family() != net::Address::Family::ip4 || !(at.is_any() || at.with_port(0) == way.address)) continue;
    controls_.push_back(way.address.with_port(at.port()));
    return {};
  }
  auto listener = parts_.node.network().listen(way.address.with_port(kControlPort), parts_.node.server().acceptor());
  if (!listener) return parts_.ports.told_holder(listener.error(), "tcp", kControlPort).in("receivers join at 1117 on " + way.name);
  controls_.push_back((*listener)->address());
  listeners_.push_back(std::move(*listener));
  return {};
}

void SendingSession::scan_on_worker() {
  ScanWish wish;
  wish.paths.assign(request_.paths.begin(), request_.paths.end());
  wish.name = request_.name;
  wish.now_ms = utc_ms();
  wish.cancelled = cancelled_;
  b2::Workers& worker = *worker_;
  net::Reactor& reactor = parts_.node.network().reactor();
  const KeyPair& key = parts_.node.state().key();
  worker.run([this, wish = std::move(wish), &reactor, &key, alive = std::weak_ptr<char>(alive_)] {
    auto content = std::make_shared<Result<std::unique_ptr<Content>>>(scan(wish, key));
    reactor.post([this, content, alive] {
      if (!alive.expired() && !ended_) on_scanned(std::move(*content));
    });
  });
}

void SendingSession::on_scanned(Result<std::unique_ptr<Content>> content) {
  if (!content) return fail(content.error());
  content_ = std::move(*content);
  for (const std::string& remark : content_->remarks()) parts_.log.warning("ardus: scanned", {{"session", name_.session}, {"remark", remark}});
  phase_ = v1::TransferPhase::announcing;
  ready_since_ = now();
  announce();
  begin_if_due();
  look_at_core();
}

/// Somebody may be looking for the session: it has not begun, or a receiver is expected that is not here.
bool SendingSession::somebody_missing() const {
  return !map_ || peers_.size() + remotes_.size() < request_.receivers || !expected_here() || std::ranges::any_of(peers_, [](const auto& p) { return p.second.left; });
}

Announcement SendingSession::announcement(std::size_t way) const {
  const Manifest& manifest = content_->manifest();
  Announcement told;
  told.session = name_.session;
  told.sequence = announcements_;
  told.time_ms = utc_ms();
  told.sender = name_.sender;
  told.content = manifest.content;
  told.bytes = manifest.bytes();
  told.rate = static_cast<std::uint32_t>(std::min<std::uint64_t>(request_.rate / 1000, 0xffffffff));
  told.control_port = controls_[way].port();
  told.control = to_wire(controls_[way]);
  told.group = to_wire(data_group(name_.session));
  told.name = manifest.name.substr(0, kMaxAnnouncedName);
  return told;
}

std::optional<Bytes> SendingSession::announced() const {
  if (!content_ || ended_ || origin_ || controls_.empty()) return std::nullopt;
  return sign_announcement(announcement(0), parts_.node.state().key());
}

/// Every second while somebody is missing, then ever less often.
void SendingSession::announce() {
  if (ended_) return;
  ++announcements_;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    const Announcement told = announcement(i);
    const Bytes bytes = sign_announcement(told, parts_.node.state().key());
    const net::Datagram datagram{ways_[i].address, announcement_group(), bytes, ways_[i].interface};
    sockets_[i].socket().send({&datagram, 1});
  }
  announce_every_ = somebody_missing() ? kAnnounceFirst : std::min(announce_every_ * 5 / 4, kAnnounceMost);
  announce_timer_ = parts_.node.network().wake_at(now() + announce_every_, [this](TimePoint) { announce(); });
}

void SendingSession::begin_if_due() {
  if (map_ || ended_ || !content_ || (origin_ && !provided_)) return;
  // A relay is waited for as long as it takes those behind it, who count.
  const auto ready = joined_behind() + static_cast<std::size_t>(std::ranges::count_if(peers_, [&](const auto& p) {
                       return (p.second.ready || p.second.state == v1::CensusState::verified) && (!p.second.relay || request_.receivers == 0);
                     }));
  const bool waits_for_count = request_.receivers > 0;
  const std::uint32_t wait_ms = request_.wait_ms != 0 ? request_.wait_ms : waits_for_count ? 0 : kUsualWait;
  const TimePoint until = wait_ms == 0 ? TimePoint::max() : ready_since_ + std::chrono::milliseconds(wait_ms);
  std::string failures;
  std::size_t failed_count = 0;
  bool still_joining = false;
  for (const auto& [id, peer] : peers_) {
    const bool failed = peer.state == v1::CensusState::failed;
    still_joining = still_joining || (!peer.ready && !peer.left && !failed);
    if (!failed) continue;
    ++failed_count;
    failures += "; " + peer.identity.name + " can't: " + peer.detail;
  }
  for (const auto& [id, remote] : remotes_) {
    if (remote.told.state != v1::CensusState::failed) continue;
    ++failed_count;
    failures += "; " + remote.told.name + " can't: " + remote.told.detail;
  }
  // Nobody waits for a machine that said it can't.
  if (waits_for_count ? ready > 0 && ready + failed_count >= request_.receivers : !request_.expected.empty() && expected_here()) return begin();
  if (now() >= until && ready > 0) return begin();
  if (origin_) {
    if (released_) return check_end();
    begin_timer_ = parts_.node.network().wake_at(now() + std::chrono::milliseconds(500), [this](TimePoint) { begin_if_due(); });
    return;
  }
  if (now() >= until && !still_joining) {
    std::string ways;
    for (const Way& way : ways_) ways += (ways.empty() ? "" : ", ") + way.name;
    return end(v1::TransferPhase::failed,
               "no receiver joined within " + std::to_string(wait_ms) + " ms on " + ways +
                   (failures.empty() ? ": receivers run 'ardus serve --into DIR' or 'ardus receive --into DIR', are members of the house, and must hear 239.255.11.17" : failures),
               std::string(name(Errc::timed_out)));
  }
  detail_ = "waiting for receivers: " + std::to_string(ready) + (waits_for_count ? " of " + std::to_string(request_.receivers) : std::string()) + " joined";
  detail_ += (still_joining ? ", others are looking at what they have" : "") + failures;
  const TimePoint again = std::min(until, now() + std::chrono::milliseconds(500));
  begin_timer_ = parts_.node.network().wake_at(std::max(again, now() + std::chrono::milliseconds(20)), [this](TimePoint) { begin_if_due(); });
  change();
}

bool SendingSession::expected_here() const {
  return std::ranges::all_of(request_.expected, [&](const std::string& wanted) {
    const auto is = [&](const b2::NodeId& id, const std::string& name) { return name == wanted || id.words() == wanted || id.hex() == wanted; };
    if (std::ranges::any_of(remotes_, [&](const auto& r) { return is(r.first, r.second.told.name) && r.second.told.state != v1::CensusState::failed; })) return true;
    return std::ranges::any_of(peers_, [&](const auto& p) {
      return p.second.ready && (p.second.identity.name == wanted || p.first.words() == wanted || p.first.hex() == wanted);
    });
  });
}

void SendingSession::begin() {
  detail_.clear();
  map_.emplace(content_->manifest());
  ChunkSet lacking(content_->manifest().chunks.size());
  for (const auto& [id, peer] : peers_) {
    if (peer.ready && !peer.relay) lacking |= peer.lacks;
  }
  map_->append(lacking);
  MapSegment segment{name_.session, content_->manifest().content, 0, lacking.ranges()};
  segments_.push_back(encode_segment(segment, parts_.node.state().key()));
  if (map_->blocks() > 0) {
    SenderOptions options;
    options.stream.bytes = map_->stream_bytes();
    options.fixed_rate = request_.rate != 0;
    options.ceiling = request_.rate != 0 ? request_.rate : ceiling();
    options.give_up_after = patience();
    options.silent_after = std::min(options.silent_after, patience() / 2);
    keys_.emplace(name_, first_secret_, parts_.node.state().key());
    core_.emplace(options, name_, *keys_, static_cast<BlockSource&>(*this), parts_.node.network().precise_now());
  }
  phase_ = v1::TransferPhase::streaming;
  for (auto& [id, peer] : peers_) {
    if (peer.ready) admit(peer);
  }
  if (core_) core().begin(parts_.node.network().precise_now());
  pump();
  change();
}

/// Takes a receiver whose needs are known into the running session.
void SendingSession::admit(Peer& peer) {
  if (core_ && !peer.relay) {
    if (peer.number.value != 0) core().remove_receiver(peer.number);
    random_bytes(peer.secret);
    BlockSet wanted(static_cast<std::uint32_t>(map_->blocks()));
    const auto blocks = map_->blocks_with(peer.lacks);
    for (std::uint32_t block = 0; block < blocks.size(); ++block) {
      if (blocks[block]) wanted.insert(BlockIndex{block});
    }
    const JoinedReceiver joined = core().add_receiver(std::move(wanted), peer.secret, parts_.node.network().precise_now());
    peer.number = joined.number;
    peer.position = joined.position;
  }
  tell_keys(peer);
}

ChunkSet SendingSession::not_in_stream(const Peer& peer) const {
  ChunkSet others = peer.lacks;
  if (peer.relay) return others;
  for (std::uint32_t chunk = 0; chunk < others.size(); ++chunk) {
    if (map_->has(chunk)) others.erase(chunk);
  }
  return others;
}

void SendingSession::tell_keys(Peer& peer) {
  if (!map_ || !peer.ready || !peer.keys || !peer.keys->open()) return;
  v1::KeysUpdate update;
  update.map = segments_;
  update.fetch = to_runs(not_in_stream(peer).ranges());
  if (core_ && !peer.relay) {
    update.number = peer.number.value;
    update.position = peer.position.value;
    update.epoch = keys_->epoch();
    update.epoch_secret = to_bytes(keys_->epoch_secret());
    update.own_secret = to_bytes(peer.secret);
    update.reports = sockets_[peer.way].socket().address().text();
  }
  peer.keys->write(update);
  if (core_ && keys_->next_secret()) tell_next_secret(peer);
}

/// The secret of the epoch to come; whoever has no connection at present is told by tell_keys() when it has joined again.
void SendingSession::tell_next_secret(Peer& peer) {
  if (peer.number.value == 0 || !peer.keys || !peer.keys->open()) return;
  v1::KeysUpdate update;
  update.number = peer.number.value;
  update.epoch = keys_->epoch() + 1u;
  update.epoch_secret = to_bytes(*keys_->next_secret());
  peer.keys->write(update);
}

void SendingSession::tend_secrets() {
  const TimePoint now = parts_.node.network().precise_now();
  if (!core_ || ended_ || !core_->wants_secret(now)) return;
  Secret secret;
  random_bytes(secret);
  core_->set_next_secret(secret, now);
  wipe(secret);
  for (auto& [id, peer] : peers_) {
    if (peer.state != v1::CensusState::verified) tell_next_secret(peer);
  }
  parts_.log.info("ardus: new keys since a receiver left", {{"session", name_.session}, {"epoch", keys_->epoch() + 1}});
}

/// Nothing that is sent from now on is for it.
void SendingSession::evict(Peer& peer) {
  if (!core_ || peer.number.value == 0) return;
  core().evict(std::exchange(peer.number, ReceiverNumber{}), parts_.node.network().precise_now());
  tend_secrets();
}

/// Those whose connection has been gone for longer than is waited for, and those the house has taken out.
void SendingSession::evict_the_gone() {
  const auto& revoked = parts_.node.endpoint().is_revoked;
  for (auto& [id, peer] : peers_) {
    if (peer.number.value == 0 || peer.state == v1::CensusState::verified) continue;
    if (peer.left && now() - peer.left_at >= patience()) evict(peer);
    if (!revoked || !revoked(id)) continue;
    evict(peer);
    peer.state = v1::CensusState::failed;
    peer.detail = "the house has taken it out";
    if (const auto keys = std::exchange(peer.keys, nullptr)) keys->fail({Errc::refused, "the house has taken this node out"});
  }
}

Status SendingSession::read(BlockIndex block, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  for (const StreamMap::Piece& piece : map_->pieces(block.value)) {
    if (Status got = content_->read(piece.chunk, piece.in_chunk, out.subspan(piece.in_block, piece.size)); !got) return got;
    filled = piece.in_block + piece.size;
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(filled), out.end(), std::uint8_t{0});
  return {};
}

/// For calls that may change it: the bytes it gave out last are its own, and go now or never.
Sender& SendingSession::core() {
  if (!unsent_.empty()) send_unsent();
  unsent_ = {};
  return *core_;
}

void SendingSession::pump() {
  if (!core_ || ended_) return;
  net::EpollNetwork& network = parts_.node.network();
  if (!unsent_.empty()) send_unsent();
  for (int i = 0; i < kBatchesATurn && unsent_.empty(); ++i) {
    const auto batch = core_->poll(network.precise_now());
    if (batch.empty()) break;
    send_batch(batch);
  }
  tend_secrets();
  const TimePoint next = unsent_.empty() ? core_->next_wakeup() : now() + std::chrono::milliseconds(1);
  if (next == TimePoint::max()) return pump_timer_.clear();
  pump_timer_.set(next);
}

void SendingSession::send_batch(std::span<const Outgoing> batch) {
  batch_.clear();
  for (const Outgoing& out : batch) {
    if (out.to == Destination::group) {
      for (const Way& way : ways_) batch_.push_back({way.address, data_group(name_.session), out.bytes, way.interface});
    } else if (out.to == Destination::receiver) {
      for (const auto& [id, peer] : peers_) {
        if (peer.number.value == out.index) batch_.push_back({{}, peer.reports, out.bytes, 0});
      }
    }
  }
  unsent_ = batch_;
  send_tries_ = 0;
  send_unsent();
}

/// A full socket buffer is no loss yet: the rest of the batch, which the core keeps until it is asked again, is tried in a moment.
void SendingSession::send_unsent() {
  const std::size_t taken = sockets_.front().socket().send(unsent_);
  unsent_ = unsent_.subspan(std::min(taken, unsent_.size()));
  if (++send_tries_ >= kSendTries) unsent_ = {};
}

void SendingSession::on_reports(std::span<const net::Datagram> batch) {
  if (!core_ || ended_) return;
  const TimePoint now = parts_.node.network().precise_now();
  for (const net::Datagram& datagram : batch) core().on_datagram(datagram.bytes, now);
  pump();
}

void SendingSession::join_relay(Peer& peer, v1::JoinResponse& response) const {
  Grant grant{GrantKind::relay, content_->manifest().content, name_.session, name_.nonce, {}};
  if (peer.identity.public_key.size() != grant.node.size()) return;
  std::ranges::copy(peer.identity.public_key, grant.node.begin());
  response.grant = encode_grant(grant, parts_.node.state().key());
}

std::size_t SendingSession::joined_behind() const {
  return static_cast<std::size_t>(std::ranges::count_if(remotes_, [](const auto& r) { return r.second.told.state != v1::CensusState::failed; }));
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

v1::Receiver SendingSession::told(const Remote& remote) const {
  v1::Receiver told;
  told.node = remote.told.node;
  told.name = remote.told.name;
  if (const auto id = b2::NodeId::from_bytes(remote.told.node)) told.words = id->words();
  told.bytes_done = remote.told.bytes_done;
  told.receipt = remote.told.receipt;
  const auto relay = peers_.find(remote.relay);
  told.detail = (relay != peers_.end() ? "by relay " + relay->second.identity.name : std::string("by a relay")) + (remote.told.detail.empty() ? "" : ": " + remote.told.detail);
  switch (remote.told.state) {
    case v1::CensusState::committing: told.state = v1::ReceiverState::committing; break;
    case v1::CensusState::verified: told.state = v1::ReceiverState::verified; break;
    case v1::CensusState::failed: told.state = v1::ReceiverState::failed; break;
    default: told.state = map_ ? v1::ReceiverState::receiving : v1::ReceiverState::joined;
  }
  const bool open = told.state != v1::ReceiverState::verified && told.state != v1::ReceiverState::failed;
  if (open && relay != peers_.end() && relay->second.left) told.state = v1::ReceiverState::silent;
  return told;
}

void SendingSession::provide(const std::filesystem::path& folder) {
  if (ended_ || !origin_ || std::exchange(provided_, true)) return;
  content_ = Content::kept(folder, origin_->manifest, origin_->encoded);
  begin_if_due();
}

void SendingSession::release() {
  released_ = true;
  check_end();
}

bool SendingSession::is_settled() const {
  return ended_ || std::ranges::all_of(peers_, [&](const auto& p) { return p.second.state == v1::CensusState::verified || p.second.state == v1::CensusState::failed || given_up(p.second); });
}

std::vector<v1::RelayedReceiver> SendingSession::passed_on() const {
  std::vector<v1::RelayedReceiver> all;
  for (const auto& [id, peer] : peers_) {
    const v1::Receiver known = told(peer);
    if (!peer.ready && peer.state == v1::CensusState::unknown) continue;
    v1::RelayedReceiver one;
    one.node = known.node;
    one.name = known.name;
    one.state = peer.state == v1::CensusState::unknown ? v1::CensusState::receiving : peer.state;
    if (known.state == v1::ReceiverState::failed) one.state = v1::CensusState::failed;
    one.receipt = peer.receipt;
    if (peer.state == v1::CensusState::verified) one.certificates = peer.certificates;
    one.detail = known.detail;
    one.bytes_done = known.bytes_done;
    all.push_back(std::move(one));
  }
  return all;
}

Result<v1::JoinResponse> SendingSession::join(const v1::JoinRequest& request, const b2::Identity& who) {
  if (who.node.is_none()) return Error{Errc::unauthenticated, "sessions are joined by TLS, with a node's certificate"};
  if (ended_) return Error{Errc::conflict, "the session has ended"};
  if (!content_) return Error{Errc::busy, "the sender still reads what it is to send"};
  Peer& peer = peers_[who.node];
  peer.identity = who;
  peer.left = false;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    if (controls_[i].text() == request.at) peer.way = i;
  }
  v1::JoinResponse response;
  response.nonce = to_bytes(name_.nonce);
  response.content = to_bytes(content_->manifest().content);
  response.manifest_bytes = content_->encoded().size();
  response.name = content_->manifest().name;
  response.number = core_ && peer.number.value != 0 ? peer.number.value : 0;
  peer.relay = request.relay;
  if (peer.relay) join_relay(peer, response);
  if (origin_) {
    response.origin.emplace();
    response.origin->certificates = origin_->certificates;
    response.origin->grant = origin_->signed_grant;
  }
  calm_since_ = {};
  change();
  return response;
}

void SendingSession::manifest(b2::ServerStream<v1::ManifestPart> stream) {
  if (!content_ || ended_) return stream.fail({Errc::conflict, "the session has ended, or not begun"});
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

Result<v1::NeedSetResponse> SendingSession::need_set(const v1::NeedSetRequest& request, const b2::Identity& who) {
  const auto peer = peers_.find(who.node);
  if (ended_ || peer == peers_.end() || !content_) return Error{Errc::conflict, "join first; the session may have ended"};
  const auto ranges = from_runs(request.chunks.value_or(v1::ChunkRuns{}));
  if (!ranges) return ranges.error();
  auto lacks = ChunkSet::from_ranges(*ranges, content_->manifest().chunks.size());
  if (!lacks) return lacks.error();
  auto reports = net::Address::parse(request.reports);
  if (!reports) return reports.error();
  if (reports->family() != net::Address::Family::ip4 || reports->is_multicast()) return Error{Errc::malformed, "'" + request.reports + "' is no IPv4 address to send to"};
  Peer& known = peer->second;
  known.lacks = std::move(*lacks);
  known.reports = std::move(*reports);
  known.elsewhere = false;
  known.serves = request.serves.size() <= 64 && net::Address::parse(request.serves) ? request.serves : std::string();
  known.bytes_done = request.bytes_done;
  known.state = v1::CensusState::receiving;
  known.detail.clear();
  known.ready = true;
  if (map_) admit(known);
  else begin_if_due();
  pump();
  change();
  return v1::NeedSetResponse{};
}

void SendingSession::keys(b2::ServerStream<v1::KeysUpdate> stream) {
  const b2::NodeId who = stream.context().caller->node;
  const auto peer = peers_.find(who);
  if (ended_ || peer == peers_.end()) return stream.fail({Errc::conflict, "join first; the session may have ended"});
  auto shared = std::make_shared<b2::ServerStream<v1::KeysUpdate>>(std::move(stream));
  peer->second.keys = shared;
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
    evict(peer);
    parts_.log.warning("ardus: receiver failed", {{"session", name_.session}, {"receiver", peer.identity.name}, {"why", request.detail}});
  }
  peer.state = request.state;
  peer.detail = request.detail.substr(0, 500);
  begin_if_due();
  pump();
  change();
  check_end();
  return v1::CensusResponse{};
}

void SendingSession::fetch(const v1::FetchRequest& request, b2::ServerStream<v1::FetchedPart> stream) {
  if (!content_ || ended_) return stream.fail({Errc::conflict, "the session has ended, or not begun"});
  const auto ranges = from_runs(request.chunks.value_or(v1::ChunkRuns{}));
  const auto chunks = ranges ? ChunkSet::from_ranges(*ranges, content_->manifest().chunks.size()) : Result<ChunkSet>(ranges.error());
  if (!chunks) return stream.fail(chunks.error());
  auto shared = std::make_shared<b2::ServerStream<v1::FetchedPart>>(std::move(stream));
  write_all<v1::FetchedPart>(std::move(shared), [this, chunks = *chunks, at = std::uint32_t{0}, alive = std::weak_ptr<char>(alive_)]() mutable -> std::optional<Result<v1::FetchedPart>> {
    using Piece = Result<v1::FetchedPart>;
    if (alive.expired() || ended_) return Piece(Error{Errc::cancelled, "the session has ended"});
    while (at < chunks.size() && !chunks.has(at)) ++at;
    if (at == chunks.size()) return std::nullopt;
    v1::FetchedPart part;
    part.chunk = at++;
    part.bytes.resize(content_->manifest().chunks[part.chunk].size);
    if (Status read = content_->read(part.chunk, 0, part.bytes); !read) return Piece(read.error());
    fetched_bytes_ += part.bytes.size();
    return Piece(std::move(part));
  });
}

void SendingSession::set_elsewhere(Peer& peer, bool elsewhere) {
  peer.elsewhere = elsewhere;
  peer.got_on = now();
  peer.got = 0;
  if (!core_ || peer.number.value == 0) return;
  core().set_elsewhere(peer.number, elsewhere);
  pump();
}

/// Who is served alone may fetch from receivers that are done, so that the group has the sender to itself (docs/spec/ardus.md §9.2).
void SendingSession::name_peers() {
  for (auto& [id, peer] : peers_) {
    if (peer.number.value == 0 || peer.state != v1::CensusState::receiving || !peer.keys || !peer.keys->open()) continue;
    const PeerProgress progress = core_->receiver(peer.number, now());
    if (peer.elsewhere) {
      watch_elsewhere(peer, progress);
    } else if ((progress.state == PeerState::catching_up || progress.alone_blocks > 0) && progress.blocks_wanted - progress.blocks_done >= kWorthAPeer) {
      name_peer(peer);
    }
  }
}

/// Whoever does not help is left for the sender.
void SendingSession::watch_elsewhere(Peer& peer, const PeerProgress& progress) {
  if (progress.blocks_done > peer.got) {
    peer.got = progress.blocks_done;
    peer.got_on = now();
  } else if (now() - peer.got_on > kStuckElsewhere) {
    set_elsewhere(peer, false);
    peer.detail.clear();
  }
}

void SendingSession::name_peer(Peer& peer) {
  if (peer.named.size() >= kMostPeersNamed) return;
  Peer* least = nullptr;
  for (auto& [id, other] : peers_) {
    if (other.state != v1::CensusState::verified || other.serves.empty() || peer.named.contains(id)) continue;
    if (least == nullptr || other.serving < least->serving) least = &other;
  }
  if (least == nullptr) return;
  ++least->serving;
  peer.named.insert(least->identity.node);
  Grant grant{GrantKind::fetch, content_->manifest().content, name_.session, name_.nonce, {}};
  if (peer.identity.public_key.size() != grant.node.size()) return;
  std::ranges::copy(peer.identity.public_key, grant.node.begin());
  v1::PeerSource source;
  source.address = least->serves;
  source.node = to_bytes(least->identity.node.bytes);
  source.grant = encode_grant(grant, parts_.node.state().key());
  v1::KeysUpdate update;
  update.number = peer.number.value;
  update.peers.push_back(std::move(source));
  peer.keys->write(update);
  parts_.log.info("ardus: told to fetch from a receiver that is done", {{"session", name_.session}, {"receiver", peer.identity.name}, {"from", least->identity.name}});
}

void SendingSession::look_at_core() {
  if (ended_) return;
  if (core_) {
    const SenderProgress progress = core_->progress(parts_.node.network().precise_now());
    switch (progress.phase) {
      case SenderPhase::announcing:
      case SenderPhase::streaming: phase_ = v1::TransferPhase::streaming; break;
      case SenderPhase::draining: phase_ = v1::TransferPhase::draining; break;
      case SenderPhase::settling:
      case SenderPhase::lingering:
      case SenderPhase::ended: phase_ = v1::TransferPhase::settling; break;
      case SenderPhase::failed: return fail({Errc::io, progress.failure});
    }
    if (progress.attacked != attacked_) {
      attacked_ = progress.attacked;
      if (attacked_) parts_.log.warning("ardus: a member of the session forges symbols; digests of all are sent", {{"session", name_.session}});
      detail_ = attacked_ ? "a member of the session forges symbols: digests of all that is sent are sent too" : "";
    }
    const TimePoint now = parts_.node.network().precise_now();
    if (now - sampled_ >= std::chrono::milliseconds(500)) {
      const double span = std::chrono::duration<double>(now - sampled_).count();
      rate_ = sampled_ == TimePoint{} ? 0 : static_cast<std::uint64_t>(static_cast<double>(progress.sent_bytes - sampled_bytes_) * 8 / span);
      sampled_ = now;
      sampled_bytes_ = progress.sent_bytes;
    }
    evict_the_gone();
  } else if (map_) {
    phase_ = v1::TransferPhase::settling;
  }
  check_end();
  if (ended_) return;
  if (core_) name_peers();
  change();
  check_timer_ = parts_.node.network().wake_at(now() + kLook, [this](TimePoint) { look_at_core(); });
}

std::size_t SendingSession::verified() const {
  return static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& p) { return p.second.state == v1::CensusState::verified && !p.second.relay; }) +
                                  std::ranges::count_if(remotes_, [](const auto& r) { return r.second.told.state == v1::CensusState::verified; }));
}

bool SendingSession::given_up(const Peer& peer) const {
  return peer.left ? now() - peer.left_at >= patience() : core_ && peer.number.value != 0 && core_->receiver(peer.number, now()).state == PeerState::failed;
}

/// Whether anything may still come of it, and if not, how it ended.
void SendingSession::check_end() {
  if (origin_) {
    if (!ended_ && released_ && is_settled()) end(v1::TransferPhase::done, "");
    return;
  }
  if (ended_ || !map_) return;
  bool all_verified = verified() >= std::max<std::size_t>(request_.receivers, 1) && expected_here();
  bool waiting = false;
  for (const auto& [id, peer] : peers_) {
    if (peer.state == v1::CensusState::verified) continue;
    all_verified = false;
    if (peer.state == v1::CensusState::failed) continue;
    waiting = waiting || !given_up(peer);
  }
  for (const auto& [id, remote] : remotes_) all_verified = all_verified && remote.told.state == v1::CensusState::verified;
  if (all_verified) return end(v1::TransferPhase::done, "");
  if (waiting) {
    calm_since_ = {};
    return;
  }
  // Nobody is under way: those who failed may come back at once, those who never came are waited for like those who fell silent.
  if (calm_since_ == TimePoint{}) calm_since_ = now();
  const bool all_came = peers_.size() + remotes_.size() >= request_.receivers && expected_here();
  if (now() - calm_since_ < (all_came ? kCalm : std::max(kCalm, patience()))) return;
  const auto relays = static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& p) { return p.second.relay; }));
  const std::size_t wanted = std::max<std::size_t>(request_.receivers, peers_.size() - relays + remotes_.size());
  end(v1::TransferPhase::partly, std::to_string(verified()) + " of " + std::to_string(wanted) + " receivers hold a verified copy");
}

/// What its interfaces carry, the slowest of them.
std::uint64_t SendingSession::ceiling() const {
  std::uint64_t least = 0;
  for (const Way& way : ways_) {
    const std::uint64_t speed = way.speed != 0 ? way.speed : kCeiling;
    least = least == 0 ? speed : std::min(least, speed);
  }
  return least;
}

Duration SendingSession::patience() const { return std::chrono::milliseconds(request_.patience_ms != 0 ? request_.patience_ms : kUsualPatience); }

void SendingSession::cancel() { end(v1::TransferPhase::cancelled, "cancelled"); }

void SendingSession::fail(const Error& error) { end(v1::TransferPhase::failed, error.message, std::string(name(error.code))); }

void SendingSession::end(v1::TransferPhase phase, std::string detail, std::string error) {
  if (ended_) return;
  ended_ = true;
  *cancelled_ = true;
  phase_ = phase;
  detail_ = std::move(detail);
  error_ = std::move(error);
  stopped_ = now();
  last_ = told();
  parts_.log.info("ardus: transfer ended", {{"session", name_.session}, {"receivers", verified()}, {"bytes", last_->bytes}, {"s", stopped_ - started_}, {"outcome", phase == v1::TransferPhase::done ? "done" : detail_}});
  announce_timer_.reset(), begin_timer_.reset(), pump_timer_.clear(), check_timer_.reset();
  for (auto& [id, peer] : peers_) {
    if (const auto keys = std::exchange(peer.keys, nullptr)) keys->finish();
  }
  unsent_ = {};
  if (core_) core().end();
  sockets_.clear();
  listeners_.clear();
  change();
}

/// What of a verified copy did not come by multicast; "" where that is little.
std::string SendingSession::by_unicast(const Peer& peer) const {
  if (!core_ || peer.number.value == 0) return {};
  const std::uint64_t bytes = core_->receiver(peer.number, now()).unicast_symbols * kSymbolSize;
  return bytes * 20 > map_->bytes() ? format_size(bytes) + " of it by unicast" : std::string();
}

v1::Receiver SendingSession::told(const Peer& peer) const {
  v1::Receiver told;
  told.node = to_bytes(peer.identity.node.bytes);
  told.name = peer.identity.name;
  told.words = peer.identity.node.words();
  told.address = peer.identity.where;
  told.receipt = peer.receipt;
  told.detail = peer.detail;
  told.bytes_done = peer.bytes_done;
  told.state = v1::ReceiverState::joined;
  if (core_ && peer.number.value != 0) {
    const PeerProgress progress = core_->receiver(peer.number, now());
    told.loss = progress.loss;
    switch (progress.state) {
      case PeerState::joined: break;
      case PeerState::receiving: told.state = v1::ReceiverState::receiving; break;
      case PeerState::catching_up:
        told.state = v1::ReceiverState::repairing;
        told.detail = progress.away ? "does not hear multicast, or loses more than half of it: it comes by unicast" : "loses far more than the others: it is served alone";
        if (peer.elsewhere) told.detail = peer.detail;
        break;
      case PeerState::complete: told.state = v1::ReceiverState::committing; break;
      case PeerState::verified: break;
      case PeerState::silent:
        told.state = v1::ReceiverState::silent;
        told.detail = "not heard of for " + seconds_text(progress.silence);
        break;
      case PeerState::failed:
        told.state = v1::ReceiverState::failed;
        if (progress.insatiable) told.detail = "given up: it asked for everything again and again, many times over";
        if (told.detail.empty()) told.detail = "given up: not heard of for " + seconds_text(progress.silence);
        break;
    }
    if (progress.quarantined && told.detail.empty()) told.detail = "asked for more than it can have lost; served alone";
    if (progress.blocks_wanted > 0 && peer.state != v1::CensusState::verified && content_) {
      const std::uint64_t lacking = content_->manifest().bytes() - std::min(peer.bytes_done, content_->manifest().bytes());
      told.bytes_done += lacking * progress.blocks_done / progress.blocks_wanted;
    }
  }
  if (peer.left) {
    told.state = now() - peer.left_at >= patience() ? v1::ReceiverState::failed : v1::ReceiverState::silent;
    told.detail = "not heard of for " + seconds_text(now() - peer.left_at) + ", since its connection ended";
  }
  if (peer.state == v1::CensusState::committing && !peer.left) told.state = v1::ReceiverState::committing;
  if (peer.relay && told.detail.empty()) told.detail = "a relay";
  if (peer.state == v1::CensusState::failed) told.state = v1::ReceiverState::failed, told.detail = peer.detail;
  if (peer.state == v1::CensusState::verified) told.state = v1::ReceiverState::verified, told.detail = by_unicast(peer);
  return told;
}

/// What was sent to the group, packet by packet: a window counts as it goes, not when it is opened. Where receivers are served alone, what they hold on
/// average.
double SendingSession::share_done(const SenderProgress& progress) const {
  if (progress.source_packets == 0) return progress.blocks == 0 ? 0 : 1;
  const double streamed = static_cast<double>(progress.sent_packets - progress.repair_symbols) / static_cast<double>(progress.source_packets);
  double held = 0;
  std::size_t count = 0;
  for (const PeerProgress& peer : core_->receivers(now())) {
    if (peer.blocks_wanted == 0 || peer.state == PeerState::failed) continue;
    held += static_cast<double>(peer.blocks_done) / peer.blocks_wanted;
    ++count;
  }
  return std::clamp(count == 0 ? streamed : std::max(streamed, held / static_cast<double>(count)), 0.0, 1.0);
}

v1::Transfer SendingSession::told() const {
  if (last_) return *last_;
  v1::Transfer told;
  told.session = name_.session;
  told.name = request_.name;
  told.sending = true;
  told.phase = phase_;
  told.detail = detail_;
  told.error = error_;
  told.seconds = std::chrono::duration<double>(now() - started_).count();
  if (content_) {
    const Manifest& manifest = content_->manifest();
    told.name = manifest.name;
    told.content = to_bytes(manifest.content);
    told.files = manifest.files();
    told.bytes = manifest.bytes();
  }
  if (map_) told.bytes_needed = map_->bytes();
  if (core_) {
    const SenderProgress progress = core_->progress(now());
    told.bytes_done = static_cast<std::uint64_t>(static_cast<double>(told.bytes_needed) * share_done(progress));
    told.source_packets = progress.source_packets;
    told.sent_packets = progress.sent_packets;
    told.repair_symbols = progress.repair_symbols;
    told.wire_bytes = progress.sent_bytes;
    told.rate = rate_;
    told.fallback_bytes = progress.unicast_symbols * kSymbolSize;
  }
  told.wire_bytes += fetched_bytes_;
  told.fallback_bytes += fetched_bytes_;
  for (const auto& [id, peer] : peers_) told.receivers.push_back(this->told(peer));
  for (const auto& [id, remote] : remotes_) told.receivers.push_back(this->told(remote));
  for (const std::string& wanted : request_.expected) {
    const bool behind = std::ranges::any_of(remotes_, [&](const auto& r) { return r.second.told.name == wanted || r.first.words() == wanted || r.first.hex() == wanted; });
    const bool here = behind || std::ranges::any_of(peers_, [&](const auto& p) { return p.second.identity.name == wanted || p.first.words() == wanted || p.first.hex() == wanted; });
    if (here) continue;
    v1::Receiver missing;
    missing.name = wanted;
    missing.state = v1::ReceiverState::expected;
    missing.detail = "it has not joined";
    told.receivers.push_back(std::move(missing));
  }
  return told;
}

}  // namespace ghost::ardus
