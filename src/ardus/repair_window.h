#pragma once
#include <cstdint>
#include <vector>

#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// A window of blocks that are sent, and repaired, with their symbols in turn.
class RepairWindow {
 public:
  struct Work {
    BlockIndex block;
    std::uint16_t todo = 0;     ///< symbols to send
    std::uint16_t repair = 0;   ///< sent, beyond the first sending
    std::uint16_t extra = 0;    ///< asked for after the first sending
    std::vector<std::uint64_t> sent;  ///< packet numbers of the repair, ascending
    bool gone = false;          ///< it was not there when it was to be repaired
  };

  /// @param most  blocks
  RepairWindow(std::uint32_t serial, bool first, std::size_t most = kWindowBlocks) : serial_(serial), most_(most), first_sending_(first) {}

  std::uint32_t serial() const { return serial_; }
  /// The blocks are being sent for the first time; the rest is repair.
  bool first_sending() const { return first_sending_; }
  void end_first_sending() { first_sending_ = false; }

  void add(BlockIndex block, std::uint16_t symbols);
  bool full() const { return work_.size() >= most_; }
  Work* find(BlockIndex block);
  std::vector<Work>& work() { return work_; }
  const std::vector<Work>& work() const { return work_; }

  /// A receiver lacks `deficit` symbols of the block, having seen the packets below `seen`: what is on its way to it, or waits to be
  /// sent, is not sent again. The number of symbols added.
  std::uint16_t demand(Work& work, std::uint8_t deficit, std::uint64_t seen);
  void send_more(Work& work, std::uint16_t symbols);
  std::uint64_t todo() const { return todo_; }

  /// The block whose turn it is; todo() > 0. Counts one of its symbols as sent with this packet number.
  Work& next(std::uint64_t number);
  /// Whose turn is probably after that; null when it is nobody's.
  const Work* upcoming() const;
  /// What next() counted last did not leave: nobody is told that it was repaired.
  void take_back(Work& work);

  /// Runs for WINDOW_END (repair sent so far) or PLAN (to come).
  enum class Tell : unsigned char { sent, to_come };
  std::vector<BlockRun> runs(Tell what) const;

  // Times of the sender's dealings with it.
  TimePoint last_end = TimePoint::min();    ///< WINDOW_END was sent
  TimePoint plan_at = TimePoint::max();     ///< PLAN is to be sent
  bool news = true;                         ///< something was sent since the last WINDOW_END
  unsigned rounds = 0;                      ///< WINDOW_ENDs sent
  bool late = false;                        ///< of blocks whose own window was over
  unsigned reporters = 0, reporters_before = 0;  ///< receivers that asked since the last WINDOW_END, and between the two before
  ReceiverNumber last_reporter;
  double correction = 0;                    ///< of the parity plan, when this one's was made
  bool judged = true;                       ///< its outcome was told to the plan, or is none of its doing

 private:
  std::uint32_t serial_;
  std::size_t most_;
  bool first_sending_;
  std::vector<Work> work_;
  std::uint64_t todo_ = 0;
  std::size_t at_ = ~std::size_t{0};  ///< whose turn was last
};

}  // namespace ghost::ardus
