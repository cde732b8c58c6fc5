#pragma once
#include <filesystem>
#include <memory>

#include "audiojuggler/drives/drive.h"
#include "audiojuggler/drives/image_layout.h"
#include "base/unique_fd.h"

namespace ghost::audiojuggler {

/// A disc image, CUE with its BINs or WAVs, or cdrdao's TOC, as a drive.
class ImageDrive : public Drive {
 public:
  /// By the name's ending, .cue or .toc. Errors name the file, and the line where it is a matter of one.
  static Result<std::unique_ptr<ImageDrive>> open(const std::filesystem::path& path);

  const DriveInfo& info() const override { return info_; }
  Result<Disc> read_disc() override { return layout_.disc; }
  Status read(Lba first, std::span<SectorRead> out) override;
  void set_speed(unsigned) override {}

 private:
  ImageDrive() = default;
  Status open_files(const std::filesystem::path& image, const std::vector<std::string>& names, const std::vector<bool>& sound_files);
  Status read_cd_text(const std::filesystem::path& path);
  void read_sector(Lba at, SectorRead& out) const;

  DriveInfo info_;
  ImageLayout layout_;
  std::vector<ImageFile> files_;
  std::vector<UniqueFd> fds_;  ///< as files_
};

}  // namespace ghost::audiojuggler
