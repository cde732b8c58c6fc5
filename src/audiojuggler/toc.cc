#include "audiojuggler/toc.h"

#include <algorithm>
#include <charconv>

namespace ghost::audiojuggler {

namespace {

/// The number that is all of `text`; -1 when it is none or has more digits than `most`.
int digits(std::string_view text, std::size_t most) {
  int value = -1;
  if (text.empty() || text.size() > most) return -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

}  // namespace

std::string two_digits(std::uint32_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string msf_text(std::uint32_t sectors) {
  const std::uint32_t seconds = sectors / kSectorsPerSecond;
  return two_digits(seconds / 60) + ":" + two_digits(seconds % 60) + ":" + two_digits(sectors % kSectorsPerSecond);
}

Result<std::uint32_t> parse_msf(std::string_view text) {
  const std::size_t first = text.find(':'), second = first == text.npos ? text.npos : text.find(':', first + 1);
  const Error wrong{Errc::malformed, "'" + std::string(text.substr(0, 20)) +
                                         "' is no position; write mm:ss:ff, seconds up to 59 and sectors (1/75 s) up to 74"};
  if (second == text.npos) return wrong;
  const int minutes = digits(text.substr(0, first), 3), seconds = digits(text.substr(first + 1, second - first - 1), 2),
            sectors = digits(text.substr(second + 1), 2);
  if (minutes < 0 || seconds < 0 || sectors < 0 || seconds > 59 || sectors > 74) return wrong;
  return (static_cast<std::uint32_t>(minutes) * 60 + static_cast<std::uint32_t>(seconds)) * kSectorsPerSecond +
         static_cast<std::uint32_t>(sectors);
}

Lba Toc::end_of(std::size_t index) const {
  if (index + 1 >= tracks.size()) return lead_out;
  const Track& track = tracks[index];
  const Track& next = tracks[index + 1];
  if (next.audio || !track.audio) return next.start;
  const std::uint32_t gap = next.session != track.session ? kSessionGap : next.pregap;
  return Lba(std::max(track.start.value, next.start.value - static_cast<std::int32_t>(gap)));
}

std::uint32_t Toc::sectors_of(std::size_t index) const {
  return static_cast<std::uint32_t>(std::max(0, end_of(index).value - tracks[index].start.value));
}

std::uint32_t Toc::hidden_sectors() const {
  if (tracks.empty() || !tracks[0].audio || tracks[0].start.value <= 0) return 0;
  return static_cast<std::uint32_t>(tracks[0].start.value);
}

std::size_t Toc::audio_tracks() const {
  return static_cast<std::size_t>(std::count_if(tracks.begin(), tracks.end(), [](const Track& track) { return track.audio; }));
}

const Track* Toc::find(std::uint8_t number) const {
  const auto at = std::find_if(tracks.begin(), tracks.end(), [&](const Track& track) { return track.number == number; });
  return at == tracks.end() ? nullptr : &*at;
}

Status Toc::check() const {
  if (tracks.empty()) return Error{Errc::malformed, "the table of contents has no track"};
  const Track* before = nullptr;
  for (const Track& track : tracks) {
    const std::string name = "track " + std::to_string(track.number);
    if (track.number < 1 || track.number > 99) return Error{Errc::malformed, name + ": numbers go from 1 to 99"};
    if (track.start.value < 0) return Error{Errc::malformed, name + " starts before the disc does"};
    if (before != nullptr && track.number <= before->number) return Error{Errc::malformed, name + " follows track " + std::to_string(before->number)};
    if (before != nullptr && track.start <= before->start) {
      return Error{Errc::malformed, name + " does not start after track " + std::to_string(before->number)};
    }
    before = &track;
  }
  if (lead_out <= before->start) return Error{Errc::malformed, "the disc ends before its last track starts"};
  if (lead_out.value > static_cast<std::int32_t>(kMaxSectors)) {
    return Error{Errc::malformed, "the disc would be " + std::to_string(lead_out.value) + " sectors long; a disc has at most " + std::to_string(kMaxSectors)};
  }
  return {};
}

}  // namespace ghost::audiojuggler
