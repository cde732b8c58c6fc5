#include "ardus/ardus_node_service.h"

#include <algorithm>
#include <set>

#include "ardus/transfer_end.h"

namespace ghost::ardus {

namespace {

constexpr Duration kTellEvery = std::chrono::milliseconds(100);
constexpr Duration kTryAgain = std::chrono::seconds(15);  ///< a session that failed here, if it is still announced
constexpr Duration kWaysLook = std::chrono::seconds(1);   ///< whether this machine has other addresses
constexpr Duration kMoreWaysMost = std::chrono::seconds(60);  ///< … or some of the IP that an interface lacks: ever less often
constexpr Duration kDoubledWait = std::chrono::seconds(3);    ///< for an announcement from an address that goes before; less than senders wait by default …
constexpr int kDoubledHeard = 3;                              ///< … and so many from this one
constexpr std::size_t kMostTold = 100;                    ///< hosts that are told of in the log …
constexpr Duration kToldAgain = std::chrono::hours(1);    ///< … each once in so long
constexpr std::size_t kMostReceiving = 16, kMostSending = 16, kHistory = 20, kMostHeard = 1000;

/// Where an announcement says to join.
std::string host_of(const Announcement& announcement) {
  const auto control = from_wire(announcement.control, announcement.control_port, 0);
  return control ? control->host() : std::string();
}

}  // namespace

Bytes status_signed_bytes(BytesView nonce, const v1::StatusResponse& status) {
  Bytes bytes;
  ByteWriter out(bytes);
  const auto text = [&](std::string_view value) { out.u16(static_cast<std::uint16_t>(value.size())).bytes(as_bytes(value)); };
  text(as_text(nonce));
  out.bytes(status.node).u64(status.time_ms).u16(static_cast<std::uint16_t>(status.sockets.size()));
  for (const v1::Socket& socket : status.sockets) text(socket.transport), text(socket.address), text(socket.purpose);
  return bytes;
}

ArdusNode::ArdusNode(b2::Node& node, const Logger& log, HolderOf holder)
    : node_(node), log_(log), ports_(node.network(), log, [this] { return node_.server().addresses(); }, std::move(holder)), desk_([this](std::uint32_t session) { return sending(session); }, [this] { return all_sending(); }), peers_(log) {
  node_.endpoint().services.add(*this);
  node_.endpoint().services.add(peers_);
  node_.endpoint().services.add(desk_);
  node_.more_metrics = [this] { return metrics_text(); };
  look_at_ways();
}

ArdusNode::~ArdusNode() {
  alive_.reset();
  node_.more_metrics = {};
  node_.endpoint().services.remove(desk_);
  node_.endpoint().services.remove(peers_);
  node_.endpoint().services.remove(*this);
}

Status ArdusNode::start(Options options) {
  options_ = std::move(options);
  if (options_.relay) {
    if (!node_.state().membership()) return Error{Errc::refused, "this node is in no house: join the sender's with 'ghostlight house join'"};
    relay_ = std::make_unique<Relay>(Relay::Parts{node_, ports_, log_, [this] { change(); }}, *options_.relay);
  }
  if (!options_.into) return {};
  auto reception = open_reception(*options_.into, options_.interfaces, options_.ip);
  if (!reception) return reception.error();
  reception_ = std::move(*reception);
  reception_->seeds = options_.seeds;
  reception_->owners = options_.owners;
  reception_->mirrors = options_.mirrors;
  return {};
}

/// Where receivers on that way may fetch what this one has; "" where the port is another's, which is no reason not to receive.
std::string ArdusNode::serve_peers(const Way& way) {
  auto& listener = serving_[way.address];
  if (!listener) {
    auto opened = node_.network().listen(way.address.with_port(kReportPort), node_.server().acceptor());
    if (!opened) {
      log_.warning("ardus: hands nothing on", {{"why", ports_.told_holder(opened.error(), "tcp", kReportPort).message}});
      return {};
    }
    listener = std::move(*opened);
  }
  return to_told(listener->address());
}

Result<std::shared_ptr<ArdusNode::Reception>> ArdusNode::open_reception(std::filesystem::path into, const std::vector<std::string>& interfaces, Ip ip) {
  auto reception = std::make_shared<Reception>();
  reception->into = std::move(into);
  reception->ip = ip;
  std::vector<std::string> names = interfaces;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    const auto ways = ports_.ways(name, ip);
    if (!ways) return ways.error();
    for (const Way& way : *ways) {
      if (Status added = add_way(reception, way); !added) {
        if (&way == &ways->front()) return added.error();
        log_.warning("ardus: receives by IPv4 alone", {{"interface", way.name}, {"why", added.error().message}});
      }
    }
  }
  return reception;
}

