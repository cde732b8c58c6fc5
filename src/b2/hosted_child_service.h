#pragma once
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/token_bucket.h"
#include "b2/child_gate.h"
#include "b2/forward.h"
#include "b2/hosting.h"
#include "b2/link_service.h"
#include "b2/log_tail.h"
#include "b2/process_service.h"
#include "b2/supervisor.h"
#include "b2/v1/host.b2.h"

namespace ghost::b2 {

/// What the children of a host share; all of it outlives them.
struct HostParts {
  net::Reactor& reactor;
  Processes& processes;
  Endpoint& endpoint;  ///< what children may call, and where their services are added
  Logger log;
  SupervisionRules rules;
  /// Whether processes of another host of this user listen where these are to, since this one takes over from it; may be empty.
  std::function<bool()> relieves = {};
};

/// One child: does what its supervisor decides, serves its services to the host's callers, and knows how it is.
class HostedChild {
 public:
  /// @param changed  rings when told() is another, but not for figures that look() finds
  HostedChild(const HostParts& parts, ChildSpec spec, std::function<void()> changed);
  ~HostedChild();
  HostedChild(const HostedChild&) = delete;
  HostedChild& operator=(const HostedChild&) = delete;

  void start();
  void stop();
  void restart();

  /// Starts a second process beside the one that runs and has it take over once it has said HELLO; the first ends when its calls have. Told
  /// when that is so, or why the first goes on: conflict when none runs, busy while another does the same.
  void upgrade(std::function<void(Status)> done);
  /// Each line it writes; may be empty.
  std::function<void(LogLevel level, std::string_view line)> on_log;
  std::string kept_log() const { return tail_.text(); }

  const std::string& name() const { return spec_.name; }
  bool running() const { return supervisor_.running(); }
  Supervisor::State state() const { return supervisor_.state(); }
  std::uint32_t restarts() const { return supervisor_.restarts() - wakes_; }
  v1::Child told() const;
  /// Whether `service` is one of this child's.
  bool serves(const Service& service) const;
  /// Measures what the child uses, and asks for its Stats; the answer is for a later told().
  void look();
  void tell_services(const v1::ServiceEntry& changed);

 private:
  /// Of the processes that a child may have beside each other.
  enum class Part : std::uint8_t { serves, takes_over, leaves };
  struct Life {
    std::shared_ptr<Part> part;
    std::unique_ptr<Process> process;
    std::unique_ptr<Link> link;
    net::Timer timer;
  };
  Result<std::unique_ptr<Process>> start_process(const ChildSpec& spec, const std::shared_ptr<Part>& part);
  void take_over();
  void end_upgrade(Status how);
  void drain(Life life);
  void terminate(Life& life);
  Life* leaving(const std::shared_ptr<Part>& part);

  // events of the process and of the connection to it
  void on_connected(std::unique_ptr<net::ByteStream> stream, const std::shared_ptr<Part>& part);
  void on_link_closed(const Error& why, const std::shared_ptr<Part>& part);
  void on_process_ended(const ExitStatus& status, const std::shared_ptr<Part>& part);
  void on_output(std::string_view piece);
  void on_line(LogLevel level, std::string_view line);
  void on_exited(const ExitStatus& status);
  void on_closed(const Error& why);
  void finish_exit();

  // what it serves
  void learn_services();
  void describe(v1::DescribeRequest request, std::function<void(Result<v1::DescribeResponse>)> done);
  void learnt();
  void take_services();

  // what is decided
  void on_time(TimePoint now);
  void apply();
  void perform(Supervisor::Action action);
  void spawn();
  void ping();
  void follow_state();
  void set_health();
  TimePoint idle_at() const;
  void sleep();
  void wake();
  void set_gate();
  void log_state();
  std::string outlook() const;
  void plan();

  HostParts parts_;
  ChildSpec spec_;
  std::function<void()> changed_;
  ChannelLimits limits_ = hosting_limits();
  Supervisor supervisor_;
  Supervisor::State followed_ = Supervisor::State::stopped;
  std::uint32_t followed_restarts_ = 0;
  ChildGate gate_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Link> link_;
  std::shared_ptr<Part> part_;  ///< of the two above
  std::optional<Life> relief_;  ///< takes over, when it is ready
  std::function<void(Status)> relieved_;
  std::list<Life> leaving_;
  bool asleep_ = false;  ///< ended for want of calls, and started by the next
  std::uint32_t wakes_ = 0;
  TimePoint ready_at_{};
  std::optional<ExitStatus> exit_;  ///< heard of while the connection may still hold answers
  TimePoint exit_due_ = TimePoint::max();

  std::vector<std::unique_ptr<ForwardedService>> services_;
  std::vector<std::unique_ptr<ForwardedService>> described_;  ///< by the Describes under way
  std::size_t asked_ = 0;      ///< Describes that are not answered yet
  std::uint64_t learning_ = 0;  ///< answers to the questions of an earlier round are not for this one

  LogTail tail_;
  TokenBucket lines_{200, 50};  ///< of the child's that are passed on to our log
  std::uint64_t lines_dropped_ = 0;

  std::vector<std::string> addresses_;
  std::optional<v1::StatsResponse> stats_;
  bool stats_asked_ = false;
  TimePoint looked_{};
  Duration cpu_seen_{};
  double cpu_percent_ = 0;
  std::uint64_t resident_bytes_ = 0;

  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
