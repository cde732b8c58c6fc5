#include "ariascribe/asides.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ariascribe/repertoire_lines.h"
#include "ariascribe/tokens.h"

namespace ghost::ariascribe {

namespace {

constexpr auto kNoise = std::to_array<std::string_view>({"album", "arr", "audio", "bonus", "broadcast", "cd", "digital", "digitally", "disc", "disk", "edit", "encore", "excerpts", "explicit", "hd", "hq", "instrumental", "live", "mono", "montage", "official", "radio", "recorded", "recording", "remaster", "remastered", "remasterise", "restored", "score", "single", "stereo", "studio", "take", "track", "transfer", "video", "vinyl", "zugabe"});
constexpr auto kArranging = std::to_array<std::string_view>({"arr", "arrangement", "arranged", "arrang", "bearb", "bearbeitung", "orch", "orchestrated", "orchestration", "trans", "transc", "transcr", "transcribed", "transcription", "transkription"});

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

enum class Aside : unsigned char { kept, noise, performers, arranger };

Aside kind_of(const std::vector<Token>& tokens) {
  bool noise = false;
  for (const Token& token : tokens) {
    if (token.is("feat") || token.is("featuring") || token.is("ft")) return Aside::performers;
    if (token.is_word() && holds(kArranging, token.text)) return Aside::arranger;
    noise |= token.is_word() && holds(kNoise, token.text);
  }
  return noise && tokens.size() <= 8 ? Aside::noise : Aside::kept;
}

/// "arr. for piano by F. Busoni" → "F. Busoni"; "" when nobody is named.
std::string arranger_in(std::string_view text, const std::vector<Token>& tokens) {
  std::size_t first = 0;
  while (first < tokens.size() && !(tokens[first].is_word() && holds(kArranging, tokens[first].text))) ++first;
  std::size_t after = first + 1;
  for (std::size_t i = first + 1; i < tokens.size(); ++i) {
    if (tokens[i].is("by") || tokens[i].is("von") || tokens[i].is("par") || tokens[i].is("da")) {
      after = i + 1;
      break;
    }
  }
  while (after < tokens.size() && !tokens[after].is_word()) ++after;
  if (after >= tokens.size() || !tokens[after].upper) {
    // "Liszt transcription": the name stands in front.
    if (first > 0 && tokens[0].upper) return std::string(text_of(text, std::span(tokens).first(first)));
    return {};
  }
  std::size_t last = after;
  while (last < tokens.size() && (tokens[last].is_word() ? tokens[last].upper || tokens[last].text.size() <= 3 : tokens[last].is_mark('.') || tokens[last].is_mark('-') || tokens[last].is_mark('\'')) &&
         !tokens[last].is("for") && !tokens[last].is("fur"))
    ++last;
  return std::string(text_of(text, std::span(tokens).subspan(after, last - after)));
}

}  // namespace

WithoutAsides take_off_asides(std::string_view title) {
  WithoutAsides out;
  const auto take = [&](std::string_view inside, std::string_view whole) {
    const auto tokens = tokenise(inside);
    switch (kind_of(tokens)) {
      case Aside::kept: out.text += whole; return;
      case Aside::noise: return;
      case Aside::performers: out.performers = trimmed(inside); return;
      case Aside::arranger:
        out.arranger = arranger_in(inside, tokens);
        return;
    }
  };
  while (!title.empty()) {
    const std::size_t open = title.find_first_of("([");
    out.text += title.substr(0, open);
    if (open == std::string_view::npos) break;
    title.remove_prefix(open);
    int depth = 0;
    std::size_t end = 0;
    for (; end < title.size(); ++end) {
      if (title[end] == '(' || title[end] == '[') ++depth;
      if ((title[end] == ')' || title[end] == ']') && --depth == 0) break;
    }
    const bool closed = end < title.size();
    const std::string_view inside = title.substr(1, end - 1);
    take(inside, title.substr(0, closed ? end + 1 : title.size()));
    title.remove_prefix(closed ? end + 1 : title.size());
  }
  if (!out.performers.empty()) return out;
  for (const std::string_view word : {" feat. ", " feat ", " featuring ", " ft. "}) {
    const std::size_t at = out.text.find(word);
    if (at == std::string::npos) continue;
    out.performers = out.text.substr(at + 1);
    out.text.resize(at);
    break;
  }
  for (const std::string_view word : {" - arr. ", ", arr. ", " arr. ", " - transcr. ", ", transcr. ", " transcr. ", " - orch. ", ", orch. "}) {
    const std::size_t at = out.text.find(word);
    if (at == std::string::npos || !out.arranger.empty()) continue;
    const std::string rest = out.text.substr(at);
    out.arranger = arranger_in(rest, tokenise(rest));
    if (!out.arranger.empty()) out.text.resize(at);
  }
  return out;
}

}  // namespace ghost::ariascribe
