#include "schedule.h"

#include <algorithm>

namespace ghost::b2::test {

using namespace std::chrono_literals;

Schedule::Counts& Schedule::Counts::operator+=(const Counts& other) {
  attempts += other.attempts, executions += other.executions, unknown += other.unknown, busy += other.busy, timed_out += other.timed_out;
  messages += other.messages, dropped += other.dropped, frames += other.frames, connections += other.connections, kills += other.kills;
  cuts += other.cuts, stops += other.stops, jumps += other.jumps, events += other.events;
  return *this;
}

Schedule::Schedule(std::uint64_t seed, Lie lie) : world_(seed) {
  truth_.lie = lie;
  truth_.random = SeededRandom(seed);
  SeededRandom& random = truth_.random;
  draw_limits();
  subjects_ = 1 + random.below(3);
  trouble_ = random.chance(0.2) ? 0 : random.unit() * 0.15;
  quick_deadlines_ = random.chance(0.3);
  hosts_.resize(2 + random.below(3));
  followers_.resize(hosts_.size());
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i].address = address(i);
    hosts_[i].network = &world_.add_host(hosts_[i].address);
  }
  for (std::size_t i = 1; i < hosts_.size(); ++i) {
    world_.set_link(address(0), address(i), draw_link());
    world_.set_link(address(i), address(0), draw_link());
    for (std::uint64_t n = random.below(3); n > 0; --n) {
      static const std::vector<std::string> patterns = {"s.0", "s.0", "s.1", "s.*", ">"};
      v1::SubscribeRequest request;
      request.patterns = {patterns[random.below(patterns.size())]};
      request.policy = static_cast<v1::TopicPolicy>(random.below(4));
      if (random.chance(0.25)) {
        request.group = "g";
        request.patterns = {"s.0"};
      } else if (random.chance(0.3)) {
        request.last = true;
      } else if (random.chance(0.3)) {
        request.from = 1;
      }
      followers_[i].push_back(std::make_unique<Follower>(request, random.chance(0.6), random.chance(0.5) ? 0 : 1 + random.below(3000)));
    }
  }
  for (std::size_t i = 0; i < hosts_.size(); ++i) start(i);
}

Schedule::~Schedule() {
  for (Host& host : hosts_) host.node.reset();
}

void Schedule::draw_limits() {
  SeededRandom& random = truth_.random;
  limits_.frame_bytes = random.chance(0.5) ? 4096 : 64 * 1024;
  limits_.connection_window = static_cast<std::uint32_t>(4096u << random.below(5));
  limits_.stream_window = static_cast<std::uint32_t>(4096u << random.below(5));
  limits_.max_connection_window = std::max(limits_.connection_window, static_cast<std::uint32_t>(4096u << random.below(7)));
  limits_.max_stream_window = std::max(limits_.stream_window, static_cast<std::uint32_t>(4096u << random.below(7)));
  limits_.streams = random.chance(0.3) ? 8 : 256;
  budget_ = random.chance(0.3) ? 20'000 + random.below(100'000) : 0;
  topic_limits_.queue_messages = 2 + random.below(20);
  topic_limits_.kept_messages = 1 + random.below(30);
  topic_limits_.held_messages = 50;
}

