#include "rival_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/unique_fd.h"

namespace ghost::b2::bench {

namespace {

constexpr Rival kRivals[] = {{"grpc", true, true, false}, {"zmq", true, true, false}, {"nng", false, false, false}, {"protobuf", false, false, true}, {"protozero", false, false, true}};
constexpr std::string_view kBuild = "bench/b2/build_rivals";
constexpr int kPatienceMs = 60'000;  ///< beyond a run's own time

std::string program_of(const Rival& rival) {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / fmt::format("b2-rival-{}", rival.name)).string();
}

/// A program with a pipe each way. Killed with this object.
class Program {
 public:
  static Result<Program> start(const std::vector<std::string>& words) {
    int to[2], from[2];
    if (::pipe2(to, O_CLOEXEC) != 0) return failed("pipe");
    UniqueFd its_in(to[0]), in(to[1]);
    if (::pipe2(from, O_CLOEXEC) != 0) return failed("pipe");
    UniqueFd out(from[0]), its_out(from[1]);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int process = ::fork();
    if (process < 0) return failed("start " + words[0]);
    if (process == 0) {
      ::dup2(its_in.get(), 0);
      ::dup2(its_out.get(), 1);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    return Program(process, std::move(in), std::move(out), words[0]);
  }

  Program(Program&& other) noexcept
      : process_(std::exchange(other.process_, -1)), in_(std::move(other.in_)), out_(std::move(other.out_)), name_(std::move(other.name_)) {}
  Program& operator=(Program&&) = delete;
  ~Program() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// A line of its output; what it says after "!" is its error.
  Result<std::string> read_line(int patience_ms) {
    std::string line;
    for (char c = 0; c != '\n';) {
      pollfd waiting{out_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, patience_ms) == 0) return Error{Errc::timed_out, name_ + " says nothing"};
      const ssize_t count = ::read(out_.get(), &c, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return Error{Errc::io, name_ + " has ended"};
      if (c != '\n') line += c;
    }
    if (line.starts_with('!')) return Error{Errc::io, name_ + ": " + line.substr(1)};
    return line;
  }

  bool write_line(const std::string& line) {
    const std::string text = line + "\n";
    return ::write(in_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  Program(int process, UniqueFd in, UniqueFd out, std::string name)
      : process_(process), in_(std::move(in)), out_(std::move(out)), name_(std::move(name)) {}
  static Error failed(const std::string& what) { return {Errc::exhausted, "bench: " + what + ": " + std::strerror(errno)}; }

  int process_;
  UniqueFd in_, out_;
  std::string name_;
};

/// Asks for a run of `span`; three figures come back.
Status run(Program& program, Duration span, std::initializer_list<double*> figures) {
  const double seconds = std::chrono::duration<double>(span).count();
  if (!program.write_line(fmt::format("{}", seconds))) return Error{Errc::io, "bench: the rival has ended"};
  const auto line = program.read_line(kPatienceMs + static_cast<int>(seconds * 2000));
  if (!line) return line.error();
  char* at = const_cast<char*>(line->c_str());
  for (double* figure : figures) *figure = std::strtod(at, &at);
  return {};
}

class RivalLoad final : public Load {
 public:
  RivalLoad(Program server, Program client) : server_(std::move(server)), client_(std::move(client)) {}

  Result<Figures> run(Duration span) override {
    Figures figures;
    if (const Status ran = bench::run(client_, span, {&figures.per_second, &figures.p50_us, &figures.p99_us}); !ran) return ran.error();
    return figures;
  }

 private:
  Program server_, client_;
};

class CodecProcess final : public CodecRival {
 public:
  explicit CodecProcess(Program program) : program_(std::move(program)) {}

  Result<CodecTimes> run(Duration span) override {
    CodecTimes times;
    if (const Status ran = bench::run(program_, span, {&times.encode_ns, &times.decode_ns, &times.fresh_ns}); !ran) return ran.error();
    return times;
  }

 private:
  Program program_;
};

std::vector<std::string> words_of(const Rival& rival, const Cell& cell, std::string role, std::string place, const std::string& directory) {
  const Work& work = cell.work;
  return {program_of(rival),
          std::move(role),
          std::move(place),
          work.kind == Work::Kind::calls ? "calls" : "stream",
          std::to_string(work.size),
          std::to_string(work.connections),
          std::to_string(work.in_flight),
          cell.setup.tls ? "tls" : cell.setup.spin > Duration::zero() ? "spin" : "plain",
          directory};
}

}  // namespace

std::span<const Rival> rivals() { return kRivals; }

Result<std::vector<const Rival*>> choose_rivals(std::string_view list) {
  std::vector<const Rival*> chosen;
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (name == "raw") continue;
    const auto found = std::find_if(std::begin(kRivals), std::end(kRivals), [&](const Rival& rival) { return rival.name == name; });
    if (found == std::end(kRivals)) {
      return Error{Errc::malformed, fmt::format("--against {}: there are raw, grpc, zmq, nng, protobuf and protozero, with commas between", name)};
    }
    if (::access(program_of(*found).c_str(), X_OK) != 0) {
      return Error{Errc::not_found, fmt::format("--against {}: {} is not there; this builds it, from a clone of Ghostlight: {}", name, program_of(*found), kBuild)};
    }
    chosen.push_back(found);
  }
  return chosen;
}

Result<std::unique_ptr<Load>> open_rival(const Rival& rival, const Cell& cell, const std::string& place, const std::string& directory) {
  auto server = Program::start(words_of(rival, cell, "server", place, directory));
  if (!server) return server.error();
  const auto where = server->read_line(kPatienceMs);
  if (!where) return where.error();
  auto client = Program::start(words_of(rival, cell, "client", *where, directory));
  if (!client) return client.error();
  const auto ready = client->read_line(kPatienceMs);
  if (!ready) return ready.error();
  return {std::make_unique<RivalLoad>(std::move(*server), std::move(*client))};
}

Result<std::unique_ptr<CodecRival>> open_codec_rival(const Rival& rival, BytesView message) {
  auto program = Program::start({program_of(rival), "codec", to_hex(message)});
  if (!program) return program.error();
  const auto ready = program->read_line(kPatienceMs);
  if (!ready) return ready.error();
  return {std::make_unique<CodecProcess>(std::move(*program))};
}

}  // namespace ghost::b2::bench
