#include "ariascribe/journal_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/random.h"

namespace ghost::ariascribe {

namespace fs = std::filesystem;
using nlohmann::json;

/// One file of a commit, as the journal keeps it.
struct Journal::Entry {
  struct Place {
    std::uint64_t offset = 0, before = 0, after = 0;  ///< in the file as it was; bytes there and bytes written there
  };
  std::size_t index = 0;
  fs::path path;
  std::string temporary;  ///< name of the copy beside it
  FileIdentity before;
  std::vector<Place> places;
  Digest old_digest{}, new_digest{};  ///< of the bytes at these places
  bool done = false;
};

namespace {

constexpr std::size_t kMaxJournal = 256 * 1024 * 1024;
constexpr std::uint64_t kMaxPlace = 2 * kMaxTagBytes;
/// Bytes kept of one file: its tags, and what the pages behind them say of their order.
constexpr std::size_t kMaxKept = 4 * kMaxTagBytes;

Status write_all(const UniqueFd& file, BytesView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write", path.string());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// Appends [from, end) of one file to another: in the kernel where it can, which shares the blocks on file systems that do.
Status copy_range(const UniqueFd& in, std::uint64_t from, std::uint64_t until, const UniqueFd& out, const fs::path& path) {
  auto at = static_cast<off64_t>(from);
  const auto end = static_cast<off64_t>(until);
  while (at < end) {
    const ssize_t copied = ::copy_file_range(in.get(), &at, out.get(), nullptr, static_cast<std::size_t>(end - at), 0);
    if (copied > 0 || (copied < 0 && errno == EINTR)) continue;
    if (copied == 0) return Error{Errc::conflict, path.string() + ": the file became shorter while it was copied"};
    break;
  }
  Bytes buffer(256 * 1024);
  while (at < end) {
    const ssize_t got = ::pread(in.get(), buffer.data(), std::min(buffer.size(), static_cast<std::size_t>(end - at)), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read", path.string());
    if (got == 0) return Error{Errc::conflict, path.string() + ": the file became shorter while it was copied"};
    if (const Status written = write_all(out, BytesView(buffer).first(static_cast<std::size_t>(got)), path); !written) return written;
    at += got;
  }
  return {};
}

void sync_directory(const fs::path& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

std::string salt() {
  std::array<std::uint8_t, 4> bytes{};
  random_bytes(bytes);
  return to_hex(bytes);
}

std::string fresh_id() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &utc);
  return std::string(text) + "-" + salt().substr(0, 4);
}

bool is_commit_id(std::string_view id) { return !id.empty() && id.size() <= 40 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos; }

Digest digest_of(const std::string& hex) {
  Digest digest{};
  const auto bytes = from_hex(hex);
  if (bytes && bytes->size() == digest.size()) std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Digest digest_before(const std::vector<Splice>& splices) {
  Sha256 hash;
  for (const Splice& splice : splices) hash.update(splice.before);
  return hash.finish();
}
Digest digest_after(const std::vector<Splice>& splices) {
  Sha256 hash;
  for (const Splice& splice : splices) hash.update(splice.after);
  return hash.finish();
}

}  // namespace

Journal::Journal(fs::path folder, FileLock lock, Checkpoint checkpoint) : folder_(std::move(folder)), lock_(std::move(lock)), checkpoint_(std::move(checkpoint)) {}

Result<Journal> Journal::open(const fs::path& state, Checkpoint checkpoint) {
  const fs::path folder = state / "ariascribe" / "commits";
  if (const Status made = make_directories(folder, 0700); !made) return made.error();
  auto lock = FileLock::acquire(state / "ariascribe" / "lock", std::chrono::seconds(10));
  if (!lock) return lock.error().in("the journal of tags");
  Journal journal(folder, std::move(*lock), std::move(checkpoint));
  if (const Status recovered = journal.recover(); !recovered) return recovered.error();
  return journal;
}

Status Journal::append_line(const std::string& id, const std::string& line) {
  const fs::path path = folder_ / id / "commit.jsonl";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return errno_error("open", path.string());
  if (const Status written = write_all(file, as_bytes(line + "\n"), path); !written) return written;
  if (::fsync(file.get()) != 0) return errno_error("write", path.string());
  return {};
}

Result<std::vector<Journal::Entry>> Journal::read(const std::string& id) const {
  const fs::path path = folder_ / id / "commit.jsonl";
  const auto text = read_file(path, kMaxJournal);
  if (!text) return text.error();
  std::vector<Entry> entries;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // the line a killed process was writing
    const json line = json::parse(rest.substr(0, end), nullptr, false);
    rest.remove_prefix(end + 1);
    if (!line.is_object()) return Error{Errc::data_loss, path.string() + ": a line is damaged"};
    const auto index = line.value("file", std::size_t{0});
    if (line.value("event", "") == "done") {
      if (index < entries.size()) entries[index].done = true;
      continue;
    }
    Entry entry;
    entry.index = index;
    const auto raw = from_hex(line.value("path", ""));
    entry.path = raw ? std::string(as_text(*raw)) : "";
    entry.temporary = line.value("copy", "");
    entry.before.device = line.value("device", std::uint64_t{0});
    entry.before.inode = line.value("inode", std::uint64_t{0});
    entry.before.size = line.value("size", std::uint64_t{0});
    entry.before.modified_ns = line.value("modified_ns", std::int64_t{0});
    entry.before.tags = digest_of(line.value("tags", ""));
    std::uint64_t behind = 0;
    bool in_order = true;
    const json whole_head = json::array({json::array({0, line.value("old_bytes", std::uint64_t{0}), line.value("new_bytes", std::uint64_t{0})})});
    for (const json& place : line.value("places", whole_head)) {
      const auto number = [&](std::size_t i) { return place.is_array() && place.size() == 3 && place[i].is_number_unsigned() ? place[i].get<std::uint64_t>() : ~std::uint64_t{0}; };
      entry.places.push_back({number(0), number(1), number(2)});
      in_order = in_order && number(0) >= behind && number(0) <= entry.before.size && number(1) <= entry.before.size - number(0) && number(2) <= kMaxPlace;
      behind = number(0) + number(1);
    }
    entry.old_digest = digest_of(line.value("head", ""));
    entry.new_digest = digest_of(line.value("new_head", ""));
    if (index != entries.size() || entry.path.empty() || entry.temporary.empty() || entry.temporary.find('/') != std::string::npos || !in_order) {
      return Error{Errc::data_loss, path.string() + ": a line is damaged"};
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Copies that never came to be renamed are of no use to anyone, nor are commits that did not come to their first file.
Status Journal::recover() {
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string id = at->path().filename().string();
    if (!is_commit_id(id) || fs::exists(at->path() / "closed")) continue;
    if (!fs::exists(at->path() / "commit.jsonl")) {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
      continue;
    }
    const auto entries = read(id);
    if (!entries) continue;
    if (entries->empty()) {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
      continue;
    }
    for (const Entry& entry : *entries) {
      std::error_code ignored;
      if (!entry.temporary.empty()) fs::remove(entry.path.parent_path() / entry.temporary, ignored);
    }
    if (const Status closed = write_file_atomically(at->path() / "closed", {}, 0600); !closed) return closed;
  }
  return {};
}

/// Writes a file with splices made, through a copy beside it.
Status Journal::replace(const fs::path& path, const std::string& temporary, const std::vector<Splice>& splices, std::int64_t modified_ns) {
  const fs::path folder = path.parent_path(), copy = folder / temporary;
  const UniqueFd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return errno_error("open", path.string());
  struct stat info{};
  if (::fstat(in.get(), &info) != 0) return errno_error("look at", path.string());
  step("copy");
  const UniqueFd out(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return errno_error("write beside", path.string());
  const auto give_up = [&](Status why) {
    ::unlink(copy.c_str());
    return why;
  };
  std::uint64_t at = 0;
  for (const Splice& splice : splices) {
    if (Status done = copy_range(in, at, splice.offset, out, path); !done) return give_up(done);
    if (Status done = write_all(out, splice.after, copy); !done) return give_up(done);
    at = splice.offset + splice.before.size();
  }
  step("head");
  if (Status done = copy_range(in, at, static_cast<std::uint64_t>(info.st_size), out, path); !done) return give_up(done);
  step("audio");
  if (::fchown(out.get(), info.st_uid, info.st_gid) != 0 && errno != EPERM) return give_up(errno_error("give the owner to", copy.string()));
  if (::fchmod(out.get(), info.st_mode & 07777) != 0) return give_up(errno_error("give the mode to", copy.string()));
  if (modified_ns != 0) {
    const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(modified_ns / 1'000'000'000), static_cast<long>(modified_ns % 1'000'000'000)}};
    ::futimens(out.get(), times);
  }
  if (::fsync(out.get()) != 0) return give_up(errno_error("write", copy.string()));
  step("rename");
  if (::rename(copy.c_str(), path.c_str()) != 0) return give_up(errno_error("replace", path.string()));
  step("renamed");
  sync_directory(folder);
  return {};
}

/// Works out what changes, keeps what stood there, says so in the journal, and writes. `problem` is set, and nothing done, when the file's
/// format cannot hold the tags.
Status Journal::keep_and_replace(Entry& entry, const Rewrite& file, const std::string& id, std::string& problem) {
  const auto source = FileSource::open(entry.path);
  if (!source) return source.error();
  const auto present = read_tags(*source, entry.path);
  if (!present) return present.error();
  if (present->identity != entry.before) return Error{Errc::conflict, entry.path.string() + ": the file has changed since its tags were read; propose again"};
  const auto splices = splices_for(*source, file.change(present->tags));
  if (!splices && (splices.error().code == Errc::unsupported || splices.error().code == Errc::exhausted || splices.error().code == Errc::data_loss)) {
    problem = splices.error().message;
    return {};
  }
  if (!splices) return splices.error().in(entry.path.string());
  Bytes kept;
  json places = json::array();
  for (const Splice& splice : *splices) {
    append(kept, splice.before);
    places.push_back({splice.offset, splice.before.size(), splice.after.size()});
    entry.places.push_back({splice.offset, splice.before.size(), splice.after.size()});
  }
  entry.old_digest = digest_before(*splices);
  entry.new_digest = digest_after(*splices);
  step("keep");
  if (Status done = write_file_atomically(folder_ / id / (std::to_string(entry.index) + ".head"), kept, 0600); !done) return done;
  step("journal");
  const json line = {{"event", "file"}, {"file", entry.index}, {"name", entry.path.filename().string()}, {"path", to_hex(as_bytes(entry.path.string()))}, {"copy", entry.temporary},
                     {"device", entry.before.device}, {"inode", entry.before.inode}, {"size", entry.before.size}, {"modified_ns", entry.before.modified_ns}, {"tags", to_hex(entry.before.tags)},
                     {"places", places}, {"head", to_hex(entry.old_digest)}, {"new_head", to_hex(entry.new_digest)}};
  if (Status done = append_line(id, line.dump(-1, ' ', true, json::error_handler_t::replace)); !done) return done;
  return replace(entry.path, entry.temporary, *splices, 0);
}

Result<CommitSummary> Journal::commit(const std::vector<Rewrite>& files) {
  CommitSummary summary{fresh_id(), 0, false, {}};
  if (const Status made = make_directories(folder_ / summary.id, 0700); !made) return made.error();
  std::vector<Entry> entries;
  for (const Rewrite& file : files) {
    Entry entry;
    entry.index = entries.size();
    entry.path = fs::absolute(file.path);
    entry.temporary = ".ariascribe-" + salt() + ".tmp";
    entry.before = file.identity;
    std::string problem;
    if (const Status done = keep_and_replace(entry, file, summary.id, problem); !done) {
      const Status back = put_back(entries, summary.id);
      return back ? done.error() : Error{done.error().code, done.error().message + "; and what was written before it could not be put back: " + back.error().message};
    }
    if (!problem.empty()) {
      summary.passed_by.push_back({entry.path, std::move(problem)});
      continue;
    }
    entries.push_back(std::move(entry));
    step("done");
    if (const Status told = append_line(summary.id, json{{"event", "done"}, {"file", entries.size() - 1}}.dump()); !told) return told.error();
  }
  summary.files = entries.size();
  if (entries.empty()) {
    std::error_code ignored;
    fs::remove_all(folder_ / summary.id, ignored);
    summary.id.clear();
    return summary;
  }
  if (const Status closed = write_file_atomically(folder_ / summary.id / "closed", {}, 0600); !closed) return closed.error();
  return summary;
}

Result<Journal::State> Journal::state_of(const Entry& entry) const {
  const auto file = FileSource::open(entry.path);
  if (!file) return file.error();
  std::uint64_t new_size = entry.before.size;
  for (const Entry::Place& place : entry.places) new_size += place.after - place.before;
  const auto stands = [&](bool after) -> Result<bool> {
    Sha256 hash;
    std::uint64_t moved = 0;
    for (const Entry::Place& place : entry.places) {
      const auto bytes = file->read(place.offset + (after ? moved : 0), static_cast<std::size_t>(after ? place.after : place.before));
      if (!bytes) return bytes.error().in(entry.path.string());
      hash.update(*bytes);
      moved += place.after - place.before;
    }
    return hash.finish() == (after ? entry.new_digest : entry.old_digest);
  };
  for (const bool after : {false, true}) {
    if (file->size() != (after ? new_size : entry.before.size)) continue;
    const auto same = stands(after);
    if (!same) return same.error();
    if (*same) return after ? State::after : State::before;
  }
  return State::other;
}

Status Journal::put_back(const std::vector<Entry>& entries, const std::string& id) {
  for (std::size_t i = entries.size(); i-- > 0;) {
    const Entry& entry = entries[i];
    const auto state = state_of(entry);
    if (!state) return state.error();
    if (*state == State::before) continue;  // never replaced, or put back already
    if (*state == State::other) return Error{Errc::conflict, entry.path.string() + ": the file has been changed since its tags were written"};
    const auto kept = read_file(folder_ / id / (std::to_string(entry.index) + ".head"), kMaxKept);
    if (!kept) return kept.error();
    std::uint64_t size = 0, moved = 0;
    for (const Entry::Place& place : entry.places) size += place.before;
    if (sha256(as_bytes(*kept)) != entry.old_digest || size != kept->size()) return Error{Errc::data_loss, (folder_ / id).string() + ": what was kept of " + entry.path.string() + " is damaged"};
    std::vector<Splice> splices;
    BytesView rest = as_bytes(*kept);
    for (const Entry::Place& place : entry.places) {
      const auto before = static_cast<std::size_t>(place.before);
      splices.push_back({place.offset + moved, Bytes(static_cast<std::size_t>(place.after)), to_bytes(rest.first(before))});
      rest = rest.subspan(before);
      moved += place.after - place.before;
    }
    if (const Status done = replace(entry.path, entry.temporary, splices, entry.before.modified_ns); !done) return done;
  }
  return write_file_atomically(folder_ / id / "undone", {}, 0600);
}

Result<CommitSummary> Journal::undo(const std::string& wanted) {
  std::string id = wanted;
  if (id.empty()) {
    const auto all = list();
    if (!all) return all.error();
    for (const CommitSummary& each : *all) {
      if (!each.undone) id = each.id;
    }
    if (id.empty()) return Error{Errc::not_found, "there is nothing to undo: " + folder_.string() + " holds no commit that stands"};
  }
  if (!is_commit_id(id) || !fs::exists(folder_ / id)) return Error{Errc::not_found, "there is no commit '" + id + "' in " + folder_.string()};
  const auto entries = read(id);
  if (!entries) return entries.error();
  for (const Entry& entry : *entries) {
    const auto state = state_of(entry);
    if (!state) return state.error();
    if (*state == State::other) return Error{Errc::conflict, entry.path.string() + ": the file has been changed since its tags were written, so nothing was put back"};
  }
  // While it is open, recover() takes away a copy that a killed process left.
  std::error_code ignored;
  fs::remove(folder_ / id / "closed", ignored);
  if (const Status back = put_back(*entries, id); !back) return back.error();
  if (const Status closed = write_file_atomically(folder_ / id / "closed", {}, 0600); !closed) return closed.error();
  return CommitSummary{id, entries->size(), true, {}};
}

Result<std::vector<CommitSummary>> Journal::list() const {
  std::vector<std::pair<fs::file_time_type, CommitSummary>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string id = at->path().filename().string();
    if (!is_commit_id(id) || !fs::exists(at->path() / "commit.jsonl")) continue;
    const auto entries = read(id);
    if (!entries) return entries.error();
    std::error_code ignored;
    found.push_back({fs::last_write_time(at->path() / "commit.jsonl", ignored), {id, entries->size(), fs::exists(at->path() / "undone"), {}}});
  }
  if (error) return Error{Errc::io, folder_.string() + ": " + error.message()};
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second.id < b.second.id; });
  std::vector<CommitSummary> all;
  for (auto& [time, each] : found) all.push_back(std::move(each));
  return all;
}

}  // namespace ghost::ariascribe