/// All it takes is held from the start, so that what this node listens to does not change from one transfer to the next.
Status ArdusNode::add_way(const std::shared_ptr<Reception>& reception, const Way& way) {
  auto reports = ports_.reports(way, [](std::span<const net::Datagram>) {});
  if (!reports) return reports.error();
  auto data = ports_.data(way.family(), [](std::span<const net::Datagram>) {});
  if (!data) return data.error();
  reception->ways.push_back(way);
  reception->announcements.emplace_back();
  if (Status heard = hear_announcements(reception, reception->ways.size() - 1); !heard) {
    reception->ways.pop_back();
    reception->announcements.pop_back();
    return heard;
  }
  (void)serve_peers(way);
  reception->reports.push_back(std::move(*reports));
  reception->data.push_back(std::move(*data));
  log_.info("ardus: receiving", {{"into", reception->into.string()}, {"interface", way.name}, {"address", way.address.host()}});
  return {};
}

Status ArdusNode::hear_announcements(const std::shared_ptr<Reception>& reception, std::size_t way) {
  auto heard = ports_.announcements(reception->ways[way], [this, way, weak = std::weak_ptr(reception)](std::span<const net::Datagram> batch) {
    if (const auto here = weak.lock()) on_announcements(batch, here->ways[way]);
  });
  if (!heard) return heard.error();
  reception->announcements[way] = std::move(*heard);
  return {};
}

std::vector<std::shared_ptr<ArdusNode::Reception>> ArdusNode::receptions() const {
  std::vector<std::shared_ptr<Reception>> all;
  if (reception_) all.push_back(reception_);
  for (const auto& [call, reception] : calls_) all.push_back(reception);
  return all;
}

/// An address that was given up takes with it whatever is bound to it; transfers go on from the next one.
void ArdusNode::look_at_ways() {
  for (const auto& reception : receptions()) {
    for (std::size_t i = 0; i < reception->ways.size(); ++i) {
      if (is_here(reception->ways[i])) continue;
      if (const auto to = ports_.again(reception->ways[i])) move(reception, i, *to);  // else it has none at present
    }
    look_for_more_ways(reception);
  }
  ways_timer_ = node_.network().wake_at(node_.network().now() + kWaysLook, [this](TimePoint) { look_at_ways(); });
}

/// An address of IPv6 is checked for two seconds before it may be used, and one of IPv4 may be waited for: an interface that has one of them only is
/// looked at again.
void ArdusNode::look_for_more_ways(const std::shared_ptr<Reception>& reception) {
  const TimePoint now = node_.network().now();
  if (reception->ip != Ip::any || now < reception->more_at) return;
  reception->more_at = now + reception->more_in;
  reception->more_in = std::min(2 * reception->more_in, kMoreWaysMost);
  const std::vector<Way> known = reception->ways;
  for (const Way& one : known) {
    if (std::ranges::count(known, one.interface, &Way::interface) > 1) continue;
    const auto ways = ports_.ways(one.name, Ip::any);
    if (!ways) continue;
    for (const Way& way : *ways) {
      if (way.family() != one.family()) (void)add_way(reception, way);  // the next look may have more luck
    }
  }
}

