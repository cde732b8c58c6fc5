#include "ardus/receiver_service.h"

#include <algorithm>

#include "ardus/chunk_runs.h"
#include "ardus/receipt.h"
#include "b2/certificate.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr Duration kReceiverLook = std::chrono::milliseconds(100);
constexpr Duration kRedial = std::chrono::milliseconds(500);
constexpr Duration kDialPatience = std::chrono::seconds(5);
constexpr Duration kSilence = std::chrono::seconds(60);   ///< without a sign of the sender
constexpr std::size_t kMuchOnDisk = 64 * 1024 * 1024;     ///< bytes waiting for the store's thread: the sender is told
constexpr std::size_t kMuchWaiting = 1024 * 1024;         ///< bytes in the socket's buffer, where it is as large as it should be: the same
constexpr double kMuchLost = 0.08;                        ///< of the group's packets: what is missing is sought elsewhere, too
constexpr std::size_t kMostEarly = 32 * 1024 * 1024;      ///< bytes of datagrams kept until the keys are here
constexpr std::size_t kMostForgers = 8;                   ///< addresses that are told
constexpr std::size_t kTooMuchOnDisk = 512 * 1024 * 1024; ///< what comes beyond is dropped, and comes again

std::uint64_t receipt_time() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

Result<Secret> secret_of(const Bytes& bytes) {
  Secret secret;
  if (bytes.size() != secret.size()) return Error{Errc::malformed, "the sender's keys are not 32 bytes long"};
  std::copy(bytes.begin(), bytes.end(), secret.begin());
  return secret;
}

}  // namespace

ReceivingSession::ReceivingSession(Parts parts, Announcement announcement)
    : parts_(std::move(parts)), announcement_(std::move(announcement)), worker_(std::make_unique<b2::Workers>(1)) {
  started_ = heard_ = now();
  name_.session = announcement_.session;
  name_.sender = announcement_.sender;
  target_.tls = true;
  const auto address = from_wire(announcement_.control, announcement_.control_port);
  if (address) target_.address = *address;
  detail_ = "joining " + target_.text();
  parts_.node.network().post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || ended_) return;
    if (target_.address.family() == net::Address::Family::none) return give_up({Errc::unsupported, "the sender is to be joined by IPv6, which this receiver does not do"});
    dial();
    look();
  });
}

ReceivingSession::~ReceivingSession() { *cancelled_ = true; }

void ReceivingSession::announced(const Announcement& again) {
  if (again.sequence <= announcement_.sequence) return;
  announcement_.sequence = again.sequence;
  announcement_.time_ms = again.time_ms;
  heard_ = now();
}

/// Sockets that are bound to the old address hear and send nothing more, the control connection included: all is opened anew, and the sender is
/// told by NeedSet where reports come from and unicast goes to.
void ReceivingSession::moved(const Way& way, std::string serves) {
  if (ended_) return;
  parts_.way = way;
  parts_.serves = std::move(serves);
  pump_timer_.reset();
  pump_at_ = {};
  core_.reset();
  reports_ = {};
  membership_ = {};
  data_ = {};
  if (link_) return lost({Errc::io, "this machine's address on " + way.name + " is another: " + way.address.host()});
  if (!dial_) return;
  dial_.reset();
  redial();
}

void ReceivingSession::dial() {
  b2::Trust trust;
  const auto& membership = parts_.node.state().membership();
  if (!membership) {
    return give_up({Errc::refused, "this node is in no house, so it can't tell whether the sender may be trusted: join the sender's house with 'ghostlight house join'"});
  }
  trust.house = parts_.node.state().house();  // which stays, also if the membership should end meanwhile
  trust.any_key_on_loopback = false;
  dial_ = std::make_unique<b2::Dial>(b2::Dial::Parts{parts_.node.network(), parts_.node.endpoint(), parts_.node.tls(), trust, kDialPatience}, target_,
                                     [this](Result<std::unique_ptr<b2::Link>> link) { on_dialed(std::move(link)); });
}

void ReceivingSession::on_dialed(Result<std::unique_ptr<b2::Link>> link) {
  if (!link) {
    if (link.error().code == Errc::unauthenticated || link.error().code == Errc::refused) return give_up(link.error());
    detail_ = "the sender can't be reached for control: " + link.error().message;
    return redial();
  }
  auto sender = judge_sender(**link);
  if (!sender) return give_up(sender.error());
  sender_ = std::move(*sender);
  link_ = std::move(*link);
  ++link_count_;
  dials_failed_ = 0;
  redial_timer_.reset();
  b2::Link::Events events;
  events.closed = [this](const Error& why) { lost(why); };
  link_->set_events(std::move(events));
  detail_.clear();
  join();
}

