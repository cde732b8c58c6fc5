// The demonstration disc's tracks against data/demo/truth.json, from what the disc says of itself and from the titles beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ariascribe/album.h"
#include "ariascribe/repertoire_lines.h"

namespace ghost::ariascribe {
namespace {

using nlohmann::json;

const std::filesystem::path kDemoFolder = GHOST_DEMO;

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(kDemoFolder / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

json answer_of(const Identification& found, const std::string& field) {
  if (field == "composer") return found.composer;
  if (field == "work") return found.work;
  if (field == "catalogue") return found.catalogue;
  if (field == "key") return found.key;
  if (field == "movement") return found.movement;
  if (field == "movement_no") return found.movement_no == 0 ? json(nullptr) : json(found.movement_no);
  json performers = json::array();
  for (const Performer& each : found.performers) performers.push_back({{"name", each.name}, {"role", each.role}, {"instrument", each.instrument.empty() ? json(nullptr) : json(each.instrument)}});
  return performers;
}

bool is_empty(const json& value) { return value.is_null() || ((value.is_array() || value.is_string()) && value.empty()) || value == json(""); }

bool is_same(const std::string& field, const json& answer, const json& wanted) {
  if (is_empty(answer) || is_empty(wanted)) return is_empty(answer) && is_empty(wanted);
  if (field == "work") return answer.get<std::string>().starts_with(wanted.get<std::string>());
  if (field != "performers") return answer == wanted;
  return answer.size() == wanted.size() && std::is_permutation(answer.begin(), answer.end(), wanted.begin());
}

void expect_truth(const AlbumInput& album) {
  const auto repertoire = Repertoire::embedded();
  ASSERT_TRUE(repertoire);
  const Matcher matcher(*repertoire);
  const auto found = identify_album(matcher, album);
  std::ifstream in(kDemoFolder / "truth.json");
  const json truth = json::parse(in);
  ASSERT_EQ(found.size(), truth["tracks"].size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const json& track = truth["tracks"][i];
    for (const std::string field : {"composer", "work", "catalogue", "key", "movement_no", "movement", "performers"}) {
      const json answer = answer_of(found[i], field);
      const bool hard = std::any_of(track["hard"].begin(), track["hard"].end(), [&](const json& each) { return each.get<std::string>() == field; });
      const bool other = track.contains("or") && track["or"].contains(field) && is_same(field, answer, track["or"][field]);
      EXPECT_TRUE(other || is_same(field, answer, track[field]) || (hard && is_empty(answer))) << "track " << i + 1 << ", " << field << ": " << answer << ", not " << track[field];
    }
  }
}

TEST(DemoDisc, IsRightFromTheDiscsOwnText) {
  AlbumInput album;
  std::string disc_performer;
  for (const std::string& line : lines_of("disc.txt")) {
    const auto text = trimmed(line);
    const std::size_t space = text.find(' ');
    if (text.empty() || text.front() == '#' || space == std::string_view::npos) continue;
    const auto word = text.substr(0, space);
    const std::string value(trimmed(text.substr(space)));
    if (word == "track") {
      album.tracks.emplace_back().artist = disc_performer;
      album.tracks.back().track_number = static_cast<int>(album.tracks.size());
    } else if (album.tracks.empty()) {
      if (word == "title") album.album = value;
      if (word == "performer") disc_performer = value;
    } else if (word == "title") {
      album.tracks.back().title = value;
    } else if (word == "performer") {
      album.tracks.back().artist = album.tracks.back().performer = value;
    } else if (word == "songwriter") {
      album.tracks.back().songwriter = value;
    }
  }
  expect_truth(album);
}

TEST(DemoDisc, IsRightFromTheTitlesBesideIt) {
  AlbumInput album;
  for (const std::string& line : lines_of("titles.txt")) {
    if (line.starts_with("disc:")) {
      album.album = trimmed(std::string_view(line).substr(5));
      continue;
    }
    album.tracks.emplace_back().title = line;
  }
  expect_truth(album);
}

}  // namespace
}  // namespace ghost::ariascribe
