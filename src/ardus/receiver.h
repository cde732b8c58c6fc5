#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ardus/block_set.h"
#include "ardus/message.h"
#include "ardus/payload.h"
#include "ardus/sender.h"
#include "ardus/session_keys.h"
#include "base/time.h"

namespace ghost::ardus {

/// Where a receiver's symbols go until their block is whole. BlockDecoder keeps and decodes them; a simulation need not.
class SymbolStore {
 public:
  virtual ~SymbolStore() = default;
  /// Where the bytes of a symbol that is not held yet are to be written (as many as the layout's symbols have); null: they are not kept. What is
  /// written there counts only when it is followed by keep(): a forged packet leaves garbage, and the symbol comes again.
  virtual std::uint8_t* place(BlockIndex block, SymbolIndex symbol) = 0;
  virtual void keep(BlockIndex block, SymbolIndex symbol) = 0;
  /// As many symbols are held as the block has source symbols: it can be rebuilt, and its memory is free afterwards.
  virtual void finish(BlockIndex block) = 0;
  /// The block's symbols are to be forgotten.
  virtual void drop(BlockIndex block) = 0;
  /// The bytes of a symbol that is kept. Asked only where ReceiverOptions::guarded is set.
  virtual BytesView bytes(BlockIndex block, SymbolIndex symbol) = 0;
  /// A symbol that is kept is to be forgotten.
  virtual void forget(BlockIndex block, SymbolIndex symbol) = 0;
};

struct ReceiverOptions {
  std::uint32_t session = 0;
  ReceiverNumber number;
  StreamShape stream;
  BlockIndex position;             ///< JoinedReceiver::position: what is before it comes later and is not asked for
  std::uint64_t seed = 0;          ///< of its back-off; differs from receiver to receiver
  std::size_t max_open_blocks = 0;  ///< half-received ones kept in memory; beyond, the one longest untouched is forgotten. 0: as the layout has it
  Duration deaf_after = std::chrono::seconds(3);  ///< without a datagram of the group it counts as deaf and asks for unicast
  bool guarded = true;  ///< looks out for symbols that a member forged (§5.8); needs a store that keeps bytes
};

struct ReceiverProgress {
  ReceiverPhase phase = ReceiverPhase::receiving;
  std::uint32_t blocks_wanted = 0;
  std::uint32_t blocks_done = 0;
  std::uint64_t symbols = 0;            ///< taken, of any kind
  std::uint64_t unicast_symbols = 0;    ///< of them, by unicast
  std::uint64_t useless_symbols = 0;    ///< authentic, but of blocks held or not wanted, or symbols held
  std::uint64_t forged_symbols = 0;     ///< authentic, but not the sender's: a member made them
  bool wary = false;                    ///< symbols of the group are taken only as the sender's digests name them
  std::uint64_t rejected_datagrams = 0; ///< forged, damaged or of no use to anybody
  std::uint64_t reports = 0;
  std::uint64_t report_bytes = 0;
  double loss = 0;                      ///< of late, on the group's path
  bool heard_group = false;             ///< a datagram of the group has come
  bool deaf = false;                    ///< none for ReceiverOptions::deaf_after: its user joins the group again
  bool wants_group = true;              ///< false: it loses more than half; its user leaves the group so that unicast gets through
  Duration silence{};                   ///< since anything authentic came
};

/// The receiving half of a session: a pure core. Datagrams and times come in; reports and the time of the next call go out.
class Receiver {
 public:
  /// @param wanted  the blocks it lacks; others are ignored
  /// `keys` and `store` outlive the receiver.
  Receiver(const ReceiverOptions& options, BlockSet wanted, ReceiverKeys& keys, SymbolStore& store, TimePoint now);
  ~Receiver();

  /// What came in on ports 1834 and 1835, in order. Anything that is not authentic and of this session is ignored.
  void on_datagrams(std::span<const BytesView> datagrams, TimePoint now);
  void on_datagram(BytesView datagram, TimePoint now) { on_datagrams({&datagram, 1}, now); }

  /// The reports to send at once; valid until the next call into the receiver.
  std::span<const Outgoing> poll(TimePoint now);
  TimePoint next_wakeup() const;

  /// It got the block some other way (a journal, TCP).
  void set_held(BlockIndex block, TimePoint now);
  /// The block it handed out was wrong: it is wanted again.
  void reject(BlockIndex block, TimePoint now);
  /// Whether the datagram that was taken last had a symbol which its digest shows to be forged.
  bool last_was_forged() const;
  /// Whether every symbol of the block was proven to be the sender's: what is wrong with it then is the sender's doing.
  bool proven(BlockIndex block) const;
  /// Something shows that a member forges symbols: a packet of the group that is not from the sender's address, say.
  void suspect(TimePoint now);
  /// The disk does not keep up: the sender is told.
  void set_backlog(bool behind);
  /// Everything is verified and in place: the next report says so (a receipt goes over the control connection).
  void set_verified(TimePoint now);
  /// The secret of a later epoch of the group has been told to its keys: the sender waits to hear that.
  void keys_told(TimePoint now);
  /// It can't go on: the sender is told at once.
  void set_failed(TimePoint now);

  bool complete() const;
  bool wants_group() const;  ///< as ReceiverProgress has it
  /// Blocks still lacking.
  const BlockSet& lacking() const;
  ReceiverProgress progress(TimePoint now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ghost::ardus
