#include "audiojuggler/cue_sheet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "audiojuggler/charset.h"
#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxFiles = 99 * 2;

const std::array<std::pair<std::string_view, std::string Text::*>, 6> kTexts = {{{"TITLE", &Text::title},
                                                                                {"PERFORMER", &Text::performer},
                                                                                {"SONGWRITER", &Text::songwriter},
                                                                                {"COMPOSER", &Text::composer},
                                                                                {"ARRANGER", &Text::arranger},
                                                                                {"MESSAGE", &Text::message}}};
/// Commands of CD-TEXT that nothing here uses.
const std::array<std::string_view, 6> kSkipped = {"GENRE", "DISC_ID", "TOC_INFO1", "TOC_INFO2", "UPC_EAN", "SIZE_INFO"};

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

class CueParser {
 public:
  Result<CueSheet> parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      ++number_;
      if (const Status status = line(trim(text.substr(0, end))); !status) return status.error().in("line " + std::to_string(number_));
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    if (const Status status = finish(); !status) return status.error();
    return std::move(sheet_);
  }

 private:
  static Error wrong(std::string message) { return {Errc::malformed, std::move(message)}; }

  /// The next word or quoted text of the line under way; nothing at its end.
  Result<std::optional<std::string>> word() {
    rest_ = trim(rest_);
    if (rest_.empty()) return std::optional<std::string>();
    if (rest_.front() != '"') {
      const std::size_t end = std::min(rest_.find_first_of(" \t"), rest_.size());
      std::string out(rest_.substr(0, end));
      rest_.remove_prefix(end);
      return std::optional(std::move(out));
    }
    const std::size_t end = rest_.find('"', 1);
    if (end == rest_.npos) return wrong("a quote is opened and not closed; end the text with \"");
    std::string out(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return std::optional(std::move(out));
  }

  /// The one argument of a command; a text without quotes goes to the end of the line.
  Result<std::string> argument(std::string_view command, std::string_view expected) {
    rest_ = trim(rest_);
    if (!rest_.empty() && rest_.front() != '"') return std::string(std::exchange(rest_, {}));
    auto out = word();
    if (!out) return out.error();
    if (!*out) return wrong(std::string(command) + " wants " + std::string(expected));
    return std::move(**out);
  }

  Result<std::uint8_t> small_number(std::string_view command, int from) {
    auto text = word();
    if (!text) return text.error();
    int value = -1;
    const std::string digits = text->value_or("");
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc() || end != digits.data() + digits.size() || value < from || value > 99) {
      return wrong(std::string(command) + " wants a number from " + std::to_string(from) + " to 99, not '" + digits.substr(0, 20) + "'");
    }
    return static_cast<std::uint8_t>(value);
  }

  Result<std::uint32_t> position(std::string_view command) {
    auto text = word();
    if (!text) return text.error();
    auto at = parse_msf(text->value_or(""));
    if (!at) return at.error().in(command);
    return *at;
  }

  Status line(std::string_view text) {
    rest_ = text;
    auto first = word();
    if (!first) return first.error();
    if (!*first) return {};
    const std::string command = upper(**first);
    if (command == "REM") return remark();
    if (command == "FILE") return file();
    if (command == "TRACK") return track();
    if (command == "INDEX") return index();
    if (command == "PREGAP" || command == "POSTGAP") return gap(command);
    if (command == "FLAGS") return flags();
    if (command == "ISRC") return isrc();
    if (command == "CATALOG") return catalog();
    if (command == "CDTEXTFILE") return cd_text_file();
    for (const auto& [name, member] : kTexts) {
      if (command == name) return set_text(command, member);
    }
    if (std::find(kSkipped.begin(), kSkipped.end(), command) != kSkipped.end()) return {};
    return unknown(**first);
  }

  Status unknown(const std::string& command) const {
    const std::vector<std::string> known = {"REM",     "FILE",      "TRACK",      "INDEX",    "PREGAP",   "POSTGAP", "FLAGS", "ISRC",
                                            "CATALOG", "CDTEXTFILE", "TITLE",      "PERFORMER", "SONGWRITER", "COMPOSER", "ARRANGER", "MESSAGE"};
    const auto meant = nearest(upper(command), known);
    return wrong("'" + printable(command.substr(0, 40)) + "' is no command of a CUE sheet" + (meant ? "; is " + *meant + " meant?" : "; is this a CUE sheet?"));
  }

  Status remark() {
    auto& remarks = sheet_.tracks.empty() ? sheet_.remarks : sheet_.tracks.back().remarks;
    if (remarks.size() < 1000) remarks.emplace_back(trim(rest_));
    return {};
  }

  Status file() {
    CueFile file;
    file.line = number_;
    // A name without quotes may hold spaces: the format is the last word.
    rest_ = trim(rest_);
    std::string format;
    if (!rest_.empty() && rest_.front() != '"') {
      const std::size_t space = rest_.find_last_of(" \t");
      if (space == rest_.npos) return wrong("FILE wants a name and a format, as in: FILE \"disc.bin\" BINARY");
      file.name = trim(rest_.substr(0, space));
      format = upper(trim(rest_.substr(space)));
    } else {
      auto name = word();
      if (!name) return name.error();
      auto last = word();
      if (!last) return last.error();
      file.name = name->value_or("");
      format = upper(last->value_or(""));
    }
    if (file.name.empty() || format.empty()) return wrong("FILE wants a name and a format, as in: FILE \"disc.bin\" BINARY");
    if (format == "BINARY") file.format = CueFormat::binary;
    else if (format == "MOTOROLA") file.format = CueFormat::motorola;
    else if (format == "WAVE" || format == "AIFF" || format == "MP3" || format == "FLAC") file.format = CueFormat::wave;
    else return wrong("FILE has the unknown format '" + format.substr(0, 20) + "'; BINARY, MOTOROLA and WAVE are read");
    if (sheet_.files.size() == kMaxFiles) return wrong("more than " + std::to_string(kMaxFiles) + " FILEs");
    sheet_.files.push_back(std::move(file));
    return {};
  }

  Status track() {
    auto number = small_number("TRACK", 1);
    if (!number) return number.error();
    if (sheet_.files.empty()) return wrong("TRACK stands before any FILE; name the file first, as in: FILE \"disc.bin\" BINARY");
    if (!sheet_.tracks.empty()) {
      if (const Status ended = end_track(); !ended) return ended;
      if (*number != sheet_.tracks.back().number + 1) {
        return wrong("TRACK " + std::to_string(*number) + " follows TRACK " + std::to_string(sheet_.tracks.back().number) + "; tracks are numbered without gaps");
      }
    }
    auto mode = word();
    if (!mode) return mode.error();
    CueTrack track;
    track.number = *number;
    track.line = number_;
    track.mode = upper(mode->value_or(""));
    if (!sector_bytes_of_mode(track.mode)) return wrong("TRACK " + std::to_string(*number) + " has the unknown mode '" + track.mode.substr(0, 20) + "'; for sound write AUDIO");
    sheet_.tracks.push_back(std::move(track));
    return {};
  }

  Status need_track(std::string_view command) const {
    if (sheet_.tracks.empty()) return wrong(std::string(command) + " stands before any TRACK");
    return {};
  }

  Status index() {
    if (const Status in = need_track("INDEX"); !in) return in;
    const auto number = small_number("INDEX", 0);
    if (!number) return number.error();
    const auto at = position("INDEX " + std::to_string(*number));
    if (!at) return at.error();
    auto& indexes = sheet_.tracks.back().indexes;
    const std::string name = "INDEX " + std::to_string(*number) + " of TRACK " + std::to_string(sheet_.tracks.back().number);
    if (indexes.empty() && *number > 1) return wrong(name + " is its first; begin with INDEX 00 or 01");
    if (!indexes.empty() && *number != indexes.back().number + 1) return wrong(name + " follows INDEX " + std::to_string(indexes.back().number));
    const CueIndex index{*number, sheet_.files.size() - 1, *at, number_};
    if (last_ && last_->file == index.file && last_->at > index.at) {
      return wrong(name + " is at " + msf_text(index.at) + ", before " + msf_text(last_->at) + " of line " + std::to_string(last_->line) + "; positions in a FILE ascend");
    }
    last_ = index;
    indexes.push_back(index);
    return {};
  }

  Status gap(const std::string& command) {
    if (const Status in = need_track(command); !in) return in;
    const auto length = position(command);
    if (!length) return length.error();
    CueTrack& track = sheet_.tracks.back();
    if (command == "PREGAP" && !track.indexes.empty()) return wrong("PREGAP of TRACK " + std::to_string(track.number) + " stands after an INDEX; it comes before");
    (command == "PREGAP" ? track.pregap : track.postgap) = *length;
    return {};
  }

  Status flags() {
    if (const Status in = need_track("FLAGS"); !in) return in;
    CueTrack& track = sheet_.tracks.back();
    for (;;) {
      auto flag = word();
      if (!flag) return flag.error();
      if (!*flag) return {};
      const std::string name = upper(**flag);
      if (name == "DCP") track.copy_permitted = true;
      else if (name == "PRE") track.pre_emphasis = true;
      else if (name == "4CH") track.four_channels = true;
      else if (name != "SCMS" && name != "DATA") return wrong("FLAGS knows DCP, PRE, 4CH, SCMS and DATA, not '" + name.substr(0, 20) + "'");
    }
  }

  Status isrc() {
    if (const Status in = need_track("ISRC"); !in) return in;
    const auto code = argument("ISRC", "12 characters");
    if (!code) return code.error();
    std::string plain = upper(*code);
    std::erase(plain, '-');
    if (!is_isrc(plain)) return wrong("ISRC '" + code->substr(0, 20) + "' is none; it has 2 letters, 3 letters or digits and 7 digits, as in DEABC2600001");
    sheet_.tracks.back().isrc = plain;
    return {};
  }

  Status catalog() {
    const auto number = argument("CATALOG", "13 digits");
    if (!number) return number.error();
    if (!is_mcn(*number)) return wrong("CATALOG '" + number->substr(0, 20) + "' is none; it has 13 digits (put a 0 before a 12-digit UPC)");
    sheet_.catalog = *number;
    return {};
  }

  Status cd_text_file() {
    auto name = argument("CDTEXTFILE", "the name of a file");
    if (!name) return name.error();
    sheet_.cd_text_file = std::move(*name);
    return {};
  }

  Status set_text(const std::string& command, std::string Text::*member) {
    auto text = argument(command, "a text");
    if (!text) return text.error();
    Text& where = sheet_.tracks.empty() ? sheet_.text : sheet_.tracks.back().text;
    where.*member = std::move(*text);
    return {};
  }

  Status end_track() const {
    const CueTrack& track = sheet_.tracks.back();
    if (!track.indexes.empty() && track.indexes.back().number >= 1) return {};
    return wrong("TRACK " + std::to_string(track.number) + " (line " + std::to_string(track.line) + ") has no INDEX 01; that is where it starts");
  }

  Status finish() {
    if (sheet_.files.empty()) return wrong("there is no FILE; a CUE sheet names its file first, as in: FILE \"disc.bin\" BINARY");
    if (sheet_.tracks.empty()) return wrong("there is no TRACK");
    return end_track();
  }

  CueSheet sheet_;
  std::size_t number_ = 0;  ///< of the line under way
  std::string_view rest_;   ///< of that line
  std::optional<CueIndex> last_;
};

