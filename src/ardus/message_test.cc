// docs/spec/vectors/ardus.json against the code that writes and reads datagrams: a change of the wire shows here. After a change on
// purpose, GHOST_MAKE_VECTORS=1 writes the file anew.
#include "ardus/message.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ardus/digest_book.h"
#include "ardus/fec.h"
#include "ardus/session_keys.h"
#include "ardus/test_vectors.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

using Json = nlohmann::ordered_json;

SessionName session_name() { return {kVectorSession, counting<16>(0x40), key_from(0x80).public_key()}; }

Bytes symbol_bytes(Layout layout = Layout::standard) {
  Bytes symbol(symbol_size(layout));
  for (std::size_t i = 0; i < symbol.size(); ++i) symbol[i] = static_cast<std::uint8_t>(i * 7);
  return symbol;
}

Control plan() {
  Control c;
  c.type = MessageType::plan;
  c.session = kVectorSession, c.sequence = 17, c.sent = 4242, c.ended = 32, c.backoff = 4000, c.group = 1000, c.window = 3, c.due = 12;
  c.blocks = {{BlockIndex{32}, 31, 6}, {BlockIndex{63}, 1, 7}};
  return c;
}

Control window_end() {
  Control c = plan();
  c.type = MessageType::window_end;
  c.answer_now = true;
  c.epoch = 2;
  c.sequence = 18;
  c.blocks = {{BlockIndex{0xfffffffe}, 1, 0}};
  return c;
}

Control census() {
  Control c = plan();
  c.type = MessageType::probe;
  c.window = 0, c.due = 0, c.blocks = {}, c.sequence = 0x1122334455667788, c.sample = 62, c.census = 5, c.slots = 30000;
  c.receivers = {{ReceiverNumber{1}, 10}, {ReceiverNumber{500}, 501}};
  return c;
}

