#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

#include "ardus/store_service.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

constexpr std::uint64_t kLargeFile = 8 * 1024 * 1024;  ///< bytes
constexpr std::size_t kChunksATurn = 8;

}  // namespace

Status Store::commit() {
  if (!failed_) return failed_;
  if (!missing_.empty()) return Error{Errc::conflict, std::to_string(missing_.size()) + " chunks are still missing"};
  if (Status synced = sync(); !synced) return synced;
  room_.reset();
  (void)staging_.remove_file("room");
  std::vector<std::uint32_t> staged_files;
  Status whole;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file || in_place_[number]) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    Status read = read_back(number);
    if (!read && read.error().code != Errc::data_loss) return failed_ = std::move(read);
    if (!read) whole = std::move(read);
    staged_files.push_back(number);
  }
  if (!whole) return whole;
  if (Status looked = look_for_obstacles(); !looked) return looked;
  if (Status placed = place_folders(); !placed) return placed;
  if (Status flushed = flush_files(staged_files); !flushed) return failed_ = std::move(flushed);
  return place_all();
}

/// Everything that goes under its name is whole on the disk.
Status Store::place_all() {
  target_.forget();
  for (const auto& [kind, place] : {std::pair{EntryKind::file, &Store::place_file}, {EntryKind::hardlink, &Store::place_hard_link}, {EntryKind::symlink, &Store::place_symlink}}) {
    for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
      if (entry(number).kind != kind) continue;
      if (Status placed = (this->*place)(number); !placed) return placed;
    }
  }
  if (Status finished = finish_folders(); !finished) return finished;
  return disk().sync_all(target_.fd()) == 0 ? Status() : Status(disk_error("sync", target_.path().string()));
}

/// Whether every chunk stands there as it was taken. Of a large file two threads read by turns, so that a disk is still read from one end to the other.
bool Store::gives_back(int fd, const Entry& e) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> places;
  for_each_place(manifest(), e, [&](std::uint32_t chunk, std::uint64_t offset) { places.emplace_back(chunk, offset); });
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> right = true;
  const auto look = [&](Bytes& buffer) {
    while (right) {
      const std::size_t begin = next.fetch_add(kChunksATurn), end = std::min(places.size(), begin + kChunksATurn);
      if (begin >= end) return;
      for (std::size_t i = begin; i < end; ++i) {
        const auto [chunk, offset] = places[i];
        const std::uint32_t size = manifest().chunks[chunk].size;
        if (buffer.size() < size) buffer.resize(size);
        const std::span<std::uint8_t> bytes = std::span(buffer).first(size);
        if (!read_exactly(fd, offset, bytes, e.path) || check_of(bytes) != check_[chunk]) right = false;
      }
    }
  };
  std::jthread other;  // joined also when there is no memory for a buffer
  if (e.size >= kLargeFile && std::thread::hardware_concurrency() > 1) {
    try {
      other = std::jthread([&] {
        Bytes buffer;
        look(buffer);
      });
    } catch (const std::system_error&) {  // none is to be had: one reads it all
    }
  }
  look(buffer_);
  other = {};
  return right;
}

/// A file gets its metadata while it is still staged, so that it never stands under its name without.
Status Store::read_back(std::uint32_t number) {
  const Entry& e = entry(number);
  const bool small = is_small(number);
  const auto own = small ? open_staged(number, O_RDONLY | (e.size == 0 ? O_CREAT : 0)) : Result<UniqueFd>(UniqueFd());
  const auto shared = small ? Result<int>(-1) : staged(number);
  for (const Error* why : {own ? nullptr : &own.error(), shared ? nullptr : &shared.error()}) {
    if (why && why->code != Errc::not_found) return *why;
  }
  const int fd = own && *own ? own->get() : shared ? *shared : -1;
  if (fd < 0 || !gives_back(fd, e) || !holds_nothing_else(fd, e, buffer_)) {
    Sha256 hash;
    std::size_t wrong = 0;
    for_each_place(manifest(), e, [&](std::uint32_t chunk, std::uint64_t offset) {
      buffer_.resize(manifest().chunks[chunk].size);
      if (fd >= 0 && read_exactly(fd, offset, buffer_, e.path) && hash.update(buffer_).finish() == manifest().chunks[chunk].hash) return;
      missing_.insert(chunk);
      ++wrong;
    });
    if (wrong == 0) {  // something stands in a hole, or after the end: the file is begun anew
      for (const std::uint32_t chunk : e.chunks) missing_.insert(chunk);
      if (fd >= 0 && disk().truncate(fd, 0) != 0) return disk_error("cut", path_of(number));
      if (Status allocated = small ? Status() : allocate(number); !allocated) return allocated;
    }
    return Error{Errc::data_loss, "'" + e.path + "': the disk gave back other bytes than were written; they are fetched again"};
  }
  if (has_metadata_[number]) return {};
  if (Status set = disk().set_metadata(fd, e, wish_.owners, path_of(number), left_out_); !set) return set;
  has_metadata_[number] = true;
  return {};
}

