// What a server answers strangers: by their first bytes, by their silence, by their number. On virtual time.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "b2/access_service.h"
#include "b2/client_service.h"
#include "b2/core_service.h"
#include "b2/frame.h"
#include "b2/http_gateway_service.h"
#include "b2/message.h"
#include "b2/server_service.h"
#include "b2/test_service.h"
#include "net/http.h"
#include "net/sim.h"
#include "net/sim_testing.h"
#include "net/test_certificate.h"

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

constexpr char kToken[] = "the-token-of-this-console";

/// What a raw client sees of its connection.
struct Raw : net::StreamHandler {
  void on_bytes(BytesView bytes) override { received += as_text(bytes); }
  void on_writable() override {}
  void on_closed(const Error& why) override { closed = why; }
  void say(std::string_view text) { stream->output().append(as_bytes(text)); }

  std::unique_ptr<net::ByteStream> stream;
  std::string received;
  std::optional<Error> closed;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() { start({}); }

  void start(const ServerLimits& limits, MetricsFor metrics_for = MetricsFor::members) {
    server_.reset();
    gateway_.emplace(HttpGateway::Parts{host_.reactor(), endpoint_, core_, kToken, {"archive.local"}, {},
                                        [this](std::unique_ptr<net::ByteStream> stream, std::shared_ptr<const Identity> peer) {
                                          server_->serve(std::move(stream), std::move(peer));
                                        }, metrics_for});
    const net::TestCertificate certificate("server");
    const auto tls = net::make_tls_context({{certificate.der}, certificate.key.to_der(), {"b2/1", "http/1.1"}, true});
    server_.emplace(Server::Parts{host_, endpoint_, make_judge({{}, "10.0.0.1:2203", "/run/b2.sock"}), *tls,
                                  [this](net::HttpRequest request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) { gateway_->handle(std::move(request), std::move(reply), peer); },
                                  {}, limits, [this](std::string_view line) { log_.emplace_back(line); }});
    const auto at = server_->listen(net::Address::loopback(0));
    ASSERT_TRUE(at) << at.error().message;
    at_ = *at;
  }

  std::unique_ptr<Raw> dial(net::Network& from, const net::Address& to) {
    auto raw = std::make_unique<Raw>();
    bool done = false;
    const auto attempt = from.connect(to, 5s, [&](Result<std::unique_ptr<net::ByteStream>> stream) {
      done = true;
      if (!stream) return;
      raw->stream = std::move(*stream);
      raw->stream->set_handler(*raw);
    });
    EXPECT_TRUE(world_.run_until([&] { return done; }, 10s));
    return raw;
  }
  std::unique_ptr<Raw> dial() { return dial(host_, at_); }

  std::string http(std::string_view request) {
    auto raw = dial();
    raw->say(request);
    world_.run_for(1s);
    return raw->received;
  }
  static std::string post_as(std::string_view type, std::string_view path, std::string_view body, std::string_view more = "") {
    return "POST " + std::string(path) + " HTTP/1.1\r\nhost: localhost:2203\r\ncontent-type: " + std::string(type) + "\r\n" + std::string(more) +
           "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }
  static std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
    return post_as("application/json", path, body, more);
  }
  static std::string get(std::string_view path, std::string_view more = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nhost: localhost:2203\r\n" + std::string(more) + "\r\n";
  }
  static std::string with_token() { return "authorization: Bearer " + std::string(kToken) + "\r\n"; }
  static std::string body(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }
  std::uint64_t refused(Refusal why) const { return endpoint_.counters.refused[static_cast<std::size_t>(why)]; }
  static std::string status(const std::string& response) { return response.substr(0, response.find("\r\n")); }

  net::SimWorld world_{2203};
  net::Network& host_ = world_.add_host(net::Address::ip4({10, 0, 0, 1}, 0));
  net::Network& other_ = world_.add_host(net::Address::ip4({10, 0, 0, 2}, 0));
  Endpoint endpoint_;
  CoreService core_{endpoint_, host_.reactor()};
  TestService service_;
  std::vector<std::string> log_;
  std::optional<HttpGateway> gateway_;
  std::optional<Server> server_;
  net::Address at_;
  bool added_ = (endpoint_.name = "server", endpoint_.services.add(core_), endpoint_.services.add(service_), true);
};

}  // namespace

TEST(Token, IsNoOptionOfACommandLine) {
  std::set<char> first;
  for (int i = 0; i < 5000; ++i) {
    const std::string token = make_token();
    ASSERT_EQ(token.size(), 32u);
    first.insert(token[0]);
  }
  EXPECT_EQ(first.size(), 63u);
  EXPECT_FALSE(first.contains('-'));
}

TEST_F(ServerTest, WhatIsNoProtocolIsToldSoAndClosed) {
  auto raw = dial();
  raw->say("SSH-2.0-OpenSSH\r\n");
  world_.run_for(2s);
  EXPECT_EQ(raw->received, "b2: these first bytes are no protocol served here; it speaks b2, TLS and HTTP\r\n");
  EXPECT_TRUE(raw->closed);
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_NE(log_[0].find("127.0.0.1:"), std::string::npos) << "the log names the peer: " << log_[0];
}

