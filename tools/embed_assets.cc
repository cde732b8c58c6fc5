// Writes the files of a folder, each packed by gzip, as a C++ source that defines ghost::console::embedded_files().
//
//   embed_assets web/dist OUT.cc
//
// The same files always give the same source: no times, no names of this machine.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Bytes = std::vector<unsigned char>;

struct File {
  std::string path;  // as in a URL
  Bytes content;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "embed_assets: %s\n", why.c_str());
  std::exit(1);
}

Bytes read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) give_up("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<File> files_of(const fs::path& folder) {
  std::vector<File> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file()) files.push_back({"/" + fs::relative(at->path(), folder).generic_string(), read(at->path())});
  if (error) give_up(folder.string() + ": " + error.message());
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

Bytes gzip(const Bytes& content) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // largest window, gzip header; deflateInit2 leaves its time 0
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY) != Z_OK) give_up("zlib cannot start");
  Bytes packed(deflateBound(&stream, static_cast<uLong>(content.size())) + 32);
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) give_up("zlib cannot finish");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string content_type(const std::string& path) {
  static const std::map<std::string, std::string> kTypes = {
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},             {".png", "image/png"},                     {".woff2", "font/woff2"}};
  const auto type = kTypes.find(fs::path(path).extension());
  if (type == kTypes.end()) give_up(path + ": no content type is known for it; tools/embed_assets.cc lists them");
  return type->second;
}

/// FNV-1a, 64 bits: tells two builds apart, defends against nobody.
std::string etag(const Bytes& content) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : content) hash = (hash ^ byte) * 0x100000001b3;
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

void write_bytes(std::ostream& out, std::size_t index, const Bytes& bytes) {
  out << "constexpr std::uint8_t kFile" << index << "[] = {";
  for (std::size_t i = 0; i < bytes.size(); ++i) out << (i % 32 == 0 ? "\n" : "") << static_cast<unsigned>(bytes[i]) << ',';
  out << "};\n";
}

void write_source(std::ostream& out, const std::vector<File>& files) {
  out << "// Made by tools/embed_assets from web/dist.\n#include \"console/embedded_files.h\"\n\nnamespace ghost::console {\nnamespace {\n\n";
  for (std::size_t i = 0; i < files.size(); ++i) write_bytes(out, i, gzip(files[i].content));
  out << "\nconstexpr EmbeddedFile kFiles[] = {\n";
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [path, content] = files[i];
    const bool hashed = path.starts_with("/assets/");  // Vite puts what it names by content there
    out << "    {\"" << path << "\", {\"" << content_type(path) << "\", kFile" << i << ", " << content.size() << ", R\"(" << etag(content)
        << ")\", " << (hashed ? "true" : "false") << "}},\n";
  }
  out << "};\n\n}  // namespace\n\nstd::span<const EmbeddedFile> embedded_files() { return kFiles; }\n\n}  // namespace ghost::console\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: embed_assets FOLDER OUT.cc");
  const auto files = files_of(argv[1]);
  if (files.empty()) give_up(std::string(argv[1]) + " has no files");
  std::ofstream out(argv[2], std::ios::binary | std::ios::trunc);
  write_source(out, files);
  out.flush();
  if (!out) give_up(std::string("cannot write ") + argv[2]);
}
