#include "ardus/sender_service.h"

#include <algorithm>

#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kCalm = std::chrono::seconds(2);          ///< nobody left to wait for: as long for somebody to come back
constexpr Duration kAnnounceMost = std::chrono::seconds(10);
constexpr Duration kAnnounceSoon = std::chrono::milliseconds(100);  ///< to the second; then twice, thrice and four times as long
constexpr int kAnnouncedSoon = 4;
constexpr std::uint64_t kCeiling = 1'000'000'000;            ///< bit/s, for interfaces that do not tell their speed
constexpr std::uint32_t kUsualWait = 5000, kUsualPatience = 60'000;  ///< ms
constexpr int kBatchesATurn = 8;
constexpr Duration kBehindRelay = std::chrono::milliseconds(200);  ///< after the manifest: the first of its receivers are not to make the others late
constexpr Duration kTrialsLook = std::chrono::milliseconds(500);
constexpr Duration kSendingWaysLook = std::chrono::seconds(1);
constexpr Duration kMayHearStill = std::chrono::seconds(5);  ///< who has left: long enough to connect again
constexpr Duration kWayGone = std::chrono::seconds(5);       ///< without the address receivers were told
constexpr Duration kReadAgain = std::chrono::milliseconds(100), kUnreadable = std::chrono::seconds(60);  ///< what a relay had, and lost again

Congestion congestion_of(v1::Congestion asked) {
  return asked == v1::Congestion::tfmcc ? Congestion::tfmcc : asked == v1::Congestion::background ? Congestion::background : Congestion::quantile;
}

std::uint64_t utc_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

SendingSession::SendingSession(Parts parts, v1::SendRequest request) : SendingSession(std::move(parts), std::move(request), Origin{}) {}

SendingSession::SendingSession(Parts parts, v1::SendRequest request, Origin origin)
    : parts_(std::move(parts)), request_(std::move(request)), sources_(request_.source_specific ? Sources::one : Sources::any),
      outbox_([this](std::size_t way, std::span<const net::Datagram> batch) { return sockets_[way].socket().send_until_full(batch); }), pump_timer_(parts_.node.network(), [this] { pump(); }), worker_(std::make_unique<b2::Workers>(1)) {
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
  const auto ip = ip_of(request_.ip);
  if (!ip) return ip.error();
  std::vector<std::string> names = request_.interfaces;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    const auto ways = parts_.ports.ways(name, *ip);
    if (!ways) return ways.error();
    if (std::ranges::count(ways_, ways->front().interface, &Way::interface) > 0) continue;  // named twice
    for (const Way& way : all_of(*ways)) {
      Status opened = open_way(way);
      if (!opened && way.address == ways->front().address) return opened;
      if (!opened) parts_.log.warning("ardus: does not send by that address", {{"interface", way.name}, {"address", way.address.host()}, {"why", opened.error().message}});
    }
  }
  joined_by_.resize(ways_.size());
  gone_.resize(ways_.size());
  return check_layout();
}

/// With the link-local address, too, where it goes by IPv6: a receiver on the link may have no other, and no route to ours. Not where this node listens on the one
/// address alone.
std::vector<Way> SendingSession::all_of(const std::vector<Way>& ways) const {
  std::vector<Way> all = ways;
  const Way& last = ways.back();
  const auto is_listened_on = [&](const net::Address& at) { return at.with_port(0) == last.address; };
  if (last.family() != net::Address::Family::ip6 || last.address.is_link_local() || last.address.is_loopback() || std::ranges::any_of(parts_.node.server().addresses(), is_listened_on)) return all;
  if (const auto link = parts_.ports.link_local(last)) all.push_back(*link);
  return all;
}

Status SendingSession::open_way(const Way& way) {
  auto socket = parts_.ports.reports(way, [this](std::span<const net::Datagram> batch) { on_reports(batch); });
  if (!socket) return socket.error();
  if (Status listening = listen_for_control(way); !listening) return listening;
  sockets_.push_back(std::move(*socket));
  ways_.push_back(way);
  return {};
}