void ArdusNode::move(const std::shared_ptr<Reception>& reception, std::size_t number, const Way& to) {
  auto reports = ports_.reports(to, [](std::span<const net::Datagram>) {});
  if (!reports) return;  // the next look may have more luck
  const Way was = std::exchange(reception->ways[number], to);
  log_.warning("ardus: this machine's address is another", {{"interface", to.name}, {"was", was.address.host()}, {"is", to.address.host()}});
  reception->reports[number] = std::move(*reports);
  reception->announcements[number] = {};
  if (Status heard = hear_announcements(reception, number); !heard) {
    log_.error("ardus: announcements are not heard", {{"why", heard.error().message}});
    reception->ways[number] = was;  // the next look moves again
    return;
  }
  serving_.erase(was.address);
  const std::string serves = serve_peers(to);
  for (auto& [key, receiving] : receiving_) {
    if (receiving.session->way().address == was.address && receiving.session->way().interface == was.interface) receiving.session->moved(to, serves);
  }
  change();
}

void ArdusNode::on_announcements(std::span<const net::Datagram> batch, const Way& way) {
  for (const net::Datagram& datagram : batch) {
    // The kernel looks at the group alone, whichever socket joined it on whichever interface.
    if (way.family() == net::Address::Family::ip6 && datagram.interface != way.interface) continue;
    if (!announcements_.take(node_.network().now())) return;
    const auto announcement = read_announcement(datagram.bytes);
    if (!announcement) {
      if (!told_of(datagram.from.host())) log_.warning("ardus: an announcement that nobody signed, or was changed on its way", {{"from", datagram.from.host()}, {"why", announcement.error().message}});
      continue;
    }
    // Nobody makes us call anybody else.
    const auto control = from_wire(announcement->control, announcement->control_port, way.interface);
    if (!control || control->with_port(0) != datagram.from.with_port(0)) {
      if (!told_of(datagram.from.host())) log_.warning("ardus: an announcement that came from elsewhere than where it says to join", {{"from", datagram.from.host()}});
      continue;
    }
    // Where this machine has an address of the link alone, and the sender one that reaches beyond it, too, the latter is out of reach: it announces from the former, too.
    if (way.family() == net::Address::Family::ip6 && !source_towards(*control)) {
      if (!told_of(control->host())) log_.info("ardus: an announcement from an address that there is no route to", {{"from", control->host()}, {"interface", way.name}});
      continue;
    }
    on_announcement(*announcement, way);
  }
}

void ArdusNode::on_announcement(const Announcement& announcement, const Way& way) {
  const Announced key(announcement.session, announcement.sender);
  if (const auto known = receiving_.find(key); known != receiving_.end()) return announced_again(known->second, announcement, way);
  const auto heard = heard_.find(key);
  if (heard != heard_.end() && node_.network().now() < heard->second) return;
  if (announcement.sender == node_.state().key().public_key()) return;
  const std::uint64_t call = calls_.empty() ? 0 : calls_.rbegin()->first;
  const auto reception = call == 0 ? reception_ : calls_.rbegin()->second;
  if (!reception || std::ranges::none_of(reception->ways, [&](const Way& one) { return one.interface == way.interface && one.family() == way.family(); })) return;
  if (waits_for_better(announcement, way, *reception)) return;
  // A sender that was started again announces the same content anew: the session that died with it is let go of. What its sender said earlier
  // is an old announcement that somebody sends again, as long as there is a connection to the sender.
  for (auto& [other, receiving] : receiving_) {
    const ReceivingSession& one = *receiving.session;
    if (one.ended() || one.announcement().content != announcement.content || one.announcement().sender != announcement.sender) continue;
    if (one.is_connected() && announcement.time_ms <= one.announcement().time_ms) return;
    receiving.session->supersede();
  }
  tidy();
  if (receiving_.size() >= kMostReceiving && !make_way()) return;
  const LogFields what = {{"session", announcement.session}, {"name", announcement.name}, {"bytes", announcement.bytes}};
  announced_told_.take(node_.network().now()) ? log_.info("ardus: session announced", what) : log_.debug("ardus: session announced", what);
  const Way by = way_towards(announcement, way);
  ReceivingSession::Parts parts{node_, ports_, by, reception->into, reception->seeds, reception->owners, options_.accept_from, serve_peers(by), reception->mirrors,
                                log_, [this] { change(); }, [this](PeerDesk::Holding held) { peers_.add(std::move(held)); }};
  parts.told_before = is_told_of(host_of(announcement));
  receiving_[key] = {std::make_unique<ReceivingSession>(std::move(parts), announcement), call, ++serials_};
  change();
}

