#include <algorithm>

#include "ardus/chunk_runs.h"
#include "ardus/receiver_service.h"
#include "b2/certificate.h"

namespace ghost::ardus {

namespace {

constexpr Duration kDialPatience = std::chrono::seconds(5);

}  // namespace

void ReceivingSession::dial() {
  b2::Trust trust;
  const auto& membership = parts_.node.state().membership();
  if (!membership) {
    return give_up({Errc::refused, "this node is in no house, so it can't tell whether the sender may be trusted: join the sender's house with 'ghostlight house join'"});
  }
  trust.house = parts_.node.state().house();  // which stays, also if the membership should end meanwhile
  trust.any_key_on_loopback = false;
  dial_ = std::make_unique<b2::Dial>(b2::Dial::Parts{parts_.node.network(), parts_.node.endpoint(), parts_.node.tls(), trust, kDialPatience, kDialImpatience}, target_,
                                     [this](Result<std::unique_ptr<b2::Link>> link) { on_dialed(std::move(link)); });
}

/// For us, when a session is long in beginning.
void ReceivingSession::note(std::string_view step) {
  parts_.log.debug("ardus: joining", {{"session", name_.session}, {"step", step}, {"s", parts_.node.network().precise_now() - started_}});
}

void ReceivingSession::on_dialed(Result<std::unique_ptr<b2::Link>> link) {
  note(link ? "connected" : "not connected");
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
  answers_due_ = 0;
  due_since_ = {};
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

void ReceivingSession::let_go_of_link() {
  ++link_count_;
  std::shared_ptr<b2::Link> old = std::move(link_);
  parts_.node.network().post([old] {});  // not from within its own callbacks
  fetch_timer_.reset();
  census_under_way_ = false;
}

/// On a way that loses, TCP may come to send again what was lost after many seconds only, where another connection is through at once.
void ReceivingSession::look_at_link() {
  // Datagrams that came before the keys may be anybody's: for them it joins anew once.
  const bool keys_due = !early_.empty() && phase_ == Phase::announcing && !joined_for_keys_;
  const bool due = link_ && census_ != v1::CensusState::failed && (answers_due_ > 0 || keys_due);
  if (!due) return void(due_since_ = {});
  if (due_since_ == TimePoint{}) due_since_ = now();
  if (now() - std::max(due_since_, link_->channel().heard()) < stall_patience_) return;
  stall_patience_ = std::min(2 * stall_patience_, kStallMost);
  joined_for_keys_ = joined_for_keys_ || answers_due_ == 0;
  note("stalled");
  let_go_of_link();
  redial_timer_.reset();
  dial();
}

/// The control connection is gone; what comes by multicast goes on.
void ReceivingSession::lost(const Error& why) {
  if (ended_) return;
  let_go_of_link();
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
  request.at = to_told(target_.address);
  request.relay = static_cast<bool>(parts_.relay);
  if (!parts_.relay) request.largest = largest_datagram(parts_.way);
  trials_.joined();
  joined_.reset();
  ++answers_due_;
  manifest_state_ = ManifestState::none;
  // Where it can't be opened, NeedSet says so.
  if (!manifest_ && wants_stream_ && !parts_.relay && open_reports()) request.reports = to_told(reports_.socket().address());
  v1::SessionClient(caller()).join(request, [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::JoinResponse>& response) {
    if (alive.expired() || ended_ || link != link_count_) return;
    --answers_due_;
    if (response) return on_joined(*response);
    if (response.error().code == Errc::busy) {
      redial_timer_ = parts_.node.network().wake_at(now() + kRedial, [this, link](TimePoint) {
        if (!ended_ && link == link_count_) join();
      });
      return;
    }
    call_failed(response.error());
  });
  // In the same packet: what comes is looked at once the sender's answer says what it must be. One that may not send must prove first for whom it relays.
  if (link_ && !manifest_ && !manifest_stream_ && !may_not_send_ && census_ == v1::CensusState::unknown) get_manifest();
}

/// What the sender refused ends the session; what a broken connection did is made good by the next one.
void ReceivingSession::call_failed(const Error& error) {
  switch (error.code) {
    case Errc::io:
    case Errc::unknown:
    case Errc::busy:
    case Errc::timed_out:
    case Errc::cancelled: break;
    default: return give_up(may_not_send_ && !relayed_ ? *may_not_send_ : error);  // whatever one that may not send says, it sends nothing
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
  joined_ = response.manifest_bytes;
  note("joined");
  if (parts_.relay && holds_ && !released_) return get_keys();  // whose end says that the connection is gone
  if (census_ != v1::CensusState::unknown) return send_census();
  if (!manifest_) return await_manifest(response);
  if (opening_ || committing_) return;
  if (!store_) return open_store();
  if (core_ && response.number == number_.value) return get_keys();
  need();
}

/// By its stream where the sender offers one, or one is under way; else by this connection.
void ReceivingSession::await_manifest(const v1::JoinResponse& response) {
  if (*joined_ > ManifestLimits().encoded) return give_up({Errc::exhausted, "the manifest has " + std::to_string(*joined_) + " bytes, more than are taken"});
  const bool same = response.stream && manifest_stream_ && manifest_stream_->number().value == response.stream->number;  // a number is used once
  if (response.stream && wants_stream_ && !same && reports_) {
    if (Status listening = listen_to_manifest(*response.stream); !listening) return on_manifest_stream(listening.error());
    ++manifest_calls_;  // the answer of the call that went with Join is empty
    return;
  }
  if (manifest_stream_) return;
  if (manifest_state_ == ManifestState::here) return on_manifest();
  if (manifest_state_ == ManifestState::none) get_manifest();
}

Status ReceivingSession::listen_to_manifest(const v1::ManifestStream& offer) {
  auto to = from_told(offer.reports, parts_.way);
  if (!to) return to.error();
  if (Status listening = listen_to_group(); !listening) return listening;
  ManifestReceiving::Parts parts{parts_.node.network(), {}, {}};
  parts.send = [this, to = *to](BytesView report) {
    const net::Datagram datagram{{}, to, report, 0};
    if (reports_) reports_.socket().send({&datagram, 1});
  };
  parts.done = [this](Result<Bytes> manifest) {
    if (!ended_ && census_ == v1::CensusState::unknown) on_manifest_stream(std::move(manifest));
  };
  auto started = ManifestReceiving::start(std::move(parts), offer, name_.sender, *joined_);
  if (!started) return started.error();
  manifest_stream_ = std::move(*started);
  return {};
}

/// A member may have forged some of it, so what is wrong with it is no fault of the sender's yet.
void ReceivingSession::on_manifest_stream(Result<Bytes> manifest) {
  Status taken = manifest ? Status() : Status(manifest.error());
  if (manifest) {
    manifest_bytes_ = std::move(*manifest);
    taken = take_manifest();
  }
  if (taken) return;
  parts_.log.info("ardus: the manifest does not come by multicast, and is fetched", {{"session", name_.session}, {"why", taken.error().message}});
  manifest_stream_.reset();
  wants_stream_ = false;
  if (link_ && joined_) get_manifest();
}

/// The sender has begun with the data, so it sends no more of that: not from within its own callbacks.
void ReceivingSession::stream_is_over() {
  parts_.node.network().post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || ended_ || !manifest_stream_ || manifest_ || census_ != v1::CensusState::unknown) return;
    on_manifest_stream(Error{Errc::aborted, "the data have begun"});
  });
}

