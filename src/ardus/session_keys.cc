#include "ardus/session_keys.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace ghost::ardus {

namespace {

constexpr std::size_t kEpochsKept = 3;  // the one before, for what is late; this one; the next, when it has been told

}  // namespace

Result<Secret> secret_of(BytesView bytes) {
  Secret secret;
  if (bytes.size() != secret.size()) return Error{Errc::malformed, "the sender's keys are not 32 bytes long"};
  std::ranges::copy(bytes, secret.begin());
  return secret;
}

AeadKey derive_key(const Secret& secret, const SessionName& name, std::uint8_t epoch, std::uint32_t path, Direction direction) {
  Bytes info(as_bytes("ardus packet key").begin(), as_bytes("ardus packet key").end());
  ByteWriter writer(info);
  writer.u32(name.session).u8(epoch).u32(path).u8(static_cast<std::uint8_t>(direction)).bytes(name.sender);
  Bytes derived = hkdf_sha256(secret, name.nonce, as_text(info), sizeof(AeadKey));
  AeadKey key;
  std::ranges::copy(derived, key.begin());
  wipe(derived);
  return key;
}

Secret next_epoch_secret(const Secret& secret) {
  Bytes derived = hkdf_sha256(secret, {}, "ardus next epoch", sizeof(Secret));
  Secret next;
  std::ranges::copy(derived, next.begin());
  wipe(derived);
  return next;
}

Aead::Aead(const AeadKey& key, SealLog* log) : cipher_(key), log_(log) {
  if (log != nullptr) logged_ = key;
}

void Aead::seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out) {
  if (log_ != nullptr) log_->sealed(logged_, number);
  cipher_.seal(number, header, plain, out);
}

bool Aead::open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out) { return cipher_.open(number, header, sealed, out); }

OwnPathKeys::OwnPathKeys(const Secret& secret, const SessionName& name, ReceiverNumber receiver, Direction direction, const KeyOptions& options)
    : secret_(secret), name_(name), receiver_(receiver), direction_(direction), options_(options), key_(make(0)) {}

Aead OwnPathKeys::make(std::uint8_t epoch) const { return Aead(derive_key(secret_, name_, epoch, receiver_.value, direction_), options_.log); }

std::optional<std::uint8_t> OwnPathKeys::epoch_of(std::uint64_t number) const {
  const std::uint64_t epoch = number / options_.packets_per_epoch;
  return epoch <= kLastEpoch ? std::optional(static_cast<std::uint8_t>(epoch)) : std::nullopt;
}

void OwnPathKeys::seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out) {
  const auto epoch = epoch_of(number);
  assert(epoch);
  if (*epoch != epoch_) {
    key_ = make(*epoch);
    epoch_ = *epoch;
  }
  key_.seal(number, header, plain, out);
}

bool OwnPathKeys::open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out) {
  const auto epoch = epoch_of(number);
  if (!epoch) return false;
  if (*epoch == epoch_) return key_.open(number, header, sealed, out);
  if (*epoch != epoch_ + 1 && *epoch + 1 != epoch_) return false;
  if (!other_ || other_epoch_ != *epoch) {
    other_ = make(*epoch);
    other_epoch_ = *epoch;
  }
  if (!other_->open(number, header, sealed, out)) return false;
  if (*epoch > epoch_) {
    std::swap(key_, *other_);
    std::swap(epoch_, other_epoch_);
  }
  return true;
}

bool ReplayWindow::fresh(std::uint64_t number) const {
  if (number >= end_) return true;
  if (end_ - number > kSize) return false;
  return (bits_[number % kSize / 64] >> (number % 64) & 1) == 0;
}

void ReplayWindow::take(std::uint64_t number) {
  if (number >= end_) {
    const std::uint64_t steps = std::min(number - end_ + 1, kSize);
    for (std::uint64_t i = 1; i <= steps; ++i) {
      const std::uint64_t cleared = number + i - steps;
      bits_[cleared % kSize / 64] &= ~(std::uint64_t{1} << (cleared % 64));
    }
    end_ = number + 1;
  }
  bits_[number % kSize / 64] |= std::uint64_t{1} << (number % 64);
}

void ReplayWindow::restart(std::uint64_t end) {
  end_ = end;
  bits_ = {};
}

