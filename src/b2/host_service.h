#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "b2/core_service.h"
#include "b2/hosted_child_service.h"
#include "b2/metrics.h"
#include "b2/v1/host.b2.h"

namespace ghost::b2 {

/// b2.v1.Host (docs/spec/b2.md §11): runs programs as supervised children and serves their services as its own. A crash of
/// one stops nothing else. On the reactor's thread only; its children end with it.
class Host : public v1::HostService {
 public:
  /// What the host tells of itself.
  struct About {
    const CoreService& core;  ///< for its Stats; outlives the host
    std::string version;
  };

  Host(HostParts parts, About about);
  ~Host() override;

  /// Starts a child. exists when there is one of that name.
  Status add(ChildSpec spec);
  /// Ends all children, at most after the stop patience of the rules; `done` once none is left. They may be started by hand again.
  void stop(std::function<void()> done);

  /// Starts another process that takes over from this one, and tells its pid once it serves, or why this one goes on. Empty where
  /// that can't be.
  std::function<void(std::function<void(Result<std::int32_t>)> done)> upgrade_self;
  /// Ends what is watched and followed: it is told elsewhere.
  void end_watching(const Error& why);

  v1::HostState state() const;
  bool any_running() const;
  /// Its children, as /metrics tells them.
  std::vector<HostedCount> counted() const;
  /// For ServiceTable::on_change: what else the host serves is the children's to call.
  void tell_services(const v1::ServiceEntry& changed);

  Result<v1::ListResponse> list(const v1::ListRequest& request, const CallContext& context) override;
  void watch(v1::WatchRequest request, ServerStream<v1::HostState> stream) override;
  void answer_upgrade(v1::UpgradeRequest request, UnaryCall<v1::UpgradeResponse> call) override;
  void logs(v1::LogsRequest request, ServerStream<v1::LogLine> stream) override;
  Result<v1::RestartResponse> restart(const v1::RestartRequest& request, const CallContext& context) override;

 private:
  /// One caller of Watch.
  struct Watcher {
    ServerStream<v1::HostState> stream;
    Duration interval;
    TimePoint due{};      ///< of the next state
    TimePoint told{};     ///< when the last state was sent
    bool full = false;    ///< waits until its connection takes more
  };

  /// One caller of Logs who follows.
  struct LogReader {
    ServerStream<v1::LogLine> stream;
    std::string child;  ///< "" for all
    bool full = false;
    std::uint64_t dropped = 0;
  };

  void upgrade_host(UnaryCall<v1::UpgradeResponse> call);
  Result<HostedChild*> find_child(std::string_view name);
  void tell_line(const std::string& child, std::string_view line);
  HostedChild* find(std::string_view name);
  void look();
  void on_change();
  void tell(Watcher& watcher, const v1::HostState& state);
  void tell_those_due();
  void plan();

  HostParts parts_;
  About about_;
  std::vector<std::unique_ptr<HostedChild>> children_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  std::vector<std::shared_ptr<LogReader>> readers_;
  std::function<void()> stopped_;
  bool closing_ = false;
  net::Timer timer_;
  TimePoint armed_ = TimePoint::max();
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2
