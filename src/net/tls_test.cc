#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/memory_world.h"
#include "net/test_certificate.h"
#include "net/tls_context.h"

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

std::shared_ptr<const TlsContext> context_of(const TlsConfig& config) {
  auto context = make_tls_context(config);
  EXPECT_TRUE(context) << context.error().message;
  return context ? *context : nullptr;
}

/// One side of a connection, from the handshake's begin to the end.
struct Side {
  std::unique_ptr<TlsHandshake> handshake;
  std::unique_ptr<ByteStream> stream;
  std::optional<Error> failed;
  StreamRecorder seen;

  OnSecured keep() {
    return [this](Result<std::unique_ptr<ByteStream>> result) {
      if (result) {
        stream = std::move(*result);
        stream->set_handler(seen);
      } else {
        failed = result.error();
      }
      handshake.reset();
    };
  }
};

class Tls : public testing::TestWithParam<std::size_t> {
 protected:
  void shake_hands(const TlsConfig& client_config, const TlsConfig& server_config) {
    auto [left, right] = make_memory_pair(reactor, {GetParam(), 64 * 1024});
    client.handshake = tls_connect(reactor, std::move(left), context_of(client_config), 10s, client.keep());
    server.handshake = tls_accept(reactor, std::move(right), context_of(server_config), {}, 10s, server.keep());
    reactor.settle();
  }
  void shake_hands() { shake_hands(alice.config(), bob.config()); }
  ~Tls() override { EXPECT_EQ(ERR_peek_error(), 0u) << "OpenSSL's error queue is left clean"; }

  MemoryReactor reactor;
  TestCertificate alice{"alice"};
  TestCertificate bob{"bob"};
  Side client, server;
};

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

}  // namespace

TEST_P(Tls, EachSideLearnsTheOthersKeyCertificateAndProtocol) {
  shake_hands(alice.config({"http/1.1", "b2/1"}), bob.config({"b2/1", "http/1.1"}));
  ASSERT_TRUE(client.stream && server.stream);
  const Peer& seen_by_client = client.stream->peer();
  EXPECT_EQ(seen_by_client.remote.text(), "10.0.0.2:2203");
  EXPECT_EQ(seen_by_client.tls->alpn, "b2/1") << "the server's preference decides";
  EXPECT_EQ(to_hex(seen_by_client.tls->public_key), to_hex(bob.key.public_key()));
  EXPECT_EQ(seen_by_client.tls->certificates, std::vector<Bytes>{bob.der});
  const Peer& seen_by_server = server.stream->peer();
  EXPECT_EQ(seen_by_server.tls->alpn, "b2/1");
  EXPECT_EQ(to_hex(seen_by_server.tls->public_key), to_hex(alice.key.public_key()));
  EXPECT_EQ(seen_by_server.tls->certificates, std::vector<Bytes>{alice.der});
}

TEST_P(Tls, GivesTheWholeChainAsItWasSent) {
  TestCertificate house("house");
  TlsConfig with_chain = alice.config();
  with_chain.certificates.push_back(house.der);
  TlsConfig server_chain = bob.config();
  server_chain.certificates.push_back(house.der);
  shake_hands(with_chain, server_chain);
  ASSERT_TRUE(client.stream && server.stream);
  EXPECT_EQ(client.stream->peer().tls->certificates, (std::vector<Bytes>{bob.der, house.der}));
  EXPECT_EQ(server.stream->peer().tls->certificates, (std::vector<Bytes>{alice.der, house.der}));
}

TEST_P(Tls, AClientWithoutACertificateIsServedAndHasNoKey) {
  shake_hands(TlsConfig{{}, {}, {"b2/1"}, true}, bob.config());
  ASSERT_TRUE(client.stream && server.stream);
  EXPECT_TRUE(server.stream->peer().tls->public_key.empty());
  EXPECT_TRUE(server.stream->peer().tls->certificates.empty());
}

