#include <algorithm>

#include "base/text.h"
#include "net/http_head.h"
#include "net/websocket_handshake.h"
#include "net/websocket_stream.h"

namespace ghost::net {

namespace {

constexpr std::size_t kAnswerLimit = 16 * 1024;

Errc code_of(int status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::refused;
    case 404: return Errc::not_found;
    case 429: return Errc::exhausted;
    case 503: return Errc::busy;
    default: return Errc::unsupported;
  }
}

class Dial final : public WebSocketDial, private StreamHandler {
 public:
  Dial(Reactor& reactor, std::unique_ptr<ByteStream> below, std::vector<std::string> subprotocols, Duration timeout, OnConnect done)
      : reactor_(reactor), below_(std::move(below)), subprotocols_(std::move(subprotocols)), done_(std::move(done)),
        head_(kAnswerLimit) {
    timer_ = reactor_.wake_at(reactor_.now() + timeout, [this](TimePoint) { fail({Errc::timed_out, "no answer in time"}); });
    below_->set_handler(*this);
  }

  void ask(const std::string& host, const std::string& target, const HttpHeaders& extra) {
    std::string offered;
    for (const std::string& name : subprotocols_) offered += (offered.empty() ? "" : ", ") + name;
    HttpHeaders headers = {{"host", host},           {"upgrade", "websocket"},        {"connection", "Upgrade"},
                           {"sec-websocket-key", key_}, {"sec-websocket-version", "13"}};
    if (!offered.empty()) headers.emplace_back("sec-websocket-protocol", offered);
    headers.insert(headers.end(), extra.begin(), extra.end());
    std::string text = "GET " + target + " HTTP/1.1\r\n";
    bool sendable = !target.empty() && target[0] == '/' && is_header_value(target) && target.find(' ') == std::string::npos;
    for (const auto& [name, value] : headers) {
      sendable = sendable && is_token(name) && is_header_value(value);
      text += name + ": " + value + "\r\n";
    }
    if (sendable) {
      below_->output().append(as_bytes(text + "\r\n"));
      return;
    }
    timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) {
      fail({Errc::malformed, "the target or a header holds a character that cannot be sent"});
    });
  }

 private:
  void on_writable() override {}

  void on_bytes(BytesView bytes) override {
    if (!done_) return;
    switch (head_.take(bytes)) {
      case HttpHeadReader::State::incomplete: return;
      case HttpHeadReader::State::complete: break;
      default: return fail({Errc::malformed, "the answer is no HTTP/1.1"});
    }
    auto answer = parse_response_head(head_.text());
    if (!answer) return fail(answer.error());
    if (auto checked = check(*answer); !checked) return fail(checked.error());
    timer_.reset();
    auto stream = std::make_unique<WebSocketStream>(reactor_, std::move(below_), WebSocketFrames::Role::client, bytes);
    const OnConnect done = std::exchange(done_, nullptr);
    done(Result<std::unique_ptr<ByteStream>>(std::move(stream)));  // the caller may destroy this in it
  }

  void on_closed(const Error& why) override {
    if (!done_) return;
    if (why.code != Errc::cancelled) return fail(why);
    fail({Errc::data_loss, "the other side closed the connection instead of answering"});
  }

  /// RFC 6455 §4.1, what a client must verify.
  Status check(const HttpResponseHead& answer) const {
    if (answer.status != 101) {
      return Error{code_of(answer.status), "the server answered " + printable(head_.text().substr(0, head_.text().find('\r')))};
    }
    const HttpHeaders& headers = answer.headers;
    if (!has_token(headers, "upgrade", "websocket") || !has_token(headers, "connection", "upgrade")) {
      return Error{Errc::malformed, "the server's 101 does not upgrade to a WebSocket"};
    }
    if (count_headers(headers, "sec-websocket-accept") != 1 ||
        find_header(headers, "sec-websocket-accept") != websocket_accept(key_)) {
      return Error{Errc::malformed, "the server's Sec-WebSocket-Accept does not fit the key"};
    }
    if (count_headers(headers, "sec-websocket-extensions") > 0) {
      return Error{Errc::malformed, "the server uses an extension that was not offered"};
    }
    const auto chosen = list_header(headers, "sec-websocket-protocol");
    if (subprotocols_.empty() && chosen.empty()) return {};
    if (chosen.size() != 1 || std::find(subprotocols_.begin(), subprotocols_.end(), chosen[0]) == subprotocols_.end()) {
      return Error{Errc::unsupported, "the server chose none of the subprotocols offered"};
    }
    return {};
  }

  void fail(const Error& why) {
    const Error told = why.in("WebSocket upgrade with " + below_->peer().remote.text());
    timer_.reset();
    below_.reset();
    const OnConnect done = std::exchange(done_, nullptr);
    done(told);
  }

  Reactor& reactor_;
  std::unique_ptr<ByteStream> below_;
  std::vector<std::string> subprotocols_;
  OnConnect done_;
  HttpHeadReader head_;
  std::string key_ = websocket_key();
  Timer timer_;
};

}  // namespace

std::unique_ptr<WebSocketDial> dial_websocket(Reactor& reactor, std::unique_ptr<ByteStream> below, std::string host,
                                              std::string target, std::vector<std::string> subprotocols, HttpHeaders extra,
                                              Duration timeout, OnConnect done) {
  auto dial = std::make_unique<Dial>(reactor, std::move(below), std::move(subprotocols), timeout, std::move(done));
  dial->ask(host, target, extra);
  return dial;
}

}  // namespace ghost::net
