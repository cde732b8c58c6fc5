#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "ariascribe/exporter.h"
#include "ariascribe/importer.h"
#include "ariascribe/store_service.h"

namespace ghost::ariascribe {

/// Bytes of a file as it is, or unpacked: gzip and xz are told by their first bytes, and of a tar inside what lies below mbdump/.
class UnpackedFile {
 public:
  static Result<UnpackedFile> open(const std::filesystem::path& path);
  /// The next bytes, "" at the end. data_loss where it is cut off or damaged. Valid until the next call.
  Result<std::string_view> next();
  std::uint64_t packed_read() const;   ///< bytes of the file itself
  std::uint64_t packed_size() const;
  std::int64_t changed_ms() const;

  struct Impl;

 private:
  struct Destroy {
    void operator()(Impl* impl) const;
  };
  std::unique_ptr<Impl, Destroy> impl_;
};

struct ImportJob {
  std::string format;
  std::filesystem::path file;
  ImportOptions options;
  std::string source, licence;  ///< "": what is usual for the format
};

struct ImportSummary {
  std::uint64_t records = 0;       ///< of the file, good and bad
  std::uint64_t problems = 0;      ///< passed by
  std::uint64_t resumed_at = 0;    ///< records that were in the store from a run before
  Store::Written subjects;
  bool cancelled = false;
};

struct ImportEvents {
  std::function<void(std::uint64_t line, const std::string& why)> problem;
  std::function<void(std::uint64_t read, std::uint64_t size, std::uint64_t records)> progress;  ///< bytes of the file
  std::function<bool()> cancelled;
};

/// Reads a file into the store. One thread reads, the caller's writes. Killed or cancelled, it goes on the next time where it was; done twice, the
/// second time changes nothing. Errors: the file's or the store's; what came before is kept.
Result<ImportSummary> import_file(Store& store, const ImportJob& job, const ImportEvents& events);

/// Writes all works, in the order of their ids, piece by piece to `put`. Gives how many.
Result<std::uint64_t> export_works(Store& store, ExportFormat format, const std::function<Status(std::string_view piece)>& put);

}  // namespace ghost::ariascribe
