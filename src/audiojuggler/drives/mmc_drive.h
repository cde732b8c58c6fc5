#pragma once
#include <memory>
#include <optional>

#include "audiojuggler/drives/drive.h"
#include "audiojuggler/drives/mmc.h"
#include "audiojuggler/drives/scsi_port.h"

namespace ghost::audiojuggler {

/// A CD drive that speaks MMC.
class MmcDrive : public Drive {
 public:
  /// Asks the drive who it is and what it can do. unsupported when it is no CD drive.
  static Result<std::unique_ptr<MmcDrive>> open(std::unique_ptr<ScsiPort> port, std::string path);

  const DriveInfo& info() const override { return info_; }
  /// not_found without a disc, busy while it gets ready.
  Result<Disc> read_disc() override;
  Status read(Lba first, std::span<SectorRead> out) override;
  void set_speed(unsigned times) override;
  /// Whether a disc is in it.
  bool has_disc();

 private:
  MmcDrive(std::unique_ptr<ScsiPort> port, std::string path) : port_(std::move(port)) { info_.path = std::move(path); }

  Status identify();
  /// The data of a command that went well; what the drive says otherwise.
  Result<Bytes> command(const Bytes& cdb, std::size_t wanted);
  Status wait_until_ready();
  Result<Toc> read_toc();
  void find_pregaps(Toc& toc);
  std::optional<std::uint8_t> track_at(Lba at);
  Result<Bytes> raw_q(Lba at);
  Status read_chunk(Lba first, std::span<SectorRead> out);

  std::unique_ptr<ScsiPort> port_;
  DriveInfo info_;
  mmc::Capabilities capabilities_;
  mmc::ReadCdWish wish_;
  std::optional<Disc> disc_;
};

}  // namespace ghost::audiojuggler