/// Of its sender's addresses one may be out of reach, by a firewall that lets in the other IP alone, or gone: then it is joined at the next that is heard.
void ArdusNode::announced_again(const Receiving& known, const Announcement& announcement, const Way& way) {
  ReceivingSession& session = *known.session;
  const auto call = calls_.find(known.reception);
  const auto reception = known.reception == 0 ? reception_ : call != calls_.end() ? call->second : nullptr;
  const bool is_its_own = reception && std::ranges::any_of(reception->ways, [&](const Way& one) { return one.interface == way.interface && one.family() == way.family(); });
  if (!is_its_own || !session.wants_another_way(announcement)) return session.announced(announcement);
  const Way by = way_towards(announcement, way);
  session.announced_elsewhere(announcement, by, serve_peers(by));
}

/// A sender that has none but a link-local address would send nothing to an address of ours that it has no route to.
Way ArdusNode::way_towards(const Announcement& announcement, const Way& way) const {
  const auto control = from_wire(announcement.control, announcement.control_port, way.interface);
  return control && control->is_link_local() ? ports_.link_local(way).value_or(way) : way;
}

/// Where a session comes from several addresses of its sender, IPv4 goes before IPv6, and what reaches beyond the link before what does not, so that the link
/// carries it once. One that is heard from the other alone is taken from there.
bool ArdusNode::waits_for_better(const Announcement& announcement, const Way& way, const Reception& reception) {
  const bool has_better = std::ranges::any_of(reception.ways, [&](const Way& one) {
    if (one.interface != way.interface) return false;
    return one.family() == net::Address::Family::ip4 ? announcement.ip4_too : announcement.beyond_too && !one.address.is_link_local();
  });
  const Announced key(announcement.session, announcement.sender);
  const TimePoint now = node_.network().now();
  if (!has_better) {
    doubled_.erase(key);
    return false;
  }
  if (doubled_.size() >= kMostHeard) std::erase_if(doubled_, [&](const auto& one) { return now - one.second.since > kDoubledWait; });
  if (doubled_.size() >= kMostHeard && !doubled_.contains(key)) return true;
  const auto [found, is_first] = doubled_.try_emplace(key, Doubled{now, 0});
  // A switch may have forgotten this member of the other group since something came by it last.
  for (std::size_t i = 0; is_first && i < reception.ways.size(); ++i) {
    if (reception.ways[i].interface == way.interface && reception.ways[i].family() != way.family() && reception.announcements[i]) ports_.join_again(reception.announcements[i]);
  }
  Doubled& one = found->second;
  if (++one.heard < kDoubledHeard || now - one.since < kDoubledWait) return true;
  doubled_.erase(key);
  return false;
}

/// Of the sessions whose sender has not proven to be a member the oldest is let go of: who announces many holds up nobody.
bool ArdusNode::make_way() {
  ReceivingSession* oldest = nullptr;
  for (auto& [key, receiving] : receiving_) {
    ReceivingSession& one = *receiving.session;
    if (!one.is_proven() && (oldest == nullptr || one.started() < oldest->started())) oldest = &one;
  }
  if (oldest == nullptr) return false;
  oldest->give_way();
  tidy();
  return true;
}

/// Notes that a host announces what is not to be trusted; true when that was told before, or too many were.
bool ArdusNode::told_of(const std::string& host) {
  std::erase_if(told_of_, [&](const auto& one) { return node_.network().now() - one.second > kToldAgain; });
  return is_told_of(host) || !told_of_.emplace(host, node_.network().now()).second;
}

