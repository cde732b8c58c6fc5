// A node of a house for the tests of the bridge, told by lines of standard input what to do and saying in lines of JSON what happens:
//   nats_node STATE [--silent MS] [--ping MS] [--listen ADDR] [--ca FILE] [--certificate FILE] [--key FILE] [--credentials FILE] URL…
//   sub ID PATTERN [GROUP]     → ack, message, dropped, ended
//   unsub ID
//   list                       → bridge: whether it is connected, to which server, and who is alive
//   pub SUBJECT COUNT [SIZE]   → published. Each message holds its number among this program's under the subject, and SIZE bytes more
//   call NODE METHOD TIMEOUT_MS NAME [SIZE [ANSWER]]  → called: the status with which b2.test.v1.Work/METHOD there has ended. NODE may be
//                                "any"; SIZE bytes are added to the request, ANSWER bytes to the answer
//   cancel NAME
// It ends with its standard input.
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "b2/client_service.h"
#include "b2/node_service.h"
#include "b2/v1/bridge.b2.h"
#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/topics.b2.h"

namespace {

using namespace ghost;
using namespace ghost::b2;
using nlohmann::json;

void say(const json& line) { std::cout << line.dump() << std::endl; }

/// Grind is not idempotent: what it says of each call is the ledger of what was carried out. One of the name "never" is not answered.
class Work : public test::v1::WorkService {
 public:
  void answer_grind(test::v1::Tree request, UnaryCall<test::v1::Leaf> call) override {
    say({{"event", "executed"}, {"name", request.name}, {"caller", call.context().caller->name}});
    const auto held = std::make_shared<UnaryCall<test::v1::Leaf>>(std::move(call));
    held->on_cancel([name = request.name] { say({{"event", "cancelled"}, {"name", name}}); });
    if (request.name == "never") held_.push_back(held);
    else held->finish(answer_of(request));
  }

 private:
  static test::v1::Leaf answer_of(const test::v1::Tree& request) {
    test::v1::Leaf leaf;
    if (request.leaf && request.leaf->weight > 0) leaf.tree.emplace().name.assign(static_cast<std::size_t>(request.leaf->weight), 'x');
    return leaf;
  }

  std::vector<std::shared_ptr<UnaryCall<test::v1::Leaf>>> held_;
};

class Told {
 public:
  Told(net::EpollNetwork& network, std::string socket) : network_(network), socket_(std::move(socket)) {}

  Status connect() {
    std::optional<Result<std::unique_ptr<Link>>> opened;
    endpoint_.name = "test";
    auto target = Target::parse(socket_);
    if (!target) return target.error();
    Dial dial({network_, endpoint_, nullptr, {}, std::chrono::seconds(10)}, *target, [&](Result<std::unique_ptr<Link>> link) { opened = std::move(link); });
    while (!opened) network_.turn(TimePoint::max());
    if (!*opened) return opened->error();
    link_ = std::move(**opened);
    topics_.emplace(link_->channel());
    return {};
  }

  void read() {
    std::array<char, 65536> bytes;
    const auto count = ::read(0, bytes.data(), bytes.size());
    if (count <= 0) return network_.stop();
    text_.append(bytes.data(), static_cast<std::size_t>(count));
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      std::istringstream words(text_.substr(0, end));
      text_.erase(0, end + 1);
      std::string verb;
      words >> verb;
      if (verb == "sub") subscribe(words);
      if (verb == "unsub") unsubscribe(words);
      if (verb == "pub") publish(words);
      if (verb == "list") list();
      if (verb == "call") call(words);
      if (verb == "cancel") cancel(words);
    }
  }

