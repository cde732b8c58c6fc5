#include "ardus/store_service.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>

#include "ardus/scan_service.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kOpenStaged = 64;
constexpr std::size_t kFewFiles = 8;  ///< up to so many are synced one by one, more with one syncfs(2)
constexpr std::size_t kJournalRecord = 8;
constexpr std::string_view kReceived = ".ardus/received";

/// A record is a chunk's number and its complement: half of one, or zeros after a crash, is none.
void write_record(Bytes& out, std::uint32_t chunk) { ByteWriter(out).u32(chunk).u32(~chunk); }

std::string short_name(const ContentId& content) { return to_hex(BytesView(content).first(16)); }

std::string amount(std::uint64_t bytes) {
  if (bytes < 10'000) return std::to_string(bytes) + " bytes";
  if (bytes < 10'000'000) return std::to_string(bytes / 1000) + " kB";
  return std::to_string(bytes / 1'000'000) + " MB";
}

Status set_metadata(int fd, const Entry& entry, const std::string& name) {
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(entry.seconds), static_cast<long>(entry.nanoseconds)}};
  if (::fchmod(fd, entry.mode) != 0) return errno_error("set the mode of", name);
  if (::futimens(fd, times) != 0) return errno_error("set the time of", name);
  return {};
}

bool has_metadata(const struct stat& stat, const Entry& entry) {
  return (stat.st_mode & 07777) == entry.mode && stat.st_mtim.tv_sec == entry.seconds && stat.st_mtim.tv_nsec == static_cast<long>(entry.nanoseconds);
}

}  // namespace

Store::Store(Wish wish, Folder target, Folder staging) : wish_(std::move(wish)), target_(std::move(target)), staging_(std::move(staging)), missing_(wish_.manifest->chunks.size(), true) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Wish wish) {
  if (Status made = make_directories(wish.target); !made) return made.error();
  auto target = Folder::open(wish.target);
  if (!target) return target.error();
  const std::string staging_name = std::string(kStagingName) + "/" + short_name(wish.manifest->content);
  for (const std::string& name : {std::string(kStagingName), staging_name}) {
    if (Status made = target->make_folder(name, 0700); !made) return made.error();
  }
  auto staging = target->folder(staging_name);
  if (!staging) return staging.error();
  std::unique_ptr<Store> store(new Store(std::move(wish), std::move(*target), std::move(*staging)));
  if (Status prepared = store->prepare(); !prepared) return prepared.error();
  return store;
}

Status Store::prepare() {
  auto journal = staging_.open_file("journal", O_RDWR | O_CREAT | O_APPEND, 0600);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  if (::flock(journal_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::busy, "another process is receiving the same content into " + target_.path().string()};
  }
  index_places();
  in_place_.resize(manifest().entries.size());
  if (Status looked = look_for_obstacles(); !looked) return looked;
  for (const auto& step : {&Store::scan_target, &Store::claim_room, &Store::read_journal, &Store::copy_found}) {
    if (Status done = (this->*step)(); !done) return done;
  }
  return {};
}

void Store::index_places() {
  first_place_.assign(manifest().chunks.size() + 1, 0);
  for (const Entry& e : manifest().entries) {
    for (const std::uint32_t chunk : e.chunks) ++first_place_[chunk + 1];
  }
  for (std::size_t i = 1; i < first_place_.size(); ++i) first_place_[i] += first_place_[i - 1];
  places_.resize(first_place_.back());
  std::vector<std::uint32_t> next(first_place_.begin(), first_place_.end() - 1);
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    std::uint64_t offset = 0;
    for (const std::uint32_t chunk : entry(number).chunks) {
      places_[next[chunk]++] = {number, offset};
      offset += manifest().chunks[chunk].size;
    }
  }
}

std::span<const Store::Place> Store::places(std::uint32_t chunk) const {
  return std::span(places_).subspan(first_place_[chunk], first_place_[chunk + 1] - first_place_[chunk]);
}

