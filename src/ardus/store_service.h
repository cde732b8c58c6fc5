#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ardus/disk_service.h"
#include "ardus/file_cutter_service.h"
#include "ardus/folder_service.h"
#include "ardus/manifest.h"
#include "ardus/metadata_service.h"
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
    std::vector<std::filesystem::path> seeds = {};     ///< folders whose files may hold chunks of this content; only read
    Owners owners = Owners::own;
    std::shared_ptr<Disk> disk = std::make_shared<Disk>();  ///< by which everything is changed
  };

  /// Looks what is there already: of this content, of older files under its paths, of files that were moved within the target, and
  /// of the seeds; claims the room for the rest. exhausted before anything is written when the room is not there; busy when another
  /// process receives the same content into the same target; conflict when something stands where a folder or a file must go.
  static Result<std::unique_ptr<Store>> open(Wish wish);
  ~Store();

  /// Chunks that are still to come.
  const ChunkSet& missing() const { return missing_; }
  /// Of files, as far as they are verified: in place already, or staged.
  std::uint64_t bytes_done() const { return bytes_done_; }
  bool was_there() const { return was_there_; }  ///< whether part of it was on this machine before
  /// What of the metadata could not be kept here, for the person; complete after commit().
  std::vector<std::string> remarks() const;

  /// Takes a chunk that came. data_loss, and nothing written, when these are not its bytes. A chunk that is here already is no error.
  Status put(std::uint32_t chunk, BytesView bytes);
  /// A chunk that came.
  struct Arrival {
    std::uint32_t chunk;
    BytesView bytes;
  };
  /// Takes several, for what they are worth together; what put() would answer of each.
  std::vector<Status> put(std::span<const Arrival> arrivals);
  /// Puts what was taken on the disk and notes it in the journal; put() does so every kSyncBytes or kSyncTime. Once that has failed this,
  /// put() and commit() answer so again: what a disk says of bytes it has failed to write is not to be believed. Another Store is.
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
  /// Where a chunk may stand that is missing here.
  struct Elsewhere {
    std::uint32_t file;   ///< in Search::files
    std::uint64_t offset;
    std::uint32_t chunk;
  };
  /// Chunks of this content in other files.
  struct Search {
    std::vector<Folder> seeds;
    struct File {
      int seed;  ///< −1: in the target
      std::string path;
    };
    std::vector<File> files;
    std::vector<Elsewhere> found;
    std::unordered_map<Digest, std::uint32_t, DigestHash> wanted;  ///< chunks not found yet
  };
  Store(Wish wish, Folder target, Folder staging);

  Status prepare();
  void index_places();
  Status look_for_obstacles();
  Status look_for_folding();
  Status read_journal();
  bool is_staged(std::uint32_t chunk);
  static std::uint64_t check_of(BytesView bytes);

  // store_search_service.cc: what is on this machine already.
  Status scan_target();
  Status scan_file(std::uint32_t entry);
  Status search_elsewhere();
  void index_wanted(Search& search) const;
  void search_in_place(Search& search) const;
  void search_kept_manifests(Search& search);
  void search_folder(Search& search, int seed, const std::string& below);
  void search_file(Search& search, int seed, const std::string& path);
  Status copy_found(Search& search);

  // store_room_service.cc: the room on the disk.
  Status claim_room();
  Status claim_for_small(std::uint64_t bytes);
  Status allocate(std::uint32_t entry);
  Status give_room(std::uint64_t bytes);

  Status take(std::uint32_t chunk, BytesView bytes);
  bool is_small(std::uint32_t entry) const;
  Status write_small(std::uint32_t entry, BytesView bytes);
  Status write_piece(const Place& place, BytesView bytes);
  Status note(std::uint32_t chunk);
  Disk& disk() const { return *wish_.disk; }
  std::string journal_name() const;
  std::string path_of(std::uint32_t entry) const { return target_.path().native() + "/" + this->entry(entry).path; }
  Status flush_files(const std::vector<std::uint32_t>& entries);
  Status flush();

  // store_commit_service.cc: from staging to under their names.
  Status read_back(std::uint32_t entry);
  bool gives_back(int fd, const Entry& entry);
  Status place_folders();
  Status place_all();
  Status place_file(std::uint32_t entry);
  Status place_symlink(std::uint32_t entry);
  Status place_hard_link(std::uint32_t entry);
  Status finish_folders();

  Result<UniqueFd> open_staged(std::uint32_t entry, int flags);
  Result<int> staged(std::uint32_t entry);
  const Entry& entry(std::uint32_t number) const { return manifest().entries[number]; }
  const Manifest& manifest() const { return *wish_.manifest; }
  std::span<const Place> places(std::uint32_t chunk) const;
  bool cancelled() const { return wish_.cancelled && *wish_.cancelled; }

  Wish wish_;
  Folder target_, staging_;
  UniqueFd journal_;                       ///< locked while this lives
  std::uint64_t journal_end_ = 0;
  bool new_names_ = false;                 ///< files were made in the staging folder since it was synced
  Status failed_;                          ///< what ended it
  std::vector<Place> places_;              ///< by chunk: first_place_[chunk] … first_place_[chunk + 1]
  std::vector<std::uint64_t> first_place_;
  std::vector<bool> in_place_;             ///< files that need nothing but, perhaps, their metadata
  std::vector<bool> has_metadata_;         ///< files in place, or staged, that have it
  ChunkSet missing_;
  std::vector<std::uint64_t> check_;       ///< of each chunk that was found to be right here: CRC-64 of its bytes, which are read back by it
  std::vector<std::uint32_t> older_;       ///< entries at whose path another file stands
  std::uint64_t bytes_done_ = 0;
  bool was_there_ = false;
  LeftOut left_out_;
  UniqueFd room_;                          ///< holds the room for small files until they are written
  std::uint64_t room_size_ = 0, room_given_ = 0;  ///< bytes; given back ahead of what is written
  std::vector<std::uint32_t> pending_;     ///< written, and not yet in the journal
  std::uint64_t pending_bytes_ = 0;
  TimePoint pending_since_{};
  std::vector<std::uint32_t> dirty_;       ///< staged files written since the last sync
  std::list<OpenFile> opened_;             ///< the one used last in front
  FileCutter cutter_;
  Bytes buffer_;
};

constexpr std::string_view kReceivedFolder = ".ardus/received";
/// The first half of a content id, as folders and files are named by it.
std::string short_name(const ContentId& content);
/// What an entry's file is called in the staging folder.
std::string staged_name(std::uint32_t entry);

}  // namespace ghost::ardus
