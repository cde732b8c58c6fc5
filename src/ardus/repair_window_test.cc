#include "ardus/repair_window.h"

#include <gtest/gtest.h>

namespace ghost::ardus {

TEST(RepairWindow, SendsTheSymbolsOfItsBlocksInTurn) {
  RepairWindow window(1, true);
  for (std::uint32_t b = 0; b < 3; ++b) window.add(BlockIndex{b}, 2);
  std::vector<std::uint32_t> order;
  while (window.todo() > 0) order.push_back(window.next(0).block.value);
  ASSERT_EQ(order.size(), 6u);
  for (std::size_t i = 0; i + 3 <= 6; i += 3) EXPECT_NE(order[i], order[i + 1]);
  EXPECT_EQ(std::count(order.begin(), order.end(), 2u), 2);
}

TEST(RepairWindow, TellsWhoseTurnItIsNext) {
  RepairWindow window(1, true);
  EXPECT_EQ(window.upcoming(), nullptr);
  for (std::uint32_t b = 0; b < 3; ++b) window.add(BlockIndex{b}, 2);
  while (window.todo() > 0) {
    const RepairWindow::Work* const told = window.upcoming();
    ASSERT_NE(told, nullptr);
    EXPECT_EQ(told->block, window.next(0).block);
  }
  EXPECT_EQ(window.upcoming(), nullptr);
}

TEST(RepairWindow, TwoReceiversThatLackTheSameGetTheLargerNeed) {
  RepairWindow window(1, false);
  window.add(BlockIndex{5}, 0);
  auto& work = *window.find(BlockIndex{5});
  EXPECT_EQ(window.demand(work, 2, 100), 2);
  EXPECT_EQ(window.demand(work, 3, 100), 1);
  EXPECT_EQ(window.demand(work, 1, 100), 0);
  EXPECT_EQ(window.todo(), 3u);
}

TEST(RepairWindow, WhatIsOnItsWayToAReceiverIsNotSentAgain) {
  RepairWindow window(1, false);
  window.add(BlockIndex{5}, 0);
  auto& work = *window.find(BlockIndex{5});
  window.demand(work, 2, 100);
  window.next(100);
  window.next(105);
  EXPECT_EQ(window.demand(work, 2, 100), 0);  // it has seen neither
  EXPECT_EQ(window.demand(work, 2, 103), 1);  // 100 is lost, 105 may come
  EXPECT_EQ(window.demand(work, 2, 106), 1);  // both are lost; one waits already
}

TEST(RepairWindow, TellsItsBlocksInRuns) {
  RepairWindow window(1, false);
  for (const std::uint32_t b : {4u, 5u, 6u, 9u}) window.add(BlockIndex{b}, b == 6 ? 1 : 2);
  const std::vector<BlockRun> expected = {{BlockIndex{4}, 2, 2}, {BlockIndex{6}, 1, 1}, {BlockIndex{9}, 1, 2}};
  EXPECT_EQ(window.runs(RepairWindow::Tell::to_come), expected);
  while (window.todo() > 0) window.next(0);
  EXPECT_TRUE(window.runs(RepairWindow::Tell::to_come).empty());
  EXPECT_EQ(window.runs(RepairWindow::Tell::sent), expected);
}

}  // namespace ghost::ardus