Control path_question() {
  Control c = census();
  c.sequence = 20, c.census = 0, c.slots = 0, c.receivers = {}, c.sample = 0;
  c.path = PathQuestion{0x01020304, 20'000, ReceiverNumber{7}, ReceiverNumber{12}, 45'000, 180'000};
  return c;
}

DigestList digest_list() {
  DigestList list{kVectorSession, BlockIndex{33}, SymbolIndex{126}, {}};
  for (std::uint8_t i = 0; i < 4; ++i) list.digests.push_back(symbol_digest(Bytes(kSymbolSize, i)));
  return list;
}

Bytes signed_digests(const DigestList& list) {
  const KeyPair key = key_from(0x80);
  Bytes out = write_digests(list);
  SenderKeys(session_name(), counting<32>(0x20), key).sign_digests(out);
  return out;
}

ReportBody report_body() {
  ReportBody b;
  b.backlog = true, b.everything = true, b.echo = 18, b.echo_delay = 1500, b.seen = 4300, b.unicast_seen = 7, b.loss = 655, b.unicast_loss = 1;
  b.done = 31, b.census = 5;
  b.deficits = {{BlockIndex{3}, 1, 2}, {BlockIndex{40}, 1000, 128}, {BlockIndex{2000000}, 1, 1}};
  return b;
}

ReportBody measured_report_body() {
  ReportBody b = report_body();
  b.path = PathReport{4'294'967, 31, 18'700, 0xfffffff0};
  return b;
}

Announcement announcement() {
  Announcement a;
  a.session = kVectorSession, a.sequence = 2, a.time_ms = 1'800'000'000'000, a.sender = key_from(0x80).public_key(), a.content = counting<32>(1);
  a.bytes = 10'000'000'000, a.rate = 200'000, a.control = {4, {10, 0, 0, 1}}, a.group = {4, {239, 255, 64, 9}}, a.name = "Kegelstatt";
  return a;
}

/// From a link-local address, to a source-specific group.
Announcement announcement6() {
  Announcement a = announcement();
  a.control.family = a.group.family = 6;
  a.control.bytes = {0xfe, 0x80};
  a.control.bytes[15] = 7;
  a.group.bytes = {0xff, 0x35};
  std::ranges::copy(std::array<std::uint8_t, 4>{0x98, 0x35, kVectorSession >> 8 & 0x3f, kVectorSession & 0xff}, a.group.bytes.begin() + 12);
  a.ip4_too = a.beyond_too = true;
  return a;
}

Bytes signed_control(const Control& control) {
  const KeyPair key = key_from(0x80);
  Bytes out = write_control(control);
  SenderKeys(session_name(), counting<32>(0x20), key).sign(out);
  return out;
}

Bytes sealed_data(DataHeader header, Layout layout = Layout::standard) {
  Aead key(derive_key(counting<32>(0x20), session_name(), header.epoch, kGroupPath, Direction::to_receivers));
  Bytes out(data_datagram(layout));
  write_data_header(header, out.data());
  key.seal(header.number, BytesView(out).first(kDataHeader), symbol_bytes(layout), out.data() + kDataHeader);
  return out;
}

/// To receiver 7, on its own path.
Bytes sealed_repair(const DataHeader& header) {
  Aead key(derive_key(counting<32>(0x60), session_name(), header.epoch, 7, Direction::to_receivers));
  Bytes out(kDataDatagram);
  write_data_header(header, out.data());
  key.seal(header.number, BytesView(out).first(kDataHeader), symbol_bytes(), out.data() + kDataHeader);
  return out;
}

DataHeader data_header() { return {MessageType::data, 0, kVectorSession, 4242, BlockIndex{33}, SymbolIndex{127}, 930}; }

Trial trial() { return {3, kVectorSession, false}; }

Bytes signed_trial(Trial trial, bool is_long) {
  const KeyPair key = key_from(0x80);
  trial.is_long = is_long;
  Bytes out = write_trial(trial);
  SenderKeys(session_name(), counting<32>(0x20), key).sign(out);
  return out;
}

Bytes fec_block() {
  Bytes block(3 * 32);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(i + 1);
  return block;
}

Bytes fec_parity() {
  Bytes out(3 * 32);
  fec::encode(fec_block(), 32, SymbolIndex{128}, 2, std::span(out).first(64));
  fec::encode(fec_block(), 32, SymbolIndex{255}, 1, std::span(out).subspan(64));
  return out;
}

/// Every datagram of the specification's example session, by name.
std::vector<std::pair<std::string, Bytes>> datagrams() {
  DataHeader parity = data_header();
  parity.type = MessageType::parity, parity.symbol = SymbolIndex{128}, parity.number = 4243;
  DataHeader repair = data_header();
  repair.type = MessageType::repair, repair.symbol = SymbolIndex{200}, repair.number = 9;
  const ReportHeader report{ReceiverPhase::complete, kVectorSession, 3, ReceiverNumber{7}, 0, false}, suspicion{ReceiverPhase::receiving, kVectorSession, 4, ReceiverNumber{7}, 2, true},
      measured{ReceiverPhase::receiving, kVectorSession, 5, ReceiverNumber{7}, 0, false};
  Control attacked = plan();
  attacked.type = MessageType::window_end, attacked.sequence = 19, attacked.digests = true;
  SessionReceiverKeys receiver(session_name(), 0, counting<32>(0x20), ReceiverNumber{7}, counting<32>(0x60));
  return {{"data", sealed_data(data_header())},
          {"parity", sealed_data(parity)},
          {"plan", signed_control(plan())},
          {"window end, answer now", signed_control(window_end())},
          {"probe, a census", signed_control(census())},
          {"report", receiver.seal_report(report, report_body())},
          {"report that suspects a forger, epoch 2 known", receiver.seal_report(suspicion, report_body())},
          {"probe that asks how the paths are", signed_control(path_question())},
          {"report that tells how its path is", receiver.seal_report(measured, measured_report_body())},
          {"window end under attack", signed_control(attacked)},
          {"digest", signed_digests(digest_list())},
          {"repair", sealed_repair(repair)},
          {"data of the jumbo layout", sealed_data(data_header(), Layout::jumbo)},
          {"trial, short", signed_trial(trial(), false)},
          {"announcement", sign_announcement(announcement(), key_from(0x80))},
          {"announcement by IPv6, source-specific", sign_announcement(announcement6(), key_from(0x80))}};
}

Json make_vectors() {
  Json out;
  out["key"] = {{"seed", to_hex(counting<32>(0x80))}, {"public", to_hex(key_from(0x80).public_key())}};
  out["session"] = {{"number", kVectorSession}, {"nonce", to_hex(counting<16>(0x40))}, {"epoch_secret", to_hex(counting<32>(0x20))},
                    {"receiver", 7}, {"receiver_secret", to_hex(counting<32>(0x60))}};
  out["group_key"] = to_hex(derive_key(counting<32>(0x20), session_name(), 0, kGroupPath, Direction::to_receivers));
  out["own_path_key"] = to_hex(derive_key(counting<32>(0x60), session_name(), 0, 7, Direction::to_receivers));
  out["own_path_key_epoch_1"] = to_hex(derive_key(counting<32>(0x60), session_name(), 1, 7, Direction::to_receivers));
  out["group_key_epoch_1"] = to_hex(derive_key(next_epoch_secret(counting<32>(0x20)), session_name(), 1, kGroupPath, Direction::to_receivers));
  out["report_key"] = to_hex(derive_key(counting<32>(0x60), session_name(), 0, 7, Direction::to_sender));
  out["next_epoch_secret"] = to_hex(next_epoch_secret(counting<32>(0x20)));
  out["report_body"] = to_hex(write_report_body(report_body()));
  out["report_body_with_path"] = to_hex(write_report_body(measured_report_body()));
  out["parity"] = {{"symbol_size", 32}, {"source", to_hex(fec_block())}, {"indices", {128, 129, 255}}, {"parity", to_hex(fec_parity())}};
  const Bytes long_trial = signed_trial(trial(), true);
  out["long_trial"] = {{"bytes", long_trial.size()}, {"head", to_hex(BytesView(long_trial).first(8))}, {"signature", to_hex(split_signature(long_trial).signature)}};
  for (const auto& [name, bytes] : datagrams()) out["datagrams"].push_back({{"name", name}, {"hex", to_hex(bytes)}});
  return out;
}

const std::string kPath = GHOST_VECTORS "/ardus.json";

/// `datagram` with a byte changed, cut or made longer, so that reading it must fail or give something else that is in bounds.
void damage_everywhere(const Bytes& datagram, const std::function<void(BytesView)>& read) {
  for (std::size_t length = 0; length < datagram.size(); ++length) read(BytesView(datagram).first(length));
  for (std::size_t at = 0; at < datagram.size(); ++at) {
    for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
      Bytes copy = datagram;
      copy[at] = value;
      read(copy);
    }
  }
}

}  // namespace