/// A member of our house with the role send, whose key is the one that signed the announcement; or any member, if it relays one.
Result<b2::Identity> ReceivingSession::judge_sender(const b2::Link& link) {
  const auto& tls = link.peer().tls;
  const auto& membership = parts_.node.state().membership();
  if (!membership) return Error{Errc::refused, "this node is no longer in a house: " + parts_.node.state().membership_problem()};
  const auto& house = membership->house();
  if (!tls) return Error{Errc::unauthenticated, target_.text() + ": it does not speak TLS"};
  auto member = house.verify_member(tls->certificates, std::chrono::system_clock::now(), "");
  if (!member) return member.error();
  may_not_send_.reset();
  publisher_ = announcement_.sender;
  if (!member->roles.has(b2::Role::send) && !member->roles.has(b2::Role::admin)) {
    may_not_send_ = Error{Errc::refused, member->name + " (" + member->node.words() + ") may not send in the house '" + house.name() + "': it has the roles " + member->roles.text() +
                                    "; the house's keeper gives others with 'ghostlight house invite --roles send'"};
  }
  const std::string& only = parts_.accept_from;
  if (!only.empty() && only != member->name && only != member->node.words() && only != member->node.hex()) {
    may_not_send_ = Error{Errc::refused, "this receiver takes transfers from '" + only + "' only, and this one is from " + member->name + " (" + member->node.words() + ")"};
  }
  if (!std::ranges::equal(tls->public_key, announcement_.sender)) {
    return Error{Errc::unauthenticated, target_.text() + ": another node answers there than the one that signed the announcement"};
  }
  return std::move(*member);
}

/// Who relays must show whose content it is, and that it was let: by a member that may send.
Status ReceivingSession::judge_origin(const v1::Origin& origin) {
  const auto& membership = parts_.node.state().membership();
  if (!membership) return Error{Errc::refused, "this node is no longer in a house: " + parts_.node.state().membership_problem()};
  auto member = membership->house().verify_member(origin.certificates, std::chrono::system_clock::now(), "");
  if (!member) return member.error().in("the sender behind the relay " + sender_.name);
  if (!member->roles.has(b2::Role::send) && !member->roles.has(b2::Role::admin)) {
    return Error{Errc::refused, member->name + " (" + member->node.words() + "), whose content " + sender_.name + " relays, may not send: it has the roles " + member->roles.text()};
  }
  const std::string& only = parts_.accept_from;
  if (!only.empty() && only != member->name && only != member->node.words() && only != member->node.hex()) {
    return Error{Errc::refused, "this receiver takes transfers from '" + only + "' only, and this one is from " + member->name + " (" + member->node.words() + ")"};
  }
  const auto certificate = b2::read_certificate(origin.certificates.front());
  if (!certificate) return certificate.error();
  publisher_ = certificate->public_key;
  const auto grant = parse_grant(origin.grant, publisher_);
  if (!grant) return grant.error();
  if (grant->kind != GrantKind::relay || grant->content != announcement_.content || grant->node != announcement_.sender) {
    return Error{Errc::refused, sender_.name + " was not let relay this by " + member->name};
  }
  receipt_session_ = grant->session;
  receipt_nonce_ = grant->nonce;
  relayed_ = true;
  return {};
}

/// The control connection is gone; what comes by multicast goes on.
void ReceivingSession::lost(const Error& why) {
  if (ended_) return;
  ++link_count_;
  std::shared_ptr<b2::Link> old = std::move(link_);
  parts_.node.network().post([old] {});  // not from within its own callbacks
  fetch_timer_.reset();
  census_under_way_ = false;
  parts_.log.info("ardus: control connection lost", {{"session", name_.session}, {"why", why.message}});
  redial();
}

void ReceivingSession::redial() {
  dials_failed_ = std::min(dials_failed_ + 1, 8);
  redial_timer_ = parts_.node.network().wake_at(now() + kRedial * dials_failed_, [this](TimePoint) {
    if (!ended_) dial();
  });
  change();
}

void ReceivingSession::join() {
  v1::JoinRequest request;
  request.session = name_.session;
  request.at = target_.address.text();
  request.relay = static_cast<bool>(parts_.relay);
  v1::SessionClient(caller()).join(request, [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::JoinResponse>& response) {
    if (alive.expired() || ended_ || link != link_count_) return;
    if (response) return on_joined(*response);
    if (response.error().code == Errc::busy) {
      redial_timer_ = parts_.node.network().wake_at(now() + kRedial, [this, link](TimePoint) {
        if (!ended_ && link == link_count_) join();
      });
      return;
    }
    call_failed(response.error());
  });
}

/// What the sender refused ends the session; what a broken connection did is made good by the next one.
void ReceivingSession::call_failed(const Error& error) {
  switch (error.code) {
    case Errc::io:
    case Errc::unknown:
    case Errc::busy:
    case Errc::timed_out:
    case Errc::cancelled: break;
    default: return give_up(error);
  }
  parts_.node.network().post([this, error, alive = std::weak_ptr<char>(alive_), link = link_count_] {
    if (!alive.expired() && !ended_ && link == link_count_ && link_) lost(error);
  });
}

void ReceivingSession::on_joined(const v1::JoinResponse& response) {
  if (response.nonce.size() != name_.nonce.size() || !std::ranges::equal(response.content, announcement_.content)) {
    return give_up({Errc::malformed, "the sender's answer to Join does not fit its announcement"});
  }
  std::copy(response.nonce.begin(), response.nonce.end(), name_.nonce.begin());
  receipt_session_ = name_.session;
  receipt_nonce_ = name_.nonce;
  if (response.origin) {
    if (Status right = judge_origin(*response.origin); !right) return give_up(right.error());
  } else if (may_not_send_) {
    return give_up(*may_not_send_);
  }
  relay_grant_ = response.grant;
  if (parts_.relay && holds_ && !released_) return get_keys();  // whose end says that the connection is gone
  if (census_ != v1::CensusState::unknown) return send_census();
  if (!manifest_) return get_manifest(response.manifest_bytes);
  if (opening_ || committing_) return;
  if (!store_) return open_store();
  if (core_ && response.number == number_.value) return get_keys();
  need();
}

