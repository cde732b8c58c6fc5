#include "scripted_run.h"

#include <algorithm>

namespace ghost::b2::test {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kBudget = 200 * 1024;
constexpr MethodInfo kExtraMethods[] = {{"Nothing", MethodKind::unary, "public", true, true}};

}  // namespace

/// A service that comes and goes.
struct ScriptedRun::Extra final : Service {
  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t, BytesView, ServerCall call) override { call.finish(); }
  bool there = false;
  ServiceInfo info_{"proof.v1.Extra", "v1", kExtraMethods, {}};
};

ScriptedRun::ScriptedRun(BytesView script) : script_(script) {
  const std::uint8_t size = next(), shape = next();
  truth_.random = SeededRandom(shape);
  limits_.frame_bytes = (size & 1) != 0 ? 4096 : 64 * 1024;
  limits_.connection_window = 4096u << ((size >> 1) & 3);
  limits_.stream_window = 4096u << ((size >> 3) & 3);
  limits_.max_connection_window = limits_.connection_window * 4;
  limits_.max_stream_window = limits_.stream_window * 4;
  limits_.streams = (size & 32) != 0 ? 4 : 64;
  limits_.control_burst = (size & 64) != 0 ? 8 : 1000;
  net::LinkConditions link;
  link.delay = std::chrono::microseconds(50 + 500 * (shape & 15));
  if ((shape & 16) != 0) link.fragment = 50;
  if ((shape & 32) != 0) link.loss = 0.02;
  if ((shape & 64) != 0) link.rate = 5'000'000;
  world_.set_default_link(link);
  TopicLimits topics;
  topics.queue_messages = 4;
  topics.kept_messages = 3;
  for (std::size_t i = 0; i < 2; ++i) {
    networks_[i] = &world_.add_host(address(i));
    nodes_[i] = std::make_unique<Node>(*networks_[i], truth_, Node::Plan{address(i), 100 + i, limits_, kBudget, topics, 1});
    extras_[i] = std::make_unique<Extra>();
    nodes_[i]->endpoint().services.on_change = [this, i](const v1::ServiceEntry& changed) {
      for (Connection& connection : nodes_[i]->connections()) connection.link->channel().tell_services(changed);
    };
  }
  nodes_[0]->serve();
  nodes_[1]->keep_connected(address(0), {});
}

ScriptedRun::~ScriptedRun() {
  for (const auto& node : nodes_) {
    if (node) node->endpoint().services.on_change = nullptr;
  }
}

void ScriptedRun::call(Node& node) {
  truth_.random = SeededRandom(next());
  Channel* channel = node.channel();
  if (channel != nullptr && !node.machine().stands()) make_call(node, *channel, truth_.random.chance(0.3));
}

void ScriptedRun::tell(Node& node) {
  truth_.random = SeededRandom(next());
  Channel* channel = node.channel();
  if (channel != nullptr && !node.machine().stands()) publish(node, *channel, "s.0");
}

void ScriptedRun::follow(Node& node) {
  const std::uint8_t how = next();
  Channel* channel = node.channel();
  if (channel == nullptr || node.machine().stands() || followers_.size() >= 8) return;
  v1::SubscribeRequest request;
  request.patterns = {(how & 1) != 0 ? "s.0" : ">"};
  request.policy = static_cast<v1::TopicPolicy>((how >> 1) & 3);
  if ((how & 8) != 0) request.from = 1;
  followers_.push_back(std::make_unique<Follower>(request, (how & 16) != 0, (how & 32) != 0 ? 500 : 0));
  followers_.back()->follow(node, *channel);
}

void ScriptedRun::ping(Node& node) {
  Channel* channel = node.channel();
  if (channel == nullptr || node.machine().stands()) return;
  ++pings_;
  channel->ping([this](const Result<Duration>&) { ++pongs_; });
}

/// A frame that neither side wrote, well formed or nearly.
void ScriptedRun::put_frame(Node& node) {
  const std::uint8_t form = next(), stream = next(), code = next(), length = next();
  if (node.connections().empty() || node.machine().stands()) return;
  truth_.honest = false;
  FrameHeader header;
  header.type = static_cast<FrameType>(form & 15);
  if ((form & 0xf0) == 0xf0) header.type = static_cast<FrameType>(0x80 | form);
  header.flags = static_cast<std::uint8_t>(form >> 4);
  header.stream = stream;
  header.code = code;
  header.length = length;
  if (code > 250) header.credit = code == 255 ? 0x7fffffff : code;
  if (length > 250) header.extension_words = static_cast<std::uint8_t>(length - 240);
  Bytes frame(header.total());
  write_header(header, frame.data());
  for (std::size_t i = kHeaderSize; i < frame.size() && i < kHeaderSize + 8; ++i) frame[i] = next();
  node.connections().front().tap->inject(std::move(frame));
}

