#include "b2/hosted_child_service.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "b2/spawn_service.h"
#include "base/units.h"

namespace ghost::b2 {

namespace {

/// How long answers may be on their way from a process that has ended; its connection ends at once, unless others hold it.
constexpr Duration kExitGrace = std::chrono::milliseconds(200);
constexpr Duration kPatience = std::chrono::seconds(5);
/// CPU time comes in ticks of 10 ms: over less than this its share would be noise.
constexpr Duration kLookEvery = std::chrono::milliseconds(500);

std::shared_ptr<const Identity> identity_of(const ChildSpec& spec) {
  Identity identity;
  identity.kind = Identity::Kind::owner;
  identity.roles = Roles::all();
  identity.name = identity.where = spec.name;
  return std::make_shared<const Identity>(std::move(identity));
}

/// What every endpoint has, a child's own too, is the host's here.
bool is_forwarded(const v1::ServiceEntry& entry) { return !entry.name.starts_with("b2.v1."); }

v1::ChildState wire_state(Supervisor::State state) {
  switch (state) {
    case Supervisor::State::stopped: return v1::ChildState::stopped;
    case Supervisor::State::starting: return v1::ChildState::starting;
    case Supervisor::State::ready: return v1::ChildState::ready;
    case Supervisor::State::ending: return v1::ChildState::ending;
    case Supervisor::State::backing_off: return v1::ChildState::backing_off;
    case Supervisor::State::failed: return v1::ChildState::failed;
  }
  return v1::ChildState::unknown;
}

template <class Number>
Number milliseconds(Duration span) {
  return static_cast<Number>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(span).count()));
}

}  // namespace

HostedChild::HostedChild(const HostParts& parts, ChildSpec spec, std::function<void()> changed)
    : parts_(parts),
      spec_(std::move(spec)),
      changed_(std::move(changed)),
      supervisor_(parts.rules),
      gate_(spec_.name, parts.reactor, [this] { plan(); }) {
  gate_.on_wanted = [this] { wake(); };
}

HostedChild::~HostedChild() {
  alive_.reset();
  for (const auto& service : services_) parts_.endpoint.services.remove(*service);
  relief_.reset();
  leaving_.clear();
  link_.reset();
  process_.reset();
}

void HostedChild::start() {
  supervisor_.start(parts_.reactor.now());
  apply();
}

void HostedChild::stop() {
  asleep_ = false;
  end_upgrade(Error{Errc::cancelled, spec_.name + " is being stopped"});
  leaving_.clear();
  supervisor_.stop(parts_.reactor.now());
  apply();
}

void HostedChild::restart() {
  asleep_ = false;
  end_upgrade(Error{Errc::cancelled, spec_.name + " is started again"});
  supervisor_.restart(parts_.reactor.now());
  apply();
}

// The process, and the connection to it.

Result<std::unique_ptr<Process>> HostedChild::start_process(const ChildSpec& spec, const std::shared_ptr<Part>& part) {
  ProcessEvents events;
  events.connected = [this, part](std::unique_ptr<net::ByteStream> stream) { on_connected(std::move(stream), part); };
  events.output = [this](std::string_view piece) { on_output(piece); };
  events.exited = [this, part](const ExitStatus& status) { on_process_ended(status, part); };
  return parts_.processes.spawn(spec, std::move(events));
}

void HostedChild::spawn() {
  part_ = std::make_shared<Part>(Part::serves);
  ChildSpec spec = spec_;
  if (parts_.relieves && parts_.relieves()) spec.environment.emplace_back(kRelievesVariable, "1");
  auto process = start_process(spec, part_);
  if (process) {
    process_ = std::move(*process);
    looked_ = parts_.reactor.now();
    cpu_seen_ = Duration::zero();
  } else {
    supervisor_.on_spawn_failed(process.error(), parts_.reactor.now());
  }
}

