#include <algorithm>

#include "ardus/chunk_runs.h"
#include "ardus/receiver_service.h"
#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kMuchWaiting = 1024 * 1024;         ///< bytes in the socket's buffer, where it is as large as it should be: the same
constexpr double kMuchLost = 0.08;                        ///< of the group's packets: what is missing is sought elsewhere, too
constexpr std::size_t kMostEarly = 32 * 1024 * 1024;      ///< bytes of datagrams kept until the keys are here
constexpr int kMostPuts = 2;                              ///< of the store's thread at a time: one under way, and what follows it
constexpr std::size_t kMostAPut = Store::kSyncBytes;      ///< bytes: a slow disk's backlog is told, and a cancel seen, no later than after so much
constexpr std::size_t kMostForgers = 8;                   ///< addresses that are told
constexpr std::size_t kTooMuchOnDisk = 512 * 1024 * 1024; ///< what comes beyond is dropped, and comes again

}  // namespace

/// From the sender alone, where that works: a source-specific group brings nobody else's, and there is no other way to have it.
Result<Ports::Membership> ReceivingSession::join_group() {
  const auto anybody = [this] { return parts_.ports.join(data_, group(), parts_.way); };
  if (from_anybody_) return anybody();
  auto membership = parts_.ports.join(data_, group(), parts_.way, target_.address);
  if (!membership && sources_of(announcement_) == Sources::any) return anybody();  // the kernel takes some ten sources
  return membership;
}

/// Before the session begins: a switch needs a moment to let the group through, and the keys come by TCP, where a loss takes time.
Status ReceivingSession::listen_to_group() {
  if (data_) return {};
  auto data = parts_.ports.data(parts_.way.family(), [this](std::span<const net::Datagram> batch) { on_datagrams(batch); });
  if (!data) return data.error();
  data_ = std::move(*data);
  auto membership = join_group();
  if (!membership) {
    data_ = {};
    return membership.error();
  }
  membership_ = std::move(*membership);
  return {};
}

void ReceivingSession::leave_group() {
  membership_ = {};
  data_ = {};
  early_ = {};
  early_sizes_ = {};
}