TEST_P(Tls, CarriesBytesBothWaysAndEndsInOrder) {
  shake_hands();
  ASSERT_TRUE(client.stream && server.stream);
  const Bytes there = pattern(GetParam() == 1 ? 20'000 : 1'000'000);
  const Bytes back = pattern(there.size() / 2 + 3);
  client.stream->output().append(BytesView(there));
  server.stream->output().append(BytesView(back));
  reactor.settle();
  EXPECT_EQ(server.seen.bytes, there);
  EXPECT_EQ(client.seen.bytes, back);

  client.stream->finish(1s);
  reactor.settle();
  ASSERT_TRUE(client.seen.closed && server.seen.closed);
  EXPECT_EQ(server.seen.closed->code, Errc::cancelled) << server.seen.closed->message;
  EXPECT_EQ(client.seen.closed->code, Errc::cancelled) << client.seen.closed->message;
}

TEST_P(Tls, BothSidesExportTheSameKeyingMaterialForOneLabel) {
  shake_hands();
  ASSERT_TRUE(client.stream && server.stream);
  const auto mine = client.stream->export_key("EXPORTER-ghostlight-test", 32);
  const auto yours = server.stream->export_key("EXPORTER-ghostlight-test", 32);
  const auto other = server.stream->export_key("EXPORTER-ghostlight-other", 32);
  ASSERT_TRUE(mine && yours && other);
  EXPECT_EQ(mine->size(), 32u);
  EXPECT_EQ(*mine, *yours);
  EXPECT_NE(*mine, *other);
}

TEST_P(Tls, RefusesAClientThatOffersNoneOfItsProtocols) {
  shake_hands(alice.config({"smtp"}), bob.config({"b2/1", "http/1.1"}));
  ASSERT_TRUE(client.failed && server.failed);
  EXPECT_EQ(server.failed->code, Errc::unsupported);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: no application protocol");
  EXPECT_EQ(client.failed->code, Errc::unsupported);
  EXPECT_EQ(client.failed->message,
            "TLS handshake with 10.0.0.2:2203: the other side refused it with the alert \"no application protocol\"");
}

TEST_P(Tls, RefusesAClientThatOffersNoProtocolAtAll) {
  shake_hands(alice.config({}), bob.config());
  ASSERT_TRUE(client.failed && server.failed);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: no application protocol");
}

TEST_P(Tls, AClientRefusesAServerThatChoseNoProtocol) {
  shake_hands(alice.config({"b2/1"}), bob.config({}));
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->code, Errc::unsupported);
  EXPECT_NE(client.failed->message.find("chose none of the protocols offered"), std::string::npos) << client.failed->message;
}

TEST_P(Tls, SaysThatBytesMayBeMissingWhenThePeerGoesWithoutGoodbye) {
  shake_hands();
  ASSERT_TRUE(client.stream && server.stream);
  client.stream.reset();
  reactor.settle();
  ASSERT_TRUE(server.seen.closed);
  EXPECT_EQ(server.seen.closed->code, Errc::data_loss);
  EXPECT_NE(server.seen.closed->message.find("10.0.0.1:1000"), std::string::npos);
}

TEST_P(Tls, HandsOverBytesThatArriveBeforeThereIsAHandler) {
  auto [left, right] = make_memory_pair(reactor, {GetParam(), 64 * 1024});
  std::unique_ptr<ByteStream> secured;
  client.handshake = tls_connect(reactor, std::move(left), context_of(alice.config()), 10s, client.keep());
  server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), {}, 10s,
                                [&](auto result) { secured = std::move(*result); });
  reactor.settle();
  ASSERT_TRUE(client.stream && secured);
  client.stream->output().append(as_bytes("early "));
  reactor.settle();
  client.stream->output().append(as_bytes("bird"));
  client.stream->finish(1s);
  reactor.settle();
  secured->set_handler(server.seen);
  reactor.settle();
  EXPECT_EQ(server.seen.text(), "early bird");
  ASSERT_TRUE(server.seen.closed);
  EXPECT_EQ(server.seen.closed->code, Errc::cancelled);
}

