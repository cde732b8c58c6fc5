// A stranger's title, album, artist and composer, each a line: taken apart, matched and judged as a track of an album.
#include <cstdint>
#include <string_view>

#include "ariascribe/album.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  static const auto repertoire = ariascribe::Repertoire::embedded();
  static const ariascribe::Matcher matcher(*repertoire);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::size_t end = text.find('\n');
    std::string found(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return found;
  };
  ariascribe::AlbumInput album;
  ariascribe::TrackInput first;
  first.title = line();
  first.album = line();
  first.artist = line();
  first.composer = line();
  ariascribe::TrackInput second;
  second.title = line();
  album.album = first.album;
  album.tracks = {first, second};
  for (const ariascribe::Identification& each : ariascribe::identify_album(matcher, album)) {
    for (const ariascribe::FieldReason& reason : each.reasons) {
      if (!(reason.confidence >= 0 && reason.confidence <= 1)) __builtin_trap();
    }
  }
  (void)matcher.search(first.title, 5);
  return 0;
}
