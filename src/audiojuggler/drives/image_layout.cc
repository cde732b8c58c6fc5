#include "audiojuggler/drives/image_layout.h"

#include <algorithm>
#include <optional>

namespace ghost::audiojuggler {

namespace {

/// "1 to 3, 5", "none".
std::string ranges(const std::vector<unsigned>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    out += (out.empty() ? "" : ", ") + std::to_string(numbers[i]) + (last > i ? " to " + std::to_string(numbers[last]) : "");
    i = last + 1;
  }
  return out.empty() ? "none" : out;
}

/// What a track needs of a file, in sectors from its start; an end of nothing is the file's own.
struct Need {
  unsigned track;
  std::uint64_t from;
  std::optional<std::uint64_t> to;
};

Error too_short(const ImageFile& file, std::uint64_t has, std::uint64_t wants, const std::vector<Need>& needs) {
  std::vector<unsigned> whole, cut, missing;
  for (const Need& need : needs) {
    auto& where = need.from >= has ? missing : need.to && *need.to <= has ? whole : cut;
    if (where.empty() || where.back() != need.track) where.push_back(need.track);
  }
  const auto in = [](const std::vector<unsigned>& list, unsigned track) { return std::find(list.begin(), list.end(), track) != list.end(); };
  std::erase_if(whole, [&](unsigned track) { return in(cut, track) || in(missing, track); });
  std::erase_if(missing, [&](unsigned track) { return in(cut, track); });
  return {Errc::data_loss, file.name + " is too short: it has " + std::to_string(has) + " sectors, the disc needs " + std::to_string(wants) + " of it. Sectors " +
                               std::to_string(has) + " to " + std::to_string(wants - 1) + " (" + msf_text(static_cast<std::uint32_t>(has)) + " to " +
                               msf_text(static_cast<std::uint32_t>(wants - 1)) + ") are missing. Whole tracks: " + ranges(whole) + "; cut off: " + ranges(cut) +
                               "; missing: " + ranges(missing) + ". Make or copy the image again"};
}

/// @param before  sectors of the file that come first
Status whole_sectors(const ImageFile& file, std::uint64_t before, std::uint64_t bytes, std::uint32_t sector_bytes) {
  const std::uint64_t over = bytes % sector_bytes;
  if (over == 0 || file.sound_file) return {};
  return Error{Errc::malformed, file.name + " is no whole number of sectors: after " + std::to_string(before + bytes / sector_bytes) + " of " + std::to_string(sector_bytes) +
                                    " bytes there are " + std::to_string(over) + " more. It was cut off, or is no raw image"};
}

/// Puts extents and silence one after the other.
class Builder {
 public:
  std::uint64_t here() const { return here_; }
  Lba at() const { return Lba(static_cast<std::int32_t>(here_)); }
  void silence(std::uint64_t sectors) { here_ += sectors; }
  void add(ImageExtent extent) {
    extent.start = at();
    here_ += extent.sectors;
    if (extent.sectors > 0) layout.extents.push_back(extent);
  }
  Status bounded() const {
    if (here_ <= kMaxSectors) return {};
    return Error{Errc::malformed, "the disc would be longer than " + std::to_string(kMaxSectors) + " sectors, which is all that fits on one"};
  }

  ImageLayout layout;

 private:
  std::uint64_t here_ = 0;
};

/// From an INDEX of a CUE sheet to the next.
struct Segment {
  std::size_t track;
  CueIndex index;
};

std::vector<Segment> segments_of(const CueSheet& sheet) {
  std::vector<Segment> out;
  for (std::size_t track = 0; track < sheet.tracks.size(); ++track) {
    for (const CueIndex& index : sheet.tracks[track].indexes) out.push_back({track, index});
  }
  return out;
}

/// "REM LEAD-OUT mm:ss:ff": where the last file should end.
std::optional<std::uint32_t> lead_out_remark(const CueSheet& sheet) {
  constexpr std::string_view word = "LEAD-OUT ";
  const auto find = [&](const std::vector<std::string>& remarks) -> std::optional<std::uint32_t> {
    for (const std::string& remark : remarks) {
      if (!remark.starts_with(word)) continue;
      if (const auto at = parse_msf(std::string_view(remark).substr(word.size()))) return *at;
    }
    return std::nullopt;
  };
  if (const auto at = find(sheet.remarks)) return at;
  return sheet.tracks.empty() ? std::nullopt : find(sheet.tracks.back().remarks);
}

class CueLayout {
 public:
  CueLayout(const CueSheet& sheet, const std::vector<ImageFile>& files) : sheet_(sheet), files_(files), segments_(segments_of(sheet)) {}