void HostedChild::on_connected(std::unique_ptr<net::ByteStream> stream, const std::shared_ptr<Part>& part) {
  if (*part == Part::leaves || (*part == Part::takes_over && !relief_)) return;
  Link::Events events;
  events.hello = [this, part] {
    if (*part == Part::takes_over) return take_over();
    if (*part == Part::serves) learn_services();
  };
  events.services_changed = [this, part] {
    if (*part == Part::serves) learn_services();
  };
  events.closed = [this, part](const Error& why) { on_link_closed(why, part); };
  auto& link = *part == Part::serves ? link_ : relief_->link;
  link = std::make_unique<Link>(parts_.reactor, parts_.endpoint, Side::acceptor, std::move(stream), identity_of(spec_), std::move(events), &limits_);
  link->open();
}

void HostedChild::on_link_closed(const Error& why, const std::shared_ptr<Part>& part) {
  if (*part == Part::serves) return on_closed(why);
  if (*part == Part::takes_over) {
    // Its end, which tells why, is heard of a moment later.
    relief_->link.reset();
    relief_->timer = parts_.reactor.wake_at(parts_.reactor.now() + parts_.rules.lost_patience, [this, why](TimePoint) {
      end_upgrade(Error{why.code, "the second process of " + spec_.name + " ended its connection before it was ready: " + why.message});
    });
    return;
  }
  Life* const life = leaving(part);
  if (life == nullptr) return;
  life->link.reset();
  terminate(*life);  // what calls it had are done
}

void HostedChild::on_process_ended(const ExitStatus& status, const std::shared_ptr<Part>& part) {
  if (*part == Part::serves) return on_exited(status);
  if (*part == Part::takes_over) {
    relief_->process.reset();
    return end_upgrade(Error{Errc::conflict, "the second process of " + spec_.name + " ended before it was ready: " + status.text() + "; its last lines are in 'b2 logs " + spec_.name + "'"});
  }
  std::erase_if(leaving_, [&](const Life& one) { return one.part == part; });
}

// One process relieves another.

void HostedChild::upgrade(std::function<void(Status)> done) {
  if (supervisor_.state() != Supervisor::State::ready || !link_) {
    return done(Error{Errc::conflict, spec_.name + " does not run, so there is nothing to take over from: b2.v1.Host/Restart starts it"});
  }
  if (relief_) return done(Error{Errc::busy, "an upgrade of " + spec_.name + " is under way"});
  ChildSpec spec = spec_;
  spec.environment.emplace_back(kRelievesVariable, "1");
  relief_.emplace();
  relief_->part = std::make_shared<Part>(Part::takes_over);
  relieved_ = std::move(done);
  auto process = start_process(spec, relief_->part);
  if (!process) return end_upgrade(process.error());
  relief_->process = std::move(*process);
  const Duration patience = parts_.rules.hello_patience;
  relief_->timer = parts_.reactor.wake_at(parts_.reactor.now() + patience, [this, patience](TimePoint) {
    end_upgrade(Error{Errc::timed_out, "the second process of " + spec_.name + " did not say HELLO within " + format_duration(patience) + "; the first goes on"});
  });
  parts_.log.info("b2: child is being upgraded", {{"child", spec_.name}, {"pid", process_->pid()}, {"beside", relief_->process->pid()}});
}

void HostedChild::take_over() {
  if (supervisor_.state() != Supervisor::State::ready || !link_) return end_upgrade(Error{Errc::conflict, spec_.name + " ended meanwhile"});
  const TimePoint now = parts_.reactor.now();
  Life old{part_, std::move(process_), std::move(link_), {}};
  part_ = relief_->part;
  *part_ = Part::serves;
  process_ = std::move(relief_->process);
  link_ = std::move(relief_->link);
  looked_ = now;
  cpu_seen_ = Duration::zero();
  stats_.reset();
  stats_asked_ = false;
  supervisor_.on_relieved(now);
  const auto channel = link_->shared_channel();
  gate_.open(channel, [channel] { return channel->ready(); });
  drain(std::move(old));
  parts_.log.info("b2: child upgraded", {{"child", spec_.name}, {"pid", process_->pid()}});
  learn_services();
  end_upgrade({});
  changed_();
  plan();
}

