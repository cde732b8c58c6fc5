#include "ariascribe/tag_changes.h"

#include <algorithm>

#include "ariascribe/catalogue_number.h"
#include "ariascribe/composer_names.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

/// A field less sure than this is not written, whatever the rest is.
constexpr double kWorthWriting = 0.8;

class Changes {
 public:
  Changes(const std::vector<Tag>& tags, const Identification& found) : tags_(tags), found_(found) {}

  std::vector<TagChange> run() {
    title();
    set("COMPOSER", found_.composer, "composer");
    set("WORK", found_.work, "work");
    set("MOVEMENTNAME", found_.movement, "movement");
    if (found_.movement_no > 0) {
      set("MOVEMENT", std::to_string(found_.movement_no), "movement_no");
      if (found_.movement_count >= found_.movement_no) set("MOVEMENTTOTAL", std::to_string(found_.movement_count), "movement_no");
    }
    numbers();
    set("KEY", found_.key, "key");
    set("ARRANGER", found_.arranger, "arranger");
    performers();
    return std::move(changes_);
  }

 private:
  const FieldReason* reason(std::string_view field) const {
    const auto each = std::find_if(found_.reasons.begin(), found_.reasons.end(), [&](const FieldReason& told) { return told.field == field; });
    return each == found_.reasons.end() ? nullptr : &*each;
  }
  void set(std::string_view tag, const std::string& value, std::string_view field) {
    if (!value.empty()) set_all(tag, {value}, field);
  }
  void set_all(std::string_view tag, std::vector<std::string> values, std::string_view field) {
    const FieldReason* why = reason(field);
    if (values.empty() || !why || why->confidence < kWorthWriting) return;
    add(tag, std::move(values), why->confidence, why->reason);
  }
  void add(std::string_view tag, std::vector<std::string> values, double confidence, std::string why) {
    TagChange change{std::string(tag), values_of(tags_, tag), std::move(values), confidence, std::move(why)};
    if (change.before != change.after) changes_.push_back(std::move(change));
  }

  void title() {
    const FieldReason* why = reason("work");
    if (found_.work.empty() || !why || why->confidence < kWorthWriting) return;
    std::string text = found_.work;
    if (!found_.movement.empty() || found_.movement_no > 0) {
      text += ": ";
      if (found_.movement_no > 0) text += roman_text(found_.movement_no) + (found_.movement.empty() ? "" : ". ");
      text += found_.movement;
    }
    const std::string before = first_value(tags_, "TITLE");
    if (before == text) return;
    if (!before.empty() && first_value(tags_, "ORIGINALTITLE").empty()) add("ORIGINALTITLE", {before}, 1, "what the title was");
    add("TITLE", {text}, why->confidence, "work and movement");
  }

  void numbers() {
    std::vector<std::string> opus, all;
    for (const std::string& text : found_.catalogue) {
      const auto number = parse_catalogue_number(text);
      if (!number) continue;
      all.push_back(display(*number));
      if (number->code == "op" || number->code == "woo") opus.push_back(display(*number));
    }
    set_all("CATALOGUENUMBER", std::move(all), "catalogue");
    set_all("OPUS", std::move(opus), "catalogue");
  }

  void performers() {
    const FieldReason* why = reason("performers");
    if (!why || why->confidence < kWorthWriting) return;
    std::vector<std::string> conductors, groups, players = values_of(tags_, "PERFORMER");
    // "Town Players; A. B., piano" in one value: those named in it get a tag each.
    std::erase_if(players, [&](const std::string& text) {
      const std::string folded = fold(text);
      const bool several = folded.find(';') != std::string::npos || folded.find(" feat") != std::string::npos;
      return several && std::any_of(found_.performers.begin(), found_.performers.end(), [&](const Performer& each) { return folded.find(fold(each.name)) != std::string::npos; });
    });
    for (const Performer& each : found_.performers) {
      if (each.role == "conductor") conductors.push_back(each.name);
      else if (each.role == "orchestra" || each.role == "choir" || each.role == "ensemble") groups.push_back(each.name);
      else add_player(players, each);
    }
    if (!conductors.empty()) add("CONDUCTOR", std::move(conductors), why->confidence, why->reason);
    if (!groups.empty()) add("ENSEMBLE", std::move(groups), why->confidence, why->reason);
    if (!players.empty()) add("PERFORMER", std::move(players), why->confidence, why->reason);
  }
  /// "Name (instrument)" in place of the same name without one, or at the end.
  static void add_player(std::vector<std::string>& players, const Performer& each) {
    const std::string text = each.instrument.empty() ? each.name : each.name + " (" + each.instrument + ")";
    for (std::string& there : players) {
      if (fold(plain_name(there)) != fold(plain_name(each.name))) continue;
      if (there.find('(') == std::string::npos) there = text;
      return;
    }
    players.push_back(text);
  }

  const std::vector<Tag>& tags_;
  const Identification& found_;
  std::vector<TagChange> changes_;
};

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : "; ") + value;
  return all;
}

}  // namespace

TrackInput track_of_tags(const std::vector<Tag>& tags) {
  TrackInput track;
  track.title = first_value(tags, "TITLE");
  track.album = first_value(tags, "ALBUM");
  track.artist = joined(values_of(tags, "ARTIST"));
  track.composer = first_value(tags, "COMPOSER");
  track.performer = joined(values_of(tags, "PERFORMER"));
  track.conductor = first_value(tags, "CONDUCTOR");
  track.ensemble = joined(values_of(tags, "ENSEMBLE"));
  track.songwriter = first_value(tags, "LYRICIST");
  const std::string number = first_value(tags, "TRACKNUMBER");
  for (const char c : number) {
    if (c < '0' || c > '9' || track.track_number > 999) break;
    track.track_number = track.track_number * 10 + (c - '0');
  }
  return track;
}

std::vector<TagChange> tag_changes(const std::vector<Tag>& tags, const Identification& found) { return Changes(tags, found).run(); }

std::vector<Tag> with_changes(std::vector<Tag> tags, const std::vector<TagChange>& changes) {
  for (const TagChange& change : changes) tags = with_values(std::move(tags), change.tag, change.after);
  return tags;
}

}  // namespace ghost::ariascribe
