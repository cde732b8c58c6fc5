#include "ardus/manifest_receiving_service.h"

#include <algorithm>

#include "base/random.h"

namespace ghost::ardus {

namespace {

constexpr Duration kManifestLook = std::chrono::milliseconds(100);
constexpr Duration kLongestStream = std::chrono::seconds(10);  ///< and as long as its bytes take at so many a second
constexpr std::uint64_t kLeastBytes = 100'000;

}  // namespace

Result<std::unique_ptr<ManifestReceiving>> ManifestReceiving::start(Parts parts, const v1::ManifestStream& offer, const PublicKey& sender, std::uint64_t bytes) {
  SessionName name;
  const auto epoch_secret = secret_of(offer.epoch_secret), own_secret = secret_of(offer.own_secret);
  if (!epoch_secret) return epoch_secret.error();
  if (!own_secret) return own_secret.error();
  if (offer.nonce.size() != name.nonce.size() || offer.number == 0 || offer.epoch > kLastEpoch || bytes == 0) {
    return Error{Errc::malformed, "the manifest's stream lacks what it takes"};
  }
  name.session = offer.session;
  std::ranges::copy(offer.nonce, name.nonce.begin());
  name.sender = sender;
  ReceiverOptions options;
  options.session = offer.session;
  options.number = ReceiverNumber{offer.number};
  options.stream.bytes = bytes;
  options.position = BlockIndex{offer.position};
  std::array<std::uint8_t, 8> seed;
  random_bytes(seed);
  options.seed = ByteReader(seed).u64();
  return std::unique_ptr<ManifestReceiving>(
      new ManifestReceiving(std::move(parts), options, name, static_cast<std::uint8_t>(offer.epoch), *epoch_secret, *own_secret));
}

ManifestReceiving::ManifestReceiving(Parts parts, const ReceiverOptions& options, const SessionName& name, std::uint8_t epoch, const Secret& epoch_secret, const Secret& own_secret)
    : parts_(std::move(parts)), options_(options), decoder_(options.stream, static_cast<BlockSink&>(*this)),
      keys_(name, epoch, epoch_secret, options.number, own_secret, parts_.keys),
      core_(options, BlockSet::all(options.stream.blocks()), keys_, decoder_, parts_.network.precise_now()), began_(parts_.network.precise_now()), got_on_(began_) {
  watch();
  pump();
}

ManifestReceiving::~ManifestReceiving() = default;

void ManifestReceiving::on_datagrams(std::span<const net::Datagram> batch) {
  views_.clear();
  for (const net::Datagram& datagram : batch) {
    if (session_of(datagram.bytes) == options_.session) views_.push_back(datagram.bytes);
  }
  if (views_.empty()) return;
  core_.on_datagrams(views_, parts_.network.precise_now());
  pump();
}

void ManifestReceiving::on_block(BlockIndex block, BytesView bytes) {
  const std::size_t at = std::size_t{block.value} * kBlockBytes;
  const std::size_t size = std::min<std::size_t>(bytes.size(), options_.stream.bytes - at);
  if (bytes_.size() < at + size) bytes_.resize(at + size);
  std::copy_n(bytes.begin(), size, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
}

void ManifestReceiving::pump() {
  const TimePoint now = parts_.network.precise_now();
  for (const Outgoing& out : core_.poll(now)) parts_.send(out.bytes);
  if (core_.complete() && parts_.done) finish(std::move(bytes_));
  const TimePoint next = core_.next_wakeup();
  if (next == pump_at_) return;
  pump_at_ = next;
  pump_timer_.reset();
  if (next == TimePoint::max()) return;
  pump_timer_ = parts_.network.wake_at(next, [this](TimePoint) {
    pump_at_ = TimePoint{};
    pump();
  });
}

void ManifestReceiving::watch() {
  const TimePoint now = parts_.network.precise_now();
  const ReceiverProgress progress = core_.progress(now);
  const std::uint64_t symbols = progress.symbols - std::min(progress.symbols, progress.unicast_symbols);
  if (symbols > symbols_) got_on_ = now;
  symbols_ = std::max(symbols_, symbols);
  if (now - got_on_ >= kStalled) return finish(Error{Errc::timed_out, "nothing of its stream comes"});
  // A member could keep it here by a symbol now and then.
  if (now - began_ >= kLongestStream + std::chrono::seconds(options_.stream.bytes / kLeastBytes)) return finish(Error{Errc::timed_out, "its stream takes too long"});
  watch_timer_ = parts_.network.wake_at(now + kManifestLook, [this](TimePoint) { watch(); });
}

/// Its user may destroy it then.
void ManifestReceiving::finish(Result<Bytes> result) {
  watch_timer_.reset();
  parts_.network.post([done = std::exchange(parts_.done, nullptr), result = std::make_shared<Result<Bytes>>(std::move(result)), alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired() && done) done(std::move(*result));
  });
}

}  // namespace ghost::ardus