/// What could only fail when everything has come is told before anything has.
Status Store::look_for_obstacles() const {
  for (const Entry& e : manifest().entries) {
    const auto there = target_.look(e.path);
    if (!there) return there.error();
    if (!*there) continue;
    const bool is_folder = S_ISDIR((*there)->st_mode);
    if ((e.kind == EntryKind::directory) == is_folder) continue;
    const std::string what = is_folder ? "a folder" : S_ISLNK((*there)->st_mode) ? "a symbolic link" : "a file";
    return Error{Errc::conflict, (target_.path() / e.path).string() + ": " + what + " stands where " +
                                     (e.kind == EntryKind::directory ? "a folder" : "a file") + " should go; move it away first"};
  }
  return {};
}

/// Finds what older files of the target have of this content.
Status Store::scan_target() {
  std::uint64_t looked_at = 0;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    if (Status scanned = scan_file(number); !scanned) return scanned;
    looked_at += entry(number).size;
    if (wish_.progress) wish_.progress(looked_at);
  }
  // A chunk that stands in every file that needs it, at its place, is not missing.
  for (std::uint32_t chunk = 0; chunk < missing_.size(); ++chunk) {
    const auto all = places(chunk);
    if (std::ranges::all_of(all, [&](const Place& place) { return in_place_[place.entry]; })) missing_.erase(chunk);
  }
  return {};
}

Status Store::scan_file(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto there = target_.look(e.path);
  if (!there) return there.error();
  if (!*there || !S_ISREG((*there)->st_mode) || (*there)->st_size == 0) return {};
  const auto fd = target_.open_file(e.path, O_RDONLY);
  if (!fd) return {};  // unreadable: it will be replaced, or the commit says why it can't be
  if (numbers_.empty()) {
    for (std::uint32_t i = 0; i < manifest().chunks.size(); ++i) numbers_.emplace(manifest().chunks[i].hash, i);
  }
  std::size_t at = 0;
  bool same = true;
  const Status read = for_each_chunk(fd->get(), e.path, [&](const Chunk& chunk, std::uint64_t offset) {
    const auto known = numbers_.find(chunk.hash);
    same = same && at < e.chunks.size() && known != numbers_.end() && known->second == e.chunks[at];
    ++at;
    if (known != numbers_.end()) found_.emplace(known->second, Place{number, offset});
    return !cancelled();
  });
  if (!read || cancelled()) return {};
  if (!same || at != e.chunks.size()) return {};
  in_place_[number] = true;
  was_there_ = true;
  bytes_done_ += e.size;
  return {};
}

/// Sees that everything fits before the first byte is written, then takes the room.
Status Store::claim_room() {
  std::uint64_t needed = 0, longest = 0;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    const Entry& e = entry(number);
    if (e.kind != EntryKind::file || in_place_[number]) continue;
    struct stat staged {};
    const bool there = ::fstatat(staging_.fd(), staged_name(number).c_str(), &staged, AT_SYMLINK_NOFOLLOW) == 0;
    const std::uint64_t taken = there ? static_cast<std::uint64_t>(staged.st_blocks) * 512 : 0;
    needed += e.size > taken ? e.size - taken : 0;
    longest = std::max(longest, e.size);
  }
  struct statvfs disk {};
  if (::fstatvfs(staging_.fd(), &disk) != 0) return errno_error("ask for the room on", target_.path().string());
  const std::uint64_t room = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if ((disk.f_flag & ST_RDONLY) != 0) return Error{Errc::refused, target_.path().string() + " is on a file system that is mounted read-only"};
  if (needed > room) {
    return Error{Errc::exhausted, target_.path().string() + ": " + amount(needed) + " are needed and " + amount(room) + " are free; nothing was written. Make room, or receive into another folder"};
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && longest > limit.rlim_cur) {
    return Error{Errc::exhausted, target_.path().string() + ": a file of " + amount(longest) + " is longer than this process may write (ulimit -f)"};
  }
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file || in_place_[number]) continue;
    if (Status allocated = allocate(number); !allocated) return allocated;
  }
  return {};
}

Status Store::allocate(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto fd = staged(number);
  if (!fd) return fd.error();
  struct stat now {};
  if (::fstat(*fd, &now) != 0) return errno_error("look at", staged_name(number));
  if (static_cast<std::uint64_t>(now.st_size) > e.size && ::ftruncate(*fd, 0) != 0) return errno_error("cut", staged_name(number));
  if (e.size == 0) return {};
  const auto size = static_cast<off_t>(e.size);
  if (::fallocate(*fd, 0, 0, size) == 0) return {};
  if (errno == EOPNOTSUPP && ::ftruncate(*fd, size) == 0) return {};
  if (errno == ENOSPC || errno == EDQUOT) return Error{Errc::exhausted, target_.path().string() + ": no room for " + amount(e.size) + " of '" + e.path + "'; make room, or receive into another folder"};
  if (errno == EFBIG) return Error{Errc::exhausted, "'" + e.path + "' is longer than this process, or the file system, allows (ulimit -f)"};
  return errno_error("claim the room for", e.path);
}