/// Keeps what came before the keys, as long as it is not too much.
void ReceivingSession::keep_early(std::span<const net::Datagram> batch) {
  for (const net::Datagram& datagram : batch) {
    if (session_of(datagram.bytes) != name_.session || message_type(datagram.bytes) == MessageType::trial) continue;
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

/// Says which of the TRIALs come through: by that the sender decides how large the session's datagrams are (docs/spec/ardus.md §5.12).
void ReceivingSession::take_trials(std::span<const net::Datagram> batch) {
  for (const net::Datagram& datagram : batch) {
    if (message_type(datagram.bytes) != MessageType::trial || !link_ || !joined_) continue;
    const auto trial = read_trial(datagram.bytes);
    if (!trial || trial->session != name_.session || !trials_.is_worth_a_check(*trial, now())) continue;
    const SignedParts parts = split_signature(datagram.bytes);
    if (!verify_signature(name_.sender, kControlDomain, control_signed_bytes(name_.nonce, parts.message), parts.signature)) continue;
    if (!trials_.heard(*trial)) continue;
    v1::HeardRequest request;
    request.session = name_.session;
    request.round = trials_.round();
    request.longest = static_cast<std::uint32_t>(trials_.any_long() ? kLongestDatagram : kShortTrial);
    v1::SessionClient(caller()).heard(request, [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::HeardResponse>& answer) {
      if (!alive.expired() && link == link_count_) trials_.answered(static_cast<bool>(answer));
    });
  }
}

/// The stream is not for this receiver: its datagrams are larger than its interface takes, or than come through to it.
void ReceivingSession::take_by_tcp(const v1::KeysUpdate& update) {
  if (!std::exchange(by_tcp_, true)) from_group_ = on_their_way_;
  pump_timer_.reset();
  pump_at_ = {};
  core_.reset();
  number_ = {};
  leave_group();
  if (!map_) map_.emplace(*manifest_);
  phase_ = Phase::streaming;
  detail_ = "datagrams of this session have " + std::to_string(update.datagram) + " bytes, and do not come through to " + parts_.way.name + " here: it comes by TCP";
  parts_.log.warning("ardus: the session's datagrams do not come through; it comes by TCP", {{"session", name_.session}, {"bytes", update.datagram}, {"interface", parts_.way.name}, {"takes", largest_datagram(parts_.way)}});
  if (update.fetch) fetch_rest(*update.fetch);
  change();
}

Status ReceivingSession::start_core(const v1::KeysUpdate& update) {
  const auto epoch_secret = secret_of(update.epoch_secret), own_secret = secret_of(update.own_secret);
  if (!epoch_secret) return epoch_secret.error();
  if (!own_secret) return own_secret.error();
  auto reports_to = from_told(update.reports, parts_.way);
  if (!reports_to) return reports_to.error();
  reports_to_ = std::move(*reports_to);
  if (map_->blocks() > 0xffff'ffff || update.epoch > 255) return Error{Errc::malformed, "the stream is longer than there are blocks"};
  if (Status listening = listen_to_group(); !listening) return listening;
  ReceiverOptions options;
  options.session = name_.session;
  options.number = number_ = ReceiverNumber{update.number};
  options.stream = map_->shape();
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
    if (to_fetch_.size() == wanted->size()) to_fetch_ |= *wanted;
    else to_fetch_ = std::move(*wanted);
    ++fetch_count_;
    fetch_timer_.reset();
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
  fetch_all(to_runs(some.ranges()), [this, next, count = fetch_count_] {
    if (count != fetch_count_) return;  // another takes its place
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
        if (alive.expired() || ended_ || link != link_count_ || part.chunk >= lacks_->size() || !lacks_->has(part.chunk) || on_their_way_.has(part.chunk)) return;
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
    Elsewhere::Parts parts{parts_.node, parts_.log, name_.session, parts_.way, manifest_, parts_.mirrors, {}, {}, {}};
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
  if (manifest_stream_) manifest_stream_->on_datagrams(batch);
  if (by_tcp_) return;
  if (!core_) {
    take_trials(batch);
    keep_early(batch);
    if (manifest_stream_ && !manifest_ && !early_.empty()) stream_is_over();
    return;
  }
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

/// What comes in one turn goes to the store's thread together, and what comes while that is busy: it hashes two for little more than the time of one.
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
  if (taken_.empty() || puts_ == kMostPuts) return;
  ++puts_;
  const auto work = std::make_shared<Work>();
  std::size_t together = 0;
  auto end = taken_.begin();
  do together += end++->second.size();
  while (end != taken_.end() && together + end->second.size() <= kMostAPut);
  work->chunks.assign(std::make_move_iterator(taken_.begin()), std::make_move_iterator(end));
  taken_.erase(taken_.begin(), end);
  put_at_ = now();
  on_disk(
      [work, store = store_] {
        std::vector<Store::Arrival> arrivals;
        for (const auto& [chunk, bytes] : work->chunks) arrivals.push_back({chunk, bytes});
        work->statuses = store->put(arrivals);
        work->done = store->bytes_done();
        work->complete = store->missing().empty();
      },
      [this, work] {
        --puts_;
        if (!ended_) put_taken();
        for (std::size_t i = 0; i < work->chunks.size(); ++i) {
          const auto& [chunk, bytes] = work->chunks[i];
          on_disk_bytes_ -= bytes.size();
          on_their_way_.erase(chunk);
          if (!ended_) on_taken(chunk, work->statuses[i], work->done, work->complete && i + 1 == work->chunks.size());
        }
        if (!ended_ && parts_.relay_more) parts_.relay_more(*lacks_);
      });
}

/// The store syncs when more comes; when nothing does, what has come is not to wait for it.
void ReceivingSession::sync_what_waits() {
  if (committing_ || put_at_ == TimePoint{} || now() - put_at_ < Store::kSyncTime) return;
  put_at_ = {};
  const auto status = std::make_shared<Status>();
  on_disk([status, store = store_] { *status = store->sync(); },
          [this, status] {
            if (!ended_ && !*status) give_up(status->error());
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
    // What turned to TCP or is a relay has everything from the sender itself, but for what had come by the group before.
    const bool of_group = by_tcp_ && from_group_.has(chunk);
    bool proven = core_ != nullptr || (by_tcp_ && !of_group) || parts_.relay;
    for (std::uint32_t block = 0; core_ && block < blocks.size(); ++block) proven = proven && (!blocks[block] || core_->proven(BlockIndex{block}));
    if (proven) {
      return give_up({Errc::data_loss, "what the sender sends, and signed for, is not what its manifest says: its files changed while it sends, or it is faulty; send again"});
    }
    for (std::uint32_t block = 0; core_ && block < blocks.size(); ++block) {
      if (blocks[block]) core_->reject(BlockIndex{block}, parts_.node.network().precise_now());
    }
    if (of_group) {
      from_group_.erase(chunk);
      return fetch_rest(to_runs(one.ranges()));
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

}  // namespace ghost::ardus
