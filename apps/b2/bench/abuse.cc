#include "abuse.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <optional>
#include <thread>

#include "b2/frame.h"
#include "b2/message.h"
#include "b2/server_service.h"
#include "b2/topics_service.h"
#include "b2/typed_call.h"
#include "b2/v1/hello.b2.h"
#include "b2_load.h"
#include "b2_service.h"
#include "b2_tls.h"
#include "base/unique_fd.h"
#include "child_server.h"
#include "net/epoll.h"

namespace ghost::b2::bench {

namespace {

using namespace std::chrono_literals;
using AbuseFigures = std::vector<AbuseFigure>;

Duration seconds(double count) { return Duration(static_cast<Duration::rep>(count * 1e9)); }

/// Serves the bench's service and topics, and takes everybody for the owner.
Status serve_all(const std::function<void(const net::Address&)>& listening) {
  auto network = net::EpollNetwork::create();
  if (!network) return network.error();
  Endpoint endpoint;
  endpoint.name = "bench";
  endpoint.program = "b2 bench";
  endpoint.boot_epoch = 1;
  BenchService service;
  endpoint.services.add(service);
  TopicsService topics((*network)->reactor(), endpoint);
  endpoint.services.add(topics);
  auto tls = bench_tls();
  if (!tls) return tls.error();
  const auto judge = [owner = std::shared_ptr<const Identity>()](const net::Peer&) mutable {
    if (!owner) {
      auto made = std::make_shared<Identity>();
      made->kind = Identity::Kind::owner;
      made->roles = Roles::all();
      made->where = "a bench";
      owner = std::move(made);
    }
    return owner;
  };
  Server server(Server::Parts{**network, endpoint, judge, *tls, {}, {}, {}, {}});
  const auto at = server.listen(net::Address::loopback(0));
  if (!at) return at.error();
  listening(*at);
  (*network)->run();
  return {};
}

/// A connected blocking socket to a port of this machine.
UniqueFd connect_to(const net::Address& at) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(at.port());
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return fd;
  return {};
}

bool say(int fd, BytesView bytes) { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }

/// Waits for some bytes; false at the end of the connection.
bool hear(int fd) {
  std::uint8_t buffer[16384];
  return ::recv(fd, buffer, sizeof buffer, 0) > 0;
}

Bytes greeting() {
  b2::v1::Hello hello;
  hello.version = 1;
  hello.name = "idle";
  const Bytes payload = encode(hello);
  Bytes bytes(kPreface.begin(), kPreface.end());
  bytes.resize(kPreface.size() + kHeaderSize);
  write_header({.length = static_cast<std::uint32_t>(payload.size()), .type = FrameType::hello}, bytes.data() + kPreface.size());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

/// Of a process, what nobody else has: bytes.
double private_bytes(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  double kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Private_")) kilobytes += std::strtod(line.c_str() + line.find(':') + 1, nullptr);
  }
  return kilobytes * 1024;
}

/// Another process that does something until it is ended.
class Abuser {
 public:
  explicit Abuser(const std::function<void()>& abuse) : process_(::fork()) {
    if (process_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    abuse();
    ::_exit(0);
  }
  ~Abuser() { end(); }
  void end() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  int process_;
};

/// How calls of somebody else fare meanwhile.
Status measure_victim(const ChildServer& server, const AbuseOptions& options, const std::string& kind, const std::string& when, AbuseFigures& all) {
  auto load = open_b2(server.address(), {}, {});
  if (!load) return load.error();
  const auto figures = (*load)->run(seconds(options.seconds));
  if (!figures) return figures.error();
  all.push_back({kind, "another's call, median, " + when, figures->p50_us, "us"});
  all.push_back({kind, "another's call, p99, " + when, figures->p99_us, "us"});
  return {};
}

Status idle(const AbuseOptions& options, AbuseFigures& all) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, options.connections + 200);
  ::setrlimit(RLIMIT_NOFILE, &files);
  const auto server = ChildServer::start(serve_all);
  if (!server) return server.error();
  const Bytes hello = greeting();
  // One that comes and goes first: what the server allocates once is no idle connection's.
  {
    const UniqueFd first = connect_to(server->address());
    if (!first || !say(first.get(), hello) || !hear(first.get())) return Error{Errc::io, "idle: the server does not answer HELLO"};
  }
  std::vector<UniqueFd> open;
  open.reserve(options.connections);
  const double before = private_bytes(server->process());
  for (std::size_t i = 0; i < options.connections; ++i) {
    UniqueFd fd = connect_to(server->address());
    if (!fd || !say(fd.get(), hello) || !hear(fd.get())) return Error{Errc::io, "idle: connection " + std::to_string(i) + " is not taken; is 'ulimit -n' high enough?"};
    open.push_back(std::move(fd));
  }
  const double after = private_bytes(server->process());
  all.push_back({"idle", "connections", static_cast<double>(options.connections), ""});
  all.push_back({"idle", "memory of the server without them", before, "bytes"});
  all.push_back({"idle", "memory of each", (after - before) / static_cast<double>(options.connections), "bytes"});
  if (const Status victim = measure_victim(*server, options, "idle", "beside them", all); !victim) return victim;
  // The head of a frame of 64 KiB, and no more of it.
  Bytes head(kHeaderSize);
  write_header({.length = 65'536, .type = FrameType::call, .stream = 1, .flags = flag::kEnd}, head.data());
  for (const UniqueFd& fd : open) say(fd.get(), head);
  if (const Status taken = measure_victim(*server, options, "idle", "when each has begun a frame", all); !taken) return taken;
  all.push_back({"idle", "memory of each that has begun a frame of 64 KiB", (private_bytes(server->process()) - before) / static_cast<double>(options.connections), "bytes"});
  return {};
}

/// CALL and CANCEL, as fast as they go, on one connection after another.
void reset_rapidly(const net::Address& at, std::atomic<std::uint64_t>* pairs, std::atomic<std::uint64_t>* connections) {
  const Bytes hello = greeting();
  for (;;) {
    const UniqueFd fd = connect_to(at);
    if (!fd || !say(fd.get(), hello) || !hear(fd.get())) continue;
    ++*connections;
    std::uint32_t stream = 1;
    for (bool open = true; open;) {
      Bytes frames(64 * 2 * kHeaderSize);
      for (std::size_t i = 0; i < 64; ++i, stream += 2) {
        write_header({.type = FrameType::call, .stream = stream, .flags = flag::kEnd, .code = 0}, frames.data() + i * 2 * kHeaderSize);
        write_header({.type = FrameType::cancel, .stream = stream, .code = 1}, frames.data() + (i * 2 + 1) * kHeaderSize);
      }
      open = say(fd.get(), frames);
      if (open) *pairs += 64;
      std::uint8_t ignored[16384];
      while (::recv(fd.get(), ignored, sizeof ignored, MSG_DONTWAIT) > 0) {
      }
    }
  }
}

Status rapid_reset(const AbuseOptions& options, AbuseFigures& all) {
  const auto server = ChildServer::start(serve_all);
  if (!server) return server.error();
  if (const Status quiet = measure_victim(*server, options, "reset", "in peace", all); !quiet) return quiet;
  struct Shared {
    std::atomic<std::uint64_t> pairs{0}, connections{0};
  };
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Error{Errc::exhausted, "reset: no shared memory"};
  auto* shared = new (memory) Shared;
  const double before = private_bytes(server->process());
  Status victim;
  {
    const Abuser abuser([&] { reset_rapidly(server->address(), &shared->pairs, &shared->connections); });
    victim = measure_victim(*server, options, "reset", "under rapid reset", all);
  }
  const auto connections = static_cast<double>(shared->connections.load());
  all.push_back({"reset", "connections the abuser needed", connections, ""});
  all.push_back({"reset", "CALL and CANCEL sent on each before it was closed", static_cast<double>(shared->pairs.load()) / std::max(1.0, connections), ""});
  all.push_back({"reset", "memory of the server, grown by", private_bytes(server->process()) - before, "bytes"});
  ::munmap(memory, sizeof(Shared));
  return victim;
}

/// Connections that say `start` and then a byte a second, or nothing; how long the server bears the longest lived.
Status drip(const AbuseOptions& options, std::string_view what, BytesView start, bool drips, AbuseFigures& all) {
  constexpr std::size_t kDrippers = 200;
  constexpr std::uint8_t kDrop = 0;
  const auto server = ChildServer::start(serve_all);
  if (!server) return server.error();
  const auto began = std::chrono::steady_clock::now();
  std::vector<UniqueFd> open;
  for (std::size_t i = 0; i < kDrippers; ++i) {
    UniqueFd fd = connect_to(server->address());
    if (!fd) return Error{Errc::io, "loris: no connection"};
    if (!start.empty()) say(fd.get(), start);
    open.push_back(std::move(fd));
  }
  if (const Status victim = measure_victim(*server, options, "loris", "beside 200 that " + std::string(what), all); !victim) return victim;
  double last = 0;
  while (!open.empty() && last < 60) {
    std::erase_if(open, [&](const UniqueFd& fd) {
      std::uint8_t buffer[4096];
      ssize_t got = 1;
      while (got > 0) got = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return true;
      if (drips) say(fd.get(), {&kDrop, 1});
      return false;
    });
    last = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (!open.empty()) std::this_thread::sleep_for(500ms);
  }
  all.push_back({"loris", "the last of 200 that " + std::string(what) + " was closed after", last, "s"});
  if (!open.empty()) return Error{Errc::timed_out, "loris: " + std::to_string(open.size()) + " connections that " + std::string(what) + " are open after a minute"};
  return {};
}

Status loris(const AbuseOptions& options, AbuseFigures& all) {
  if (const Status done = drip(options, "say nothing", {}, false, all); !done) return done;
  if (const Status done = drip(options, "drip after the preface of b2", kPreface, true, all); !done) return done;
  static constexpr std::uint8_t kHandshake[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
  return drip(options, "drip in the handshake of TLS", kHandshake, true, all);
}

/// Publishes for a while beside eight who read; with or without one who does not.
Status fan_out(const AbuseOptions& options, bool with_slow, AbuseFigures& all) {
  constexpr std::size_t kReaders = 8, kUnderWay = 64;
  const auto server = ChildServer::start(serve_all);
  if (!server) return server.error();
  auto network = net::EpollNetwork::create();
  if (!network) return network.error();
  Endpoint endpoint;
  endpoint.name = "bench client";
  std::vector<std::unique_ptr<Link>> links;
  Status failed;
  const auto open = [&]() -> Channel* {
    std::optional<bool> done;
    Dial dial({**network, endpoint, {}, {}}, Target{server->address(), false}, [&](Result<std::unique_ptr<Link>> link) {
      if (link) links.push_back(std::move(*link));
      else failed = link.error();
      done = link.has_value();
    });
    while (!done) (*network)->turn(TimePoint::max());
    return *done ? &links.back()->channel() : nullptr;
  };
  struct Reader {
    std::uint64_t received = 0, dropped = 0, acknowledged = 0;
  };
  std::vector<Reader> readers(kReaders + 1);
  b2::v1::SubscribeRequest request;
  request.patterns = {"bench.>"};
  for (std::size_t i = 0; i < kReaders + (with_slow ? 1u : 0u); ++i) {
    Channel* channel = open();
    if (channel == nullptr) return failed;
    CallOptions slowly = without_timeout();
    slowly.manual_credit = i == kReaders;  // and nothing is ever released
    b2::v1::TopicsClient(*channel).subscribe(request, [&reader = readers[i]](const b2::v1::TopicEvent& event) {
      if (event.ack) ++reader.acknowledged;
      if (event.message) ++reader.received;
      if (event.dropped) reader.dropped += event.dropped->count;
    }, [](const Status&) {}, slowly);
    while (readers[i].acknowledged == 0) (*network)->turn(TimePoint::max());
  }
  Channel* publisher = open();
  if (publisher == nullptr) return failed;
  std::uint64_t published = 0, under_way = 0;
  const b2::v1::PublishRequest message{"bench.flow", Bytes(256)};
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + seconds(options.seconds);
  bool over = false;
  while (!over || under_way != 0) {
    over = std::chrono::steady_clock::now() >= end;
    while (!over && under_way < kUnderWay) {
      ++under_way;
      b2::v1::TopicsClient(*publisher).publish(message, [&](const Result<b2::v1::PublishResponse>& response) {
        --under_way;
        if (response) ++published;
        else failed = response.error();
      });
    }
    (*network)->turn(TimePoint::max());
    if (!failed) return failed;
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  // What the readers have not been sent yet comes within a moment.
  const auto patience = std::chrono::steady_clock::now() + 5s;
  const auto all_have = [&] { return std::all_of(readers.begin(), readers.begin() + kReaders, [&](const Reader& reader) { return reader.received + reader.dropped >= published; }); };
  while (!all_have() && std::chrono::steady_clock::now() < patience) (*network)->turn(std::chrono::steady_clock::now() + 10ms);
  std::uint64_t received = 0, dropped = 0;
  for (std::size_t i = 0; i < kReaders; ++i) {
    received += readers[i].received;
    dropped += readers[i].dropped;
    if (readers[i].received + readers[i].dropped != published) return Error{Errc::data_loss, "subscriber: a reader heard of " + std::to_string(readers[i].received + readers[i].dropped) + " of " + std::to_string(published) + " messages"};
  }
  const std::string beside = with_slow ? "beside one that does not read" : "alone";
  all.push_back({"subscriber", "messages published a second, 8 readers, " + beside, static_cast<double>(published) / took, "/s"});
  all.push_back({"subscriber", "messages that came to the 8, " + beside, static_cast<double>(received), ""});
  all.push_back({"subscriber", "told to the 8 as dropped, " + beside, static_cast<double>(dropped), ""});
  if (with_slow) {
    all.push_back({"subscriber", "messages that came to the one that does not read", static_cast<double>(readers[kReaders].received), ""});
    all.push_back({"subscriber", "memory of the server", private_bytes(server->process()), "bytes"});
  }
  for (const auto& link : links) link->set_events({});
  return {};
}

Status subscriber(const AbuseOptions& options, AbuseFigures& all) {
  if (const Status alone = fan_out(options, false, all); !alone) return alone;
  return fan_out(options, true, all);
}

struct AbuseKind {
  const char* name;
  Status (*measure)(const AbuseOptions&, AbuseFigures&);
};
constexpr AbuseKind kAbuses[] = {{"idle", idle}, {"reset", rapid_reset}, {"loris", loris}, {"subscriber", subscriber}};

}  // namespace

Result<std::vector<AbuseFigure>> measure_abuse(const AbuseOptions& options) {
  for (const std::string& wanted : options.kinds) {
    const bool known = std::any_of(std::begin(kAbuses), std::end(kAbuses), [&](const AbuseKind& kind) { return kind.name == wanted; });
    if (!known) return Error{Errc::malformed, "there is no abuse '" + wanted + "'; there are idle, reset, loris, subscriber"};
  }
  AbuseFigures all;
  for (const AbuseKind& kind : kAbuses) {
    const bool chosen = options.kinds.empty() || std::find(options.kinds.begin(), options.kinds.end(), kind.name) != options.kinds.end();
    if (!chosen) continue;
    if (const Status measured = kind.measure(options, all); !measured) return measured.error();
  }
  return all;
}

int abuse_bench(const AbuseOptions& options) {
  const auto figures = measure_abuse(options);
  if (!figures) {
    fmt::print(stderr, "b2 bench abuse: {}\n", figures.error().message);
    return 1;
  }
  for (const AbuseFigure& figure : *figures) {
    if (options.json) fmt::print("{{\"v\":1,\"event\":\"figure\",\"kind\":\"{}\",\"what\":\"{}\",\"value\":{:.1f},\"unit\":\"{}\"}}\n", figure.kind, figure.what, figure.value, figure.unit);
    else fmt::print("{:<11} {:>14.1f} {:<6} {}\n", figure.kind, figure.value, figure.unit, figure.what);
  }
  return 0;
}

}  // namespace ghost::b2::bench
