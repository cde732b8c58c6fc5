#include <gtest/gtest.h>

#include "net/http.h"
#include "net/memory_world.h"
#include "net/websocket_frames.h"
#include "net/websocket_handshake.h"

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kUpgrade =
    "GET /b2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: token.abc, b2.1\r\n\r\n";

/// A frame as a client sends it, masked with 1 2 3 4.
std::string frame(int first, std::string_view payload, bool masked = true) {
  std::string bytes(1, static_cast<char>(first));
  const int mask = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    bytes += static_cast<char>(mask | static_cast<int>(payload.size()));
  } else {
    bytes += static_cast<char>(mask | 126);
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size());
  }
  if (masked) bytes += "\x01\x02\x03\x04";
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes += masked ? static_cast<char>(payload[i] ^ static_cast<char>(i % 4 + 1)) : payload[i];
  }
  return bytes;
}

/// What a server says to close: 0x88, the length, the code.
std::string close_frame(int code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
  return frame(0x88, payload + std::string(reason), false);
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 5 + i / 253);
  return bytes;
}

class WebSocket : public testing::TestWithParam<std::size_t> {
 protected:
  /// A server whose every request becomes a WebSocket; `client` is the raw stream that talks to it.
  void serve() {
    auto [left, right] = make_memory_pair(reactor, {fragment(), 64 * 1024});
    client = std::move(left);
    connection = serve_http(
        reactor, std::move(right), {}, {},
        [this](HttpRequest, std::unique_ptr<HttpReply> reply) {
          auto upgraded = reply->upgrade_to_websocket("b2.1", [this](std::unique_ptr<ByteStream> stream) {
            server = std::move(stream);
            server->set_handler(at_server);
          });
          if (!upgraded) reply->send(HttpResponse::text(400, upgraded.error().message));
        },
        [this] {
          ++http_closed;
          connection.reset();
        });
  }
  virtual std::size_t fragment() const { return GetParam(); }

  void dial(std::vector<std::string> subprotocols = {"b2.1"}) {
    serve();
    dialing = dial_websocket(reactor, std::move(client), "localhost", "/b2", std::move(subprotocols), {}, 5s,
                             [this](Result<std::unique_ptr<ByteStream>> result) {
                               if (result) {
                                 client = std::move(*result);
                                 client->set_handler(at_client);
                               } else {
                                 dial_error = result.error();
                               }
                               dialing.reset();
                             });
    reactor.settle();
  }

  /// Upgrades by hand and plays `frames` to the server; what it says after its 101.
  std::string play(std::string_view frames) {
    at_client = {};
    at_server = {};
    server.reset();
    serve();
    client->set_handler(at_client);
    client->output().append(as_bytes(std::string(kUpgrade) + std::string(frames)));
    reactor.settle();
    const std::string all = at_client.text();
    const std::size_t end = all.find("\r\n\r\n");
    return end == std::string::npos ? all : all.substr(end + 4);
  }

  MemoryReactor reactor;
  StreamRecorder at_client, at_server;
  std::unique_ptr<ByteStream> client, server;
  std::unique_ptr<HttpConnection> connection;
  std::unique_ptr<WebSocketDial> dialing;
  std::optional<Error> dial_error;
  int http_closed = 0;
};

class WebSocketOnce : public WebSocket {
  std::size_t fragment() const override { return 0; }
};

}  // namespace

TEST(WebSocketHandshake, AcceptIsTheRfcsExample) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(websocket_key().size(), 24u);
  EXPECT_NE(websocket_key(), websocket_key());
}