 private:
  void subscribe(std::istringstream& words) {
    std::string id, pattern, group;
    words >> id >> pattern >> group;
    v1::SubscribeRequest request;
    request.patterns = {pattern};
    request.group = group;
    CallOptions options;
    options.timeout = Duration::max();
    calls_[id] = topics_->subscribe(
        request, [id](const v1::TopicEvent& event) { tell(id, event); },
        [id](const Status& status) { say({{"event", "ended"}, {"id", id}, {"why", status ? "" : status.error().message}}); }, options);
  }
  static void tell(const std::string& id, const v1::TopicEvent& event) {
    if (event.ack) say({{"event", "ack"}, {"id", id}, {"unconfirmed", event.ack->unconfirmed}});
    if (event.dropped) say({{"event", "dropped"}, {"id", id}, {"count", event.dropped->count}, {"uncounted", event.dropped->uncounted}});
    if (!event.message) return;
    const std::string data(as_text(event.message->data));
    json line = {{"event", "message"}, {"id", id}, {"subject", event.message->subject}, {"sequence", event.message->sequence}, {"data", std::stoull(data)}};
    if (event.message->origin) line["from"] = to_hex(event.message->origin->node).substr(0, 8);
    say(line);
  }
  void unsubscribe(std::istringstream& words) {
    std::string id;
    words >> id;
    calls_[id].cancel();
    calls_.erase(id);
  }
  void list() {
    v1::BridgeClient(link_->channel()).list({}, [](const Result<v1::BridgeListResponse>& answer) {
      if (!answer) return say({{"event", "bridge"}, {"connected", false}, {"server", answer.error().message}, {"alive", json::array()}});
      json alive = json::array();
      for (const v1::BridgeNode& node : answer->nodes) {
        if (node.alive) alive.push_back(node.name);
      }
      say({{"event", "bridge"}, {"connected", answer->connected}, {"server", answer->server}, {"problem", answer->problem}, {"alive", alive}});
    });
  }
  void call(std::istringstream& words) {
    v1::BridgeCallRequest request;
    std::string name;
    int timeout = 0, answer_bytes = 0;
    std::size_t size = 0;
    words >> request.node >> request.method >> timeout >> name >> size >> answer_bytes;
    if (request.node == "any") request.node.clear();
    request.service = "b2.test.v1.Work";
    test::v1::Tree tree;
    tree.name = name;
    if (size > 0) tree.more.emplace_back().name.assign(size, 'x');
    if (answer_bytes > 0) tree.leaf.emplace().weight = answer_bytes;
    request.request = encode(tree);
    CallOptions options;
    options.timeout = std::chrono::milliseconds(timeout);
    calls_[name] = v1::BridgeClient(link_->channel()).call_node(request, [name](const Result<v1::BridgeCallResponse>& answer) {
      say({{"event", "called"}, {"name", name}, {"status", answer ? 0 : static_cast<int>(answer.error().code)}, {"why", answer ? answer->node : answer.error().message}});
    }, options);
  }
  void cancel(std::istringstream& words) {
    std::string name;
    words >> name;
    calls_[name].cancel();
  }
  void publish(std::istringstream& words) {
    std::string subject;
    std::size_t count = 0, size = 0;
    words >> subject >> count >> size;
    const auto left = std::make_shared<std::size_t>(count);
    const auto done = std::make_shared<std::size_t>(0);
    for (std::size_t i = 0; i < count; ++i) {
      v1::PublishRequest request;
      request.subject = subject;
      request.data = to_bytes(as_bytes(std::to_string(++numbers_[subject]) + std::string(size, ' ')));
      topics_->publish(request, [left, done, subject](const Result<v1::PublishResponse>& answer) {
        if (answer) ++*done;
        else say({{"event", "failed"}, {"why", answer.error().message}});
        if (--*left == 0) say({{"event", "published"}, {"subject", subject}, {"count", *done}});
      });
    }
  }

  net::EpollNetwork& network_;
  std::string socket_, text_;
  Endpoint endpoint_;
  std::unique_ptr<Link> link_;
  std::optional<v1::TopicsClient> topics_;
  std::map<std::string, ClientCall> calls_;
  std::map<std::string, std::uint64_t> numbers_;
};

/// What the words after STATE say; false when they say something else.
bool take_words(Node::Options& options, int count, char** words) {
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    if (!word.starts_with("--")) {
      options.nats.urls.push_back(word);
      continue;
    }
    if (++i == count) return false;
    const std::string value = words[i];
    if (word == "--silent") options.nats.silent = std::chrono::milliseconds(std::stoi(value));
    else if (word == "--ping") options.nats.ping = std::chrono::milliseconds(std::stoi(value));
    else if (word == "--ca") options.nats.ca = value;
    else if (word == "--certificate") options.nats.certificate = value;
    else if (word == "--key") options.nats.key = value;
    else if (word == "--credentials") options.nats.credentials = value;
    else if (word == "--listen") options.listen.push_back(*net::Address::parse(value, 0));
    else return false;
  }
  return !options.nats.urls.empty();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  auto network = net::EpollNetwork::create();
  if (argc < 3 || !network) return 2;
  const std::string socket = std::string(argv[1]) + "/b2.sock";
  Node::Options options;
  options.program = "nats_node";
  options.version = "1";
  options.state = argv[1];
  options.listen = {net::Address::unix_path(socket)};
  if (!take_words(options, argc - 2, argv + 2)) return 2;
  auto node = Node::start(**network, options, Logger::to_stderr(LogLevel::debug));
  if (!node) {
    std::cerr << node.error().message << "\n";
    return 1;
  }
  Work work;
  (*node)->endpoint().services.add(work);
  Told told(**network, "unix:" + socket);
  if (const Status connected = told.connect(); !connected) {
    std::cerr << connected.error().message << "\n";
    return 1;
  }
  say({{"event", "ready"}});
  const auto input = (*network)->watch(0, POLLIN, [&](short) { told.read(); });
  (*network)->run();
  (*node)->shut_down([&] { (*network)->stop(); });
  (*network)->run();
  return 0;
}
