// TLS and WebSocket in a simulated world: links that cut, delay and break.
#include <gtest/gtest.h>

#include "net/http.h"
#include "net/memory_world.h"
#include "net/sim.h"
#include "net/test_certificate.h"
#include "net/tls.h"

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

const Address kAlice = Address::ip4({10, 0, 0, 1}, 0);
const Address kBob = Address::ip4({10, 0, 0, 2}, 0);

class SecureSim : public testing::Test {
 protected:
  SecureSim() : alice_net(world.add_host(kAlice)), bob_net(world.add_host(kBob)) {
    LinkConditions link;
    link.fragment = 1;
    link.jitter = 200us;
    world.set_default_link(link);
  }

  /// Bob listens, Alice dials, and both begin TLS.
  void shake_hands() {
    auto listening = bob_net.listen(kBob.with_port(2203), [this](std::unique_ptr<ByteStream> stream) {
      accepting = tls_accept(bob_net.reactor(), std::move(stream), bob_context, {}, 5s, keep(at_bob));
    });
    ASSERT_TRUE(listening) << listening.error().message;
    listener = std::move(*listening);
    connecting = alice_net.connect(kBob.with_port(2203), 5s, [this](Result<std::unique_ptr<ByteStream>> stream) {
      ASSERT_TRUE(stream) << stream.error().message;
      dialing = tls_connect(alice_net.reactor(), std::move(*stream), alice_context, 5s, keep(at_alice));
    });
  }

  struct Side {
    std::unique_ptr<ByteStream> stream;
    std::optional<Error> failed;
    StreamRecorder seen;
  };
  static OnSecured keep(Side& side) {
    return [&side](Result<std::unique_ptr<ByteStream>> result) {
      if (!result) {
        side.failed = result.error();
        return;
      }
      side.stream = std::move(*result);
      side.stream->set_handler(side.seen);
    };
  }

  SimWorld world{2203};
  Network& alice_net;
  Network& bob_net;
  std::shared_ptr<const TlsContext> alice_context = make_tls_context(TestCertificate("alice").config()).value();
  std::shared_ptr<const TlsContext> bob_context = make_tls_context(TestCertificate("bob").config()).value();
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<TlsHandshake> dialing, accepting;
  Side at_alice, at_bob;
};

}  // namespace

TEST_F(SecureSim, AWebSocketOverTlsSurvivesBytesThatComeOneByOne) {
  shake_hands();
  ASSERT_TRUE(world.run_until([&] { return at_alice.stream && at_bob.stream; }, 5s));
  std::unique_ptr<ByteStream> alice_socket, bob_socket;
  StreamRecorder alice_seen, bob_seen;
  auto connection = serve_http(
      bob_net.reactor(), std::move(at_bob.stream), {}, {},
      [&](HttpRequest, std::unique_ptr<HttpReply> reply) {
        EXPECT_TRUE(reply->upgrade_to_websocket("b2.1", [&](std::unique_ptr<ByteStream> stream) {
          bob_socket = std::move(stream);
          bob_socket->set_handler(bob_seen);
        }));
      },
      [] {});
  auto upgrading = dial_websocket(alice_net.reactor(), std::move(at_alice.stream), "bob", "/", {"b2.1"}, {}, 5s, [&](auto result) {
    ASSERT_TRUE(result) << result.error().message;
    alice_socket = std::move(*result);
    alice_socket->set_handler(alice_seen);
  });
  ASSERT_TRUE(world.run_until([&] { return alice_socket && bob_socket; }, 5s));
  const std::string text(3000, 'x');
  alice_socket->output().append(as_bytes(text));
  bob_socket->output().append(as_bytes("short"));
  ASSERT_TRUE(world.run_until([&] { return bob_seen.bytes.size() == text.size() && alice_seen.bytes.size() == 5; }, 5s));
  EXPECT_EQ(bob_seen.text(), text);
  alice_socket->finish(1s);
  ASSERT_TRUE(world.run_until([&] { return alice_seen.closed && bob_seen.closed; }, 5s));
  EXPECT_EQ(alice_seen.closed->code, Errc::cancelled) << alice_seen.closed->message;
  EXPECT_EQ(bob_seen.closed->code, Errc::cancelled) << bob_seen.closed->message;
}

TEST_F(SecureSim, APartitionInTheHandshakeEndsWithItsTimeout) {
  shake_hands();
  ASSERT_TRUE(world.run_until([&] { return dialing != nullptr; }, 1s));
  world.partition(kAlice, kBob);
  ASSERT_TRUE(world.run_until([&] { return at_alice.failed && (at_bob.failed || !accepting); }, 20s));
  EXPECT_EQ(at_alice.failed->code, Errc::timed_out);
  EXPECT_EQ(at_alice.failed->message, "TLS handshake with 10.0.0.2:2203: no answer within 5.0 s");
}

TEST_F(SecureSim, AHostThatDiesInTheHandshakeIsTold) {
  shake_hands();
  ASSERT_TRUE(world.run_until([&] { return dialing != nullptr; }, 1s));
  world.kill(kBob);
  ASSERT_TRUE(world.run_until([&] { return at_alice.failed.has_value(); }, 2s));
  EXPECT_TRUE(at_alice.failed->message.starts_with("TLS handshake with 10.0.0.2:2203: ")) << at_alice.failed->message;
  EXPECT_FALSE(at_alice.stream);
}

}  // namespace ghost::net
