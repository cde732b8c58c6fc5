#include "ardus/confine_service.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace ghost::ardus {

namespace {

constexpr int kRenamesSince = 2, kTruncatesSince = 3;          // versions of its interface: before the first nothing can be renamed into another folder
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;    // LANDLOCK_ACCESS_FS_TRUNCATE, which Debian 12's headers lack
constexpr std::uint64_t kSpecial = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK;
constexpr std::uint64_t kWrites = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;

}  // namespace

Status write_only_beneath(const std::filesystem::path& folder) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < kRenamesSince) return Error{Errc::unsupported, "this kernel has no Landlock, an old one, or has it switched off"};
  const std::uint64_t writes = kWrites | (version >= kTruncatesSince ? kTruncate : 0);
  landlock_ruleset_attr handled{};
  handled.handled_access_fs = writes | kSpecial;
  const UniqueFd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0)));
  if (!rules) return errno_error("make Landlock's rules for", folder.string());
  const UniqueFd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return errno_error("open", folder.string());
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = writes;
  beneath.parent_fd = at.get();
  if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) return errno_error("make Landlock's rules for", folder.string());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return errno_error("confine writing to", folder.string());
  return {};
}

}  // namespace ghost::ardus