TEST_P(Tls, DeliversNothingWhileReadingIsOffAndEverythingAfter) {
  shake_hands();
  ASSERT_TRUE(client.stream && server.stream);
  const Bytes sent = pattern(GetParam() == 1 ? 5'000 : 300'000);
  server.seen.then = [&](BytesView) {
    server.stream->set_reading(false);
    server.seen.then = nullptr;
  };
  client.stream->output().append(BytesView(sent));
  reactor.settle();
  const std::size_t before = server.seen.bytes.size();
  EXPECT_GT(before, 0u);
  EXPECT_LE(before, 64u * 1024);
  reactor.settle();
  EXPECT_EQ(server.seen.bytes.size(), before);
  server.stream->set_reading(true);
  reactor.settle();
  EXPECT_EQ(server.seen.bytes, sent);
}

TEST_P(Tls, BothSidesMayBeDestroyedInAnyCallback) {
  shake_hands();
  ASSERT_TRUE(client.stream && server.stream);
  server.seen.then = [&](BytesView) { server.stream.reset(); };
  client.seen.on_end = [&](const Error&) { client.stream.reset(); };
  client.stream->output().append(as_bytes("the last words"));
  reactor.settle();
  EXPECT_EQ(server.seen.text(), "the last words");
  EXPECT_FALSE(server.stream);
  EXPECT_FALSE(client.stream);
  EXPECT_TRUE(client.seen.closed);
}

TEST_P(Tls, AStreamMayBeDestroyedWithinItsHandshakesCallback) {
  auto [left, right] = make_memory_pair(reactor, {GetParam(), 64 * 1024});
  int secured = 0;
  client.handshake = tls_connect(reactor, std::move(left), context_of(alice.config()), 10s, client.keep());
  server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), {}, 10s, [&](auto result) {
    secured += result ? 1 : 0;
    server.handshake.reset();
  });
  reactor.settle();
  EXPECT_EQ(secured, 1);
}

INSTANTIATE_TEST_SUITE_P(Pieces, Tls, testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{1000}),
                         [](const auto& piece) { return "Of" + std::to_string(piece.param); });

// What follows does not depend on how the bytes are cut.

class TlsFailure : public testing::Test {
 protected:
  ~TlsFailure() override { EXPECT_EQ(ERR_peek_error(), 0u) << "OpenSSL's error queue is left clean"; }

  /// A server, and the bare stream of whoever talks to it.
  std::unique_ptr<ByteStream> accept(BytesView first = {}) {
    auto [left, right] = make_memory_pair(reactor);
    server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), first, 10s, server.keep());
    left->set_handler(stranger);
    return std::move(left);
  }

  MemoryReactor reactor;
  TestCertificate alice{"alice"};
  TestCertificate bob{"bob"};
  Side client, server;
  StreamRecorder stranger;
};

TEST_F(TlsFailure, GarbageIsToldWithTheAddressAndThePhase) {
  auto raw = accept();
  raw->output().append(as_bytes("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
  reactor.settle();
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->code, Errc::malformed);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: wrong version number");
}

TEST_F(TlsFailure, GarbageInTheFirstBytesFailsInALaterTurnOnly) {
  auto raw = accept(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(server.failed) << "never before tls_accept() has returned";
  reactor.settle();
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: http request");
}

TEST_F(TlsFailure, AFailedHandshakeMayBeGivenUpBeforeItTells) {
  auto raw = accept(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  server.handshake.reset();
  reactor.settle();
  EXPECT_FALSE(server.failed);
}

TEST_F(TlsFailure, FirstBytesAreLookedAtBeforeAnythingElse) {
  auto [left, right] = make_memory_pair(reactor);
  auto [cut_left, cut_right] = make_memory_pair(reactor);
  // The client's first flight is caught on one pair and played to the server as `first`, the rest on the other.
  StreamRecorder flight;
  cut_right->set_handler(flight);
  client.handshake = tls_connect(reactor, std::move(cut_left), context_of(alice.config()), 10s, client.keep());
  reactor.settle();
  ASSERT_FALSE(flight.bytes.empty());
  server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), flight.bytes, 10s, server.keep());
  StreamRecorder answer;
  left->set_handler(answer);
  answer.then = [&](BytesView bytes) { cut_right->output().append(bytes); };
  flight.then = [&](BytesView bytes) { left->output().append(bytes); };
  reactor.settle();
  EXPECT_TRUE(client.stream && server.stream);
}

TEST_F(TlsFailure, ATls12OnlyClientIsRefused) {
  auto raw = accept();
  std::unique_ptr<SSL_CTX, TlsFree> old(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  std::unique_ptr<SSL, TlsFree> ssl(SSL_new(old.get()));
  const unsigned char b2[] = "\x04" "b2/1";
  SSL_set_alpn_protos(ssl.get(), b2, 5);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char hello[4096];
  const int length = BIO_read(SSL_get_wbio(ssl.get()), hello, sizeof hello);
  ASSERT_GT(length, 0);
  ERR_clear_error();
  raw->output().append(as_bytes({hello, static_cast<std::size_t>(length)}));
  reactor.settle();
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->code, Errc::unsupported);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: unsupported protocol");
  ASSERT_EQ(stranger.bytes.size(), 7u) << "it is told so by an alert";
  EXPECT_EQ(stranger.bytes[6], SSL_AD_PROTOCOL_VERSION);
}

TEST_F(TlsFailure, APeerThatLeavesInTheMiddleIsTold) {
  auto raw = accept();
  raw->output().append(as_bytes("\x16\x03\x01"));
  raw->flush();
  raw.reset();
  reactor.settle();
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->code, Errc::data_loss);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: the other side closed the connection in the middle");
}