void ReceivingSession::get_manifest(std::uint64_t size) {
  if (size > ManifestLimits().encoded) return give_up({Errc::exhausted, "the manifest has " + std::to_string(size) + " bytes, more than are taken"});
  manifest_bytes_.clear();
  v1::ManifestRequest request;
  request.session = name_.session;
  v1::SessionClient(caller()).manifest(
      request,
      [this, size, alive = std::weak_ptr<char>(alive_), link = link_count_](const v1::ManifestPart& part) {
        if (alive.expired() || ended_ || link != link_count_) return;
        if (manifest_bytes_.size() + part.bytes.size() > size) return give_up({Errc::malformed, "the manifest is longer than the sender said"});
        manifest_bytes_.insert(manifest_bytes_.end(), part.bytes.begin(), part.bytes.end());
      },
      [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Status& status) {
        if (alive.expired() || ended_ || link != link_count_) return;
        if (status) on_manifest();
        else call_failed(status.error());
      });
}

void ReceivingSession::on_manifest() {
  auto manifest = parse_manifest(manifest_bytes_);
  if (!manifest) return give_up(manifest.error());
  if (manifest->content != announcement_.content) return give_up({Errc::unauthenticated, "the manifest is not of the content that was announced"});
  // The sender's own key is the publisher it vouches for.
  if (manifest->publisher != publisher_) return give_up({Errc::unauthenticated, "the manifest was signed by another than the sender"});
  manifest_ = std::make_shared<Manifest>(std::move(*manifest));
  if (parts_.relay) tell_relay();
  open_store();
}

void ReceivingSession::tell_relay() {
  SendingSession::Origin origin;
  origin.manifest = manifest_;
  origin.encoded = manifest_bytes_;
  if (link_ && link_->peer().tls) origin.certificates = link_->peer().tls->certificates;
  origin.signed_grant = relay_grant_;
  auto grant = parse_grant(relay_grant_, announcement_.sender);
  if (!grant) return give_up(grant.error().in("the sender lets nobody relay"));
  origin.grant = *grant;
  parts_.relay(std::move(origin));
}

bool ReceivingSession::pass_on(std::vector<v1::RelayedReceiver> receivers) {
  if (!link_ || ended_ || name_.nonce == SessionNonce{}) return false;
  v1::RelayedRequest request;
  request.session = name_.session;
  request.receivers = std::move(receivers);
  v1::SessionClient(caller()).relayed(request, [this, alive = std::weak_ptr<char>(alive_)](const Result<v1::RelayedResponse>& answer) {
    if (!alive.expired() && !answer) parts_.log.warning("ardus: the sender does not take what is told of a receiver", {{"session", name_.session}, {"why", answer.error().message}});
  });
  return true;
}

void ReceivingSession::release() {
  released_ = true;
  if (holds_) hand_over();
}

void ReceivingSession::on_disk(std::function<void()> work, std::function<void()> then) {
  net::Reactor& reactor = parts_.node.network().reactor();
  worker_->run([work = std::move(work), then = std::move(then), &reactor, alive = std::weak_ptr<char>(alive_)] {
    work();
    reactor.post([then, alive] {
      if (!alive.expired()) then();
    });
  });
}

void ReceivingSession::open_store() {
  phase_ = Phase::scanning;
  detail_ = "looking at what is in " + parts_.into.string();
  opening_ = true;
  const auto wish = std::make_shared<Store::Wish>();
  wish->target = parts_.into;
  wish->manifest = manifest_;
  wish->encoded = std::move(manifest_bytes_);
  wish->cancelled = cancelled_;
  wish->seeds = parts_.seeds;
  wish->owners = parts_.owners;
  const auto opened = std::make_shared<Result<std::unique_ptr<Store>>>(Error{Errc::cancelled, "cancelled"});
  on_disk([wish, opened] { *opened = Store::open(std::move(*wish)); }, [this, opened] { on_store(std::move(*opened)); });
  change();
}

void ReceivingSession::on_store(Result<std::unique_ptr<Store>> store) {
  opening_ = false;
  if (ended_) return;
  if (!store) return give_up(store.error());
  store_ = std::move(*store);
  lacks_ = store_->missing();
  on_their_way_ = ChunkSet(lacks_->size());
  bytes_done_ = store_->bytes_done();
  phase_ = Phase::announcing;
  detail_ = "waiting for the sender to begin";
  parts_.log.info("ardus: joined", {{"session", name_.session}, {"from", sender_.name}, {"bytes_here", bytes_done_}, {"chunks_missing", lacks_->count()}});
  if (link_) need();
}

