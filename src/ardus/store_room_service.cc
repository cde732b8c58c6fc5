#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "ardus/store_service.h"

namespace ghost::ardus {

namespace {

constexpr std::uint64_t kRoomStep = 4 * 1024 * 1024;  ///< room for small files is given back in pieces of this size

std::string amount(std::uint64_t bytes) {
  if (bytes < 10'000) return std::to_string(bytes) + " bytes";
  if (bytes < 10'000'000) return std::to_string(bytes / 1000) + " kB";
  return std::to_string(bytes / 1'000'000) + " MB";
}

std::uint64_t in_pages(std::uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

std::uint64_t data_bytes(const Entry& e) {
  std::uint64_t bytes = e.size;
  for (const Hole& hole : e.holes) bytes -= hole.length;
  return bytes;
}

/// What staged files of an earlier process take up, by entry.
std::unordered_map<std::uint32_t, std::uint64_t> taken_in(const Folder& staging) {
  std::unordered_map<std::uint32_t, std::uint64_t> taken;
  walk_files(staging, "", [&](const std::string& path, const struct stat& stat) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), number);
    if (path[0] == 'f' && error == std::errc() && end == path.data() + path.size()) taken[number] = static_cast<std::uint64_t>(stat.st_blocks) * 512;
    return true;
  });
  return taken;
}

}  // namespace

/// Sees that everything fits before the first byte is written, then takes the room.
Status Store::claim_room() {
  std::uint64_t needed = 0, small = 0, longest = 0, files = 0;
  const auto taken = taken_in(staging_);
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    const Entry& e = entry(number);
    files += e.kind == EntryKind::directory || e.kind == EntryKind::symlink ? 1 : 0;
    if (e.kind != EntryKind::file) continue;
    const auto there = taken.find(number);
    if (in_place_[number]) {  // whoever reads what is staged is not to find an older try of it
      if (Status removed = there == taken.end() ? Status() : staging_.remove_file(staged_name(number)); !removed) return removed;
      continue;
    }
    files += there == taken.end() ? 1 : 0;
    const std::uint64_t bytes = is_small(number) ? in_pages(e.size) : data_bytes(e), had = there == taken.end() ? 0 : there->second;
    needed += bytes > had ? bytes - had : 0;
    if (is_small(number) && had == 0) small += bytes;
    longest = std::max(longest, e.size);
  }
  struct statvfs room_on {};
  if (::fstatvfs(staging_.fd(), &room_on) != 0) return errno_error("ask for the room on", target_.path().string());
  const std::uint64_t room = static_cast<std::uint64_t>(room_on.f_bavail) * room_on.f_frsize;
  if ((room_on.f_flag & ST_RDONLY) != 0) return Error{Errc::refused, target_.path().string() + " is on a file system that is mounted read-only"};
  if (needed > room) {
    return Error{Errc::exhausted, target_.path().string() + ": " + amount(needed) + " are needed and " + amount(room) + " are free; nothing was written. Make room, or receive into another folder"};
  }
  if (room_on.f_files > 0 && files > room_on.f_favail && room_on.f_favail + 1000 < files) {
    return Error{Errc::exhausted, target_.path().string() + ": " + std::to_string(files) + " files are to come and this file system has room for " + std::to_string(room_on.f_favail) + " more (df -i); nothing was written"};
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && longest > limit.rlim_cur) {
    return Error{Errc::exhausted, target_.path().string() + ": a file of " + amount(longest) + " is longer than this process may write (ulimit -f)"};
  }
  if (Status claimed = claim_for_small(small); !claimed) return claimed;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file || in_place_[number] || is_small(number)) continue;
    if (Status allocated = allocate(number); !allocated) return allocated;
  }
  return {};
}

/// Small files are made when they come; one file holds the room for all of them until then.
Status Store::claim_for_small(std::uint64_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY || bytes == 0) return {};
  auto room = staging_.open_file("room", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!room) return room.error();
  if (disk().allocate(room->get(), 0, bytes) == 0) {
    room_ = std::move(*room);
    room_size_ = bytes;
    return {};
  }
  const int why = errno;
  (void)staging_.remove_file("room");
  if (why == ENOSPC || why == EDQUOT) return Error{Errc::exhausted, target_.path().string() + ": no room for " + amount(bytes) + " of small files; make room, or receive into another folder"};
  return {};  // the file system can't, or not so long a file: the room is there, only not claimed
}

Status Store::give_room(std::uint64_t bytes) {
  const std::uint64_t pages = in_pages(bytes);
  if (room_size_ == 0 || room_given_ >= pages) {
    room_given_ -= std::min(room_given_, pages);
    return {};
  }
  const std::uint64_t given = std::min(room_size_, std::max(kRoomStep, pages));
  room_size_ -= given;
  room_given_ += given - std::min(given, pages);
  if (disk().truncate(room_.get(), room_size_) != 0) return disk_error("give back", "the room of small files in " + staging_.path().string());
  return {};
}

Status Store::allocate(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto fd = staged(number);
  if (!fd) return fd.error();
  struct stat now {};
  if (::fstat(*fd, &now) != 0) return errno_error("look at", staged_name(number));
  if (static_cast<std::uint64_t>(now.st_size) > e.size && disk().truncate(*fd, 0) != 0) return disk_error("cut", (staging_.path() / staged_name(number)).string());
  if (e.size == 0) return {};
  if (e.holes.empty() && disk().allocate(*fd, 0, e.size) == 0) return {};
  bool claimed = !e.holes.empty() && disk().truncate(*fd, e.size) == 0;
  for_each_place(manifest(), e, [&](std::uint32_t chunk, std::uint64_t offset) {
    claimed = claimed && disk().allocate(*fd, offset, manifest().chunks[chunk].size) == 0;
  });
  if (claimed || (errno == EOPNOTSUPP && disk().truncate(*fd, e.size) == 0)) return {};
  if (errno == ENOSPC || errno == EDQUOT) return Error{Errc::exhausted, target_.path().string() + ": no room for " + amount(data_bytes(e)) + " of '" + e.path + "'; make room, or receive into another folder"};
  if (errno == EFBIG) return Error{Errc::exhausted, "'" + e.path + "' is longer than this process, or the file system, allows (ulimit -f)"};
  return disk_error("claim the room for", path_of(number));
}

}  // namespace ghost::ardus
