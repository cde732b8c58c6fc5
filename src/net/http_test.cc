#include "net/http.h"

#include <gtest/gtest.h>

#include "net/http_head.h"
#include "net/http_response.h"
#include "net/memory_world.h"

namespace ghost::net {

using namespace std::chrono_literals;

namespace {

/// A server on one end of a pair, whatever talks to it on the other. Unless told otherwise it echoes what it understood.
class Http : public testing::TestWithParam<std::size_t> {
 protected:
  void serve(const HttpLimits& limits = {}, std::string_view first = {}) {
    auto [left, right] = make_memory_pair(reactor, {fragment(), 64 * 1024});
    client = std::move(left);
    client->set_handler(seen);
    connection = serve_http(
        reactor, std::move(right), as_bytes(first), limits,
        [this](HttpRequest request, std::unique_ptr<HttpReply> reply) {
          requests.push_back(request);
          handle(std::move(request), std::move(reply));
        },
        [this] {
          ++closed;
          connection.reset();
        });
  }
  virtual std::size_t fragment() const { return GetParam(); }

  void send(std::string_view text) {
    client->output().append(as_bytes(text));
    reactor.settle();
  }
  /// What a fresh server says to `text`.
  std::string answer(std::string_view text, const HttpLimits& limits = {}) {
    serve(limits);
    send(text);
    return seen.text();
  }
  /// The answer's status line and whether the connection ended with it.
  std::string fate(std::string_view text, const HttpLimits& limits = {}) {
    seen = {};
    requests.clear();
    const std::string all = answer(text, limits);
    return all.substr(9, 3) + (seen.closed ? " closed" : " open");
  }

  std::function<void(HttpRequest, std::unique_ptr<HttpReply>)> handle = [](HttpRequest request, std::unique_ptr<HttpReply> reply) {
    reply->send(HttpResponse::text(200, request.method + " " + request.path + " " + std::string(as_text(request.body)) + "\n"));
  };
  MemoryReactor reactor;
  StreamRecorder seen;
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<HttpConnection> connection;
  std::vector<HttpRequest> requests;
  int closed = 0;
};

class HttpOnce : public Http {
  std::size_t fragment() const override { return 0; }
};

std::string without_date(std::string text) {
  for (std::size_t at; (at = text.find("date: ")) != std::string::npos;) text.erase(at, text.find('\n', at) - at + 1);
  return text;
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++count;
  return count;
}

}  // namespace

TEST_P(Http, UnderstandsARequestAndAnswersIt) {
  const std::string all = answer("GET /a%20b/c?q=%31 HTTP/1.1\r\nHost: localhost:2203\r\nX-Thing:  two words \r\n\r\n");
  EXPECT_EQ(without_date(all),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 12\r\n\r\nGET /a b/c \n");
  EXPECT_NE(all.find("\r\ndate: "), std::string::npos);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].target, "/a%20b/c?q=%31");
  EXPECT_EQ(requests[0].path, "/a b/c");
  EXPECT_EQ(requests[0].query, "q=%31");
  EXPECT_EQ(requests[0].header("host"), "localhost:2203");
  EXPECT_EQ(requests[0].header("x-thing"), "two words");
  EXPECT_EQ(requests[0].header("cookie"), std::nullopt);
  EXPECT_FALSE(seen.closed);
}

TEST_P(Http, ReadsBodiesOfAKnownLengthAndInChunks) {
  EXPECT_NE(answer("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world").find("POST /x hello world\n"),
            std::string::npos);
  seen = {};
  const std::string chunked = answer(
      "POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;name=\"value\"\r\nhello\r\n00006\r\n world\r\n0\r\nTrailer: ignored\r\n\r\n"
      "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(chunked.find("POST /y hello world\n"), std::string::npos);
  EXPECT_NE(chunked.find("GET /after \n"), std::string::npos) << "the next request begins right after the trailers";
}

TEST_P(Http, AnswersPipelinedRequestsInOrderEvenWhenTheFirstTakesLonger) {
  std::unique_ptr<HttpReply> slow;
  handle = [&](HttpRequest request, std::unique_ptr<HttpReply> reply) {
    if (request.path == "/slow") {
      slow = std::move(reply);
    } else {
      reply->send(HttpResponse::text(200, request.path + "\n"));
    }
  };
  serve();
  send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\nPOST /three HTTP/1.1\r\nHost: a\r\n"
       "Content-Length: 2\r\n\r\nokGET /four HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(seen.text(), "");
  ASSERT_TRUE(slow);
  slow->send(HttpResponse::text(200, "/slow\n"));
  reactor.settle();
  const std::string all = seen.text();
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 4u);
  EXPECT_LT(all.find("/slow\n"), all.find("/two\n"));
  EXPECT_LT(all.find("/two\n"), all.find("/three\n"));
  EXPECT_LT(all.find("/three\n"), all.find("/four\n"));
}

