#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ardus/message.h"
#include "ardus/packet_cipher.h"
#include "ardus/payload.h"
#include "base/ed25519.h"
#include "base/sha256.h"

/// Keys of a session and what is sealed with them (docs/spec/ardus.md §3).
namespace ghost::ardus {

using Secret = std::array<std::uint8_t, 32>;
/// As a message carries it.
Result<Secret> secret_of(BytesView bytes);
/// Random, made for one session and told at Join: ties control messages to it.
using SessionNonce = std::array<std::uint8_t, 16>;

/// A key serves this many packets; then the next epoch begins.
inline constexpr std::uint64_t kPacketsPerEpoch = std::uint64_t{1} << 23;
inline constexpr std::uint8_t kLastEpoch = 0xff;

/// What keys of different sessions are kept apart by.
struct SessionName {
  std::uint32_t session = 0;
  SessionNonce nonce{};
  PublicKey sender{};  ///< whose signature control messages carry

  friend bool operator==(const SessionName&, const SessionName&) = default;
};

enum class Direction : std::uint8_t { to_receivers = 0, to_sender = 1 };
/// The path of what goes to the whole group; a receiver's own path has its number.
inline constexpr std::uint32_t kGroupPath = 0;

/// The key of one path in one direction: each is used with one counter only, so no nonce ever repeats.
AeadKey derive_key(const Secret& secret, const SessionName& name, std::uint8_t epoch, std::uint32_t path, Direction direction);
/// The secret of the epoch after the one `secret` is of.
Secret next_epoch_secret(const Secret& secret);

/// Is told of everything that is sealed: a test sees by it that no nonce is used twice under one key.
class SealLog {
 public:
  virtual ~SealLog() = default;
  virtual void sealed(const AeadKey& key, std::uint64_t number) = 0;
};

/// What is the same for all keys of a session, but for tests.
struct KeyOptions {
  std::uint64_t packets_per_epoch = kPacketsPerEpoch;
  SealLog* log = nullptr;  ///< outlives the keys
};

/// A key's cipher, and who is told of what it seals.
class Aead {
 public:
  explicit Aead(const AeadKey& key, SealLog* log = nullptr);

  /// As PacketCipher has it.
  void seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out);
  bool open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out);

 private:
  PacketCipher cipher_;
  AeadKey logged_{};  ///< the key, where there is a log
  SealLog* log_;
};

/// The keys of a path that only the sender and one receiver know, in one direction: packet number / packets_per_epoch is their epoch.
class OwnPathKeys {
 public:
  OwnPathKeys(const Secret& secret, const SessionName& name, ReceiverNumber receiver, Direction direction, const KeyOptions& options);
  ~OwnPathKeys() { wipe(secret_); }
  OwnPathKeys(OwnPathKeys&&) = default;
  OwnPathKeys& operator=(OwnPathKeys&&) = default;

  /// Nothing when no epoch is left for that packet.
  std::optional<std::uint8_t> epoch_of(std::uint64_t number) const;
  /// As Aead has it; epoch_of(number) is not nothing, and numbers ascend.
  void seal(std::uint64_t number, BytesView header, BytesView plain, std::uint8_t* out);
  /// False, too, when the number is far from those that were opened.
  bool open(std::uint64_t number, BytesView header, BytesView sealed, std::uint8_t* out);

 private:
  Aead make(std::uint8_t epoch) const;
  Secret secret_;
  SessionName name_;
  ReceiverNumber receiver_;
  Direction direction_;
  KeyOptions options_;
  std::uint8_t epoch_ = 0;
  Aead key_;
  std::optional<Aead> other_;  ///< of other_epoch_: the one before or after
  std::uint8_t other_epoch_ = 0;
};

/// Which packet numbers have been seen: each is taken once, and those far behind the newest never.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kSize = 4096;
  bool fresh(std::uint64_t number) const;
  /// Call when the packet has been found authentic.
  void take(std::uint64_t number);
  std::uint64_t end() const { return end_; }  ///< one past the highest taken
  /// Forgets what was taken; numbers that are not far behind `end` are fresh.
  void restart(std::uint64_t end);

 private:
  std::uint64_t end_ = 0;
  std::array<std::uint64_t, kSize / 64> bits_{};
};

/// What a sender seals, signs and opens with.
class SenderKeys {
 public:
  /// @param key  signs control messages; outlives this. Its public half is name.sender.
  SenderKeys(const SessionName& name, const Secret& epoch_secret, const KeyPair& key, const KeyOptions& options = {});
  ~SenderKeys() { wipe(epoch_secret_); }
  SenderKeys(const SenderKeys&) = delete;
  SenderKeys& operator=(const SenderKeys&) = delete;

  /// Knows a receiver from now on.
  /// @param secret  random, its own, told to it at Join only
  void add_receiver(ReceiverNumber receiver, const Secret& secret);
  void remove_receiver(ReceiverNumber receiver);