void ReceivingSession::need() {
  if (!reports_ && !parts_.relay) {
    auto reports = parts_.ports.reports(parts_.way, [this](std::span<const net::Datagram> batch) { on_datagrams(batch); });
    if (!reports) return give_up(reports.error());
    reports_ = std::move(*reports);
  }
  core_.reset();
  tail_ = static_cast<std::uint32_t>(lacks_->size());
  if (!lacks_->empty()) {
    if (Status listening = listen_to_group(); !listening) return give_up(listening.error());
  }
  v1::NeedSetRequest request;
  request.serves = parts_.serves;
  request.session = name_.session;
  request.chunks = to_runs(lacks_->ranges());
  request.reports = parts_.relay ? parts_.way.address.with_port(kReportPort).text() : reports_.socket().address().text();
  request.bytes_done = bytes_done_;
  v1::SessionClient(caller()).need_set(request, [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::NeedSetResponse>& response) {
    if (alive.expired() || ended_ || link != link_count_) return;
    if (!response) return call_failed(response.error());
    get_keys();
    if (lacks_->empty()) commit();
  });
  change();
}

void ReceivingSession::get_keys() {
  v1::KeysRequest request;
  request.session = name_.session;
  v1::SessionClient(caller()).keys(
      request,
      [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const v1::KeysUpdate& update) {
        if (!alive.expired() && !ended_ && link == link_count_) on_keys(update);
      },
      [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Status& status) {
        if (alive.expired() || ended_ || link != link_count_ || census_ == v1::CensusState::verified) return;
        if (!status) return call_failed(status.error());
        give_up({Errc::aborted, "the sender ended the session before this copy was whole; what came is kept"});
      });
}

void ReceivingSession::on_keys(const v1::KeysUpdate& update) {
  if (committing_ || lacks_->empty()) return;
  for (const v1::PeerSource& peer : update.peers) elsewhere().add_peer(peer);
  if (!update.peers.empty()) return;
  // A number is used once: with it go the keys of its paths, whose packet numbers begin at 0. What comes for it later are keys of the group.
  if (update.number != 0 && update.number == number_.value) return learn_secret(update);
  detail_.clear();
  phase_ = Phase::streaming;
  if (Status read = read_map(update); !read) return give_up(read.error());
  if (update.number != 0) {
    if (Status started = start_core(update); !started) return give_up(started.error());
  }
  if (update.fetch) fetch(*update.fetch);
  change();
}

void ReceivingSession::learn_secret(const v1::KeysUpdate& update) {
  const auto secret = secret_of(update.epoch_secret);
  if (!core_ || !keys_ || !secret || update.epoch > 255) return;
  keys_->learn(static_cast<std::uint8_t>(update.epoch), *secret);
  core_->keys_told(parts_.node.network().precise_now());
  pump();
}

Status ReceivingSession::read_map(const v1::KeysUpdate& update) {
  map_.emplace(*manifest_);
  for (std::uint32_t number = 0; number < update.map.size(); ++number) {
    const auto segment = parse_segment(update.map[number], name_.sender);
    if (!segment) return segment.error();
    if (segment->session != name_.session || segment->content != manifest_->content || segment->number != number) {
      return Error{Errc::malformed, "stream map: a segment of another session, or out of order"};
    }
    const auto chunks = ChunkSet::from_ranges(segment->chunks, manifest_->chunks.size());
    if (!chunks) return chunks.error();
    map_->append(*chunks);
  }
  return {};
}

/// Before the session begins: a switch needs a moment to let the group through, and the keys come by TCP, where a loss takes time.
Status ReceivingSession::listen_to_group() {
  if (data_) return {};
  auto data = parts_.ports.data([this](std::span<const net::Datagram> batch) { on_datagrams(batch); });
  if (!data) return data.error();
  data_ = std::move(*data);
  auto membership = parts_.ports.join(data_, data_group(name_.session), parts_.way);
  if (!membership) return membership.error();
  membership_ = std::move(*membership);
  return {};
}

/// Keeps what came before the keys, as long as it is not too much.
void ReceivingSession::keep_early(std::span<const net::Datagram> batch) {
  for (const net::Datagram& datagram : batch) {
    if (early_.size() + datagram.bytes.size() > kMostEarly) return;
    early_sizes_.push_back(datagram.bytes.size());
    early_.insert(early_.end(), datagram.bytes.begin(), datagram.bytes.end());
  }
}

void ReceivingSession::take_early() {
  const Bytes bytes = std::exchange(early_, {});
  std::vector<BytesView> views;
  std::size_t at = 0;
  for (const std::size_t size : std::exchange(early_sizes_, {})) {
    views.push_back(BytesView(bytes).subspan(at, size));
    at += size;
  }
  core_->on_datagrams(views, parts_.node.network().precise_now());
}