TEST(Message, TheVectorsOfTheSpecificationAreWhatWeWrite) {
  const Json made = make_vectors();
  if (std::getenv("GHOST_MAKE_VECTORS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(kPath, as_bytes(made.dump(1) + "\n")));
  }
  const Json told = Json::parse(read_file(kPath, 1024 * 1024).value());
  EXPECT_EQ(made, told);
}

TEST(Message, ADataHeaderIsReadBack) {
  Bytes datagram(kDataDatagram);
  write_data_header(data_header(), datagram.data());
  EXPECT_EQ(read_data_header(datagram), data_header());
  datagram.pop_back();
  EXPECT_EQ(read_data_header(datagram), std::nullopt);
}

TEST(Message, DatagramsOfOneLayoutAreNoneOfTheOther) {
  EXPECT_EQ(kLongestDatagram, 8872u);
  for (const Layout layout : {Layout::standard, Layout::jumbo}) {
    Bytes datagram(data_datagram(layout));
    write_data_header(data_header(), datagram.data());
    EXPECT_EQ(read_data_header(datagram, layout), data_header());
    EXPECT_EQ(read_data_header(datagram, layout == Layout::jumbo ? Layout::standard : Layout::jumbo), std::nullopt);
  }
}

TEST(Message, TrialsAreReadBackAndThoseOfAnotherLengthOrFilledWithSomethingAreNone) {
  for (const bool is_long : {false, true}) {
    const Bytes datagram = signed_trial(trial(), is_long);
    EXPECT_EQ(datagram.size(), is_long ? kLongestDatagram : kShortTrial);
    const auto read = read_trial(datagram);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, (Trial{3, kVectorSession, is_long}));
    for (const std::size_t size : {datagram.size() - 1, datagram.size() + 1, std::size_t{7}, std::size_t{0}}) {
      Bytes wrong = datagram;
      wrong.resize(size);
      EXPECT_FALSE(read_trial(wrong)) << size;
    }
    Bytes flagged = datagram;
    flagged[1] = 1;
    EXPECT_FALSE(read_trial(flagged));
  }
  Bytes filled = signed_trial(trial(), true);
  filled[5000] = 1;
  EXPECT_FALSE(read_trial(filled));
}

