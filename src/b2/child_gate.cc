#include "b2/child_gate.h"

#include <algorithm>
#include <utility>

namespace ghost::b2 {

/// Owned by whoever can still end it: the caller it was started through, or the gate while it waits.
class ChildGate::Relay : public std::enable_shared_from_this<Relay> {
 public:
  Relay(ChildGate& gate, std::string_view service, const MethodInfo& method, ServerCall call)
      : gate_(gate),
        gate_alive_(gate.alive_),
        service_(service),
        method_(method.name),
        streams_(gives_stream(method.kind)),
        takes_(takes_stream(method.kind)),
        idempotent_(method.idempotent),
        call_(std::move(call)),
        count_(gate.open_) {
    ++*count_;
  }

  ~Relay() {
    --*count_;
    if (gate_alive_.expired()) return;
    gate_.last_used_ = gate_.clock_.now();
    gate_.planned_();
  }

  void listen() {
    call_.on_cancel([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_cancelled();
    });
    if (!takes_) return;
    MessageReader reader;
    reader.manual_credit = true;
    reader.message = [weak = weak_from_this()](BytesView message) {
      if (const auto self = weak.lock()) self->on_request(message);
    };
    reader.end = [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_request_end();
    };
    call_.read(std::move(reader));
  }

  void start(Caller& to, BytesView request) {
    CallOptions options;
    options.timeout = remaining();
    options.metadata = call_.context().metadata;
    options.idempotent = idempotent_;
    options.trace = call_.context().trace;
    options.manual_credit = streams_;
    options.streams_request = takes_;
    if (streams_) {
      call_.on_ready([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_room();
      });
    }
    onward_ = to.start(service_, method_, Payload(request), options, std::make_unique<Handler>(shared_from_this()));
    started_ = true;
    if (room_) on_room();
    for (const Bytes& message : std::exchange(early_, {})) pass_on(message);
    if (request_ended_) onward_.finish();
  }

  /// Waits for the child with a copy of the request.
  void wait(BytesView request, TimePoint until) {
    request_ = to_bytes(request);
    until_ = until;
  }
  void start_waiting(Caller& to) { start(to, std::exchange(request_, {})); }
  TimePoint until() const { return until_; }
  /// Whether anyone still wants the answer.
  bool open() const { return call_.open(); }
  void fail(const Error& error) { call_.fail(error); }
  void fail_cut(const std::string& told) { call_.fail(Error{idempotent_ ? Errc::busy : Errc::unknown, told}); }

 private:
  class Handler : public CallHandler {
   public:
    explicit Handler(std::shared_ptr<Relay> relay) : relay_(std::move(relay)) {}
    void on_message(BytesView message) override { relay_->on_message(message); }
    void on_metadata(const Metadata& metadata) override { relay_->call_.tell(metadata); }
    void on_ready() override { relay_->on_child_room(); }
    void on_end(const Status& status) override { relay_->on_end(status); }

   private:
    std::shared_ptr<Relay> relay_;
  };

  Duration remaining() const {
    const TimePoint deadline = call_.context().deadline;
    return deadline == TimePoint::max() ? Duration::max() : std::max(deadline - gate_.clock_.now(), Duration(1));
  }

  void on_message(BytesView message) {
    if (!streams_) return call_.finish(Payload(message));
    unreleased_ += message.size();
    room_ = false;
    if (call_.write(Payload(message))) on_room();
  }

  /// What was written has left, or may be queued without harm: the child may send as much again.
  void on_room() {
    room_ = true;
    if (started_ && unreleased_ != 0) onward_.release(std::exchange(unreleased_, 0));
  }

  /// A message of the caller's stream. Until the child is there it waits; the caller's window bounds how many do.
  void on_request(BytesView message) {
    if (started_) return pass_on(message);
    early_.push_back(to_bytes(message));
  }
  /// The caller may send as much again once the child has taken what he sent.
  void pass_on(BytesView message) {
    unsent_ += message.size();
    if (onward_.write(Payload(message))) on_child_room();
  }
  void on_child_room() { call_.release(std::exchange(unsent_, 0)); }
  void on_request_end() {
    request_ended_ = true;
    if (started_) onward_.finish();
  }

  void on_end(const Status& status) {
    if (status) return call_.finish();
    const bool cut = !gate_alive_.expired() && !gate_.connected() && call_.open() && !cancelled_;
    if (cut) return gate_.cut_.push_back(shared_from_this());
    call_.fail(told(status.error()));
  }