Status ReceivingSession::start_core(const v1::KeysUpdate& update) {
  const auto epoch_secret = secret_of(update.epoch_secret), own_secret = secret_of(update.own_secret);
  if (!epoch_secret) return epoch_secret.error();
  if (!own_secret) return own_secret.error();
  auto reports_to = net::Address::parse(update.reports);
  if (!reports_to) return reports_to.error();
  reports_to_ = std::move(*reports_to);
  if (map_->blocks() > 0xffff'ffff || update.epoch > 255) return Error{Errc::malformed, "the stream is longer than there are blocks"};
  if (Status listening = listen_to_group(); !listening) return listening;
  ReceiverOptions options;
  options.session = name_.session;
  options.number = number_ = ReceiverNumber{update.number};
  options.stream.bytes = map_->stream_bytes();
  options.position = BlockIndex{update.position};
  std::array<std::uint8_t, 8> seed;
  random_bytes(seed);
  options.seed = ByteReader(seed).u64();
  BlockSet wanted(static_cast<std::uint32_t>(map_->blocks()));
  const auto blocks = map_->blocks_with(*lacks_);
  for (std::uint32_t block = 0; block < blocks.size(); ++block) {
    if (blocks[block]) wanted.insert(BlockIndex{block});
  }
  assembly_.emplace(*manifest_, *map_, *lacks_);
  decoder_ = std::make_unique<BlockDecoder>(options.stream, static_cast<BlockSink&>(*this));
  keys_ = std::make_unique<SessionReceiverKeys>(name_, static_cast<std::uint8_t>(update.epoch), *epoch_secret, number_, *own_secret);
  core_ = std::make_unique<Receiver>(options, std::move(wanted), *keys_, *decoder_, parts_.node.network().precise_now());
  take_early();
  pump();
  return {};
}

/// What is not in the stream comes by the control connection.
void ReceivingSession::fetch(const v1::ChunkRuns& runs) {
  if (runs.first.empty()) return;
  if (parts_.fetch_rate != 0) {
    const auto ranges = from_runs(runs);
    auto wanted = ranges ? ChunkSet::from_ranges(*ranges, lacks_->size()) : Result<ChunkSet>(ranges.error());
    if (!wanted) return give_up(wanted.error());
    to_fetch_ = std::move(*wanted);
    return fetch_next();
  }
  fetch_all(runs, [] {});
}

/// A fifth of a second's worth, and the next when that time is over: what a sender writes on a connection can't be slowed down otherwise.
void ReceivingSession::fetch_next() {
  ChunkSet some(lacks_->size());
  std::uint64_t bytes = 0;
  for (std::uint32_t chunk = 0; chunk < to_fetch_.size() && bytes * 8 * 5 < parts_.fetch_rate; ++chunk) {
    if (!to_fetch_.has(chunk)) continue;
    to_fetch_.erase(chunk);
    some.insert(chunk);
    bytes += manifest_->chunks[chunk].size;
  }
  if (some.empty()) return;
  const TimePoint next = now() + Duration(static_cast<Duration::rep>(static_cast<double>(bytes) * 8e9 / static_cast<double>(parts_.fetch_rate)));
  fetch_all(to_runs(some.ranges()), [this, next] {
    fetch_timer_ = parts_.node.network().wake_at(next, [this](TimePoint) {
      if (!ended_ && link_) fetch_next();
    });
  });
}

void ReceivingSession::fetch_all(const v1::ChunkRuns& runs, std::function<void()> then) {
  v1::FetchRequest request;
  request.session = name_.session;
  request.chunks = runs;
  v1::SessionClient(caller()).fetch(
      request,
      [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const v1::FetchedPart& part) {
        if (alive.expired() || ended_ || link != link_count_ || part.chunk >= lacks_->size() || !lacks_->has(part.chunk)) return;
        fallback_bytes_ += part.bytes.size();
        take_chunk(part.chunk, to_bytes(part.bytes));
      },
      [this, then = std::move(then), alive = std::weak_ptr<char>(alive_), link = link_count_](const Status& status) {
        if (alive.expired() || ended_ || link != link_count_) return;
        status ? then() : call_failed(status.error());
      });
}

Elsewhere& ReceivingSession::elsewhere() {
  if (!elsewhere_) {
    Elsewhere::Parts parts{parts_.node, parts_.log, name_.session, manifest_, parts_.mirrors, {}, {}, {}};
    parts.wanted = [this](std::size_t most) { return wanted_elsewhere(most); };
    parts.take = [this](std::uint32_t chunk, BytesView bytes) {
      if (!ended_ && !committing_ && lacks_->has(chunk) && !on_their_way_.has(chunk)) take_chunk(chunk, to_bytes(bytes));
    };
    parts.changed = [this] { tell_elsewhere(); };
    elsewhere_ = std::make_shared<Elsewhere>(std::move(parts));
  }
  return *elsewhere_;
}

/// From the end, since the group is sent the beginning first.
ChunkSet ReceivingSession::wanted_elsewhere(std::size_t most) {
  ChunkSet wanted(lacks_->size());
  const auto lacking = [&](std::uint32_t chunk) { return lacks_->has(chunk) && !on_their_way_.has(chunk); };
  if (ended_ || committing_ || on_disk_bytes_ > kMuchOnDisk) return wanted;
  while (tail_ > 0 && !lacking(tail_ - 1)) --tail_;
  for (std::uint32_t chunk = tail_; chunk > 0 && wanted.count() < most; --chunk) {
    if (lacking(chunk - 1)) wanted.insert(chunk - 1);
  }
  return wanted;
}

void ReceivingSession::look_elsewhere(const ReceiverProgress& progress) {
  if (committing_ || (!elsewhere_ && parts_.mirrors.empty())) return;
  elsewhere().look(!progress.deaf && progress.wants_group && progress.loss <= kMuchLost);
}

/// The sender leaves it alone meanwhile, and serves it again afterwards.
void ReceivingSession::tell_elsewhere() {
  if (!link_ || census_ != v1::CensusState::unknown || committing_) return;
  v1::CensusRequest request;
  request.session = name_.session;
  request.state = v1::CensusState::receiving;
  request.elsewhere = elsewhere_->active();
  request.detail = request.elsewhere ? "takes what it lacks " + elsewhere_->detail() : std::string();
  request.bytes_done = bytes_done_;
  v1::SessionClient(caller()).census(request, [](const Result<v1::CensusResponse>&) {});
  detail_ = request.detail;
  change();
}

/// The core need not ask for blocks whose chunks have come some other way.
void ReceivingSession::hold_blocks_of(std::uint32_t chunk) {
  assembly_->drop(chunk);
  const auto [first, end] = map_->blocks_of(chunk);
  for (std::uint64_t block = first; block < end; ++block) {
    const auto pieces = map_->pieces(block);
    if (std::ranges::any_of(pieces, [&](const StreamMap::Piece& piece) { return lacks_->has(piece.chunk); })) continue;
    core_->set_held(BlockIndex{static_cast<std::uint32_t>(block)}, parts_.node.network().precise_now());
  }
}

void ReceivingSession::on_datagrams(std::span<const net::Datagram> batch) {
  if (ended_ || committing_ || on_disk_bytes_ > kTooMuchOnDisk) return;
  if (!core_) return keep_early(batch);
  views_.clear();
  for (const net::Datagram& datagram : batch) views_.push_back(datagram.bytes);
  if (on_disk_bytes_ > kMuchOnDisk || crowded()) core_->set_backlog(true);
  const TimePoint now = parts_.node.network().precise_now();
  if (!wary_) {
    core_->on_datagrams(views_, now);
  } else {
    for (const net::Datagram& datagram : batch) {
      core_->on_datagram(datagram.bytes, now);
      if (core_ && core_->last_was_forged()) forged_from(datagram.from);
      if (!core_) return;
    }
  }
  pump();
}

/// The sender's operator is told where they came from: any member can have made them, and this is what points to it.
void ReceivingSession::forged_from(const net::Address& from) {
  const std::string host = from.host();
  if (forgers_.size() >= kMostForgers || std::ranges::find(forgers_, host) != forgers_.end()) return;
  forgers_.push_back(host);
  parts_.log.warning("ardus: a member forges symbols", {{"session", name_.session}, {"from", host}});
  if (census_ != v1::CensusState::unknown) return;
  v1::CensusRequest request;
  request.session = name_.session;
  request.state = v1::CensusState::receiving;
  request.detail = "symbols that a member forged came to it from";
  for (const std::string& each : forgers_) request.detail += " " + each;
  request.bytes_done = bytes_done_;
  if (link_) v1::SessionClient(caller()).census(request, [](const Result<v1::CensusResponse>&) {});
}

/// Whether datagrams come faster than they are dealt with here: before any is lost for it.
bool ReceivingSession::crowded() const {
  const std::size_t waiting = data_.socket().waiting();
  return waiting > kMuchWaiting && waiting > data_.socket().receive_buffer() / 4;
}

void ReceivingSession::pump() {
  if (!core_ || ended_) return;
  const auto reports = core_->poll(parts_.node.network().precise_now());
  outgoing_.clear();
  for (const Outgoing& out : reports) outgoing_.push_back({{}, reports_to_, out.bytes, 0});
  if (!outgoing_.empty()) reports_.socket().send(outgoing_);
  const TimePoint next = core_->next_wakeup();
  if (next == pump_at_) return;
  pump_at_ = next;
  pump_timer_.reset();
  if (next == TimePoint::max()) return;
  pump_timer_ = parts_.node.network().wake_at(next, [this](TimePoint) {
    pump_at_ = TimePoint{};
    pump();
  });
}

void ReceivingSession::on_block(BlockIndex block, BytesView bytes) {
  assembly_->on_block(block.value, bytes, [this](std::uint32_t chunk, Bytes whole) { take_chunk(chunk, std::move(whole)); });
}

/// What comes in one turn goes to the store's thread together.
void ReceivingSession::take_chunk(std::uint32_t chunk, Bytes bytes) {
  on_disk_bytes_ += bytes.size();
  on_their_way_.insert(chunk);
  if (taken_.empty()) {
    parts_.node.network().post([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) put_taken();
    });
  }
  taken_.emplace_back(chunk, std::move(bytes));
}