  Result<ImageLayout> lay_out() {
    head();
    std::size_t next = 0;
    for (std::size_t file = 0; file < files_.size(); ++file) {
      const std::size_t from = next;
      while (next < segments_.size() && segments_[next].index.file == file) ++next;
      if (const Status done = lay_out_file(file, from, next); !done) return done.error();
      if (const Status fits = out_.bounded(); !fits) return fits.error();
    }
    ImageLayout& layout = out_.layout;
    layout.disc.toc.lead_out = out_.at();
    if (const Status sane = layout.disc.toc.check(); !sane) return sane.error();
    return std::move(layout);
  }

 private:
  void head() {
    Disc& disc = out_.layout.disc;
    disc.text = sheet_.text;
    disc.mcn = sheet_.catalog;
    for (const CueTrack& track : sheet_.tracks) {
      Track place;
      place.number = track.number;
      place.audio = track.audio();
      place.pre_emphasis = track.pre_emphasis;
      place.copy_permitted = track.copy_permitted;
      place.four_channels = track.four_channels;
      disc.toc.tracks.push_back(place);
      disc.tracks.push_back({track.text, track.isrc});
    }
  }

  std::uint32_t sector_bytes(const Segment& segment) const { return *sector_bytes_of_mode(sheet_.tracks[segment.track].mode); }

  Status lay_out_file(std::size_t file, std::size_t from, std::size_t to) {
    if (from == to) return {};
    std::uint64_t offset = 0, sector = 0;
    // What stands before a file's first index belongs to that index's track, as its pregap.
    std::uint64_t lead = segments_[from].index.at;
    for (std::size_t i = from; i < to; ++i) {
      const Segment& segment = segments_[i];
      const std::uint32_t bytes = sector_bytes(segment);
      if (const Status before = begin_segment(segment, lead, i == 0); !before) return before;
      std::uint64_t length = lead;
      if (i + 1 < to) {
        length += segments_[i + 1].index.at - segment.index.at;
      } else {
        const std::uint64_t left = files_[file].bytes - std::min(files_[file].bytes, offset);
        if (const Status whole = whole_sectors(files_[file], sector, left, bytes); !whole) return whole;
        const std::uint64_t has = (left + bytes - 1) / bytes;
        // The last index needs a sector at least, and a lead-out that the sheet tells is one to be reached.
        const std::uint64_t end = i + 1 == segments_.size() ? lead_out_remark(sheet_).value_or(0) : 0;
        const std::uint64_t least = std::max(lead + 1, end > sector ? end - sector : 0);
        if (has < least) return too_short(files_[file], sector + has, sector + least, needs(from, to));
        length = has;
      }
      const std::uint64_t there = files_[file].bytes - std::min(files_[file].bytes, offset);
      if (there < length * bytes && i + 1 < to) {
        const std::uint64_t wants = std::max(sector + length, std::uint64_t{segments_[to - 1].index.at} + 1);
        return too_short(files_[file], sector + there / bytes, wants, needs(from, to));
      }
      out_.add({{}, static_cast<std::uint32_t>(length), file, offset, std::min(there, length * bytes), bytes, sheet_.files[file].format == CueFormat::motorola});
      offset += length * bytes;
      sector += length;
      lead = 0;
      if (i + 1 == segments_.size() || segments_[i + 1].track != segment.track) out_.silence(sheet_.tracks[segment.track].postgap);
    }
    return {};
  }

