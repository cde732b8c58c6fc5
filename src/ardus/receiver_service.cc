#include "ardus/receiver_service.h"

#include "ardus/confine_service.h"
#include "ardus/receipt.h"

namespace ghost::ardus {

namespace {

constexpr Duration kReceiverLook = std::chrono::milliseconds(100);
constexpr int kDialsInVain = 2;  ///< and the session is joined where else it is announced
constexpr Duration kSilence = std::chrono::seconds(60);   ///< without a sign of the sender

std::uint64_t receipt_time() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

ReceivingSession::ReceivingSession(Parts parts, Announcement announcement)
    : parts_(std::move(parts)), announcement_(std::move(announcement)), worker_(std::make_unique<b2::Workers>(1)) {
  started_ = heard_ = now();
  name_.session = announcement_.session;
  name_.sender = announcement_.sender;
  target_.tls = true;
  target_.address = parts_.control;
  if (const auto told = from_wire(announcement_.control, announcement_.control_port, parts_.way.interface); told && !target_.address.is_ip()) target_.address = *told;
  detail_ = "joining " + target_.text();
  parts_.node.network().post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || ended_) return;
    if (!target_.address.is_ip()) return give_up({Errc::malformed, "the announcement names no address where the sender can be joined"});
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

bool ReceivingSession::wants_another_way(const Announcement& again) const {
  if (ended_ || link_ || dials_failed_ < kDialsInVain || again.sequence < announcement_.sequence || again.content != announcement_.content) return false;
  return again.control != announcement_.control || again.control_port != announcement_.control_port;
}

void ReceivingSession::announced_elsewhere(const Announcement& again, const Way& way, std::string serves) {
  const auto control = from_wire(again.control, again.control_port, way.interface);
  if (!control || !wants_another_way(again)) return;
  parts_.log.warning("ardus: the sender does not answer where it was to be joined, and is announced at another address", {{"session", name_.session}, {"was", target_.text()}, {"is", control->text()}});
  announcement_ = again;
  target_.address = *control;
  heard_ = now();
  let_go_of_sockets(way, std::move(serves));
  from_anybody_ = false;
  dials_failed_ = 0;
  redial_timer_.reset();
  dial_.reset();
  dial();
}

/// Sockets that are bound to the old address hear and send nothing more, the control connection included: all is opened anew, and the sender is
/// told by NeedSet where reports come from and unicast goes to.
void ReceivingSession::moved(const Way& way, std::string serves) {
  if (ended_) return;
  let_go_of_sockets(way, std::move(serves));
  if (link_) return lost({Errc::io, "this machine's address on " + way.name + " is another: " + way.address.host()});
  if (!dial_) return;
  dial_.reset();
  redial();
}

void ReceivingSession::let_go_of_sockets(const Way& way, std::string serves) {
  parts_.way = way;
  parts_.serves = std::move(serves);
  pump_timer_.reset();
  pump_at_ = {};
  core_.reset();
  manifest_stream_.reset();
  reports_ = {};
  membership_ = {};
  data_ = {};
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
  const auto confined = std::make_shared<Status>();
  on_disk(
      [wish, opened, confined, is_confined = is_confined_, into = parts_.into] {
        *opened = Store::open(std::move(*wish));
        if (*opened && !std::exchange(*is_confined, true)) *confined = write_only_beneath(into);  // what follows on this thread writes what others send
      },
      [this, opened, confined] {
        if (!*confined) parts_.log.debug("ardus: writing is not confined by the kernel", {{"why", confined->error().message}});
        on_store(std::move(*opened));
      });
  change();
}

void ReceivingSession::on_store(Result<std::unique_ptr<Store>> store) {
  opening_ = false;
  if (ended_ || census_ != v1::CensusState::unknown) return;
  if (!store) return give_up(store.error());
  store_ = std::move(*store);
  lacks_ = store_->missing();
  on_their_way_ = ChunkSet(lacks_->size());
  bytes_done_ = store_->bytes_done();
  phase_ = Phase::announcing;
  detail_ = "waiting for the sender to begin";
  parts_.log.info("ardus: joined", {{"session", name_.session}, {"from", sender_.name}, {"bytes_here", bytes_done_}, {"chunks_missing", lacks_->count()}});
  if (link_ && joined_) need();
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
    if (link_ && joined_) need();
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
  look_at_link();
  if (ended_) return;
  sync_what_waits();
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
      // A querier, or a switch, may have forgotten this member of the group; or it comes from another address than the sender has here.
      rejoined_ = now();
      from_anybody_ = sources_of(announcement_) == Sources::any;
      membership_ = {};
      if (auto again = join_group()) membership_ = std::move(*again);
      detail_ = "multicast of " + group().host() + " is not heard on " + parts_.way.name + "; it comes " + (elsewhere_ && elsewhere_->active() ? elsewhere_->detail() : std::string("by unicast"));
      parts_.log.warning("ardus: multicast is not heard, joined again; meanwhile it comes by unicast",
                         {{"session", name_.session}, {"group", group().host()}, {"interface", parts_.way.name}});
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
  manifest_stream_.reset();
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
  manifest_stream_.reset();
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
    told.fallback_bytes += progress.unicast_symbols * symbol_size(map_->layout());
    told.layout = map_->layout() == Layout::jumbo ? v1::Layout::jumbo : v1::Layout::standard;
    told.joined_group = told.joined_group || progress.heard_group;
    told.source_packets = progress.symbols;
  }
  if (elsewhere_) told.fallback_bytes += elsewhere_->bytes();
  return told;
}

}  // namespace ghost::ardus
