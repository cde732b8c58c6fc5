// TLS, HTTP and WebSocket over each other and over the kernel's TCP.
#include <gtest/gtest.h>

#include "net/epoll_testing.h"
#include "net/http.h"
#include "net/test_certificate.h"
#include "net/tls.h"

namespace ghost::net {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::make_network;
using testing::Recorder;
using testing::turn_until;

namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 11 + i / 257);
  return text;
}

class SecureLoopback : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = connect_pair(*network, Address::loopback(0));
    ASSERT_TRUE(pair.client && pair.server);
    const auto context = [](const TestCertificate& who) { return make_tls_context(who.config({"b2/1", "http/1.1"})).value(); };
    Result<std::unique_ptr<ByteStream>> dialed = Error{Errc::unknown, ""}, accepted = dialed.error();
    const auto keep = [](auto& into) { return [&into](Result<std::unique_ptr<ByteStream>> result) { into = std::move(result); }; };
    auto connecting = tls_connect(network->reactor(), std::move(pair.client), context(alice), 30s, keep(dialed));
    auto accepting = tls_accept(network->reactor(), std::move(pair.server), context(bob), {}, 30s, keep(accepted));
    ASSERT_TRUE(turn_until(*network, [&] { return dialed && accepted; }));
    client = std::move(*dialed);
    server = std::move(*accepted);
  }

  std::unique_ptr<EpollNetwork> network = make_network();
  TestCertificate alice{"alice"}, bob{"bob"};
  std::unique_ptr<ByteStream> client, server;
  Recorder at_client, at_server;
};

}  // namespace

TEST_F(SecureLoopback, TlsCarriesMegabytesBothWaysAndEndsInOrder) {
  EXPECT_EQ(to_hex(client->peer().tls->public_key), to_hex(bob.key.public_key()));
  EXPECT_EQ(to_hex(server->peer().tls->public_key), to_hex(alice.key.public_key()));
  EXPECT_EQ(*client->export_key("EXPORTER-ghostlight-test", 32), *server->export_key("EXPORTER-ghostlight-test", 32));
  const std::string there = pattern(9'000'000), back = pattern(5'000'001);
  at_client.hold(std::move(client));
  at_server.hold(std::move(server));
  at_client.stream->output().append(as_bytes(there));
  at_server.stream->output().append(as_bytes(back));
  ASSERT_TRUE(turn_until(*network, [&] { return at_server.received.size() >= there.size() && at_client.received.size() >= back.size(); }));
  EXPECT_EQ(at_server.received, there);
  EXPECT_EQ(at_client.received, back);
  at_client.stream->finish(30s);
  ASSERT_TRUE(turn_until(*network, [&] { return at_client.closed && at_server.closed; }));
  EXPECT_EQ(at_server.closed->code, Errc::cancelled) << at_server.closed->message;
  EXPECT_EQ(at_client.closed->code, Errc::cancelled) << at_client.closed->message;
}

TEST_F(SecureLoopback, AWebSocketOverTlsEchoesAMegabyte) {
  std::unique_ptr<ByteStream> echo;
  struct Echo : StreamHandler {
    explicit Echo(std::unique_ptr<ByteStream>& its_stream) : stream(its_stream) {}
    void on_bytes(BytesView bytes) override { stream->output().append(bytes); }
    void on_writable() override {}
    void on_closed(const Error& why) override { closed = why; }
    std::unique_ptr<ByteStream>& stream;
    std::optional<Error> closed;
  } echoing(echo);
  auto connection = serve_http(
      network->reactor(), std::move(server), {}, {},
      [&](HttpRequest request, std::unique_ptr<HttpReply> reply) {
        EXPECT_EQ(request.path, "/b2");
        auto upgraded = reply->upgrade_to_websocket("b2.1", [&](std::unique_ptr<ByteStream> stream) {
          echo = std::move(stream);
          echo->set_handler(echoing);
        });
        EXPECT_TRUE(upgraded) << upgraded.error().message;
      },
      [] {});
  std::optional<Error> failed;
  auto dialing = dial_websocket(network->reactor(), std::move(client), "localhost:2203", "/b2", {"b2.1"}, {}, 30s, [&](auto result) {
    if (result) {
      at_client.hold(std::move(*result));
    } else {
      failed = result.error();
    }
  });
  ASSERT_TRUE(turn_until(*network, [&] { return at_client.stream || failed; }));
  ASSERT_FALSE(failed) << failed->message;
  EXPECT_EQ(to_hex(at_client.stream->peer().tls->public_key), to_hex(bob.key.public_key()));
  const std::string sent = pattern(1'000'000);
  at_client.stream->output().append(as_bytes(sent));
  ASSERT_TRUE(turn_until(*network, [&] { return at_client.received.size() >= sent.size(); }));
  EXPECT_EQ(at_client.received, sent);
  at_client.stream->finish(30s);
  ASSERT_TRUE(turn_until(*network, [&] { return at_client.closed && echoing.closed; }));
  EXPECT_EQ(echoing.closed->code, Errc::cancelled) << echoing.closed->message;
  EXPECT_EQ(at_client.closed->code, Errc::cancelled) << at_client.closed->message;
}

TEST_F(SecureLoopback, HttpOverTlsAnswersAndCloses) {
  std::unique_ptr<HttpConnection> connection;
  connection = serve_http(
      network->reactor(), std::move(server), {}, {},
      [](HttpRequest request, std::unique_ptr<HttpReply> reply) { reply->send(HttpResponse::text(200, "this is " + request.path + "\n")); },
      [&] { connection.reset(); });
  at_client.hold(std::move(client));
  at_client.stream->output().append(as_bytes("GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  ASSERT_TRUE(turn_until(*network, [&] { return at_client.closed.has_value(); }));
  EXPECT_NE(at_client.received.find("this is /one\n"), std::string::npos);
  EXPECT_NE(at_client.received.find("this is /two\n"), std::string::npos);
  EXPECT_EQ(at_client.closed->code, Errc::cancelled) << at_client.closed->message;
  EXPECT_TRUE(turn_until(*network, [&] { return connection == nullptr; }));
}

}  // namespace ghost::net