TEST(Message, ADataHeaderWhoseSymbolDoesNotFitItsTypeIsNone) {
  Bytes datagram(kDataDatagram);
  DataHeader header = data_header();
  header.symbol = SymbolIndex{128};
  write_data_header(header, datagram.data());
  EXPECT_EQ(read_data_header(datagram), std::nullopt);
  header.type = MessageType::repair;
  write_data_header(header, datagram.data());
  EXPECT_EQ(read_data_header(datagram), header);
  header.symbol = SymbolIndex{256};
  write_data_header(header, datagram.data());
  EXPECT_EQ(read_data_header(datagram), std::nullopt);
}

TEST(Message, ControlMessagesAreReadBack) {
  for (const Control& control : {plan(), window_end(), census(), path_question()}) {
    const auto read = read_control(signed_control(control));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, control);
  }
}

TEST(Message, OnlyAProbeCallsBackToTheGroup) {
  Control control = census();
  control.answer_now = control.listen_again = true;
  const auto read = read_control(signed_control(control));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, control);
  control = plan();
  control.listen_again = true;
  EXPECT_FALSE(read_control(signed_control(control)));
}

TEST(Message, DigestsAreReadBackAndAListThatDoesNotFitIsNone) {
  const Bytes datagram = signed_digests(digest_list());
  EXPECT_EQ(read_digests(datagram).value(), digest_list());
  for (const auto& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{{1, 1}, {2, 1}, {3, 0}, {3, 5}, {3, 65}, {12, 253}, {13, 1}, {14, 1}}) {
    Bytes wrong = datagram;
    wrong[at] = value;
    EXPECT_FALSE(read_digests(wrong)) << at;
  }
}

TEST(Message, AReportIsReadBack) {
  const auto read = read_report_body(write_report_body(report_body()), false);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, report_body());
}

TEST(Message, AReportOfMoreDeficitsThanFitSaysSo) {
  ReportBody body;
  for (std::uint32_t i = 0; i < 1000; ++i) body.deficits.push_back({BlockIndex{i * 300}, 1, 1});
  const auto read = read_report_body(write_report_body(body), false);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->more);
  EXPECT_GT(read->deficits.size(), 250u);
  EXPECT_TRUE(std::equal(read->deficits.begin(), read->deficits.end(), body.deficits.begin()));
}

TEST(Message, RunsThatReachPastTheLastNumberAreRefused) {
  Control control = plan();
  control.blocks = {{BlockIndex{0xffffffff}, 1, 1}};
  EXPECT_FALSE(read_control(signed_control(control)));
  control.blocks = {{BlockIndex{0}, 0, 1}};
  EXPECT_FALSE(read_control(signed_control(control)));
  ReportBody body;
  body.deficits = {{BlockIndex{0xfffffff0}, 0x10, 1}};
  EXPECT_FALSE(read_report_body(write_report_body(body), false));
}

TEST(Message, AnAnnouncementIsReadBackAndItsForgeryIsNot) {
  Bytes datagram = sign_announcement(announcement(), key_from(0x80));
  EXPECT_EQ(read_announcement(datagram).value(), announcement());
  datagram[100] ^= 1;
  EXPECT_EQ(read_announcement(datagram).error().code, Errc::unauthenticated);
  EXPECT_FALSE(read_announcement(sign_announcement(announcement(), key_from(0x81))));
  EXPECT_EQ(read_announcement(sign_announcement(announcement6(), key_from(0x80))).value(), announcement6());
  Announcement by4 = announcement();
  by4.ip4_too = true;  // a flag of IPv6
  EXPECT_EQ(read_announcement(sign_announcement(by4, key_from(0x80))).error().code, Errc::malformed);
  for (const std::size_t reserved : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    Bytes flagged = sign_announcement(announcement6(), key_from(0x80));
    flagged[reserved] = 0x80;
    EXPECT_EQ(read_announcement(flagged).error().code, Errc::malformed) << reserved;
  }
}

TEST(Message, DamagedDatagramsAreReadWithinBounds) {
  for (const auto& [name, bytes] : datagrams()) {
    if (bytes.size() == kDataDatagram || bytes.size() == kLongestDatagram) continue;
    damage_everywhere(bytes, [](BytesView damaged) {
      (void)read_control(damaged);
      (void)read_digests(damaged);
      (void)read_trial(damaged);
      (void)read_report_header(damaged);
      for (const bool measured : {false, true}) (void)read_report_body(damaged, measured);
    });
  }
}

}  // namespace ghost::ardus
