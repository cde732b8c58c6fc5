#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ardus/folder_service.h"
#include "ardus/manifest.h"
#include "ardus/stream_map.h"
#include "base/result.h"
#include "base/time.h"

namespace ghost::ardus {

/// The disk half of a receiver: takes verified chunks of one manifest into a staging folder (TARGET/.ardus/CONTENT, docs/spec/ardus.md,
/// "Staging"), and puts the files in place when all of them are whole. Until then nothing outside the staging folder is touched. What
/// was verified survives the process: the next Store on the same content goes on from there. On one thread at a time; every call may
/// block on the disk.
class Store {
 public:
  struct Wish {
    std::filesystem::path target;                ///< made if it is missing
    std::shared_ptr<const Manifest> manifest;    ///< shared with whoever else reads it; checked by parse_manifest()
    Bytes encoded;                               ///< the same as it came: kept for `ardus verify`
    std::function<void(std::uint64_t)> progress = {};  ///< bytes of files looked at while opening
    std::shared_ptr<const std::atomic<bool>> cancelled = {};
  };

  /// Looks what is there already, of this content and of older files under its paths; then claims the room for the rest. exhausted
  /// before anything is written when the room is not there; busy when another process receives the same content into the same target;
  /// conflict when something stands where a folder or a file must go.
  static Result<std::unique_ptr<Store>> open(Wish wish);
  ~Store();

  /// Chunks that are still to come.
  const ChunkSet& missing() const { return missing_; }
  /// Of files, as far as they are verified: in place already, or staged.
  std::uint64_t bytes_done() const { return bytes_done_; }
  bool was_there() const { return was_there_; }  ///< whether part of it was in the target before

  /// Takes a chunk that came. data_loss, and nothing written, when these are not its bytes. A chunk that is here already is no error.
  Status put(std::uint32_t chunk, BytesView bytes);
  /// Puts what was taken on the disk and notes it in the journal; put() does so every kSyncBytes or kSyncTime.
  Status sync();

  static constexpr std::uint64_t kSyncBytes = 16 * 1024 * 1024;
  static constexpr Duration kSyncTime = std::chrono::milliseconds(500);

  /// With nothing missing: reads everything back, then puts it in place, folders first, links last. data_loss when the disk gave other
  /// bytes than were written: those chunks are missing again.
  Status commit();
  /// After commit(): keeps manifest and receipt under TARGET/.ardus/received and removes the staging folder.
  Status keep(BytesView receipt);

 private:
  struct Place {
    std::uint32_t entry;
    std::uint64_t offset;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(ByteReader(digest).u64()); }
  };
  struct OpenFile {
    std::uint32_t entry;
    UniqueFd fd;
  };
  Store(Wish wish, Folder target, Folder staging);

  Status prepare();
  void index_places();
  Status look_for_obstacles() const;
  Status read_journal();
  Status scan_target();
  Status scan_file(std::uint32_t entry);
  Status claim_room();
  Status allocate(std::uint32_t entry);
  Status copy_found();
  bool is_staged(std::uint32_t chunk);
  Status note(std::uint32_t chunk);
  Status flush_files(const std::vector<std::uint32_t>& entries);

  Status read_back(std::uint32_t entry);
  Status place_folders();
  Status place_file(std::uint32_t entry);
  Status place_link(std::uint32_t entry);
  Status finish_folders();

  Result<int> staged(std::uint32_t entry);
  std::string staged_name(std::uint32_t entry) const { return "f" + std::to_string(entry); }
  const Entry& entry(std::uint32_t number) const { return manifest().entries[number]; }
  const Manifest& manifest() const { return *wish_.manifest; }
  std::span<const Place> places(std::uint32_t chunk) const;
  bool cancelled() const { return wish_.cancelled && *wish_.cancelled; }

  Wish wish_;
  Folder target_, staging_;
  UniqueFd journal_;                       ///< locked while this lives
  std::vector<Place> places_;              ///< by chunk: first_place_[chunk] … first_place_[chunk + 1]
  std::vector<std::uint32_t> first_place_;
  std::vector<bool> in_place_;             ///< files that need nothing but, perhaps, their metadata
  ChunkSet missing_;
  std::unordered_map<Digest, std::uint32_t, DigestHash> numbers_;  ///< of the chunks, while older files are looked at
  std::map<std::uint32_t, Place> found_;   ///< chunks that stand in older files of the target: entry and offset there
  std::uint64_t bytes_done_ = 0;
  bool was_there_ = false;
  std::vector<std::uint32_t> pending_;     ///< written, and not yet in the journal
  std::uint64_t pending_bytes_ = 0;
  TimePoint pending_since_{};
  std::vector<std::uint32_t> dirty_;       ///< staged files written since the last sync
  std::list<OpenFile> opened_;             ///< the one used last in front
};

/// What one file of a target is like, by a manifest that was kept there.
struct FileFinding {
  enum class State { right, missing, different };
  std::string path;
  State state;
};
struct VerifiedTransfer {
  Manifest manifest;
  Bytes receipt;                         ///< as it was kept; empty when there is none
  std::vector<FileFinding> wrong;        ///< files and links that are not as they came
  std::uint64_t files = 0, bytes = 0;    ///< looked at
};
/// Compares every transfer kept under TARGET/.ardus/received with what is there, the one published last at the end. A path that several
/// of them name is looked at for the last of these only. not_found when there is none.
Result<std::vector<VerifiedTransfer>> verify_target(const std::filesystem::path& target);

}  // namespace ghost::ardus