Status Store::place_folders() {
  for (const Entry& e : manifest().entries) {
    if (e.kind != EntryKind::directory) continue;
    if (Status made = target_.make_folder(e.path, static_cast<mode_t>(e.mode | 0700)); !made) return made;
    // One that was there and can't be written to: its own mode comes back at the end.
    const auto there = target_.look(e.path);
    if (!there) return there.error();
    if (*there && ((*there)->st_mode & 0700) == 0700) continue;
    const auto folder = target_.folder(e.path);
    if (!folder) return folder.error();
    if (::fchmod(folder->fd(), static_cast<mode_t>(e.mode | 0700)) != 0) return errno_error("make writable", folder->path().string());
  }
  return {};
}

Status Store::place_file(std::uint32_t number) {
  const Entry& e = entry(number);
  if (!in_place_[number]) {
    if (Status taken = target_.take(staging_, staged_name(number), e.path); !taken) return taken;
    if (!is_small(number)) std::erase_if(opened_, [&](const OpenFile& file) { return file.entry == number; });
    in_place_[number] = true;
    return {};
  }
  const auto there = target_.look(e.path);
  if (!there) return there.error();
  if (!*there) return Error{Errc::conflict, "'" + e.path + "' was there when this began, and is gone"};
  if (has_metadata_[number] && has_mode_and_time(**there, e, wish_.owners)) return {};
  const auto fd = target_.open_file(e.path, O_RDONLY);
  if (!fd) return fd.error();
  return disk().set_metadata(fd->get(), e, wish_.owners, path_of(number), left_out_);
}

Status Store::place_symlink(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto there = target_.look(e.path);
  if (!there) return there.error();
  if (*there && S_ISLNK((*there)->st_mode)) {
    const auto says = target_.read_link(e.path);
    if (says && *says == e.link) return {};
  }
  const std::string name = "l" + std::to_string(number);
  if (Status removed = staging_.remove_file(name); !removed) return removed;
  if (Status made = staging_.make_link(e.link, name); !made) return made;
  if (e.owner && wish_.owners == Owners::publishers && ::fchownat(staging_.fd(), name.c_str(), e.owner->user, e.owner->group, AT_SYMLINK_NOFOLLOW) != 0) left_out_.owners = true;
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(e.seconds), static_cast<long>(e.nanoseconds)}};
  ::utimensat(staging_.fd(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);  // a link's own time is a nicety not every file system has
  return target_.take(staging_, name, e.path);
}

Status Store::place_hard_link(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto file = target_.look(e.link), there = target_.look(e.path);
  if (!file) return file.error();
  if (!there) return there.error();
  if (!*file || !S_ISREG((*file)->st_mode)) return Error{Errc::conflict, "'" + e.link + "' was put in place, and is gone"};
  // Of two names of one file, rename(2) would leave both.
  if (*there && (*there)->st_ino == (*file)->st_ino && (*there)->st_dev == (*file)->st_dev) return {};
  const std::string name = "h" + std::to_string(number);
  if (Status removed = staging_.remove_file(name); !removed) return removed;
  if (Status made = target_.make_hard_link(e.link, staging_, name); !made) return made;
  return target_.take(staging_, name, e.path);
}

Status Store::finish_folders() {
  for (auto e = manifest().entries.rbegin(); e != manifest().entries.rend(); ++e) {
    if (e->kind != EntryKind::directory) continue;
    const auto folder = target_.open_file(e->path, O_RDONLY | O_DIRECTORY);
    if (!folder) return folder.error();
    if (Status set = disk().set_metadata(folder->get(), *e, wish_.owners, (target_.path() / e->path).string(), left_out_); !set) return set;
  }
  return {};
}

Status Store::keep(BytesView receipt) {
  const std::string received(kReceivedFolder), name = short_name(manifest().content);
  if (Status made = target_.make_folder(received, 0700); !made) return made;
  if (Status written = target_.put_file(received + "/" + name + ".receipt", receipt, 0600); !written) return written;
  if (Status written = target_.put_file(received + "/" + name + ".manifest", wish_.encoded, 0600); !written) return written;
  target_.remove_folder(std::string(kStagingName) + "/" + name);
  return {};
}

}  // namespace ghost::ardus
