#include "mixed_server.h"

#include <future>

#include "b2/server_service.h"
#include "b2/topics_service.h"
#include "b2/workers.h"
#include "b2_tls.h"
#include "net/epoll.h"

namespace ghost::b2::bench {

std::uint64_t fold(BytesView bytes, std::uint64_t hash) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

namespace {

constexpr MethodInfo kMixedMethods[] = {
    {kMixedEcho, MethodKind::unary, "public", true, true},              // answers with the request
    {kMixedWork, MethodKind::unary, "public", false, false},            // u32 us: works so long, then answers with the request's hash
    {kMixedCount, MethodKind::server_stream, "public", true, false},    // u32 n, u32 size: n messages that begin with their number
    {kMixedCollect, MethodKind::client_stream, "public", true, false},  // answers u32 messages, u64 hash of them all
    {kMixedMirror, MethodKind::bidirectional, "public", true, false},   // each message comes back
};
constexpr std::uint32_t kMost = 1'000'000;

}  // namespace

class MixedServer::Calls final : public Service {
 public:
  const ServiceInfo& info() const override { return info_; }

  void handle(std::size_t method, BytesView request, ServerCall call) override {
    switch (method) {
      case 0: return call.finish(Payload(request));
      case 1: return work(request, std::move(call));
      case 2: return count(request, std::move(call));
      case 3: return collect(std::move(call));
      default: return mirror(std::move(call));
    }
  }

