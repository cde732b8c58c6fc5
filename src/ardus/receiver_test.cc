#include "ardus/receiver.h"

#include <gtest/gtest.h>

#include "ardus/block_decoder.h"
#include "ardus/digest_book.h"
#include "ardus/fec.h"

namespace ghost::ardus {

namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint{} + 1h;
constexpr std::uint64_t kBytes = 3 * kBlockBytes - 100;

Bytes content_of(BlockIndex block) {
  Bytes out(StreamShape{kBytes}.bytes_in(block));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 31 + i / 251 + block.value);
  return out;
}

/// A receiver, and the keys of its sender, whose datagrams the test makes.
struct Bench : BlockSink {
  KeyPair key = KeyPair::generate();
  SessionName name{9, {1}, key.public_key()};
  SenderKeys sender{name, Secret{2}, key};
  SessionReceiverKeys keys{name, 0, Secret{2}, ReceiverNumber{1}, Secret{3}};
  StreamShape stream{kBytes};
  BlockDecoder decoder{stream, *this};
  Receiver receiver{{9, ReceiverNumber{1}, stream, BlockIndex{0}, 5, 256, 3s}, BlockSet::all(stream.blocks()), keys, decoder, kStart};
  std::map<std::uint32_t, Bytes> blocks;
  std::uint64_t sequence = 0;
  bool refuse = false;

  Bench() { sender.add_receiver(ReceiverNumber{1}, Secret{3}); }
  void on_block(BlockIndex block, BytesView bytes) override {
    if (refuse) {
      receiver.reject(block, kStart);
    } else {
      blocks[block.value] = to_bytes(bytes);
    }
  }

  Bytes symbol(std::uint32_t block, std::uint16_t index) {
    const Bytes content = content_of(BlockIndex{block});
    Bytes bytes(kSymbolSize);
    if (index < kFirstParity) {
      std::copy_n(content.begin() + index * static_cast<std::ptrdiff_t>(kSymbolSize), kSymbolSize, bytes.begin());
    } else {
      fec::encode(content, kSymbolSize, SymbolIndex{index}, 1, bytes);
    }
    const auto ticket = sender.group_ticket();
    Bytes out(kDataDatagram);
    const auto type = index < kFirstParity ? MessageType::data : MessageType::parity;
    sender.seal_group({type, ticket.epoch, 9, ticket.number, BlockIndex{block}, SymbolIndex{index}, 0}, bytes, out.data());
    return out;
  }
  Bytes control(Control message) {
    message.session = 9;
    message.sequence = ++sequence;
    message.sent = sender.group_sent();
    Bytes out = write_control(message);
    sender.sign(out);
    return out;
  }
  Bytes digests(std::uint32_t block, std::uint16_t first) {
    const Bytes content = content_of(BlockIndex{block});
    DigestList list{9, BlockIndex{block}, SymbolIndex{first}, {}};
    for (std::uint16_t i = first; i < first + kMaxDigests; ++i) list.digests.push_back(symbol_digest(BytesView(content).subspan(i * kSymbolSize, kSymbolSize)));
    Bytes out = write_digests(list);
    sender.sign_digests(out);
    return out;
  }
  Bytes window_end() {
    Control message;
    message.type = MessageType::window_end;
    message.ended = 3;
    message.group = 1;
    message.blocks = {{BlockIndex{0}, 3, 0}};
    return control(message);
  }
  void send(std::uint32_t block, std::uint16_t from, std::uint16_t end, std::uint16_t but = 0xffff) {
    for (std::uint16_t i = from; i < end; ++i) {
      Bytes datagram = symbol(block, i);
      if (i != but) receiver.on_datagram(datagram, kStart);
    }
  }
  std::optional<ReportBody> report(TimePoint now) {
    const auto out = receiver.poll(now);
    if (out.empty()) return std::nullopt;
    const auto opened = sender.open_report(out.front().bytes);
    return opened ? std::optional(opened->body) : std::nullopt;
  }
};

}  // namespace