TEST_P(WebSocket, CarriesBytesBothWaysAndEndsInOrder) {
  dial();
  ASSERT_TRUE(client && server) << (dial_error ? dial_error->message : "");
  EXPECT_EQ(http_closed, 1) << "the HTTP connection is over once it was handed on";
  const Bytes there = pattern(fragment() == 1 ? 70'000 : 1'000'000);
  const Bytes back = pattern(there.size() / 2 + 1);
  client->output().append(BytesView(there));
  server->output().append(BytesView(back));
  reactor.settle();
  EXPECT_EQ(at_server.bytes, there);
  EXPECT_EQ(at_client.bytes, back);
  client->finish(1s);
  reactor.settle();
  ASSERT_TRUE(at_client.closed && at_server.closed);
  EXPECT_EQ(at_server.closed->code, Errc::cancelled) << at_server.closed->message;
  EXPECT_EQ(at_client.closed->code, Errc::cancelled) << at_client.closed->message;
}

TEST_P(WebSocket, TheServerMayEndToo) {
  dial();
  ASSERT_TRUE(client && server);
  server->output().append(as_bytes("last"));
  server->finish(1s);
  reactor.settle();
  EXPECT_EQ(at_client.text(), "last");
  ASSERT_TRUE(at_client.closed && at_server.closed);
  EXPECT_EQ(at_client.closed->code, Errc::cancelled);
  EXPECT_EQ(at_server.closed->code, Errc::cancelled);
}

TEST_P(WebSocket, FramesRightBehindTheUpgradeAreNotLost) {
  EXPECT_EQ(play(frame(0x82, "early")), "");
  EXPECT_EQ(at_server.text(), "early");
}

TEST_P(WebSocket, FragmentsPingsAndEmptyMessagesAreTakenAsTheyCome) {
  const std::string said = play(frame(0x02, "one ") + frame(0x89, "are you there?") + frame(0x00, "two ") + frame(0x02, "x"));
  EXPECT_EQ(at_server.text(), "one two ");
  EXPECT_EQ(said, frame(0x8a, "are you there?", false) + close_frame(1002, "a message begins within another"));

  play(frame(0x02, "a") + frame(0x00, "") + frame(0x80, "b") + frame(0x82, "") + frame(0x8a, "unasked pong") + frame(0x82, "c"));
  EXPECT_EQ(at_server.text(), "abc");
  EXPECT_FALSE(at_server.closed);
}

INSTANTIATE_TEST_SUITE_P(Pieces, WebSocket, testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{997}),
                         [](const auto& piece) { return "Of" + std::to_string(piece.param); });

