#include "ariascribe/import_service.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace ghost::ariascribe {

namespace {

/// Our records of one transaction: names of subjects stand in the database in no order, and a page that several of them change is written once. The most takes a second
/// or so; a file that has just begun is written in smaller ones, so that something is to be seen of it.
constexpr std::size_t kFewestRecords = 2000, kMostRecords = 20'000;
constexpr std::size_t batch_of(std::uint64_t read) { return std::clamp<std::size_t>(read / 4, kFewestRecords, kMostRecords); }
/// Of what these records say: with those read ahead it is what an import of long texts takes of memory.
constexpr std::size_t kMostText = 64U << 20;
constexpr std::size_t kMostBatches = 2;      ///< read ahead

std::size_t size_of_text(const Record& record) {
  std::size_t bytes = sizeof record;
  for (const Ref& each : record.refs) bytes += sizeof each + each.scheme.size() + each.key.size();
  for (const Said& each : record.said) bytes += sizeof each + each.field.size() + each.value.size() + each.detail.size() + (each.to ? each.to->key.size() : 0);
  return bytes;
}

/// What was read of the file since the batch before.
struct Batch {
  std::vector<Record> records;
  std::vector<std::pair<std::uint64_t, std::string>> problems;
  std::uint64_t count = 0;  ///< records of the file up to here
  std::uint64_t bytes = 0;
  bool last = false;
  Status ended;             ///< of the last: why there is no more
};

/// Batches on their way from the thread that reads to the one that writes.
class BatchQueue {
 public:
  /// False when nobody wants more.
  bool put(Batch batch) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return batches_.size() < kMostBatches || closed_; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    filled_.notify_one();
    return true;
  }
  Batch take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !batches_.empty(); });
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    room_.notify_one();
    return batch;
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::deque<Batch> batches_;
  bool closed_ = false;
};