/// Believes nothing the journal says before the bytes have been hashed again.
Status Store::read_journal() {
  struct stat size {};
  if (::fstat(journal_.get(), &size) != 0) return errno_error("look at", "the journal");
  Bytes bytes(static_cast<std::size_t>(size.st_size) / kJournalRecord * kJournalRecord);
  if (Status read = read_exactly(journal_.get(), 0, bytes, "the journal"); !read) return read;
  Bytes still;
  for (ByteReader in(bytes); in.remaining() > 0;) {
    const std::uint32_t chunk = in.u32();
    if (in.u32() != ~chunk || chunk >= missing_.size() || !missing_.has(chunk)) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    if (!is_staged(chunk)) continue;
    missing_.erase(chunk);
    bytes_done_ += manifest().chunks[chunk].size * static_cast<std::uint64_t>(std::ranges::count_if(places(chunk), [&](const Place& p) { return !in_place_[p.entry]; }));
    write_record(still, chunk);
  }
  // Written anew, so that half a record at its end, or chunks that were lost, don't stay in it.
  if (::ftruncate(journal_.get(), 0) != 0) return errno_error("cut", "the journal");
  if (!still.empty() && ::write(journal_.get(), still.data(), still.size()) != static_cast<ssize_t>(still.size())) return errno_error("write", "the journal");
  return {};
}

bool Store::is_staged(std::uint32_t chunk) {
  Bytes bytes(manifest().chunks[chunk].size);
  return std::ranges::all_of(places(chunk), [&](const Place& place) {
    if (in_place_[place.entry]) return true;
    const auto fd = staged(place.entry);
    return fd && read_exactly(*fd, place.offset, bytes, "") && sha256(bytes) == manifest().chunks[chunk].hash;
  });
}

/// Takes chunks over from older files.
Status Store::copy_found() {
  Bytes bytes;
  for (const auto& [chunk, where] : found_) {
    if (!missing_.has(chunk)) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    const auto fd = target_.open_file(entry(where.entry).path, O_RDONLY);
    bytes.resize(manifest().chunks[chunk].size);
    if (!fd || !read_exactly(fd->get(), where.offset, bytes, "")) continue;
    const Status taken = put(chunk, bytes);
    if (!taken && taken.error().code != Errc::data_loss) return taken;
    was_there_ = was_there_ || taken.has_value();
  }
  found_.clear();
  numbers_.clear();
  return sync();
}

Result<int> Store::staged(std::uint32_t number) {
  const auto at = std::find_if(opened_.begin(), opened_.end(), [&](const OpenFile& file) { return file.entry == number; });
  if (at != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, at);
    return opened_.front().fd.get();
  }
  auto fd = staging_.open_file(staged_name(number), O_RDWR | O_CREAT, 0600);
  // A commit that was broken off may have given it its final mode.
  if (!fd && fd.error().code == Errc::refused && ::fchmodat(staging_.fd(), staged_name(number).c_str(), 0600, 0) == 0) {
    fd = staging_.open_file(staged_name(number), O_RDWR | O_CREAT, 0600);
  }
  if (!fd) return fd.error();
  if (opened_.size() >= kOpenStaged) opened_.pop_back();
  opened_.push_front({number, std::move(*fd)});
  return opened_.front().fd.get();
}

