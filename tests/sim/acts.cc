#include "acts.h"

#include <array>
#include <utility>

#include "b2/typed_call.h"

namespace ghost::b2::test {

namespace {

using namespace std::chrono_literals;

constexpr int kMostAttempts = 4;

/// A call as its caller sees it.
struct Making {
  Node& node;
  CallKind kind;
  Ask ask;
  CallOptions options;
  std::size_t request_size = 0;
  CallHistory::CallId call = 0;
  int attempts = 0;
  TimePoint first_sent{};
  std::uint32_t writes = 0;  ///< messages of its stream
  std::uint64_t epoch = 0;   ///< of the callee that a call with a key was first sent to

  CallHistory::AttemptId attempt = 0;
  ClientCall under_way{};
  bool over = false;
  std::uint32_t written = 0, came = 0;
  std::uint64_t execution = 0;
  std::vector<std::uint64_t> hashes{};  ///< of what was written: after each message
  Bytes answer{};

  Truth& truth() { return node.truth(); }
};
using MakingPtr = std::shared_ptr<Making>;

void attempt(const MakingPtr& making, Channel& channel);

void make_key(Making& making) {
  IdempotencyKey& key = making.options.key.emplace();
  for (auto& byte : key) byte = static_cast<std::uint8_t>(making.truth().random());
}

Bytes stream_message(const Making& making, std::uint32_t number) {
  if (number == 0) return making.ask.write();
  Bytes message;
  ByteWriter(message).u32(number);
  message.resize(4 + (number * 2654435761u + making.ask.size) % (making.ask.size + 1));
  return message;
}

void write_more(const MakingPtr& making) {
  while (!making->over && making->written < making->writes) {
    const Bytes message = stream_message(*making, making->written++);
    making->hashes.push_back(fold(making->hashes.empty() ? 0xcbf29ce484222325u : making->hashes.back(), message));
    if (!making->under_way.write(Payload(BytesView(message)))) return;
  }
  if (!making->over && making->written == making->writes) {
    ++making->written;
    making->under_way.finish();
  }
}

class ActHandler final : public CallHandler {
 public:
  explicit ActHandler(MakingPtr making) : making_(std::move(making)) {}

  void on_message(BytesView message) override {
    if (over_) return wrong("a message came after its end");
    if (making_->options.manual_credit) {
      making_->node.later(std::chrono::milliseconds(making_->truth().random.below(60)), [making = making_, size = message.size()] { making->under_way.release(size); });
    }
    ByteReader in(message);
    const std::uint64_t execution = in.u64();
    switch (making_->kind) {
      case CallKind::count:
        if (in.u32() != making_->came) unfit("messages of its stream are out of order or missing");
        break;
      case CallKind::mirror: {
        const Bytes due = stream_message(*making_, making_->came);
        const BytesView echo = in.rest();
        if (!std::equal(echo.begin(), echo.end(), due.begin(), due.end())) unfit("an echo is not what was sent at its place");
        break;
      }
      default: making_->answer = to_bytes(message);
    }
    if (making_->came != 0 && making_->execution != execution) unfit("messages of two executions came");
    making_->execution = execution;
    ++making_->came;
  }

  void on_ready() override {
    if (over_) return wrong("room was told of after its end");
    write_more(making_);
  }

  void on_end(const Status& status) override {
    Truth& truth = making_->truth();
    over_ = true;
    making_->over = true;
    if (making_->node.dying()) truth.calls.caller_died(making_->attempt);
    if (status) check_answer();
    if (truth.lies(Lie::never_ends, 0.05)) return;
    truth.calls.end(making_->attempt, status, making_->execution, making_->node.machine().now());
    if (truth.lies(Lie::ends_twice, 0.05)) truth.calls.end(making_->attempt, status, making_->execution, making_->node.machine().now());
    if (status || making_->node.dying()) return;
    const bool by_key = making_->kind == CallKind::keyed && status.error().code == Errc::unknown;
    const bool blindly = making_->kind == CallKind::act && status.error().code == Errc::unknown && truth.lies(Lie::sends_again_blindly);
    if ((status.error().code == Errc::busy || by_key || blindly) && making_->attempts < kMostAttempts) again();
  }

 private:
  void wrong(const std::string& what) { making_->truth().wrong.push_back("call " + std::to_string(making_->call) + ": " + what); }
  /// Of what the peer said, if it was the peer.
  void unfit(const std::string& what) {
    if (making_->truth().honest) wrong(what);
  }

  void again() {
    making_->node.later(std::chrono::milliseconds(20 + making_->truth().random.below(400)), [making = making_] {
      // A key is good for 30 s after its call was first sent (docs/spec/b2.md §5).
      if (making->kind == CallKind::keyed && making->node.machine().now() >= making->first_sent + 30s) return;
      if (Channel* channel = making->node.channel()) attempt(making, *channel);
    });
  }