  /// Notes where an index is, which comes `lead` sectors after the place reached.
  Status begin_segment(const Segment& segment, std::uint64_t lead, bool first_of_disc) {
    Track& track = out_.layout.disc.toc.tracks[segment.track];
    const CueTrack& told = sheet_.tracks[segment.track];
    const bool first_of_track = &told.indexes.front() == find_index(told, segment.index.number);
    if (first_of_track) {
      track_begins_ = out_.here();
      out_.silence(told.pregap);
      if (first_of_disc) track_begins_ = 0;
    }
    const Lba at(static_cast<std::int32_t>(out_.here() + lead));
    if (segment.index.number == 1) {
      track.start = at;
      track.pregap = static_cast<std::uint32_t>(static_cast<std::uint64_t>(at.value) - track_begins_);
    } else if (segment.index.number > 1) {
      track.indexes.push_back(at);
    }
    return out_.bounded();
  }

  static const CueIndex* find_index(const CueTrack& track, std::uint8_t number) {
    const auto at = std::find_if(track.indexes.begin(), track.indexes.end(), [&](const CueIndex& index) { return index.number == number; });
    return at == track.indexes.end() ? nullptr : &*at;
  }

  /// What each track wants of the file with these segments.
  std::vector<Need> needs(std::size_t from, std::size_t to) const {
    std::vector<Need> out;
    for (std::size_t i = from; i < to; ++i) {
      if (segments_[i].index.number == 0) continue;  // a pregap is grabbed with the track before
      std::optional<std::uint64_t> end;
      for (std::size_t k = i + 1; k < to && !end; ++k) {
        if (segments_[k].index.number > 0) end = segments_[k].index.at;
      }
      out.push_back({sheet_.tracks[segments_[i].track].number, segments_[i].index.at, end});
    }
    return out;
  }

  const CueSheet& sheet_;
  const std::vector<ImageFile>& files_;
  std::vector<Segment> segments_;
  Builder out_;
  std::uint64_t track_begins_ = 0;  ///< sector where the track under way, with its pregap, began
};

class TocLayout {
 public:
  TocLayout(const TocFile& toc, const std::vector<ImageFile>& files) : toc_(toc), files_(files) {}

  Result<ImageLayout> lay_out() {
    Disc& disc = out_.layout.disc;
    disc.text = toc_.text;
    disc.mcn = toc_.catalog;
    for (const TocTrack& track : toc_.tracks) {
      if (const Status done = lay_out_track(track); !done) return done.error().in("line " + std::to_string(track.line));
    }
    if (short_) return too_short(files_[*short_], has_, wants_, needs_);
    disc.toc.lead_out = out_.at();
    if (const Status sane = disc.toc.check(); !sane) return sane.error();
    return std::move(out_.layout);
  }

 private:
  Status lay_out_track(const TocTrack& track) {
    Disc& disc = out_.layout.disc;
    const std::uint64_t begin = out_.here();
    std::uint64_t pregap = track.pregap;
    for (std::size_t i = 0; i < track.pieces.size(); ++i) {
      if (track.start_is_here && i == track.start_pieces) pregap = out_.here() - begin;
      const Status done = track.pieces[i].file.empty() ? silence(track.pieces[i]) : file(track, track.pieces[i]);
      if (!done) return done;
      if (const Status fits = out_.bounded(); !fits) return fits;
    }
    Track place;
    place.number = static_cast<std::uint8_t>(disc.toc.tracks.size() + 1);
    place.pregap = static_cast<std::uint32_t>(pregap);
    place.start = Lba(static_cast<std::int32_t>(begin + pregap));
    place.audio = track.audio();
    place.pre_emphasis = track.pre_emphasis;
    place.copy_permitted = track.copy_permitted;
    place.four_channels = track.four_channels;
    for (const std::uint32_t index : track.indexes) place.indexes.push_back(Lba(place.start.value + static_cast<std::int32_t>(index)));
    if (begin + pregap >= out_.here()) return Error{Errc::malformed, "START is at the end of the track or after it"};
    if (!place.indexes.empty() && place.indexes.back() >= out_.at()) return Error{Errc::malformed, "its last INDEX is at the end of the track or after it"};
    disc.toc.tracks.push_back(place);
    disc.tracks.push_back({track.text, track.isrc});
    return {};
  }