/// Receivers must reach a control listener on the interface they hear the announcement on.
Status SendingSession::listen_for_control(const Way& way) {
  for (const net::Address& at : parts_.node.server().addresses()) {
    if (at.family() != way.family() || !(at.is_any() || at.with_port(0) == way.address)) continue;
    controls_.push_back(way.address.with_port(at.port()));
    return {};
  }
  auto listener = parts_.node.network().listen(way.address.with_port(kControlPort), parts_.node.server().acceptor());
  if (!listener) return parts_.ports.told_holder(listener.error(), "tcp", kControlPort).in("receivers join at 1117 on " + way.name);
  controls_.push_back((*listener)->address());
  listeners_.push_back(std::move(*listener));
  return {};
}

bool SendingSession::is_first_of_interface(std::size_t way) const { return way == 0 || ways_[way - 1].interface != ways_[way].interface; }

/// From several addresses of an interface only where some receivers are reached by the one and some by the other: each carries everything.
bool SendingSession::carries(std::size_t way) const {
  if (joined_by_[way]) return true;
  if (!is_first_of_interface(way)) return false;
  for (std::size_t i = way + 1; i < ways_.size() && ways_[i].interface == ways_[way].interface; ++i) {
    if (joined_by_[i]) return false;
  }
  return true;
}

/// Whether anything that is sent to the group is for it. One whose connection has ended may hear it still, and come back.
bool SendingSession::is_under_way(const Peer& peer) const {
  const bool settled = peer.relay || peer.state == v1::CensusState::verified || peer.state == v1::CensusState::failed;
  return !settled && !given_up(peer) && (!peer.left || now() - peer.left_at < kMayHearStill);
}

/// After whatever changes by which ways it is sent: what of its rate there is for each changes with them.
void SendingSession::tend_ways() {
  joined_by_.assign(ways_.size(), false);
  for (const auto& [id, peer] : peers_) {
    if (!joined_by_[peer.way] && is_under_way(peer)) joined_by_[peer.way] = true;
  }
  const SenderOptions options = sender_options();
  if (std::exchange(ceiling_told_, options.ceiling) == options.ceiling) return;
  if (core_) core().set_ceiling(options.ceiling, options.fixed_rate);
  if (manifest_stream_) manifest_stream_->set_ceiling(options.ceiling, options.fixed_rate);
}

/// By which way a receiver came: link-local addresses of several interfaces may be the same, and then its own tells them apart.
std::optional<std::size_t> SendingSession::way_of(const v1::JoinRequest& request, const b2::Identity& who) const {
  const auto from = net::Address::parse(who.where);
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    if (to_told(controls_[i]) == request.at && (!from || from->scope() == 0 || from->scope() == ways_[i].interface)) return i;
  }
  return std::nullopt;
}

/// "eth0, eth1"
std::string SendingSession::ways_in_words() const {
  std::string words;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    if (is_first_of_interface(i)) words += (words.empty() ? "" : ", ") + ways_[i].name;
  }
  return words;
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
  told.group = to_wire(data_group(name_.session, ways_[way].family(), sources_));
  for (std::size_t i = way; i > 0 && ways_[i - 1].interface == ways_[way].interface; --i) {
    (ways_[i - 1].family() == net::Address::Family::ip4 ? told.ip4_too : told.beyond_too) = true;
  }
  told.name = manifest.name.substr(0, kMaxAnnouncedName);
  return told;
}

std::optional<Bytes> SendingSession::announced() const {
  if (!content_ || ended_ || origin_ || controls_.empty()) return std::nullopt;
  return sign_announcement(announcement(0), parts_.node.state().key());
}

/// Soon again at first, since some are lost; every second while somebody is missing, then ever less often.
void SendingSession::announce() {
  if (ended_) return;
  ++announcements_;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    const Announcement told = announcement(i);
    const Bytes bytes = sign_announcement(told, parts_.node.state().key());
    const net::Datagram datagram{ways_[i].address, announcement_group(ways_[i].family()), bytes, ways_[i].interface};
    sockets_[i].socket().send({&datagram, 1});
  }
  announce_every_ = somebody_missing() ? kAnnounceFirst : std::min(announce_every_ * 5 / 4, kAnnounceMost);
  const Duration pause = announcements_ <= kAnnouncedSoon ? kAnnounceSoon * static_cast<int>(announcements_) : announce_every_;
  announce_timer_ = parts_.node.network().wake_at(now() + pause, [this](TimePoint) { announce(); });
}