Status Store::put(std::uint32_t chunk, BytesView bytes) {
  if (chunk >= missing_.size()) return Error{Errc::data_loss, "chunk " + std::to_string(chunk) + " is not in the manifest"};
  if (!missing_.has(chunk)) return {};
  const Chunk& expected = manifest().chunks[chunk];
  if (bytes.size() != expected.size || sha256(bytes) != expected.hash) {
    return Error{Errc::data_loss, "chunk " + std::to_string(chunk) + " is not what the manifest says: its bytes were changed on their way"};
  }
  for (const Place& place : places(chunk)) {
    if (in_place_[place.entry]) continue;
    const auto fd = staged(place.entry);
    if (!fd) return fd.error();
    if (Status written = write_exactly(*fd, place.offset, bytes, entry(place.entry).path); !written) return written;
    bytes_done_ += bytes.size();
    if (dirty_.empty() || dirty_.back() != place.entry) dirty_.push_back(place.entry);
  }
  missing_.erase(chunk);
  return note(chunk);
}

Status Store::note(std::uint32_t chunk) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (pending_.empty()) pending_since_ = now;
  pending_.push_back(chunk);
  pending_bytes_ += manifest().chunks[chunk].size;
  if (pending_bytes_ < kSyncBytes && now - pending_since_ < kSyncTime) return {};
  return sync();
}

Status Store::flush_files(const std::vector<std::uint32_t>& entries) {
  if (entries.size() > kFewFiles) return ::syncfs(staging_.fd()) == 0 ? Status() : Status(errno_error("sync", target_.path().string()));
  for (const std::uint32_t number : entries) {
    const auto fd = staged(number);
    if (!fd) return fd.error();
    if (::fdatasync(*fd) != 0) return errno_error("sync", entry(number).path);
  }
  return {};
}

Status Store::sync() {
  if (pending_.empty()) return {};
  std::ranges::sort(dirty_);
  dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  if (Status flushed = flush_files(dirty_); !flushed) return flushed;
  Bytes records;
  for (const std::uint32_t chunk : pending_) write_record(records, chunk);
  if (::write(journal_.get(), records.data(), records.size()) != static_cast<ssize_t>(records.size())) return errno_error("write", "the journal");
  if (::fdatasync(journal_.get()) != 0) return errno_error("sync", "the journal");
  pending_.clear();
  dirty_.clear();
  pending_bytes_ = 0;
  return {};
}

Status Store::commit() {
  if (!missing_.empty()) return Error{Errc::conflict, std::to_string(missing_.size()) + " chunks are still missing"};
  if (Status synced = sync(); !synced) return synced;
  std::vector<std::uint32_t> staged_files;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file || in_place_[number]) continue;
    if (Status read = read_back(number); !read) return read;
    staged_files.push_back(number);
  }
  if (Status looked = look_for_obstacles(); !looked) return looked;
  if (Status placed = place_folders(); !placed) return placed;
  // A file gets its mode and time while it is still staged, so that it never stands under its name without them.
  for (const std::uint32_t number : staged_files) {
    const auto fd = staged(number);
    if (!fd) return fd.error();
    if (Status set = set_metadata(*fd, entry(number), entry(number).path); !set) return set;
  }
  if (Status flushed = flush_files(staged_files); !flushed) return flushed;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file) continue;
    if (Status placed = place_file(number); !placed) return placed;
  }
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::symlink) continue;
    if (Status placed = place_link(number); !placed) return placed;
  }
  if (Status finished = finish_folders(); !finished) return finished;
  return ::syncfs(target_.fd()) == 0 ? Status() : Status(errno_error("sync", target_.path().string()));
}

Status Store::read_back(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto fd = staged(number);
  if (!fd) return fd.error();
  Bytes bytes;
  std::uint64_t offset = 0;
  Status verdict;
  for (const std::uint32_t chunk : e.chunks) {
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    bytes.resize(manifest().chunks[chunk].size);
    const Status read = read_exactly(*fd, offset, bytes, e.path);
    if (!read && read.error().code != Errc::data_loss) return read;
    if (!read || sha256(bytes) != manifest().chunks[chunk].hash) {
      missing_.insert(chunk);
      verdict = Error{Errc::data_loss, "'" + e.path + "': the disk gave back other bytes than were written; they are fetched again"};
    }
    offset += bytes.size();
  }
  return verdict;
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
    std::erase_if(opened_, [&](const OpenFile& file) { return file.entry == number; });
    in_place_[number] = true;
    return {};
  }
  const auto there = target_.look(e.path);
  if (!there) return there.error();
  if (!*there) return Error{Errc::conflict, "'" + e.path + "' was there when this began, and is gone"};
  if (has_metadata(**there, e)) return {};
  const auto fd = target_.open_file(e.path, O_RDONLY);
  if (!fd) return fd.error();
  return set_metadata(fd->get(), e, e.path);
}

