#include "audiojuggler/toc_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "audiojuggler/charset.h"
#include "base/text.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxPieces = 10'000;

struct Token {
  enum class Kind : std::uint8_t { end, word, text, open, close, colon, comma } kind = Kind::end;
  std::string text = {};
  std::size_t line = 0;
};

/// Cuts the file into words, quoted texts and braces; comments go.
class Lexer {
 public:
  explicit Lexer(BytesView text) : text_(as_text(text)) {}

  Result<Token> next() {
    skip();
    Token token;
    token.line = line_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"') return quoted();
    const auto single = std::string_view("{},").find(c);
    if (single != std::string_view::npos) {
      constexpr std::array<Token::Kind, 3> kKinds = {Token::Kind::open, Token::Kind::close, Token::Kind::comma};
      token.kind = kKinds[single];
      ++at_;
      return token;
    }
    const std::size_t from = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n{},\"").find(text_[at_]) == std::string_view::npos) ++at_;
    token.kind = Token::Kind::word;
    token.text = text_.substr(from, at_ - from);
    return token;
  }

 private:
  void skip() {
    for (;;) {
      while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) line_ += text_[at_++] == '\n';
      if (text_.substr(at_, 2) != "//") return;
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
  }

  Result<Token> quoted() {
    Token token{Token::Kind::text, {}, line_};
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        token.text = to_utf8(as_bytes(token.text));
        return token;
      }
      if (c == '\n') break;
      if (c != '\\' || at_ + 1 == text_.size()) {
        token.text += c;
        continue;
      }
      if (const int code = octal(); code >= 0) token.text += static_cast<char>(static_cast<unsigned char>(code));
      else token.text += text_[++at_];
    }
    return Error{Errc::malformed, "line " + std::to_string(token.line) + ": a quote is opened and not closed; end the text with \""};
  }

  /// The value of \ooo at the place under way, which moves to its last digit; -1 when there is none.
  int octal() {
    int value = 0;
    if (at_ + 3 >= text_.size()) return -1;
    for (std::size_t i = 1; i <= 3; ++i) {
      const char digit = text_[at_ + i];
      if (digit < '0' || digit > '7') return -1;
      value = value * 8 + (digit - '0');
    }
    if (value > 255) return -1;
    at_ += 3;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
};

class TocParser {
 public:
  explicit TocParser(BytesView text) : lexer_(text) {}

  Result<TocFile> parse() {
    if (const Status first = advance(); !first) return first.error();
    while (token_.kind != Token::Kind::end) {
      if (const Status done = statement(); !done) return done.error();
    }
    if (file_.tracks.empty()) return wrong("there is no TRACK; is this a TOC file of cdrdao?");
    for (const TocTrack& track : file_.tracks) {
      if (track.pieces.empty()) return Error{Errc::malformed, "line " + std::to_string(track.line) + ": this TRACK has no FILE, SILENCE or ZERO"};
    }
    return std::move(file_);
  }

 private:
  Error wrong(std::string message) const { return {Errc::malformed, "line " + std::to_string(token_.line) + ": " + std::move(message)}; }

  Status advance() {
    auto next = lexer_.next();
    if (!next) return next.error();
    token_ = std::move(*next);
    return {};
  }

  bool is_word(std::string_view word) const { return token_.kind == Token::Kind::word && token_.text == word; }

  Result<std::string> take(Token::Kind kind, std::string_view what) {
    if (token_.kind != kind) return wrong(std::string(what) + " is expected here" + (token_.text.empty() ? "" : ", not '" + printable(token_.text.substr(0, 40)) + "'"));
    std::string text = std::move(token_.text);
    if (const Status next = advance(); !next) return next.error();
    return text;
  }

  Status statement() {
    const auto command = take(Token::Kind::word, "a command");
    if (!command) return command.error();
    if (*command == "CD_DA" || *command == "CD_ROM" || *command == "CD_ROM_XA" || *command == "CD_I") return {};
    if (*command == "CD_TEXT") return cd_text(file_.tracks.empty() ? nullptr : &file_.tracks.back());
    if (*command == "CATALOG") return catalog();
    if (*command == "TRACK") return track();
    if (file_.tracks.empty()) return wrong("'" + printable(command->substr(0, 40)) + "' stands before any TRACK, and is none of CD_DA, CATALOG, CD_TEXT; is this a TOC file of cdrdao?");
    return in_track(*command, file_.tracks.back());
  }

  Status catalog() {
    auto number = take(Token::Kind::text, "the catalogue number in quotes");
    if (!number) return number.error();
    if (!is_mcn(*number)) return wrong("CATALOG '" + number->substr(0, 20) + "' is none; it has 13 digits");
    file_.catalog = std::move(*number);
    return {};
  }

