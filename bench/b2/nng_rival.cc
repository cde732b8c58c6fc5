// nng: req to rep for calls, with a context and an asynchronous operation for each that is open; push to pull for streams.
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "rival.h"

namespace {

using namespace ghost;
using namespace ghost::b2::bench;

void check(int error, const char* what) {
  if (error != 0) give_up(std::string("nng: ") + what + ": " + nng_strerror(error));
}

/// Answers one call at a time.
struct Answerer {
  nng_ctx context{};
  nng_aio* operation = nullptr;
  bool answering = false;

  explicit Answerer(nng_socket socket) {
    check(nng_ctx_open(&context, socket), "open a context");
    check(nng_aio_alloc(&operation, [](void* self) { static_cast<Answerer*>(self)->go_on(); }, this), "allocate");
    nng_ctx_recv(context, operation);
  }
  void go_on() {
    if (nng_aio_result(operation) != 0) {
      nng_ctx_recv(context, operation);
      answering = false;
      return;
    }
    answering = !answering;
    if (!answering) return nng_ctx_recv(context, operation);
    nng_aio_set_msg(operation, nng_aio_get_msg(operation));
    nng_ctx_send(context, operation);
  }
};

[[noreturn]] void serve(const Task& task) {
  nng_socket socket;
  check(task.calls() ? nng_rep0_open(&socket) : nng_push0_open(&socket), "open");
  nng_listener listener;
  const bool tcp = task.place == "tcp";
  check(nng_listen(socket, tcp ? "tcp://127.0.0.1:0" : ("ipc://" + task.place).c_str(), &listener, 0), "listen");
  int port = 0;
  if (tcp) check(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "port");
  std::vector<std::unique_ptr<Answerer>> answerers;
  for (std::size_t i = 0; task.calls() && i < task.work.connections * task.work.in_flight; ++i) answerers.push_back(std::make_unique<Answerer>(socket));
  tell(tcp ? "tcp://127.0.0.1:" + std::to_string(port) : "ipc://" + task.place);
  while (!task.calls()) {
    nng_msg* message;
    check(nng_msg_alloc(&message, 0), "allocate");
    nng_msg_append(message, task.message.data(), task.message.size());
    if (nng_sendmsg(socket, message, 0) != 0) nng_msg_free(message);
  }
  for (;;) ::pause();
}

class Calls final : public Load {
 public:
  explicit Calls(const Task& task) : task_(task) {
    for (std::size_t i = 0; i < task.work.connections; ++i) {
      nng_socket socket;
      check(nng_req0_open(&socket), "open");
      check(nng_dial(socket, task.place.c_str(), nullptr, 0), "connect");
      for (std::size_t k = 0; k < task.work.in_flight; ++k) callers_.push_back(std::make_unique<Caller>(*this, socket));
    }
  }

  Result<Figures> run(Duration span) override {
    {
      const std::lock_guard lock(mutex_);
      last_ = TimePoint::clock::now();
      meter_.emplace(last_, span);
    }
    open_ = callers_.size();
    for (const auto& caller : callers_) caller->call();
    for (std::size_t open = open_; open != 0; open = open_) open_.wait(open);
    const std::lock_guard lock(mutex_);
    return meter_->figures(last_);
  }

 private:
  struct Caller {
    Caller(Calls& of, nng_socket socket) : calls(of) {
      check(nng_ctx_open(&context, socket), "open a context");
      check(nng_aio_alloc(&operation, [](void* self) { static_cast<Caller*>(self)->go_on(); }, this), "allocate");
    }
    void call() {
      nng_msg* message;
      check(nng_msg_alloc(&message, 0), "allocate");
      nng_msg_append(message, calls.task_.message.data(), calls.task_.message.size());
      nng_aio_set_msg(operation, message);
      sending = true;
      began = TimePoint::clock::now();
      nng_ctx_send(context, operation);
    }
    void go_on() {
      check(nng_aio_result(operation), "call");
      if (std::exchange(sending, false)) return nng_ctx_recv(context, operation);
      nng_msg* const answer = nng_aio_get_msg(operation);
      const std::string& sent = calls.task_.message;
      if (nng_msg_len(answer) != sent.size() || std::memcmp(nng_msg_body(answer), sent.data(), sent.size()) != 0) give_up("nng: the echo is not what was sent");
      nng_msg_free(answer);
      if (calls.ended(began)) call();
    }

    Calls& calls;
    nng_ctx context{};
    nng_aio* operation = nullptr;
    bool sending = false;
    TimePoint began{};
  };

  /// False when the run is over.
  bool ended(TimePoint began) {
    const TimePoint now = TimePoint::clock::now();
    const std::lock_guard lock(mutex_);
    if (meter_->over(now)) {
      if (--open_ == 0) open_.notify_all();
      return false;
    }
    last_ = now;
    meter_->call_ended(began, now);
    return true;
  }

  const Task& task_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::mutex mutex_;
  std::optional<Meter> meter_;
  TimePoint last_{};
  std::atomic<std::size_t> open_{0};
};

class Stream final : public Load {
 public:
  explicit Stream(const Task& task) : task_(task) {
    check(nng_pull0_open(&socket_), "open");
    check(nng_dial(socket_, task.place.c_str(), nullptr, 0), "connect");
    check(nng_aio_alloc(&operation_, [](void* self) { static_cast<Stream*>(self)->came(); }, this), "allocate");
  }

  Result<Figures> run(Duration span) override {
    running_ = true;
    if (!receiving_.exchange(true)) nng_recv_aio(socket_, operation_);
    std::this_thread::sleep_for(span / 10);
    const TimePoint from = TimePoint::clock::now();
    const std::uint64_t before = count_;
    std::this_thread::sleep_for(span);
    const double seconds = std::chrono::duration<double>(TimePoint::clock::now() - from).count();
    const std::uint64_t after = count_;
    running_ = false;
    return Figures{static_cast<double>(after - before) / seconds, 0, 0};
  }

 private:
  void came() {
    check(nng_aio_result(operation_), "receive");
    nng_msg* const message = nng_aio_get_msg(operation_);
    if (nng_msg_len(message) != task_.work.size || *static_cast<const char*>(nng_msg_body(message)) != 'Z') give_up("nng: not what was sent");
    nng_msg_free(message);
    ++count_;
    if (running_) nng_recv_aio(socket_, operation_);
    else receiving_ = false;  // the server waits, with what the kernel and the library hold
  }

  const Task& task_;
  nng_socket socket_{};
  nng_aio* operation_ = nullptr;
  std::atomic<bool> running_{false}, receiving_{false};
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const Task task = read_task(argc, argv);
  if (task.server) serve(task);
  if (!task.calls()) {
    Stream stream(task);
    return run_asked(stream);
  }
  Calls calls(task);
  return run_asked(calls);
}