TEST_F(TlsFailure, SilenceEndsWhenTheTimeIsUp) {
  auto raw = accept();
  reactor.run_for(9s);
  EXPECT_FALSE(server.failed);
  reactor.run_for(2s);
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->code, Errc::timed_out);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: no answer within 10.0 s");
}

TEST_F(TlsFailure, ATrickleDoesNotProlongTheHandshake) {
  auto raw = accept();
  for (int i = 0; i < 12; ++i) {
    raw->output().append(as_bytes(i == 0 ? "\x16\x03\x01\x01\x00" : "\x01"));
    reactor.run_for(1s);
  }
  ASSERT_TRUE(server.failed);
  EXPECT_EQ(server.failed->message, "TLS handshake with 10.0.0.1:1000: not done within 10.0 s");
}

TEST_F(TlsFailure, AChangedRecordEndsTheStreamAsDataLoss) {
  auto [left, middle_left] = make_memory_pair(reactor);
  auto [middle_right, right] = make_memory_pair(reactor);
  StreamRecorder from_client, from_server;
  bool tamper = false;
  from_client.then = [&, out = middle_right.get()](BytesView bytes) {
    Bytes copy = to_bytes(bytes);
    if (tamper) copy.back() ^= 1;
    out->output().append(BytesView(copy));
  };
  from_server.then = [&, out = middle_left.get()](BytesView bytes) { out->output().append(bytes); };
  middle_left->set_handler(from_client);
  middle_right->set_handler(from_server);
  client.handshake = tls_connect(reactor, std::move(left), context_of(alice.config()), 10s, client.keep());
  server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), {}, 10s, server.keep());
  reactor.settle();
  ASSERT_TRUE(client.stream && server.stream);
  tamper = true;
  client.stream->output().append(as_bytes("pay 100 to alice"));
  reactor.settle();
  EXPECT_TRUE(server.seen.bytes.empty());
  ASSERT_TRUE(server.seen.closed);
  EXPECT_EQ(server.seen.closed->code, Errc::data_loss);
  EXPECT_EQ(server.seen.closed->message, "TLS with 10.0.0.1:1000: decryption failed or bad record mac");
  ASSERT_TRUE(client.seen.closed);
  EXPECT_EQ(client.seen.closed->code, Errc::data_loss) << client.seen.closed->message;
}

class TlsFlow : public TlsFailure {
 protected:
  void SetUp() override {
    auto [left, right] = make_memory_pair(reactor);
    client.handshake = tls_connect(reactor, std::move(left), context_of(alice.config()), 10s, client.keep());
    server.handshake = tls_accept(reactor, std::move(right), context_of(bob.config()), {}, 10s, server.keep());
    reactor.settle();
    ASSERT_TRUE(client.stream && server.stream);
  }
};