  Status track() {
    if (file_.tracks.size() == 99) return wrong("a disc has at most 99 tracks");
    TocTrack track;
    track.line = token_.line;
    auto mode = take(Token::Kind::word, "the track's mode, AUDIO,");
    if (!mode) return mode.error();
    track.mode = std::move(*mode);
    if (track.mode != "AUDIO" && !track.mode.starts_with("MODE")) return wrong("TRACK has the unknown mode '" + track.mode.substr(0, 20) + "'; for sound write AUDIO");
    if (is_word("RW") || is_word("RW_RAW")) {
      if (const Status next = advance(); !next) return next;
    }
    file_.tracks.push_back(std::move(track));
    return {};
  }

  Status in_track(const std::string& command, TocTrack& track) {
    if (command == "NO") {
      const auto what = take(Token::Kind::word, "COPY or PRE_EMPHASIS");
      if (!what) return what.error();
      return set_flag(*what, track, false);
    }
    if (command == "ISRC") return isrc(track);
    if (command == "SILENCE" || command == "ZERO") return silence(track);
    if (command == "FILE" || command == "AUDIOFILE") return file(track);
    if (command == "DATAFILE" || command == "FIFO") return data_file(track);
    if (command == "START") return start(track);
    if (command == "PREGAP") return pregap(track);
    if (command == "INDEX") return index(track);
    return set_flag(command, track, true);
  }

  Status set_flag(const std::string& name, TocTrack& track, bool value) {
    if (name == "COPY") track.copy_permitted = value;
    else if (name == "PRE_EMPHASIS") track.pre_emphasis = value;
    else if (name == "FOUR_CHANNEL_AUDIO") track.four_channels = value;
    else if (name != "TWO_CHANNEL_AUDIO") return wrong("'" + printable(name.substr(0, 40)) + "' is no command of a TOC file");
    return {};
  }

  Status isrc(TocTrack& track) {
    auto code = take(Token::Kind::text, "the ISRC in quotes");
    if (!code) return code.error();
    if (!is_isrc(*code)) return wrong("ISRC '" + code->substr(0, 20) + "' is none; it has 2 letters, 3 letters or digits and 7 digits");
    track.isrc = std::move(*code);
    return {};
  }

  bool at_length() const {
    return token_.kind == Token::Kind::word && !token_.text.empty() && token_.text[0] >= '0' && token_.text[0] <= '9';
  }

  /// mm:ss:ff, or a number of PCM frames; in frames.
  Result<std::uint64_t> length() {
    if (!at_length()) return wrong("a length is expected here: mm:ss:ff, or a number of samples");
    std::uint64_t frames = 0;
    if (token_.text.find(':') != std::string::npos) {
      const auto sectors = parse_msf(token_.text);
      if (!sectors) return wrong(sectors.error().message);
      frames = std::uint64_t{*sectors} * kSectorFrames;
    } else {
      const char* const end = token_.text.data() + token_.text.size();
      const auto [stop, failed] = std::from_chars(token_.text.data(), end, frames);
      if (failed != std::errc() || stop != end || frames > std::uint64_t{kMaxSectors} * kSectorFrames) return wrong("'" + printable(token_.text.substr(0, 40)) + "' is no length");
    }
    if (const Status next = advance(); !next) return next.error();
    return frames;
  }

  Result<std::uint32_t> sectors() {
    const auto frames = length();
    if (!frames) return frames.error();
    if (*frames % kSectorFrames != 0) return wrong("this position is not on a sector (a multiple of 588 samples)");
    return static_cast<std::uint32_t>(*frames / kSectorFrames);
  }

  Status add(TocTrack& track, TocPiece piece) {
    if (++pieces_ > kMaxPieces) return wrong("more than " + std::to_string(kMaxPieces) + " pieces");
    track.pieces.push_back(std::move(piece));
    return {};
  }

  Status silence(TocTrack& track) {
    TocPiece piece;
    piece.line = token_.line;
    const auto frames = length();
    if (!frames) return frames.error();
    piece.frames = *frames;
    return add(track, std::move(piece));
  }

  Status file(TocTrack& track) {
    TocPiece piece;
    piece.line = token_.line;
    auto name = take(Token::Kind::text, "the file's name in quotes");
    if (!name) return name.error();
    piece.file = std::move(*name);
    if (is_word("SWAP")) {
      piece.little_endian = true;
      if (const Status next = advance(); !next) return next;
    }
    if (const Status offset = byte_offset(piece); !offset) return offset;
    const auto start = length();
    if (!start) return start.error();
    piece.start_frames = *start;
    if (at_length()) {
      const auto frames = length();
      if (!frames) return frames.error();
      if (*frames > 0) piece.frames = *frames;
    }
    return add(track, std::move(piece));
  }

  Status data_file(TocTrack& track) {
    TocPiece piece;
    piece.line = token_.line;
    auto name = take(Token::Kind::text, "the file's name in quotes");
    if (!name) return name.error();
    piece.file = std::move(*name);
    if (const Status offset = byte_offset(piece); !offset) return offset;
    if (at_length()) {
      const auto frames = length();
      if (!frames) return frames.error();
      piece.frames = *frames;
    }
    return add(track, std::move(piece));
  }