 private:
  static void work(BytesView request, ServerCall call) {
    call.answer_on_worker([request = to_bytes(request)](const CallContext& context) -> Result<Bytes> {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(std::min(ByteReader(request).u32(), kMost));
      while (std::chrono::steady_clock::now() < until) {
        if (context.cancelled && context.cancelled->load()) return Error{Errc::cancelled, "nobody waits for it"};
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      Bytes told;
      ByteWriter(told).u64(fold(request));
      return told;
    });
  }

  struct Counting {
    ServerCall call;
    std::uint32_t count, size, next = 0;
    void go_on() {
      while (call.open() && next < count) {
        Bytes message(std::max<std::size_t>(size, 4), static_cast<std::uint8_t>(next));
        for (int i = 0; i < 4; ++i) message[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(next >> (8 * i));
        ++next;
        if (!call.write(Payload(BytesView(message)))) return;
      }
      if (call.open()) call.finish();
    }
  };
  static void count(BytesView request, ServerCall call) {
    ByteReader in(request);
    const std::uint32_t messages = in.u32();
    const auto counting = std::make_shared<Counting>(Counting{std::move(call), messages, std::min(in.u32(), kMost)});
    counting->call.on_cancel([counting] { counting->call.fail({Errc::cancelled, "the caller has enough"}); });
    counting->call.on_ready([counting] { counting->go_on(); });
    counting->go_on();
  }

  struct Collecting {
    ServerCall call;
    std::uint32_t messages = 0;
    std::uint64_t hash = fold({});
  };
  static void collect(ServerCall call) {
    const auto collecting = std::make_shared<Collecting>(Collecting{std::move(call)});
    collecting->call.on_cancel([collecting] { collecting->call.fail({Errc::cancelled, "the caller gave up"}); });
    MessageReader reader;
    reader.message = [collecting](BytesView message) {
      ++collecting->messages;
      collecting->hash = fold(message, collecting->hash);
    };
    reader.end = [collecting] {
      Bytes told;
      ByteWriter(told).u32(collecting->messages).u64(collecting->hash);
      collecting->call.finish(Payload(BytesView(told)));
    };
    collecting->call.read(std::move(reader));
  }

  struct Mirroring {
    ServerCall call;
    std::size_t unreleased = 0;
    bool ended = false, room = true;
  };
  static void mirror(ServerCall call) {
    const auto mirroring = std::make_shared<Mirroring>(Mirroring{std::move(call)});
    mirroring->call.on_cancel([mirroring] { mirroring->call.fail({Errc::cancelled, "the caller gave up"}); });
    mirroring->call.on_ready([mirroring] {
      mirroring->room = true;
      mirroring->call.release(std::exchange(mirroring->unreleased, 0));
      if (mirroring->ended) mirroring->call.finish();
    });
    MessageReader reader;
    reader.manual_credit = true;
    reader.message = [mirroring](BytesView message) {
      mirroring->unreleased += message.size();
      mirroring->room = mirroring->call.write(Payload(message));
      if (mirroring->room) mirroring->call.release(std::exchange(mirroring->unreleased, 0));
    };
    reader.end = [mirroring] {
      mirroring->ended = true;
      if (mirroring->room) mirroring->call.finish();
    };
    mirroring->call.read(std::move(reader));
  }

  ServiceInfo info_{kMixed, "v1", kMixedMethods, {}};
};

/// What the thread works on. Made and ended outside of it, used only there in between.
struct MixedServer::Inside {
  std::unique_ptr<net::EpollNetwork> network;
  Endpoint endpoint;
  Calls service;
  std::optional<TopicsService> topics;
  std::optional<Server> server;
  std::optional<Workers> workers;
  net::Address tcp, unix_socket;
  std::thread thread;

  ~Inside() {
    if (network && thread.joinable()) {
      network->stop();
      thread.join();
    }
    server.reset();
    workers.reset();
    if (topics) topics->close();
  }

  Status open(const std::string& directory) {
    auto made = net::EpollNetwork::create();
    if (!made) return made.error();
    network = std::move(*made);
    auto tls = bench_tls();
    if (!tls) return tls.error();
    endpoint.name = "mixed";
    endpoint.program = "b2 bench";
    endpoint.boot_epoch = 1;
    workers.emplace(2);
    endpoint.run_on_worker = [this](std::function<Result<Bytes>()> work, std::function<void(Result<Bytes>)> then) {
      workers->run([this, work = std::move(work), then = std::move(then)]() mutable {
        const auto result = std::make_shared<Result<Bytes>>(work());
        network->reactor().post([then = std::move(then), result] { then(std::move(*result)); });
      });
    };
    endpoint.services.add(service);
    topics.emplace(network->reactor(), endpoint);
    endpoint.services.add(*topics);
    const auto all_are_owners = [](const net::Peer& peer) {
      auto owner = std::make_shared<Identity>();
      owner->kind = Identity::Kind::owner;
      owner->roles = Roles::all();
      owner->where = peer.remote.text();
      return owner;
    };
    server.emplace(Server::Parts{*network, endpoint, all_are_owners, *tls, {}, {}, {}, {}});
    const auto at = server->listen(net::Address::loopback(0));
    if (!at) return at.error();
    tcp = *at;
    const auto path = server->listen(net::Address::unix_path(directory + "/mixed.sock"));
    if (!path) return path.error();
    unix_socket = *path;
    thread = std::thread([this] { network->run(); });
    return {};
  }

  Status books() const {
    if (endpoint.counters.connections != 0) return Error{Errc::conflict, std::to_string(endpoint.counters.connections) + " connections are open"};
    if (endpoint.budget.used() != 0) return Error{Errc::conflict, std::to_string(endpoint.budget.used()) + " bytes of the receive budget are not given back"};
    for (const MethodEntry& method : endpoint.services.methods()) {
      if (method.counters.open() != 0) return Error{Errc::conflict, std::to_string(method.counters.open()) + " calls of " + method.name + " count as open"};
    }
    return {};
  }
};

MixedServer::MixedServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
MixedServer::~MixedServer() = default;

Result<std::unique_ptr<MixedServer>> MixedServer::start(const std::string& directory) {
  auto inside = std::make_unique<Inside>();
  if (const Status open = inside->open(directory); !open) return open.error();
  return std::unique_ptr<MixedServer>(new MixedServer(std::move(inside)));
}

const net::Address& MixedServer::tcp() const { return inside_->tcp; }
const net::Address& MixedServer::unix_socket() const { return inside_->unix_socket; }

Status MixedServer::check_books(Duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::promise<Status> told;
    auto future = told.get_future();
    inside_->network->reactor().post([this, &told] { told.set_value(inside_->books()); });
    const Status books = future.get();
    if (books || std::chrono::steady_clock::now() >= until) return books;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace ghost::b2::bench
