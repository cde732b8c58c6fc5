#include "ardus/store_service.h"

#include <fcntl.h>
#include <isa-l/crc64.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/sha256_many.h"
#include "base/text.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kOpenStaged = 64;
constexpr std::size_t kFewFiles = 8;  ///< up to so many are synced one by one, more with one syncfs(2)
constexpr std::size_t kJournalRecord = 8;

/// A record is a chunk's number and its complement: half of one, or zeros after a crash, is none.
void write_record(Bytes& out, std::uint32_t chunk) { ByteWriter(out).u32(chunk).u32(~chunk); }

}  // namespace

std::string short_name(const ContentId& content) { return to_hex(BytesView(content).first(16)); }

std::string staged_name(std::uint32_t entry) { return "f" + std::to_string(entry); }

Store::Store(Wish wish, Folder target, Folder staging) : wish_(std::move(wish)), target_(std::move(target)), staging_(std::move(staging)), missing_(wish_.manifest->chunks.size(), true) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Wish wish) {
  if (Status made = make_directories(wish.target); !made) return made.error();
  auto target = Folder::open(wish.target, wish.disk);
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
  auto journal = staging_.open_file("journal", O_RDWR | O_CREAT, 0600);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  if (::flock(journal_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::busy, "another process is receiving the same content into " + target_.path().string()};
  }
  index_places();
  check_.resize(manifest().chunks.size());
  in_place_.resize(manifest().entries.size());
  has_metadata_.resize(manifest().entries.size());
  for (const auto& step : {&Store::look_for_obstacles, &Store::look_for_folding, &Store::scan_target, &Store::claim_room, &Store::read_journal, &Store::search_elsewhere}) {
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
  std::vector<std::uint64_t> next(first_place_.begin(), first_place_.end() - 1);
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    for_each_place(manifest(), entry(number), [&](std::uint32_t chunk, std::uint64_t offset) { places_[next[chunk]++] = {number, offset}; });
  }
}

std::span<const Store::Place> Store::places(std::uint32_t chunk) const {
  return std::span(places_).subspan(first_place_[chunk], first_place_[chunk + 1] - first_place_[chunk]);
}

/// What could only fail when everything has come is told before anything has.
Status Store::look_for_obstacles() {
  target_.forget();
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

/// Where upper and lower case are one, two files would end as one: that is told before anything is written.
Status Store::look_for_folding() {
  const auto probe = staging_.open_file("case", O_WRONLY | O_CREAT, 0600);
  if (!probe) return probe.error();
  const auto folded = staging_.look("CASE");
  if (Status removed = staging_.remove_file("case"); !removed) return removed;
  if (!folded || !*folded) return {};
  std::vector<std::string_view> paths;
  paths.reserve(manifest().entries.size());
  for (const Entry& e : manifest().entries) paths.push_back(e.path);
  const auto collisions = case_collisions(paths);
  if (collisions.empty()) return {};
  return Error{Errc::conflict, target_.path().string() + ": '" + printable(collisions[0].first) + "' and '" + printable(collisions[0].second) +
                                   "' are one file here, since this file system does not tell upper from lower case (" + std::to_string(collisions.size()) +
                                   " such pairs); receive onto another one"};
}

std::string Store::journal_name() const { return (staging_.path() / "journal").string(); }

/// Believes nothing the journal says before the bytes have been hashed again.
Status Store::read_journal() {
  struct stat size {};
  if (::fstat(journal_.get(), &size) != 0) return errno_error("look at", journal_name());
  Bytes bytes(static_cast<std::size_t>(size.st_size) / kJournalRecord * kJournalRecord);
  if (Status read = read_exactly(journal_.get(), 0, bytes, journal_name()); !read) return read;
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
  journal_end_ = still.size();
  if (still.size() == static_cast<std::uint64_t>(size.st_size)) return {};
  // Half a record at its end, and chunks that were lost, don't stay in it. At no moment is there less in it than is true: records only
  // move towards its beginning, and what they leave is cut off when they are on the disk.
  if (Status written = write_exactly(disk(), journal_.get(), 0, still, journal_name()); !written) return written;
  if (disk().sync(journal_.get()) != 0) return disk_error("sync", journal_name());
  if (disk().truncate(journal_.get(), still.size()) != 0) return disk_error("cut", journal_name());
  return {};
}

bool Store::is_staged(std::uint32_t chunk) {
  buffer_.resize(manifest().chunks[chunk].size);
  return std::ranges::all_of(places(chunk), [&](const Place& place) {
    if (in_place_[place.entry]) return true;
    const auto small = is_small(place.entry) ? open_staged(place.entry, O_RDONLY) : Result<UniqueFd>(UniqueFd());
    const auto large = is_small(place.entry) ? Result<int>(-1) : staged(place.entry);
    if (!small || !large) return false;
    if (!read_exactly(*small ? small->get() : *large, place.offset, buffer_, "") || sha256(buffer_) != manifest().chunks[chunk].hash) return false;
    check_[chunk] = check_of(buffer_);
    return true;
  });
}

bool Store::is_small(std::uint32_t number) const { return entry(number).chunks.size() <= 1 && entry(number).holes.empty(); }

Result<UniqueFd> Store::open_staged(std::uint32_t number, int flags) {
  const mode_t mode = (flags & O_CREAT) != 0 ? 0600 : 0;
  auto fd = staging_.open_file(staged_name(number), flags, mode);
  new_names_ = new_names_ || (flags & O_CREAT) != 0;
  // It may have its final mode already.
  if (!fd && fd.error().code == Errc::refused && ::fchmodat(staging_.fd(), staged_name(number).c_str(), 0600, 0) == 0) {
    fd = staging_.open_file(staged_name(number), flags, mode);
  }
  return fd;
}

Result<int> Store::staged(std::uint32_t number) {
  const auto at = std::find_if(opened_.begin(), opened_.end(), [&](const OpenFile& file) { return file.entry == number; });
  if (at != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, at);
    return opened_.front().fd.get();
  }
  auto fd = open_staged(number, O_RDWR | O_CREAT);
  if (!fd) return fd.error();
  if (opened_.size() >= kOpenStaged) opened_.pop_back();
  opened_.push_front({number, std::move(*fd)});
  return opened_.front().fd.get();
}