bool ArdusNode::is_told_of(const std::string& host) const {
  const auto told = told_of_.find(host);
  return told != told_of_.end() ? node_.network().now() - told->second <= kToldAgain : told_of_.size() >= kMostTold;
}

SendingSession* ArdusNode::sending(std::uint32_t session) {
  const auto found = sending_.find(session);
  if (found == sending_.end()) return relay_ ? relay_->sending(session) : nullptr;
  return found->second.get();
}

std::vector<SendingSession*> ArdusNode::all_sending() const {
  std::vector<SendingSession*> all;
  for (const auto& [session, one] : sending_) all.push_back(one.get());
  return all;
}

/// Adds somebody who is told at once, and then at most every kTellEvery; `tell` answers false when that was the last.
template <class Message>
void ArdusNode::follow(b2::ServerStream<Message> stream, std::function<bool(const Say<Message>&)> tell) {
  const auto shared = std::make_shared<b2::ServerStream<Message>>(std::move(stream));
  const auto follower = std::make_shared<Follower>();
  shared->on_cancel([weak = std::weak_ptr(follower), stream_weak = std::weak_ptr(shared)] {
    if (const auto gone = weak.lock()) gone->gone = true;
    if (const auto cancelled = stream_weak.lock()) cancelled->fail({Errc::cancelled, "cancelled by the caller"});
  });
  shared->on_ready([this, weak = std::weak_ptr(follower), alive = std::weak_ptr<char>(alive_)] {
    if (const auto ready = weak.lock()) ready->full = false;
    if (!alive.expired()) change();
  });
  follower->tell = [shared, tell = std::move(tell), weak = std::weak_ptr(follower)] {
    const Say<Message> say = [&](const Message& message) {
      if (!shared->write(message)) weak.lock()->full = true;
    };
    if (shared->open() && tell(say)) return true;
    shared->finish();
    return false;
  };
  followers_.push_back(follower);
  if (!follower->tell()) follower->gone = true;
}

void ArdusNode::send(v1::SendRequest request, b2::ServerStream<v1::Transfer> stream) {
  if (sending_.size() >= kMostSending) return stream.fail({Errc::exhausted, "sixteen transfers are being sent already"});
  for (const std::string& path : request.paths) {
    if (!path.starts_with("/")) return stream.fail({Errc::malformed, "'" + path + "': paths are absolute here, since this is another process than the one that asks"});
  }
  auto made = std::make_unique<SendingSession>(SendingSession::Parts{node_, ports_, log_, [this] { change(); }}, std::move(request));
  const std::uint32_t session = made->session();
  sending_[session] = std::move(made);
  follow<v1::Transfer>(std::move(stream), [this, session](const Say<v1::Transfer>& say) {
    if (const SendingSession* const one = sending(session)) {
      say(one->told());
      return !one->ended();
    }
    for (const Past& past : history_) {
      if (past.transfer.session == session && past.transfer.sending) say(past.transfer);
    }
    return false;
  });
}

std::map<std::uint64_t, v1::Transfer> ArdusNode::received_by(std::uint64_t reception) const {
  std::map<std::uint64_t, v1::Transfer> all;
  for (const Past& past : history_) {
    if (past.reception == reception && !past.transfer.sending) all[past.serial] = past.transfer;
  }
  for (const auto& [session, receiving] : receiving_) {
    if (receiving.reception == reception) all[receiving.serial] = receiving.session->told();
  }
  return all;
}

