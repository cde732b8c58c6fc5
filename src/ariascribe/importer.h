#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/claims.h"
#include "base/result.h"

namespace ghost::ariascribe {

/// Where an importer's findings go. A record of a file may be several of ours: a work, and who wrote it.
struct ImportSink {
  std::function<void(std::vector<Record>&& records, std::uint64_t line)> take;
  std::function<void(std::uint64_t line, std::string why)> problem;
};

/// Turns the bytes of one file, as they come, into records (docs/spec/ariascribe.md §11). What cannot be read is told with its line and passed by.
/// Pure; memory is bounded by the longest record, kMaxImportRecord.
class Importer {
 public:
  explicit Importer(ImportSink sink) : sink_(std::move(sink)) {}
  virtual ~Importer() = default;
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// Errors end the import: the file is not of this format, or broken so that no next record can be found.
  virtual Status feed(std::string_view bytes) = 0;
  virtual Status finish() = 0;

  /// The first `count` records are passed by unread: they are in the store.
  virtual void skip(std::uint64_t count) { skipped_ = count; }
  /// Read so far, good and bad and passed by.
  virtual std::uint64_t count() const { return count_; }

 protected:
  /// Counts a record; false when it is to be passed by.
  bool is_wanted() { return ++count_ > skipped_; }
  void take(std::vector<Record>&& records, std::uint64_t line) { sink_.take(std::move(records), line); }
  void problem(std::uint64_t line, std::string why) { sink_.problem(line, std::move(why)); }

 private:
  ImportSink sink_;
  std::uint64_t skipped_ = 0, count_ = 0;
};

inline constexpr std::size_t kMaxImportRecord = 32U << 20;

struct ImportOptions {
  /// For tables: which column is which field, "title=Work,composer=Composer"; "" to go by the headings.
  std::string mapping;
  /// For tables: what their ids and names are called by; the source's name.
  std::string scheme = "table";
};

struct ImportFormat {
  std::string_view name, summary;
  std::string_view source, licence;  ///< what is taken when nothing else is said; a licence that is not known is "unknown"
};
std::span<const ImportFormat> import_formats();
/// not_found for another name, malformed for a mapping that is none.
Result<std::unique_ptr<Importer>> make_importer(std::string_view format, const ImportOptions& options, ImportSink sink);

// Of each family of formats; make_importer() knows which.
Result<std::unique_ptr<Importer>> make_json_importer(std::string_view format, ImportSink sink);
Result<std::unique_ptr<Importer>> make_table_importer(char separator, const ImportOptions& options, ImportSink sink);
std::unique_ptr<Importer> make_marc_importer(ImportSink sink);
std::unique_ptr<Importer> make_marcxml_importer(ImportSink sink);
std::unique_ptr<Importer> make_skos_importer(ImportSink sink);

}  // namespace ghost::ariascribe
