#include "base/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "base/test_environment.h"
#include "base/unique_fd.h"

namespace ghost {

using namespace std::chrono_literals;

namespace {

const TimePoint kStart{};
constexpr Terminal kFile{};
constexpr Terminal kScreen{true, false, 80};

}  // namespace

TEST(Terminal, TellsItsWidthAndWhetherColoursAreWanted) {
  int master = -1, slave = -1;
  winsize size{};
  size.ws_col = 132;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, &size), 0);
  const UniqueFd keep_master(master), keep_slave(slave);
  const Terminal plain = Terminal::of(slave, environment_of({{"TERM", "xterm"}}));
  EXPECT_TRUE(plain.is_terminal);
  EXPECT_TRUE(plain.colours);
  EXPECT_EQ(plain.width, 132u);
  EXPECT_FALSE(Terminal::of(slave, environment_of({{"TERM", "xterm"}, {"NO_COLOR", "1"}})).colours);
  EXPECT_TRUE(Terminal::of(slave, environment_of({{"TERM", "xterm"}, {"NO_COLOR", ""}})).colours);
  EXPECT_FALSE(Terminal::of(slave, environment_of({{"TERM", "dumb"}})).colours);
}

TEST(Terminal, IsNotAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reading(ends[0]), writing(ends[1]);
  const Terminal pipe = Terminal::of(ends[1], environment_of({{"TERM", "xterm"}}));
  EXPECT_FALSE(pipe.is_terminal);
  EXPECT_FALSE(pipe.colours);
  EXPECT_EQ(pipe.width, 80u);
  EXPECT_EQ(coloured(pipe, Colour::red, "no"), "no");
  EXPECT_EQ(coloured({true, true, 80}, Colour::red, "no"), "\x1b[31mno\x1b[0m");
}

TEST(Table, AlignsByWhatIsShownAndNumbersAtTheRight) {
  Table table({"COMPOSER", "WORKS", "SIZE"});
  table.add({"Dvořák", "9", "1.5 GiB"});
  table.add({"武満徹", "120", "-"});
  table.add({"e\u0301", "3"});
  EXPECT_EQ(table.text(80),
            "COMPOSER  WORKS     SIZE\n"
            "Dvořák        9  1.5 GiB\n"
            "武満徹      120        -\n"
            "e\u0301             3\n");
}

TEST(Table, TakesNoAddressForANumber) {
  Table table({"WHERE", "STATE"});
  table.add({"127.0.0.1", "ok"});
  table.add({"0.0.0.0", "ok"});
  EXPECT_EQ(table.text(80),
            "WHERE      STATE\n"
            "127.0.0.1  ok\n"
            "0.0.0.0    ok\n");
}

TEST(Table, LetsNoCellMoveTheCursorOrAddALine) {
  Table table({"NAME"});
  table.add({"a\x1b[2J\nb", "beyond"});
  EXPECT_EQ(table.text(80), "NAME\na\\x1b[2J\\nb\n");
}

TEST(Table, CutsItsWidestTextToFit) {
  Table table({"PORT", "NAME", "STATE"});
  table.add({"2203", "a name that is far too long for this", "ok"});
  EXPECT_EQ(table.text(30),
            "PORT  NAME               STATE\n"
            "2203  a name that is f…  ok\n");
  EXPECT_EQ(Table({"A", "B"}).text(1), "A  B\n");
}

TEST(Table, CutsTwoWideColumnsAlike) {
  Table table({"BEFORE", "AFTER"});
  table.add({"twenty letters or so", "twenty letters again"});
  table.add({"few", "few"});
  EXPECT_EQ(table.text(24),
            "BEFORE       AFTER\n"
            "twenty let…  twenty let…\n"
            "few          few\n");
}

TEST(Progress, ElsewhereThanOnATerminalSpeaksAtStartEveryTenSecondsAndAtTheEnd) {
  Progress progress(kFile, "grab", Progress::Unit::bytes, 100 << 20, kStart);
  EXPECT_EQ(progress.update(0, kStart), "grab: started, 100.0 MiB\n");
  for (int second = 1; second < 10; ++second) EXPECT_EQ(progress.update(static_cast<std::uint64_t>(second) << 20, kStart + second * 1s), "");
  EXPECT_EQ(progress.update(10 << 20, kStart + 10s), "grab: 10.0 MiB of 100.0 MiB, 10 %, 1.0 MiB/s, 1 min 30 s left, 10.0 s so far\n");
  EXPECT_EQ(progress.update(11 << 20, kStart + 11s), "");
  EXPECT_EQ(progress.line(kStart + 11s), "grab: 11.0 MiB of 100.0 MiB, 11 %, 1.0 MiB/s, 1 min 29 s left, 11.0 s so far\n");
  EXPECT_EQ(progress.finish("done", kStart + 20s), "grab: done, 11.0 MiB in 20.0 s, 563.2 KiB/s\n");
}