/// The first process takes no more calls, ends those it has, then itself.
void HostedChild::drain(Life life) {
  *life.part = Part::leaves;
  const auto part = life.part;
  leaving_.push_back(std::move(life));
  Life& old = leaving_.back();
  old.timer = parts_.reactor.wake_at(parts_.reactor.now() + parts_.rules.drain_patience, [this, part](TimePoint) {
    Life* const late = leaving(part);
    if (late == nullptr) return;
    parts_.log.warning("b2: the process that was relieved has calls that do not end", {{"child", spec_.name}, {"pid", late->process->pid()}});
    terminate(*late);
  });
  old.link->close();
}

/// Ends one of those that leave, by force if need be.
void HostedChild::terminate(Life& life) {
  life.process->signal(SIGTERM);
  life.timer = parts_.reactor.wake_at(parts_.reactor.now() + parts_.rules.stop_patience, [this, part = life.part](TimePoint) {
    std::erase_if(leaving_, [&](const Life& one) { return one.part == part; });
  });
}

HostedChild::Life* HostedChild::leaving(const std::shared_ptr<Part>& part) {
  const auto found = std::find_if(leaving_.begin(), leaving_.end(), [&](const Life& one) { return one.part == part; });
  return found == leaving_.end() ? nullptr : &*found;
}

void HostedChild::end_upgrade(Status how) {
  if (!relief_) return;
  Life relief = *std::exchange(relief_, std::nullopt);
  if (!how) {
    parts_.log.warning("b2: child was not upgraded, and goes on as it was", {{"child", spec_.name}, {"why", how.error().message}});
    *relief.part = Part::leaves;  // what it says from here on is nobody's
    relief.link.reset();
    if (relief.process) {  // it gives back what it has taken
      leaving_.push_back(std::move(relief));
      terminate(leaving_.back());
    }
  }
  if (const auto relieved = std::exchange(relieved_, nullptr)) relieved(how);
}

void HostedChild::on_output(std::string_view piece) {
  tail_.add(piece, [this](LogLevel level, std::string_view line) { on_line(level, line); });
}

void HostedChild::on_line(LogLevel level, std::string_view line) {
  if (on_log) on_log(level, line);
  if (!lines_.take(parts_.reactor.now())) {
    ++lines_dropped_;
    return;
  }
  if (const auto dropped = std::exchange(lines_dropped_, 0); dropped != 0) {
    parts_.log.warning("b2: child writes more than is logged", {{"child", spec_.name}, {"lines_dropped", dropped}});
  }
  const std::string prefix = spec_.name + ": ";
  const std::string event = line.starts_with(prefix) ? std::string(line) : prefix + std::string(line);
  switch (level) {
    case LogLevel::error: return parts_.log.error(event);
    case LogLevel::warning: return parts_.log.warning(event);
    case LogLevel::info: return parts_.log.info(event);
    case LogLevel::debug: return parts_.log.debug(event);
  }
}

void HostedChild::on_exited(const ExitStatus& status) {
  exit_ = status;
  if (!link_) return finish_exit();
  exit_due_ = parts_.reactor.now() + kExitGrace;
  plan();
}

void HostedChild::on_closed(const Error& why) {
  ++learning_;
  link_.reset();
  if (exit_) return finish_exit();
  supervisor_.on_lost(why, parts_.reactor.now());
  apply();
}

void HostedChild::finish_exit() {
  const ExitStatus status = *std::exchange(exit_, std::nullopt);
  end_upgrade(Error{Errc::conflict, spec_.name + " ended meanwhile: " + status.text()});
  exit_due_ = TimePoint::max();
  ++learning_;
  link_.reset();
  process_.reset();
  tail_.finish([this](LogLevel level, std::string_view line) { on_line(level, line); });
  cpu_percent_ = 0;
  resident_bytes_ = 0;
  stats_.reset();
  addresses_.clear();

  ChildEnd end;
  end.asked = supervisor_.asked_to_end();
  supervisor_.on_exit(status, parts_.reactor.now());
  end.reason = supervisor_.last_exit();
  end.outlook = outlook();
  // The gate takes no call to the process that ended, before its callers, who may call again from here, are told.
  set_gate();
  gate_.end_cut_calls(end);
  apply();
}