void ScriptedRun::put_garbage(Node& node) {
  Bytes bytes;
  for (std::uint8_t length = next() & 15; length > 0; --length) bytes.push_back(next());
  if (node.connections().empty() || node.machine().stands() || bytes.empty()) return;
  truth_.honest = false;
  node.connections().front().tap->inject(std::move(bytes));
}

/// Somebody else in the process uses up what is left of the budget; or has enough.
void ScriptedRun::hog(std::size_t which) {
  ReceiveBudget& budget = nodes_[which]->endpoint().budget;
  if (hogged_[which] != 0) return budget.give(std::exchange(hogged_[which], 0));
  hogged_[which] = budget.total() - budget.used();
  if (!budget.take(hogged_[which])) truth_.wrong.push_back("a budget did not give what it has left");
}

void ScriptedRun::toggle_service(std::size_t which) {
  Node& node = *nodes_[which];
  if (node.machine().stands()) return;
  Extra& extra = *extras_[which];
  if (std::exchange(extra.there, !extra.there)) node.endpoint().services.remove(extra);
  else node.endpoint().services.add(extra);
}

void ScriptedRun::act(std::uint8_t what) {
  const std::size_t which = (what >> 5) & 1;
  Node& node = *nodes_[which];
  switch (what & 31) {
    case 0:
    case 1:
    case 2:
    case 3: return call(node);
    case 4: return tell(node);
    case 5: return follow(node);
    case 6: return ping(node);
    case 7: return put_frame(node);
    case 8: return put_garbage(node);
    case 9: return hog(which);
    case 10: return toggle_service(which);
    case 11:
      if (!node.machine().stands() && !node.connections().empty()) node.drop(node.connections().front());
      return;
    case 12:
      if (!node.machine().stands() && !node.connections().empty()) node.drain(node.connections().back());
      return;
    case 13:
      cut_ = !cut_;
      return cut_ ? world_.partition(address(0), address(1)) : world_.heal(address(0), address(1));
    case 14: return node.machine().stands() ? node.machine().go_on() : node.machine().stop();
    case 15:
      clocks_jump_ = true;
      return node.machine().jump(std::chrono::milliseconds(100) * next());
    case 16: return world_.run_for(std::chrono::milliseconds(200) * next());
    default: return world_.run_for(std::chrono::microseconds(1u << (what & 15)));
  }
}

void ScriptedRun::check_bounds() {
  for (const auto& node : nodes_) {
    const ReceiveBudget& budget = node->endpoint().budget;
    if (budget.used() > budget.total()) truth_.wrong.push_back(node->endpoint().name + " used " + std::to_string(budget.used()) + " bytes of a receive budget of " + std::to_string(budget.total()));
    for (const Connection& connection : node->connections()) {
      const std::size_t open = connection.link->channel().open_streams();
      if (open > 2 * limits_.streams) truth_.wrong.push_back(node->endpoint().name + " has " + std::to_string(open) + " open streams");
    }
  }
}

void ScriptedRun::mend() {
  if (cut_) world_.heal(address(0), address(1));
  for (std::size_t i = 0; i < 2; ++i) {
    if (hogged_[i] != 0) hog(i);
    nodes_[i]->machine().go_on();
  }
}

void ScriptedRun::finish() {
  world_.run_for(100s);
  const auto note = [this](const std::vector<std::string>& wrong) { truth_.wrong.insert(truth_.wrong.end(), wrong.begin(), wrong.end()); };
  if (truth_.honest) {
    note(truth_.topics.check());
    note(truth_.calls.check(clocks_jump_));
    for (const auto& follower : followers_) follower->stop();
    world_.run_for(5s);
    for (const auto& node : nodes_) note(node->open_ends());
  }
  for (const auto& node : nodes_) {
    for (const auto& witness : node->witnesses()) note(witness->violations());
    node->endpoint().services.on_change = nullptr;
    note(node->end());
    for (const MethodEntry& method : node->endpoint().services.methods()) {
      if (method.counters.open() != 0) truth_.wrong.push_back(node->endpoint().name + ": calls of " + method.name + " count as open without a connection");
    }
  }
  if (!truth_.honest) note(truth_.calls.check_ends());
  if (pings_ != pongs_) truth_.wrong.push_back(std::to_string(pings_) + " PINGs were told of " + std::to_string(pongs_) + " times");
}

std::vector<std::string> ScriptedRun::run() {
  world_.run_for(100ms);
  for (std::size_t acts = 0; acts < kMostActs && script_.remaining() != 0; ++acts) {
    act(next());
    check_bounds();
  }
  mend();
  finish();
  return truth_.wrong;
}

}  // namespace ghost::b2::test
