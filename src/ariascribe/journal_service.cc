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
  std::size_t index = 0;
  fs::path path;
  std::string temporary;  ///< name of the copy beside it
  FileIdentity before;
  std::uint64_t old_head = 0, new_head = 0;  ///< bytes before the audio
  Digest new_digest{};
  bool done = false;
};

namespace {

constexpr std::size_t kMaxJournal = 256 * 1024 * 1024;

Status write_all(const UniqueFd& file, BytesView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write", path.string());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// Appends [from, size) of one file to another: in the kernel where it can, which shares the blocks on file systems that do.
Status copy_rest(const UniqueFd& in, std::uint64_t from, std::uint64_t size, const UniqueFd& out, const fs::path& path) {
  auto at = static_cast<off64_t>(from);
  const auto end = static_cast<off64_t>(size);
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

Status Journal::append(const std::string& id, const std::string& line) {
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
    entry.before.head = digest_of(line.value("head", ""));
    entry.old_head = line.value("old_bytes", std::uint64_t{0});
    entry.new_head = line.value("new_bytes", std::uint64_t{0});
    entry.new_digest = digest_of(line.value("new_head", ""));
    if (index != entries.size() || entry.path.empty() || entry.temporary.find('/') != std::string::npos || entry.old_head > entry.before.size) {
      return Error{Errc::data_loss, path.string() + ": a line is damaged"};
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Copies that never came to be renamed are of no use to anyone.
Status Journal::recover() {
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string id = at->path().filename().string();
    if (!is_commit_id(id) || fs::exists(at->path() / "closed")) continue;
    const auto entries = read(id);
    if (!entries) continue;
    for (const Entry& entry : *entries) {
      std::error_code ignored;
      if (!entry.temporary.empty()) fs::remove(entry.path.parent_path() / entry.temporary, ignored);
    }
    if (const Status closed = write_file_atomically(at->path() / "closed", {}, 0600); !closed) return closed;
  }
  return {};
}

/// Puts `head` before the audio of a file, through a copy beside it.
Status Journal::replace(const Entry& entry, BytesView head, std::uint64_t audio_from, std::uint64_t size, std::int64_t modified_ns) {
  const fs::path folder = entry.path.parent_path(), copy = folder / entry.temporary;
  const UniqueFd in(::open(entry.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return errno_error("open", entry.path.string());
  struct stat info{};
  if (::fstat(in.get(), &info) != 0) return errno_error("look at", entry.path.string());
  step("copy");
  const UniqueFd out(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return errno_error("write beside", entry.path.string());
  const auto give_up = [&](Status why) {
    ::unlink(copy.c_str());
    return why;
  };
  if (Status done = write_all(out, head, copy); !done) return give_up(done);
  step("head");
  if (Status done = copy_rest(in, audio_from, size, out, entry.path); !done) return give_up(done);
  step("audio");
  if (::fchown(out.get(), info.st_uid, info.st_gid) != 0 && errno != EPERM) return give_up(errno_error("give the owner to", copy.string()));
  if (::fchmod(out.get(), info.st_mode & 07777) != 0) return give_up(errno_error("give the mode to", copy.string()));
  if (modified_ns != 0) {
    const timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(modified_ns / 1'000'000'000), static_cast<long>(modified_ns % 1'000'000'000)}};
    ::futimens(out.get(), times);
  }
  if (::fsync(out.get()) != 0) return give_up(errno_error("write", copy.string()));
  step("rename");
  if (::rename(copy.c_str(), entry.path.c_str()) != 0) return give_up(errno_error("replace", entry.path.string()));
  step("renamed");
  sync_directory(folder);
  return {};
}

Result<CommitSummary> Journal::commit(const std::vector<Rewrite>& files) {
  const std::string id = fresh_id();
  if (const Status made = make_directories(folder_ / id, 0700); !made) return made.error();
  std::vector<Entry> entries;
  for (const Rewrite& file : files) {
    Entry entry;
    entry.index = entries.size();
    entry.path = fs::absolute(file.file.path);
    entry.temporary = ".ariascribe-" + salt() + ".tmp";
    entry.before = file.file.identity;
    entry.old_head = file.file.head.bytes.size();
    entry.new_head = file.head.size();
    entry.new_digest = sha256(file.head);
    const auto now = read_tags(entry.path);
    Status done = now ? Status() : now.error();
    if (now && now->identity != entry.before) done = Error{Errc::conflict, entry.path.string() + ": the file has changed since its tags were read; propose again"};
    step("keep");
    if (done) done = write_file_atomically(folder_ / id / (std::to_string(entry.index) + ".head"), file.file.head.bytes, 0600);
    step("journal");
    if (done) {
      const json line = {{"event", "file"}, {"file", entry.index}, {"name", entry.path.filename().string()}, {"path", to_hex(as_bytes(entry.path.string()))}, {"copy", entry.temporary},
                         {"device", entry.before.device}, {"inode", entry.before.inode}, {"size", entry.before.size}, {"modified_ns", entry.before.modified_ns}, {"head", to_hex(entry.before.head)},
                         {"old_bytes", entry.old_head}, {"new_bytes", entry.new_head}, {"new_head", to_hex(entry.new_digest)}};
      done = append(id, line.dump(-1, ' ', true, json::error_handler_t::replace));
    }
    if (done) done = replace(entry, file.head, entry.old_head, entry.before.size, 0);
    if (!done) {
      const Status back = put_back(entries, entries.size(), id);
      return back ? done.error() : Error{done.error().code, done.error().message + "; and what was written before it could not be put back: " + back.error().message};
    }
    entries.push_back(std::move(entry));
    step("done");
    if (const Status told = append(id, json{{"event", "done"}, {"file", entries.size() - 1}}.dump()); !told) return told.error();
  }
  if (const Status closed = write_file_atomically(folder_ / id / "closed", {}, 0600); !closed) return closed.error();
  return CommitSummary{id, entries.size(), false};
}

Status Journal::put_back(const std::vector<Entry>& entries, std::size_t count, const std::string& id) {
  for (std::size_t i = count; i-- > 0;) {
    const Entry& entry = entries[i];
    const auto now = read_tags(entry.path);
    if (!now) return now.error();
    if (now->identity.head == entry.before.head) continue;  // never replaced, or put back already
    const auto head = read_file(folder_ / id / (std::to_string(entry.index) + ".head"), kMaxFlacHead);
    if (!head) return head.error();
    if (sha256(as_bytes(*head)) != entry.before.head) return Error{Errc::data_loss, (folder_ / id).string() + ": what was kept of " + entry.path.string() + " is damaged"};
    if (const Status done = replace(entry, as_bytes(*head), entry.new_head, now->identity.size, entry.before.modified_ns); !done) return done;
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
    const auto now = read_tags(entry.path);
    if (!now) return now.error();
    const std::uint64_t new_size = entry.before.size - entry.old_head + entry.new_head;
    const bool ours = now->identity.head == entry.new_digest && now->identity.size == new_size;
    const bool untouched = now->identity.head == entry.before.head && now->identity.size == entry.before.size;
    if (!ours && !untouched) return Error{Errc::conflict, entry.path.string() + ": the file has been changed since its tags were written, so nothing was put back"};
  }
  // While it is open, recover() takes away a copy that a killed process left.
  std::error_code ignored;
  fs::remove(folder_ / id / "closed", ignored);
  if (const Status back = put_back(*entries, entries->size(), id); !back) return back.error();
  if (const Status closed = write_file_atomically(folder_ / id / "closed", {}, 0600); !closed) return closed.error();
  return CommitSummary{id, entries->size(), true};
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
    found.push_back({fs::last_write_time(at->path() / "commit.jsonl", ignored), {id, entries->size(), fs::exists(at->path() / "undone")}});
  }
  if (error) return Error{Errc::io, folder_.string() + ": " + error.message()};
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second.id < b.second.id; });
  std::vector<CommitSummary> all;
  for (auto& [time, each] : found) all.push_back(std::move(each));
  return all;
}

}  // namespace ghost::ariascribe
