#include "ariascribe/enhancer_service.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace ghost::ariascribe {

namespace {

/// The number at the beginning of "3", "03" and "3/12"; 0 when there is none.
int leading_digits(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Longer values are pictures: of no use here, and many of them would fill the memory.
constexpr std::size_t kLongestKept = 4096;

/// The files folder by folder, each in the order of disc and track. The keys are worked out once: a library has 100,000 files.
std::vector<FileProposal> in_order(std::vector<FileProposal> files) {
  using Key = std::tuple<std::string, int, int, std::string, std::size_t>;
  std::vector<Key> keys;
  keys.reserve(files.size());
  for (const FileProposal& each : files) {
    const auto number = [&](std::string_view tag) { return leading_digits(first_value(each.file.tags, tag)); };
    keys.emplace_back(each.path.parent_path().string(), number("DISCNUMBER"), number("TRACKNUMBER"), each.path.string(), keys.size());
  }
  std::sort(keys.begin(), keys.end());
  std::vector<FileProposal> sorted;
  sorted.reserve(files.size());
  for (const Key& key : keys) sorted.push_back(std::move(files[std::get<4>(key)]));
  return sorted;
}

bool is_written(Band band, Reach reach) { return band == Band::apply || (band == Band::review && reach == Reach::apply_and_review); }

void judge_folder(const Matcher& matcher, std::span<FileProposal*> files, Reach reach) {
  AlbumInput album;
  for (const FileProposal* file : files) album.tracks.push_back(track_of_tags(file->file.tags));
  album.album = album.tracks.front().album;
  const auto found = identify_album(matcher, album);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i]->found = found[i];
    if (is_written(found[i].band, reach)) files[i]->changes = tag_changes(files[i]->file.tags, found[i]);
  }
}

}  // namespace

Result<std::vector<FileProposal>> propose(const Matcher& matcher, const std::vector<std::filesystem::path>& places, Reach reach) {
  const auto paths = tagged_files(places);
  if (!paths) return paths.error();
  std::vector<FileProposal> proposals;
  for (const auto& path : *paths) {
    FileProposal& each = proposals.emplace_back();
    each.path = path;
    auto file = read_tags(path);
    if (!file) {
      each.problem = file.error().message;
      continue;
    }
    each.file = std::move(*file);
    std::erase_if(each.file.tags, [](const Tag& tag) { return tag.value.size() > kLongestKept; });
    each.title_before = first_value(each.file.tags, "TITLE");
  }
  std::vector<FileProposal> sorted = in_order(std::move(proposals));
  std::vector<FileProposal*> folder;
  for (FileProposal& each : sorted) {
    if (!each.problem.empty()) continue;
    if (!folder.empty() && folder.front()->path.parent_path() != each.path.parent_path()) {
      judge_folder(matcher, folder, reach);
      folder.clear();
    }
    folder.push_back(&each);
  }
  if (!folder.empty()) judge_folder(matcher, folder, reach);
  return sorted;
}

Result<CommitSummary> commit(Journal& journal, const std::vector<FileProposal>& proposals) {
  std::vector<Rewrite> files;
  for (const FileProposal& each : proposals) {
    if (each.changes.empty()) continue;
    files.push_back({each.path, each.file.identity, [&](std::vector<Tag> tags) { return with_changes(std::move(tags), each.changes); }});
  }
  if (files.empty()) return CommitSummary{};
  return journal.commit(files);
}

}  // namespace ghost::ariascribe
