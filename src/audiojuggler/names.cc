#include "audiojuggler/names.h"

#include <algorithm>

#include "audiojuggler/charset.h"
#include "audiojuggler/disc_id.h"
#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxName = 200;  // bytes

std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t end = line.find(separator);
    out.emplace_back(line.substr(0, end));
    if (end == line.npos) return out;
    line.remove_prefix(end + 1);
  }
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

void set(std::string& where, const std::vector<std::string>& parts, std::size_t index) {
  if (index < parts.size() && !trimmed(parts[index]).empty()) where = trimmed(parts[index]);
}

/// `text` with only what may stand in a file's name.
std::string safe(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    const std::string_view character = text.substr(0, bytes);
    text.remove_prefix(bytes);
    if (c.bytes == 0 || printable(character) != character) out += ' ';
    else if (std::string_view("/\\:*?\"<>|").find(character) != std::string_view::npos) out += character == "\"" ? '\'' : '-';
    else out += character;
  }
  std::string joined;
  for (const char c : out) {
    if (c != ' ' || (!joined.empty() && joined.back() != ' ')) joined += c;
  }
  while (!joined.empty() && (joined.back() == ' ' || joined.back() == '.')) joined.pop_back();
  return joined;
}

std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text;
}

void add(Tags& tags, std::string_view name, const std::string& value) {
  if (!value.empty()) tags.emplace_back(name, value);
}

void add_disc(Tags& tags, const Disc& disc) {
  add(tags, "ALBUM", disc.text.title);
  add(tags, "ALBUMARTIST", disc.text.performer);
  add(tags, "TRACKTOTAL", std::to_string(disc.toc.audio_tracks()));
  add(tags, "MCN", disc.mcn);
  add(tags, "MUSICBRAINZ_DISCID", musicbrainz_id(disc.toc));
}

}  // namespace

std::vector<std::string> title_lines(BytesView text) {
  std::vector<std::string> lines = split(to_utf8(text), '\n');
  for (std::string& line : lines) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

Status apply_titles(Disc& disc, const std::vector<std::string>& all) {
  std::vector<std::string> lines;
  for (const std::string& line : all) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  constexpr std::string_view mark = "disc:";
  if (!lines.empty() && lines.front().starts_with(mark)) {
    const auto parts = split(std::string_view(lines.front()).substr(mark.size()), '\t');
    set(disc.text.title, parts, 0);
    set(disc.text.performer, parts, 1);
    lines.erase(lines.begin());
  }
  while (lines.size() > disc.toc.audio_tracks() && trimmed(lines.back()).empty()) lines.pop_back();
  if (lines.size() != disc.toc.audio_tracks()) {
    return Error{Errc::malformed, "the titles name " + std::to_string(lines.size()) + " tracks, the disc has " + std::to_string(disc.toc.audio_tracks()) +
                                      "; write one line a track, empty where there is nothing to say"};
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < disc.toc.tracks.size(); ++i) {
    if (!disc.toc.tracks[i].audio) continue;
    const auto parts = split(lines[next++], '\t');
    set(disc.tracks[i].text.title, parts, 0);
    set(disc.tracks[i].text.performer, parts, 1);
    set(disc.tracks[i].text.composer, parts, 2);
  }
  return {};
}

std::string file_name(unsigned number, std::string_view title, std::string_view extension) {
  const std::string end = "." + std::string(extension);
  const std::string name = safe(title);
  return cut(two_digits(number) + (name.empty() ? "" : " - " + name), kMaxName - end.size()) + end;
}

Tags tags_of(const Disc& disc, std::size_t index) {
  const TrackInfo& track = disc.tracks[index];
  const Text& text = track.text;
  Tags tags;
  add(tags, "TITLE", text.title);
  add(tags, "ARTIST", text.performer.empty() ? disc.text.performer : text.performer);
  add(tags, "PERFORMER", text.performer);
  add(tags, "COMPOSER", text.composer.empty() ? disc.text.composer : text.composer);
  add(tags, "LYRICIST", text.songwriter);
  add(tags, "ARRANGER", text.arranger);
  add(tags, "TRACKNUMBER", std::to_string(disc.toc.tracks[index].number));
  add(tags, "ISRC", track.isrc);
  add_disc(tags, disc);
  if (disc.toc.tracks[index].pre_emphasis) add(tags, "PREEMPHASIS", "1");
  return tags;
}

Tags tags_of_hidden_track(const Disc& disc) {
  Tags tags;
  add(tags, "ARTIST", disc.text.performer);
  add(tags, "TRACKNUMBER", "0");
  add_disc(tags, disc);
  return tags;
}

}  // namespace ghost::audiojuggler
