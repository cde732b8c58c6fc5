#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

struct ConvertOptions {
  std::vector<std::filesystem::path> files;
  std::string to;                     ///< one of audio_formats()
  std::filesystem::path into;         ///< made when missing; each file keeps its name but for the ending
  unsigned jobs = 0;                  ///< files at a time; 0 for as many as there are processors
  Overwrite overwrite = Overwrite::no;
};

/// What became of one file.
struct Converted {
  std::filesystem::path from, file;   ///< `file` is "" until it is written
  double seconds = 0;                 ///< of sound
  std::optional<Error> error;
};

/// Hears how a conversion goes. Called from several threads, never two at a time.
struct ConvertObserver {
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)> on_progress;  ///< bytes of samples
  std::function<void(std::size_t index, const Converted&)> on_file;
};

/// Converts FLAC and WAV files, several at a time; tags go along where the format has a place for them. What ails one file is in its entry and
/// stops no other. An error means that nothing could begin.
Result<std::vector<Converted>> convert(const ConvertOptions& options, const ConvertObserver& observer, const std::atomic<bool>& cancelled);

}  // namespace ghost::audiojuggler
