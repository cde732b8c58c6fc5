#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "ardus/block_set.h"
#include "ardus/pacer.h"
#include "ardus/sender.h"
#include "ardus/vain_batches.h"

namespace ghost::ardus {

/// What one receiver lacks that the group is not sent for its sake.
class Needs {
 public:
  explicit Needs(std::uint32_t end) : blocks_(end) {}
  bool empty() const { return blocks_.empty(); }
  std::uint32_t blocks() const { return blocks_.size(); }
  std::uint32_t next(std::uint32_t from) const { return blocks_.next(from); }
  std::uint8_t deficit(BlockIndex block) const { return blocks_.contains(block) ? deficit_[block.value] : std::uint8_t{0}; }
  void set(BlockIndex block, std::uint8_t deficit) {
    if (deficit_.empty()) deficit_.resize(blocks_.end());
    if (block.value >= blocks_.end()) return;
    blocks_.insert(block);
    deficit_[block.value] = deficit;
  }
  void erase(BlockIndex block) { blocks_.erase(block); }
  void clear() { blocks_ = BlockSet(blocks_.end()); }

 private:
  BlockSet blocks_;
  std::vector<std::uint8_t> deficit_;  ///< by block, once there is any
};

/// Repair of one receiver by unicast: a batch is sent, then it is asked what is still missing.
struct UnicastFlow {
  enum class State : unsigned char { idle, sending, waiting };
  struct Item {
    BlockIndex block;
    std::uint16_t todo = 0;
    std::optional<std::uint16_t> cursor;  ///< next symbol, for a block it has nothing of; else the block's own goes on
  };
  State state = State::idle;
  std::vector<Item> items;
  std::size_t at = 0;
  std::uint64_t todo = 0;
  std::uint64_t end = 0;  ///< packet number on its path after the batch
  Pacer pacer;
  TimePoint deadline = TimePoint::max();
  TimePoint asked_at{};
  unsigned tries = 0;
  bool doubling = true;  ///< its rate has met no limit yet

  // Its rate, judged by so many packets that two samples can be told apart.
  std::uint64_t begin = 0;       ///< packet number on its path before the batch
  std::uint64_t judged = 0;      ///< packets since the last judgement …
  double lost = 0;               ///< … and how many of them were lost
  double own = 0;                ///< loss that is its way's own, as far as is known
  std::uint64_t less_than = 0;   ///< the rate it was cut from, to see whether that helps; 0: no such trial
  double loss_before = 0;        ///< at that rate
};

/// What a sender knows of one receiver.
struct Peer {
  Peer(ReceiverNumber n, BlockSet w, TimePoint now) : number(n), wanted(std::move(w)), needs(wanted.end()), heard(now) {}

  ReceiverNumber number;
  BlockSet wanted;
  Needs needs;
  UnicastFlow flow;
  PeerState state = PeerState::joined;
  std::uint32_t done = 0;
  double loss = 0;
  bool suspects = false;    ///< its last report said that a member forges symbols
  std::uint8_t epoch = 0;   ///< the newest whose secret it says it knows
  Duration rtt{};           ///< its own, smoothed; zero until measured. Longer ones count at once
  Duration mean_trip{};     ///< its own, smoothed either way; zero until measured
  bool away = false;        ///< does not listen to the group
  bool quarantined = false; ///< asked for more than it can have lost: served alone
  double left_by = 0;       ///< the loss for which it left the group; 0: it listens, or never heard it
  unsigned invited = 0;     ///< times it was told to listen again
  bool elsewhere = false;   ///< fetches what it lacks from others: not served alone meanwhile
  bool insatiable = false;  ///< asked for more than that even then: given up
  bool backlog = false;
  std::uint64_t told_of = 0;       ///< the last PROBE whose answer was counted
  TimePoint backlog_told{};        ///< when it last said so …
  Duration waited_for{};           ///< … and for how long the group has been slowed down for that
  TimePoint heard;
  std::optional<TimePoint> asked;  ///< since when a question is unanswered
  unsigned asked_alone = 0;        ///< times it was asked by unicast since then
  std::uint64_t sent_again = 0;    ///< symbols that were streamed to the group once more because of it, too
  std::uint64_t demanded = 0;      ///< symbols the group was sent because of it
  std::uint64_t unicast_symbols = 0;
  VainBatches vain;

  bool settled() const { return state == PeerState::verified || state == PeerState::failed; }
  bool has_all() const { return state == PeerState::complete || settled(); }
  bool in_group() const { return !away && !quarantined && !settled(); }
};

}  // namespace ghost::ardus
