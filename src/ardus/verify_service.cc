#include "ardus/verify_service.h"

#include <fcntl.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <unordered_set>

#include "ardus/file_cutter_service.h"
#include "ardus/folder_service.h"
#include "ardus/metadata_service.h"
#include "ardus/store_service.h"
#include "base/file.h"
#include "base/text.h"

namespace ghost::ardus {

namespace {

using State = FileFinding::State;

std::string_view kind_text(mode_t mode) { return S_ISDIR(mode) ? "a folder" : S_ISLNK(mode) ? "a symbolic link" : S_ISREG(mode) ? "a file" : "a device or socket"; }

std::string octal(unsigned mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

/// Looks at one path after the other.
class Comparison {
 public:
  Comparison(const VerifyWish& wish, const Folder& target, const Manifest& manifest) : wish_(wish), target_(target), manifest_(manifest) {}

  std::optional<FileFinding> look(const Entry& e) {
    const auto there = target_.look(e.path);
    if (!there) return FileFinding{e.path, State::missing, there.error().message};
    if (!*there) return FileFinding{e.path, State::missing, "nothing is there"};
    const struct stat& stat = **there;
    switch (e.kind) {
      case EntryKind::directory:
        if (!S_ISDIR(stat.st_mode)) return wrong_kind(e, stat);
        return wish_.metadata ? metadata(e, stat) : std::nullopt;
      case EntryKind::symlink: return link(e, stat);
      case EntryKind::hardlink: return hard_link(e, stat);
      case EntryKind::file: return file(e, stat);
    }
    return std::nullopt;
  }

 private:
  static FileFinding wrong_kind(const Entry& e, const struct stat& stat) {
    constexpr std::string_view kKinds[] = {"", "a file", "a folder", "a symbolic link", "a file"};
    return {e.path, State::different, "it is " + std::string(kind_text(stat.st_mode)) + " and was " + std::string(kKinds[static_cast<std::size_t>(e.kind)])};
  }

  std::optional<FileFinding> link(const Entry& e, const struct stat& stat) const {
    if (!S_ISLNK(stat.st_mode)) return wrong_kind(e, stat);
    const auto says = target_.read_link(e.path);
    if (says && *says == e.link) return std::nullopt;
    return FileFinding{e.path, State::different, "it leads to '" + (says ? *says : "?") + "' and led to '" + e.link + "'"};
  }

  std::optional<FileFinding> hard_link(const Entry& e, const struct stat& stat) const {
    const auto file = target_.look(e.link);
    if (file && *file && (*file)->st_ino == stat.st_ino && (*file)->st_dev == stat.st_dev) return std::nullopt;
    return FileFinding{e.path, State::different, "it is no longer the same file as '" + e.link + "'"};
  }

  std::optional<FileFinding> file(const Entry& e, const struct stat& stat) {
    if (!S_ISREG(stat.st_mode)) return wrong_kind(e, stat);
    if (static_cast<std::uint64_t>(stat.st_size) != e.size) {
      return FileFinding{e.path, State::different, "it has " + std::to_string(stat.st_size) + " bytes and had " + std::to_string(e.size)};
    }
    const auto fd = target_.open_file(e.path, O_RDONLY);
    if (!fd) return FileFinding{e.path, State::different, fd.error().message};
    if (const auto at = first_difference(fd->get(), manifest_, e, buffer_)) {
      return FileFinding{e.path, State::different, "its bytes differ, first in the chunk at " + std::to_string(*at)};
    }
    return wish_.metadata ? metadata(e, stat) : std::nullopt;
  }

  std::optional<FileFinding> metadata(const Entry& e, const struct stat& stat) const {
    if ((stat.st_mode & 07777) != e.mode) return FileFinding{e.path, State::metadata, "its mode is " + octal(stat.st_mode & 07777) + " and was " + octal(e.mode)};
    // What is in a folder changes its time: another transfer may have.
    if (e.kind != EntryKind::file) return std::nullopt;
    if (!has_mode_and_time(stat, e, Owners::own)) return FileFinding{e.path, State::metadata, "its time of change is another"};
    const auto fd = target_.open_file(e.path, O_RDONLY);
    if (!fd || !has_metadata(fd->get(), stat, e, Owners::own)) return FileFinding{e.path, State::metadata, "its extended attributes are others"};
    return std::nullopt;
  }

  const VerifyWish& wish_;
  const Folder& target_;
  const Manifest& manifest_;
  Bytes buffer_;
};

std::string receipt_problem(const Receipt& receipt, const Manifest& manifest) {
  if (receipt.content != manifest.content) return "receipt: it is for another content";
  if (receipt.bytes != manifest.bytes()) return "receipt: it is for another number of bytes";
  return {};
}

Result<VerifiedTransfer> load_transfer(const std::filesystem::path& path) {
  const auto text = read_file(path, ManifestLimits().encoded);
  if (!text) return text.error();
  auto manifest = parse_manifest(as_bytes(*text));
  if (!manifest) return manifest.error().in(path.string());
  VerifiedTransfer transfer;
  transfer.manifest = std::move(*manifest);
  if (const auto receipt = read_file(std::filesystem::path(path).replace_extension(".receipt"), 4096)) {
    transfer.receipt = to_bytes(as_bytes(*receipt));
    const auto given = parse_receipt(transfer.receipt);
    if (given) transfer.given = *given;
    transfer.receipt_problem = given ? receipt_problem(*given, transfer.manifest) : given.error().message;
  }
  return transfer;
}

}  // namespace

Result<std::vector<VerifiedTransfer>> verify_target(const VerifyWish& wish) {
  const auto folder = Folder::open(wish.target);
  if (!folder) return folder.error();
  std::error_code failed;
  std::vector<VerifiedTransfer> all;
  for (const auto& file : std::filesystem::directory_iterator(wish.target / kReceivedFolder, failed)) {
    if (file.path().extension() != ".manifest") continue;
    auto transfer = load_transfer(file.path());
    if (!transfer) return transfer.error();
    all.push_back(std::move(*transfer));
  }
  if (all.empty()) return Error{Errc::not_found, wish.target.string() + ": nothing was received into this folder ('.ardus/received' in it holds no manifest)"};
  std::ranges::sort(all, {}, [](const VerifiedTransfer& t) { return t.manifest.created_ms; });
  std::unordered_set<std::string_view> seen;
  for (auto transfer = all.rbegin(); transfer != all.rend(); ++transfer) {
    Comparison comparison(wish, *folder, transfer->manifest);
    for (const Entry& e : transfer->manifest.entries) {
      if (!seen.insert(e.path).second) continue;
      if (auto finding = comparison.look(e)) transfer->wrong.push_back(std::move(*finding));
      transfer->files += e.kind == EntryKind::file ? 1 : 0;
      transfer->bytes += e.kind == EntryKind::file ? e.size : 0;
    }
  }
  return all;
}

}  // namespace ghost::ardus