TEST_F(TlsFlow, EncryptsNoMoreThanTheHighWaterWhileThePeerDoesNotRead) {
  server.stream->set_reading(false);
  const Bytes sent = pattern(5'000'000);
  client.stream->output().append(BytesView(sent));
  EXPECT_GT(client.stream->unsent(), ByteStream::kHighWater);
  reactor.settle();
  EXPECT_GT(client.stream->output().size(), 3'000'000u) << "the rest stays as plaintext, uncopied";
  EXPECT_EQ(client.seen.writable, 0);
  server.stream->set_reading(true);
  reactor.settle();
  EXPECT_EQ(server.seen.bytes, sent);
  EXPECT_GE(client.seen.writable, 1);
  EXPECT_EQ(client.stream->unsent(), 0u);
}

TEST_F(TlsFlow, AWriterThatWaitsForRoomIsAlwaysWokenAgain) {
  std::size_t left = 20'000'000, waits = 0;
  const auto write = [&] {
    while (left > 0) {
      const std::size_t piece = std::min<std::size_t>(left, 50'000);
      client.stream->output().append(pattern(piece));
      left -= piece;
      if (client.stream->unsent() > ByteStream::kHighWater) {
        ++waits;
        return;
      }
    }
  };
  client.seen.on_room = write;
  write();
  reactor.settle();
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(server.seen.bytes.size(), 20'000'000u);
  EXPECT_GE(waits, 10u);
}

TEST_F(TlsFlow, AllSmallPiecesOfATurnLeaveInOneRecord) {
  auto sent_before = client.stream->unsent();
  for (int i = 0; i < 300; ++i) client.stream->output().append(as_bytes("0123456789abcdef"));
  EXPECT_EQ(client.stream->unsent(), sent_before + 4800);
  reactor.settle();
  EXPECT_EQ(server.seen.bytes.size(), 4800u);
  EXPECT_EQ(server.seen.largest, 4800u);
}

TEST_F(TlsFlow, FinishSendsWhatWaitsBeforeItSaysGoodbye) {
  server.stream->set_reading(false);
  const Bytes sent = pattern(4'000'000);
  client.stream->output().append(BytesView(sent));
  client.stream->finish(60s);
  reactor.settle();
  EXPECT_FALSE(client.seen.closed);
  server.stream->set_reading(true);
  reactor.settle();
  EXPECT_EQ(server.seen.bytes, sent);
  ASSERT_TRUE(server.seen.closed && client.seen.closed);
  EXPECT_EQ(server.seen.closed->code, Errc::cancelled);
  EXPECT_EQ(client.seen.closed->code, Errc::cancelled);
}

TEST_F(TlsFlow, FinishGivesUpOnAPeerThatDoesNotRead) {
  server.stream->set_reading(false);
  client.stream->output().append(pattern(4'000'000));
  client.stream->finish(2s);
  reactor.run_for(3s);
  ASSERT_TRUE(client.seen.closed);
  EXPECT_EQ(client.seen.closed->code, Errc::timed_out);
}

TEST_F(TlsFlow, DestroyingAStreamWithAPlannedFlushIsHarmless) {
  client.stream->output().append(as_bytes("never sent"));
  client.stream.reset();
  reactor.settle();
  EXPECT_TRUE(server.seen.bytes.empty());
}

TEST(TlsConfig, IsRefusedWithWhatIsWrong) {
  TestCertificate alice("alice"), bob("bob");
  TlsConfig no_key = alice.config();
  no_key.private_key.clear();
  EXPECT_EQ(make_tls_context(no_key).error().message, "TLS configuration: a certificate and its private key are needed together");

  TlsConfig strange = alice.config();
  strange.private_key = bob.key.to_der();
  EXPECT_NE(make_tls_context(strange).error().message.find("private key"), std::string::npos);

  TlsConfig garbage = alice.config();
  garbage.certificates.push_back(to_bytes(as_bytes("not DER")));
  EXPECT_NE(make_tls_context(garbage).error().message.find("certificate 2"), std::string::npos);

  TlsConfig long_name = alice.config({std::string(300, 'x')});
  EXPECT_EQ(make_tls_context(long_name).error().code, Errc::malformed);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace ghost::net
