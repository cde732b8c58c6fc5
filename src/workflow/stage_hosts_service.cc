#include "workflow/stage_hosts_service.h"

#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include "base/file.h"
#include "workflow/command_service.h"

namespace ghost::workflow {

namespace {

constexpr unsigned kMostHosts = 32, kMostStages = 100;
constexpr std::string_view kNamespaces = "/run/netns/";  ///< where iproute2 keeps names

/// Gives the receiver at `state` a key, a name and its place in the house.
Status join(const std::filesystem::path& state, const std::string& name, const b2::House& house) {
  const WallTime now = std::chrono::system_clock::now();
  if (const Status made = make_directories(state, 0700); !made) return made;
  auto node = b2::NodeState::open_or_create(state, name, now);
  if (!node) return node.error();
  if (node->membership() && node->membership()->house().id() == house.trust().id()) return {};
  const auto roles = b2::Roles::parse("listen");
  if (!roles) return roles.error();
  const auto leaf = house.issue(node->key().public_key(), name, *roles, now);
  if (!leaf) return leaf.error();
  auto membership = b2::Membership::from_certificates({*leaf, house.trust().certificate()}, node->key().public_key(), now);
  if (!membership) return membership.error();
  return node->join(std::move(*membership), b2::NodeState::LeaveOther::yes);
}

std::string name_of(unsigned number) { return "receiver-" + std::to_string(number); }

}  // namespace

Result<std::unique_ptr<StageHosts>> StageHosts::make(Spec spec, const b2::House& house) {
  if (spec.count < 1 || spec.count > kMostHosts) return Error{Errc::malformed, fmt::format("{} receivers: between 1 and {} can be run on one machine", spec.count, kMostHosts)};
  if (!(spec.loss >= 0 && spec.loss <= 0.9)) return Error{Errc::malformed, "packet loss is a share between 0 and 0.9"};
  std::unique_ptr<StageHosts> hosts(new StageHosts(std::move(spec)));
  hosts->in_namespaces_ = hosts->spec_.namespaces && ::geteuid() == 0;
  for (unsigned n = 1; n <= hosts->spec_.count; ++n) {
    if (const Status joined = join(hosts->state_of(n), name_of(n), house); !joined) return joined.error().in(name_of(n));
  }
  if (hosts->in_namespaces_) {
    const Status made = hosts->make_in_namespaces();
    if (made) return hosts;
    hosts->give_namespaces_up(made.error());
  }
  hosts->make_on_loopback();
  return hosts;
}

StageHosts::~StageHosts() {
  if (!prefix_.empty()) clear();
}

/// Root in a container often may not make them.
void StageHosts::give_namespaces_up(const Error& why) {
  if (!prefix_.empty()) clear();
  prefix_.clear();
  children_.clear();
  in_namespaces_ = false;
  why_not_ = why.message;
}

void StageHosts::make_on_loopback() {
  interface_ = "lo";
  for (unsigned n = 1; n <= spec_.count; ++n) {
    b2::ChildSpec child;
    child.name = name_of(n);
    child.offers_services = false;
    child.command = {spec_.ardus.string(), "serve", "--state", state_of(n).string(), "--listen", fmt::format("127.0.0.{}:1117", n + 1),
                     "--iface", "lo", "--into", (state_of(n) / "received").string()};
    children_.push_back(std::move(child));
  }
}

Status StageHosts::make_in_namespaces() {
  const auto ip = find_program("ip");
  if (!ip) return ip.error().in("receivers in network namespaces");
  if (const Status chosen = choose_prefix(); !chosen) return chosen;
  clear();
  interface_ = prefix_ + "-br";
  const std::vector<std::vector<std::string>> bridge = {
      {"ip", "link", "add", interface_, "type", "bridge", "mcast_snooping", "0"},
      {"ip", "addr", "add", fmt::format("10.117.{}.1/24", subnet_), "dev", interface_},
      {"ip", "link", "set", interface_, "up"}};
  for (const auto& command : bridge) {
    if (const auto done = run_command(command); !done) return done.error();
  }
  for (unsigned n = 1; n <= spec_.count; ++n) {
    if (const Status made = make_namespace(n); !made) return made;
    b2::ChildSpec child;
    child.name = name_of(n);
    child.offers_services = false;
    child.command = {*ip, "netns", "exec", namespace_of(n), spec_.ardus.string(), "serve", "--state", state_of(n).string(),
                     "--listen", "127.0.0.1:1117", "--listen", fmt::format("10.117.{}.{}:1117", subnet_, n + 1),
                     "--iface", "eth0", "--into", (state_of(n) / "received").string()};
    children_.push_back(std::move(child));
  }
  return {};
}

/// The first names nobody holds; what a killed host left behind under them is cleared away by the next.
Status StageHosts::choose_prefix() {
  for (unsigned n = 0; n < kMostStages; ++n) {
    const std::string prefix = "gl-stage" + (n == 0 ? "" : std::to_string(n + 1));
    auto lock = FileLock::acquire("/run/" + prefix + ".lock");
    if (!lock && lock.error().code == Errc::busy) continue;
    if (!lock) return lock.error();
    names_ = std::move(*lock);
    prefix_ = prefix;
    subnet_ = n;
    return {};
  }
  return Error{Errc::exhausted, fmt::format("{} hosts with receivers run on this machine; 'ghostlight stop' ends one", kMostStages)};
}

Status StageHosts::make_namespace(unsigned number) {
  const std::string name = namespace_of(number), outside = link_of(number);
  const std::vector<std::vector<std::string>> commands = {
      {"ip", "netns", "add", name},
      {"ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name},
      {"ip", "link", "set", outside, "master", interface_, "up"},
      {"ip", "-n", name, "addr", "add", fmt::format("10.117.{}.{}/24", subnet_, number + 1), "dev", "eth0"},
      {"ip", "-n", name, "link", "set", "lo", "up"},
      {"ip", "-n", name, "link", "set", "eth0", "up"}};
  for (const auto& command : commands) {
    if (const auto done = run_command(command); !done) return done.error();
  }
  return spec_.loss > 0 ? lose_packets(name) : Status{};
}

Status StageHosts::lose_packets(const std::string& name) {
  const auto per_mille = static_cast<unsigned>(spec_.loss * 1000 + 0.5);
  const std::string rules = fmt::format(
      "table inet ghostlight {{\n chain loss {{\n  type filter hook input priority 0;\n  iifname \"eth0\" meta l4proto udp numgen random mod 1000 < {} counter drop\n }}\n}}\n", per_mille);
  const auto done = run_command({"ip", "netns", "exec", name, "nft", "-f", "-"}, rules);
  return done ? Status{} : Status(done.error());
}

/// Takes everything of this prefix away; what is not there is no error. A namespace lives on without its name while a
/// process is left in it, and its link with it, so the links are taken away by themselves: the next ones have their names.
void StageHosts::clear() {
  for (unsigned n = 1; n <= kMostHosts; ++n) {
    std::error_code failed;
    if (std::filesystem::exists(std::string(kNamespaces) + namespace_of(n), failed)) (void)run_command({"ip", "netns", "delete", namespace_of(n)});
    if (::if_nametoindex(link_of(n).c_str()) != 0) (void)run_command({"ip", "link", "delete", link_of(n)});
  }
  (void)run_command({"ip", "link", "delete", prefix_ + "-br"});
}

std::string StageHosts::text() const {
  if (!in_namespaces_) {
    return fmt::format("{} receivers, each a process on loopback", spec_.count) + (why_not_.empty() ? "" : " (no network namespaces: " + why_not_ + ")");
  }
  return fmt::format("{} receivers, each in a network namespace of its own ({} to {}), losing {:.1f} % of packets", spec_.count, namespace_of(1), namespace_of(spec_.count), spec_.loss * 100);
}

}  // namespace ghost::workflow