void ArdusNode::receive(v1::ReceiveRequest request, b2::ServerStream<v1::Transfer> stream) {
  if (!request.into.starts_with("/")) return stream.fail({Errc::malformed, "'" + request.into + "': the folder's path is absolute here, since this is another process than the one that asks"});
  if (!node_.state().membership()) {
    return stream.fail({Errc::refused, "this node is in no house, so it can't tell which senders may be trusted: make one with 'ghostlight house create NAME', or join the sender's with "
                                       "'ghostlight house join --at HOST:2203'"});
  }
  const auto ip = ip_of(request.ip);
  if (!ip) return stream.fail(ip.error());
  auto reception = open_reception(request.into, request.interfaces, *ip);
  if (!reception) return stream.fail(reception.error());
  for (const std::string& seed : request.seed_from) {
    if (!seed.starts_with("/")) return stream.fail({Errc::malformed, "'" + seed + "': the folder's path is absolute here, since this is another process than the one that asks"});
    (*reception)->seeds.emplace_back(seed);
  }
  for (const std::string& url : request.mirrors) {
    if (!url.starts_with("http://") && !url.starts_with("https://")) return stream.fail({Errc::malformed, "'" + url + "': an address that begins with http:// or https:// is wanted"});
    (*reception)->mirrors.push_back(url);
  }
  (*reception)->owners = request.owners ? Owners::publishers : Owners::own;
  const std::uint64_t call = ++call_count_;
  calls_[call] = std::move(*reception);
  // Dies with the call.
  const auto leave = std::shared_ptr<void>(nullptr, [this, call, alive = std::weak_ptr<char>(alive_)](void*) {
    if (!alive.expired()) calls_.erase(call);
  });
  const auto told = std::make_shared<std::set<std::uint64_t>>();  // whose end was told, by serial
  follow<v1::Transfer>(std::move(stream), [this, call, told, once = request.once, leave](const Say<v1::Transfer>& say) {
    const auto all = received_by(call);
    std::erase_if(*told, [&](std::uint64_t serial) { return !all.contains(serial); });
    for (const auto& [serial, transfer] : all) {
      if (told->contains(serial)) continue;
      say(transfer);
      if (transfer.phase < v1::TransferPhase::done) continue;
      told->insert(serial);
      // An announcement of a stranger's, or of nobody's, is told, and ends nothing.
      if (once && !is_nobodys(transfer)) return false;
    }
    return true;
  });
}

Result<v1::StatusResponse> ArdusNode::status(const v1::StatusRequest& request, const b2::CallContext&) {
  if (request.nonce.size() < 16 || request.nonce.size() > 64) return Error{Errc::malformed, "Status needs a nonce of 16 to 64 bytes"};
  v1::StatusResponse response;
  response.node = to_bytes(node_.state().id().bytes);
  response.public_key = to_bytes(node_.state().key().public_key());
  response.name = node_.state().name();
  response.program = node_.endpoint().program;
  response.time_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  std::vector<net::Address> control = node_.server().addresses();
  auto all = all_sending();
  if (relay_) std::ranges::copy(relay_->all_sending(), std::back_inserter(all));
  for (const SendingSession* one : all) {
    const auto more = one->listening();
    control.insert(control.end(), more.begin(), more.end());
  }
  for (const net::Address& address : control) {
    if (!address.is_ip()) continue;
    v1::Socket socket;
    socket.transport = "tcp";
    socket.address = address.text();
    socket.purpose = "control";
    response.sockets.push_back(std::move(socket));
  }
  for (const auto& [address, listener] : serving_) {
    if (!listener) continue;
    v1::Socket socket;
    socket.transport = "tcp";
    socket.address = listener->address().text();
    socket.purpose = "repair";
    response.sockets.push_back(std::move(socket));
  }
  for (v1::Socket& socket : ports_.sockets()) response.sockets.push_back(std::move(socket));
  if (!calls_.empty()) response.receiving_into = calls_.rbegin()->second->into.string();
  else if (reception_) response.receiving_into = reception_->into.string();
  const Signature signature = node_.state().key().sign(kStatusDomain, status_signed_bytes(request.nonce, response));
  response.signature = Bytes(signature.begin(), signature.end());
  return response;
}

