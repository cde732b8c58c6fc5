#include "ardus/publish_service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <unordered_set>

#include "ardus/folder_service.h"
#include "base/file.h"

namespace ghost::ardus {

namespace {

constexpr std::string_view kUnfinished = ".part";

/// A name that any file system and URL takes.
std::string file_name(std::string name) {
  for (char& c : name) {
    if (c == '/' || c == '\0' || static_cast<unsigned char>(c) < 0x20 || c == '?' || c == '#' || c == '%' || c == '\\') c = '_';
  }
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name.substr(0, 200);
}

/// Whether the chunk stands there; a file that is cut short or was meddled with does not count.
bool is_published(const Folder& folder, const std::string& path, const Chunk& chunk, Bytes& buffer) {
  const auto there = folder.look(path);
  if (!there || !*there || !S_ISREG((*there)->st_mode) || static_cast<std::uint64_t>((*there)->st_size) != chunk.size) return false;
  const auto fd = folder.open_file(path, O_RDONLY);
  buffer.resize(chunk.size);
  return fd && read_exactly(fd->get(), 0, buffer, path) && sha256(buffer) == chunk.hash;
}

Status write_chunk(const Folder& folder, const std::string& path, BytesView bytes) {
  const std::string unfinished = path + std::string(kUnfinished);
  auto fd = folder.open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!fd && fd.error().code == Errc::not_found) {
    if (Status made = folder.make_folder(path.substr(0, path.rfind('/')), 0755); !made) return made;
    fd = folder.open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  }
  if (!fd) return fd.error();
  if (Status written = write_exactly(folder.disk(), fd->get(), 0, bytes, unfinished); !written) return written;
  return folder.take(folder, unfinished, path);
}

}  // namespace

Result<Published> publish(Content& content, const PublishWish& wish) {
  if (Status made = make_directories(wish.folder); !made) return made.error();
  const auto folder = Folder::open(wish.folder);
  if (!folder) return folder.error();
  if (Status made = folder->make_folder("chunks", 0755); !made) return made.error();
  const Manifest& manifest = content.manifest();
  Published done;
  std::uint64_t looked_at = 0;
  Bytes bytes;
  for (std::uint32_t number = 0; number < manifest.chunks.size(); ++number) {
    if (wish.cancelled && *wish.cancelled) return Error{Errc::cancelled, "cancelled"};
    const Chunk& chunk = manifest.chunks[number];
    const std::string path = chunk_path(chunk.hash);
    if (is_published(*folder, path, chunk, bytes)) {
      ++done.already;
    } else {
      bytes.resize(chunk.size);
      if (Status read = content.read(number, 0, bytes); !read) return read.error();
      if (sha256(bytes) != chunk.hash) return Error{Errc::conflict, "a file was changed while it was being published; publish again once it rests"};
      if (Status written = write_chunk(*folder, path, bytes); !written) return written.error();
      ++done.chunks;
      done.bytes += chunk.size;
    }
    looked_at += chunk.size;
    if (wish.progress) wish.progress(looked_at);
  }
  // All chunks are on the disk before anything says that they are.
  if (::syncfs(folder->fd()) != 0) return errno_error("sync", wish.folder.string());
  done.file = wish.folder / (file_name(manifest.name) + std::string(kPublicationSuffix));
  if (Status written = write_file_atomically(done.file, encode_publication({wish.certificates, content.encoded()}), 0644); !written) return written.error();
  return done;
}

Result<std::uint64_t> prune(const std::filesystem::path& path) {
  const auto folder = Folder::open(path);
  if (!folder) return folder.error();
  std::unordered_set<std::string> needed;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator(path, failed)) {
    if (file.path().extension() != kPublicationSuffix) continue;
    const auto text = read_file(file.path(), ManifestLimits().encoded);
    if (!text) return text.error();
    const auto publication = parse_publication(as_bytes(*text));
    if (!publication) return publication.error().in(file.path().string());
    const auto manifest = parse_manifest(publication->manifest);
    if (!manifest) return manifest.error().in(file.path().string());
    for (const Chunk& chunk : manifest->chunks) needed.insert(chunk_path(chunk.hash));
  }
  if (failed) return Error{Errc::io, "read the folder " + path.string() + ": " + failed.message()};
  std::vector<std::string> others;
  walk_files(*folder, "chunks", [&](const std::string& chunk, const struct stat&) {
    if (!needed.contains(chunk)) others.push_back(chunk);
    return true;
  });
  for (const std::string& chunk : others) {
    if (Status removed = folder->remove_file(chunk); !removed) return removed.error();
  }
  return others.size();
}

}  // namespace ghost::ardus
