#include "ariascribe/audit.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "ariascribe/tag_names.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr double kSurelyThisComposer = 0.99;
/// More movements than any work has: a larger number is a mistake, and not one to be counted up to.
constexpr int kMostMovements = 200;

int whole_number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 && value <= kMostMovements ? value : 0;
}

std::string listed(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

/// The movements of one work in a folder.
struct Movements {
  std::string path;
  std::size_t files = 0;
  int total = 0;
  std::map<int, int> times;
};

}  // namespace

std::string_view name(FindingKind kind) {
  constexpr std::string_view kKinds[] = {"missing_composer", "movement_gap", "two_names", "wrong_field"};
  return kKinds[static_cast<std::size_t>(kind)];
}

std::vector<Finding> Audit::add_folder(const std::string& folder, const std::vector<Track>& tracks) {
  std::vector<Finding> found;
  const auto lacks_composer = [](const Track& track) { return first_value(track.tags, "COMPOSER").empty(); };
  const auto lacking = static_cast<std::size_t>(std::count_if(tracks.begin(), tracks.end(), lacks_composer));
  if (lacking == tracks.size() && lacking > 1) {
    found.push_back({FindingKind::missing_composer, folder, lacking, "none of " + std::to_string(lacking) + " files names a composer"});
  } else {
    for (const Track& track : tracks) {
      if (lacks_composer(track)) found.push_back({FindingKind::missing_composer, track.path, 1, "no composer is named"});
    }
  }
  check_movements(folder, tracks, found);
  for (const Track& track : tracks) {
    check_fields(track, found);
    note_people(track);
  }
  return found;
}

void Audit::check_movements(const std::string& folder, const std::vector<Track>& tracks, std::vector<Finding>& found) const {
  // A second recording of a work on another disc of the folder, or by others, is no second time.
  std::map<std::string, Movements> works;
  for (const Track& track : tracks) {
    const std::string work = first_value(track.tags, "WORK");
    const int number = whole_number(first_value(track.tags, "MOVEMENT"));
    if (work.empty() || number == 0) continue;
    Movements& each = works[work + '\n' + first_value(track.tags, "COMPOSER") + '\n' + first_value(track.tags, "ALBUM") + '\n' + first_value(track.tags, "DISCNUMBER")];
    if (each.files++ == 0) each.path = track.path;
    each.total = std::max({each.total, number, whole_number(first_value(track.tags, "MOVEMENTTOTAL"))});
    ++each.times[number];
  }
  for (const auto& [key, work] : works) {
    std::vector<int> missing, twice;
    for (int number = 1; number <= work.total; ++number) {
      const auto times = work.times.find(number);
      if (times == work.times.end()) missing.push_back(number);
      else if (times->second > 1) twice.push_back(number);
    }
    const std::string title = key.substr(0, key.find('\n'));
    if (!missing.empty()) found.push_back({FindingKind::movement_gap, folder, work.files, title + ": of " + std::to_string(work.total) + " movements there is no " + listed(missing)});
    // All of them twice are two recordings; some twice are a mistake.
    if (!twice.empty() && twice.size() < work.times.size()) found.push_back({FindingKind::movement_gap, folder, work.files, title + ": movement " + listed(twice) + " is there twice"});
  }
}

void Audit::check_fields(const Track& track, std::vector<Finding>& found) const {
  const auto tell = [&](std::string message) { found.push_back({FindingKind::wrong_field, track.path, 1, std::move(message)}); };
  for (const std::string& conductor : values_of(track.tags, "CONDUCTOR")) {
    if (const auto role = group_role(conductor); role && performers_.known(conductor) == nullptr) tell("CONDUCTOR is '" + conductor + "', by its name of the role " + std::string(*role));
    else if (const KnownPerformer* known = performers_.known(conductor); known != nullptr && (known->role == "orchestra" || known->role == "choir" || known->role == "ensemble")) tell("CONDUCTOR is '" + conductor + "', which is of the role " + known->role);
  }
  for (const char* field : {"ENSEMBLE", "PERFORMER"}) {
    for (const std::string& value : values_of(track.tags, field)) {
      const Player player = player_of(value);
      const KnownPerformer* known = performers_.known(player.name);
      if (known != nullptr && known->role == "conductor" && player.instrument.empty()) tell(std::string(field) + " is '" + value + "', who is a conductor");
      else if (known != nullptr && known->role == "soloist" && std::string_view(field) == "ENSEMBLE") tell("ENSEMBLE is '" + value + "', who is a soloist");
    }
  }
  for (const std::string& composer : values_of(track.tags, "COMPOSER")) {
    if (!names_.resolve(composer).empty()) continue;
    const KnownPerformer* known = performers_.known(composer);
    if (known != nullptr) tell("COMPOSER is '" + composer + "', known as " + known->role + (known->instrument.empty() ? "" : " (" + known->instrument + ")"));
    else if (const auto role = group_role(composer)) tell("COMPOSER is '" + composer + "', by its name of the role " + std::string(*role));
  }
}

void Audit::note_people(const Track& track) {
  std::set<std::string> told;
  for (const char* field : {"COMPOSER", "ARRANGER", "CONDUCTOR", "PERFORMER"}) {
    for (const std::string& value : values_of(track.tags, field)) {
      const std::string name = player_of(value).name;
      if (name.empty() || name.find(';') != std::string::npos || !told.insert(field + name).second) continue;
      note_person(name, std::string_view(field) == "COMPOSER", track.path);
    }
  }
}

/// The key is the person the repertoire knows, else the name with the given names in front, folded.
void Audit::note_person(const std::string& name, bool composer, const std::string& path) {
  std::string& key = keys_[{composer, name}];
  if (key.empty()) {
    std::string canonical;
    const KnownPerformer* known = performers_.known(name);
    if (composer) {
      const auto matches = names_.resolve(name);
      if (!matches.empty() && matches.front().certainty >= kSurelyThisComposer) canonical = repertoire_.composer(matches.front().composer).name;
    } else if (known != nullptr) {
      canonical = known->name;
    }
    if (!canonical.empty()) {
      key = "known " + canonical;
    } else {
      key = "other " + fold(plain_name(name));
    }
    people_[key].canonical = canonical;
  }
  Spelling& spelling = people_[key].spellings[name];
  if (spelling.files++ == 0) spelling.first_path = path;
}

std::vector<Finding> Audit::finish() const {
  std::vector<Finding> found;
  for (const auto& [key, person] : people_) {
    if (person.spellings.size() < 2) continue;
    // The repertoire's spelling is meant, else the one that most files have.
    auto most = person.spellings.find(person.canonical);
    if (most == person.spellings.end()) most = std::max_element(person.spellings.begin(), person.spellings.end(), [](const auto& a, const auto& b) { return a.second.files < b.second.files; });
    std::string others;
    std::size_t files = 0;
    std::string path;
    for (const auto& [spelling, of] : person.spellings) {
      if (spelling == most->first) continue;
      others += (others.empty() ? "'" : ", '") + spelling + "' (" + std::to_string(of.files) + ")";
      files += of.files;
      if (path.empty()) path = of.first_path;
    }
    found.push_back({FindingKind::two_names, path, files, "'" + most->first + "' (" + std::to_string(most->second.files) + (most->second.files == 1 ? " file" : " files") + ") is also written " + others});
  }
  return found;
}

}  // namespace ghost::ariascribe
