#include "portlight/owner.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "portlight/number.h"

namespace ghost::portlight {

namespace {

bool is_hex_id(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// What systemd escaped in a unit's name: "\x2d" is '-'.
std::string unescaped(std::string_view unit) {
  std::string out;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    unsigned byte = 0;
    if (unit.substr(i, 2) == "\\x" && i + 4 <= unit.size()) {
      const auto [end, error] = std::from_chars(unit.data() + i + 2, unit.data() + i + 4, byte, 16);
      if (error == std::errc() && end == unit.data() + i + 4) {
        out += static_cast<char>(byte);
        i += 3;
        continue;
      }
    }
    out += unit[i];
  }
  return out;
}

/// "docker-0123….scope", "libpod-….scope", "cri-containerd-….scope", "machine-web.scope", "lxc.payload.web", or a bare id.
std::string container_of(std::string_view part, std::string_view before) {
  constexpr std::size_t kShown = 12;  // of an id, as docker ps shows it
  if (is_hex_id(part)) return std::string(before.empty() ? "container" : before) + " " + std::string(part.substr(0, kShown));
  if (part.starts_with("lxc.payload.")) return "lxc " + std::string(part.substr(12));
  if (!part.ends_with(".scope")) return "";
  const std::string_view scope = part.substr(0, part.size() - 6);
  if (scope.starts_with("machine-")) return unescaped(scope.substr(8));
  const auto dash = scope.rfind('-');
  if (dash == std::string_view::npos || !is_hex_id(scope.substr(dash + 1))) return "";
  return std::string(scope.substr(0, dash)) + " " + std::string(scope.substr(dash + 1, kShown));
}

}  // namespace

std::string_view name(OwnerStatus status) {
  constexpr std::array<std::string_view, 10> kNames = {"package_verified", "package_modified", "package_unverified", "unpackaged",    "deleted",
                                                       "deleted",          "container",        "kernel",             "no_descriptor", "not_visible"};
  return kNames[static_cast<std::size_t>(status)];
}

std::string Owner::text() const {
  if (status == OwnerStatus::kernel) return "the kernel";
  if (pid != 0) return process + " (pid " + std::to_string(pid) + ")";
  std::string text = status == OwnerStatus::no_descriptor ? "no process" : "a process";
  if (!unit.empty()) return text + " of " + unit;
  if (!container.empty()) return text + " in " + container;
  if (!user.empty() && status != OwnerStatus::no_descriptor) return text + " of user " + user;
  return text;
}

CgroupOwner owner_of_cgroup(std::string_view path) {
  CgroupOwner owner;
  std::string_view before;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty()) continue;
    if (const std::string container = container_of(part, before); !container.empty()) owner.container = container;
    else if (part.ends_with(".service") || part.ends_with(".scope") || part.ends_with(".socket")) owner.unit = unescaped(part);
    before = part;
  }
  return owner;
}

std::optional<ProcessStatus> parse_process_status(std::string_view text) {
  ProcessStatus status;
  bool parent = false, user = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto colon = line.find(":\t");
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon), value = line.substr(colon + 2);
    if (key == "Name") status.name = printable(value);
    if (key == "PPid") parent = parse_number(value, status.parent);
    if (key == "Uid") user = parse_number(value.substr(0, value.find('\t')), status.user);
  }
  if (status.name.empty() || !parent || !user) return std::nullopt;
  return status;
}

std::optional<std::uint64_t> link_inode(std::string_view link, std::string_view kind) {
  std::uint64_t inode = 0;
  if (link.size() < kind.size() + 4 || !link.starts_with(kind) || link.substr(kind.size(), 2) != ":[" || link.back() != ']') return std::nullopt;
  if (!parse_number(link.substr(kind.size() + 2, link.size() - kind.size() - 3), inode)) return std::nullopt;
  return inode;
}

std::string command_text(std::string_view cmdline) {
  constexpr std::size_t kLongest = 200;
  std::string words(cmdline);
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  std::string shown = printable(words);
  if (shown.size() > kLongest) shown = cut_to_width(shown, kLongest);
  return shown;
}

}  // namespace ghost::portlight
