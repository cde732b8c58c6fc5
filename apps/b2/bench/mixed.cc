#include "mixed.h"

#include <fmt/format.h>

#include "b2/client_service.h"
#include "b2/typed_call.h"
#include "b2/v1/topics.b2.h"
#include "b2_tls.h"
#include "base/random.h"
#include "mixed_server.h"
#include "net/epoll.h"
#include "socket_directory.h"

namespace ghost::b2::bench {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kConnections = 4;
constexpr std::size_t kInFlight = 24;  ///< on each
constexpr std::size_t kMostTold = 10;

enum class Kind : std::uint8_t { echo, work, count, collect, mirror };

class Mix {
 public:
  Mix(std::unique_ptr<net::EpollNetwork> network, const MixedServer& server, std::shared_ptr<const net::TlsContext> tls, std::uint64_t seed)
      : network_(std::move(network)), tls_(std::move(tls)), random_(seed) {
    endpoint_.name = "mixed client";
    connections_[0].target = connections_[1].target = {server.tcp(), false};
    connections_[2].target = {server.tcp(), true};
    connections_[3].target = {server.unix_socket(), false};
  }
  ~Mix() {
    over_ = true;
    for (Connection& connection : connections_) connection.link.reset();
  }

  void run(Duration span) {
    const TimePoint end = now() + span;
    for (Connection& connection : connections_) dial(connection);
    TimePoint next_drop = now() + 300ms;
    while (now() < end) {
      for (Connection& connection : connections_) fill(connection);
      network_->turn(now() + 20ms);
      if (now() < next_drop) continue;
      next_drop = now() + std::chrono::milliseconds(100 + random_.below(500));
      drop(connections_[random_.below(kConnections)]);
    }
    stop();
  }

  const MixedCounts& counts() const { return counts_; }

 private:
  struct Connection {
    Target target;
    std::unique_ptr<Dial> dialling;
    std::unique_ptr<Link> link;
    std::size_t open = 0;
    std::uint64_t life = 0;        ///< connections it has had
    TimePoint last_cancel{};       ///< a server bears 33 a second
    std::map<std::string, std::uint64_t> topics;  ///< the last number heard, of this life
    std::uint64_t dropped = 0;     ///< told, and not yet found missing
  };

  /// One call.
  struct Op {
    Op(Kind of, Connection& on) : kind(of), connection(on) {}
    Kind kind;
    Connection& connection;
    Bytes request;
    std::uint32_t count = 0, size = 0;  ///< of messages
    std::uint32_t written = 0, came = 0;
    std::uint64_t hash = fold({});
    Bytes answer;
    bool cancels = false, late = false, ended = false;
    ClientCall call;
  };
  using OpPtr = std::shared_ptr<Op>;

  class Handler final : public CallHandler {
   public:
    Handler(Mix& mix, OpPtr op) : mix_(mix), op_(std::move(op)) {}
    void on_message(BytesView message) override { mix_.on_message(*op_, message); }
    void on_ready() override { mix_.write_more(*op_); }
    void on_end(const Status& status) override { mix_.on_end(*op_, status); }

   private:
    Mix& mix_;
    OpPtr op_;
  };

  TimePoint now() const { return network_->reactor().now(); }
  void wrong(std::string what) {
    ++counts_.wrong_total;
    if (counts_.wrong.size() < kMostTold) counts_.wrong.push_back(std::move(what));
  }

  void dial(Connection& connection) {
    if (over_) return;
    connection.dialling = std::make_unique<Dial>(Dial::Parts{*network_, endpoint_, tls_, {}, 30s}, connection.target, [this, &connection](Result<std::unique_ptr<Link>> link) {
      if (!link) return wrong("dial: " + link.error().message);
      connection.link = std::move(*link);
      ++counts_.connections;
      const std::uint64_t life = ++connection.life;
      connection.link->set_events({{}, {}, [this, &connection, life](const Error& why) {
        if (connection.life != life || over_) return;
        wrong("a connection ended by itself: " + why.message);
        network_->post([this, &connection] { redial(connection); });
      }});
      follow(connection);
    });
  }

  void redial(Connection& connection) {
    connection.link.reset();
    dial(connection);
  }

  /// Its calls end with what is known; then it is opened anew.
  void drop(Connection& connection) {
    if (!connection.link || !connection.link->channel().ready()) return;
    ++connection.life;
    connection.link.reset();
    dial(connection);
  }

