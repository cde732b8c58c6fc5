#include "net/tls_stream.h"

namespace ghost::net {

namespace {

class Handshake final : public TlsHandshake, private StreamHandler {
 public:
  Handshake(Reactor& reactor, std::unique_ptr<ByteStream> below, std::shared_ptr<const TlsContext> context,
            TlsSession::Role role, Duration timeout, OnSecured done)
      : reactor_(reactor), below_(std::move(below)), timeout_(timeout), done_(std::move(done)) {
    auto session = TlsSession::create(std::move(context), role, below_->output());
    if (!session) {
      fail_later(session.error());
      return;
    }
    session_ = std::move(*session);
    timer_ = reactor_.wake_at(reactor_.now() + timeout_, [this](TimePoint) { time_out(); });
    below_->set_handler(*this);
  }

  /// The first step, taken inside tls_connect() or tls_accept(): it can only fail or want more, since neither side is done before
  /// the other answered.
  void begin(BytesView first) {
    if (!session_) return;
    heard_ = !first.empty();
    session_->feed(first);
    auto done = session_->handshake();
    below_->flush();
    if (!done) return fail_later(done.error());
  }

 private:
  void on_bytes(BytesView bytes) override {
    if (failed_ || !session_) return;
    heard_ = true;
    session_->feed(bytes);
    auto done = session_->handshake();
    below_->flush();
    if (!done) return fail(done.error());
    if (*done) succeed();
  }

  void on_writable() override {}

  void on_closed(const Error& why) override {
    if (failed_ || !session_) return;
    const bool orderly = why.code == Errc::cancelled;
    fail({orderly ? Errc::data_loss : why.code, orderly ? "the other side closed the connection in the middle" : why.message});
  }

  void succeed() {
    timer_.reset();
    const BytesView rest = session_->rest();
    auto stream = std::make_unique<TlsStream>(reactor_, std::move(below_), std::move(session_), rest);
    const OnSecured done = std::move(done_);
    done(Result<std::unique_ptr<ByteStream>>(std::move(stream)));  // the caller may destroy this handshake in it
  }

  void time_out() {
    const auto seconds = std::chrono::duration<double>(timeout_).count();
    std::string text = std::to_string(seconds);
    text.resize(text.find('.') + 2);
    fail({Errc::timed_out, (heard_ ? "not done within " : "no answer within ") + text + " s"});
  }

  void fail_later(const Error& why) {
    failed_ = true;
    timer_ = reactor_.wake_at(reactor_.now(), [this, why](TimePoint) { fail(why); });
  }

  void fail(const Error& why) {
    failed_ = true;
    timer_.reset();
    const Error told = why.in("TLS handshake with " + below_->peer().remote.text());
    below_.reset();
    const OnSecured done = std::move(done_);
    done(told);
  }

  Reactor& reactor_;
  std::unique_ptr<ByteStream> below_;
  std::unique_ptr<TlsSession> session_;
  Duration timeout_;
  OnSecured done_;
  bool heard_ = false;
  bool failed_ = false;
  Timer timer_;
};

}  // namespace

std::unique_ptr<TlsHandshake> tls_connect(Reactor& reactor, std::unique_ptr<ByteStream> below,
                                          std::shared_ptr<const TlsContext> context, Duration timeout, OnSecured done) {
  auto handshake = std::make_unique<Handshake>(reactor, std::move(below), std::move(context), TlsSession::Role::client, timeout,
                                               std::move(done));
  handshake->begin({});
  return handshake;
}

std::unique_ptr<TlsHandshake> tls_accept(Reactor& reactor, std::unique_ptr<ByteStream> below,
                                         std::shared_ptr<const TlsContext> context, BytesView first, Duration timeout,
                                         OnSecured done) {
  auto handshake = std::make_unique<Handshake>(reactor, std::move(below), std::move(context), TlsSession::Role::server, timeout,
                                               std::move(done));
  handshake->begin(first);
  return handshake;
}

}  // namespace ghost::net