Result<v1::CancelResponse> ArdusNode::cancel(const v1::CancelRequest& request, const b2::CallContext&) {
  v1::CancelResponse response;
  const auto session = static_cast<std::uint32_t>(request.session);
  if (request.session != session) return response;
  if (SendingSession* const one = sending(session); one != nullptr && !one->ended()) {
    one->cancel();
    response.found = true;
  }
  for (auto& [key, one] : receiving_) {
    if (key.first != session || one.session->ended()) continue;
    one.session->cancel();
    response.found = true;
  }
  return response;
}

v1::Transfers ArdusNode::transfers() const {
  v1::Transfers all;
  for (const Past& past : history_) all.transfers.push_back(past.transfer);
  for (const auto& [session, one] : receiving_) all.transfers.push_back(one.session->told());
  for (const auto& [session, one] : sending_) all.transfers.push_back(one->told());
  if (relay_) {
    for (v1::Transfer& transfer : relay_->transfers()) all.transfers.push_back(std::move(transfer));
  }
  return all;
}

std::string ArdusNode::metrics_text() const {
  v1::Transfers under_way;
  for (const auto& [session, one] : receiving_) under_way.transfers.push_back(one.session->told());
  for (const auto& [session, one] : sending_) under_way.transfers.push_back(one->told());
  return metrics_.text(under_way);
}

void ArdusNode::watch(v1::WatchRequest, b2::ServerStream<v1::Transfers> stream) {
  follow<v1::Transfers>(std::move(stream), [this](const Say<v1::Transfers>& say) {
    say(transfers());
    return true;
  });
}

/// An end is told at once: somebody waits for it.
void ArdusNode::change() {
  const TimePoint now = node_.network().now();
  const TimePoint when = somebody_ended() ? now : std::max(now, told_ + kTellEvery);
  if (tell_planned_ && tell_at_ <= when) return;
  tell_planned_ = true;
  tell_at_ = when;
  tell_timer_ = node_.network().wake_at(when, [this](TimePoint) {
    tell_planned_ = false;
    tell_all();
  });
}

bool ArdusNode::somebody_ended() const {
  return std::ranges::any_of(sending_, [](const auto& one) { return one.second->ended(); }) ||
         std::ranges::any_of(receiving_, [](const auto& one) { return one.second.session->ended(); });
}

void ArdusNode::tell_all() {
  told_ = node_.network().now();
  const auto all = followers_;
  for (const auto& follower : all) {
    if (!follower->gone && !follower->full && !follower->tell()) follower->gone = true;
  }
  std::erase_if(followers_, [](const auto& follower) { return follower->gone; });
  tidy();
}

void ArdusNode::remember(const v1::Transfer& transfer, std::uint64_t reception, std::uint64_t serial) {
  history_.push_back({transfer, reception, serial});
  metrics_.ended(transfer);
  if (options_.ended && !was_refused(transfer)) options_.ended(transfer);
  if (history_.size() <= kHistory) return;
  const auto stranger = std::ranges::find_if(history_, [](const Past& past) { return was_refused(past.transfer); });
  history_.erase(stranger != history_.end() ? stranger : history_.begin());
}

/// Lets go of what has ended and was told.
void ArdusNode::tidy() {
  const TimePoint now = node_.network().now();
  for (auto one = receiving_.begin(); one != receiving_.end();) {
    if (!one->second.session->ended()) {
      ++one;
      continue;
    }
    // What was verified is forgotten last: it would be received again.
    if (heard_.size() >= kMostHeard) std::erase_if(heard_, [](const auto& each) { return each.second != TimePoint::max(); });
    if (heard_.size() >= kMostHeard) heard_.clear();
    if (was_refused(one->second.session->told()) || !one->second.session->is_proven()) (void)told_of(host_of(one->second.session->announcement()));
    heard_[one->first] = one->second.session->verified() ? TimePoint::max() : now + kTryAgain;
    remember(one->second.session->told(), one->second.reception, one->second.serial);
    one = receiving_.erase(one);
  }
  for (auto one = sending_.begin(); one != sending_.end();) {
    if (!one->second->ended()) {
      ++one;
      continue;
    }
    remember(one->second->told(), 0, 0);
    one = sending_.erase(one);
  }
}

}  // namespace ghost::ardus