  /// The number and epoch of the next packet to the group, and of one to a receiver. Used up by seal().
  struct Ticket {
    std::uint8_t epoch = 0;
    std::uint64_t number = 0;
  };
  Ticket group_ticket();  ///< moves to the next epoch when this one's packets are used up
  std::optional<Ticket> receiver_ticket(ReceiverNumber receiver) const;  ///< nothing when no epoch of its path is left
  /// Packets sealed so far on the path.
  std::uint64_t group_sent() const { return group_sent_; }
  std::uint64_t sent_to(ReceiverNumber receiver) const;
  /// No epoch is left: the session must end.
  bool exhausted() const { return exhausted_; }
  /// What a joiner is told.
  std::uint8_t epoch() const { return epoch_; }
  const Secret& epoch_secret() const { return epoch_secret_; }

  /// The secret of the next epoch is this one, which does not follow from the one before: somebody left who is not to read on. Members
  /// are told it before begin_next_epoch().
  void set_next_secret(const Secret& secret) { next_secret_ = secret; }
  const std::optional<Secret>& next_secret() const { return next_secret_; }
  /// The next packet to the group is of the next epoch; without one, exhausted() becomes true.
  void begin_next_epoch();

  /// Writes a whole data datagram: kDataHeader bytes, those of the symbol, kTagSize. header.number and .epoch must be the path's ticket.
  void seal_group(const DataHeader& header, BytesView symbol, std::uint8_t* out);
  void seal_to(ReceiverNumber receiver, const DataHeader& header, BytesView symbol, std::uint8_t* out);
  /// Appends the signature.
  void sign(Bytes& control) const;
  void sign_digests(Bytes& digests) const;

  struct Report {
    ReportHeader header;
    ReportBody body;
  };
  /// Nothing when it is not of this session, from nobody we know, forged, seen before or malformed.
  std::optional<Report> open_report(BytesView datagram);

 private:
  struct Peer {
    OwnPathKeys in, out;
    ReplayWindow replay;
    std::uint64_t sent = 0;
  };
  void use_epoch(std::uint8_t epoch);

  SessionName name_;
  Secret epoch_secret_;
  std::optional<Secret> next_secret_;
  const KeyPair& key_;
  KeyOptions options_;
  std::uint8_t epoch_ = 0;
  std::uint64_t epoch_began_ = 0;  ///< its first packet's number
  bool exhausted_ = false;
  std::uint64_t group_sent_ = 0;  ///< packet numbers go on over epochs
  std::optional<Aead> group_;
  std::vector<std::unique_ptr<Peer>> peers_;  ///< by number - 1
  Bytes opened_;
};

/// What a receiver opens, checks and seals with. Virtual, so that a simulation need not do it a million times.
class ReceiverKeys {
 public:
  virtual ~ReceiverKeys() = default;
  enum class Path : std::uint8_t { group, own };
  /// Opens a data datagram; writes the symbol at `out`, or nothing where `out` is null. False when it is forged.
  virtual bool open(Path path, const DataHeader& header, BytesView datagram, std::uint8_t* out) = 0;
  /// Whether the sender of this session signed the PLAN, WINDOW_END or PROBE.
  virtual bool verify(BytesView datagram) = 0;
  /// The same of a DIGEST.
  virtual bool verify_digests(BytesView datagram) = 0;
  /// The whole datagram of a report; empty when its keys are used up.
  virtual Bytes seal_report(const ReportHeader& header, const ReportBody& body) = 0;
  /// The newest epoch of the group whose secret is known here: it is reported.
  virtual std::uint8_t newest_epoch() const = 0;
  /// The sender signed that it is in this epoch and has used the packet numbers below `sent`: earlier epochs have no others.
  virtual void passed(std::uint8_t epoch, std::uint64_t sent) = 0;
};

/// The real one.
class SessionReceiverKeys : public ReceiverKeys {
 public:
  /// @param epoch, epoch_secret  as the sender told them; later epochs follow from them, or are told by learn()
  /// @param own_secret           this receiver's
  SessionReceiverKeys(const SessionName& name, std::uint8_t epoch, const Secret& epoch_secret, ReceiverNumber receiver, const Secret& own_secret,
                      const KeyOptions& options = {});
  ~SessionReceiverKeys() override;

  /// The sender told the secret of an epoch, this one or a later one: it counts, whatever would have followed.
  void learn(std::uint8_t epoch, const Secret& secret);

  bool open(Path path, const DataHeader& header, BytesView datagram, std::uint8_t* out) override;
  bool verify(BytesView datagram) override;
  bool verify_digests(BytesView datagram) override;
  Bytes seal_report(const ReportHeader& header, const ReportBody& body) override;
  std::uint8_t newest_epoch() const override { return epochs_.back().number; }
  void passed(std::uint8_t epoch, std::uint64_t sent) override;

 private:
  /// An epoch of the group's path.
  struct Epoch {
    std::uint8_t number;
    Secret secret;
    Aead key;
    std::uint64_t end = ~std::uint64_t{0};  ///< its packets have numbers below this
  };
  Epoch make(std::uint8_t number, const Secret& secret) const;
  bool open_group(const DataHeader& header, BytesView datagram, std::uint8_t* out);

  SessionName name_;
  KeyOptions options_;
  std::vector<Epoch> epochs_;     ///< ascending, never empty
  std::optional<Epoch> trial_;    ///< the one that follows from the last, until something was opened with it
  OwnPathKeys own_, report_;
  Bytes scratch_;
};

/// What a control message's signature is over: the session's nonce, then the message.
Bytes control_signed_bytes(const SessionNonce& nonce, BytesView message);

}  // namespace ghost::ardus