Bytes control_signed_bytes(const SessionNonce& nonce, BytesView message) {
  Bytes out(nonce.begin(), nonce.end());
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

// --- the sender's side ---

SenderKeys::SenderKeys(const SessionName& name, const Secret& epoch_secret, const KeyPair& key, const KeyOptions& options)
    : name_(name), epoch_secret_(epoch_secret), key_(key), options_(options) {
  use_epoch(0);
}

void SenderKeys::use_epoch(std::uint8_t epoch) {
  epoch_ = epoch;
  epoch_began_ = group_sent_;
  group_.emplace(derive_key(epoch_secret_, name_, epoch, kGroupPath, Direction::to_receivers), options_.log);
}

void SenderKeys::add_receiver(ReceiverNumber receiver, const Secret& secret) {
  assert(receiver.value > 0);
  if (peers_.size() < receiver.value) peers_.resize(receiver.value);
  peers_[receiver.value - 1] = std::make_unique<Peer>(Peer{OwnPathKeys(secret, name_, receiver, Direction::to_sender, options_),
                                                           OwnPathKeys(secret, name_, receiver, Direction::to_receivers, options_),
                                                           {},
                                                           0});
}

void SenderKeys::remove_receiver(ReceiverNumber receiver) {
  if (receiver.value > 0 && receiver.value <= peers_.size()) peers_[receiver.value - 1].reset();
}

void SenderKeys::begin_next_epoch() {
  if (epoch_ == kLastEpoch) {
    exhausted_ = true;
    return;
  }
  epoch_secret_ = next_secret_ ? *next_secret_ : next_epoch_secret(epoch_secret_);
  if (next_secret_) wipe(*next_secret_);
  next_secret_.reset();
  use_epoch(static_cast<std::uint8_t>(epoch_ + 1));
}

SenderKeys::Ticket SenderKeys::group_ticket() {
  if (!exhausted_ && group_sent_ - epoch_began_ >= options_.packets_per_epoch) begin_next_epoch();
  return {epoch_, group_sent_};
}

std::optional<SenderKeys::Ticket> SenderKeys::receiver_ticket(ReceiverNumber receiver) const {
  const Peer& peer = *peers_.at(receiver.value - 1);
  const auto epoch = peer.out.epoch_of(peer.sent);
  return epoch ? std::optional(Ticket{*epoch, peer.sent}) : std::nullopt;
}

std::uint64_t SenderKeys::sent_to(ReceiverNumber receiver) const { return peers_.at(receiver.value - 1)->sent; }

void SenderKeys::seal_group(const DataHeader& header, BytesView symbol, std::uint8_t* out) {
  assert(header.number == group_sent_ && header.epoch == epoch_ && !exhausted_);
  write_data_header(header, out);
  group_->seal(header.number, {out, kDataHeader}, symbol, out + kDataHeader);
  ++group_sent_;
}

void SenderKeys::seal_to(ReceiverNumber receiver, const DataHeader& header, BytesView symbol, std::uint8_t* out) {
  Peer& peer = *peers_.at(receiver.value - 1);
  assert(header.number == peer.sent && header.epoch == peer.out.epoch_of(peer.sent));
  write_data_header(header, out);
  peer.out.seal(header.number, {out, kDataHeader}, symbol, out + kDataHeader);
  ++peer.sent;
}

void SenderKeys::sign(Bytes& control) const {
  const Signature signature = key_.sign(kControlDomain, control_signed_bytes(name_.nonce, control));
  control.insert(control.end(), signature.begin(), signature.end());
}

void SenderKeys::sign_digests(Bytes& digests) const {
  const Signature signature = key_.sign(kDigestDomain, control_signed_bytes(name_.nonce, digests));
  digests.insert(digests.end(), signature.begin(), signature.end());
}

std::optional<SenderKeys::Report> SenderKeys::open_report(BytesView datagram) {
  const auto header = read_report_header(datagram);
  if (!header || header->session != name_.session) return std::nullopt;
  const std::uint32_t number = header->receiver.value;
  if (number == 0 || number > peers_.size() || !peers_[number - 1]) return std::nullopt;
  Peer& peer = *peers_[number - 1];
  if (!peer.replay.fresh(header->number)) return std::nullopt;
  const BytesView sealed = datagram.subspan(kReportHeader);
  opened_.resize(sealed.size());
  if (!peer.in.open(header->number, datagram.first(kReportHeader), sealed, opened_.data())) return std::nullopt;
  peer.replay.take(header->number);
  auto body = read_report_body(BytesView(opened_).first(sealed.size() - kTagSize), header->measured);
  if (!body) return std::nullopt;
  return Report{*header, *std::move(body)};
}

// --- a receiver's side ---

SessionReceiverKeys::SessionReceiverKeys(const SessionName& name, std::uint8_t epoch, const Secret& epoch_secret, ReceiverNumber receiver,
                                         const Secret& own_secret, const KeyOptions& options)
    : name_(name),
      options_(options),
      own_(own_secret, name, receiver, Direction::to_receivers, options),
      report_(own_secret, name, receiver, Direction::to_sender, options) {
  epochs_.push_back(make(epoch, epoch_secret));
}

SessionReceiverKeys::~SessionReceiverKeys() {
  for (Epoch& epoch : epochs_) wipe(epoch.secret);
}

SessionReceiverKeys::Epoch SessionReceiverKeys::make(std::uint8_t number, const Secret& secret) const {
  return {number, secret, Aead(derive_key(secret, name_, number, kGroupPath, Direction::to_receivers), options_.log)};
}

void SessionReceiverKeys::learn(std::uint8_t epoch, const Secret& secret) {
  const auto at = std::ranges::lower_bound(epochs_, epoch, {}, &Epoch::number);
  if (at != epochs_.end() && at->number == epoch && at->secret == secret) return;
  if (at == epochs_.begin() && epoch < at->number) return;
  // What was thought to follow from an earlier secret does not.
  epochs_.erase(at, epochs_.end());
  trial_.reset();
  epochs_.push_back(make(epoch, secret));
  if (epochs_.size() > kEpochsKept) epochs_.erase(epochs_.begin());
}

void SessionReceiverKeys::passed(std::uint8_t epoch, std::uint64_t sent) {
  for (Epoch& each : epochs_) {
    if (each.number < epoch) each.end = std::min(each.end, sent);
  }
  // Later than this no packet of such an epoch is taken.
  while (epochs_.size() > 1 && epochs_.front().end < sent && sent - epochs_.front().end >= ReplayWindow::kSize) epochs_.erase(epochs_.begin());
}

bool SessionReceiverKeys::open_group(const DataHeader& header, BytesView datagram, std::uint8_t* out) {
  const BytesView head = datagram.first(kDataHeader), sealed = datagram.subspan(kDataHeader);
  for (std::size_t i = epochs_.size(); i-- > 0;) {
    if (epochs_[i].number == header.epoch) return header.number < epochs_[i].end && epochs_[i].key.open(header.number, head, sealed, out);
  }
  const Epoch& last = epochs_.back();
  if (header.epoch != last.number + 1) return false;
  if (!trial_) trial_ = make(header.epoch, next_epoch_secret(last.secret));
  if (!trial_->key.open(header.number, head, sealed, out)) return false;
  epochs_.push_back(*std::exchange(trial_, std::nullopt));
  if (epochs_.size() > kEpochsKept) epochs_.erase(epochs_.begin());
  return true;
}

bool SessionReceiverKeys::open(Path path, const DataHeader& header, BytesView datagram, std::uint8_t* out) {
  if (header.session != name_.session) return false;
  if (out == nullptr && scratch_.size() < datagram.size()) scratch_.resize(datagram.size());
  std::uint8_t* to = out != nullptr ? out : scratch_.data();
  if (path == Path::group) return open_group(header, datagram, to);
  return own_.epoch_of(header.number) == header.epoch && own_.open(header.number, datagram.first(kDataHeader), datagram.subspan(kDataHeader), to);
}

bool SessionReceiverKeys::verify(BytesView datagram) {
  const SignedParts parts = split_signature(datagram);
  return verify_signature(name_.sender, kControlDomain, control_signed_bytes(name_.nonce, parts.message), parts.signature);
}

bool SessionReceiverKeys::verify_digests(BytesView datagram) {
  const SignedParts parts = split_signature(datagram);
  return verify_signature(name_.sender, kDigestDomain, control_signed_bytes(name_.nonce, parts.message), parts.signature);
}

Bytes SessionReceiverKeys::seal_report(const ReportHeader& header, const ReportBody& body) {
  if (!report_.epoch_of(header.number)) return {};
  const Bytes plain = write_report_body(body);
  Bytes out(kReportHeader + plain.size() + kTagSize);
  ReportHeader written = header;
  written.measured = body.path.has_value();
  write_report_header(written, out.data());
  report_.seal(header.number, BytesView(out).first(kReportHeader), plain, out.data() + kReportHeader);
  return out;
}

}  // namespace ghost::ardus
