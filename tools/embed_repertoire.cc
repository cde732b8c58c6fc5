// Writes the text files of data/repertoire, one after the other and packed by gzip, as a C++ source that defines
// ghost::ariascribe::embedded_repertoire_gzip().
//
//   embed_repertoire data/repertoire OUT.cc
//
// The same files always give the same source: no times, no names of this machine.
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "embed_repertoire: %s\n", why.c_str());
  std::exit(1);
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) give_up("cannot read " + path.string());
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (text.starts_with("===") || text.find("\n===") != std::string::npos) give_up(path.string() + ": a line begins with ===, which separates files");
  return text;
}

std::string all_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file() && at->path().extension() == ".txt") names.push_back(fs::relative(at->path(), folder).generic_string());
  if (error) give_up(folder.string() + ": " + error.message());
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) all += "=== " + name + "\n" + read(folder / name);
  return all;
}

std::vector<unsigned char> gzip(const std::string& content) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // largest window, gzip header; deflateInit2 leaves its time 0
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY) != Z_OK) give_up("zlib cannot start");
  std::vector<unsigned char> packed(deflateBound(&stream, static_cast<uLong>(content.size())) + 32);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) give_up("zlib cannot finish");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: embed_repertoire FOLDER OUT.cc");
  const std::string text = all_files(argv[1]);
  if (text.empty()) give_up(std::string(argv[1]) + " has no .txt files");
  const auto packed = gzip(text);
  std::ofstream out(argv[2], std::ios::binary | std::ios::trunc);
  out << "// Made by tools/embed_repertoire from data/repertoire.\n#include \"ariascribe/embedded_repertoire.h\"\n\nnamespace ghost::ariascribe {\n"
         "namespace {\nconstexpr std::uint8_t kPackedRepertoire[] = {";
  for (std::size_t i = 0; i < packed.size(); ++i) out << (i % 32 == 0 ? "\n" : "") << static_cast<unsigned>(packed[i]) << ',';
  out << "};\n}  // namespace\n\nBytesView embedded_repertoire_gzip() { return kPackedRepertoire; }\nstd::size_t embedded_repertoire_size() { return " << text.size()
      << "; }\n\n}  // namespace ghost::ariascribe\n";
  out.flush();
  if (!out) give_up(std::string("cannot write ") + argv[2]);
}
