#include "ariascribe/collection_streams_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/random.h"

namespace ghost::ariascribe {

namespace {

constexpr std::uint64_t kLongestUpload = 8ULL << 30;      // MusicBrainz's works are 0.2 GB, its artists 1.5
constexpr std::size_t kLongestPiece = 256 * 1024, kLongestWord = 4096, kExportPiece = 48 * 1024;
constexpr std::uint64_t kTellEvery = 1U << 20;            // bytes, while they come
constexpr std::uint64_t kMostProblemsTold = 1000;
constexpr std::string_view kOwnLicence = "own";           // of corrections

std::filesystem::path uploads_of(const std::filesystem::path& state) { return state / "ariascribe" / "imports"; }

}  // namespace

void CollectionService::Upload::remove_file() {
  std::error_code ignored;
  if (!job.file.empty()) std::filesystem::remove(job.file, ignored);
  job.file.clear();
}

void CollectionService::import(b2::BidiStream<v1::ImportPiece, v1::ImportEvent> stream) {
  if (!importer_) return stream.fail({Errc::busy, "the daemon is shutting down"});
  if (upload_ && !upload_->ended && !upload_->stream.open()) {
    // A message that could not be read ended the call, which tells nobody here.
    upload_->remove_file();
    upload_.reset();
  }
  if (upload_) return stream.fail({Errc::busy, "another import is under way; one is done at a time"});
  const auto upload = upload_ = std::make_shared<Upload>(std::move(stream));
  const std::weak_ptr<Upload> weak = upload;
  const std::weak_ptr<char> alive = alive_;
  upload->stream.on_cancel([this, weak, alive] {
    const auto held = weak.lock();
    if (!held) return;
    held->cancelled = true;
    if (alive.expired() || held->ended) return;  // its thread ends it
    held->remove_file();
    if (upload_ == held) upload_.reset();
  });
  upload->stream.on_ready([weak] {
    if (const auto held = weak.lock()) held->full = false;
  });
  upload->stream.read_slowly(
      [this, weak, alive](const v1::ImportPiece& piece, std::size_t bytes) {
        if (const auto held = weak.lock(); held && !alive.expired()) take_piece(held, piece, bytes);
      },
      [this, weak, alive] {
        if (const auto held = weak.lock(); held && !alive.expired()) run_import(held);
      });
}

Status CollectionService::begin(Upload& upload, const v1::ImportStart& start) {
  const auto formats = import_formats();
  const bool known = std::any_of(formats.begin(), formats.end(), [&](const ImportFormat& each) { return each.name == start.format; });
  if (!known) return Error{Errc::not_found, "there is no format '" + start.format + "'; `ariascribe import --help` names them"};
  if (start.mapping.size() > kLongestWord || start.source.size() > kLongestWord || start.licence.size() > kLongestWord) return Error{Errc::exhausted, "mapping, source and licence have at most 4,096 bytes each"};
  if (start.licence == kOwnLicence) return Error{Errc::malformed, "the licence '" + start.licence + "' stands for what people correct; say under which one the file comes"};
  const std::filesystem::path folder = uploads_of(places_.state);
  if (const Status made = make_directories(folder, 0700); !made) return made;
  // What is there is left of a process that was killed: an import that is done again goes by the catalogue, not by the file.
  std::error_code failed;
  std::vector<std::filesystem::path> left;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) left.push_back(at->path());
  for (const std::filesystem::path& each : left) std::filesystem::remove(each, failed);
  std::array<std::uint8_t, 8> random{};
  random_bytes(random);
  upload.job.format = start.format;
  upload.job.options.mapping = start.mapping;
  upload.job.source = start.source;
  upload.job.licence = start.licence;
  upload.job.file = folder / (to_hex(random) + ".part");
  upload.file = UniqueFd(::open(upload.job.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!upload.file) return errno_error("write", upload.job.file.string());
  upload.started = true;
  return {};
}

void CollectionService::take_piece(const std::shared_ptr<Upload>& upload, const v1::ImportPiece& piece, std::size_t bytes) {
  const auto fail = [&](const Error& why) {
    upload->cancelled = true;
    upload->remove_file();
    upload->stream.fail(why);
    if (upload_ == upload) upload_.reset();
  };
  if (upload->cancelled) return;
  if (piece.start.has_value() == upload->started) return fail({Errc::malformed, upload->started ? "only the first message says what the file is" : "the first message says what the file is: start, with its format"});
  if (piece.start) {
    if (const Status begun = begin(*upload, *piece.start); !begun) return fail(begun.error());
  }
  if (piece.data.size() > kLongestPiece) return fail({Errc::exhausted, "a piece has at most 256 KiB"});
  if (piece.data.size() > kLongestUpload - upload->received) return fail({Errc::exhausted, "a file may have 8 GiB; a larger one is read where it lies, by `ariascribe import`"});
  for (BytesView left = piece.data; !left.empty();) {
    const ssize_t written = ::write(upload->file.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(errno_error("write", upload->job.file.string()));
    left = left.subspan(static_cast<std::size_t>(written));
  }
  upload->hash.update(piece.data);
  upload->received += piece.data.size();
  upload->stream.release(bytes);
  if (upload->full || upload->received - upload->told_at < kTellEvery) return;
  upload->told_at = upload->received;
  v1::ImportEvent event;
  event.received = upload->received;
  upload->full = !upload->stream.write(event);
}

void CollectionService::run_import(const std::shared_ptr<Upload>& upload) {
  if (!upload->started || !importer_) {
    upload->stream.fail({Errc::malformed, "the stream ended before it said what the file is"});
    if (upload_ == upload) upload_.reset();
    return;
  }
  upload->ended = true;
  importer_->run([this, upload, alive = std::weak_ptr<char>(alive_)] {
    auto done = import_spooled(upload);
    upload->remove_file();
    reactor_.post([this, upload, alive, done = std::move(done)] {
      if (alive.expired()) return;
      if (upload_ == upload) upload_.reset();
      if (!done) return upload->stream.fail(done.error());
      v1::ImportEvent event;
      event.received = event.read = upload->received;
      event.records = done->records;
      event.summary = *done;
      upload->stream.write(event);
      upload->stream.finish();
    });
  });
}

/// On the thread that imports.
Result<v1::ImportSummary> CollectionService::import_spooled(const std::shared_ptr<Upload>& upload) {
  // Called by what is in it, and of one time: the same bytes are the same file, and a run that was stopped is found again.
  const std::filesystem::path named = uploads_of(places_.state) / (to_hex(upload->hash.finish()) + "." + upload->job.format);
  const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
  if (::futimens(upload->file.get(), times) != 0) return errno_error("give its time to", upload->job.file.string());
  upload->file.reset();
  std::error_code failed;
  std::filesystem::rename(upload->job.file, named, failed);
  if (failed) return Error{Errc::io, upload->job.file.string() + ": " + failed.message()};
  upload->job.file = named;
  auto store = open_store();
  if (!store) return store.error();
  const auto tell = [&](v1::ImportEvent event, bool always) {
    reactor_.post([upload, event = std::move(event), always, alive = std::weak_ptr<char>(alive_)]() mutable {
      if (alive.expired() || upload->cancelled || (upload->full && !always)) return;
      event.received = upload->received;
      upload->full = !upload->stream.write(event);
    });
  };
  ImportEvents events;
  events.problem = [&](std::uint64_t line, const std::string& why) {
    if (++upload->problems > kMostProblemsTold) return;
    v1::ImportEvent event;
    event.problem = v1::ImportProblem{line, why};
    tell(std::move(event), true);
  };
  events.progress = [&](std::uint64_t read, std::uint64_t, std::uint64_t records) {
    v1::ImportEvent event;
    event.read = read;
    event.records = records;
    tell(std::move(event), false);
  };
  events.cancelled = [&] { return upload->cancelled.load(); };
  const auto done = import_file(**store, upload->job, events);
  if (!done) {
    // The file is the caller's: what it is called here says nothing to anybody.
    std::string message = done.error().message;
    if (const auto at = message.find(named.string()); at != std::string::npos) message.replace(at, named.string().size(), "the file");
    return Error{done.error().code, message};
  }
  if (done->cancelled) return Error{Errc::cancelled, "the import was stopped; the same file goes on behind record " + std::to_string(done->records)};
  index_anew(**store);
  const auto rev = (*store)->rev();
  if (!rev) return rev.error();
  v1::ImportSummary out;
  out.records = done->records;
  out.problems = done->problems;
  out.resumed_at = done->resumed_at;
  out.fresh = done->subjects.fresh;
  out.changed = done->subjects.changed;
  out.same = done->subjects.same;
  out.rev = *rev;
  return out;
}

void CollectionService::export_(v1::ExportRequest request, b2::ServerStream<v1::ExportPiece> stream) {
  constexpr std::size_t kMostExports = 8;
  if (!exporters_) return stream.fail({Errc::busy, "the daemon is shutting down"});
  if (sendings_.size() >= kMostExports) return stream.fail({Errc::exhausted, "the catalogue is being exported " + std::to_string(kMostExports) + " times already"});
  const auto format = request.format == v1::ExportFormat::csv ? ExportFormat::csv : request.format == v1::ExportFormat::marcxml ? ExportFormat::marcxml : ExportFormat::jsonld;
  const auto sending = ThreadStream<v1::ExportPiece>::make(reactor_, std::move(stream));
  sendings_.push_back(sending);
  const std::weak_ptr<char> alive = alive_;
  exporters_->run([this, sending, format, alive] {
    Bytes buffer;
    std::uint64_t works = 0;
    bool is_head = true;  // what comes first is no work
    const auto send = [&]() -> Status {
      if (!sending->send(v1::ExportPiece{std::exchange(buffer, {}), works})) return Error{Errc::cancelled, "the export was stopped"};
      return {};
    };
    auto store = open_store();
    const auto done = !store ? Result<std::uint64_t>(store.error()) : export_works(**store, format, [&](std::string_view text) -> Status {
      const BytesView bytes = as_bytes(text);
      buffer.insert(buffer.end(), bytes.begin(), bytes.end());
      if (!is_head) ++works;
      is_head = false;
      return buffer.size() < kExportPiece ? Status() : send();
    });
    if (done) works = *done;
    const Status ended = !done ? Status(done.error()) : buffer.empty() ? Status() : send();
    reactor_.post([this, sending, alive, ended] {
      if (alive.expired()) return;
      std::erase(sendings_, sending);
      sending->end(ended);
    });
  });
}

}  // namespace ghost::ariascribe
