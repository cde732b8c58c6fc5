#include "cue_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace ghost::disc {

namespace {

std::string msf(std::uint32_t sectors) { return fmt::format("{:02}:{:02}:{:02}", sectors / 75 / 60, sectors / 75 % 60, sectors % 75); }

std::string index(int number, std::uint32_t sector) { return fmt::format("    INDEX {:02} {}\r\n", number, msf(sector)); }

void text_line(std::string& out, std::string_view indent, std::string_view name, const std::string& value) {
  if (!value.empty()) out += fmt::format("{}{} \"{}\"\r\n", indent, name, value);
}

Result<std::string> to_latin1(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.bytes == 0 || point.value > 0xff)
      return Error{Errc::malformed, "'" + printable(text.substr(0, point.bytes)) + "' has no place in ISO-8859-1, which CD-TEXT is in"};
    out += static_cast<char>(static_cast<unsigned char>(point.value));
    text.remove_prefix(point.bytes);
  }
  return out;
}

}  // namespace

Result<std::string> cue_text(const DiscPlan& plan, const std::vector<std::uint32_t>& sectors, const std::string& bin_name, CdText text) {
  std::string out;
  const bool with_text = text == CdText::yes;
  if (with_text)
    for (const std::string& remark : plan.remarks) out += "REM " + remark + "\r\n";
  if (!plan.catalog.empty()) out += "CATALOG " + plan.catalog + "\r\n";
  if (with_text) text_line(out, "", "PERFORMER", plan.performer);
  if (with_text) text_line(out, "", "TITLE", plan.title);
  out += fmt::format("FILE \"{}\" BINARY\r\n", bin_name);
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < plan.tracks.size(); ++i) {
    const PlannedTrack& track = plan.tracks[i];
    out += fmt::format("  TRACK {:02} AUDIO\r\n", i + 1);
    if (with_text) {
      text_line(out, "    ", "TITLE", track.title);
      text_line(out, "    ", "PERFORMER", track.performer);
      text_line(out, "    ", "SONGWRITER", track.songwriter);
    }
    if (!track.flags.empty()) out += fmt::format("    FLAGS {}\r\n", fmt::join(track.flags, " "));
    if (!track.isrc.empty()) out += "    ISRC " + track.isrc + "\r\n";
    if (track.pregap > 0) out += index(0, at);
    at += track.pregap;
    out += index(1, at);
    at += sectors[i];
  }
  return to_latin1(out);
}

}  // namespace ghost::disc