TEST_P(Http, HeadIsAnsweredWithTheLengthAndWithoutTheBody) {
  const std::string all = answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(all.find("content-length: 8\r\n"), std::string::npos) << all;
  EXPECT_EQ(all.find("HEAD / "), std::string::npos);
  EXPECT_NE(all.find("GET /2 \n"), std::string::npos);
}

TEST_P(Http, ClosesWhenEitherSideWantsItAndAfterHttp10) {
  EXPECT_EQ(fate("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"), "200 closed");
  EXPECT_NE(seen.text().find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(fate("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), "200 closed");
  EXPECT_EQ(fate("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), "200 open");
  handle = [](HttpRequest, std::unique_ptr<HttpReply> reply) {
    HttpResponse response = HttpResponse::text(200, "bye\n");
    response.headers.emplace_back("connection", "close");
    reply->send(response);
  };
  EXPECT_EQ(fate("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "200 closed");
  EXPECT_EQ(closed, 0) << "the client has not closed yet";
  reactor.run_for(10s);
  EXPECT_EQ(closed, 1) << "it is not waited for longer";
}

TEST_P(Http, Says100BeforeAnExpectedBodyAndNotWhenItIsRefused) {
  serve();
  send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(seen.text(), "HTTP/1.1 100 Continue\r\n\r\n");
  send("ok");
  EXPECT_NE(seen.text().find("HTTP/1.1 200 OK"), std::string::npos);
  EXPECT_EQ(fate("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: a-pony\r\n\r\n"), "417 closed");
  EXPECT_EQ(fate("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"), "413 closed");
}

TEST_P(Http, EachLimitHasItsStatusAndASentence) {
  HttpLimits limits;
  limits.header_bytes = 200;
  limits.headers = 3;
  limits.body_bytes = 10;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(fate("GET /" + std::string(300, 'x'), limits), "414 closed");
  EXPECT_NE(seen.text().find("\r\n\r\nThe request's first line is longer than 200 bytes.\n"), std::string::npos);
  EXPECT_EQ(fate(start + "X: " + std::string(300, 'x'), limits), "431 closed");
  EXPECT_EQ(fate(start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), "431 closed");
  EXPECT_EQ(fate(start + "A: 1\r\nB: 2\r\n\r\n", limits), "200 open");
  EXPECT_EQ(fate(start + "Content-Length: 11\r\n\r\n", limits), "413 closed");
  EXPECT_EQ(fate(start + "Content-Length: 10\r\n\r\n0123456789", limits), "200 open");
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(fate(chunked + "b\r\n", limits), "413 closed");
  EXPECT_EQ(fate(chunked + "6\r\n012345\r\n5\r\n", limits), "413 closed");
  EXPECT_EQ(fate(chunked + "ffffffffffffffff\r\n", limits), "400 closed");
  EXPECT_EQ(fate(chunked + "1;" + std::string(300, 'x') + "\r\n", limits), "400 closed");
  EXPECT_EQ(fate(chunked + "0\r\nA: " + std::string(300, 'x') + "\r\n", limits), "400 closed");
}

INSTANTIATE_TEST_SUITE_P(Pieces, Http, testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{7}),
                         [](const auto& piece) { return "Of" + std::to_string(piece.param); });

TEST_F(HttpOnce, MalformedRequestsAreRefusedWithTheRightStatus) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"400", "hello there\r\n\r\n"},
      {"400", "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\nHost: a\n\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
      {"400", "GET / HTTP/1.1\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: user@evil\r\n\r\n"},
      {"400", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /#top HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /% HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET /a%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\r\nNo colon here\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"},
      {"400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01" "b\r\n\r\n"},
      {"505", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {"505", "GET / HTTP/1.9\r\nHost: a\r\n\r\n"},
      {"400", "GET / HTTP/1.x\r\nHost: a\r\n\r\n"},
      {"400", "GET / ICE/1.0\r\nHost: a\r\n\r\n"},
      {"505", "GET /\r\nHost: a\r\n\r\n"},
  };
  for (const auto& [status, text] : cases) {
    EXPECT_EQ(fate(text), std::string(status) + " closed") << text;
    EXPECT_TRUE(requests.empty()) << text;
  }
}

TEST_F(HttpOnce, NoRequestCanBeHiddenInAnothersBody) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"400", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"400", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
      {"400", "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"},
      {"400", "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
      {"400", "Content-Length: 5, 5\r\n\r\n"},
      {"400", "Content-Length: +5\r\n\r\n"},
      {"400", "Content-Length: -1\r\n\r\n"},
      {"400", "Content-Length: 0x5\r\n\r\n"},
      {"400", "Content-Length:\r\n\r\n"},
      {"400", "Content-Length: 99999999999999999999999\r\n\r\n"},
      {"400", "Content-Length : 5\r\n\r\n"},
      {"400", "Content Length: 5\r\n\r\n"},
      {"400", " Content-Length: 5\r\n\r\n"},
      {"400", "X: y\r\n Content-Length: 5\r\n\r\n"},
      {"400", "Transfer-Encoding : chunked\r\n\r\n"},
      {"501", "Transfer-Encoding: gzip, chunked\r\n\r\n"},
      {"501", "Transfer-Encoding: chunked, identity\r\n\r\n"},
      {"501", "Transfer-Encoding: xchunked\r\n\r\n"},
      {"501", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"400", "Transfer-Encoding:\x0b" "chunked\r\n\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n5\rXhello\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n;x\r\n"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n0\nX"},
      {"400", "Transfer-Encoding: chunked\r\n\r\n0\r\n\rX"},
  };
  for (const auto& [status, headers] : cases) {
    const std::string text = start + std::string(headers) + hidden;
    EXPECT_EQ(fate(text), std::string(status) + " closed") << text;
    EXPECT_TRUE(requests.empty()) << text;
  }
  EXPECT_EQ(fate("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden), "400 closed");
}

TEST_F(HttpOnce, SlowHeadersGet408) {
  serve();
  for (int i = 0; i < 11; ++i) {
    client->output().append(as_bytes(i == 0 ? "GET / HTTP/1.1\r\n" : "X: y\r\n"));
    reactor.run_for(1s);
  }
  EXPECT_EQ(seen.text().substr(0, 12), "HTTP/1.1 408");
  EXPECT_NE(seen.text().find("The headers did not arrive in time.\n"), std::string::npos);
  EXPECT_TRUE(seen.closed);
}

TEST_F(HttpOnce, ASlowBodyGets408) {
  serve();
  for (int i = 0; i < 31; ++i) {
    client->output().append(as_bytes(i == 0 ? "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" : "z"));
    reactor.run_for(1s);
  }
  EXPECT_EQ(seen.text().substr(0, 12), "HTTP/1.1 408");
  EXPECT_TRUE(seen.closed);
}

TEST_F(HttpOnce, AnIdleConnectionIsClosedWithoutAWord) {
  serve();
  reactor.run_for(74s);
  EXPECT_FALSE(seen.closed);
  reactor.run_for(2s);
  EXPECT_TRUE(seen.closed);
  EXPECT_EQ(seen.text(), "");

  seen = {};
  serve();
  reactor.run_for(70s);
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  reactor.run_for(70s);
  EXPECT_FALSE(seen.closed) << "a request begins the time again";
  reactor.run_for(10s);
  EXPECT_TRUE(seen.closed);
}

TEST_F(HttpOnce, AHandlerMayTakeLongerThanAnyTimeout) {
  std::unique_ptr<HttpReply> slow;
  handle = [&](HttpRequest, std::unique_ptr<HttpReply> reply) { slow = std::move(reply); };
  serve();
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  reactor.run_for(600s);
  EXPECT_FALSE(seen.closed);
  slow->send(HttpResponse::text(200, "at last\n"));
  reactor.settle();
  EXPECT_NE(seen.text().find("at last\n"), std::string::npos);
}

TEST_F(HttpOnce, AnswersAfterTheEndGoNowhere) {
  std::unique_ptr<HttpReply> late;
  handle = [&](HttpRequest, std::unique_ptr<HttpReply> reply) { late = std::move(reply); };
  serve();
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(late);
  client.reset();
  reactor.settle();
  EXPECT_EQ(closed, 1);
  EXPECT_FALSE(connection);
  EXPECT_EQ(late->upgrade_to_websocket("b2.1", [](auto) { FAIL(); }).error().code, Errc::cancelled);
  late->send(HttpResponse::text(200, "nobody hears this\n"));
  late.reset();
  reactor.settle();
  EXPECT_EQ(closed, 1);
}

TEST_F(HttpOnce, ADroppedRequestIsAnswered500) {
  handle = [](HttpRequest, std::unique_ptr<HttpReply>) {};
  EXPECT_EQ(fate("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "500 open");
}

TEST_F(HttpOnce, OnlyTheFirstAnswerCounts) {
  handle = [](HttpRequest, std::unique_ptr<HttpReply> reply) {
    reply->send(HttpResponse::text(200, "one\n"));
    reply->send(HttpResponse::text(200, "two\n"));
    EXPECT_EQ(reply->upgrade_to_websocket("b2.1", [](auto) { FAIL(); }).error().code, Errc::cancelled);
  };
  EXPECT_EQ(count_of(answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1"), 1u);
}

TEST_F(HttpOnce, TheConnectionMayBeDestroyedByItsHandler) {
  handle = [&](HttpRequest, std::unique_ptr<HttpReply> reply) {
    connection.reset();
    reply->send(HttpResponse::text(200, "gone\n"));
  };
  serve();
  send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(seen.text(), "");
  EXPECT_TRUE(seen.closed);
  EXPECT_EQ(closed, 0);
}

TEST_F(HttpOnce, FirstBytesAreServedInALaterTurn) {
  serve({}, "GET /first HTTP/1.1\r\nHo");
  EXPECT_TRUE(requests.empty());
  send("st: a\r\n\r\n");
  EXPECT_NE(seen.text().find("GET /first \n"), std::string::npos);
}

TEST_F(HttpOnce, AHeaderWithALineBreakIsNeverSent) {
  handle = [](HttpRequest, std::unique_ptr<HttpReply> reply) {
    HttpResponse response = HttpResponse::text(200, "x\n");
    response.headers.emplace_back("location", "/a\r\nSet-Cookie: stolen=1");
    reply->send(response);
  };
  EXPECT_EQ(fate("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "500 open");
  EXPECT_EQ(seen.text().find("stolen"), std::string::npos);
}

TEST_F(HttpOnce, FramingHeadersOfAResponseAreOurs) {
  handle = [](HttpRequest, std::unique_ptr<HttpReply> reply) {
    HttpResponse response = HttpResponse::text(204, "");
    response.headers.emplace_back("Content-Length", "999");
    response.headers.emplace_back("Transfer-Encoding", "chunked");
    reply->send(response);
  };
  const std::string all = answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(without_date(all), "HTTP/1.1 204 No Content\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n");
}

TEST_F(HttpOnce, AClientThatDoesNotReadIsNotServedMoreThanItTakes) {
  handle = [](HttpRequest, std::unique_ptr<HttpReply> reply) { reply->send({200, {}, Bytes(600'000)}); };
  serve();
  client->set_reading(false);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  send(many);
  EXPECT_LE(requests.size(), 3u);
  client->set_reading(true);
  reactor.settle();
  EXPECT_EQ(requests.size(), 100u);
  EXPECT_GT(seen.bytes.size(), 60'000'000u);
}

TEST_F(HttpOnce, PipelinedRequestsBeyondTheBacklogWaitAtTheClient) {
  std::vector<std::unique_ptr<HttpReply>> waiting;
  handle = [&](HttpRequest, std::unique_ptr<HttpReply> reply) { waiting.push_back(std::move(reply)); };
  serve();
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  send(many);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_GT(client->unsent(), many.size() - 300'000);
}

TEST(HttpDate, IsInEnglishAndGmt) {
  EXPECT_EQ(http_date(std::chrono::system_clock::from_time_t(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpPath, IsDecodedOnce) {
  EXPECT_EQ(decode_path("/a%2Fb%2525"), "/a/b%25");
  EXPECT_EQ(decode_path("/%C3%A9"), "/\xc3\xa9");
}

}  // namespace ghost::net