// What it serves.

void HostedChild::describe(v1::DescribeRequest request, std::function<void(Result<v1::DescribeResponse>)> done) {
  CallOptions options;
  options.timeout = kPatience;
  ++asked_;
  v1::CoreClient(link_->channel())
      .describe(
          request,
          [this, round = learning_, alive = std::weak_ptr<char>(alive_), done = std::move(done)](Result<v1::DescribeResponse> answer) {
            if (alive.expired() || round != learning_ || !link_->channel().ready()) return;
            if (!answer) {
              parts_.log.warning("b2: child does not describe itself", {{"child", spec_.name}, {"error", answer.error()}});
            }
            done(std::move(answer));
            if (--asked_ == 0) learnt();
          },
          options);
}

/// Asks for the descriptors of the services that are not known, so that Describe at the host is complete; they are served when
/// all have come.
void HostedChild::learn_services() {
  ++learning_;
  described_.clear();
  asked_ = 0;
  const std::vector<v1::ServiceEntry> entries = link_->channel().peer_hello().services;
  describe({}, [this](Result<v1::DescribeResponse> answer) {
    if (answer) addresses_ = std::move(answer->addresses);
  });
  for (const v1::ServiceEntry& entry : entries) {
    const bool known = std::any_of(services_.begin(), services_.end(), [&](const auto& service) { return service->is(entry); });
    if (known || !is_forwarded(entry) || !spec_.offers_services) continue;
    v1::DescribeRequest request;
    request.service = entry.name;
    request.descriptors = true;
    describe(std::move(request), [this, entry](Result<v1::DescribeResponse> answer) {
      Bytes descriptors = answer ? std::move(answer->file_descriptor_set) : Bytes();
      described_.push_back(std::make_unique<ForwardedService>(entry, std::move(descriptors), gate_));
    });
  }
}

void HostedChild::learnt() {
  take_services();
  if (supervisor_.state() == Supervisor::State::starting) {
    supervisor_.on_hello(parts_.reactor.now());
    ready_at_ = parts_.reactor.now();
    const auto channel = link_->shared_channel();
    gate_.open(channel, [channel] { return channel->ready(); });
  } else {
    set_health();
    changed_();
  }
  apply();
}

/// Brings what the host serves in line with what the child's HELLO tells.
void HostedChild::take_services() {
  const std::vector<v1::ServiceEntry>& entries = link_->channel().peer_hello().services;
  std::erase_if(services_, [&](const auto& service) {
    const bool stays = std::any_of(entries.begin(), entries.end(), [&](const v1::ServiceEntry& entry) { return service->is(entry); });
    if (!stays) parts_.endpoint.services.remove(*service);
    return !stays;
  });
  for (auto& service : std::exchange(described_, {})) {
    const std::string name(service->info().name);
    if (parts_.endpoint.services.service(name) != nullptr) {
      parts_.log.warning("b2: child's service is served by another already", {{"child", spec_.name}, {"service", name}});
      continue;
    }
    parts_.endpoint.services.add(*service, v1::Health::starting);
    services_.push_back(std::move(service));
  }
}

bool HostedChild::serves(const Service& service) const {
  return std::any_of(services_.begin(), services_.end(), [&](const auto& one) { return one.get() == &service; });
}

void HostedChild::tell_services(const v1::ServiceEntry& changed) {
  if (link_) link_->channel().tell_services(changed);
}

// What is decided.

void HostedChild::on_time(TimePoint now) {
  supervisor_.on_time(now);
  gate_.on_time(now);
  if (now >= exit_due_) return finish_exit();
  if (now >= idle_at()) return sleep();
  apply();
}

// Without calls it need not run.

TimePoint HostedChild::idle_at() const {
  if (spec_.idle_stop == Duration::zero() || supervisor_.state() != Supervisor::State::ready || gate_.open_calls() != 0 || relief_) return TimePoint::max();
  return std::max(gate_.last_used(), ready_at_) + spec_.idle_stop;
}

