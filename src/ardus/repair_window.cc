#include "ardus/repair_window.h"

#include <algorithm>
#include <cassert>

namespace ghost::ardus {

void RepairWindow::add(BlockIndex block, std::uint16_t symbols) {
  work_.push_back({block, 0, 0, 0, {}, false});
  send_more(work_.back(), symbols);
}

RepairWindow::Work* RepairWindow::find(BlockIndex block) {
  const auto at = std::ranges::find(work_, block, &Work::block);
  return at == work_.end() ? nullptr : &*at;
}

void RepairWindow::send_more(Work& work, std::uint16_t symbols) {
  work.todo = static_cast<std::uint16_t>(work.todo + symbols);
  todo_ += symbols;
}

std::uint16_t RepairWindow::demand(Work& work, std::uint8_t deficit, std::uint64_t seen) {
  const auto on_its_way = work.sent.end() - std::ranges::lower_bound(work.sent, seen);
  const std::ptrdiff_t more = deficit - on_its_way - work.todo;
  if (more <= 0) return 0;
  send_more(work, static_cast<std::uint16_t>(more));
  return static_cast<std::uint16_t>(more);
}

RepairWindow::Work& RepairWindow::next(std::uint64_t number) {
  assert(todo_ > 0);
  do {
    at_ = at_ + 1 < work_.size() ? at_ + 1 : 0;
  } while (work_[at_].todo == 0);
  Work& work = work_[at_];
  --work.todo;
  --todo_;
  news = true;
  if (!first_sending_) {
    ++work.repair;
    work.sent.push_back(number);
  }
  return work;
}

const RepairWindow::Work* RepairWindow::upcoming() const {
  const Work* work = work_.empty() ? nullptr : &work_[at_ + 1 < work_.size() ? at_ + 1 : 0];
  return work != nullptr && work->todo > 0 ? work : nullptr;
}

void RepairWindow::take_back(Work& work) {
  if (first_sending_) return;
  --work.repair;
  if (work.extra > 0) --work.extra;
  work.sent.pop_back();
  work.gone = true;
}

std::vector<BlockRun> RepairWindow::runs(Tell what) const {
  std::vector<BlockRun> out;
  for (const Work& work : work_) {
    const std::uint16_t symbols = what == Tell::sent ? work.repair : work.todo;
    if (what == Tell::to_come && symbols == 0) continue;
    if (!out.empty() && out.back().symbols == symbols && out.back().first.value + out.back().count == work.block.value) {
      ++out.back().count;
    } else {
      out.push_back({work.block, 1, symbols});
    }
  }
  return out;
}

}  // namespace ghost::ardus