TEST(Receiver, ABlockIsWholeWithAnyOfItsSymbolsAndASubstituteForTheLost) {
  Bench bench;
  bench.send(0, 0, 128, 77);
  EXPECT_TRUE(bench.blocks.empty());
  bench.receiver.on_datagram(bench.symbol(0, 200), kStart);
  EXPECT_EQ(bench.blocks.at(0), content_of(BlockIndex{0}));
}

TEST(Receiver, AsksForWhatItLacksAfterTheWindowAndAgainWhenNothingComes) {
  Bench bench;
  bench.send(0, 0, 128, 3);
  bench.send(1, 0, 128);
  bench.receiver.on_datagram(bench.window_end(), kStart);
  const auto first = bench.report(kStart);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->deficits, (std::vector<DeficitRun>{{BlockIndex{0}, 1, 1}, {BlockIndex{2}, 1, 128}}));
  EXPECT_EQ(first->seen, bench.sender.group_sent());
  EXPECT_FALSE(bench.report(kStart + 1ms));
  EXPECT_LE(bench.receiver.next_wakeup(), kStart + 25ms);
  EXPECT_TRUE(bench.report(kStart + 25ms));
}

TEST(Receiver, StaysSilentWhileAPlanCoversItsNeed) {
  Bench bench;
  bench.send(0, 0, 128, 3);
  bench.send(1, 0, 128);
  bench.send(2, 0, 128);
  Control end;
  end.type = MessageType::window_end;
  end.ended = 3;
  end.group = 1000;
  end.backoff = 4000;
  end.blocks = {{BlockIndex{0}, 3, 0}};
  bench.receiver.on_datagram(bench.control(end), kStart);
  Control plan = end;
  plan.type = MessageType::plan;
  plan.due = 50;
  plan.blocks = {{BlockIndex{0}, 1, 2}};
  bench.receiver.on_datagram(bench.control(plan), kStart);
  EXPECT_FALSE(bench.report(kStart + 5ms));
  EXPECT_FALSE(bench.report(kStart + 40ms));
  EXPECT_TRUE(bench.report(bench.receiver.next_wakeup()));  // nothing came of it
}

TEST(Receiver, ForgedAndReplayedDatagramsChangeNothing) {
  Bench bench;
  Bytes forged = bench.symbol(0, 0);
  forged[100] ^= 1;
  bench.receiver.on_datagram(forged, kStart);
  const Bytes good = bench.symbol(0, 1);
  bench.receiver.on_datagram(good, kStart);
  bench.receiver.on_datagram(good, kStart);
  Bytes control = bench.window_end();
  control.back() ^= 1;
  bench.receiver.on_datagram(control, kStart);
  EXPECT_EQ(bench.receiver.progress(kStart).symbols, 1u);
  EXPECT_EQ(bench.receiver.progress(kStart).rejected_datagrams, 3u);
  EXPECT_FALSE(bench.report(kStart + 10ms));
}

TEST(Receiver, ABlockFoundWrongIsWantedAgainAndTakenAsTheSendersDigestsNameIt) {
  Bench bench;
  bench.refuse = true;
  bench.send(0, 0, 128);
  EXPECT_TRUE(bench.receiver.lacking().contains(BlockIndex{0}));
  EXPECT_TRUE(bench.receiver.progress(kStart).wary);
  bench.refuse = false;
  bench.send(0, 0, 60);
  bench.receiver.on_datagram(bench.digests(0, 0), kStart);
  bench.receiver.on_datagram(bench.digests(0, 64), kStart);
  bench.send(0, 60, 127);
  EXPECT_TRUE(bench.receiver.lacking().contains(BlockIndex{0}));
  bench.send(0, 128, 129);  // of which no digest is known
  EXPECT_TRUE(bench.receiver.lacking().contains(BlockIndex{0}));
  bench.send(0, 127, 128);
  EXPECT_EQ(bench.blocks.at(0), content_of(BlockIndex{0}));
  EXPECT_TRUE(bench.receiver.proven(BlockIndex{0}));
}