net::LinkConditions Schedule::draw_link() {
  SeededRandom& random = truth_.random;
  net::LinkConditions link;
  link.delay = std::chrono::microseconds(50 + random.below(random.chance(0.3) ? 100'000 : 3000));
  if (random.chance(0.5)) link.jitter = std::chrono::microseconds(random.below(5000));
  if (random.chance(0.3)) link.loss = random.unit() * 0.05;
  if (random.chance(0.3)) link.fragment = 1 + random.below(700);
  if (random.chance(0.2)) link.rate = 1'000'000 + random.below(20'000'000);
  return link;
}

void Schedule::start(std::size_t number) {
  Host& host = hosts_[number];
  Node::Plan plan;
  plan.address = host.address;
  plan.epoch = number * 1000 + ++host.life;
  plan.limits = limits_;
  plan.budget = budget_;
  if (number == 0) plan.topics = topic_limits_;
  if (truth_.lie == Lie::ignores_windows) plan.scepticism = 2;
  host.node = std::make_unique<Node>(*host.network, truth_, std::move(plan));
  if (number == 0) return host.node->serve();
  host.node->keep_connected(address(0), [this, number](Channel& channel) {
    for (const auto& follower : followers_[number]) follower->follow(*hosts_[number].node, channel);
  });
}

void Schedule::note(const std::vector<std::string>& wrong) { truth_.wrong.insert(truth_.wrong.end(), wrong.begin(), wrong.end()); }

/// Ends a program and looks at what it did and leaves.
void Schedule::forget(Host& host) {
  for (const auto& witness : host.node->witnesses()) {
    counts_.frames += witness->frames();
    ++counts_.connections;
    for (const std::string& violation : witness->violations()) truth_.wrong.push_back(host.node->endpoint().name + " sent a " + violation);
  }
  note(host.node->end());
  host.node.reset();
}

void Schedule::kill(std::size_t number) {
  Host& host = hosts_[number];
  if (!host.node) return;
  ++counts_.kills;
  // Killed as a process its peers hear of it from the kernel; a machine that lost its power says nothing.
  world_.kill(host.address, truth_.random.chance(0.7) ? Duration(1ms) : Duration(60s));
  forget(host);
}

Node* Schedule::some_node() { return hosts_[truth_.random.below(hosts_.size())].node.get(); }

void Schedule::act() {
  SeededRandom& random = truth_.random;
  Node* node = some_node();
  if (node == nullptr || node->machine().stands()) return;
  Channel* channel = node->channel();
  if (channel == nullptr) return;
  const bool of_topics = truth_.lie >= Lie::loses_a_message;  // where a lie is told there is much to be told it of
  if (node != hosts_[0].node.get() && random.chance(of_topics ? 0.8 : 0.3)) {
    for (std::uint64_t n = random.chance(0.3) ? random.below(30) : 1; n > 0; --n) publish(*node, *channel, subject());
    return;
  }
  make_call(*node, *channel, quick_deadlines_);
}

void Schedule::fault() {
  SeededRandom& random = truth_.random;
  const std::size_t number = random.below(hosts_.size());
  Host& host = hosts_[number];
  switch (random.below(8)) {
    case 0:
      if (host.node) return kill(number);
      world_.revive(host.address);
      return start(number);
    case 1:
      if (number == 0) return;
      host.cut = !host.cut;
      ++counts_.cuts;
      return host.cut ? world_.partition(address(0), host.address) : world_.heal(address(0), host.address);
    case 2:
      if (!host.node) return;
      ++counts_.stops;
      return host.node->machine().stands() ? host.node->machine().go_on() : host.node->machine().stop();
    case 3:
      if (!host.node) return;
      ++counts_.jumps;
      clocks_jump_ = true;
      return host.node->machine().jump(std::chrono::milliseconds(random.below(random.chance(0.3) ? 60'000 : 500)));
    case 4:
    case 5:
      if (host.node && !host.node->machine().stands() && !host.node->connections().empty()) host.node->drop(host.node->connections().front());
      return;
    case 6:
      if (host.node && !host.node->machine().stands() && !host.node->connections().empty()) host.node->drain(host.node->connections().back());
      return;
    default:
      world_.run_for(std::chrono::seconds(random.below(30)));
  }
}

/// Everything works again.
void Schedule::mend() {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    Host& host = hosts_[i];
    if (host.cut) world_.heal(address(0), host.address);
    host.cut = false;
    if (!host.node) {
      world_.revive(host.address);
      start(i);
    }
    host.node->machine().go_on();
  }
}

std::vector<std::string> Schedule::run() {
  SeededRandom& random = truth_.random;
  world_.run_for(500ms);
  const std::uint64_t turns = 20 + random.below(100);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    for (std::uint64_t n = random.below(4); n > 0; --n) act();
    if (random.chance(trouble_)) fault();
    world_.run_for(std::chrono::microseconds(random.below(60'000)));
  }
  mend();
  settle();
  check_quiet();
  counts_.attempts = truth_.calls.attempts();
  counts_.executions = truth_.calls.executions();
  counts_.unknown = truth_.calls.ended_with(static_cast<std::uint16_t>(Errc::unknown));
  counts_.busy = truth_.calls.ended_with(static_cast<std::uint16_t>(Errc::busy));
  counts_.timed_out = truth_.calls.ended_with(static_cast<std::uint16_t>(Errc::timed_out));
  counts_.messages = truth_.topics.messages();
  counts_.dropped = truth_.topics.dropped();
  counts_.events = world_.counters().events;
  return truth_.wrong;
}

/// Connections are found dead after at most half a minute, deadlines pass, streams go on to their end; then one message more of each
/// subject, so that whoever lost the last ones can be seen to have.
void Schedule::settle() {
  world_.run_for(90s);
  for (std::uint64_t i = 0; i < subjects_; ++i) {
    Node& node = *hosts_[1].node;
    if (Channel* channel = node.channel()) publish(node, *channel, "s." + std::to_string(i));
    else truth_.wrong.push_back("the first client has no connection 90 s after all was mended");
  }
  world_.run_for(40s);
}

void Schedule::check_quiet() {
  note(truth_.topics.check());
  note(truth_.calls.check(clocks_jump_));
  for (const auto& followers : followers_) {
    for (const auto& follower : followers) follower->stop();
  }
  world_.run_for(5s);
  for (Host& host : hosts_) {
    note(host.node->open_ends());
    forget(host);
  }
}

}  // namespace ghost::b2::test
