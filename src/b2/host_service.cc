#include "b2/host_service.h"

#include <algorithm>
#include <utility>

namespace ghost::b2 {

namespace {

/// Changes come in bursts, and a console can show only so many.
constexpr Duration kShortestInterval = std::chrono::milliseconds(100);
constexpr Duration kUsualInterval = std::chrono::seconds(1);
constexpr Duration kLongestInterval = std::chrono::hours(1);

Duration interval_of(const v1::WatchRequest& request) {
  if (request.interval_ms == 0) return kUsualInterval;
  return std::clamp<Duration>(std::chrono::milliseconds(request.interval_ms), kShortestInterval, kLongestInterval);
}

}  // namespace

Host::Host(HostParts parts, About about) : parts_(std::move(parts)), about_(std::move(about)) {}

Host::~Host() {
  closing_ = true;
  end_watching({Errc::busy, "the host is shutting down"});
  children_.clear();
}

void Host::end_watching(const Error& why) {
  for (const auto& watcher : std::exchange(watchers_, {})) watcher->stream.fail(why);
  for (const auto& reader : std::exchange(readers_, {})) reader->stream.fail(why);
}

Status Host::add(ChildSpec spec) {
  if (find(spec.name) != nullptr) return Error{Errc::exists, "there is a child '" + spec.name + "' already"};
  children_.push_back(std::make_unique<HostedChild>(parts_, std::move(spec), [this] { on_change(); }));
  children_.back()->on_log = [this, name = children_.back()->name()](LogLevel, std::string_view line) { tell_line(name, line); };
  children_.back()->start();
  return {};
}

void Host::stop(std::function<void()> done) {
  stopped_ = std::move(done);
  for (const auto& child : children_) child->stop();
  on_change();
}

bool Host::any_running() const {
  return std::any_of(children_.begin(), children_.end(), [](const auto& child) { return child->running(); });
}

HostedChild* Host::find(std::string_view name) {
  for (const auto& child : children_) {
    if (child->name() == name) return child.get();
  }
  return nullptr;
}

void Host::tell_services(const v1::ServiceEntry& changed) {
  if (closing_) return;
  for (const auto& child : children_) child->tell_services(changed);
}

std::vector<HostedCount> Host::counted() const {
  std::vector<HostedCount> counts;
  for (const auto& child : children_) counts.push_back({child->name(), child->state() == Supervisor::State::ready, child->restarts()});
  return counts;
}

v1::HostState Host::state() const {
  const Endpoint& endpoint = parts_.endpoint;
  v1::HostState state;
  state.node_name = endpoint.name;
  state.node_id = Bytes(endpoint.node.bytes.begin(), endpoint.node.bytes.end());
  state.node_words = endpoint.node.words();
  state.house = endpoint.house;
  state.addresses = endpoint.addresses;
  state.version = about_.version;
  state.stats = about_.core.stats_now();
  state.uptime_ms = state.stats->uptime_ms;
  for (const auto& child : children_) state.children.push_back(child->told());
  for (const v1::ServiceEntry& entry : endpoint.services.entries()) {
    const Service* service = endpoint.services.service(entry.name);
    const bool forwarded =
        std::any_of(children_.begin(), children_.end(), [&](const auto& child) { return service != nullptr && child->serves(*service); });
    if (!forwarded) state.services.push_back(entry);
  }
  return state;
}

void Host::look() {
  for (const auto& child : children_) child->look();
}

Result<v1::ListResponse> Host::list(const v1::ListRequest&, const CallContext&) {
  look();
  v1::ListResponse response;
  response.state = state();
  return response;
}

Result<HostedChild*> Host::find_child(std::string_view name) {
  if (HostedChild* child = find(name)) return child;
  std::string names;
  for (const auto& one : children_) names += (names.empty() ? "" : ", ") + one->name();
  return Error{Errc::not_found, "no child is called '" + std::string(name) + "'; there " +
                                    (names.empty() ? "is none" : (children_.size() == 1 ? "is " : "are ") + names)};
}

void Host::upgrade_host(UnaryCall<v1::UpgradeResponse> call) {
  if (stopped_) return call.fail({Errc::busy, "the host is shutting down"});
  if (!upgrade_self) return call.fail({Errc::unsupported, "this host can't be relieved by another process; end it and start it again"});
  const auto waiting = std::make_shared<UnaryCall<v1::UpgradeResponse>>(std::move(call));
  upgrade_self([waiting](const Result<std::int32_t>& pid) {
    if (!pid) return waiting->fail(pid.error());
    v1::UpgradeResponse response;
    response.pid = *pid;
    waiting->finish(response);
  });
}

void Host::answer_upgrade(v1::UpgradeRequest request, UnaryCall<v1::UpgradeResponse> call) {
  if (request.name.empty()) return upgrade_host(std::move(call));
  const auto child = find_child(request.name);
  if (!child) return call.fail(child.error());
  if (stopped_) return call.fail({Errc::busy, "the host is shutting down"});
  const auto waiting = std::make_shared<UnaryCall<v1::UpgradeResponse>>(std::move(call));
  (*child)->upgrade([found = *child, waiting, alive = std::weak_ptr<char>(alive_)](const Status& how) {
    if (!how || alive.expired()) return waiting->fail(how ? Error{Errc::busy, "the host is shutting down"} : how.error());
    v1::UpgradeResponse response;
    response.child = found->told();
    response.pid = response.child->pid;
    waiting->finish(response);
  });
}

void Host::logs(v1::LogsRequest request, ServerStream<v1::LogLine> stream) {
  if (!request.name.empty()) {
    if (const auto child = find_child(request.name); !child) return stream.fail(child.error());
  }
  for (const auto& child : children_) {
    if (!request.name.empty() && child->name() != request.name) continue;
    const std::string kept = child->kept_log();
    for (std::size_t at = 0; at < kept.size();) {
      const std::size_t end = std::min(kept.find('\n', at), kept.size());
      v1::LogLine line;
      line.child = child->name();
      line.line = kept.substr(at, end - at);
      stream.write(line);  // 8 KiB a child: they may wait
      at = end + 1;
    }
  }
  if (!request.follow) return stream.finish();
  const auto reader = std::make_shared<LogReader>(LogReader{std::move(stream), request.name});
  reader->stream.on_cancel([this, weak = std::weak_ptr<LogReader>(reader), alive = std::weak_ptr<char>(alive_)] {
    const auto gone = weak.lock();
    if (!gone) return;
    if (!alive.expired()) std::erase(readers_, gone);
    gone->stream.fail({Errc::cancelled, "cancelled by the caller"});
  });
  reader->stream.on_ready([weak = std::weak_ptr<LogReader>(reader)] {
    if (const auto ready = weak.lock()) ready->full = false;
  });
  readers_.push_back(reader);
}

void Host::tell_line(const std::string& child, std::string_view line) {
  for (const auto& reader : std::vector(readers_)) {
    if (!reader->child.empty() && reader->child != child) continue;
    if (reader->full) {
      ++reader->dropped;
      continue;
    }
    v1::LogLine told;
    told.child = child;
    told.line = line;
    told.dropped = std::exchange(reader->dropped, 0);
    if (!reader->stream.write(told)) reader->full = true;
  }
}

Result<v1::RestartResponse> Host::restart(const v1::RestartRequest& request, const CallContext& context) {
  const auto found = find_child(request.name);
  if (!found) return found.error();
  HostedChild* const child = *found;
  if (stopped_) return Error{Errc::busy, "the host is shutting down"};
  parts_.log.info("b2: child restarted by hand", {{"child", request.name}, {"by", context.caller ? context.caller->where : ""}});
  child->restart();
  v1::RestartResponse response;
  response.child = child->told();
  return response;
}

void Host::watch(v1::WatchRequest request, ServerStream<v1::HostState> stream) {
  const auto watcher = std::make_shared<Watcher>(Watcher{std::move(stream), interval_of(request)});
  watcher->stream.on_cancel([this, weak = std::weak_ptr<Watcher>(watcher), alive = std::weak_ptr<char>(alive_)] {
    const auto gone = weak.lock();
    if (!gone) return;
    if (!alive.expired()) std::erase(watchers_, gone);
    gone->stream.fail({Errc::cancelled, "cancelled by the caller"});
  });
  watcher->stream.on_ready([this, weak = std::weak_ptr<Watcher>(watcher), alive = std::weak_ptr<char>(alive_)] {
    const auto ready = weak.lock();
    if (!ready || alive.expired()) return;
    ready->full = false;
    plan();
  });
  watchers_.push_back(watcher);
  look();
  tell(*watcher, state());
  plan();
}

void Host::tell(Watcher& watcher, const v1::HostState& state) {
  watcher.told = parts_.reactor.now();
  watcher.due = watcher.told + watcher.interval;
  watcher.full = false;
  if (!watcher.stream.write(state)) watcher.full = true;
}

/// A child is another: those who watch hear of it soon, and whoever waits for the end of all children, perhaps now.
void Host::on_change() {
  if (closing_) return;
  for (const auto& watcher : watchers_) watcher->due = std::min(watcher->due, watcher->told + kShortestInterval);
  plan();
  if (!stopped_ || any_running()) return;
  parts_.reactor.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || any_running()) return;
    if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
  });
}

void Host::tell_those_due() {
  const TimePoint now = parts_.reactor.now();
  look();
  const v1::HostState current = state();
  for (const auto& watcher : std::vector(watchers_)) {
    if (!watcher->full && watcher->due <= now) tell(*watcher, current);
  }
  plan();
}

void Host::plan() {
  TimePoint when = TimePoint::max();
  for (const auto& watcher : watchers_) {
    if (!watcher->full) when = std::min(when, watcher->due);
  }
  if (when == armed_) return;
  armed_ = when;
  timer_ = parts_.reactor.wake_at(when, [this](TimePoint) {
    armed_ = TimePoint::max();
    tell_those_due();
  });
}

}  // namespace ghost::b2
