#include "ardus/session_keys.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ghost::ardus {

namespace {

struct Session {
  KeyPair key = KeyPair::generate();
  SessionName name{7, {1, 2, 3}, key.public_key()};
  Secret epoch_secret{4};
  Secret own_secret{5};
  ReceiverNumber number{3};
  SenderKeys sender{name, epoch_secret, key};
  SessionReceiverKeys receiver{name, 0, epoch_secret, number, own_secret};

  Session() { sender.add_receiver(number, own_secret); }

  Bytes group_packet(BytesView symbol) {
    const auto ticket = sender.group_ticket();
    Bytes out(kDataDatagram);
    sender.seal_group({MessageType::data, ticket.epoch, 7, ticket.number, BlockIndex{1}, SymbolIndex{2}, 0}, symbol, out.data());
    return out;
  }
  bool opens(const Bytes& packet, std::uint8_t* out) {
    const auto header = read_data_header(packet);
    return header && receiver.open(ReceiverKeys::Path::group, *header, packet, out);
  }
};

const Bytes kSymbol(kSymbolSize, 0x5a);

}  // namespace

TEST(SessionKeys, WhatTheSenderSealsTheReceiverOpens) {
  Session session;
  const Bytes packet = session.group_packet(kSymbol);
  Bytes opened(kSymbolSize);
  EXPECT_TRUE(session.opens(packet, opened.data()));
  EXPECT_EQ(opened, kSymbol);
  EXPECT_EQ(session.sender.group_sent(), 1u);
}

TEST(SessionKeys, AChangedByteAnywhereIsFound) {
  Session session;
  const Bytes packet = session.group_packet(kSymbol);
  for (std::size_t at = 0; at < packet.size(); at += at < kDataHeader ? 1 : 97) {
    Bytes copy = packet;
    copy[at] ^= 0x10;
    EXPECT_FALSE(session.opens(copy, nullptr)) << at;
  }
}

TEST(SessionKeys, EveryPathAndDirectionHasAKeyOfItsOwn) {
  const SessionName name{7, {1}, {}};
  const Secret secret{1};
  std::vector<AeadKey> keys = {derive_key(secret, name, 0, 0, Direction::to_receivers), derive_key(secret, name, 0, 0, Direction::to_sender),
                               derive_key(secret, name, 1, 0, Direction::to_receivers), derive_key(secret, name, 0, 1, Direction::to_receivers),
                               derive_key(secret, {8, {1}, {}}, 0, 0, Direction::to_receivers),
                               derive_key(secret, {7, {2}, {}}, 0, 0, Direction::to_receivers), derive_key({2}, name, 0, 0, Direction::to_receivers)};
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::unique(keys.begin(), keys.end()), keys.end());
}

TEST(SessionKeys, ANewEpochIsFollowedAndTheOneBeforeStillOpens) {
  Session session;
  const Secret second = next_epoch_secret(session.epoch_secret);
  Aead old_key(derive_key(session.epoch_secret, session.name, 0, kGroupPath, Direction::to_receivers));
  Aead new_key(derive_key(second, session.name, 1, kGroupPath, Direction::to_receivers));
  const auto packet = [&](Aead& key, std::uint8_t epoch, std::uint64_t number) {
    Bytes out(kDataDatagram);
    write_data_header({MessageType::data, epoch, 7, number, BlockIndex{0}, SymbolIndex{0}, 0}, out.data());
    key.seal(number, BytesView(out).first(kDataHeader), kSymbol, out.data() + kDataHeader);
    return out;
  };
  EXPECT_TRUE(session.opens(packet(new_key, 1, kPacketsPerEpoch), nullptr));
  EXPECT_TRUE(session.opens(packet(old_key, 0, kPacketsPerEpoch - 1), nullptr));
  session.receiver.passed(1, kPacketsPerEpoch);
  EXPECT_TRUE(session.opens(packet(old_key, 0, kPacketsPerEpoch - 2), nullptr));
  EXPECT_FALSE(session.opens(packet(old_key, 0, kPacketsPerEpoch + 1), nullptr));  // an old key serves no more packets
  session.receiver.passed(1, kPacketsPerEpoch + 5000);
  EXPECT_FALSE(session.opens(packet(old_key, 0, kPacketsPerEpoch - 3), nullptr));
  EXPECT_FALSE(session.opens(packet(new_key, 3, 3 * kPacketsPerEpoch), nullptr));
}

TEST(SessionKeys, WhoIsNotToldTheSecretOfAnEpochReadsNothingOfIt) {
  Session session;
  SessionReceiverKeys left(session.name, 0, session.epoch_secret, ReceiverNumber{4}, Secret{8});
  const auto reads = [](SessionReceiverKeys& keys, const Bytes& packet) {
    return keys.open(ReceiverKeys::Path::group, *read_data_header(packet), packet, nullptr);
  };
  EXPECT_TRUE(reads(left, session.group_packet(kSymbol)));
  session.sender.set_next_secret(Secret{77});
  session.receiver.learn(1, Secret{77});
  EXPECT_EQ(session.receiver.newest_epoch(), 1);
  EXPECT_TRUE(session.opens(session.group_packet(kSymbol), nullptr));  // of the epoch before still
  session.sender.begin_next_epoch();
  for (int i = 0; i < 3; ++i) {
    const Bytes packet = session.group_packet(kSymbol);
    EXPECT_TRUE(session.opens(packet, nullptr));
    EXPECT_FALSE(reads(left, packet));
  }
}