void ReceivingSession::put_taken() {
  struct Work {
    std::vector<std::pair<std::uint32_t, Bytes>> chunks;
    std::vector<Status> statuses;
    std::uint64_t done = 0;
    bool complete = false;
  };
  const auto work = std::make_shared<Work>();
  work->chunks = std::exchange(taken_, {});
  on_disk(
      [work, store = store_] {
        std::vector<Store::Arrival> arrivals;
        for (const auto& [chunk, bytes] : work->chunks) arrivals.push_back({chunk, bytes});
        work->statuses = store->put(arrivals);
        work->done = store->bytes_done();
        work->complete = store->missing().empty();
      },
      [this, work] {
        for (std::size_t i = 0; i < work->chunks.size(); ++i) {
          const auto& [chunk, bytes] = work->chunks[i];
          on_disk_bytes_ -= bytes.size();
          on_their_way_.erase(chunk);
          if (!ended_) on_taken(chunk, work->statuses[i], work->done, work->complete && i + 1 == work->chunks.size());
        }
      });
}

void ReceivingSession::on_taken(std::uint32_t chunk, const Status& status, std::uint64_t bytes_done, bool complete) {
  if (!status && status.error().code == Errc::data_loss) {
    parts_.log.warning("ardus: a chunk was wrong, and is asked for again", {{"session", name_.session}, {"chunk", chunk}});
    ChunkSet one(lacks_->size());
    one.insert(chunk);
    if (assembly_) assembly_->again(chunk);
    tail_ = std::max(tail_, chunk + 1);
    const auto blocks = map_->blocks_with(one);
    bool proven = core_ != nullptr;
    for (std::uint32_t block = 0; core_ && block < blocks.size(); ++block) proven = proven && (!blocks[block] || core_->proven(BlockIndex{block}));
    if (proven) {
      return give_up({Errc::data_loss, "what the sender sends, and signed for, is not what its manifest says: its files changed while it sends, or it is faulty; send again"});
    }
    for (std::uint32_t block = 0; core_ && block < blocks.size(); ++block) {
      if (blocks[block]) core_->reject(BlockIndex{block}, parts_.node.network().precise_now());
    }
    return pump();
  }
  if (!status) return give_up(status.error());
  lacks_->erase(chunk);
  bytes_done_ = bytes_done;
  if (elsewhere_ && core_ && assembly_) {
    hold_blocks_of(chunk);
    if (!complete) pump();
  }
  if (complete) commit();
}

