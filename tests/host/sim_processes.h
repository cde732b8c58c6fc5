#pragma once
#include <signal.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "b2/process_service.h"

namespace ghost::b2::test {

/// A child's program that lives in a simulated world.
class SimProgram {
 public:
  virtual ~SimProgram() = default;
  virtual void on_terminate() = 0;  ///< SIGTERM
};

/// What a program can do to the process it runs in.
struct ProcessSelf {
  net::Reactor& reactor;
  std::function<void(std::string_view)> write;    ///< to stderr
  std::function<void(const ExitStatus&)> end;     ///< exits, or crashes; in a later turn
  std::function<void()> hang;                     ///< reads nothing more
};

/// Processes of a simulated world: a program is an object on a host of its own, and a crash destroys it: its connection ends as
/// TCP's would, and the exit status is heard of a moment later.
class SimProcesses : public Processes {
 public:
  using Make = std::function<std::unique_ptr<SimProgram>(const ChildSpec&, ProcessSelf, std::unique_ptr<net::ByteStream>)>;

  /// @param children  the network that programs live on; reached from `host` at `address`, whose port is not used
  SimProcesses(net::Network& host, net::Network& children, const net::Address& address, Make make)
      : host_(host), children_(children), address_(address), make_(std::move(make)) {}

  Result<std::unique_ptr<Process>> spawn(const ChildSpec& spec, ProcessEvents events) override {
    if (spec.command.empty() || spec.command[0].empty()) return Error{Errc::not_found, "run : no such file or directory"};
    auto process = std::make_unique<SimProcess>(*this, ++last_pid_, std::move(events));
    if (const Status started = process->start(spec); !started) return started.error();
    return Result<std::unique_ptr<Process>>(std::move(process));
  }

  int running() const { return running_; }

 private:
  class SimProcess : public Process {
   public:
    SimProcess(SimProcesses& all, std::int32_t pid, ProcessEvents events)
        : all_(all), pid_(pid), events_(std::make_shared<const ProcessEvents>(std::move(events))) {
      ++all_.running_;
    }
    ~SimProcess() override {
      if (!ended_) --all_.running_;
    }

    Status start(const ChildSpec& spec) {
      auto listener = all_.children_.listen(all_.address_, [this, spec](std::unique_ptr<net::ByteStream> stream) {
        stream_ = stream.get();
        program_ = all_.make_(spec, self(), std::move(stream));
      });
      if (!listener) return listener.error();
      listener_ = std::move(*listener);
      attempt_ = all_.host_.connect(listener_->address(), std::chrono::seconds(1), [this](auto stream) {
        const auto events = events_;
        if (stream && !ended_) events->connected(std::move(*stream));
      });
      return {};
    }

    std::int32_t pid() const override { return pid_; }
    std::optional<ProcessUse> use() const override { return ProcessUse{std::chrono::milliseconds(pid_), 1'000'000}; }
    void signal(int number) override {
      if (number != SIGTERM) return end(ExitStatus{.signal = number});
      later(all_.children_, [this] {
        if (program_) program_->on_terminate();
      });
    }

   private:
    ProcessSelf self() {
      const std::weak_ptr<char> alive = alive_;
      return {all_.children_.reactor(),
              [this, alive](std::string_view text) {
                later(all_.host_, [this, text = std::string(text)] {
                  const auto events = events_;
                  events->output(text);
                });
              },
              [this, alive](const ExitStatus& status) {
                if (!alive.expired()) end(status);
              },
              [this, alive] {
                if (!alive.expired()) stream_->set_reading(false);
              }};
    }

    void later(net::Network& where, std::function<void()> work) {
      where.reactor().post([alive = std::weak_ptr<char>(alive_), work = std::move(work)] {
        if (!alive.expired()) work();
      });
    }

    void end(const ExitStatus& status) {
      if (std::exchange(ended_, true)) return;
      --all_.running_;
      later(all_.children_, [this] {
        program_.reset();
        listener_.reset();
      });
      timer_ = all_.host_.reactor().wake_at(all_.host_.reactor().now() + std::chrono::milliseconds(2), [this, status](TimePoint) {
        const auto events = events_;
        events->exited(status);
      });
    }

    SimProcesses& all_;
    std::int32_t pid_;
    std::shared_ptr<const ProcessEvents> events_;
    std::unique_ptr<net::Listener> listener_;
    std::unique_ptr<net::Connecting> attempt_;
    net::ByteStream* stream_ = nullptr;  ///< the program's; valid while it lives
    std::unique_ptr<SimProgram> program_;
    net::Timer timer_;
    bool ended_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
  };

  net::Network& host_;
  net::Network& children_;
  net::Address address_;
  Make make_;
  std::int32_t last_pid_ = 100;
  int running_ = 0;
};

}  // namespace ghost::b2::test