  Status silence(const TocPiece& piece) {
    const std::uint64_t frames = piece.frames.value_or(0);
    if (frames % kSectorFrames != 0) return Error{Errc::unsupported, "line " + std::to_string(piece.line) + ": this length is no whole number of sectors (588 samples)"};
    out_.silence(frames / kSectorFrames);
    return {};
  }

  Status file(const TocTrack& track, const TocPiece& piece) {
    const auto names = files_of(toc_);
    const auto index = static_cast<std::size_t>(std::find(names.begin(), names.end(), piece.file) - names.begin());
    const ImageFile& file = files_[index];
    const std::uint32_t bytes = track.mode == "MODE1" ? 2048 : track.mode == "MODE2" ? 2336 : static_cast<std::uint32_t>(kSectorBytes);
    const std::uint64_t offset = piece.byte_offset + piece.start_frames * kFrameBytes;
    const std::uint64_t there = file.bytes - std::min(file.bytes, offset);
    std::uint64_t sectors = 0;
    if (piece.frames) {
      if (*piece.frames % kSectorFrames != 0) return Error{Errc::unsupported, "line " + std::to_string(piece.line) + ": this length is no whole number of sectors (588 samples)"};
      sectors = *piece.frames / kSectorFrames;
    } else {
      if (const Status whole = whole_sectors(file, offset / bytes, there, bytes); !whole) return whole;
      sectors = (there + bytes - 1) / bytes;
    }
    const std::uint64_t first = offset / bytes;
    if (short_.value_or(index) == index) needs_.push_back({static_cast<unsigned>(out_.layout.disc.toc.tracks.size() + 1), first, first + sectors});
    if (there < sectors * bytes && !(file.sound_file && there + bytes > sectors * bytes)) {
      if (!short_) has_ = file.bytes / bytes;
      short_ = short_.value_or(index);
      wants_ = std::max(wants_, first + sectors);
    }
    out_.add({{}, static_cast<std::uint32_t>(std::min<std::uint64_t>(sectors, kMaxSectors + 1)), index, offset, std::min(there, sectors * bytes), bytes, !piece.little_endian && !file.sound_file && track.audio()});
    return {};
  }

  const TocFile& toc_;
  const std::vector<ImageFile>& files_;
  Builder out_;
  std::optional<std::size_t> short_;  ///< the file that is
  std::uint64_t has_ = 0, wants_ = 0;
  std::vector<Need> needs_;
};

}  // namespace

const ImageExtent* ImageLayout::find(Lba at) const {
  auto after = std::upper_bound(extents.begin(), extents.end(), at, [](Lba place, const ImageExtent& extent) { return place < extent.start; });
  if (after == extents.begin()) return nullptr;
  --after;
  return at.value - after->start.value < static_cast<std::int32_t>(after->sectors) ? &*after : nullptr;
}

std::vector<std::string> files_of(const TocFile& toc) {
  std::vector<std::string> out;
  for (const TocTrack& track : toc.tracks) {
    for (const TocPiece& piece : track.pieces) {
      if (!piece.file.empty() && std::find(out.begin(), out.end(), piece.file) == out.end()) out.push_back(piece.file);
    }
  }
  return out;
}

Result<ImageLayout> lay_out(const CueSheet& sheet, const std::vector<ImageFile>& files) { return CueLayout(sheet, files).lay_out(); }
Result<ImageLayout> lay_out(const TocFile& toc, const std::vector<ImageFile>& files) { return TocLayout(toc, files).lay_out(); }

}  // namespace ghost::audiojuggler