void ReceivingSession::commit() {
  if (std::exchange(committing_, true)) return;
  phase_ = Phase::settling;
  detail_ = "reading everything back, and putting it in place";
  census_ = v1::CensusState::committing;
  send_census();
  const auto status = std::make_shared<Status>();
  const auto done = std::make_shared<std::uint64_t>();
  on_disk(
      [status, done, store = store_] {
        *status = store->commit();
        *done = store->bytes_done();
      },
      [this, status, done] {
        if (!ended_) on_committed(*status, *done);
      });
  change();
}

void ReceivingSession::on_committed(const Status& status, std::uint64_t bytes_done) {
  bytes_done_ = bytes_done;
  if (!status && status.error().code == Errc::data_loss) {
    committing_ = false;
    census_ = v1::CensusState::unknown;
    lacks_ = store_->missing();
    parts_.log.warning("ardus: read back", {{"session", name_.session}, {"why", status.error().message}});
    if (link_) need();
    return;
  }
  if (!status) return give_up(status.error());
  for (const std::string& remark : store_->remarks()) parts_.log.warning("ardus: put in place", {{"session", name_.session}, {"remark", remark}});
  Receipt receipt;
  receipt.content = manifest_->content;
  receipt.session = receipt_session_;
  receipt.nonce = receipt_nonce_;
  receipt.time_ms = receipt_time();
  receipt.bytes = manifest_->bytes();
  receipt.how = Verified::on_arrival | Verified::read_back;
  if (store_->was_there()) receipt.how |= static_cast<std::uint8_t>(Verified::was_there);
  receipt_ = encode_receipt(receipt, parts_.node.state().key());
  const auto kept = std::make_shared<Status>();
  on_disk([kept, store = store_, bytes = receipt_] { *kept = store->keep(bytes); },
          [this, kept] {
            if (ended_) return;
            if (!*kept) return give_up(kept->error());
            if (core_) core_->set_verified(parts_.node.network().precise_now());
            pump();
            if (parts_.verified) parts_.verified({parts_.into, manifest_, name_.sender, name_.session, name_.nonce});
            holds_ = true;
            if (!parts_.relay || released_) return hand_over();
            detail_ = "whole; the receivers here get it";
            change();
          });
}

void ReceivingSession::hand_over() {
  if (ended_ || census_ == v1::CensusState::verified) return;
  census_ = v1::CensusState::verified;
  detail_ = "handing over the receipt";
  send_census();
  change();
}

void ReceivingSession::send_census() {
  if (!link_ || census_under_way_) return;
  census_under_way_ = true;
  v1::CensusRequest request;
  request.session = name_.session;
  request.state = census_;
  request.detail = census_detail_;
  request.bytes_done = bytes_done_;
  if (census_ == v1::CensusState::verified) request.receipt = receipt_;
  if (census_ == v1::CensusState::verified && relayed_ && parts_.node.state().membership()) request.certificates = parts_.node.state().membership()->certificates();
  v1::SessionClient(caller()).census(request, [this, sent = census_, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::CensusResponse>& answer) {
    if (alive.expired() || link != link_count_) return;
    census_under_way_ = false;
    if (ended_) return;
    if (sent != census_) return send_census();
    on_census(answer);
  });
}

void ReceivingSession::on_census(const Result<v1::CensusResponse>& answer) {
  if (census_ == v1::CensusState::failed) return end(Phase::failed, census_detail_, error_);
  if (census_ != v1::CensusState::verified) return;
  if (answer) return end(Phase::done, "");
  // The copy is whole and verified whatever becomes of the session; only the sender does not know.
  if (answer.error().code == Errc::not_found || answer.error().code == Errc::conflict) {
    return end(Phase::partly, "the copy is verified, but the sender ended the session before it took the receipt: " + answer.error().message);
  }
  redial_timer_ = parts_.node.network().wake_at(now() + kRedial, [this](TimePoint) {
    if (!ended_) send_census();
  });
}

