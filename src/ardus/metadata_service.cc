#include "ardus/metadata_service.h"

#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ghost::ardus {

namespace {

constexpr std::size_t kAttributeNames = 64 * 1024;  ///< bytes, as the kernel has it (xattr(7))

bool keeps_none(int why) { return why == EOPNOTSUPP || why == ENOSYS; }

/// Attributes of an entry that this receiver would keep.
std::vector<Attribute> wanted_attributes(const Entry& entry, Owners owners) {
  std::vector<Attribute> wanted;
  for (const Attribute& attribute : entry.attributes) {
    if (owners == Owners::publishers || !is_acl(attribute.name)) wanted.push_back(attribute);
  }
  return wanted;
}

std::vector<Attribute> kept_attributes(std::vector<Attribute> all, Owners owners) {
  if (owners == Owners::own) std::erase_if(all, [](const Attribute& attribute) { return is_acl(attribute.name); });
  return all;
}

/// Makes the attributes those of the entry: others of these kinds go.
Status set_attributes(int fd, const Entry& entry, Owners owners, const std::string& name, LeftOut& left_out) {
  const std::vector<Attribute> wanted = wanted_attributes(entry, owners);
  auto there = read_attributes(fd, entry.kind, name);
  if (!there) return there.error();
  const std::vector<Attribute> old = kept_attributes(std::move(*there), owners);
  if (old == wanted) return {};
  ::fchmod(fd, static_cast<mode_t>(entry.mode | 0200));  // for user.* of files that are read-only; what fails is told below
  for (const Attribute& attribute : old) {
    if (std::ranges::none_of(wanted, [&](const Attribute& one) { return one.name == attribute.name; })) ::fremovexattr(fd, attribute.name.c_str());
  }
  for (const Attribute& attribute : wanted) {
    if (::fsetxattr(fd, attribute.name.c_str(), attribute.value.data(), attribute.value.size(), 0) == 0) continue;
    if (!keeps_none(errno) && errno != EPERM && errno != EINVAL) return errno_error("set the attribute " + attribute.name + " of", name);
    left_out.attributes = true;
  }
  return {};
}

}  // namespace

Result<std::vector<Attribute>> read_attributes(int fd, EntryKind kind, const std::string& name) {
  std::vector<Attribute> all;
  char small[512];
  std::string names;
  ssize_t size = ::flistxattr(fd, small, sizeof small);
  if (size > 0) names.assign(small, static_cast<std::size_t>(size));
  if (size < 0 && errno == ERANGE) {
    names.resize(kAttributeNames);
    size = ::flistxattr(fd, names.data(), names.size());
    if (size >= 0) names.resize(static_cast<std::size_t>(size));
  }
  if (size < 0) return keeps_none(errno) ? Result<std::vector<Attribute>>(all) : Result<std::vector<Attribute>>(errno_error("list the attributes of", name));
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    Attribute attribute{names.c_str() + at, {}};
    if (!may_carry_attribute(kind, attribute.name)) continue;
    attribute.value.resize(kAttributeNames);
    const ssize_t got = ::fgetxattr(fd, attribute.name.c_str(), attribute.value.data(), attribute.value.size());
    if (got < 0 && errno == ENODATA) continue;
    if (got < 0) return errno_error("read the attribute " + attribute.name + " of", name);
    attribute.value.resize(static_cast<std::size_t>(got));
    attribute.value.shrink_to_fit();
    all.push_back(std::move(attribute));
  }
  std::ranges::sort(all, {}, &Attribute::name);
  return all;
}

Status set_metadata(int fd, const Entry& entry, Owners owners, const std::string& name, LeftOut& left_out) {
  if (entry.owner && owners == Owners::publishers) {
    // First: the kernel takes rights away from a file that is given away.
    if (::geteuid() != 0) left_out.owners = true;
    else if (::fchown(fd, entry.owner->user, entry.owner->group) != 0) return errno_error("set the owner of", name);
  }
  if (Status set = set_attributes(fd, entry, owners, name, left_out); !set) return set;
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(entry.seconds), static_cast<long>(entry.nanoseconds)}};
  if (::fchmod(fd, entry.mode) != 0) return errno_error("set the mode of", name);
  if (::futimens(fd, times) != 0) return errno_error("set the time of", name);
  return {};
}

bool has_mode_and_time(const struct stat& stat, const Entry& entry, Owners owners) {
  if (entry.owner && owners == Owners::publishers && ::geteuid() == 0 && (stat.st_uid != entry.owner->user || stat.st_gid != entry.owner->group)) return false;
  return (stat.st_mode & 07777) == entry.mode && stat.st_mtim.tv_sec == entry.seconds && stat.st_mtim.tv_nsec == static_cast<long>(entry.nanoseconds);
}

bool has_metadata(int fd, const struct stat& stat, const Entry& entry, Owners owners) {
  if (!has_mode_and_time(stat, entry, owners)) return false;
  auto there = read_attributes(fd, entry.kind, entry.path);
  return there && kept_attributes(std::move(*there), owners) == wanted_attributes(entry, owners);
}

}  // namespace ghost::ardus
