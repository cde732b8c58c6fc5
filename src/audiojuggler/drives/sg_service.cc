#include "audiojuggler/drives/sg_service.h"

#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "audiojuggler/drives/image_drive_service.h"
#include "audiojuggler/drives/mmc_drive.h"
#include "base/unique_fd.h"

namespace ghost::audiojuggler {

namespace {

constexpr unsigned kTimeoutMs = 60'000;  // a drive may spin up, and try a bad sector for long

class SgPort : public ScsiPort {
 public:
  explicit SgPort(UniqueFd fd) : fd_(std::move(fd)) {}

  Result<ScsiAnswer> run(BytesView command, std::size_t wanted) override {
    ScsiAnswer answer;
    answer.data.resize(wanted);
    Bytes cdb = to_bytes(command);
    std::array<std::uint8_t, 64> sense{};
    sg_io_hdr_t request{};
    request.interface_id = 'S';
    request.dxfer_direction = wanted > 0 ? SG_DXFER_FROM_DEV : SG_DXFER_NONE;
    request.cmdp = cdb.data();
    request.cmd_len = static_cast<unsigned char>(cdb.size());
    request.dxferp = answer.data.data();
    request.dxfer_len = static_cast<unsigned>(wanted);
    request.sbp = sense.data();
    request.mx_sb_len = static_cast<unsigned char>(sense.size());
    request.timeout = kTimeoutMs;
    if (::ioctl(fd_.get(), SG_IO, &request) != 0) {
      if (errno == ENOTTY || errno == EINVAL) return Error{Errc::unsupported, "this is no drive that takes SCSI commands"};
      return errno_error("send a command to", "the drive");
    }
    if (request.host_status != 0) return Error{Errc::io, "the way to the drive failed (host status " + std::to_string(request.host_status) + ")"};
    answer.status = request.status;
    answer.sense.assign(sense.begin(), sense.begin() + std::min<int>(request.sb_len_wr, static_cast<int>(sense.size())));
    answer.data.resize(wanted - std::min(wanted, static_cast<std::size_t>(std::max(0, request.resid))));
    return answer;
  }

 private:
  UniqueFd fd_;
};

bool is_image(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return ending == ".cue" || ending == ".toc";
}

}  // namespace

Result<std::unique_ptr<ScsiPort>> open_sg(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    Error error = errno_error("open", path.string());
    if (error.code == Errc::refused) error.message += "; the group 'cdrom' may read it";
    return error;
  }
  return std::unique_ptr<ScsiPort>(std::make_unique<SgPort>(std::move(fd)));
}

std::vector<std::filesystem::path> cd_devices() {
  std::vector<std::filesystem::path> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator it("/sys/block", failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with("sr")) out.push_back(std::filesystem::path("/dev") / name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::unique_ptr<Drive>> open_source(const std::filesystem::path& path) {
  if (is_image(path)) {
    auto drive = ImageDrive::open(path);
    if (!drive) return drive.error();
    return std::unique_ptr<Drive>(std::move(*drive));
  }
  struct stat stat {};
  if (::stat(path.c_str(), &stat) != 0) return errno_error("open", path.string());
  if (!S_ISBLK(stat.st_mode) && !S_ISCHR(stat.st_mode)) return Error{Errc::malformed, path.string() + " is neither an image (.cue, .toc) nor a device; of a BIN, name its CUE sheet"};
  auto port = open_sg(path);
  if (!port) return port.error();
  auto drive = MmcDrive::open(std::move(*port), path.string());
  if (!drive) return drive.error();
  return std::unique_ptr<Drive>(std::move(*drive));
}

}  // namespace ghost::audiojuggler
