#include "ariascribe/mapped_works_service.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/unique_fd.h"

namespace ghost::ariascribe {

std::uint64_t fingerprint(const Repertoire& repertoire) {
  std::uint64_t print = repertoire.works().size();
  for (const Work& each : repertoire.works()) print = print * 31 + term_hash(each.id);
  for (const Composer& each : repertoire.composers()) print = print * 31 + term_hash(each.id);
  return print;
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return errno_error("open", path.string());
  if (info.st_size <= 0) return Error{Errc::malformed, path.string() + " is empty"};
  const auto size = static_cast<std::size_t>(info.st_size);
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return errno_error("map", path.string());
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->bytes_ = {static_cast<const std::uint8_t*>(at), size};
  return file;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

Result<std::shared_ptr<const StoredWorks>> map_works(const std::filesystem::path& directory, Repertoire& repertoire) {
  const IndexPaths paths(directory);
  const std::uint64_t shipped = fingerprint(repertoire);
  auto owner = std::make_shared<std::vector<std::shared_ptr<const MappedFile>>>();
  std::vector<WorkFile> files;
  for (const auto* path : {&paths.works, &paths.changes}) {
    auto mapped = MappedFile::open(*path);
    if (!mapped) {
      if (path == &paths.changes && mapped.error().code == Errc::not_found) break;
      return mapped.error();
    }
    auto file = WorkFile::open((*mapped)->bytes());
    if (!file) return file.error().in(path->string());
    if (file->stamp().shipped != shipped) return Error{Errc::conflict, path->string() + ": made for another version of the repertoire"};
    owner->push_back(std::move(*mapped));
    files.push_back(std::move(*file));
  }
  return std::make_shared<const StoredWorks>(std::move(files), std::move(owner), repertoire);
}

Result<std::vector<std::uint64_t>> index_builds(const std::filesystem::path& directory) {
  const IndexPaths paths(directory);
  std::vector<std::uint64_t> builds;
  for (const auto* path : {&paths.works, &paths.changes}) {
    const auto mapped = MappedFile::open(*path);
    if (!mapped && path == &paths.changes && mapped.error().code == Errc::not_found) break;
    if (!mapped) return mapped.error();
    const auto file = WorkFile::open((*mapped)->bytes());
    if (!file) return file.error().in(path->string());
    if (builds.empty() || file->stamp().base == builds.front()) builds.push_back(file->stamp().build);
  }
  return builds;
}

}  // namespace ghost::ariascribe
