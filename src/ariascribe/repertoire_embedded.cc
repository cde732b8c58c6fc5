#include <zlib.h>

#include "ariascribe/embedded_repertoire.h"
#include "ariascribe/repertoire.h"

namespace ghost::ariascribe {

static Result<std::string> unpacked_repertoire() {
  const BytesView packed = embedded_repertoire_gzip();
  std::string text(embedded_repertoire_size(), '\0');
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return Error{Errc::exhausted, "unpack the repertoire: zlib cannot start"};
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int ended = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (ended != Z_STREAM_END) return Error{Errc::data_loss, "unpack the repertoire: this program is damaged; install it again"};
  return text;
}

Result<Repertoire> Repertoire::embedded() {
  const auto text = unpacked_repertoire();
  if (!text) return text.error();
  std::vector<RepertoireFile> files;
  std::string_view rest = *text;
  constexpr std::string_view kMark = "=== ";
  while (rest.starts_with(kMark)) {
    const std::size_t line = rest.find('\n');
    RepertoireFile file{std::string(rest.substr(kMark.size(), line - kMark.size())), {}};
    rest.remove_prefix(line + 1);
    const std::size_t next = rest.starts_with(kMark) ? 0 : rest.find("\n=== ");
    const std::size_t length = next == std::string_view::npos ? rest.size() : (next == 0 ? 0 : next + 1);
    file.text = rest.substr(0, length);
    rest.remove_prefix(length);
    files.push_back(std::move(file));
  }
  return parse(files);
}

}  // namespace ghost::ariascribe
