#include "audiojuggler/disc_id.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace ghost::audiojuggler {

namespace {

std::string hex(const char* format, std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::uint32_t absolute(Lba at) { return static_cast<std::uint32_t>(at.value) + kLeadIn; }

/// Audio tracks up to the first data track of another session, and where they end.
struct AudioSession {
  std::vector<const Track*> tracks;
  Lba end{};
};

AudioSession audio_session(const Toc& toc) {
  AudioSession session;
  session.end = toc.lead_out;
  for (std::size_t i = 0; i < toc.tracks.size(); ++i) {
    if (toc.tracks[i].session != toc.tracks[0].session) {
      session.end = Lba(toc.tracks[i].start.value - static_cast<std::int32_t>(kSessionGap));
      break;
    }
    session.tracks.push_back(&toc.tracks[i]);
  }
  return session;
}

std::string sha1_base64(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> out{};
  const int size = EVP_EncodeBlock(out.data(), digest.data(), static_cast<int>(length));
  std::string base64(out.begin(), out.begin() + size);
  for (char& c : base64) c = c == '+' ? '.' : c == '/' ? '_' : c == '=' ? '-' : c;
  return base64;
}

}  // namespace

std::string musicbrainz_id(const Toc& toc) {
  if (toc.tracks.empty()) return "";
  const AudioSession session = audio_session(toc);
  std::array<std::uint32_t, 100> places{};
  places[0] = absolute(session.end);
  for (const Track* track : session.tracks) places[track->number] = absolute(track->start);
  std::string text = hex("%02X", session.tracks.front()->number) + hex("%02X", session.tracks.back()->number);
  for (const std::uint32_t place : places) text += hex("%08X", place);
  return sha1_base64(text);
}

std::string freedb_id(const Toc& toc) {
  if (toc.tracks.empty()) return "";
  std::uint32_t sum = 0;
  for (const Track& track : toc.tracks) {
    for (std::uint32_t seconds = absolute(track.start) / kSectorsPerSecond; seconds > 0; seconds /= 10) sum += seconds % 10;
  }
  const std::uint32_t length = absolute(toc.lead_out) / kSectorsPerSecond - absolute(toc.tracks[0].start) / kSectorsPerSecond;
  return hex("%08x", (sum % 255) << 24 | (length & 0xFFFF) << 8 | static_cast<std::uint32_t>(toc.tracks.size()));
}

std::string accuraterip_id(const Toc& toc) {
  std::uint32_t sum = 0, weighted = 0, tracks = 0;
  for (const Track& track : toc.tracks) {
    if (!track.audio) continue;
    const auto place = static_cast<std::uint32_t>(track.start.value);
    ++tracks;
    sum += place;
    weighted += std::max<std::uint32_t>(place, 1) * track.number;
  }
  const auto end = static_cast<std::uint32_t>(toc.lead_out.value);
  return hex("%03u", tracks) + "-" + hex("%08x", sum + end) + "-" + hex("%08x", weighted + end * (tracks + 1)) + "-" + freedb_id(toc);
}

}  // namespace ghost::audiojuggler