void ReceivingSession::get_manifest() {
  manifest_bytes_.clear();
  manifest_state_ = ManifestState::asked;
  ++answers_due_;
  v1::ManifestRequest request;
  request.session = name_.session;
  request.unless_streamed = !joined_ && wants_stream_ && !parts_.relay;
  const auto counts = [this, alive = std::weak_ptr<char>(alive_), link = link_count_, call = ++manifest_calls_] {
    return !alive.expired() && !ended_ && link == link_count_ && call == manifest_calls_ && census_ == v1::CensusState::unknown;
  };
  v1::SessionClient(caller()).manifest(
      request,
      [this, counts](const v1::ManifestPart& part) {
        if (!counts()) return;
        const std::uint64_t most = std::min<std::uint64_t>(joined_.value_or(ManifestLimits().encoded), ManifestLimits().encoded);
        if (manifest_bytes_.size() + part.bytes.size() > most) return give_up({Errc::malformed, "the manifest is longer than the sender said, or than is taken"});
        manifest_bytes_.insert(manifest_bytes_.end(), part.bytes.begin(), part.bytes.end());
      },
      [this, counts, alive = std::weak_ptr<char>(alive_), link = link_count_](const Status& status) {
        if (!alive.expired() && link == link_count_) --answers_due_;
        if (!counts()) return;
        note("manifest");
        manifest_state_ = status ? ManifestState::here : ManifestState::none;
        if (!joined_) return;  // whose answer says what comes of it
        status ? on_manifest() : call_failed(status.error());
      });
}

void ReceivingSession::on_manifest() {
  if (manifest_bytes_.size() > *joined_) return give_up({Errc::malformed, "the manifest is longer than the sender said"});
  if (Status taken = take_manifest(); !taken) give_up(taken.error());
}