void ReceivingSession::look() {
  if (ended_) return;
  if (link_) heard_ = now();
  if (core_) {
    const ReceiverProgress progress = core_->progress(parts_.node.network().precise_now());
    heard_group_ = heard_group_ || progress.heard_group;
    if (progress.wary && !wary_) {
      parts_.log.warning("ardus: a member of the session forges symbols; only what the sender signs for is taken", {{"session", name_.session}});
    }
    wary_ = progress.wary;
    if (on_disk_bytes_ <= kMuchOnDisk && !crowded()) core_->set_backlog(false);
    if (progress.silence < std::chrono::seconds(1)) heard_ = now();
    if (progress.deaf && now() - rejoined_ > std::chrono::seconds(3)) {
      // A querier, or a switch, may have forgotten this member of the group.
      rejoined_ = now();
      membership_ = {};
      if (auto again = parts_.ports.join(data_, data_group(name_.session), parts_.way)) membership_ = std::move(*again);
      detail_ = "multicast of " + data_group(name_.session).host() + " is not heard on " + parts_.way.name + "; it comes " + (elsewhere_ && elsewhere_->active() ? elsewhere_->detail() : std::string("by unicast"));
      parts_.log.warning("ardus: multicast is not heard, joined again; meanwhile it comes by unicast",
                         {{"session", name_.session}, {"group", data_group(name_.session).host()}, {"interface", parts_.way.name}});
    } else if (!progress.deaf && !committing_ && phase_ == Phase::streaming && !(elsewhere_ && elsewhere_->active())) {
      detail_.clear();
    }
    pump();
    look_elsewhere(progress);
  }
  if (now() - heard_ > kSilence) {
    return end(Phase::failed, "the sender was not heard of for 60 s; what came is kept, and the next transfer of the same content goes on from there", std::string(name(Errc::timed_out)));
  }
  change();
  look_timer_ = parts_.node.network().wake_at(now() + kReceiverLook, [this](TimePoint) { look(); });
}

/// It can't go on: the sender hears of it if it can, then it ends.
void ReceivingSession::give_up(const Error& error) {
  if (ended_) return;
  error_ = name(error.code);
  census_detail_ = error.message;
  if (core_) core_->set_failed(parts_.node.network().precise_now());
  pump();
  if (!link_ || error.code == Errc::not_found) return end(Phase::failed, error.message, error_);
  census_ = v1::CensusState::failed;
  send_census();
  // Nobody waits for the sender's answer for long.
  redial_timer_ = parts_.node.network().wake_at(now() + std::chrono::seconds(2), [this](TimePoint) { end(Phase::failed, census_detail_, error_); });
}

void ReceivingSession::cancel() { give_up({Errc::cancelled, "cancelled at the receiver"}); }

void ReceivingSession::end(Phase phase, std::string detail, std::string error) {
  if (ended_) return;
  ended_ = true;
  *cancelled_ = phase != Phase::done;
  phase_ = phase;
  detail_ = std::move(detail);
  error_ = std::move(error);
  stopped_ = now();
  last_ = told();
  const LogFields fields = {{"session", name_.session}, {"name", announcement_.name}, {"from", sender_.name}, {"bytes", bytes_done_}, {"s", stopped_ - started_}, {"outcome", phase == Phase::done ? "verified" : detail_}};
  const bool stranger = error_ == name(Errc::refused) || error_ == name(Errc::unauthenticated) || !is_proven();
  if (phase == Phase::done) parts_.log.info("ardus: transfer ended", fields);
  else if (stranger && parts_.told_before) parts_.log.debug("ardus: transfer ended", fields);
  else parts_.log.warning("ardus: transfer ended", fields);
  redial_timer_.reset(), look_timer_.reset(), pump_timer_.reset(), fetch_timer_.reset();
  dial_.reset();
  ++link_count_;
  std::shared_ptr<b2::Link> old = std::move(link_);
  parts_.node.network().post([old] {});
  parts_.node.network().post([gone = std::exchange(elsewhere_, nullptr)] {});
  membership_ = {};
  core_.reset();
  data_ = {};
  reports_ = {};
  change();
}

v1::Transfer ReceivingSession::told() const {
  if (last_) return *last_;
  v1::Transfer told;
  told.session = name_.session;
  told.name = announcement_.name;
  told.phase = phase_;
  told.content = to_bytes(announcement_.content);
  told.bytes = announcement_.bytes;
  told.bytes_needed = announcement_.bytes;
  told.bytes_done = bytes_done_;
  told.detail = detail_;
  told.error = error_;
  told.into = parts_.into.string();
  told.sender = sender_.name;
  told.seconds = std::chrono::duration<double>((ended_ ? stopped_ : now()) - started_).count();
  told.joined_group = heard_group_;
  told.fallback_bytes = fallback_bytes_;
  if (manifest_) told.files = manifest_->files();
  if (core_) {
    const ReceiverProgress progress = core_->progress(parts_.node.network().precise_now());
    told.fallback_bytes += progress.unicast_symbols * kSymbolSize;
    told.joined_group = told.joined_group || progress.heard_group;
    told.source_packets = progress.symbols;
  }
  if (elsewhere_) told.fallback_bytes += elsewhere_->bytes();
  return told;
}

}  // namespace ghost::ardus