TEST(Receiver, OfTwoSymbolsForOnePlaceTheOneThatTheSenderSignedForCounts) {
  for (const bool forged_first : {true, false}) {
    Bench bench;
    const auto forged = [&] {
      const auto ticket = bench.sender.group_ticket();
      Bytes out(kDataDatagram);
      bench.sender.seal_group({MessageType::data, ticket.epoch, 9, ticket.number, BlockIndex{0}, SymbolIndex{5}, 0}, Bytes(kSymbolSize, 0x66), out.data());
      return out;
    };
    bench.send(0, 0, 5);
    if (forged_first) bench.receiver.on_datagram(forged(), kStart);
    bench.send(0, 5, 6);
    if (!forged_first) bench.receiver.on_datagram(forged(), kStart);
    EXPECT_TRUE(bench.receiver.progress(kStart).wary);
    bench.send(0, 6, 128);
    bench.receiver.on_datagram(bench.window_end(), kStart);
    const auto out = bench.receiver.poll(kStart + 5ms);
    ASSERT_FALSE(out.empty());
    EXPECT_TRUE(read_report_header(out.front().bytes)->suspects);
    EXPECT_EQ(bench.sender.open_report(out.front().bytes)->body.deficits.front(), (DeficitRun{BlockIndex{0}, 1, 1}));
    bench.receiver.on_datagram(bench.digests(0, 0), kStart);
    bench.receiver.on_datagram(bench.digests(0, 64), kStart);
    EXPECT_EQ(bench.blocks.at(0), content_of(BlockIndex{0}));
    EXPECT_EQ(bench.receiver.progress(kStart).forged_symbols, forged_first ? 1u : 0u);
  }
}

TEST(Receiver, WhatComesByItsOwnPathNeedsNoDigest) {
  Bench bench;
  bench.receiver.suspect(kStart);
  for (std::uint16_t i = 0; i < 128; ++i) {
    const Bytes content = content_of(BlockIndex{1});
    Bytes out(kDataDatagram);
    const auto ticket = bench.sender.receiver_ticket(ReceiverNumber{1});
    bench.sender.seal_to(ReceiverNumber{1}, {MessageType::repair, ticket->epoch, 9, ticket->number, BlockIndex{1}, SymbolIndex{i}, 0},
                         BytesView(content).subspan(i * kSymbolSize, kSymbolSize), out.data());
    bench.receiver.on_datagram(out, kStart);
  }
  EXPECT_EQ(bench.blocks.at(1), content_of(BlockIndex{1}));
}

TEST(Receiver, TrustsTheGroupAgainWhenNobodyForgesAnythingForAWhile) {
  Bench bench;
  bench.receiver.suspect(kStart);
  bench.send(0, 0, 128);
  EXPECT_TRUE(bench.receiver.lacking().contains(BlockIndex{0}));
  bench.receiver.on_datagram(bench.window_end(), kStart + 1s);
  EXPECT_TRUE(bench.receiver.progress(kStart).wary);
  bench.receiver.on_datagram(bench.window_end(), kStart + 11s);
  EXPECT_FALSE(bench.receiver.progress(kStart).wary);
  EXPECT_EQ(bench.blocks.at(0), content_of(BlockIndex{0}));
}

TEST(Receiver, SaysWhenItHasEverything) {
  Bench bench;
  for (std::uint32_t b = 0; b < 3; ++b) bench.send(b, 0, static_cast<std::uint16_t>(bench.stream.symbols_in(BlockIndex{b})));
  EXPECT_TRUE(bench.receiver.complete());
  const auto out = bench.receiver.poll(kStart + 1ms);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(read_report_header(out.front().bytes)->phase, ReceiverPhase::complete);
  EXPECT_EQ(bench.receiver.next_wakeup(), TimePoint::max());
}