TEST(SessionKeys, ASecretThatIsToldLateTakesThePlaceOfWhatWasThoughtToFollow) {
  Session session;
  SenderKeys forger(session.name, session.epoch_secret, session.key);  // one that left makes packets of the epoch that would have followed
  forger.begin_next_epoch();
  const auto ticket = forger.group_ticket();
  Bytes forged(kDataDatagram);
  forger.seal_group({MessageType::data, ticket.epoch, 7, ticket.number, BlockIndex{1}, SymbolIndex{2}, 0}, kSymbol, forged.data());
  EXPECT_TRUE(session.opens(forged, nullptr));
  session.sender.set_next_secret(Secret{77});
  session.sender.begin_next_epoch();
  const Bytes packet = session.group_packet(kSymbol);
  EXPECT_FALSE(session.opens(packet, nullptr));
  session.receiver.learn(1, Secret{77});
  EXPECT_TRUE(session.opens(packet, nullptr));
  EXPECT_FALSE(session.opens(forged, nullptr));
}

TEST(SessionKeys, PathsOfOneReceiverHaveEpochsTooAndTheLastOneEnds) {
  Session session;
  const KeyOptions few{4, nullptr};
  SenderKeys sender(session.name, session.epoch_secret, session.key, few);
  SessionReceiverKeys receiver(session.name, 0, session.epoch_secret, session.number, session.own_secret, few);
  sender.add_receiver(session.number, session.own_secret);
  Bytes packet(kDataDatagram);
  for (std::uint64_t i = 0; i < 256 * 4; ++i) {
    const auto ticket = sender.receiver_ticket(session.number);
    ASSERT_TRUE(ticket);
    EXPECT_EQ(ticket->epoch, i / 4);
    sender.seal_to(session.number, {MessageType::repair, ticket->epoch, 7, ticket->number, BlockIndex{1}, SymbolIndex{2}, 0}, kSymbol, packet.data());
    ASSERT_TRUE(receiver.open(ReceiverKeys::Path::own, *read_data_header(packet), packet, nullptr)) << i;
    ASSERT_TRUE(sender.open_report(receiver.seal_report({ReceiverPhase::receiving, 7, i, session.number, 0}, {}))) << i;
  }
  EXPECT_FALSE(sender.receiver_ticket(session.number));
  EXPECT_TRUE(receiver.seal_report({ReceiverPhase::receiving, 7, 256 * 4, session.number, 0}, {}).empty());
}

TEST(SessionKeys, After256EpochsNoneIsLeft) {
  Session session;
  SenderKeys sender(session.name, session.epoch_secret, session.key, {2, nullptr});
  Bytes packet(kDataDatagram);
  for (std::uint64_t i = 0; i < 512; ++i) {
    const auto ticket = sender.group_ticket();
    ASSERT_EQ(ticket.epoch, i / 2);
    sender.seal_group({MessageType::data, ticket.epoch, 7, ticket.number, BlockIndex{1}, SymbolIndex{2}, 0}, kSymbol, packet.data());
  }
  EXPECT_FALSE(sender.exhausted());
  sender.group_ticket();
  EXPECT_TRUE(sender.exhausted());
}

TEST(SessionKeys, AReportIsOpenedOnceAndOnlyUnderItsReceiversKey) {
  Session session;
  ReportBody body;
  body.done = 9;
  const Bytes report = session.receiver.seal_report({ReceiverPhase::receiving, 7, 0, session.number}, body);
  SessionReceiverKeys other(session.name, 0, session.epoch_secret, session.number, Secret{6});
  EXPECT_FALSE(session.sender.open_report(other.seal_report({ReceiverPhase::verified, 7, 0, session.number}, body)));
  const auto opened = session.sender.open_report(report);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->body, body);
  EXPECT_FALSE(session.sender.open_report(report));  // replayed
  session.sender.remove_receiver(session.number);
  EXPECT_FALSE(session.sender.open_report(session.receiver.seal_report({ReceiverPhase::receiving, 7, 1, session.number}, body)));
}

TEST(SessionKeys, AControlMessageOfAnotherSessionIsNotBelieved) {
  Session session, other;
  Control control;
  control.session = 7;
  Bytes datagram = write_control(control);
  session.sender.sign(datagram);
  EXPECT_TRUE(session.receiver.verify(datagram));
  EXPECT_FALSE(other.receiver.verify(datagram));
  datagram[20] ^= 1;
  EXPECT_FALSE(session.receiver.verify(datagram));
}

TEST(ReplayWindow, TakesEachNumberOnceInAnyOrder) {
  ReplayWindow window;
  SeededRandom random(1);
  std::vector<std::uint64_t> taken;
  for (std::uint64_t base = 0; base < 50'000; base += 100) {
    for (int i = 0; i < 150; ++i) {
      const std::uint64_t number = base + random.below(1000);
      const bool known = std::find(taken.begin(), taken.end(), number) != taken.end();
      ASSERT_EQ(window.fresh(number), !known);
      if (!known) {
        window.take(number);
        taken.push_back(number);
      }
    }
    std::erase_if(taken, [&](std::uint64_t number) { return number + 100 < base; });
  }
  EXPECT_FALSE(window.fresh(window.end() - ReplayWindow::kSize - 1));
}

}  // namespace ghost::ardus