void SendingSession::begin_if_due() {
  if (map_ || ended_ || !content_ || (origin_ && !provided_)) return;
  look_for_the_gone();
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
  // Behind a relay those who count have been waited for by the sender's own session; some may still look at what they have.
  const bool all_here = origin_ && !still_joining && now() >= ready_since_ + kBehindRelay;
  if ((now() >= until || all_here) && ready > 0) return begin();
  layout_choice_.put_off();
  if (origin_) {
    if (released_) return check_end();
    begin_timer_ = parts_.node.network().wake_at(now() + kBehindRelay / 2, [this](TimePoint) { begin_if_due(); });
    return;
  }
  if (now() >= until && !still_joining) {
    const std::string group = announcement_group(ways_.front().family()).host();
    return end(v1::TransferPhase::failed,
               "no receiver joined within " + std::to_string(wait_ms) + " ms on " + ways_in_words() +
                   (failures.empty() ? ": receivers run 'ardus serve --into DIR' or 'ardus receive --into DIR', are members of the house, and must hear " + group : failures),
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
  const auto layout = choose_layout();
  if (!layout) {
    detail_ = "looking whether jumbo datagrams reach all who are there";
    begin_timer_ = parts_.node.network().wake_at(now() + kTrialsLook, [this](TimePoint) { begin_if_due(); });
    change();
    return tend_trials();  // which may come back here sooner
  }
  detail_.clear();
  if (manifest_stream_) manifest_stream_->end();  // whoever waits for it gets it by its control connection
  map_.emplace(content_->manifest(), *layout);
  ChunkSet lacking(content_->manifest().chunks.size());
  for (const auto& [id, peer] : peers_) {
    const bool may_take = takes_stream(peer) || peer.trial.verdict(now()) == LayoutTrial::Verdict::open;  // who came late is still tried
    if (peer.ready && !peer.relay && may_take) lacking |= peer.lacks;
  }
  map_->append(lacking);
  MapSegment segment{name_.session, content_->manifest().content, 0, lacking.ranges(), *layout};
  segments_.push_back(encode_segment(segment, parts_.node.state().key()));
  tend_ways();
  if (map_->blocks() > 0) {
    SenderOptions options = sender_options();
    options.stream = map_->shape();
    keys_.emplace(name_, first_secret_, parts_.node.state().key());
    core_.emplace(options, name_, *keys_, static_cast<BlockSource&>(*this), parts_.node.network().precise_now());
    if (origin_) look_what_came();
  }
  phase_ = v1::TransferPhase::streaming;
  for (auto& [id, peer] : peers_) {
    if (peer.ready) admit_when_tried(peer);
  }
  tend_trials();
  if (core_) core().begin(parts_.node.network().precise_now());
  pump();
  change();
}

SenderOptions SendingSession::sender_options() const {
  SenderOptions options;
  options.congestion = congestion_of(request_.congestion);
  options.fixed_rate = request_.rate != 0 && options.congestion == Congestion::quantile;
  options.ceiling = ceiling();
  options.give_up_after = patience();
  options.silent_after = std::min(options.silent_after, patience() / 2);
  return options;
}

Status SendingSession::read(BlockIndex block, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  for (const StreamMap::Piece& piece : map_->pieces(block.value)) {
    if (Status got = read_chunk(piece.chunk, piece.in_chunk, out.subspan(piece.in_block, piece.size)); !got) return got;
    filled = piece.in_block + piece.size;
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(filled), out.end(), std::uint8_t{0});
  return {};
}

/// What a relay hands on is under way to its own store, which may find it wrong, or lose it: it is hashed as it is read. busy: it is not there yet.
Status SendingSession::read_chunk(std::uint32_t chunk, std::uint32_t offset, std::span<std::uint8_t> out) {
  if (!origin_) return content_->read(chunk, offset, out);
  if (to_come_.has(chunk)) {
    unreadable_.erase(chunk);
    return Error{Errc::busy, "it is still to come"};
  }
  if (chunk_number_ != chunk) {
    const auto lost = unreadable_.find(chunk);
    if (lost != unreadable_.end() && now() < lost->second.again) return Error{Errc::busy, "it is to come again"};
    const Chunk& expected = content_->manifest().chunks[chunk];
    chunk_number_ = ~std::uint32_t{0};
    chunk_.resize(expected.size);
    Status got = content_->read(chunk, 0, chunk_);
    if (got && sha256(chunk_) != expected.hash) got = Error{Errc::data_loss, "chunk " + std::to_string(chunk) + " of what is relayed is not as it came"};
    if (!got) {
      if (lost == unreadable_.end()) parts_.log.warning("ardus: to be relayed, and gone again", {{"session", name_.session}, {"why", got.error().message}});
      Unreadable& known = unreadable_.try_emplace(chunk, Unreadable{now(), {}}).first->second;
      if (now() - known.again > 10 * kReadAgain) known.since = now();  // nobody has asked for it in between
      known.again = now() + kReadAgain;
      if (now() - known.since >= kUnreadable) return got;
      return Error{Errc::busy, "it is to come again"};
    }
    chunk_number_ = chunk;
    unreadable_.erase(chunk);
  }
  std::ranges::copy(BytesView(chunk_).subspan(offset, out.size()), out.begin());
  return {};
}

/// For calls that may change it: the bytes it gave out last are its own, and go now or never.
Sender& SendingSession::core() {
  outbox_.flush();
  outbox_.clear();
  return *core_;
}

void SendingSession::pump() {
  if (!core_ || ended_) return;
  net::EpollNetwork& network = parts_.node.network();
  outbox_.flush();
  for (int i = 0; i < kBatchesATurn && outbox_.empty(); ++i) {
    const auto batch = core_->poll(network.precise_now());
    if (batch.empty()) break;
    send_batch(batch);
  }
  tend_secrets();
  const TimePoint next = outbox_.empty() ? core_->next_wakeup() : now() + std::chrono::milliseconds(1);
  if (next == TimePoint::max()) return pump_timer_.clear();
  pump_timer_.set(next);
}

void SendingSession::send_batch(std::span<const Outgoing> batch) {
  for (const Outgoing& out : batch) {
    if (out.to == Destination::group) {
      for (std::size_t i = 0; i < ways_.size(); ++i) {
        if (carries(i)) outbox_.add(i, {ways_[i].address, data_group(name_.session, ways_[i].family(), sources_), out.bytes, ways_[i].interface});
      }
    } else if (out.to == Destination::receiver) {
      for (const auto& [id, peer] : peers_) {
        if (peer.number.value == out.index && peer.reports.is_ip()) outbox_.add(peer.way, {{}, peer.reports, out.bytes, 0});
      }
    }
  }
  outbox_.flush();
}

void SendingSession::on_reports(std::span<const net::Datagram> batch) {
  if (manifest_stream_) manifest_stream_->on_datagrams(batch);
  if (!core_ || ended_) return;
  const TimePoint now = parts_.node.network().precise_now();
  for (const net::Datagram& datagram : batch) core().on_datagram(datagram.bytes, now);
  pump();
}

std::size_t SendingSession::joined_behind() const {
  return static_cast<std::size_t>(std::ranges::count_if(remotes_, [](const auto& r) { return r.second.told.state != v1::CensusState::failed; }));
}

void SendingSession::provide(const std::filesystem::path& folder, const ChunkSet& lacking) {
  if (ended_ || !origin_) return;
  if (lacking.count() > to_come_.count()) readable_ = 0;  // its store has lost some of it: what is readable is counted anew
  to_come_ = lacking;
  if (!std::exchange(provided_, true)) {
    content_ = Content::coming(folder, origin_->manifest, origin_->encoded);
    return begin_if_due();
  }
  std::erase_if(fetching_, [](const auto& go_on) { return !go_on(); });
  if (!core_) return;
  look_what_came();
  pump();
}

/// Blocks are sent in their order, so it is told how far it can go.
void SendingSession::look_what_came() {
  const auto has_come = [this](const StreamMap::Piece& piece) { return !to_come_.has(piece.chunk); };
  while (readable_ < map_->blocks() && std::ranges::all_of(map_->pieces(readable_), has_come)) ++readable_;
  if (std::exchange(told_readable_, readable_) != readable_) core().set_readable(BlockIndex{readable_});
}

void SendingSession::release() {
  released_ = true;
  check_end();
}

bool SendingSession::is_settled() const {
  return ended_ || std::ranges::all_of(peers_, [&](const auto& p) { return p.second.state == v1::CensusState::verified || p.second.state == v1::CensusState::failed || given_up(p.second); });
}

/// Receivers ask and answer at the address they were told: those of one that is gone are not reached, and are given up when they have been silent for long. Without
/// any that is left, 60 s of silence would tell nobody why it ends.
Status SendingSession::look_at_ways() {
  if (now() - ways_looked_ < kSendingWaysLook) return {};
  ways_looked_ = now();
  const bool any_joined = std::ranges::count(joined_by_, true) > 0;  // else whoever comes is told the address that is left
  const Way* gone = nullptr;
  bool any_of_use = false;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    const bool here = is_here(ways_[i]), of_use = joined_by_[i] || !any_joined;
    if (here && of_use) any_of_use = true;
    if (!here && of_use && gone == nullptr) gone = &ways_[i];
    const bool was_gone = gone_[i];
    gone_[i] = !here;
    if (!here && !was_gone) parts_.log.warning("ardus: this machine's address is gone: receivers that joined by it can't answer", {{"session", name_.session}, {"interface", ways_[i].name}, {"address", ways_[i].address.host()}});
  }
  if (any_of_use) ways_here_ = now();
  if (any_of_use || gone == nullptr || now() - ways_here_ < kWayGone) return {};
  return Error{Errc::conflict, "this machine's address on " + gone->name + " was " + gone->address.host() + " and is another, or none: receivers can't answer. Send again: they keep what they have"};
}

void SendingSession::look_at_core() {
  if (ended_) return;
  if (Status here = look_at_ways(); !here) return fail(here.error());
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
  } else if (map_) {
    phase_ = v1::TransferPhase::settling;
  }
  look_for_the_gone();
  evict_the_gone();
  tend_ways();
  check_end();
  if (ended_) return;
  if (core_) {
    name_peers();
    watch_jumbo();
  }
  change();
  check_timer_ = parts_.node.network().wake_at(now() + kLook, [this](TimePoint) { look_at_core(); });
}