Status Store::put(std::uint32_t chunk, BytesView bytes) {
  const Arrival one{chunk, bytes};
  return std::move(put({&one, 1}).front());
}

std::vector<Status> Store::put(std::span<const Arrival> arrivals) {
  std::vector<Status> done(arrivals.size(), failed_);
  if (!failed_) return done;
  std::vector<BytesView> texts;
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const auto& [chunk, bytes] = arrivals[i];
    if (chunk >= missing_.size()) {
      done[i] = Error{Errc::data_loss, "chunk " + std::to_string(chunk) + " is not in the manifest"};
    } else if (missing_.has(chunk)) {
      texts.push_back(bytes);
      which.push_back(i);
    }
  }
  std::vector<Digest> hashes(texts.size());
  sha256_many(texts, hashes);
  for (std::size_t i = 0; i < which.size(); ++i) {
    const auto& [chunk, bytes] = arrivals[which[i]];
    const Chunk& expected = manifest().chunks[chunk];
    if (bytes.size() != expected.size || hashes[i] != expected.hash) {
      done[which[i]] = Error{Errc::data_loss, "chunk " + std::to_string(chunk) + " is not what the manifest says: its bytes were changed on their way"};
    } else if (missing_.has(chunk)) {  // it may be among them twice
      done[which[i]] = take(chunk, bytes);
      if (!done[which[i]]) failed_ = done[which[i]];
    }
  }
  return done;
}

/// Writes what was found to be right.
Status Store::take(std::uint32_t chunk, BytesView bytes) {
  check_[chunk] = check_of(bytes);
  for (const Place& place : places(chunk)) {
    if (in_place_[place.entry]) continue;
    if (Status written = is_small(place.entry) ? write_small(place.entry, bytes) : write_piece(place, bytes); !written) return written;
    bytes_done_ += bytes.size();
    if (dirty_.empty() || dirty_.back() != place.entry) dirty_.push_back(place.entry);
  }
  missing_.erase(chunk);
  return note(chunk);
}

/// Tells by itself what disks and memory do to bytes; whoever means harm could change a file after it is in place as well.
std::uint64_t Store::check_of(BytesView bytes) { return ::crc64_ecma_norm(0, bytes.data(), bytes.size()); }

/// A file of one chunk is made, written and given its metadata while it is open this once.
Status Store::write_small(std::uint32_t number, BytesView bytes) {
  if (Status given = give_room(bytes.size()); !given) return given;
  const auto fd = open_staged(number, O_RDWR | O_CREAT | O_TRUNC);
  if (!fd) return fd.error();
  if (Status written = write_exactly(disk(), fd->get(), 0, bytes, path_of(number)); !written) return written;
  if (Status set = disk().set_metadata(fd->get(), entry(number), wish_.owners, path_of(number), left_out_); !set) return set;
  has_metadata_[number] = true;
  return {};
}

Status Store::write_piece(const Place& place, BytesView bytes) {
  const auto fd = staged(place.entry);
  if (!fd) return fd.error();
  return write_exactly(disk(), *fd, place.offset, bytes, path_of(place.entry));
}

std::vector<std::string> Store::remarks() const {
  std::vector<std::string> remarks;
  if (left_out_.attributes) remarks.push_back(target_.path().string() + " is on a file system that does not keep all extended attributes or ACLs; the copy is without them");
  if (left_out_.owners) remarks.push_back("owners are as this process's: only root may give files to others");
  return remarks;
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
  if (entries.size() > kFewFiles) {
    if (disk().sync_all(staging_.fd()) != 0) return disk_error("sync", target_.path().string());
    new_names_ = false;
    return {};
  }
  for (const std::uint32_t number : entries) {
    const auto small = is_small(number) ? open_staged(number, O_RDONLY) : Result<UniqueFd>(UniqueFd());
    if (!small) return small.error();
    const auto large = is_small(number) ? Result<int>(-1) : staged(number);
    if (!large) return large.error();
    if (disk().sync(*small ? small->get() : *large) != 0) return disk_error("sync", path_of(number));
  }
  // A file whose name is lost is lost.
  if (new_names_ && disk().sync(staging_.fd()) != 0) return disk_error("sync", staging_.path().string());
  new_names_ = false;
  return {};
}

Status Store::sync() {
  if (pending_.empty() || !failed_) return failed_;
  failed_ = flush();
  return failed_;
}

/// Files first: the journal never claims what is not on the disk.
Status Store::flush() {
  std::ranges::sort(dirty_);
  dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  if (Status flushed = flush_files(dirty_); !flushed) return flushed;
  Bytes records;
  for (const std::uint32_t chunk : pending_) write_record(records, chunk);
  if (Status written = write_exactly(disk(), journal_.get(), journal_end_, records, journal_name()); !written) return written;
  if (disk().sync(journal_.get()) != 0) return disk_error("sync", journal_name());
  journal_end_ += records.size();
  pending_.clear();
  dirty_.clear();
  pending_bytes_ = 0;
  return {};
}

}  // namespace ghost::ardus
