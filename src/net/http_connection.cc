#include <algorithm>

#include "net/http_body.h"
#include "net/http_head.h"
#include "net/http_response.h"
#include "net/lifeline.h"
#include "net/websocket_handshake.h"
#include "net/websocket_stream.h"

namespace ghost::net {

namespace {

using OnWebSocket = std::function<void(std::unique_ptr<ByteStream>)>;

/// Pipelined requests and early frames held while a request is being answered; beyond it the peer is not read.
constexpr std::size_t kBacklog = 64 * 1024;
/// How long a peer may take over the last response of a connection.
constexpr Duration kLinger = std::chrono::seconds(5);
/// How long a connection that is to end is open for one more request.
constexpr Duration kLastRequest = std::chrono::seconds(10);

class Connection final : public HttpConnection, private StreamHandler {
 public:
  Connection(Reactor& reactor, std::unique_ptr<ByteStream> below, BytesView first, const HttpLimits& limits,
             OnHttpRequest on_request, std::function<void()> closed)
      : reactor_(reactor), below_(std::move(below)), limits_(limits), on_request_(std::make_shared<OnHttpRequest>(std::move(on_request))),
        closed_(std::move(closed)), head_reader_(limits.header_bytes), held_(to_bytes(first)) {
    below_->set_handler(*this);
    expect_within(limits_.idle_timeout);
    if (!held_.empty()) plan_resume();
  }

  bool idle() const override { return phase_ == Phase::head && !head_reader_.started() && held_.empty() && below_->unsent() == 0; }
  void leave(WhenIdle idle) override;

  /// For the reply, which may outlive the connection.
  Lifeline::Watch watch() const { return lifeline_.watch(); }
  void answer(HttpResponse response);
  Status upgrade(std::string_view subprotocol, OnWebSocket done);

 private:
  enum class Phase { head, body, answering, upgrading, closing, over };

  void on_bytes(BytesView bytes) override;
  void on_writable() override { resume(); }
  void on_closed(const Error& why) override;

  void process(BytesView bytes);
  bool read_head(BytesView& bytes);
  bool read_body(BytesView& bytes);
  void begin_body(HttpRequestHead head, bool body_is_here);
  void dispatch();
  void refuse(const HttpProblem& problem);
  void finish();
  void hold(BytesView bytes);
  void resume();
  void plan_resume();
  void hand_over(const OnWebSocket& done);
  void end();

  void expect_within(Duration span);
  void expect_nothing() { deadline_ = TimePoint::max(); }
  void arm();
  void on_deadline();

  Reactor& reactor_;
  std::unique_ptr<ByteStream> below_;
  HttpLimits limits_;
  std::shared_ptr<OnHttpRequest> on_request_;  ///< shared with the call under way, which may destroy this
  std::function<void()> closed_;
  Phase phase_ = Phase::head;
  HttpHeadReader head_reader_;
  HttpBodyReader body_reader_;
  HttpRequest request_;           ///< the one being read
  bool head_only_ = false;        ///< the one being answered is a HEAD
  bool keep_alive_ = true;
  bool leaving_ = false;          ///< the request under way is the last
  Result<WebSocketOffer> offer_ = Error{Errc::malformed, "no WebSocket upgrade was asked for"};
  Bytes held_;                    ///< came while a request was being answered
  bool dispatching_ = false;
  std::size_t unsent_at_idle_ = 0;
  TimePoint deadline_ = TimePoint::max();
  TimePoint armed_for_ = TimePoint::max();
  Timer deadline_timer_;
  Timer resume_timer_;
  Lifeline lifeline_;
};

class Reply final : public HttpReply {
 public:
  explicit Reply(Connection& connection) : connection_(&connection), alive_(connection.watch()) {}
  ~Reply() override {
    if (!used_) send(HttpResponse::text(500, "The request was dropped without an answer.\n"));
  }

  void send(HttpResponse response) override {
    if (!std::exchange(used_, true) && !alive_.expired()) connection_->answer(std::move(response));
  }

  Status upgrade_to_websocket(std::string_view subprotocol, OnWebSocket done) override {
    if (used_ || alive_.expired()) return Error{Errc::cancelled, "the request was answered, or its connection has ended"};
    auto upgraded = connection_->upgrade(subprotocol, std::move(done));
    used_ = upgraded.has_value();
    return upgraded;
  }

