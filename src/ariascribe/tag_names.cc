#include "ariascribe/tag_names.h"

#include <algorithm>

#include "ariascribe/tags.h"

namespace ghost::ariascribe {

namespace {

constexpr TagName kNames[] = {
    {"TITLE", "TIT2", "TT2", "\xa9nam", ""},
    {"WORK", "TIT1", "TT1", "\xa9wrk", ""},
    {"MOVEMENTNAME", "MVNM", "MVN", "\xa9mvn", ""},
    {"MOVEMENT", "MVIN", "MVI", "\xa9mvi", "MOVEMENTTOTAL"},
    {"SUBTITLE", "TIT3", "TT3", "", ""},
    {"ALBUM", "TALB", "TAL", "\xa9""alb", ""},
    {"ARTIST", "TPE1", "TP1", "\xa9""ART", ""},
    {"ALBUMARTIST", "TPE2", "TP2", "aART", ""},
    {"CONDUCTOR", "TPE3", "TP3", "", ""},
    {"REMIXER", "TPE4", "TP4", "", ""},
    {"COMPOSER", "TCOM", "TCM", "\xa9wrt", ""},
    {"LYRICIST", "TEXT", "TXT", "", ""},
    {"KEY", "TKEY", "TKE", "", ""},
    {"TRACKNUMBER", "TRCK", "TRK", "trkn", "TRACKTOTAL"},
    {"DISCNUMBER", "TPOS", "TPA", "disk", "DISCTOTAL"},
    {"DISCSUBTITLE", "TSST", "", "", ""},
    {"GENRE", "TCON", "TCO", "\xa9gen", ""},
    {"GROUPING", "GRP1", "GP1", "\xa9grp", ""},
    {"ISRC", "TSRC", "TRC", "", ""},
    {"LABEL", "TPUB", "TPB", "", ""},
    {"COPYRIGHT", "TCOP", "TCR", "cprt", ""},
    {"LANGUAGE", "TLAN", "TLA", "", ""},
    {"MEDIA", "TMED", "TMT", "", ""},
    {"BPM", "TBPM", "TBP", "", ""},
    {"ENCODEDBY", "TENC", "TEN", "", ""},
    {"COMPILATION", "TCMP", "TCP", "", ""},
    {"TITLESORT", "TSOT", "TST", "sonm", ""},
    {"ALBUMSORT", "TSOA", "TSA", "soal", ""},
    {"ARTISTSORT", "TSOP", "TSP", "soar", ""},
    {"ALBUMARTISTSORT", "TSO2", "TS2", "soaa", ""},
    {"COMPOSERSORT", "TSOC", "TSC", "soco", ""},
};

}  // namespace

std::span<const TagName> tag_names() { return kNames; }

const TagName* tag_name(std::string_view name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const TagName& each) { return same_name(each.name, name); });
  return found == std::end(kNames) ? nullptr : found;
}

const TagName* tag_name_of_total(std::string_view name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const TagName& each) { return !each.total.empty() && same_name(each.total, name); });
  return found == std::end(kNames) ? nullptr : found;
}

std::string short_key(std::string_view key) {
  const std::size_t space = key.find(' ');
  const std::string_view tonic = key.substr(0, space), mode = space == std::string_view::npos ? "" : key.substr(space + 1);
  const bool note = !tonic.empty() && tonic.size() <= 2 && tonic[0] >= 'A' && tonic[0] <= 'G' && (tonic.size() == 1 || tonic[1] == '#' || tonic[1] == 'b');
  if (!note || (mode != "major" && mode != "minor")) return "";
  return std::string(tonic) + (mode == "minor" ? "m" : "");
}

std::string long_key(std::string_view text) {
  const bool minor = text.ends_with('m');
  const std::string key = std::string(minor ? text.substr(0, text.size() - 1) : text) + (minor ? " minor" : " major");
  return short_key(key) == text ? key : std::string(text);
}

Player player_of(const std::string& text) {
  const std::size_t open = text.rfind(" (");
  if (open == std::string::npos || open == 0 || !text.ends_with(')') || open + 3 >= text.size()) return {text, ""};
  return {text.substr(0, open), text.substr(open + 2, text.size() - open - 3)};
}

std::string text_of(const Player& player) { return player.instrument.empty() ? player.name : player.name + " (" + player.instrument + ")"; }

}  // namespace ghost::ariascribe