std::string quoted(std::string text) {
  std::replace(text.begin(), text.end(), '"', '\'');
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "\"" + text + "\"";
}

void write_text(std::string& out, std::string_view indent, const Text& text) {
  for (const auto& [name, member] : kTexts) {
    if (!(text.*member).empty()) out += std::string(indent) + std::string(name) + " " + quoted(text.*member) + "\n";
  }
}

void write_track_head(std::string& out, const CueTrack& track) {
  out += "  TRACK " + two_digits(track.number) + " " + track.mode + "\n";
  for (const std::string& remark : track.remarks) out += "    REM " + remark + "\n";
  write_text(out, "    ", track.text);
  std::string flags;
  if (track.copy_permitted) flags += " DCP";
  if (track.four_channels) flags += " 4CH";
  if (track.pre_emphasis) flags += " PRE";
  if (!flags.empty()) out += "    FLAGS" + flags + "\n";
  if (!track.isrc.empty()) out += "    ISRC " + track.isrc + "\n";
  if (track.pregap > 0) out += "    PREGAP " + msf_text(track.pregap) + "\n";
}

}  // namespace

Result<CueSheet> parse_cue(BytesView text) {
  if (std::find(text.begin(), text.end(), std::uint8_t{0}) != text.end()) return Error{Errc::malformed, "this is no text, so no CUE sheet"};
  return CueParser().parse(to_utf8(text));
}

