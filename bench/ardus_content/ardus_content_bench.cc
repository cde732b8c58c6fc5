// What many small files cost: scanning, manifest, staging, committing; and beside them, one copy by a tar pipe.
//
//   ardus_content_bench FILES [BYTES [FOLDER]]     4096 bytes each, below /dev/shm
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "ardus/scan_service.h"
#include "ardus/store_service.h"
#include "base/random.h"

namespace {

using namespace ghost;
namespace fs = std::filesystem;

double cpu_seconds(int who) {
  rusage used{};
  ::getrusage(who, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Megabytes this process has in memory.
double resident() {
  std::ifstream file("/proc/self/statm");
  double all = 0, in_memory = 0;
  file >> all >> in_memory;
  return in_memory * 4096 / 1e6;
}

class Table {
 public:
  void row(std::string_view what) {
    const auto now = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
    std::cout << fmt::format("{:<34} {:>8.2f} s {:>8.2f} CPU-s {:>8.0f} MB in memory\n", what, std::chrono::duration<double>(now - at_).count(), cpu - cpu_, resident()) << std::flush;
    at_ = std::chrono::steady_clock::now();
    cpu_ = cpu;
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
  double cpu_ = 0;
};

void make_tree(const fs::path& folder, std::size_t files, std::size_t bytes) {
  SeededRandom random(1);
  std::string text(bytes, '\0');
  for (auto& byte : text) byte = static_cast<char>(random());
  for (std::size_t i = 0; i < files; ++i) {
    const fs::path in = folder / std::to_string(i / 1000);
    if (i % 1000 == 0) fs::create_directories(in);
    std::memcpy(text.data(), &i, std::min(sizeof i, text.size()));
    std::ofstream(in / fmt::format("file {:07}.dat", i), std::ios::binary) << text;
  }
}

[[noreturn]] void give_up(const Error& error) {
  std::cerr << "ardus_content_bench: " << error.message << "\n";
  std::exit(1);
}

void check(const Status& status) {
  if (!status) give_up(status.error());
}

std::unique_ptr<ardus::Store> open_store(const ardus::Content& content, const std::shared_ptr<const ardus::Manifest>& manifest, const fs::path& target) {
  ardus::Store::Wish wish;
  wish.target = target;
  wish.manifest = manifest;
  wish.encoded = content.encoded();
  auto store = ardus::Store::open(std::move(wish));
  if (!store) give_up(store.error());
  return std::move(*store);
}

void run(const fs::path& folder, std::size_t files, std::size_t bytes) {
  Table table;
  make_tree(folder / "tree", files, bytes);
  table.row("made the tree");
  const std::string tar = fmt::format("mkdir '{0}/tar' && tar -C '{0}' -c tree | tar -C '{0}/tar' -x", folder.string());
  if (std::system(tar.c_str()) != 0) give_up({Errc::io, "tar failed"});
  table.row("tar -c | tar -x");
  std::error_code ignored;
  fs::remove_all(folder / "tar", ignored);
  table.row("removed it");
  const KeyPair key = KeyPair::generate();
  ardus::ScanWish wish;
  wish.paths = {folder / "tree"};
  const auto content = ardus::scan(wish, key);
  if (!content) give_up(content.error());
  table.row(fmt::format("scanned ({:.1f} MB of manifest)", static_cast<double>((*content)->encoded().size()) / 1e6));
  auto parsed = ardus::parse_manifest((*content)->encoded());
  if (!parsed) give_up(parsed.error());
  const auto manifest = std::make_shared<const ardus::Manifest>(std::move(*parsed));
  table.row("read the manifest");
  ardus::StreamMap map(*manifest);
  map.append(ardus::ChunkSet(manifest->chunks.size(), true));
  table.row("mapped the stream");
  {
    const auto store = open_store(**content, manifest, folder / "target");
    table.row("opened the store");
    Bytes chunk;
    for (std::uint32_t number = 0; number < manifest->chunks.size(); ++number) {
      chunk.resize(manifest->chunks[number].size);
      check((*content)->read(number, 0, chunk));
      check(store->put(number, chunk));
    }
    check(store->sync());
    table.row("read and staged every chunk");
    check(store->commit());
    check(store->keep({}));
    table.row("committed");
  }
  const auto again = open_store(**content, manifest, folder / "target");
  table.row("opened it again, nothing missing");
  check(again->commit());
  table.row("committed again");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto files = static_cast<std::size_t>(std::strtoull(argv[1], nullptr, 10));
  const std::size_t bytes = argc > 2 ? static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10)) : 4096;
  std::string folder = std::string(argc > 3 ? argv[3] : "/dev/shm") + "/ardus-content-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) give_up(errno_error("make the folder", folder));
  run(folder, files, bytes);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return 0;
}