TEST_F(WebSocketOnce, TheServersAnswerIsTheRfcs) {
  play({});
  EXPECT_EQ(at_client.text(),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: b2.1\r\n\r\n");
}

TEST_F(WebSocketOnce, OneFlushIsOneMessageCutAt64KiB) {
  serve();
  client->set_handler(at_client);
  client->output().append(as_bytes(kUpgrade));
  reactor.settle();
  ASSERT_TRUE(server);
  at_client.bytes.clear();
  server->output().append(as_bytes("to"));
  server->output().append(as_bytes("gether"));
  reactor.settle();
  EXPECT_EQ(at_client.text(), frame(0x82, "together", false));
  at_client.bytes.clear();
  server->output().append(Bytes(100'000, 'x'));
  reactor.settle();
  ASSERT_EQ(at_client.bytes.size(), 100'000u + 10 + 4) << "a header of 10 for 65,536 bytes, one of 4 for the rest";
  EXPECT_EQ(to_hex(BytesView(at_client.bytes).first(10)), "827f0000000000010000");
}

TEST_F(WebSocketOnce, BrokenRulesEndItWithTheRightCode) {
  struct Case {
    int code;
    Errc told;
    std::string frames;
  };
  const Case cases[] = {
      {1002, Errc::malformed, frame(0x82, "unmasked", false)},
      {1003, Errc::unsupported, frame(0x81, "text")},
      {1002, Errc::malformed, frame(0x80, "a continuation of nothing")},
      {1002, Errc::malformed, frame(0x02, "a") + frame(0x02, "b")},
      {1002, Errc::malformed, frame(0xc2, "reserved bit 1")},
      {1002, Errc::malformed, frame(0xa2, "reserved bit 2")},
      {1002, Errc::malformed, frame(0x92, "reserved bit 3")},
      {1002, Errc::malformed, frame(0x83, "opcode 3")},
      {1002, Errc::malformed, frame(0x8b, "opcode 11")},
      {1002, Errc::malformed, frame(0x89, std::string(126, 'p'))},
      {1002, Errc::malformed, frame(0x09, "a ping in fragments")},
      {1002, Errc::malformed, std::string("\x82\xfe\x00\x05\x01\x02\x03\x04hello", 13)},  // 5 in the 16-bit form
      {1002, Errc::malformed, std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 14)},
      {1002, Errc::malformed, frame(0x88, "x")},
      {1002, Errc::malformed, frame(0x88, std::string("\x03\xed", 2))},  // 1005 is never sent
      {1002, Errc::malformed, frame(0x88, std::string("\x07\xd0", 2))},  // 2000 is reserved
      {1007, Errc::malformed, frame(0x88, std::string("\x03\xe8\xc0\x80", 4))},
  };
  for (const Case& broken : cases) {
    const std::string said = play(frame(0x82, "before") + broken.frames);
    EXPECT_EQ(at_server.text().substr(0, 6), "before");
    ASSERT_GE(said.size(), 4u) << to_hex(as_bytes(broken.frames));
    EXPECT_EQ(said[0], '\x88');
    EXPECT_EQ(static_cast<unsigned char>(said[2]) << 8 | static_cast<unsigned char>(said[3]), broken.code)
        << to_hex(as_bytes(broken.frames));
    ASSERT_TRUE(at_server.closed);
    EXPECT_EQ(at_server.closed->code, broken.told) << at_server.closed->message;
    EXPECT_NE(at_server.closed->message.find("WebSocket with 10.0.0.1:1000: "), std::string::npos);
    EXPECT_TRUE(at_client.closed);
  }
}

TEST_F(WebSocketOnce, AClosesCodeIsEchoedAndTold) {
  struct Case {
    std::string payload;
    Errc told;
    std::string message;
  };
  const Case cases[] = {
      {"", Errc::cancelled, "closed by the other side with 1005"},
      {"\x03\xe8", Errc::cancelled, "closed by the other side with 1000"},
      {"\x03\xe9going home", Errc::cancelled, "closed by the other side with 1001, going home"},
      {"\x03\xf3oops\x1b[2J", Errc::aborted, "closed by the other side with 1011, oops\\x1b[2J"},
      {"\x0f\xa0", Errc::aborted, "closed by the other side with 4000"},
  };
  for (const Case& close : cases) {
    EXPECT_EQ(play(frame(0x88, close.payload)), frame(0x88, close.payload.substr(0, 2), false));
    ASSERT_TRUE(at_server.closed);
    EXPECT_EQ(at_server.closed->code, close.told);
    EXPECT_EQ(at_server.closed->message, "WebSocket with 10.0.0.1:1000: " + close.message);
    EXPECT_TRUE(at_client.closed);
  }
}

TEST_F(WebSocketOnce, AnEndWithoutACloseFrameMayHaveLostBytes) {
  play(frame(0x82, "some"));
  client.reset();
  reactor.settle();
  ASSERT_TRUE(at_server.closed);
  EXPECT_EQ(at_server.closed->code, Errc::data_loss);
}

TEST_F(WebSocketOnce, ALongMessageIsNotPutTogether) {
  play({});
  const std::string header("\x82\xff\x00\x00\x00\x10\x00\x00\x00\x00\x01\x02\x03\x04", 14);  // 64 GiB announced
  client->output().append(as_bytes(header));
  for (int i = 0; i < 100; ++i) client->output().append(Bytes(50'000));
  reactor.settle();
  EXPECT_EQ(at_server.bytes.size(), 5'000'000u);
  EXPECT_LE(at_server.largest, 64u * 1024);
}

TEST_F(WebSocketOnce, PingsOfAPeerThatDoesNotReadPileUpNowhere) {
  play({});
  ASSERT_TRUE(server);
  client->set_reading(false);
  std::string pings;
  for (int i = 0; i < 100'000; ++i) pings += frame(0x89, std::string(100, 'p'));
  client->output().append(as_bytes(pings));
  reactor.settle();
  EXPECT_LE(server->unsent(), ByteStream::kHighWater + 1000);
  EXPECT_FALSE(at_server.closed);
}

TEST_F(WebSocketOnce, StopsReadingWhenTold) {
  play({});
  at_server.then = [&](BytesView) { server->set_reading(false); };
  for (int i = 0; i < 50; ++i) client->output().append(as_bytes(frame(0x82, std::string(40'000, 'x'))));
  reactor.settle();
  const std::size_t before = at_server.bytes.size();
  EXPECT_LE(before, 64u * 1024);
  EXPECT_GT(client->unsent(), 1'000'000u);
  at_server.then = nullptr;
  server->set_reading(true);
  reactor.settle();
  EXPECT_EQ(at_server.bytes.size(), 2'000'000u);
}

TEST_F(WebSocketOnce, FinishWorksWhileReadingIsOff) {
  dial();
  ASSERT_TRUE(client && server);
  server->set_reading(false);
  client->output().append(as_bytes("not wanted"));
  reactor.settle();
  server->finish(1s);
  reactor.settle();
  ASSERT_TRUE(at_server.closed && at_client.closed);
  EXPECT_EQ(at_server.closed->code, Errc::cancelled) << at_server.closed->message;
  EXPECT_EQ(at_server.text(), "");
}

TEST_F(WebSocketOnce, FinishGivesUpOnAPeerThatDoesNotAnswer) {
  play({});
  server->finish(2s);
  reactor.run_for(3s);
  ASSERT_TRUE(at_server.closed);
  EXPECT_EQ(at_server.closed->code, Errc::timed_out);
}

TEST_F(WebSocketOnce, TheStreamMayBeDestroyedInItsCallbacks) {
  dial();
  ASSERT_TRUE(client && server);
  at_server.then = [&](BytesView) { server.reset(); };
  at_client.on_end = [&](const Error&) { client.reset(); };
  client->output().append(as_bytes("bye"));
  reactor.settle();
  EXPECT_FALSE(client);
  EXPECT_FALSE(server);
}

TEST_F(WebSocketOnce, AnImproperUpgradeIsAnsweredByTheHandler) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"Upgrade: WebSocket\r\n", "Upgrade: h2c\r\n"},
      {"Upgrade: WebSocket\r\n", ""},
      {"Connection: keep-alive, Upgrade\r\n", "Connection: keep-alive\r\n"},
      {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""},
      {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: c2hvcnQ=\r\n"},
      {"Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 8\r\n"},
      {"token.abc, b2.1", "token.abc, b3"},
      {"Sec-WebSocket-Protocol: token.abc, b2.1\r\n", ""},
      {"GET", "POST"},
  };
  for (const auto& [from, to] : changes) {
    std::string text(kUpgrade);
    text.replace(text.find(from), from.size(), to);
    at_client = {};
    serve();
    client->set_handler(at_client);
    client->output().append(as_bytes(text));
    reactor.settle();
    EXPECT_EQ(at_client.text().substr(0, 12), "HTTP/1.1 400") << text;
    EXPECT_NE(at_client.text().find("no WebSocket upgrade"), std::string::npos) << at_client.text();
    EXPECT_FALSE(server);
  }
}

TEST_F(WebSocketOnce, AClientToldNoIsToldWhy) {
  dial({"b3"});
  ASSERT_TRUE(dial_error);
  EXPECT_EQ(dial_error->code, Errc::unsupported);
  EXPECT_EQ(dial_error->message, "WebSocket upgrade with 10.0.0.2:2203: the server answered HTTP/1.1 400 Bad Request");
}

TEST_F(WebSocketOnce, AClientChecksWhatTheServerAnswers) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
       "Sec-WebSocket-Protocol: b2.1\r\n\r\n",
       "the server's Sec-WebSocket-Accept does not fit the key"},
      {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n", "the server's 101 does not upgrade to a WebSocket"},
      {"HTTP/1.1 403 Forbidden\r\n\r\n", "the server answered HTTP/1.1 403 Forbidden"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "the answer is no HTTP/1.1"},
  };
  for (const auto& [answer, reason] : cases) {
    auto [left, right] = make_memory_pair(reactor);
    StreamRecorder at_end;
    right->set_handler(at_end);
    std::optional<Error> told;
    auto attempt = dial_websocket(reactor, std::move(left), "a", "/", {"b2.1"}, {}, 5s, [&](auto result) { told = result.error(); });
    right->output().append(as_bytes(answer));
    reactor.settle();
    ASSERT_TRUE(told) << answer;
    EXPECT_NE(told->message.find(reason), std::string::npos) << told->message;
  }
}

TEST_F(WebSocketOnce, AClientRefusesASubprotocolItDidNotAskForAndAMaskedFrame) {
  for (const bool wrong_protocol : {true, false}) {
    auto [left, right] = make_memory_pair(reactor);
    StreamRecorder at_end, received;
    right->set_handler(at_end);
    std::optional<Error> told;
    std::unique_ptr<ByteStream> stream;
    auto attempt = dial_websocket(reactor, std::move(left), "a", "/", {"b2.1"}, {}, 5s, [&](auto result) {
      if (result) {
        stream = std::move(*result);
        stream->set_handler(received);
      } else {
        told = result.error();
      }
    });
    reactor.settle();
    const std::string asked = at_end.text();
    const std::string key = asked.substr(asked.find("sec-websocket-key: ") + 19, 24);
    right->output().append(as_bytes("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                                    websocket_accept(key) + "\r\nSec-WebSocket-Protocol: " + (wrong_protocol ? "b3" : "b2.1") +
                                    "\r\n\r\n" + frame(0x82, "masked")));
    reactor.settle();
    if (wrong_protocol) {
      ASSERT_TRUE(told);
      EXPECT_EQ(told->code, Errc::unsupported);
    } else {
      ASSERT_TRUE(received.closed);
      EXPECT_EQ(received.closed->message, "WebSocket with 10.0.0.2:2203: a server's frame must not be masked (1002)");
    }
  }
}

TEST_F(WebSocketOnce, ADialTimesOutAndNeverFailsBeforeItReturned) {
  auto [left, right] = make_memory_pair(reactor);
  std::optional<Error> told;
  auto attempt = dial_websocket(reactor, std::move(left), "a", "/", {"b2.1"}, {}, 5s, [&](auto result) { told = result.error(); });
  reactor.run_for(6s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, Errc::timed_out);

  auto [left_2, right_2] = make_memory_pair(reactor);
  told.reset();
  attempt = dial_websocket(reactor, std::move(left_2), "a\r\nX: y", "/", {"b2.1"}, {}, 5s, [&](auto result) { told = result.error(); });
  EXPECT_FALSE(told);
  reactor.settle();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, Errc::malformed);
}

TEST(Utf8, IsCheckedAsTheStandardSays) {
  for (std::string_view good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(as_bytes(good))) << to_hex(as_bytes(good));
  }
  for (std::string_view bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(as_bytes(bad))) << to_hex(as_bytes(bad));
  }
}

}  // namespace ghost::net