TEST_F(ServerTest, SilenceIsClosedAfterFiveSeconds) {
  auto silent = dial();
  auto halting = dial();
  halting->say("b2");
  world_.run_for(4900ms);
  EXPECT_FALSE(silent->closed);
  EXPECT_EQ(server_->unidentified(), 2u);
  world_.run_for(2s);
  EXPECT_EQ(silent->received, "b2: nothing was said for 5 s\r\n");
  EXPECT_TRUE(silent->closed && halting->closed);
  EXPECT_EQ(server_->unidentified(), 0u);
}

TEST_F(ServerTest, APrefaceWithoutHelloIsClosedAfterTenSeconds) {
  auto raw = dial();
  raw->say("b2\r\n");
  world_.run_for(9900ms);
  EXPECT_FALSE(raw->closed);
  EXPECT_EQ(server_->unidentified(), 1u) << "it counts as unidentified until HELLO";
  world_.run_for(3s);
  EXPECT_TRUE(raw->closed);
  EXPECT_NE(raw->received.find("no HELLO within 10 s"), std::string::npos);
  EXPECT_EQ(server_->unidentified(), 0u);
}

TEST_F(ServerTest, AFrameDrippedByteByByteHoldsNothingButItself) {
  auto raw = dial();
  raw->say("b2\r\n");
  const std::string header("\xff\xff\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);  // HELLO of 65,535 bytes
  for (const char byte : header) {
    raw->say(std::string_view(&byte, 1));
    world_.run_for(100ms);
  }
  world_.run_for(12s);
  EXPECT_TRUE(raw->closed) << "slow is not for ever";
}

TEST_F(ServerTest, SlowHeadersOfHttpAreAnswered408) {
  auto raw = dial();
  raw->say("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 30 && !raw->closed; ++i) {
    raw->say("x-" + std::to_string(i) + ": y\r\n");
    world_.run_for(1s);
  }
  EXPECT_EQ(status(raw->received), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(raw->closed);
}

TEST_F(ServerTest, TooManyWithoutANameAreTurnedAwayWithALine) {
  ServerLimits limits;
  limits.unidentified = 3;
  start(limits);
  std::vector<std::unique_ptr<Raw>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(dial());
  auto fourth = dial();
  world_.run_for(2s);
  EXPECT_EQ(fourth->received, "b2: 3 connections have not said who they are; try again later\r\n");
  EXPECT_FALSE(waiting[0]->closed);
}

TEST_F(ServerTest, AnAddressOffLoopbackTakesTlsOnlyAndSixteenStrangersFromOneHost) {
  const auto at = server_->listen(net::Address::ip4({10, 0, 0, 1}, 2203));
  ASSERT_TRUE(at) << at.error().message;
  auto plain = dial(other_, *at);
  plain->say("b2\r\n");
  world_.run_for(2s);
  EXPECT_EQ(plain->received, "b2: off this machine b2 is spoken inside TLS only\r\n");
  auto web = dial(other_, *at);
  web->say("GET / HTTP/1.1\r\n");
  world_.run_for(2s);
  EXPECT_EQ(web->received, "b2: off this machine HTTP is spoken inside TLS only\r\n");
  std::vector<std::unique_ptr<Raw>> waiting;
  for (int i = 0; i < 16; ++i) waiting.push_back(dial(other_, *at));
  auto next = dial(other_, *at);
  world_.run_for(1s);
  EXPECT_EQ(next->received, "b2: 16 connections from 10.0.0.2 have not said who they are\r\n");
}

TEST_F(ServerTest, ABusyAddressIsNamed) {
  const auto again = server_->listen(at_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::busy);
  EXPECT_NE(again.error().message.find(at_.text()), std::string::npos) << again.error().message;
}

TEST_F(ServerTest, StrangersOnLoopbackGetWhatIsPublicAndAReason) {
  Endpoint client;
  std::optional<Result<std::unique_ptr<Link>>> opened;
  const Dial attempt({host_, client, nullptr, {}, 5s}, Target{at_, false}, [&](Result<std::unique_ptr<Link>> link) { opened = std::move(link); });
  ASSERT_TRUE(world_.run_until([&] { return opened.has_value(); }, 10s));
  ASSERT_TRUE(*opened) << opened->error().message;
  Channel& channel = (**opened)->channel();
  const auto echo = test::start(channel, "Echo", {});
  const auto secret = test::start(channel, "Secret", {});
  world_.run_for(1s);
  EXPECT_TRUE(echo->ended() && *echo->end);
  EXPECT_EQ(secret->code(), Errc::unauthenticated);
  EXPECT_NE(secret->text().find("unix:/run/b2.sock"), std::string::npos) << "it is told where to go: " << secret->text();
}

TEST_F(ServerTest, CallsGoByHttpAsJson) {
  const std::string answer = http(post("/b2.v1.Core/Health", "{}"));
  EXPECT_EQ(status(answer), "HTTP/1.1 200 OK");
  EXPECT_NE(answer.find(R"({"health":"HEALTH_SERVING","detail":""})"), std::string::npos) << answer;
}

TEST_F(ServerTest, HttpErrorsAreConnects) {
  EXPECT_EQ(status(http(post("/b2.v1.Core/Nothing", "{}"))), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status(http(post("/nothing", "{}"))), "HTTP/1.1 404 Not Found");
  EXPECT_NE(http(post("/nothing", "{}")).find(R"("code":"unimplemented")"), std::string::npos) << "as Connect names a method that is not there";
  const std::string refused = http(post("/b2.v1.Core/Stats", "{}"));
  EXPECT_EQ(status(refused), "HTTP/1.1 401 Unauthorized");
  EXPECT_NE(refused.find(R"("code":"unauthenticated")"), std::string::npos);
  EXPECT_EQ(status(http(post("/b2.v1.Core/Stats", "{}", "authorization: Bearer " + std::string(kToken) + "\r\n"))), "HTTP/1.1 200 OK");
  EXPECT_EQ(status(http(post("/b2.v1.Core/Health", "{}", "authorization: Bearer wrong\r\n"))), "HTTP/1.1 401 Unauthorized");
  const std::string wrong = http(post("/b2.v1.Core/Health", R"({"srvice": 1})"));
  EXPECT_EQ(status(wrong), "HTTP/1.1 400 Bad Request");
  EXPECT_NE(wrong.find("srvice"), std::string::npos) << wrong;
  EXPECT_EQ(status(http(post("/test.v1.Test/Count", "{}"))), "HTTP/1.1 501 Not Implemented");
}

TEST_F(ServerTest, OtherPathsAndMethodsAreToldApart) {
  EXPECT_EQ(status(http("GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status(http("DELETE / HTTP/1.1\r\nhost: localhost\r\n\r\n")), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(status(http("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:2203\r\n\r\n")), "HTTP/1.1 200 OK");
  EXPECT_EQ(status(http("GET /healthz HTTP/1.1\r\nhost: [::1]:2203\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, HealthIsYesOrNoToStrangersAndNamesTheServiceToOthers) {
  EXPECT_EQ(body(http(get("/healthz"))), "ok\n");
  endpoint_.services.set_health(service_, v1::Health::not_serving);
  const std::string stranger = http(get("/healthz")), known = http(get("/healthz", with_token()));
  EXPECT_EQ(status(stranger), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(body(stranger), "not serving\n");
  EXPECT_EQ(status(known), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(body(known), "not serving: test.v1.Test\n");
  EXPECT_EQ(body(http(get("/healthz", "authorization: Bearer wrong\r\n"))), "not serving\n") << "a probe with an old token still learns yes or no";
  EXPECT_NE(http(post("/b2.v1.Core/Health", "{}")).find("HEALTH_NOT_SERVING"), std::string::npos) << "Core says the same";
  endpoint_.services.set_health(service_, v1::Health::serving);
  EXPECT_EQ(status(http(get("/healthz"))), "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, MetricsNeedTheTokenUnlessTheyAreOpenedToThisMachine) {
  const std::string stranger = http(get("/metrics"));
  EXPECT_EQ(status(stranger), "HTTP/1.1 401 Unauthorized");
  EXPECT_NE(stranger.find("www-authenticate: Bearer"), std::string::npos);
  EXPECT_NE(body(stranger).find("metrics = \"loopback\""), std::string::npos) << "it names the setting: " << stranger;
  EXPECT_EQ(stranger.find("b2_calls"), std::string::npos);
  EXPECT_EQ(status(http(get("/metrics", "authorization: Bearer wrong\r\n"))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(refused(Refusal::http_token), 2u);
  const std::string known = http(get("/metrics", with_token()));
  EXPECT_EQ(status(known), "HTTP/1.1 200 OK");
  EXPECT_NE(known.find("content-type: text/plain; version=0.0.4; charset=utf-8"), std::string::npos);
  EXPECT_NE(known.find("\nb2_refused_total{reason=\"http_token\"} 2\n"), std::string::npos) << known;
  start({}, MetricsFor::loopback);
  EXPECT_EQ(status(http(get("/metrics"))), "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, OnTheUnixSocketHttpIsTheOwners) {
  const auto at = server_->listen(net::Address::unix_path("/run/b2.sock"));
  ASSERT_TRUE(at) << at.error().message;
  auto raw = dial(host_, *at);
  raw->say(get("/metrics"));
  world_.run_for(1s);
  EXPECT_EQ(status(raw->received), "HTTP/1.1 200 OK") << raw->received;
  raw->received.clear();
  raw->say(post_as("application/proto", "/test.v1.Test/Secret", "open sesame"));
  world_.run_for(1s);
  EXPECT_EQ(status(raw->received), "HTTP/1.1 200 OK") << raw->received;
  EXPECT_EQ(body(raw->received), "open sesame");
}

TEST_F(ServerTest, CallsGoByHttpAsProtobufToo) {
  const std::string answer = http(post_as("application/proto", "/b2.v1.Core/Health", "", "connect-protocol-version: 1\r\n"));
  EXPECT_EQ(status(answer), "HTTP/1.1 200 OK");
  EXPECT_NE(answer.find("content-type: application/proto\r\n"), std::string::npos) << answer;
  EXPECT_EQ(to_hex(as_bytes(body(answer))), "0802") << "health, field 1: serving";
  const std::string wrong = http(post_as("application/proto", "/b2.v1.Core/Health", "\x0a\x05x"));
  EXPECT_EQ(status(wrong), "HTTP/1.1 400 Bad Request");
  EXPECT_NE(wrong.find("content-type: application/json\r\n"), std::string::npos) << "errors are JSON whatever the codec: " << wrong;
  EXPECT_NE(wrong.find(R"("code":"invalid_argument")"), std::string::npos);
}

TEST_F(ServerTest, WhatOnlyReadsIsCalledByGetToo) {
  const std::string answer = http(get("/b2.v1.Core/Health?connect=v1&encoding=json&message=%7B%7D"));
  EXPECT_EQ(status(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(body(answer), body(http(post("/b2.v1.Core/Health", "{}")))) << "the same as by POST";
  EXPECT_NE(answer.find("cache-control: private, no-cache\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-content-type-options: nosniff\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("cross-origin-resource-policy: same-origin\r\n"), std::string::npos) << answer;
  const std::string proto = http(get("/b2.v1.Core/Health?encoding=proto&base64=1&message="));
  EXPECT_EQ(to_hex(as_bytes(body(proto))), "0802");
  const std::string wrong = http(get("/b2.v1.Core/Health?encoding=json&message=%7B%22srvice%22:1%7D"));
  EXPECT_EQ(status(wrong), "HTTP/1.1 400 Bad Request");
  EXPECT_NE(wrong.find("cache-control: no-store\r\n"), std::string::npos) << wrong;
  EXPECT_EQ(status(http(get("/b2.v1.Core/Health"))), "HTTP/1.1 400 Bad Request") << "a call without a message";
  EXPECT_EQ(status(http(get("/b2.v1.Core/Nothing?encoding=json&message="))), "HTTP/1.1 404 Not Found");
  const std::string file = http(get("/index.html?encoding=x"));
  EXPECT_NE(file.find("content-type: text/plain"), std::string::npos) << "a page that is not there, and no call: " << file;
}

TEST_F(ServerTest, AnAnswerByGetIsAskedForOnlyWhereItHasChanged) {
  const std::string answer = http(get("/b2.v1.Core/Health?encoding=json&message="));
  const std::size_t at = answer.find("etag: ");
  ASSERT_NE(at, std::string::npos) << answer;
  const std::string tag = answer.substr(at + 6, answer.find("\r\n", at) - at - 6);
  const std::string same = http(get("/b2.v1.Core/Health?encoding=json&message=", "if-none-match: \"other\", " + tag + "\r\n"));
  EXPECT_EQ(status(same), "HTTP/1.1 304 Not Modified");
  EXPECT_EQ(body(same), "");
  endpoint_.services.set_health(service_, v1::Health::not_serving);
  EXPECT_EQ(status(http(get("/b2.v1.Core/Health?encoding=json&message=", "if-none-match: " + tag + "\r\n"))), "HTTP/1.1 200 OK");
  const std::string members = http(get("/b2.v1.Core/Stats?encoding=json&message=", with_token()));
  EXPECT_EQ(status(members), "HTTP/1.1 200 OK");
  EXPECT_NE(members.find("cache-control: no-store\r\n"), std::string::npos) << "what is for members is kept nowhere: " << members;
  EXPECT_EQ(members.find("etag: "), std::string::npos) << members;
}

TEST_F(ServerTest, GetNeitherChangesAnythingNorGivesMoreThanPost) {
  const std::string echo = http(get("/test.v1.Test/Echo?encoding=proto&message="));
  EXPECT_EQ(status(echo), "HTTP/1.1 405 Method Not Allowed") << "that it may be done twice is not enough";
  EXPECT_NE(echo.find("allow: POST\r\n"), std::string::npos) << echo;
  EXPECT_EQ(status(http(get("/test.v1.Test/Hold?encoding=proto&message="))), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_TRUE(service_.held.empty());
  EXPECT_EQ(status(http(get("/test.v1.Test/Count?encoding=proto&message="))), "HTTP/1.1 501 Not Implemented") << "a stream";
  const std::string head = http("HEAD /b2.v1.Core/Health?encoding=json&message= HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(status(head), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_NE(head.find("allow: GET, POST\r\n"), std::string::npos) << head;
  const std::string head_of_echo = http("HEAD /test.v1.Test/Echo HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_NE(head_of_echo.find("allow: POST\r\n"), std::string::npos) << head_of_echo;
  EXPECT_EQ(status(http(get("/b2.v1.Core/Stats?encoding=json&message="))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status(http(get("/b2.v1.Core/Health?encoding=json&message=", "authorization: Bearer wrong\r\n"))), "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(status(http(get("/b2.v1.Core/Health?encoding=json&message=", "connect-timeout-ms: 0\r\n"))), "HTTP/1.1 504 Gateway Timeout");
  EXPECT_EQ(status(http(get("/b2.v1.Core/Health?encoding=json&message=" + std::string(20'000, 'a')))), "HTTP/1.1 414 URI Too Long");
}

TEST_F(ServerTest, APageOfAnotherOriginMayNotCallByGetEither) {
  const std::string call = "/b2.v1.Core/Health?encoding=json&message=";
  EXPECT_EQ(status(http(get(call, "origin: http://evil.example\r\n"))), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(status(http(get(call, "origin: null\r\n"))), "HTTP/1.1 403 Forbidden");
  for (const char* from : {"cross-site", "same-site", "anything"}) {
    EXPECT_EQ(status(http(get(call, "sec-fetch-site: " + std::string(from) + "\r\n"))), "HTTP/1.1 403 Forbidden") << from;
  }
  EXPECT_EQ(status(http(get(call, "sec-fetch-site: same-origin\r\norigin: http://localhost:2203\r\n"))), "HTTP/1.1 200 OK");
  EXPECT_EQ(status(http(get(call, "sec-fetch-site: none\r\n"))), "HTTP/1.1 200 OK") << "somebody typed it";
  EXPECT_EQ(status(http("GET " + call + " HTTP/1.1\r\nhost: evil.example\r\n\r\n")), "HTTP/1.1 421 Misdirected Request");
  EXPECT_EQ(refused(Refusal::http_origin), 5u);
}

TEST_F(ServerTest, ACertificateAloneCallsByGetOnlyWhatIsPublic) {
  struct Reply : net::HttpReply {
    explicit Reply(int& status_to) : told(status_to) {}
    void send(net::HttpResponse response) override { told = response.status; }
    Status upgrade_to_websocket(std::string_view, std::function<void(std::unique_ptr<net::ByteStream>)>) override { return Error{Errc::unsupported, "no"}; }
    int& told;
  };
  const auto ask = [&](Identity::Kind kind, std::string method, std::string_view path, net::HttpHeaders more) {
    HttpPeer peer;
    auto identity = std::make_shared<Identity>();
    identity->kind = kind;
    peer.identity = identity;
    net::HttpRequest request;
    request.method = std::move(method);
    request.path = path;
    request.query = "encoding=json&message=%7B%7D";
    request.body = to_bytes(as_bytes("{}"));
    request.headers = std::move(more);
    request.headers.emplace_back("host", "localhost:2203");
    request.headers.emplace_back("content-type", "application/json");
    int told = 0;
    gateway_->handle(std::move(request), std::make_unique<Reply>(told), peer);
    return told;
  };
  using enum Identity::Kind;
  const std::string_view stats = "/b2.v1.Core/Stats";
  EXPECT_EQ(ask(member, "GET", stats, {}), 403) << "an old browser, led here by a page of another site";
  EXPECT_EQ(refused(Refusal::http_origin), 1u);
  EXPECT_EQ(ask(member, "GET", stats, {{"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(ask(member, "GET", stats, {{"sec-fetch-site", "same-origin"}}), 200);
  EXPECT_EQ(ask(member, "GET", stats, {{"sec-fetch-site", "none"}}), 200);
  EXPECT_EQ(ask(member, "GET", stats, {{"authorization", "Bearer " + std::string(kToken)}}), 200);
  EXPECT_EQ(ask(member, "POST", stats, {}), 200);
  EXPECT_EQ(ask(member, "GET", "/b2.v1.Core/Health", {}), 200);
  EXPECT_EQ(ask(owner, "GET", stats, {}), 200) << "no browser opens a Unix socket";
}

TEST_F(ServerTest, WhatConnectAllowsAndIsNotServedIsRefusedWithWhatIs) {
  const std::string zipped = http(post("/b2.v1.Core/Health", "{}", "content-encoding: gzip\r\n"));
  EXPECT_EQ(status(zipped), "HTTP/1.1 501 Not Implemented");
  EXPECT_NE(zipped.find("accept-encoding: identity\r\n"), std::string::npos) << zipped;
  EXPECT_NE(zipped.find("'gzip'"), std::string::npos);
  EXPECT_EQ(status(http(post("/b2.v1.Core/Health", "{}", "connect-protocol-version: 7\r\n"))), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(status(http(post("/b2.v1.Core/Health", "{}", "connect-timeout-ms: soon\r\n"))), "HTTP/1.1 400 Bad Request");
  const std::string text = http(post_as("text/plain", "/b2.v1.Core/Health", "{}"));
  EXPECT_EQ(status(text), "HTTP/1.1 415 Unsupported Media Type");
  EXPECT_NE(text.find("accept-post: application/json, application/proto\r\n"), std::string::npos) << text;
  const std::string stream = http(post_as("application/connect+json", "/test.v1.Test/Count", ""));
  EXPECT_EQ(status(stream), "HTTP/1.1 200 OK") << "a stream tells its error in its end";
  EXPECT_NE(stream.find("content-type: application/connect+json\r\n"), std::string::npos);
  EXPECT_EQ(body(stream).substr(0, 1), "\x02");
  EXPECT_NE(body(stream).find(R"({"error":{"code":"unimplemented")"), std::string::npos) << stream;
}

TEST_F(ServerTest, ADeadlineEndsACallByHttp) {
  auto raw = dial();
  raw->say(post_as("application/proto", "/test.v1.Test/Hold", "", "connect-timeout-ms: 250\r\n"));
  world_.run_for(200ms);
  EXPECT_EQ(raw->received, "");
  world_.run_for(200ms);
  EXPECT_EQ(status(raw->received), "HTTP/1.1 504 Gateway Timeout");
  EXPECT_NE(raw->received.find(R"("code":"deadline_exceeded")"), std::string::npos);
  EXPECT_EQ(service_.cancelled, 1) << "the handler is told";
  ASSERT_EQ(service_.held.size(), 1u);
  service_.held[0].finish();
  EXPECT_EQ(endpoint_.services.find("test.v1.Test", "Hold")->counters.ended_with(static_cast<std::size_t>(Errc::timed_out)), 1u);
  const std::string past = http(post_as("application/proto", "/test.v1.Test/Hold", "", "connect-timeout-ms: 0\r\n"));
  EXPECT_EQ(status(past), "HTTP/1.1 504 Gateway Timeout");
  EXPECT_EQ(service_.held.size(), 1u) << "a call that comes too late is not begun";
}

TEST_F(ServerTest, ATraceOfHttpIsInTheHandlersHandsAndInTheLogOfItsFailure) {
  std::string told;
  endpoint_.call_failed = [&](const FailedCall& call) { told = call.trace ? call.trace->trace_text() : "none"; };
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  auto raw = dial();
  raw->say(post_as("application/proto", "/test.v1.Test/Hold", "x", "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n"));
  auto other = dial();
  other->say(post_as("application/proto", "/test.v1.Test/Hold", "x", "traceparent: no such thing\r\n"));
  world_.run_for(1s);
  ASSERT_EQ(service_.held.size(), 2u) << "a traceparent that is none does the call no harm";
  const auto& context = service_.held[0].context();
  ASSERT_TRUE(context.trace);
  EXPECT_EQ(context.trace->trace_text(), trace);
  EXPECT_NE(context.trace->span_text(), "00f067aa0ba902b7");
  EXPECT_FALSE(service_.held[1].context().trace);
  service_.held[0].fail(Error{Errc::io, "disk"});
  EXPECT_EQ(told, trace);
  service_.held[1].finish();
  EXPECT_EQ(told, trace) << "success is not told of";
  service_.held.clear();
}

TEST_F(ServerTest, EachRefusalIsCountedUnderItsReason) {
  const auto ssh = dial();
  ssh->say("SSH-2.0-OpenSSH\r\n");
  const auto silent = dial();
  http(post("/b2.v1.Core/Stats", "{}"));
  http("GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n");
  http(post("/b2.v1.Core/Health", "{}", "origin: http://evil.example\r\n"));
  http(post("/b2.v1.Core/Nothing", "{}"));
  world_.run_for(10s);
  EXPECT_EQ(refused(Refusal::protocol), 1u);
  EXPECT_EQ(refused(Refusal::silence), 1u);
  EXPECT_EQ(refused(Refusal::call_right), 1u);
  EXPECT_EQ(refused(Refusal::http_host), 1u);
  EXPECT_EQ(refused(Refusal::http_origin), 1u);
  EXPECT_EQ(refused(Refusal::call_unfit), 1u);
  const std::string stats = http(post("/b2.v1.Core/Stats", "{}", with_token()));
  EXPECT_NE(stats.find(R"("refusedTotal":"6")"), std::string::npos) << stats;
  EXPECT_NE(stats.find(R"({"reason":"http_host","count":"1"})"), std::string::npos) << stats;
}

TEST_F(ServerTest, ARebindingBrowserIsRefusedByHost) {
  const std::string answer = http("GET / HTTP/1.1\r\nhost: evil.example:2203\r\n\r\n");
  EXPECT_EQ(status(answer), "HTTP/1.1 421 Misdirected Request");
  EXPECT_NE(answer.find("--host evil.example"), std::string::npos) << "it names the setting: " << answer;
  EXPECT_EQ(status(http("GET /healthz HTTP/1.1\r\nhost: archive.local:2203\r\n\r\n")), "HTTP/1.1 200 OK");
  EXPECT_EQ(status(http("GET /healthz HTTP/1.1\r\nhost: localhost.evil.example\r\n\r\n")), "HTTP/1.1 421 Misdirected Request");
}

TEST_F(ServerTest, APageOfAnotherOriginMayNotCall) {
  EXPECT_EQ(status(http(post("/b2.v1.Core/Health", "{}", "origin: http://evil.example\r\n"))), "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(status(http(post("/b2.v1.Core/Health", "{}", "origin: http://localhost:2203\r\n"))), "HTTP/1.1 200 OK");
  EXPECT_EQ(status(http("GET /b2 HTTP/1.1\r\nhost: localhost:2203\r\norigin: http://evil.example\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")),
            "HTTP/1.1 403 Forbidden");
}

TEST_F(ServerTest, AWebSocketCarriesB2WithTheTokensRights) {
  for (const bool with_token : {true, false}) {
    auto raw = dial();
    std::optional<Result<std::unique_ptr<net::ByteStream>>> socket;
    std::vector<std::string> protocols = {"b2.1"};
    if (with_token) protocols.push_back("b2.bearer." + std::string(kToken));
    const auto upgrade = net::dial_websocket(host_.reactor(), std::move(raw->stream), "localhost:2203", "/b2", protocols, {{"origin", "http://localhost:2203"}}, 5s,
                                             [&](Result<std::unique_ptr<net::ByteStream>> stream) { socket = std::move(stream); });
    ASSERT_TRUE(world_.run_until([&] { return socket.has_value(); }, 10s));
    ASSERT_TRUE(*socket) << socket->error().message;
    Endpoint client;
    auto peer = std::make_shared<Identity>();
    peer->where = "console";
    Link link(host_.reactor(), client, Side::dialer, std::move(**socket), peer, {});
    link.open();
    ASSERT_TRUE(world_.run_until([&] { return link.channel().ready(); }, 10s));
    const auto secret = test::start(link.channel(), "Secret", {});
    const auto stream = test::start(link.channel(), "Count", count_request(1000, 100));
    world_.run_for(2s);
    EXPECT_EQ(secret->code(), with_token ? Errc{} : Errc::unauthenticated) << secret->text();
    EXPECT_EQ(stream->messages.size(), 1000u);
  }
}

/// A server that is told to end while calls are open.
class DrainTest : public ServerTest {
 protected:
  DrainTest() {
    Trust trust;
    const Dial dial({host_, client_, nullptr, trust, 5s}, Target{at_, false}, [this](Result<std::unique_ptr<Link>> link) { link_ = std::move(*link); });
    EXPECT_TRUE(world_.run_until([&] { return link_ != nullptr; }, 10s));
    held_ = test::start(link_->channel(), "Hold", as_bytes("first"));
    http_ = dial_http(post_as("application/proto", "/test.v1.Test/Hold", "x"));
    idle_ = dial_http(get("/healthz"));
    world_.run_for(1s);
  }
  std::unique_ptr<Raw> dial_http(std::string_view request) {
    auto raw = dial();
    raw->say(request);
    return raw;
  }
  void shut_down() {
    server_->shut_down(5s, [this] { down_ = true; });
    world_.run_for(1s);
  }

  Endpoint client_;
  std::unique_ptr<Link> link_;
  Started held_;
  std::unique_ptr<Raw> http_, idle_;
  bool down_ = false;
};

TEST_F(DrainTest, OpenCallsEndAndNobodyIsLetIn) {
  ASSERT_EQ(service_.held.size(), 2u);
  CallOptions slow;
  slow.manual_credit = true;
  const auto stream = test::start(link_->channel(), "Count", count_request(1'000'000, 1000), slow);
  world_.run_for(1s);
  shut_down();
  EXPECT_TRUE(idle_->closed) << "a connection that asks for nothing is closed";
  EXPECT_EQ(stream->code(), Errc::busy);
  EXPECT_FALSE(down_);
  bool refused = false;
  const auto late = host_.connect(at_, 5s, [&](Result<std::unique_ptr<net::ByteStream>> stream_) { refused = !stream_; });
  for (ServerCall& call : service_.held) call.finish(Payload(as_bytes("done")));
  world_.run_for(2s);
  EXPECT_TRUE(refused) << "it listens no more";
  EXPECT_EQ(as_text(held_->messages.at(0)), "done");
  EXPECT_NE(http_->received.find("connection: close"), std::string::npos) << http_->received;
  EXPECT_EQ(body(http_->received), "done");
  world_.run_for(3s);
  EXPECT_TRUE(down_);
  service_.held.clear();
}

TEST_F(DrainTest, AfterTheGraceACallIsCutOffAndItsCallerToldTheTruth) {
  shut_down();
  world_.run_for(3900ms);
  EXPECT_FALSE(held_->ended());
  world_.run_for(2s);
  EXPECT_EQ(held_->code(), Errc::unknown) << "its handler may have done it";
  EXPECT_NE(held_->text().find("server has shut down before the call was done"), std::string::npos) << held_->text();
  EXPECT_TRUE(http_->closed);
  world_.run_for(2s);
  EXPECT_TRUE(down_);
  EXPECT_EQ(refused(Refusal::broken_rule), 0u) << "nobody broke a rule";
  service_.held.clear();
}

TEST_F(ServerTest, WhoHasNoRightIsRefusedCountedAndTold) {
  std::vector<std::string> told;
  endpoint_.on_refused = [&](const Identity& who, const Error& why) { told.push_back(who.where.substr(0, who.where.find(':')) + " " + why.message); };
  const std::string answer = http(post("/test.v1.Test/Secret", "{}"));
  EXPECT_EQ(status(answer), "HTTP/1.1 401 Unauthorized") << answer;
  EXPECT_EQ(refused(Refusal::call_right), 1u);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("127.0.0.1 test.v1.Test/Secret needs a member of the house"), std::string::npos) << told[0];

  Endpoint client;
  std::unique_ptr<Link> link;
  const Dial dial({host_, client, nullptr, {}, 5s}, {at_, false}, [&](Result<std::unique_ptr<Link>> opened) { link = std::move(*opened); });
  ASSERT_TRUE(world_.run_until([&] { return link != nullptr; }, 10s));
  const auto call = test::start(link->channel(), "Secret", {});
  ASSERT_TRUE(world_.run_until([&] { return call->ended(); }, 10s));
  EXPECT_EQ(call->code(), Errc::unauthenticated);
  EXPECT_EQ(refused(Refusal::call_right), 2u);
  EXPECT_EQ(told.size(), 2u);
  endpoint_.on_refused = nullptr;
}

TEST_F(ServerTest, AWebSocketThatSaysNothingOrDripsIsClosedAfterTenSeconds) {
  const std::string upgrade = get("/b2", "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                        "sec-websocket-protocol: b2.1\r\norigin: http://localhost:2203\r\n");
  for (const bool drips : {false, true}) {
    auto raw = dial();
    raw->say(upgrade);
    world_.run_for(100ms);
    ASSERT_EQ(status(raw->received), "HTTP/1.1 101 Switching Protocols");
    const std::string frame("\x82\xfe\xff\xff\0\0\0\0b2\r\n", 12);  // a binary message of 65,535 bytes, and the preface of b2 in it
    int seconds = 0;
    for (; seconds < 60 && !raw->closed; ++seconds) {
      if (drips) raw->say(std::string_view(frame).substr(static_cast<std::size_t>(std::min(seconds, 11)), 1));
      world_.run_for(1s);
    }
    EXPECT_GE(seconds, 10);
    EXPECT_LE(seconds, 14) << "ten seconds, and a moment for the goodbye";
    EXPECT_EQ(endpoint_.counters.connections, 0u);
  }
}

TEST_F(ServerTest, WhatIsTooLargeIsRefusedByItsKindAndTheServerServesOn) {
  const auto frame = [](const FrameHeader& header, std::string_view payload = {}) {
    std::string bytes(kHeaderSize, '\0');
    write_header(header, reinterpret_cast<std::uint8_t*>(bytes.data()));
    return bytes + std::string(payload);
  };
  v1::Hello me;
  me.version = 1;
  const Bytes hello = encode(me);
  const std::string greeting = "b2\r\n" + frame({.length = static_cast<std::uint32_t>(hello.size()), .type = FrameType::hello}, as_text(hello));
  const std::string long_line(20'000, 'x');
  std::string many;
  for (int i = 0; i < 150; ++i) many += "x-" + std::to_string(i) + ": y\r\n";
  const std::string over_metadata("\xff\x7f", 2);  // 32,767 bytes of it
  const std::vector<std::pair<std::string, std::string>> cases = {
      {frame({.length = 0xffffff, .type = FrameType::hello}).insert(0, "b2\r\n"), "frame of 16777215 bytes"},
      {greeting + frame({.length = 65'537, .type = FrameType::call, .stream = 1}), "frame of 65537 bytes"},
      {greeting + frame({.length = 0, .type = FrameType::call, .stream = 1, .extension_words = 255}), "extensions of 1020 bytes"},
      {greeting + frame({.length = 2, .type = FrameType::call, .stream = 1, .flags = flag::kEnd | flag::kMeta}, over_metadata), "metadata"},
      {get("/" + long_line), "HTTP/1.1 414"},
      {get("/", "x-long: " + long_line + "\r\n"), "HTTP/1.1 431"},
      {get("/", many), "HTTP/1.1 431"},
      {"POST /test.v1.Test/Echo HTTP/1.1\r\nhost: localhost:2203\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n", "HTTP/1.1 413"},
  };
  for (const auto& [bytes, answer] : cases) {
    auto raw = dial();
    raw->say(bytes);
    world_.run_for(5s);
    EXPECT_NE(raw->received.find(answer), std::string::npos) << answer << ": " << raw->received;
  }
  world_.run_for(1min);
  EXPECT_EQ(endpoint_.counters.connections, 0u);
  EXPECT_EQ(endpoint_.budget.used(), 0u);
  EXPECT_EQ(status(http(get("/healthz"))), "HTTP/1.1 200 OK");
}

}  // namespace ghost::b2::test