 private:
  Connection* connection_;
  Lifeline::Watch alive_;
  bool used_ = false;
};

void Connection::on_bytes(BytesView bytes) {
  if (phase_ == Phase::closing || phase_ == Phase::over) return;  // read on, so that the peer gets to our last answer
  if (phase_ == Phase::answering || phase_ == Phase::upgrading || !held_.empty()) {
    hold(bytes);
  } else {
    process(bytes);
  }
}

void Connection::hold(BytesView bytes) {
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (held_.size() > kBacklog) below_->set_reading(false);
}

void Connection::plan_resume() {
  resume_timer_ = reactor_.wake_at(reactor_.now(), [this](TimePoint) { resume(); });
}

void Connection::resume() {
  if (held_.empty() || (phase_ != Phase::head && phase_ != Phase::body)) return;
  const Bytes held = std::exchange(held_, {});
  if (held.size() > kBacklog) below_->set_reading(true);
  process(held);
}

/// May destroy this, by way of the handler.
void Connection::process(BytesView bytes) {
  const auto alive = lifeline_.watch();
  while (true) {
    bool whole = false;
    if (phase_ == Phase::head && !bytes.empty() && below_->unsent() > ByteStream::kHighWater) {
      return hold(bytes);  // until the peer has taken earlier responses
    }
    if (phase_ == Phase::head && !bytes.empty()) whole = read_head(bytes);
    if (phase_ == Phase::body) whole = read_body(bytes);
    if (!whole) break;
    dispatch();
    if (alive.expired()) return;
  }
  if (!bytes.empty() && (phase_ == Phase::answering || phase_ == Phase::upgrading)) hold(bytes);
}

/// True when that was a whole request, one without a body.
bool Connection::read_head(BytesView& bytes) {
  const bool fresh = !head_reader_.started();
  const auto state = head_reader_.take(bytes);
  if (fresh && head_reader_.started()) expect_within(limits_.header_timeout);
  switch (state) {
    case HttpHeadReader::State::incomplete: return false;
    case HttpHeadReader::State::too_long:
      if (head_reader_.first_line_complete()) {
        refuse({431, "The headers are longer than " + std::to_string(limits_.header_bytes) + " bytes."});
      } else {
        refuse({414, "The request's first line is longer than " + std::to_string(limits_.header_bytes) + " bytes."});
      }
      return false;
    case HttpHeadReader::State::bare_line_feed:
      refuse({400, "A line ends with a line feed alone; HTTP's lines end with CR LF."});
      return false;
    case HttpHeadReader::State::complete: break;
  }
  auto head = parse_request_head(head_reader_.text(), limits_);
  head_reader_.clear();
  if (!head) {
    refuse(head.error());
    return false;
  }
  begin_body(std::move(*head), !bytes.empty());
  return phase_ == Phase::head;
}

void Connection::begin_body(HttpRequestHead head, bool body_is_here) {
  keep_alive_ = head.keep_alive && !leaving_;
  request_ = std::move(head.request);
  if (!head.has_body()) return;
  if (head.content_length > limits_.body_bytes) {
    return refuse({413, "The body is longer than " + std::to_string(limits_.body_bytes) + " bytes."});
  }
  phase_ = Phase::body;
  body_reader_ = head.chunked ? HttpBodyReader::in_chunks(limits_.body_bytes, limits_.header_bytes)
                              : HttpBodyReader::of_length(head.content_length, limits_.body_bytes);
  expect_within(limits_.body_timeout);
  if (head.expects_continue && !body_is_here) below_->output().append(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
}

bool Connection::read_body(BytesView& bytes) {
  switch (body_reader_.take(bytes)) {
    case HttpBodyReader::State::incomplete: return false;
    case HttpBodyReader::State::malformed: refuse({400, "The body's chunks are malformed."}); return false;
    case HttpBodyReader::State::too_long:
      refuse({413, "The body is longer than " + std::to_string(limits_.body_bytes) + " bytes."});
      return false;
    case HttpBodyReader::State::complete: break;
  }
  request_.body = body_reader_.take_body();
  return true;
}

/// May destroy this.
void Connection::dispatch() {
  phase_ = Phase::answering;
  expect_nothing();
  head_only_ = request_.method == "HEAD";
  if (request_.header("upgrade")) offer_ = read_websocket_offer(request_);
  const auto alive = lifeline_.watch();
  const auto on_request = on_request_;
  dispatching_ = true;
  (*on_request)(std::exchange(request_, {}), std::make_unique<Reply>(*this));
  if (!alive.expired()) dispatching_ = false;
}

void Connection::answer(HttpResponse response) {
  if (phase_ != Phase::answering) return;
  offer_ = Error{Errc::malformed, "no WebSocket upgrade was asked for"};
  keep_alive_ = keep_alive_ && !has_token(response.headers, "connection", "close");
  write_response(std::move(response), head_only_ ? HttpBody::left_out : HttpBody::sent,
                 keep_alive_ ? HttpAfter::keep_alive : HttpAfter::close, below_->output());
  if (!keep_alive_) return finish();
  phase_ = Phase::head;
  expect_within(limits_.idle_timeout);
  unsent_at_idle_ = below_->unsent();
  if (!held_.empty() && !dispatching_) plan_resume();
}

void Connection::refuse(const HttpProblem& problem) {
  write_response(HttpResponse::text(problem.status, problem.sentence + "\n"), HttpBody::sent, HttpAfter::close, below_->output());
  finish();
}

void Connection::finish() {
  phase_ = Phase::closing;
  held_.clear();
  expect_nothing();
  below_->set_reading(true);
  below_->finish(kLinger);
}

void Connection::leave(WhenIdle idle) {
  leaving_ = true;
  keep_alive_ = false;
  if (phase_ != Phase::head || head_reader_.started() || !held_.empty()) return;
  if (idle == WhenIdle::closes) finish();
  else expect_within(kLastRequest);
}

Status Connection::upgrade(std::string_view subprotocol, OnWebSocket done) {
  if (phase_ != Phase::answering) return Error{Errc::cancelled, "the connection has ended"};
  if (!offer_) return offer_.error();
  const auto& offered = offer_->subprotocols;
  if (std::find(offered.begin(), offered.end(), subprotocol) == offered.end()) {
    return Error{Errc::malformed, "no WebSocket upgrade: the client does not offer the subprotocol " + std::string(subprotocol)};
  }
  below_->output().append(as_bytes("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                                   "sec-websocket-accept: " + websocket_accept(offer_->key) +
                                   "\r\nsec-websocket-protocol: " + std::string(subprotocol) + "\r\n\r\n"));
  phase_ = Phase::upgrading;
  resume_timer_ = reactor_.wake_at(reactor_.now(), [this, done = std::move(done)](TimePoint) { hand_over(done); });
  return {};
}

/// Destroys this by way of closed_(), if its owner does that.
void Connection::hand_over(const OnWebSocket& done) {
  const OnWebSocket give = done;  // its timer goes with this
  const auto alive = lifeline_.watch();
  phase_ = Phase::over;
  auto stream = std::make_unique<WebSocketStream>(reactor_, std::move(below_), WebSocketFrames::Role::server, held_);
  give(std::move(stream));
  if (!alive.expired()) end();
}

void Connection::on_closed(const Error&) {
  if (phase_ != Phase::over) end();
}

void Connection::end() {
  phase_ = Phase::over;
  expect_nothing();
  deadline_timer_.reset();
  resume_timer_.reset();
  if (const auto closed = std::exchange(closed_, nullptr)) closed();
}

void Connection::expect_within(Duration span) {
  deadline_ = reactor_.now() + span;
  if (deadline_ < armed_for_) arm();
}

/// One timer serves all deadlines: it is set again only for an earlier one, and a later one is looked at when it rings.
void Connection::arm() {
  armed_for_ = deadline_;
  deadline_timer_ = reactor_.wake_at(armed_for_, [this](TimePoint now) {
    armed_for_ = TimePoint::max();
    if (deadline_ == TimePoint::max()) return;
    if (now < deadline_) return arm();
    on_deadline();
  });
}

void Connection::on_deadline() {
  if (phase_ == Phase::body) {
    return refuse({408, "The body did not arrive in time."});
  }
  if (phase_ != Phase::head) return;
  if (head_reader_.started()) return refuse({408, "The headers did not arrive in time."});
  const std::size_t unsent = below_->unsent();
  if (unsent > 0 && unsent < std::exchange(unsent_at_idle_, unsent)) return expect_within(limits_.idle_timeout);
  finish();
}

}  // namespace

std::unique_ptr<HttpConnection> serve_http(Reactor& reactor, std::unique_ptr<ByteStream> below, BytesView first,
                                           const HttpLimits& limits, OnHttpRequest on_request, std::function<void()> closed) {
  return std::make_unique<Connection>(reactor, std::move(below), first, limits, std::move(on_request), std::move(closed));
}

}  // namespace ghost::net