std::size_t SendingSession::verified() const {
  return static_cast<std::size_t>(std::ranges::count_if(peers_, [](const auto& p) { return p.second.state == v1::CensusState::verified && !p.second.relay; }) +
                                  std::ranges::count_if(remotes_, [](const auto& r) { return r.second.told.state == v1::CensusState::verified; }));
}

bool SendingSession::given_up(const Peer& peer) const {
  return peer.left ? now() - peer.left_at >= patience() : is_stuck_by_tcp(peer) || (core_ && peer.number.value != 0 && core_->receiver(peer.number, now()).state == PeerState::failed);
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

/// Of each address it is sent from: the rate that was asked for, or what its interfaces carry, the slowest of them; half, where it is sent from two addresses of one.
std::uint64_t SendingSession::ceiling() const {
  std::uint64_t least = 0;
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    if (!carries(i)) continue;
    std::uint64_t sharing = 0;
    for (std::size_t j = 0; j < ways_.size(); ++j) sharing += carries(j) && ways_[j].interface == ways_[i].interface ? 1 : 0;
    const std::uint64_t all = request_.rate != 0 ? request_.rate : ways_[i].speed != 0 ? ways_[i].speed : kCeiling;
    const std::uint64_t each = std::max<std::uint64_t>(all / sharing, 1);
    least = least == 0 ? each : std::min(least, each);
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
  announce_timer_.reset(), begin_timer_.reset(), pump_timer_.clear(), check_timer_.reset(), trial_timer_.reset();
  for (auto& [id, peer] : peers_) {
    if (const auto keys = std::exchange(peer.keys, nullptr)) keys->finish();
  }
  for (const auto& go_on : std::exchange(fetching_, {})) go_on();  // and hears that it has ended
  outbox_.clear();
  if (core_) core().end();
  if (manifest_stream_) manifest_stream_->end();
  sockets_.clear();
  listeners_.clear();
  change();
}

}  // namespace ghost::ardus
