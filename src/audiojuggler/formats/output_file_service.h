#pragma once
#include <filesystem>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace ghost::audiojuggler {

enum class Overwrite : unsigned char { no, yes };

/// Makes the folder that gets files, with its parents, where it is missing; an error says what to do.
Status make_target_folder(const std::filesystem::path& path);

/// A file that has its name only once it is whole: until finish() it is ".NAME.part" beside it, and gone when dropped.
class OutputFile {
 public:
  /// exists when there is something at `path` already and it may not be replaced; busy when another process is writing it.
  static Result<OutputFile> create(const std::filesystem::path& path, Overwrite overwrite = Overwrite::no);
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// At the place reached. exhausted when there is no room: the message says so.
  Status write(BytesView bytes);
  void seek(std::uint64_t place) { place_ = place; }
  std::uint64_t place() const { return place_; }
  const std::filesystem::path& path() const { return path_; }
  /// To the disk, then under its name.
  Status finish();

 private:
  OutputFile(std::filesystem::path path, std::filesystem::path part, UniqueFd fd, Overwrite overwrite)
      : path_(std::move(path)), part_(std::move(part)), fd_(std::move(fd)), overwrite_(overwrite) {}

  std::filesystem::path path_, part_;
  UniqueFd fd_;  ///< locked while it is written; none once moved or finished
  Overwrite overwrite_;
  std::uint64_t place_ = 0;
};

/// Gives `from` the name `to` unless something has it: exists then.
Status rename_without_replacing(const std::filesystem::path& from, const std::filesystem::path& to);
/// What writing failed of, with what to do where the target is full or read-only.
Error write_error(int error_number, const std::filesystem::path& path);

}  // namespace ghost::audiojuggler
