#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "audiojuggler/cue_sheet.h"
#include "audiojuggler/disc.h"
#include "audiojuggler/toc_file.h"

namespace ghost::audiojuggler {

/// A file that an image names, as it was found.
struct ImageFile {
  std::string name;
  std::uint64_t data_offset = 0;  ///< where its sectors or samples begin: after the head of a WAV file
  std::uint64_t bytes = 0;        ///< of them
  bool sound_file = false;        ///< its last sector may be filled up with silence
};

/// Consecutive sectors of the disc that stand together in a file.
struct ImageExtent {
  Lba start{};
  std::uint32_t sectors = 0;
  std::size_t file = 0;
  std::uint64_t offset = 0;               ///< in the file, bytes
  std::uint64_t bytes = 0;                ///< that are there; the rest of the last sector is silence
  std::uint32_t sector_bytes = kSectorBytes;
  bool big_endian = false;
};

/// Where each sector of an image's disc is. A sector in no extent is silence.
struct ImageLayout {
  Disc disc;
  std::vector<ImageExtent> extents;  ///< ascending

  /// The extent with this sector; null for none.
  const ImageExtent* find(Lba at) const;
};

/// The names of all files of a TOC file, each once.
std::vector<std::string> files_of(const TocFile& toc);

/// Lays out a CUE sheet over its files (as sheet.files), a TOC file over files_of() it. data_loss when a file is shorter than it must be: the message
/// names the missing sectors, and the tracks that are whole, cut off and missing. malformed when a BIN is no whole number of sectors.
Result<ImageLayout> lay_out(const CueSheet& sheet, const std::vector<ImageFile>& files);
Result<ImageLayout> lay_out(const TocFile& toc, const std::vector<ImageFile>& files);

}  // namespace ghost::audiojuggler
