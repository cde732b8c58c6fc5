#include "ariascribe/id3_tags.h"

#include <algorithm>

#include "ariascribe/tag_names.h"
#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

struct Function {
  std::string_view role, name;
};
/// Those of TIPL's and IPLS' roles that have a name of their own; read in any case, written as TagLib knows them.
constexpr Function kFunctions[] = {{"ARRANGER", "ARRANGER"}, {"ENGINEER", "ENGINEER"}, {"PRODUCER", "PRODUCER"}, {"DJ-MIX", "DJMIXER"}, {"MIX", "MIXER"}};

const Function* function_of_role(std::string_view role) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Function& each) { return same_name(each.role, role); });
  return found == std::end(kFunctions) ? nullptr : found;
}
const Function* function_of_name(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Function& each) { return same_name(each.name, name); });
  return found == std::end(kFunctions) ? nullptr : found;
}

bool is_pairs(std::string_view id) { return id == "TMCL" || id == "TIPL" || id == "IPLS" || id == "IPL"; }
std::string_view described_id(int version) { return version == 2 ? "TXX" : "TXXX"; }
std::string_view own_id(const TagName& row, int version) { return version == 2 ? row.id3v2 : row.id3; }

/// Where a name's values are written: the frame with its own id, or "" for TXXX.
std::string frame_of(std::string_view name, int version) {
  if (same_name(name, "PERFORMER")) return version == 4 ? "TMCL" : version == 3 ? "IPLS" : "IPL";
  if (function_of_name(name) != nullptr) return version == 4 ? "TIPL" : version == 3 ? "IPLS" : "IPL";
  if (const TagName* row = tag_name(name)) return std::string(own_id(*row, version));
  if (const TagName* row = tag_name_of_total(name)) return std::string(own_id(*row, version));
  return "";
}

/// A pair as a tag; its name is "" when it is one that is not shown.
Tag tag_of_pair(std::string_view id, const std::string& role, const std::string& person) {
  const Function* function = function_of_role(role);
  if (function != nullptr && id != "TMCL") return {std::string(function->name), person, false};
  if (id == "TIPL") return {};
  return {"PERFORMER", text_of(Player{person, same_name(role, "performer") ? "" : role}), false};
}

/// A player and the role of the pair; one whose instrument would be read as another role keeps it in the name.
Player pair_of(const std::string& text) {
  const Player player = player_of(text);
  if (player.instrument.empty() || same_name(player.instrument, "performer") || function_of_role(player.instrument) != nullptr) return {text, "performer"};
  return player;
}

void add_own(std::vector<Tag>& tags, const TagName& row, const std::vector<std::string>& texts) {
  if (!row.total.empty()) {
    const NumberOfTotal numbers = number_of_total(texts.front());
    if (!numbers.number.empty()) tags.push_back({std::string(row.name), numbers.number, false});
    if (!numbers.total.empty()) tags.push_back({std::string(row.total), numbers.total, false});
    return;
  }
  for (const std::string& text : texts) tags.push_back({std::string(row.name), row.name == "KEY" ? long_key(text) : text, false});
}

/// What one frame says.
std::vector<Tag> tags_of_frame(const Id3Tag& tag, const Id3Frame& frame) {
  std::vector<Tag> tags;
  if (!id3_is_text(frame.id)) return tags;
  const auto content = id3_content(tag, frame);
  if (!content) return tags;
  std::vector<std::string> texts = id3_texts(*content);
  if (texts.empty()) return tags;
  if (frame.id == described_id(tag.version)) {
    for (std::size_t i = 1; i < texts.size(); ++i) tags.push_back({upper_name(texts.front()), texts[i], false});
  } else if (is_pairs(frame.id)) {
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
      Tag pair = tag_of_pair(frame.id, texts[i], texts[i + 1]);
      if (!pair.name.empty()) tags.push_back(std::move(pair));
    }
  } else if (frame.id == "TDRC" || frame.id == "TYER" || frame.id == "TYE") {
    tags.push_back({"DATE", texts.front(), false});
  } else if (frame.id == "TDOR" || frame.id == "TORY" || frame.id == "TOR") {
    tags.push_back({"ORIGINALDATE", texts.front(), false});
  } else {
    for (const TagName& row : tag_names()) {
      if (own_id(row, tag.version) == frame.id) add_own(tags, row, texts);
    }
  }
  return tags;
}