TEST(Receiver, OneThatHearsNothingAsksForAllOfItByUnicast) {
  Bench bench;
  EXPECT_LE(bench.receiver.next_wakeup(), kStart + 3s);
  const auto report = bench.report(kStart + 3s);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->away);
  EXPECT_EQ(report->deficits.front().count, 3u);
  EXPECT_TRUE(bench.receiver.progress(kStart + 3s).deaf);
  bench.send(0, 0, 1);
  EXPECT_FALSE(bench.receiver.progress(kStart + 3s).deaf);
}

TEST(Receiver, OneThatIsAskedAloneForAProbeOfTheGroupThatItMissedAsksForAllOfItAtOnce) {
  Bench bench;
  bench.receiver.on_datagram(bench.window_end(), kStart + 100ms);
  Control alone;
  alone.type = MessageType::probe;
  alone.answer_now = true;
  alone.group = 1;
  alone.slots = 400'000;  // the group was asked before the WINDOW_END was heard
  bench.receiver.on_datagram(bench.control(alone), kStart + 450ms);
  auto report = bench.report(kStart + 450ms);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->away);
  bench.receiver.on_datagram(bench.control(alone), kStart + 600ms);
  report = bench.report(kStart + 600ms);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->away);
  EXPECT_EQ(report->deficits.front().count, 3u);
  EXPECT_LE(bench.receiver.next_wakeup(), kStart + 1600ms);  // and again, until the group is heard
  bench.receiver.on_datagram(bench.window_end(), kStart + 700ms);
  report = bench.report(kStart + 1700ms);
  EXPECT_FALSE(bench.receiver.progress(kStart + 1700ms).deaf);
}

TEST(Receiver, AQuestionAfterABatchIsAnsweredWithWhatTheNextCanBeMadeOf) {
  Bench bench;
  const StreamShape stream{160 * kBlockBytes};
  BlockSet every_other(stream.blocks());
  for (std::uint32_t b = 0; b < stream.blocks(); b += 2) every_other.insert(BlockIndex{b});
  BlockDecoder decoder(stream, bench);
  Receiver receiver({9, ReceiverNumber{1}, stream, BlockIndex{0}, 5, 256, 3s}, every_other, bench.keys, decoder, kStart);
  const auto answer = [&](Control question) {
    receiver.on_datagram(bench.control(std::move(question)), kStart + 4s);
    const auto out = receiver.poll(kStart + 4s);
    return out.empty() ? std::nullopt : std::optional(bench.sender.open_report(out.front().bytes)->body);
  };
  receiver.poll(kStart + 4s);  // it has heard nothing: from here on it lacks all of it
  Control question;
  question.type = MessageType::window_end;
  question.answer_now = true;
  question.group = 1;
  auto report = answer(question);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->deficits.size(), kWindowBlocks);
  EXPECT_EQ(report->deficits.back(), (DeficitRun{BlockIndex{2 * (kWindowBlocks - 1)}, 1, 128}));
  EXPECT_TRUE(report->everything && report->more);
  question.type = MessageType::probe;
  report = answer(question);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->deficits.size(), 80u);
  EXPECT_FALSE(report->more);
}

TEST(Receiver, ForgetsTheOldestHalfReceivedBlockWhenThereAreTooMany) {
  Bench bench;
  Receiver small({9, ReceiverNumber{1}, bench.stream, BlockIndex{0}, 5, 2, 3s}, BlockSet::all(3), bench.keys, bench.decoder, kStart);
  for (std::uint32_t b = 0; b < 3; ++b) small.on_datagram(bench.symbol(b, 5), kStart);
  small.on_datagram(bench.window_end(), kStart);
  const auto out = small.poll(kStart);
  ASSERT_FALSE(out.empty());
  const auto report = bench.sender.open_report(out.front().bytes);
  EXPECT_EQ(report->body.deficits, (std::vector<DeficitRun>{{BlockIndex{0}, 1, 128}, {BlockIndex{1}, 2, 127}}));
}

}  // namespace ghost::ardus