Status Store::place_link(std::uint32_t number) {
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
  const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(e.seconds), static_cast<long>(e.nanoseconds)}};
  ::utimensat(staging_.fd(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);  // a link's own time is a nicety not every file system has
  return target_.take(staging_, name, e.path);
}

Status Store::finish_folders() {
  for (auto e = manifest().entries.rbegin(); e != manifest().entries.rend(); ++e) {
    if (e->kind != EntryKind::directory) continue;
    const auto folder = target_.folder(e->path);
    if (!folder) return folder.error();
    if (Status set = set_metadata(folder->fd(), *e, folder->path().string()); !set) return set;
  }
  return {};
}

Status Store::keep(BytesView receipt) {
  if (Status made = target_.make_folder(std::string(kReceived), 0700); !made) return made;
  const auto received = target_.path() / kReceived / short_name(manifest().content);
  if (Status written = write_file_atomically(received.string() + ".receipt", receipt, 0600); !written) return written;
  if (Status written = write_file_atomically(received.string() + ".manifest", wish_.encoded, 0600); !written) return written;
  std::error_code ignored;
  std::filesystem::remove_all(staging_.path(), ignored);
  return {};
}

namespace {

FileFinding::State compare(const Folder& target, const Manifest& manifest, const Entry& e) {
  using State = FileFinding::State;
  const auto there = target.look(e.path);
  if (!there || !*there) return State::missing;
  if (e.kind == EntryKind::directory) return S_ISDIR((*there)->st_mode) ? State::right : State::different;
  if (e.kind == EntryKind::symlink) {
    const auto says = S_ISLNK((*there)->st_mode) ? target.read_link(e.path) : Result<std::string>(Error{Errc::conflict, ""});
    return says && *says == e.link ? State::right : State::different;
  }
  if (!S_ISREG((*there)->st_mode) || static_cast<std::uint64_t>((*there)->st_size) != e.size) return State::different;
  const auto fd = target.open_file(e.path, O_RDONLY);
  if (!fd) return State::different;
  Bytes bytes;
  std::uint64_t offset = 0;
  for (const std::uint32_t chunk : e.chunks) {
    bytes.resize(manifest.chunks[chunk].size);
    if (!read_exactly(fd->get(), offset, bytes, e.path) || sha256(bytes) != manifest.chunks[chunk].hash) return State::different;
    offset += bytes.size();
  }
  return State::right;
}

}  // namespace

Result<std::vector<VerifiedTransfer>> verify_target(const std::filesystem::path& target) {
  auto folder = Folder::open(target);
  if (!folder) return folder.error();
  std::error_code failed;
  std::vector<VerifiedTransfer> all;
  for (const auto& file : std::filesystem::directory_iterator(target / kReceived, failed)) {
    if (file.path().extension() != ".manifest") continue;
    const auto text = read_file(file.path(), ManifestLimits().encoded);
    if (!text) return text.error();
    auto manifest = parse_manifest(as_bytes(*text));
    if (!manifest) return manifest.error().in(file.path().string());
    VerifiedTransfer transfer;
    if (const auto receipt = read_file(std::filesystem::path(file.path()).replace_extension(".receipt"), 4096)) transfer.receipt = to_bytes(as_bytes(*receipt));
    transfer.manifest = std::move(*manifest);
    all.push_back(std::move(transfer));
  }
  if (all.empty()) return Error{Errc::not_found, target.string() + ": nothing was received into this folder ('.ardus/received' in it holds no manifest)"};
  std::ranges::sort(all, {}, [](const VerifiedTransfer& t) { return t.manifest.created_ms; });
  std::unordered_set<std::string> seen;
  for (auto transfer = all.rbegin(); transfer != all.rend(); ++transfer) {
    for (const Entry& e : transfer->manifest.entries) {
      if (!seen.insert(e.path).second) continue;
      const FileFinding::State state = compare(*folder, transfer->manifest, e);
      if (state != FileFinding::State::right) transfer->wrong.push_back({e.path, state});
      transfer->files += e.kind == EntryKind::file ? 1 : 0;
      transfer->bytes += e.size;
    }
  }
  return all;
}

}  // namespace ghost::ardus