/// What is to stand in the frame of this id, from `wanted` and, for pairs that are not named, from what stood there.
std::vector<std::string> texts_for(const Id3Tag& tag, std::string_view id, const std::vector<std::string>& names, const std::vector<Tag>& wanted) {
  std::vector<std::string> texts;
  const auto named = [&](std::string_view name) { return std::any_of(names.begin(), names.end(), [&](const std::string& each) { return same_name(each, name); }); };
  if (is_pairs(id)) {
    for (const Id3Frame& frame : tag.frames) {
      if (frame.id != id) continue;
      const auto content = id3_content(tag, frame);
      const auto old = content ? id3_texts(*content) : std::vector<std::string>{};
      for (std::size_t i = 0; i + 1 < old.size(); i += 2) {
        const Tag pair = tag_of_pair(id, old[i], old[i + 1]);
        if (pair.name.empty() || !named(pair.name)) texts.insert(texts.end(), {old[i], old[i + 1]});
      }
    }
    for (const Tag& each : wanted) {
      if (!named(each.name) || frame_of(each.name, tag.version) != id) continue;
      const Function* function = function_of_name(each.name);
      texts.insert(texts.end(), {function != nullptr ? std::string(function->role) : pair_of(each.value).instrument, function != nullptr ? each.value : pair_of(each.value).name});
    }
    return texts;
  }
  for (const TagName& row : tag_names()) {
    if (own_id(row, tag.version) != id) continue;
    texts = values_of(wanted, row.name);
    if (!row.total.empty() && !texts.empty()) texts = {text_of(NumberOfTotal{texts.front(), first_value(wanted, row.total)})};
    if (row.name != "KEY") continue;
    for (std::string& text : texts) text = short_key(text).empty() ? text : short_key(text);
  }
  return texts;
}

/// Takes out the frames `is_meant` and puts one in their place, or at the end; none when there are no texts.
template <class Meant>
void put(Id3Tag& tag, const Meant& is_meant, std::string id, const std::vector<std::string>& texts, bool empty) {
  const auto first = std::find_if(tag.frames.begin(), tag.frames.end(), is_meant);
  const auto place = first - tag.frames.begin();
  std::erase_if(tag.frames, is_meant);
  if (!empty) tag.frames.insert(tag.frames.begin() + place, id3_text_frame(tag.version, std::move(id), texts));
}

void put_described(Id3Tag& tag, const std::string& name, std::vector<std::string> values) {
  const auto is_meant = [&](const Id3Frame& frame) {
    if (frame.id != described_id(tag.version)) return false;
    const auto content = id3_content(tag, frame);
    const auto texts = content ? id3_texts(*content) : std::vector<std::string>{};
    return !texts.empty() && same_name(texts.front(), name);
  };
  const bool empty = values.empty();
  values.insert(values.begin(), name);
  put(tag, is_meant, std::string(described_id(tag.version)), values, empty);
}

std::string text_at(BytesView last, std::size_t at, std::size_t size) {
  std::string text = utf8_of_latin1(last.subspan(at, size));
  text.erase(std::min(text.size(), text.find('\0')));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

std::vector<Tag> id3_tags(const Id3Tag& tag) {
  std::vector<Tag> all;
  for (const Id3Frame& frame : tag.frames) {
    for (Tag& each : tags_of_frame(tag, frame)) all.push_back(std::move(each));
  }
  return all;
}

void set_id3_tags(Id3Tag& tag, const std::vector<std::string>& names, const std::vector<Tag>& wanted) {
  for (const std::string& name : names) {
    std::string id = frame_of(name, tag.version);
    if (same_name(name, "DATE") || same_name(name, "ORIGINALDATE")) {
      // A year in the frames of 2.2 and 2.3, a date in those of 2.4.
      const bool date = same_name(name, "DATE");
      const auto values = values_of(wanted, name);
      const auto is_date = [&](const Id3Frame& frame) { return date ? frame.id == "TDRC" || frame.id == "TYER" || frame.id == "TYE" : frame.id == "TDOR" || frame.id == "TORY" || frame.id == "TOR"; };
      id = tag.version == 2 ? (date ? "TYE" : "TOR") : tag.version == 3 && !values.empty() && values.front().size() == 4 ? (date ? "TYER" : "TORY") : (date ? "TDRC" : "TDOR");
      put(tag, is_date, id, values, values.empty());
      put_described(tag, name, {});
      continue;
    }
    const bool orphan = tag_name_of_total(name) != nullptr && values_of(wanted, tag_name_of_total(name)->name).empty();
    if (id.empty() || orphan) {
      put_described(tag, name, values_of(wanted, name));
      if (id.empty()) continue;
    } else {
      put_described(tag, name, {});
    }
    const auto texts = texts_for(tag, id, names, wanted);
    put(tag, [&](const Id3Frame& frame) { return frame.id == id; }, id, texts, texts.empty());
  }
}

std::vector<Tag> id3v1_tags(BytesView last) {
  std::vector<Tag> tags;
  if (last.size() != 128 || as_text(last.first(3)) != "TAG") return tags;
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty()) tags.push_back({std::string(name), std::move(value), false});
  };
  add("TITLE", text_at(last, 3, 30));
  add("ARTIST", text_at(last, 33, 30));
  add("ALBUM", text_at(last, 63, 30));
  add("DATE", text_at(last, 93, 4));
  if (last[125] == 0 && last[126] != 0) add("TRACKNUMBER", std::to_string(last[126]));
  return tags;
}

}  // namespace ghost::ariascribe