  Status byte_offset(TocPiece& piece) {
    if (token_.kind != Token::Kind::word || token_.text.empty() || token_.text[0] != '#') return {};
    const char* const end = token_.text.data() + token_.text.size();
    const auto [stop, failed] = std::from_chars(token_.text.data() + 1, end, piece.byte_offset);
    if (failed != std::errc() || stop != end || piece.byte_offset > (std::uint64_t{1} << 40)) return wrong("'" + printable(token_.text.substr(0, 40)) + "' is no offset in bytes");
    return advance();
  }

  Status start(TocTrack& track) {
    if (!at_length()) {
      track.start_is_here = true;
      track.start_pieces = track.pieces.size();
      return {};
    }
    const auto at = sectors();
    if (!at) return at.error();
    track.pregap = *at;
    return {};
  }

  Status pregap(TocTrack& track) {
    if (!track.pieces.empty()) return wrong("PREGAP stands after the track's first piece; it comes before");
    TocPiece piece;
    piece.line = token_.line;
    const auto length_of = sectors();
    if (!length_of) return length_of.error();
    track.pregap = *length_of;
    piece.frames = std::uint64_t{*length_of} * kSectorFrames;
    return add(track, std::move(piece));
  }

  Status index(TocTrack& track) {
    const auto at = sectors();
    if (!at) return at.error();
    if (track.indexes.size() == 98) return wrong("a track has at most 99 indexes");
    if (*at == 0 || (!track.indexes.empty() && *at <= track.indexes.back())) return wrong("INDEX " + msf_text(*at) + " is not after the one before");
    track.indexes.push_back(*at);
    return {};
  }

  /// CD_TEXT { LANGUAGE_MAP { 0 : EN } LANGUAGE 0 { TITLE "…" … } }: the first language is kept.
  Status cd_text(TocTrack* track) {
    if (const auto open = take(Token::Kind::open, "'{'"); !open) return open.error();
    bool first = true;
    while (token_.kind != Token::Kind::close) {
      const auto word = take(Token::Kind::word, "LANGUAGE, LANGUAGE_MAP or '}'");
      if (!word) return word.error();
      if (*word == "LANGUAGE_MAP") {
        if (const Status skipped = skip_block(); !skipped) return skipped;
        continue;
      }
      if (*word != "LANGUAGE") return wrong("CD_TEXT holds LANGUAGE_MAP and LANGUAGE, not '" + printable(word->substr(0, 40)) + "'");
      if (const auto number = take(Token::Kind::word, "the language's number"); !number) return number.error();
      Text skipped_text;
      Text& text = !first ? skipped_text : track == nullptr ? file_.text : track->text;
      if (const Status done = language(text, first && track != nullptr ? &track->isrc : nullptr); !done) return done;
      first = false;
    }
    return advance();
  }

  Status language(Text& text, std::string* isrc) {
    if (const auto open = take(Token::Kind::open, "'{'"); !open) return open.error();
    while (token_.kind != Token::Kind::close) {
      const auto field = take(Token::Kind::word, "a field of CD-TEXT or '}'");
      if (!field) return field.error();
      if (token_.kind == Token::Kind::open) {  // binary: SIZE_INFO, TOC_INFO1, GENRE
        if (const Status skipped = skip_block(); !skipped) return skipped;
        continue;
      }
      if (field->starts_with("ENCODING")) continue;
      auto value = take(Token::Kind::text, "a text in quotes");
      if (!value) return value.error();
      set(text, isrc, *field, std::move(*value));
    }
    return advance();
  }

  static void set(Text& text, std::string* isrc, std::string_view field, std::string value) {
    if (field == "TITLE") text.title = std::move(value);
    else if (field == "PERFORMER") text.performer = std::move(value);
    else if (field == "SONGWRITER") text.songwriter = std::move(value);
    else if (field == "COMPOSER") text.composer = std::move(value);
    else if (field == "ARRANGER") text.arranger = std::move(value);
    else if (field == "MESSAGE") text.message = std::move(value);
    else if (field == "ISRC" && isrc != nullptr && isrc->empty() && is_isrc(value)) *isrc = std::move(value);
  }

  Status skip_block() {
    if (const auto open = take(Token::Kind::open, "'{'"); !open) return open.error();
    while (token_.kind != Token::Kind::close) {
      if (token_.kind == Token::Kind::end || token_.kind == Token::Kind::open) return wrong("'}' is expected here");
      if (const Status next = advance(); !next) return next;
    }
    return advance();
  }

  Lexer lexer_;
  Token token_;
  TocFile file_;
  std::size_t pieces_ = 0;
};

}  // namespace

Result<TocFile> parse_toc_file(BytesView text) {
  if (std::find(text.begin(), text.end(), std::uint8_t{0}) != text.end()) return Error{Errc::malformed, "this is no text, so no TOC file"};
  return TocParser(text).parse();
}

}  // namespace ghost::audiojuggler