TEST(Progress, OnATerminalRedrawsOneLineAtMostTenTimesASecond) {
  Progress progress(kScreen, "send", Progress::Unit::items, 40, kStart);
  EXPECT_EQ(progress.update(0, kStart), "\rsend [....................] 0 of 40, 0 %\x1b[K");
  EXPECT_EQ(progress.update(1, kStart + 99ms), "");
  EXPECT_EQ(progress.update(2, kStart + 100ms), "\rsend [#...................] 2 of 40, 5 %\x1b[K");
  EXPECT_EQ(progress.update(10, kStart + 1s), "\rsend [#####...............] 10 of 40, 25 %, 10/s, 3.0 s left\x1b[K");
  // The rate is that of the last whole second, however often the line is drawn.
  EXPECT_EQ(progress.update(20, kStart + 1500ms), "\rsend [##########..........] 20 of 40, 50 %, 10/s, 2.0 s left\x1b[K");
  EXPECT_EQ(progress.clear(), "\r\x1b[K");
  EXPECT_EQ(progress.clear(), "");
  EXPECT_EQ(progress.update(40, kStart + 2s), "\rsend [####################] 40 of 40, 100 %, 20/s\x1b[K");
  EXPECT_EQ(progress.finish("done", kStart + 2s), "\r\x1b[Ksend: done, 40 in 2.0 s, 20/s\n");
}

TEST(Progress, ItsBarMakesRoomForWhatIsToldInWords) {
  const auto drawn = [](std::size_t width) {
    Progress progress({true, false, width}, "send", Progress::Unit::items, 40, kStart);
    return progress.update(10, kStart);
  };
  EXPECT_EQ(drawn(43), "\rsend [#####...............] 10 of 40, 25 %\x1b[K");
  EXPECT_EQ(drawn(42), "\rsend [##........] 10 of 40, 25 %\x1b[K");
  EXPECT_EQ(drawn(32), "\rsend 10 of 40, 25 %\x1b[K");
  EXPECT_EQ(drawn(18), "\rsend 10 of 40, 2…\x1b[K");
}

TEST(Progress, FitsANarrowTerminal) {
  Progress progress({true, false, 12}, "distribute", Progress::Unit::items, 40, kStart);
  EXPECT_EQ(progress.update(1, kStart), "\rdistribute…\x1b[K");
}

TEST(Progress, TellsSoundAsTimeAndItsRateAsAMultipleOfPlaying) {
  Progress progress(kFile, "grab", Progress::Unit::sound, 75 * 120, kStart);
  EXPECT_EQ(progress.update(0, kStart), "grab: started, 2:00\n");
  progress.update(75 * 65, kStart + 2s);
  EXPECT_EQ(progress.line(kStart + 2s), "grab: 1:05 of 2:00, 54 %, 33 × real time, 2.0 s left, 2.0 s so far\n");
  EXPECT_EQ(progress.finish("done", kStart + 20s), "grab: done, 1:05 in 20.0 s, 3.3 × real time\n");
}

TEST(Progress, WithoutATotalTellsNeitherPartNorTimeLeft) {
  Progress progress(kFile, "record", Progress::Unit::items, 0, kStart);
  EXPECT_EQ(progress.update(0, kStart), "record: started\n");
  EXPECT_EQ(progress.update(50, kStart + 10s), "record: 50, 5/s, 10.0 s so far\n");
  EXPECT_EQ(progress.time_left(), std::nullopt);
}

TEST(Progress, NeverCountsBackAndSurvivesMoreThanWasPlanned) {
  Progress progress(kFile, "x", Progress::Unit::items, 10, kStart);
  progress.update(5, kStart);
  progress.update(3, kStart + 1s);
  EXPECT_EQ(progress.update(20, kStart + 10s).substr(0, 17), "x: 20 of 10, 100 ");
  EXPECT_EQ(progress.finish("failed: disk\ngone", kStart + 10s), "x: failed: disk\\ngone, 20 in 10.0 s, 2/s\n");
}

}  // namespace ghost