void HostedChild::sleep() {
  asleep_ = true;
  parts_.log.info("b2: child ends for want of calls, and starts with the next", {{"child", spec_.name}});
  supervisor_.stop(parts_.reactor.now());
  apply();
}

void HostedChild::wake() {
  if (!std::exchange(asleep_, false)) return;
  ++wakes_;
  supervisor_.start(parts_.reactor.now());
  apply();
}

void HostedChild::apply() {
  for (auto actions = supervisor_.take_actions(); !actions.empty(); actions = supervisor_.take_actions()) {
    for (const Supervisor::Action action : actions) perform(action);
  }
  follow_state();
  plan();
}

void HostedChild::perform(Supervisor::Action action) {
  switch (action) {
    case Supervisor::Action::spawn: return spawn();
    case Supervisor::Action::ping: return ping();
    case Supervisor::Action::terminate:
      if (process_) process_->signal(SIGTERM);
      return;
    case Supervisor::Action::kill:
      if (process_) process_->signal(SIGKILL);
      return;
  }
}

void HostedChild::ping() {
  if (!link_) return;
  link_->channel().ping([this, alive = std::weak_ptr<char>(alive_)](const Result<Duration>& answer) {
    if (alive.expired() || !answer) return;
    supervisor_.on_pong(parts_.reactor.now());
    plan();
  });
}

void HostedChild::follow_state() {
  if (followed_ == supervisor_.state() && followed_restarts_ == supervisor_.restarts()) return;
  followed_ = supervisor_.state();
  followed_restarts_ = supervisor_.restarts();
  if (followed_ != Supervisor::State::ready) set_gate();
  set_health();
  log_state();
  changed_();
}

void HostedChild::set_health() {
  ServiceTable& table = parts_.endpoint.services;
  for (const auto& service : services_) {
    v1::Health health = v1::Health::not_serving;
    if (supervisor_.state() == Supervisor::State::starting) health = v1::Health::starting;
    if (asleep_) health = v1::Health::serving;  // as any caller will find
    if (supervisor_.state() == Supervisor::State::ready && link_) {
      health = v1::Health::serving;
      for (const v1::ServiceEntry& entry : link_->channel().peer_hello().services) {
        if (service->is(entry) && entry.health != v1::Health::unknown) health = entry.health;
      }
    }
    table.set_health(*service, health);
  }
}

/// For all states but ready, to which the gate opens when the services are known.
void HostedChild::set_gate() {
  const std::string& reason = supervisor_.last_exit();
  switch (supervisor_.state()) {
    case Supervisor::State::starting: return gate_.hold("is starting");
    case Supervisor::State::ready: return;
    case Supervisor::State::ending:
      return asleep_ || supervisor_.comes_back() ? gate_.hold("is being started again") : gate_.close("is being stopped");
    case Supervisor::State::stopped: return asleep_ ? gate_.hold("starts with its first call") : gate_.close("is stopped");
    case Supervisor::State::failed:
      return gate_.close("has ended too often within a minute, at last: " + reason + "; b2.v1.Host/Restart starts it again");
    case Supervisor::State::backing_off: break;
  }
  const Duration wait = supervisor_.next_start() - parts_.reactor.now();
  if (wait < ChildGate::kLongestWait) return gate_.hold("has ended (" + reason + ") and is about to start again");
  gate_.close("is not running: " + reason + "; it starts again " + format_duration(wait) + " after that");
}

std::string HostedChild::outlook() const {
  switch (supervisor_.state()) {
    case Supervisor::State::backing_off: return "it starts again in " + format_duration(supervisor_.next_start() - parts_.reactor.now());
    case Supervisor::State::starting: return "it is starting again";
    case Supervisor::State::failed: return "it has ended too often within a minute and waits for b2.v1.Host/Restart";
    case Supervisor::State::stopped:
    case Supervisor::State::ready:
    case Supervisor::State::ending: break;
  }
  return "";
}

