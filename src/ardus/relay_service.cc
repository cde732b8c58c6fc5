#include "ardus/relay_service.h"

#include <algorithm>
#include <utility>

namespace ghost::ardus {

namespace {

constexpr Duration kRelayLook = std::chrono::milliseconds(100), kRelayAsk = std::chrono::milliseconds(250);
constexpr Duration kPatience = std::chrono::seconds(5);     ///< with one answer
constexpr Duration kTellAgain = std::chrono::seconds(2);
constexpr Duration kRelayRetry = std::chrono::seconds(2);
constexpr Duration kNobodyComes = std::chrono::seconds(5);  ///< after the content was whole: its receipt waits so long for a first receiver
constexpr Duration kSenderGone = std::chrono::seconds(60);  ///< without a connection to it, while not all has come
constexpr Duration kComeBack = std::chrono::seconds(60);    ///< from a session of this site that has failed to the next one
constexpr std::size_t kMostPassing = 8;

namespace fs = std::filesystem;

}  // namespace

std::uint64_t bytes_under(const fs::path& folder) {
  std::uint64_t all = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code unknown;
    const bool file = at->symlink_status(unknown).type() == fs::file_type::regular;
    const auto size = file ? at->file_size(unknown) : 0;
    if (!unknown) all += size;
  }
  return all;
}

Relay::Relay(Parts parts, Wish wish) : parts_(std::move(parts)), wish_(std::move(wish)) {
  b2::Trust trust;
  trust.house = parts_.node.state().house();
  trust.any_key_on_loopback = false;
  b2::Target target;
  target.tls = true;
  target.address = wish_.from;
  b2::RetryRules rules;
  rules.patient = false;  // it is asked again anyway
  client_ = std::make_unique<b2::Client>(b2::Dial::Parts{parts_.node.network(), parts_.node.endpoint(), parts_.node.tls(), trust, kPatience}, target, rules);
  parts_.log.info("ardus: relaying", {{"from", target.text()}, {"cache", wish_.cache.string()}});
  timer_ = parts_.node.network().wake_at(parts_.node.network().now(), [this](TimePoint) { look(); });
}

Relay::~Relay() { alive_.reset(); }

SendingSession* Relay::sending(std::uint32_t session) {
  for (auto& [number, passing] : passing_) {
    if (passing.down && passing.down->session() == session) return passing.down.get();
  }
  return nullptr;
}

std::vector<v1::Transfer> Relay::transfers() const {
  std::vector<v1::Transfer> all;
  for (const auto& [number, passing] : passing_) {
    if (passing.up) all.push_back(passing.up->told());
    if (passing.down) all.push_back(passing.down->told());
  }
  return all;
}

void Relay::look() {
  ask();
  for (auto one = passing_.begin(); one != passing_.end();) {
    tend(one->second);
    const Passing& passing = one->second;
    const bool over = !passing.listed && (!passing.up || passing.up->ended()) && (!passing.down || passing.down->ended());
    one = over ? passing_.erase(one) : std::next(one);
  }
  timer_ = parts_.node.network().wake_at(parts_.node.network().now() + kRelayLook, [this](TimePoint) { look(); });
}

void Relay::ask() {
  if (asking_ || parts_.node.network().now() < ask_at_) return;
  asking_ = true;
  ask_at_ = parts_.node.network().now() + kRelayAsk;
  b2::CallOptions options;
  options.timeout = kPatience;
  options.idempotent = true;
  v1::SessionClient(client_->caller()).announced({}, [this, alive = std::weak_ptr<char>(alive_)](const Result<v1::AnnouncedResponse>& answer) {
    if (alive.expired()) return;
    asking_ = false;
    on_announced(answer);
  }, options);
}

void Relay::on_announced(const Result<v1::AnnouncedResponse>& answer) {
  const std::string problem = answer ? std::string() : answer.error().message;
  if (problem != problem_ && !problem.empty()) parts_.log.warning("ardus: the sender does not answer the relay", {{"from", wish_.from.text()}, {"why", problem}});
  problem_ = problem;
  if (!answer) return;  // what is under way goes on: its connection tells for itself
  for (auto& [number, passing] : passing_) passing.listed = false;
  for (const Bytes& bytes : answer->announcements) {
    const auto announcement = read_announcement(bytes);
    if (announcement) take_up(*announcement);
  }
}