/// The thread that reads: file to batches.
class FileReading {
 public:
  FileReading(UnpackedFile& file, BatchQueue& queue) : file_(file), queue_(queue) {}
  ImportSink sink() {
    return {[this](std::vector<Record>&& records, std::uint64_t) {
              for (const Record& each : records) text_ += size_of_text(each);
              batch_.records.insert(batch_.records.end(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
            },
            [this](std::uint64_t line, std::string why) { batch_.problems.emplace_back(line, std::move(why)); }};
  }
  void run(Importer& importer) {
    Status ended;
    for (;;) {
      auto piece = file_.next();
      if (!piece) {
        ended = piece.error();
        break;
      }
      if (piece->empty()) {
        ended = importer.finish();
        break;
      }
      // Small steps: a piece may hold thousands of records.
      bool failed = false;
      for (std::string_view left = *piece; !left.empty() && !failed;) {
        const std::string_view step = left.substr(0, kStep);
        left.remove_prefix(step.size());
        if (const Status fed = importer.feed(step); !fed) ended = fed, failed = true;
        if (!failed && is_full(importer) && !send(importer)) return;
      }
      if (failed) break;
    }
    batch_.last = true;
    batch_.ended = ended;
    send(importer);
  }

 private:
  static constexpr std::size_t kStep = 16U << 10;
  bool is_full(const Importer& importer) const { return batch_.records.size() + batch_.problems.size() >= batch_of(importer.count()) || text_ >= kMostText; }
  bool send(const Importer& importer) {
    text_ = 0;
    batch_.count = importer.count();
    batch_.bytes = file_.packed_read();
    return queue_.put(std::exchange(batch_, {}));
  }
  UnpackedFile& file_;
  BatchQueue& queue_;
  Batch batch_;
  std::size_t text_ = 0;  ///< of its records
};

}  // namespace

Result<ImportSummary> import_file(Store& store, const ImportJob& job, const ImportEvents& events) {
  const auto formats = import_formats();
  const auto format = std::find_if(formats.begin(), formats.end(), [&](const ImportFormat& each) { return each.name == job.format; });
  if (format == formats.end()) return Error{Errc::not_found, "there is no format '" + job.format + "'"};
  auto file = UnpackedFile::open(job.file);
  if (!file) return file.error();
  const std::string source_name = job.source.empty() ? std::string(format->source) : job.source;
  ImportOptions options = job.options;
  options.scheme = source_name;
  BatchQueue queue;
  FileReading reading(*file, queue);
  auto importer = make_importer(job.format, options, reading.sink());
  if (!importer) return importer.error();
  auto source = store.source(source_name, job.licence.empty() ? std::string(format->licence) : job.licence);
  if (!source) return source.error();
  std::error_code unresolved;
  const auto place = std::filesystem::weakly_canonical(job.file, unresolved);
  auto run = store.begin_run(*source, (unresolved ? job.file : place).string(), static_cast<std::int64_t>(file->packed_size()), file->changed_ms());
  if (!run) return run.error();
  (*importer)->skip(run->records);
  ImportSummary summary;
  summary.resumed_at = run->records;
  summary.problems = run->problems;
  std::jthread reader([&] { reading.run(**importer); });
  struct Close {
    BatchQueue& queue;
    ~Close() { queue.close(); }
  } close{queue};  // gone before the thread is joined
  for (;;) {
    Batch batch = queue.take();
    if (events.cancelled && events.cancelled()) {
      summary.cancelled = true;
      return summary;
    }
    for (const auto& [line, why] : batch.problems) {
      if (events.problem) events.problem(line, why);
    }
    summary.problems += batch.problems.size();
    run->records = std::max(batch.count, run->records);
    run->problems = summary.problems;
    run->done = batch.last && batch.ended;
    const auto written = store.write(batch.records, *source, &*run);
    if (!written) return written.error().in(job.file.string());
    summary.subjects.fresh += written->fresh;
    summary.subjects.changed += written->changed;
    summary.subjects.same += written->same;
    summary.records = run->records;
    if (events.progress) events.progress(batch.bytes, file->packed_size(), summary.records);
    if (!batch.last) continue;
    if (!batch.ended) return batch.ended.error().in(job.file.string());
    return summary;
  }
}

namespace {

ExportedWork exported(const Entity& entity, const std::unordered_map<std::string, std::string>& names, const std::unordered_map<std::string, Source>& sources) {
  ExportedWork out;
  out.id = entity.id;
  out.refs = entity.refs;
  for (const Claim& each : entity.shown()) {
    if (each.field == "title") out.title = each.value;
    else if (each.field == "composer") out.composer_id = each.value;
    else if (each.field == "parent") out.parent = each.value;
    else if (each.field == "part_number") out.part_number = each.value;
    else if (each.field == "form") out.form = each.value;
    else if (each.field == "musical_key") out.key = each.value;
    else if (each.field == "year") out.year = each.value;
    else if (each.field == "catalogue") out.catalogue.push_back(each.value);
    else if (each.field == "alias") out.aliases.emplace_back(each.value, each.detail);
    else if (each.field == "medium") out.media.emplace_back(each.value, each.detail);
    const auto source = sources.find(each.source);
    if (source == sources.end()) continue;
    std::pair<std::string, std::string> licence(source->second.name, source->second.licence);
    if (std::find(out.licences.begin(), out.licences.end(), licence) == out.licences.end()) out.licences.push_back(std::move(licence));
  }
  const auto composer = names.find(out.composer_id);
  if (composer != names.end()) out.composer = composer->second;
  else out.composer_id.clear();
  return out;
}

}  // namespace

Result<std::uint64_t> export_works(Store& store, ExportFormat format, const std::function<Status(std::string_view piece)>& put) {
  constexpr std::size_t kAtOnce = 512;
  auto known = store.sources();
  if (!known) return known.error();
  std::unordered_map<std::string, Source> sources;
  for (Source& each : *known) sources.emplace(each.id, each);
  if (const Status out = put(export_head(format)); !out) return out.error();
  std::uint64_t count = 0;
  for (std::string after;;) {
    auto ids = store.ids(Kind::work, after, kAtOnce);
    if (!ids) return ids.error();
    if (ids->empty()) break;
    after = ids->back();
    auto entities = store.entities(*ids);
    if (!entities) return entities.error();
    std::vector<std::string> composers;
    for (const Entity& each : *entities) {
      for (const Claim& claim : each.claims) {
        if (claim.field == "composer") composers.push_back(claim.value);
      }
    }
    std::sort(composers.begin(), composers.end());
    composers.erase(std::unique(composers.begin(), composers.end()), composers.end());
    auto names = store.names(composers);
    if (!names) return names.error();
    for (const Entity& each : *entities) {
      if (const Status out = put(export_work(format, exported(each, *names, sources), count == 0)); !out) return out.error();
      ++count;
    }
  }
  if (const Status out = put(export_tail(format)); !out) return out.error();
  return count;
}

}  // namespace ghost::ariascribe