/// Goes on with what has come, where it is right.
Status ReceivingSession::take_manifest() {
  auto manifest = parse_manifest(manifest_bytes_);
  if (!manifest) return manifest.error();
  if (manifest->content != announcement_.content) return Error{Errc::unauthenticated, "the manifest is not of the content that was announced"};
  // The sender's own key is the publisher it vouches for.
  if (manifest->publisher != publisher_) return Error{Errc::unauthenticated, "the manifest was signed by another than the sender"};
  manifest_ = std::make_shared<Manifest>(std::move(*manifest));
  if (parts_.relay) tell_relay();
  open_store();
  return {};
}

Status ReceivingSession::open_reports() {
  if (reports_) return {};
  auto reports = parts_.ports.reports(parts_.way, [this](std::span<const net::Datagram> batch) { on_datagrams(batch); });
  if (!reports) return reports.error();
  reports_ = std::move(*reports);
  return {};
}

void ReceivingSession::need() {
  if (!parts_.relay) {
    if (Status opened = open_reports(); !opened) return give_up(opened.error());
  }
  core_.reset();
  by_tcp_ = false;
  manifest_stream_.reset();  // NeedSet says that it is here
  tail_ = static_cast<std::uint32_t>(lacks_->size());
  if (lacks_->empty()) {
    leave_group();  // which it joined for the manifest
  } else if (Status listening = listen_to_group(); !listening) {
    return give_up(listening.error());
  }
  v1::NeedSetRequest request;
  request.serves = parts_.serves;
  request.session = name_.session;
  request.chunks = to_runs(lacks_->ranges());
  request.reports = to_told(parts_.relay ? parts_.way.address.with_port(kReportPort) : reports_.socket().address());
  request.bytes_done = bytes_done_;
  ++answers_due_;
  v1::SessionClient(caller()).need_set(request, [this, alive = std::weak_ptr<char>(alive_), link = link_count_](const Result<v1::NeedSetResponse>& response) {
    if (alive.expired() || ended_ || link != link_count_) return;
    --answers_due_;
    if (!response) return call_failed(response.error());
    note("needs told");
    if (lacks_->empty()) commit();
  });
  if (link_) get_keys();  // in the same packet: it says nothing before the session begins
  change();
}

void ReceivingSession::get_keys() {
  v1::KeysRequest request;
  request.session = name_.session;
  // Another one on the same connection takes its place.
  const auto counts = [this, alive = std::weak_ptr<char>(alive_), link = link_count_, call = ++keys_calls_] {
    return !alive.expired() && !ended_ && link == link_count_ && call == keys_calls_;
  };
  v1::SessionClient(caller()).keys(
      request,
      [this, counts](const v1::KeysUpdate& update) {
        if (counts()) on_keys(update);
      },
      [this, counts](const Status& status) {
        if (!counts() || census_ == v1::CensusState::verified) return;
        if (!status) return call_failed(status.error());
        give_up({Errc::aborted, "the sender ended the session before this copy was whole; what came is kept"});
      });
}

void ReceivingSession::on_keys(const v1::KeysUpdate& update) {
  if (committing_ || lacks_->empty()) return;
  for (const v1::PeerSource& peer : update.peers) elsewhere().add_peer(peer);
  if (!update.peers.empty()) return;
  if (update.datagram != 0) return take_by_tcp(update);
  // A number is used once: with it go the keys of its paths, whose packet numbers begin at 0. What comes for it later are keys of the group.
  const bool first_of_link = std::exchange(told_on_, link_count_) != link_count_;
  if (update.number != 0 && update.number == number_.value) {
    learn_secret(update);
    if (first_of_link && update.fetch) fetch_rest(*update.fetch);
    return;
  }
  note("keys");
  detail_.clear();
  phase_ = Phase::streaming;
  if (Status read = read_map(update); !read) return give_up(read.error());
  if (update.number != 0) {
    if (Status started = start_core(update); !started) return give_up(started.error());
  }
  if (parts_.relay_more) parts_.relay_more(*lacks_);
  if (update.fetch) fetch(*update.fetch);
  change();
}

/// A Fetch ended with the connection it was asked on: what of it has not come is asked for on the next one.
void ReceivingSession::fetch_rest(const v1::ChunkRuns& runs) {
  const auto ranges = from_runs(runs);
  auto rest = ranges ? ChunkSet::from_ranges(*ranges, lacks_->size()) : Result<ChunkSet>(ranges.error());
  if (!rest) return give_up(rest.error());
  for (std::uint32_t chunk = 0; chunk < rest->size(); ++chunk) {
    if (rest->has(chunk) && (!lacks_->has(chunk) || on_their_way_.has(chunk))) rest->erase(chunk);
  }
  fetch(to_runs(rest->ranges()));
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
    if (number == 0) map_.emplace(*manifest_, segment->layout);
    if (segment->layout != map_->layout()) return Error{Errc::malformed, "stream map: segments of different layouts"};
    map_->append(*chunks);
  }
  return {};
}

}  // namespace ghost::ardus