  void check_answer() {
    ByteReader in(making_->answer);
    const std::uint64_t execution = in.u64();
    switch (making_->kind) {
      case CallKind::count:
        if (making_->came != making_->ask.count) unfit("told success after " + std::to_string(making_->came) + " of " + std::to_string(making_->ask.count) + " messages");
        return;
      case CallKind::mirror:
        if (making_->came != making_->writes) unfit("told success after " + std::to_string(making_->came) + " of " + std::to_string(making_->writes) + " echoes");
        return;
      case CallKind::collect: {
        making_->execution = execution;
        const std::uint32_t messages = in.u32();
        const std::uint32_t due = making_->ask.count != 0 ? making_->ask.count : making_->writes;
        if (messages != due || messages > making_->hashes.size()) return unfit("its callee counted " + std::to_string(messages) + " messages, " + std::to_string(due) + " were due");
        if (in.u64() != making_->hashes[messages - 1]) unfit("its callee got other bytes than were sent");
        return;
      }
      default:
        making_->execution = execution;
        if (execution != 0 && making_->answer.size() < making_->ask.size) unfit("its answer is cut off");
    }
  }

  MakingPtr making_;
  bool over_ = false;
};

void attempt(const MakingPtr& making, Channel& channel) {
  Truth& truth = making->truth();
  Node& node = making->node;
  ++making->attempts;
  making->over = false;
  making->written = making->came = 0;
  making->execution = 0;
  making->hashes.clear();
  making->answer.clear();
  making->attempt = truth.calls.begin(making->call, making->kind, node.machine().now(), making->options.timeout);
  if (making->kind != CallKind::keyed || making->attempts == 1) making->ask.attempt = making->attempt;
  if (making->kind == CallKind::keyed && making->attempts == 1) {
    making->epoch = channel.peer_hello().boot_epoch;
    making->first_sent = node.machine().now();
    make_key(*making);
  } else if (making->kind == CallKind::keyed) {
    making->options.epoch = making->epoch;
    if (truth.lies(Lie::changes_keys)) {
      make_key(*making);
      making->options.epoch.reset();
    }
  }
  const std::string_view method = kActs[making->kind == CallKind::act || making->kind == CallKind::keyed ? 0 : static_cast<std::size_t>(making->kind) - (making->kind == CallKind::look ? 0 : 1)].name;
  const Bytes request = making->options.streams_request ? Bytes() : making->ask.write(making->request_size);
  making->under_way = channel.start(kActing, method, Payload(BytesView(request)), making->options, std::make_unique<ActHandler>(making));
  if (making->options.streams_request) write_more(making);
  if (!truth.random.chance(0.08)) return;
  node.later(std::chrono::milliseconds(truth.random.below(200)), [making, which = making->attempt] {
    if (making->over || making->attempt != which) return;
    making->truth().calls.cancel(which);
    making->under_way.cancel();
  });
}

}  // namespace

void make_call(Node& node, Channel& channel, bool quick_deadlines) {
  SeededRandom& random = node.truth().random;
  static constexpr std::array<CallKind, 10> kKinds = {CallKind::act, CallKind::act, CallKind::keyed, CallKind::keyed, CallKind::look, CallKind::look, CallKind::count, CallKind::count, CallKind::collect, CallKind::mirror};
  const MakingPtr making = std::make_shared<Making>(Making{node, kKinds[random.below(kKinds.size())], {}, {}});
  making->call = node.truth().calls.new_call();
  making->options.idempotent = making->kind == CallKind::look;
  making->options.timeout = random.chance(0.3) ? Duration::max() : std::chrono::milliseconds(1 + random.below(quick_deadlines ? 100 : 5000));
  making->options.streams_request = making->kind == CallKind::collect || making->kind == CallKind::mirror;
  making->options.manual_credit = random.chance(0.3);
  making->ask.mode = static_cast<Mode>(random.below(static_cast<std::uint64_t>(Mode::count_)));
  if (random.chance(0.5)) making->ask.mode = Mode::at_once;
  making->ask.delay_ms = static_cast<std::uint32_t>(random.below(400));
  making->ask.size = static_cast<std::uint32_t>(random.chance(0.15) ? random.below(30'000) : random.below(300));
  making->request_size = static_cast<std::size_t>(random.chance(0.15) ? random.below(30'000) : random.below(300));
  making->ask.count = static_cast<std::uint32_t>(1 + random.below(40));
  making->writes = 1 + static_cast<std::uint32_t>(random.below(30));
  if (making->kind == CallKind::collect) making->ask.count = random.chance(0.7) ? 0 : 1 + static_cast<std::uint32_t>(random.below(making->writes));
  if (making->options.streams_request) making->ask.size %= 6000;
  if (making->options.streams_request && random.chance(0.1)) making->options.manual_credit = false;
  if (making->kind <= CallKind::keyed) making->options.manual_credit = false;
  attempt(making, channel);
}

void publish(Node& node, Channel& channel, const std::string& subject) {
  Truth& truth = node.truth();
  v1::PublishRequest request;
  request.subject = subject;
  const std::uint64_t number = truth.topics.publish(subject);
  ByteWriter(request.data).u64(number);
  request.data.resize(8 + truth.random.below(truth.random.chance(0.5) ? 3000 : 100));
  CallOptions options;
  options.timeout = truth.random.chance(0.5) ? Duration::max() : std::chrono::milliseconds(50 + truth.random.below(3000));
  v1::TopicsClient(channel).publish(request, [&truth, number](const Result<v1::PublishResponse>& response) {
    std::uint16_t outcome = response ? std::uint16_t{0} : static_cast<std::uint16_t>(response.error().code);
    v1::PublishResponse told = response ? *response : v1::PublishResponse{};
    if (response && truth.lies(Lie::misnumbers_a_publication, 0.2)) ++told.sequence;
    if (response && truth.lies(Lie::denies_a_publication, 0.2)) outcome = static_cast<std::uint16_t>(Errc::busy);
    truth.topics.published(number, outcome, told);
  }, options);
}

class Follower::Handler final : public CallHandler {
 public:
  Handler(Follower& follower, Node& node, std::weak_ptr<Channel> channel, std::size_t subscription)
      : follower_(follower), node_(node), channel_(std::move(channel)), subscription_(subscription) {}

  void on_message(BytesView message) override {
    if (follower_.slow_) {
      node_.later(std::chrono::milliseconds(node_.truth().random.below(follower_.pause_ms_)), [this_follower = &follower_, size = message.size()] { this_follower->call_.release(size); });
    }
    const auto event = decode<v1::TopicEvent>(message);
    if (!event && !node_.truth().honest) return;
    if (!event) return node_.truth().wrong.push_back("a topic's event cannot be read: " + event.error().message);
    follower_.on_event(node_, subscription_, *event);
  }

  void on_end(const Status& status) override {
    follower_.active_ = false;
    node_.truth().topics.ended(subscription_, status ? std::uint16_t{0} : static_cast<std::uint16_t>(status.error().code));
    if (node_.dying()) return;
    node_.later(std::chrono::milliseconds(20 + node_.truth().random.below(300)), [&follower = follower_, &node = node_, weak = channel_] {
      const auto channel = weak.lock();
      if (channel && channel->ready()) follower.follow(node, *channel);
    });
  }

 private:
  Follower& follower_;
  Node& node_;
  std::weak_ptr<Channel> channel_;
  std::size_t subscription_;
};

void Follower::follow(Node& node, Channel& channel) {
  if (active_ || stopped_) return;
  Truth& truth = node.truth();
  v1::SubscribeRequest request = request_;
  if (goes_on_ && request.group.empty()) {
    request.epoch = epoch_;
    for (const auto& [subject, next] : next_) request.positions.push_back({subject, next});
    if (request.from == 0 && !next_.empty()) request.from = 1;
    if (!next_.empty()) request.last = false;
  }
  const std::size_t subscription = truth.topics.subscribe(request);
  if (truth.lies(Lie::acknowledges_early)) truth.topics.at(subscription).acknowledged = 1;
  hidden_ = 0;
  held_back_.reset();
  CallOptions options = without_timeout();
  options.manual_credit = slow_;
  active_ = true;
  const auto shared = std::static_pointer_cast<Channel>(channel.shared_from_this());
  call_ = channel.start("b2.v1.Topics", "Subscribe", payload(request), options, std::make_unique<Handler>(*this, node, shared, subscription));
}

void Follower::on_event(Node& node, std::size_t subscription, const v1::TopicEvent& event) {
  Truth& truth = node.truth();
  v1::TopicEvent told = event;
  if (told.ack) {
    if (epoch_ != told.ack->epoch) next_.clear();
    epoch_ = told.ack->epoch;
    if (truth.lie == Lie::hides_missed) told.ack->missed = 0;
  }
  if (told.message) {
    next_[told.message->subject] = told.message->sequence + 1;
    if (truth.lies(Lie::loses_a_message, 0.05)) return;
    if (truth.lies(Lie::changes_data, 0.05)) told.message->data[0] = static_cast<std::uint8_t>(told.message->data[0] + 1);
    if (truth.lies(Lie::swaps_messages, 0.1) && !held_back_) {
      held_back_ = told;
      return;
    }
    if (truth.lies(Lie::doubles_a_message, 0.05)) truth.topics.heard(subscription, told);
    if (truth.lies(Lie::gives_a_group_twice) && !request_.group.empty()) {
      for (std::size_t i = 0; i < truth.topics.subscriptions(); ++i) {
        const auto& other = truth.topics.at(i);
        if (i != subscription && other.request.group == request_.group && other.ended == 0 && other.acknowledged != 0) truth.topics.heard(i, told);
      }
    }
  }
  if (told.dropped) {
    if (truth.lies(Lie::undercounts_drops, 0.5)) {
      hidden_ += told.dropped->count;
      return;
    }
    told.dropped->total -= hidden_;
  }
  truth.topics.heard(subscription, told);
  if (held_back_ && told.message) truth.topics.heard(subscription, *std::exchange(held_back_, std::nullopt));
}

}  // namespace ghost::b2::test