std::string write_cue(const CueSheet& sheet) {
  constexpr std::array<std::string_view, 3> kFormats = {"BINARY", "MOTOROLA", "WAVE"};
  std::string out;
  for (const std::string& remark : sheet.remarks) out += "REM " + remark + "\n";
  if (!sheet.catalog.empty()) out += "CATALOG " + sheet.catalog + "\n";
  if (!sheet.cd_text_file.empty()) out += "CDTEXTFILE " + quoted(sheet.cd_text_file) + "\n";
  write_text(out, "", sheet.text);
  std::size_t files = 0;
  const auto write_files = [&](std::size_t upto) {
    for (; files <= upto && files < sheet.files.size(); ++files) {
      out += "FILE " + quoted(sheet.files[files].name) + " " + std::string(kFormats[static_cast<std::size_t>(sheet.files[files].format)]) + "\n";
    }
  };
  for (const CueTrack& track : sheet.tracks) {
    if (!track.indexes.empty()) write_files(track.indexes.front().file);
    write_track_head(out, track);
    for (const CueIndex& index : track.indexes) {
      write_files(index.file);
      out += "    INDEX " + two_digits(index.number) + " " + msf_text(index.at) + "\n";
    }
    if (track.postgap > 0) out += "    POSTGAP " + msf_text(track.postgap) + "\n";
  }
  return out;
}

std::optional<std::uint32_t> sector_bytes_of_mode(std::string_view mode) {
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 8> kModes = {{{"AUDIO", 2352}, {"CDG", 2448}, {"MODE1/2048", 2048},
                                                                                {"MODE1/2352", 2352}, {"MODE2/2336", 2336}, {"MODE2/2352", 2352},
                                                                                {"CDI/2336", 2336}, {"CDI/2352", 2352}}};
  for (const auto& [name, bytes] : kModes) {
    if (name == mode) return bytes;
  }
  return std::nullopt;
}

}  // namespace ghost::audiojuggler
