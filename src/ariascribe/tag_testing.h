#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>

#include "ariascribe/tag_format.h"

namespace ghost::ariascribe {

/// For tests: a quarter of a second of a sine in each format, 8 kHz, mono, as ffmpeg 5.1 writes it, with the tags title=Andante,
/// album=Probe, artist=Somebody, composer=Mozart. They are fuzz/corpus/ariascribe_tags, too.
inline constexpr const char* kSamples[] = {"flac.flac",  "vorbis.ogg", "opus.opus",  "id3v23.mp3", "id3v24.mp3", "id3v1.mp3",
                                           "m4a.m4a",    "faststart.m4a", "wavpack.wv", "aiff.aiff",  "plain.aiff", "wav.wav",  "id3.wav"};

inline Bytes bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline Bytes sample(const std::string& file) { return bytes_of_file(std::filesystem::path(GHOST_TAG_FILES) / file); }

/// The file after the splices.
inline Bytes spliced(BytesView file, const std::vector<Splice>& splices) {
  const MemorySource source(file);
  const SplicedSource after(source, splices);
  return *after.read(0, static_cast<std::size_t>(after.size()));
}

/// What `enhance` may write, with the traps of every format in it.
inline std::vector<Tag> full_tags(std::vector<Tag> tags) {
  const std::pair<const char*, std::vector<std::string>> all[] = {
      {"TITLE", {"Sonata № 11 in A major, K. 331: II. Menuetto"}}, {"ORIGINALTITLE", {"Andante"}}, {"COMPOSER", {"Wolfgang Amadeus Mozart"}}, {"WORK", {"Sonata No. 11 in A major, K. 331"}},
      {"MOVEMENTNAME", {"Menuetto"}}, {"MOVEMENT", {"2"}}, {"MOVEMENTTOTAL", {"3"}}, {"CATALOGUENUMBER", {"K. 331", "K6. 300i"}}, {"OPUS", {"Op. 6 No. 2"}}, {"KEY", {"A major"}},
      {"ARRANGER", {"Ján Novák"}}, {"CONDUCTOR", {"Bo Ek"}}, {"ENSEMBLE", {"Town Orchestra", "Chœur de la Ville"}}, {"PERFORMER", {"Ann Lee (piano)", "C. D.", "Ōta Ei (violin)"}}};
  for (const auto& [name, values] : all) tags = with_values(std::move(tags), name, values);
  return tags;
}

}  // namespace ghost::ariascribe