  void fill(Connection& connection) {
    while (connection.link && connection.link->channel().ready() && connection.open < kInFlight) {
      if (random_.chance(0.2)) publish(connection);
      else start(connection);
    }
  }

  Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    const auto first = static_cast<std::uint8_t>(random_());
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i * 31 + i / 256);
    return bytes;
  }
  std::size_t some_size() { return static_cast<std::size_t>(random_.chance(0.03) ? random_.below(300'000) : random_.chance(0.2) ? random_.below(20'000) : random_.below(200)); }

  void start(Connection& connection) {
    const OpPtr op = std::make_shared<Op>(static_cast<Kind>(random_.below(5)), connection);
    const bool may_cancel = now() - connection.last_cancel > 100ms;
    CallOptions options;
    options.timeout = 120s;
    std::string_view method = kMixedEcho;
    switch (op->kind) {
      case Kind::echo: op->request = random_bytes(some_size()); break;
      case Kind::work: {
        method = kMixedWork;
        op->late = may_cancel && random_.chance(0.3);
        if (op->late) options.timeout = 3ms;
        ByteWriter(op->request).u32(op->late ? 30'000 : static_cast<std::uint32_t>(random_.below(500))).bytes(random_bytes(some_size() % 5000));
        break;
      }
      case Kind::count:
        method = kMixedCount;
        op->count = static_cast<std::uint32_t>(random_.below(200));
        op->size = static_cast<std::uint32_t>(some_size() % 100'000);
        ByteWriter(op->request).u32(op->count).u32(op->size);
        options.manual_credit = random_.chance(0.3);
        break;
      case Kind::collect:
      case Kind::mirror:
        method = op->kind == Kind::collect ? kMixedCollect : kMixedMirror;
        op->count = static_cast<std::uint32_t>(random_.below(100));
        op->size = static_cast<std::uint32_t>(some_size() % 50'000);
        options.streams_request = true;
    }
    op->cancels = may_cancel && !op->late && random_.chance(0.3);
    if (op->cancels || op->late) connection.last_cancel = now();
    ++connection.open;
    ++open_;
    op->call = connection.link->channel().start(kMixed, method, Payload(BytesView(op->request)), options, std::make_unique<Handler>(*this, op));
    if (options.streams_request) write_more(*op);
    if (!op->cancels || op->ended) return;
    if (random_.chance(0.5)) return op->call.cancel();
    network_->post([op] { op->call.cancel(); });
  }

  static Bytes streamed(const Op& op, std::uint32_t number) {
    Bytes message(4 + (op.size == 0 ? 0 : (number * 2654435761u) % op.size), static_cast<std::uint8_t>(number));
    std::memcpy(message.data(), &number, 4);
    return message;
  }

  void write_more(Op& op) {
    while (!op.ended && op.written < op.count) {
      const Bytes message = streamed(op, op.written++);
      op.hash = fold(message, op.hash);
      if (!op.call.write(Payload(BytesView(message)))) return;
    }
    if (!op.ended && op.written == op.count) {
      ++op.written;
      op.call.finish();
    }
  }

  void on_message(Op& op, BytesView message) {
    counts_.bytes += message.size();
    if (op.kind == Kind::count) {
      const std::uint32_t number = op.came++;
      Bytes due(std::max<std::size_t>(op.size, 4), static_cast<std::uint8_t>(number));
      std::memcpy(due.data(), &number, 4);
      if (!std::equal(message.begin(), message.end(), due.begin(), due.end())) wrong("message " + std::to_string(number) + " of a server's stream is not what was due");
      op.call.release(message.size());
    } else if (op.kind == Kind::mirror) {
      const Bytes due = streamed(op, op.came++);
      if (!std::equal(message.begin(), message.end(), due.begin(), due.end())) wrong("an echo of a stream is not what was sent at its place");
    } else {
      op.answer = to_bytes(message);
    }
  }

  void on_end(Op& op, const Status& status) {
    op.ended = true;
    --op.connection.open;
    --open_;
    if (status) return check_answer(op);
    const Errc code = status.error().code;
    if (code == Errc::cancelled && op.cancels) return void(++counts_.cancelled);
    if (code == Errc::timed_out && op.late) return void(++counts_.late);
    const bool dropped = !op.connection.link;  // being reset: its calls are ended by that
    if ((code == Errc::unknown || code == Errc::busy) && (dropped || over_)) return void(++counts_.lost);
    wrong(status.error().message);
  }

  void check_answer(const Op& op) {
    ByteReader in(op.answer);
    switch (op.kind) {
      case Kind::echo:
        ++counts_.echoes;
        if (op.answer != op.request) wrong("an echo is not what was sent");
        return;
      case Kind::work:
        ++counts_.works;
        if (in.u64() != fold(op.request)) wrong("work was done on other bytes than were sent");
        return;
      case Kind::count:
        ++counts_.counts;
        if (op.came != op.count) wrong("a server's stream ended after " + std::to_string(op.came) + " of " + std::to_string(op.count) + " messages");
        return;
      case Kind::collect:
        ++counts_.collects;
        if (in.u32() != op.count || in.u64() != op.hash) wrong("a caller's stream came as another");
        return;
      case Kind::mirror:
        ++counts_.mirrors;
        if (op.came != op.count) wrong("a stream both ways ended after " + std::to_string(op.came) + " of " + std::to_string(op.count) + " echoes");
    }
  }

  void publish(Connection& connection) {
    ++connection.open;
    ++open_;
    CallOptions options;
    options.timeout = 120s;
    b2::v1::PublishRequest request{"mixed." + std::to_string(random_.below(4)), random_bytes(static_cast<std::size_t>(random_.below(2000)))};
    b2::v1::TopicsClient(connection.link->channel()).publish(request, [this, &connection](const Result<b2::v1::PublishResponse>& response) {
      --connection.open;
      --open_;
      if (response) {
        ++counts_.publications;
        if (response->sequence == 0) wrong("a message was published without a number");
      } else if (connection.link && !over_) {
        wrong(response.error().message);
      } else {
        ++counts_.lost;
      }
    }, options);
  }

  /// Follows all topics: each message is the next of its subject, or was told as dropped.
  void follow(Connection& connection) {
    connection.topics.clear();
    connection.dropped = 0;
    b2::v1::SubscribeRequest request;
    request.patterns = {"mixed.*"};
    b2::v1::TopicsClient(connection.link->channel()).subscribe(request, [this, &connection](const b2::v1::TopicEvent& event) {
      if (event.dropped) {
        connection.dropped += event.dropped->count;
        counts_.topic_dropped += event.dropped->count;
      }
      if (!event.message) return;
      ++counts_.topic_messages;
      counts_.bytes += event.message->data.size();
      const auto [last, first] = connection.topics.try_emplace(event.message->subject, event.message->sequence);
      if (first) return;
      const std::uint64_t missing = event.message->sequence - last->second - 1;
      if (event.message->sequence <= last->second || missing > connection.dropped) wrong("a message of a topic was lost in silence, or came out of order");
      else connection.dropped -= missing;
      last->second = event.message->sequence;
    }, [this, &connection](const Status& status) {
      if (!status && connection.link && !over_) wrong("a subscription ended: " + status.error().message);
    });
  }

  /// Lets what is open end.
  void stop() {
    const TimePoint until = now() + 120s;
    while (open_ != 0 && now() < until) network_->turn(now() + 20ms);
    if (open_ != 0) wrong(std::to_string(open_) + " calls have not ended within two minutes");
    over_ = true;
    for (Connection& connection : connections_) {
      connection.dialling.reset();
      connection.link.reset();
    }
    if (endpoint_.budget.used() != 0) wrong("the caller's receive budget is not given back");
  }

  std::unique_ptr<net::EpollNetwork> network_;
  std::shared_ptr<const net::TlsContext> tls_;
  Endpoint endpoint_;
  SeededRandom random_;
  std::array<Connection, kConnections> connections_;
  std::size_t open_ = 0;
  bool over_ = false;
  MixedCounts counts_;
};

}  // namespace

Result<MixedCounts> run_mixed(const MixedOptions& options) {
  const SocketDirectory directory;
  if (const Status made = directory.made(); !made) return made.error();
  const auto server = MixedServer::start(directory.path());
  if (!server) return server.error();
  auto network = net::EpollNetwork::create();
  if (!network) return network.error();
  auto tls = bench_tls();
  if (!tls) return tls.error();
  MixedCounts counts;
  {
    Mix mix(std::move(*network), **server, std::move(*tls), options.seed);
    mix.run(Duration(static_cast<Duration::rep>(options.seconds * 1e9)));
    counts = mix.counts();
  }
  if (const Status books = (*server)->check_books(60s); !books) {
    ++counts.wrong_total;
    counts.wrong.push_back("at the server: " + books.error().message);
  }
  return counts;
}

int mixed_bench(const MixedOptions& options) {
  const auto counts = run_mixed(options);
  if (!counts) {
    fmt::print(stderr, "b2 bench mixed: {}\n", counts.error().message);
    return 1;
  }
  for (const std::string& wrong : counts->wrong) fmt::print(stderr, "b2 bench mixed: {}\n", wrong);
  const std::uint64_t calls = counts->echoes + counts->works + counts->counts + counts->collects + counts->mirrors + counts->publications;
  if (options.json) {
    fmt::print(R"({{"v":1,"event":"mixed","seconds":{},"calls":{},"echoes":{},"works":{},"counts":{},"collects":{},"mirrors":{},"publications":{},)", options.seconds, calls,
               counts->echoes, counts->works, counts->counts, counts->collects, counts->mirrors, counts->publications);
    fmt::print(R"("topic_messages":{},"topic_dropped":{},"cancelled":{},"late":{},"lost":{},"connections":{},"bytes":{},"wrong":{}}})", counts->topic_messages, counts->topic_dropped,
               counts->cancelled, counts->late, counts->lost, counts->connections, counts->bytes, counts->wrong_total);
    fmt::print("\n");
  } else {
    fmt::print("{} calls ended well: {} echoes, {} works, {} streams of the server, {} of the caller, {} of both, {} publications\n", calls, counts->echoes, counts->works,
               counts->counts, counts->collects, counts->mirrors, counts->publications);
    fmt::print("{} messages of topics came, {} were told as dropped; {} calls were cancelled, {} were late, {} lost with one of {} connections\n", counts->topic_messages,
               counts->topic_dropped, counts->cancelled, counts->late, counts->lost, counts->connections);
    fmt::print("{} bytes of content were compared, {} times something was wrong\n", counts->bytes, counts->wrong_total);
  }
  return counts->wrong_total == 0 ? 0 : 1;
}

}  // namespace ghost::b2::bench
