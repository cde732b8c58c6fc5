#include "audiojuggler/cd_text.h"

#include <array>
#include <optional>

#include "audiojuggler/charset.h"
#include "audiojuggler/crc16.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::uint8_t kMcnAndIsrc = 0x8e, kSizeInfo = 0x8f;
constexpr std::size_t kPayload = 12;
constexpr std::array<std::string Text::*, 6> kMembers = {&Text::title,    &Text::performer, &Text::songwriter,
                                                         &Text::composer, &Text::arranger,  &Text::message};  // 0x80 to 0x85

std::uint16_t stored_crc(BytesView pack) { return static_cast<std::uint16_t>(pack[16] << 8 | pack[17]); }

/// The packs without header and final zero.
Result<BytesView> bare_packs(BytesView bytes) {
  if (bytes.size() % kPackBytes == 4) bytes = bytes.subspan(4);
  else if (bytes.size() % kPackBytes == 5) bytes = bytes.subspan(4, bytes.size() - 5);
  else if (bytes.size() % kPackBytes == 1) bytes = bytes.first(bytes.size() - 1);
  if (bytes.size() % kPackBytes != 0) {
    return Error{Errc::malformed, "CD-TEXT comes in packs of 18 bytes, and " + std::to_string(bytes.size()) + " bytes are no whole number of them"};
  }
  return bytes;
}

/// Puts the strings of one kind (all titles, say) together, which run on from pack to pack, each ended by a zero.
class Strings {
 public:
  using Set = std::function<void(std::uint8_t track, BytesView text)>;

  void add(BytesView pack, const Set& set) {
    const std::uint8_t track = pack[1] & 0x7F;
    const std::size_t before = pack[3] & 0x0F;  // characters of the string in earlier packs; 15 for that or more
    const bool follows = next_ && *next_ == pack[2] && track == track_;
    if (!follows) {
      track_ = track;
      text_.clear();
      lost_ = before > 0;
    }
    next_ = static_cast<std::uint8_t>(pack[2] + 1);
    for (const std::uint8_t byte : pack.subspan(4, kPayload)) {
      if (byte != 0) {
        text_.push_back(byte);
        continue;
      }
      if (!lost_) end(set);
      lost_ = false;
      text_.clear();
      ++track_;
    }
  }

 private:
  void end(const Set& set) {
    const bool same_as_before = text_ == Bytes{'\t'};
    if (!same_as_before) last_ = text_;
    if (track_ <= 99 && !last_.empty() && !(text_.empty() && !same_as_before)) set(track_, last_);
  }

  std::optional<std::uint8_t> next_;  ///< sequence number of the pack that would follow
  std::uint8_t track_ = 0;
  Bytes text_, last_;
  bool lost_ = false;  ///< the string under way began in a pack that is missing
};

Status check_charset(BytesView packs) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 3> kOthers = {{{0x80, "MS-JIS (Japanese)"}, {0x81, "Korean"}, {0x82, "Chinese"}}};
  for (std::size_t at = 0; at < packs.size(); at += kPackBytes) {
    const BytesView pack = packs.subspan(at, kPackBytes);
    if (pack[0] != kSizeInfo || pack[1] != 0 || (pack[3] >> 4 & 7) != 0 || crc16(pack.first(16)) != stored_crc(pack)) continue;
    const std::uint8_t charset = pack[4];
    if (charset == 0 || charset == 1) return {};
    for (const auto& [code, name] : kOthers) {
      if (code == charset) {
        return Error{Errc::unsupported, "the disc's CD-TEXT is in " + std::string(name) + ", which cannot be converted yet; name the tracks with --titles FILE"};
      }
    }
    return Error{Errc::unsupported, "the disc's CD-TEXT is in the unknown character set " + std::to_string(charset) + "; name the tracks with --titles FILE"};
  }
  return {};
}

}  // namespace

Result<CdText> decode_cd_text(BytesView bytes) {
  const auto packs = bare_packs(bytes);
  if (!packs) return packs.error();
  if (const Status readable = check_charset(*packs); !readable) return readable.error();
  CdText out;
  std::map<std::uint8_t, Strings> strings;
  for (std::size_t at = 0; at < packs->size(); at += kPackBytes) {
    const BytesView pack = packs->subspan(at, kPackBytes);
    if (crc16(pack.first(16)) != stored_crc(pack)) {
      ++out.bad_packs;
      continue;
    }
    const std::uint8_t type = pack[0];
    const bool first_block = (pack[3] >> 4 & 7) == 0, wide = (pack[3] & 0x80) != 0, extension = (pack[1] & 0x80) != 0;
    if (!first_block || wide || extension) continue;
    if (type >= 0x80 && type < 0x80 + kMembers.size()) {
      const auto member = kMembers[type - 0x80u];
      strings[type].add(pack, [&](std::uint8_t track, BytesView text) { (track == 0 ? out.disc : out.tracks[track]).*member = latin1_to_utf8(text); });
    } else if (type == kMcnAndIsrc) {
      strings[type].add(pack, [&](std::uint8_t track, BytesView text) {
        if (track == 0 && is_mcn(as_text(text))) out.mcn = as_text(text);
        if (track != 0 && is_isrc(as_text(text))) out.isrc[track] = as_text(text);
      });
    }
  }
  if (out.bad_packs > 0 && out.bad_packs == packs->size() / kPackBytes) return Error{Errc::malformed, "none of the CD-TEXT packs has a right checksum"};
  return out;
}