void HostedChild::log_state() {
  const std::string& child = spec_.name;
  const std::int32_t pid = process_ ? process_->pid() : 0;
  const TimePoint now = parts_.reactor.now();
  switch (followed_) {
    case Supervisor::State::starting: return parts_.log.debug("b2: child starting", {{"child", child}, {"pid", pid}});
    case Supervisor::State::ready:
      return parts_.log.info("b2: child ready", {{"child", child}, {"pid", pid}, {"s", now - supervisor_.started_at()}});
    case Supervisor::State::ending: return parts_.log.debug("b2: child ending", {{"child", child}, {"pid", pid}});
    case Supervisor::State::backing_off:
      return parts_.log.warning("b2: child ended", {{"child", child}, {"reason", supervisor_.last_exit()}, {"next_start_s", supervisor_.next_start() - now}});
    case Supervisor::State::failed:
      return parts_.log.error("b2: child failed, and waits for Restart", {{"child", child}, {"reason", supervisor_.last_exit()}});
    case Supervisor::State::stopped: return parts_.log.info("b2: child stopped", {{"child", child}, {"reason", supervisor_.last_exit()}});
  }
}

void HostedChild::plan() {
  const TimePoint when = std::min({supervisor_.next_wakeup(), gate_.next_wakeup(), exit_due_, idle_at()});
  if (when == armed_) return;
  armed_ = when;
  timer_ = parts_.reactor.wake_at(when, [this](TimePoint now) {
    armed_ = TimePoint::max();
    on_time(now);
  });
}

// How it is.

void HostedChild::look() {
  const TimePoint now = parts_.reactor.now();
  const Duration span = now - looked_;
  if (!process_ || span < kLookEvery) return;
  looked_ = now;
  if (const auto use = process_->use()) {
    const double share = std::chrono::duration<double>(use->cpu - cpu_seen_) / std::chrono::duration<double>(span);
    cpu_percent_ = std::max(0.0, share * 100);
    cpu_seen_ = use->cpu;
    resident_bytes_ = use->resident_bytes;
  }
  if (stats_asked_ || followed_ != Supervisor::State::ready || !link_) return;
  stats_asked_ = true;
  CallOptions options;
  options.timeout = kPatience;
  v1::CoreClient(link_->channel())
      .stats(
          {},
          [this, alive = std::weak_ptr<char>(alive_)](Result<v1::StatsResponse> answer) {
            if (alive.expired()) return;
            stats_asked_ = false;
            if (answer && link_) stats_ = std::move(*answer);
          },
          options);
}

v1::Child HostedChild::told() const {
  const TimePoint now = parts_.reactor.now();
  v1::Child child;
  child.name = spec_.name;
  child.state = wire_state(supervisor_.state());
  if (process_) {
    child.pid = process_->pid();
    child.uptime_ms = milliseconds<std::uint64_t>(now - supervisor_.started_at());
  }
  child.restarts = restarts();
  child.starts_on_call = asleep_;
  child.last_exit = supervisor_.last_exit();
  if (supervisor_.state() == Supervisor::State::backing_off) child.next_start_ms = milliseconds<std::uint32_t>(supervisor_.next_start() - now);
  // What it serves by itself is told too: every endpoint has a b2.v1.Core, and only the host's own is called through the host.
  if (link_ && link_->channel().ready()) child.services = link_->channel().peer_hello().services;
  for (const v1::ServiceEntry& entry : parts_.endpoint.services.entries()) {
    const Service* service = parts_.endpoint.services.service(entry.name);
    if (service == nullptr || !serves(*service)) continue;
    const auto told = std::find_if(child.services.begin(), child.services.end(), [&](const auto& one) { return one.name == entry.name; });
    if (told == child.services.end()) child.services.push_back(entry);
    else told->health = entry.health;
  }
  child.stats = stats_;
  child.addresses = addresses_;
  child.cpu_percent = cpu_percent_;
  child.resident_bytes = resident_bytes_;
  child.log_tail = tail_.text();
  return child;
}

}  // namespace ghost::b2
