#include <fcntl.h>

#include <algorithm>

#include "ardus/store_service.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kMostKeptManifests = 100;  ///< more are not asked where chunks may be

}  // namespace

/// Finds which files of the target are as they should be.
Status Store::scan_target() {
  std::uint64_t looked_at = 0;
  for (std::uint32_t number = 0; number < manifest().entries.size(); ++number) {
    if (entry(number).kind != EntryKind::file) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    if (Status scanned = scan_file(number); !scanned) return scanned;
    looked_at += entry(number).size;
    if (wish_.progress) wish_.progress(looked_at);
  }
  // A chunk that stands in every file that needs it, at its place, is not missing.
  for (std::uint32_t chunk = 0; chunk < missing_.size(); ++chunk) {
    const auto all = places(chunk);
    if (std::ranges::all_of(all, [&](const Place& place) { return in_place_[place.entry]; })) missing_.erase(chunk);
  }
  return {};
}

Status Store::scan_file(std::uint32_t number) {
  const Entry& e = entry(number);
  const auto there = target_.look(e.path);
  if (!there) return there.error();
  if (!*there || !S_ISREG((*there)->st_mode)) return {};
  const auto fd = target_.open_file(e.path, O_RDONLY);
  if (!fd) return {};  // unreadable: it will be replaced, or the commit says why it can't be
  if (!holds_content(fd->get(), manifest(), e, buffer_)) {
    older_.push_back(number);
    return {};
  }
  in_place_[number] = true;
  has_metadata_[number] = has_metadata(fd->get(), **there, e, wish_.owners);
  was_there_ = true;
  for_each_place(manifest(), e, [&](std::uint32_t chunk, std::uint64_t) { bytes_done_ += manifest().chunks[chunk].size; });
  return {};
}

/// Looks for what is missing in other files of this machine, the likely ones first.
Status Store::search_elsewhere() {
  if (missing_.empty()) return {};
  Search search;
  for (const auto& path : wish_.seeds) {
    auto seed = Folder::open(path);
    if (!seed) return seed.error().in("--seed-from");
    search.seeds.push_back(std::move(*seed));
  }
  index_wanted(search);
  search_in_place(search);
  for (const std::uint32_t number : std::exchange(older_, {})) search_file(search, -1, entry(number).path);
  search_kept_manifests(search);
  if (Status copied = copy_found(search); !copied || missing_.empty()) return copied;
  index_wanted(search);
  for (const Entry& e : manifest().entries) {
    if (e.kind == EntryKind::directory && e.path.find('/') == std::string::npos) search_folder(search, -1, e.path);
  }
  for (int seed = 0; seed < static_cast<int>(search.seeds.size()); ++seed) search_folder(search, seed, "");
  return copy_found(search);
}

void Store::index_wanted(Search& search) const {
  search.wanted.clear();
  for (std::uint32_t chunk = 0; chunk < missing_.size(); ++chunk) {
    if (missing_.has(chunk)) search.wanted.emplace(manifest().chunks[chunk].hash, chunk);
  }
}

/// Files that are as they should be have chunks that others lack.
void Store::search_in_place(Search& search) const {
  for (std::uint32_t chunk = 0; chunk < missing_.size(); ++chunk) {
    if (!missing_.has(chunk)) continue;
    for (const Place& place : places(chunk)) {
      if (!in_place_[place.entry]) continue;
      search.found.push_back({static_cast<std::uint32_t>(search.files.size()), place.offset, chunk});
      search.files.push_back({-1, entry(place.entry).path});
      search.wanted.erase(manifest().chunks[chunk].hash);
      break;
    }
  }
}

/// What earlier transfers brought may stand there still, also under names this one does not know. Nothing is read for it: the
/// chunks are hashed when they are taken.
void Store::search_kept_manifests(Search& search) {
  std::error_code failed;
  std::size_t asked = 0;
  for (const auto& file : std::filesystem::directory_iterator(target_.path() / kReceivedFolder, failed)) {
    if (file.path().extension() != ".manifest" || search.wanted.empty() || cancelled() || ++asked > kMostKeptManifests) continue;
    const auto text = read_file(file.path(), ManifestLimits().encoded);
    const auto kept = text ? parse_manifest(as_bytes(*text)) : Result<Manifest>(text.error());
    if (!kept) continue;
    for (const Entry& e : kept->entries) {
      if (e.kind != EntryKind::file) continue;
      bool listed = false;
      for_each_place(*kept, e, [&](std::uint32_t chunk, std::uint64_t offset) {
        const auto wanted = search.wanted.find(kept->chunks[chunk].hash);
        if (wanted == search.wanted.end()) return;
        if (!std::exchange(listed, true)) search.files.push_back({-1, e.path});
        search.found.push_back({static_cast<std::uint32_t>(search.files.size() - 1), offset, wanted->second});
      });
    }
  }
}

void Store::search_folder(Search& search, int seed, const std::string& below) {
  walk_files(seed < 0 ? target_ : search.seeds[static_cast<std::size_t>(seed)], below, [&](const std::string& path, const struct stat&) {
    search_file(search, seed, path);
    return !search.wanted.empty() && !cancelled();
  });
}

/// Cuts a file, and notes the chunks that are missing here.
void Store::search_file(Search& search, int seed, const std::string& path) {
  if (search.wanted.empty()) return;
  const Folder& folder = seed < 0 ? target_ : search.seeds[static_cast<std::size_t>(seed)];
  const auto fd = folder.open_file(path, O_RDONLY | O_NONBLOCK);
  struct stat stat {};
  if (!fd || ::fstat(fd->get(), &stat) != 0 || !S_ISREG(stat.st_mode)) return;
  bool listed = false;
  (void)cutter_.cut(fd->get(), stat, path, nullptr, [&](const Chunk& chunk, BytesView, std::uint64_t offset) {
    const auto wanted = search.wanted.find(chunk.hash);
    if (wanted != search.wanted.end()) {
      if (!std::exchange(listed, true)) search.files.push_back({seed, path});
      search.found.push_back({static_cast<std::uint32_t>(search.files.size() - 1), offset, wanted->second});
      search.wanted.erase(wanted);
    }
    return !search.wanted.empty() && !cancelled();
  });  // what can't be read has nothing for us
}

Status Store::copy_found(Search& search) {
  std::ranges::sort(search.found, {}, [](const Elsewhere& one) { return std::pair{one.file, one.offset}; });
  UniqueFd fd;
  const Search::File* open = nullptr;
  for (const Elsewhere& one : std::exchange(search.found, {})) {
    if (!missing_.has(one.chunk)) continue;
    if (cancelled()) return Error{Errc::cancelled, "cancelled"};
    if (const Search::File& file = search.files[one.file]; open != &file) {
      const Folder& folder = file.seed < 0 ? target_ : search.seeds[static_cast<std::size_t>(file.seed)];
      auto opened = folder.open_file(file.path, O_RDONLY | O_NONBLOCK);
      fd = opened ? std::move(*opened) : UniqueFd();
      open = &file;
    }
    Bytes bytes(manifest().chunks[one.chunk].size);
    if (!fd || !read_exactly(fd.get(), one.offset, bytes, "")) continue;
    const Status taken = put(one.chunk, bytes);
    if (!taken && taken.error().code != Errc::data_loss) return taken;
    was_there_ = was_there_ || taken.has_value();
  }
  search.files.clear();
  return sync();
}

}  // namespace ghost::ardus