void Relay::take_up(const Announcement& announcement) {
  const auto known = passing_.find(announcement.session);
  if (known != passing_.end()) {
    known->second.listed = true;
    if (known->second.up && !known->second.up->ended()) known->second.up->announced(announcement);
    return;
  }
  // A sender that was started again: its old session is let go of, so that the cache is free.
  for (auto& [number, passing] : passing_) {
    if (passing.announcement.content != announcement.content) continue;
    if (passing.up && !passing.up->ended()) passing.up->supersede();
    if (passing.down && !passing.down->ended()) passing.down->cancel();
  }
  if (passing_.size() >= kMostPassing) return;
  Passing& passing = passing_[announcement.session];
  passing.announcement = announcement;
  passing.announcement.control = to_wire(wish_.from);  // the sender's own may be of another interface
  passing.announcement.control_port = wish_.from.port();
  passing.folder = wish_.cache / short_name(announcement.content);
  parts_.log.info("ardus: session to relay", {{"session", announcement.session}, {"name", announcement.name}, {"bytes", announcement.bytes}});
  receive(passing);
}

void Relay::receive(Passing& passing) {
  passing.again_at = parts_.node.network().now() + kRelayRetry;
  std::string problem;
  if (Status room = make_room(passing.folder, passing.announcement.bytes); !room) problem = room.error().message;
  const auto ways = parts_.ports.ways(wish_.interfaces.empty() ? std::string() : wish_.interfaces.front(), wish_.ip);
  if (!ways) problem = ways.error().message;
  if (!problem.empty()) {
    if (problem != problem_) parts_.log.error("ardus: not relayed", {{"session", passing.announcement.session}, {"why", problem}});
    problem_ = problem;
    return;
  }
  ReceivingSession::Parts parts{parts_.node, parts_.ports, ways->front(), passing.folder, {}, Owners::own, {}, {}, {}, parts_.log, parts_.changed, {}, {}};
  std::error_code failed;
  for (const auto& older : fs::directory_iterator(wish_.cache, failed)) {
    if (older.path() != passing.folder) parts.seeds.push_back(older.path());
  }
  parts.control = wish_.from;  // with the link it is of, if its address is of one
  parts.fetch_rate = wish_.rate;
  parts.relay = [this, session = passing.announcement.session](SendingSession::Origin origin) { on_manifest(session, std::move(origin)); };
  parts.relay_more = [this, session = passing.announcement.session](const ChunkSet& lacking) {
    const auto found = passing_.find(session);
    if (found != passing_.end() && found->second.down) found->second.down->provide(found->second.folder, lacking);
  };
  passing.up = std::make_unique<ReceivingSession>(std::move(parts), passing.announcement);
}

/// The oldest contents make room for the next one.
Status Relay::make_room(const fs::path& keep, std::uint64_t bytes) {
  std::error_code failed;
  fs::create_directories(wish_.cache, failed);
  if (failed) return Error{Errc::io, "make the cache " + wish_.cache.string() + ": " + failed.message()};
  if (bytes > wish_.cache_size) {
    return Error{Errc::exhausted, "it has " + std::to_string(bytes) + " bytes, and the cache may have " + std::to_string(wish_.cache_size) + ": --cache-size gives it more"};
  }
  struct Held {
    fs::file_time_type when;
    fs::path path;
    std::uint64_t bytes;
  };
  std::vector<Held> held;
  std::uint64_t all = bytes;
  for (const auto& one : fs::directory_iterator(wish_.cache, failed)) {
    std::error_code unknown;
    const bool in_use = std::ranges::any_of(passing_, [&](const auto& p) { return p.second.folder == one.path() && (p.second.up || p.second.down); });
    if (one.path() == keep) continue;
    const std::uint64_t size = bytes_under(one.path());
    all += size;
    if (!in_use) held.push_back({one.last_write_time(unknown), one.path(), size});
  }
  std::ranges::sort(held, {}, &Held::when);
  for (const Held& one : held) {
    if (all <= wish_.cache_size) break;
    std::error_code stays;
    fs::remove_all(one.path, stays);
    if (stays) return Error{Errc::io, "make room in the cache, " + one.path.string() + ": " + stays.message()};
    all -= one.bytes;
  }
  if (all > wish_.cache_size) return Error{Errc::exhausted, "the cache is full of what is being relayed at present"};
  return {};
}

