#include "ardus/manifest_sending_service.h"

#include <algorithm>

#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr Duration kAfterLast = std::chrono::milliseconds(300), kAfterFirst = std::chrono::seconds(1);
constexpr Duration kAllHere = std::chrono::milliseconds(20);  ///< the last one's keys are still on their way, and a switch learns of it
constexpr int kManifestBatchesATurn = 8;
constexpr std::size_t kLargeManifest = 32 * 1024, kLargeManifests = 128 * 1024;  ///< bytes: of one; of all copies that would have to be sent
constexpr std::uint32_t kGroupBits = 0x3fff;                  ///< of a session's number, that its group goes by (§2.4)

/// Another session of the same group: whoever listens to that need not join a second one.
SessionName name_beside(std::uint32_t data_session, const PublicKey& sender) {
  SessionName name;
  std::array<std::uint8_t, 4> number;
  do {
    random_bytes(number);
    name.session = (ByteReader(number).u32() & ~kGroupBits) | (data_session & kGroupBits);
  } while (name.session == data_session || name.session == 0);
  random_bytes(name.nonce);
  name.sender = sender;
  return name;
}

Secret random_secret() {
  Secret secret;
  random_bytes(secret);
  return secret;
}

/// Nobody is begun with before all_here(), or the timer.
SenderOptions waiting(SenderOptions options, std::size_t bytes) {
  options.stream = {bytes};  // of the standard layout: what reaches everybody
  options.start_receivers = ~std::size_t{0};
  return options;
}

}  // namespace

bool is_worth_a_stream(std::size_t manifest_bytes, std::size_t awaited) {
  return awaited != 1 && (manifest_bytes >= kLargeManifest || manifest_bytes * awaited >= kLargeManifests);
}

ManifestSending::ManifestSending(Parts parts, std::uint32_t data_session, SenderOptions options)
    : parts_(std::move(parts)), name_(name_beside(data_session, parts_.key.public_key())),
      keys_(name_, random_secret(), parts_.key, parts_.keys),
      core_(waiting(options, parts_.manifest().size()), name_, keys_, static_cast<BlockSource&>(*this), parts_.network.precise_now()),
      outbox_(parts_.send), pump_timer_(parts_.network, [this] { pump(); }) {}

ManifestSending::~ManifestSending() = default;

v1::ManifestStream ManifestSending::add(const b2::NodeId& who, std::size_t way, const net::Address& reports) {
  const TimePoint now = parts_.network.precise_now();
  Listener& listener = listeners_[who];
  if (listener.number.value != 0) core_.remove_receiver(listener.number);  // a number is used once, and what is told for it
  Secret secret = random_secret();
  const JoinedReceiver joined = core_.add_receiver(BlockSet::all(StreamShape{parts_.manifest().size()}.blocks()), secret, now);
  listener = {joined.number, way, reports, false};
  v1::ManifestStream told;
  told.session = name_.session;
  told.nonce = to_bytes(name_.nonce);
  told.number = joined.number.value;
  told.position = joined.position.value;
  told.epoch = keys_.epoch();
  told.epoch_secret = to_bytes(keys_.epoch_secret());
  told.own_secret = to_bytes(secret);
  wipe(secret);
  if (first_ == TimePoint{}) first_ = now;
  begin_at(std::min(now + kAfterLast, first_ + kAfterFirst));
  return told;
}

void ManifestSending::all_here() { begin_at(std::min(parts_.network.precise_now() + kAllHere, first_ + kAfterFirst)); }

void ManifestSending::begin_at(TimePoint when) {
  if (begun_ || ended_) return;
  begin_timer_ = parts_.network.wake_at(when, [this](TimePoint) { begin(); });
}

void ManifestSending::begin() {
  if (begun_ || ended_) return;
  if (std::ranges::all_of(listeners_, [](const auto& one) { return one.second.done; })) {
    first_ = {};  // nobody is left: the next one to join is the first
    return;
  }
  begun_ = true;
  core_.begin(parts_.network.precise_now());
  pump();
}

void ManifestSending::done(const b2::NodeId& who) {
  const auto found = listeners_.find(who);
  if (ended_ || found == listeners_.end() || std::exchange(found->second.done, true)) return;
  core().set_verified(found->second.number, parts_.network.precise_now());
  if (begun_ && std::ranges::all_of(listeners_, [](const auto& one) { return one.second.done; })) return end();
  if (begun_) pump();
}

void ManifestSending::end() {
  if (std::exchange(ended_, true)) return;
  const SenderProgress progress = core_.progress(parts_.network.precise_now());
  if (begun_) {
    parts_.log.info("ardus: manifest sent", {{"session", name_.session}, {"receivers", listeners_.size()}, {"bytes", parts_.manifest().size()}, {"sent_bytes", progress.sent_bytes}});
  }
  outbox_.clear();
  core_.end();
  begin_timer_.reset();
  pump_timer_.clear();
}

void ManifestSending::set_ceiling(std::uint64_t ceiling, bool fixed) {
  if (!ended_) core().set_ceiling(ceiling, fixed);
}

void ManifestSending::on_datagrams(std::span<const net::Datagram> batch) {
  if (!begun_ || ended_) return;
  const TimePoint now = parts_.network.precise_now();
  bool any = false;
  for (const net::Datagram& datagram : batch) {
    if (session_of(datagram.bytes) != name_.session) continue;
    core().on_datagram(datagram.bytes, now);
    any = true;
  }
  if (any) pump();
}

Status ManifestSending::read(BlockIndex block, std::span<std::uint8_t> out) {
  const BytesView all = parts_.manifest();
  const BytesView rest = all.subspan(std::min(all.size(), std::size_t{block.value} * kBlockBytes));
  const std::size_t some = std::min(rest.size(), out.size());
  std::copy_n(rest.begin(), some, out.begin());
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(some), out.end(), std::uint8_t{0});
  return {};
}

/// For calls that may change it: the bytes it gave out last are its own, and go now or never.
Sender& ManifestSending::core() {
  outbox_.flush();
  outbox_.clear();
  return core_;
}

void ManifestSending::pump() {
  if (ended_) return;
  outbox_.flush();
  for (int i = 0; i < kManifestBatchesATurn && outbox_.empty(); ++i) {
    const auto batch = core_.poll(parts_.network.precise_now());
    if (batch.empty()) break;
    send_batch(batch);
  }
  const TimePoint next = outbox_.empty() ? core_.next_wakeup() : parts_.network.precise_now() + std::chrono::milliseconds(1);
  if (next == TimePoint::max()) return pump_timer_.clear();
  pump_timer_.set(next);
}

void ManifestSending::send_batch(std::span<const Outgoing> batch) {
  for (const Outgoing& out : batch) {
    if (out.to == Destination::group) {
      for (std::size_t i = 0; i < parts_.ways.size(); ++i) {
        const Way& way = parts_.ways[i];
        if (parts_.carries(i)) outbox_.add(i, {way.address, data_group(name_.session, way.family(), parts_.sources), out.bytes, way.interface});
      }
    } else if (out.to == Destination::receiver) {
      for (const auto& [id, listener] : listeners_) {
        if (listener.number.value == out.index) outbox_.add(listener.way, {{}, listener.reports, out.bytes, 0});
      }
    }
  }
  outbox_.flush();
}

}  // namespace ghost::ardus