namespace {

class PackWriter {
 public:
  /// Strings of one kind: `text(track)` for track 0 (the disc) and the others, none when all are empty.
  Status write(std::uint8_t type, std::uint8_t first, std::uint8_t last, const std::function<std::string(std::uint8_t)>& text) {
    Bytes payload;
    std::vector<std::uint8_t> tracks, places;  // of each byte
    bool any = false;
    for (unsigned track = 0; track <= last; track = track == 0 ? first : track + 1) {
      auto latin = utf8_to_latin1(text(static_cast<std::uint8_t>(track)));
      if (!latin) return latin.error();
      any |= !latin->empty();
      latin->push_back(0);
      for (std::size_t i = 0; i < latin->size(); ++i) {
        payload.push_back((*latin)[i]);
        tracks.push_back(static_cast<std::uint8_t>(track));
        places.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(i, 15)));
      }
    }
    if (!any) return {};
    for (std::size_t at = 0; at < payload.size(); at += kPayload) {
      const BytesView part = BytesView(payload).subspan(at, std::min(kPayload, payload.size() - at));
      if (const Status added = add(type, tracks[at], places[at], part); !added) return added;
    }
    return {};
  }

  /// Three packs that tell how many there are of each kind.
  Status write_size_info(std::uint8_t first, std::uint8_t last) {
    Bytes info(36, 0);
    info[1] = first;
    info[2] = last;
    for (std::size_t i = 0; i < 16; ++i) info[4 + i] = counts_[i];
    info[4 + 15] = 3;
    info[20] = static_cast<std::uint8_t>(sequence_ + 2);  // last sequence number of block 0
    info[28] = 0x09;                                       // English
    for (std::uint8_t part = 0; part < 3; ++part) {
      if (const Status added = add(kSizeInfo, part, 0, BytesView(info).subspan(part * kPayload, kPayload)); !added) return added;
    }
    return {};
  }

  Bytes take() { return std::move(packs_); }

 private:
  Status add(std::uint8_t type, std::uint8_t track, std::uint8_t place, BytesView payload) {
    if (sequence_ > 255) return Error{Errc::exhausted, "the texts are too long: CD-TEXT has room for 255 packs of 12 characters"};
    Bytes pack = {type, track, static_cast<std::uint8_t>(sequence_++), place};
    pack.insert(pack.end(), payload.begin(), payload.end());
    pack.resize(16, 0);
    const std::uint16_t crc = crc16(pack);
    pack.push_back(static_cast<std::uint8_t>(crc >> 8));
    pack.push_back(static_cast<std::uint8_t>(crc & 0xFF));
    packs_.insert(packs_.end(), pack.begin(), pack.end());
    ++counts_[type - 0x80u];
    return {};
  }

  Bytes packs_;
  unsigned sequence_ = 0;
  std::array<std::uint8_t, 16> counts_{};
};

}  // namespace

Result<Bytes> encode_cd_text(const CdText& text, std::uint8_t first_track, std::uint8_t last_track) {
  PackWriter writer;
  const auto find = [](const auto& map, std::uint8_t track) {
    const auto at = map.find(track);
    return at == map.end() ? typename std::decay_t<decltype(map)>::mapped_type{} : at->second;
  };
  for (std::uint8_t i = 0; i < kMembers.size(); ++i) {
    const auto member = kMembers[i];
    const auto of = [&](std::uint8_t track) { return track == 0 ? text.disc.*member : find(text.tracks, track).*member; };
    if (const Status done = writer.write(static_cast<std::uint8_t>(0x80 + i), first_track, last_track, of); !done) return done.error();
  }
  const auto code = [&](std::uint8_t track) { return track == 0 ? text.mcn : find(text.isrc, track); };
  if (const Status done = writer.write(kMcnAndIsrc, first_track, last_track, code); !done) return done.error();
  if (const Status done = writer.write_size_info(first_track, last_track); !done) return done.error();
  return writer.take();
}

void fill_from(Disc& disc, const CdText& text) {
  disc.text.fill_from(text.disc);
  if (disc.mcn.empty()) disc.mcn = text.mcn;
  disc.tracks.resize(disc.toc.tracks.size());
  for (std::size_t i = 0; i < disc.tracks.size(); ++i) {
    const std::uint8_t number = disc.toc.tracks[i].number;
    if (const auto at = text.tracks.find(number); at != text.tracks.end()) disc.tracks[i].text.fill_from(at->second);
    if (const auto at = text.isrc.find(number); at != text.isrc.end() && disc.tracks[i].isrc.empty()) disc.tracks[i].isrc = at->second;
  }
}

}  // namespace ghost::audiojuggler