/// Receivers of this site may join while the content comes.
void Relay::on_manifest(std::uint32_t session, SendingSession::Origin origin) {
  const auto found = passing_.find(session);
  if (found == passing_.end()) return;
  found->second.origin = std::move(origin);
  if (!found->second.down || found->second.down->ended()) hand_on(found->second);
}

void Relay::hand_on(Passing& passing) {
  v1::SendRequest request;
  request.name = passing.origin->manifest->name;
  request.interfaces = wish_.interfaces;
  request.wait_ms = 1000;
  request.rate = wish_.rate;
  request.ip = static_cast<std::uint32_t>(wish_.ip);
  request.source_specific = wish_.sources == Sources::one;
  if (passing.connected_at == TimePoint{}) passing.connected_at = parts_.node.network().now();  // the manifest has come just now
  passing.down = std::make_unique<SendingSession>(SendingSession::Parts{parts_.node, parts_.ports, parts_.log, parts_.changed}, std::move(request), *passing.origin);
}

void Relay::tend(Passing& passing) {
  const TimePoint now = parts_.node.network().now();
  const bool whole = passing.up && (passing.up->holds() || passing.up->verified());
  if (passing.up && passing.up->ended() && !whole && passing.listed && now >= passing.again_at) receive(passing);
  if (!passing.up && passing.listed && now >= passing.again_at) receive(passing);
  if (!passing.down) return;
  if (passing.up->is_connected() || whole) passing.connected_at = now;
  if (whole && passing.whole_at == TimePoint{}) passing.whole_at = now;
  tend_down(passing, whole);
  tell(passing);
  const bool failed = passing.down->ended() && passing.down->told().phase == v1::TransferPhase::failed;  // and is to be begun anew
  const bool served = whole && !failed && passing.down->is_settled() && are_back(passing) && (!passing.told.empty() || now - passing.whole_at > kNobodyComes);
  // Its own receipt comes last: the sender may end with it.
  if (served && !passing.up->ended() && passing.up->pass_on(passing.down->passed_on())) passing.up->release();
  if (!passing.listed) passing.down->release();
}

/// Receivers find the next session by its announcements: meanwhile it has none, and is not over.
bool Relay::are_back(const Passing& passing) const {
  if (parts_.node.network().now() - passing.awaited_since >= kComeBack) return true;
  const auto here = passing.down->passed_on();
  return std::ranges::all_of(passing.awaited, [&](const Bytes& node) { return std::ranges::find(here, node, &v1::RelayedReceiver::node) != here.end(); });
}

/// The session of this site, as long as that of its sender goes on. One that has failed, since this machine has another address there, is
/// begun anew: receivers keep what they have.
void Relay::tend_down(Passing& passing, bool whole) {
  const TimePoint now = parts_.node.network().now();
  if (passing.down->ended()) {
    if (!passing.listed || passing.up->ended() || passing.down->told().phase != v1::TransferPhase::failed || now < passing.anew_at) return;
    passing.anew_at = now + passing.anew_in;
    passing.anew_in = std::min(2 * passing.anew_in, kSenderGone);
    for (const v1::RelayedReceiver& one : passing.told) {
      if (one.state != v1::CensusState::verified && one.state != v1::CensusState::failed) passing.awaited.push_back(one.node);
    }
    passing.awaited_since = now;
    passing.whole_at = {};  // whoever was only joining is given as long as at first
    return hand_on(passing);
  }
  if (whole) return passing.down->provide(passing.folder, ChunkSet(passing.origin->manifest->chunks.size()));
  if (passing.listed && now - passing.connected_at < kSenderGone) return;
  passing.down->give_up({Errc::aborted, "the relay's sender at " + wish_.from.text() + (passing.listed ? " was not heard of for 60 s" : " has ended the session") +
                                            " before all of it had come; what came is kept, here and at the relay"});
}

void Relay::tell(Passing& passing) {
  auto receivers = passing.down->passed_on();
  const TimePoint now = parts_.node.network().now();
  if (!passing.up || passing.up->ended() || (receivers == passing.told && now - passing.told_at < kTellAgain)) return;
  if (!passing.up->pass_on(receivers)) return;
  passing.told = std::move(receivers);
  passing.told_at = now;
}

std::vector<SendingSession*> Relay::all_sending() {
  std::vector<SendingSession*> all;
  for (auto& [number, passing] : passing_) {
    if (passing.down) all.push_back(passing.down.get());
  }
  return all;
}

}  // namespace ghost::ardus
