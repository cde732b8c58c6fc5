#include "child_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace ghost::b2::bench {

namespace {

void tell(int pipe, const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(pipe, text.data(), text.size());
}

[[noreturn]] void run_child(const ChildServer::Serve& serve, UniqueFd pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Status ended = serve([&](const net::Address& address) {
    tell(pipe.get(), address.text());
    pipe.reset();
  });
  if (!ended && pipe) tell(pipe.get(), "!" + ended.error().message);
  ::_exit(1);
}

std::string read_all(int pipe) {
  std::string text;
  char buffer[512];
  for (;;) {
    const ssize_t count = ::read(pipe, buffer, sizeof buffer);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR) return text;
  }
}

}  // namespace

Result<ChildServer> ChildServer::start(const Serve& serve) {
  int ends[2];
  if (::pipe(ends) != 0) return Error{Errc::exhausted, std::string("bench: pipe: ") + std::strerror(errno)};
  UniqueFd in(ends[0]), out(ends[1]);
  const int process = ::fork();
  if (process < 0) return Error{Errc::exhausted, std::string("bench: start a server: ") + std::strerror(errno)};
  if (process == 0) {
    in.reset();
    run_child(serve, std::move(out));
  }
  out.reset();
  ChildServer child(process);
  const std::string told = read_all(in.get());
  if (told.empty()) return Error{Errc::io, "bench: the server ended before it listened"};
  if (told.front() == '!') return Error{Errc::io, "bench: the server: " + told.substr(1)};
  auto address = net::Address::parse(told);
  if (!address) return address.error().in("bench: the server's address");
  child.address_ = std::move(*address);
  return child;
}

ChildServer::~ChildServer() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ghost::b2::bench