  void on_cancelled() {
    cancelled_ = true;
    const auto self = shared_from_this();
    onward_.cancel();
    if (!gate_alive_.expired()) gate_.forget(*this);
    call_.fail(Error{Errc::cancelled, "cancelled by the caller"});
  }

  /// The child's error without the name of the method, which the caller's side puts before it once more.
  Error told(const Error& error) const {
    const std::string prefix = service_ + "/" + method_ + " at ";
    if (!error.message.starts_with(prefix)) return error;
    return Error{error.code, error.message.substr(prefix.size())};
  }

  ChildGate& gate_;
  std::weak_ptr<char> gate_alive_;
  std::string service_, method_;
  bool streams_;  ///< the child answers with a stream
  bool takes_;    ///< the caller sends one
  bool idempotent_;
  ServerCall call_;
  ClientCall onward_;
  bool started_ = false;
  bool cancelled_ = false;
  bool room_ = true;              ///< the caller takes more
  std::size_t unreleased_ = 0;    ///< bytes of messages whose credit the child has not got back
  std::size_t unsent_ = 0;        ///< bytes of the caller's messages whose credit he has not got back
  bool request_ended_ = false;
  std::vector<Bytes> early_;      ///< the caller's messages from before the child was there
  Bytes request_;
  TimePoint until_ = TimePoint::max();
  std::shared_ptr<std::size_t> count_;  ///< of the gate's relays
};

ChildGate::~ChildGate() {
  alive_.reset();
  const Error gone{Errc::busy, child_ + " is not running: its host is shutting down"};
  for (const auto& relay : waiting_) relay->fail(gone);
  for (const auto& relay : cut_) relay->fail_cut(child_ + " was stopped while it handled this call: its host is shutting down");
}

void ChildGate::open(std::shared_ptr<Caller> to, std::function<bool()> connected) {
  mode_ = Mode::open;
  why_ = "has lost its connection";
  to_ = std::move(to);
  connected_ = std::move(connected);
  const auto caller = to_;
  for (const auto& relay : std::exchange(waiting_, {})) {
    if (relay->open()) relay->start_waiting(*caller);
  }
}

void ChildGate::hold(std::string why) {
  mode_ = Mode::holding;
  why_ = std::move(why);
}

void ChildGate::close(std::string why) {
  mode_ = Mode::closed;
  why_ = std::move(why);
  const Error error{Errc::busy, child_ + " " + why_};
  for (const auto& relay : std::exchange(waiting_, {})) relay->fail(error);
}

void ChildGate::end_cut_calls(const ChildEnd& end) {
  to_ = nullptr;
  const std::string told = child_ + (end.asked ? " was stopped" : " crashed") + " while it handled this call: " + end.reason +
                           (end.outlook.empty() ? "" : "; " + end.outlook);
  for (const auto& relay : std::exchange(cut_, {})) relay->fail_cut(told);
}

void ChildGate::forward(std::string_view service, const MethodInfo& method, BytesView request, ServerCall call) {
  if (mode_ == Mode::closed) return call.fail(Error{Errc::busy, child_ + " " + why_});
  const bool wait = mode_ == Mode::holding || !connected();
  if (wait && waiting_.size() >= kMostWaiting) {
    return call.fail(Error{Errc::busy, child_ + " " + why_ + ", and " + std::to_string(kMostWaiting) + " calls wait for it already"});
  }
  last_used_ = clock_.now();
  const auto relay = std::make_shared<Relay>(*this, service, method, std::move(call));
  relay->listen();
  if (!wait) return relay->start(*to_, request);
  relay->wait(request, clock_.now() + kLongestWait);
  waiting_.push_back(relay);
  planned_();
  if (on_wanted) on_wanted();
}

void ChildGate::forget(const Relay& relay) {
  std::erase_if(waiting_, [&](const auto& one) { return one.get() == &relay; });
  std::erase_if(cut_, [&](const auto& one) { return one.get() == &relay; });
}

void ChildGate::on_time(TimePoint now) {
  while (!waiting_.empty() && waiting_.front()->until() <= now) {
    const auto relay = std::move(waiting_.front());
    waiting_.pop_front();
    relay->fail(Error{Errc::busy, child_ + " " + why_ + "; the call has waited for 5 s"});
  }
}

TimePoint ChildGate::next_wakeup() const { return waiting_.empty() ? TimePoint::max() : waiting_.front()->until(); }

}  // namespace ghost::b2
